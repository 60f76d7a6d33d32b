//! Requests that a client may send again: what was answered is kept with what was done, and told again.
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::{
    ids::UserId,
    sealing::{KeySubject, Place, Sealed},
    store::StoreError,
};

mod answer;
mod once;
mod repeating;
pub use answer::{Answer, Answered, KeptAnswer};
pub use once::Repeatable;
pub use repeating::{Admission, Beginning, Held, Passage, Repeating};

/// The longest key, in characters.
pub const LONGEST_KEY: usize = 255;

/// What `Refused` names when a request of this name is kept already.
pub const TAKEN: &str = "idempotency_keys_pkey";

/// How many bytes of answers are kept of one account at most, or a little more; the longest answer to an import,
/// twice over. Beyond that, nothing new is done under a key until some are over.
pub const MOST_KEPT: u64 = 32 * 1024 * 1024;

/// What an answer that is kept counts at least, however short it is.
pub const LEAST_COUNTED: u64 = 1024;

/// What a client calls a request: 1 to 255 printable characters of ASCII, spaces among them.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// `text`, when it can be a key.
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

/// Whose request it is, what it is called, and for how long its answer is told again. Of the key a
/// digest is kept: clients write into keys what they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestName {
    /// Whose.
    pub user: UserId,
    /// Stands for the user and the key: a UUID of version 8 (RFC 9562 §5.8) from their SHA-256.
    pub id: Uuid,
    kept_for: SignedDuration,
}

impl RequestName {
    /// What `user` calls `key`, for `kept_for`.
    pub fn new(user: UserId, key: &IdempotencyKey, kept_for: SignedDuration) -> Self {
        let digest = framed(&[b"huntzen idempotency key 1", user.0.as_bytes(), key.0.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self { user, id: Builder::from_custom_bytes(bytes).into_uuid(), kept_for }
    }

    /// Where the answer is sealed.
    fn place(&self) -> Place {
        Place::new("idempotency_keys", "answer", self.id)
    }

    /// Whose key seals it.
    fn subject(&self) -> KeySubject {
        KeySubject::Person(self.user)
    }
}

/// What a request asks for: the SHA-256 of its parts, each after its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// That of these parts, in this order.
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(framed(parts))
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Short contents could be guessed from it.
        f.write_str("RequestDigest(…)")
    }
}

fn framed(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// A request as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRequest {
    /// Whose.
    pub user: UserId,
    /// Its name.
    pub id: Uuid,
    /// How far it has come.
    pub state: RequestState,
    /// When it was kept first.
    pub created_at: Timestamp,
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It consists of several units of work, and somebody is at it.
    GoingOn {
        /// Who.
        by: Uuid,
        /// Until when nobody else takes it over.
        until: Timestamp,
    },
    /// It was answered; the answer is sealed under its user's key.
    Answered(Sealed),
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Nothing; whoever looks meanwhile, until this unit of work ends, finds it busy.
    Free,
    /// Nothing either, and [`MOST_KEPT`] is kept of the account.
    Full,
    /// Another unit of work has looked and goes on.
    Busy,
    /// It is kept.
    Kept(KeptRequest),
}

/// Requests with the answers that they got. A user sees and writes its own; the writer of messages
/// adds those of senders; the job that discards removes them.
pub trait IdempotencyRecords {
    /// Looks for a request of the acting account. Does not wait: of units of work that look at once one
    /// is told `Free`, the others `Busy`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn request(&mut self, user: UserId, id: Uuid) -> Result<Lookup, StoreError>;

    /// Those of these requests that are kept.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn known_requests(&mut self, requests: &[(UserId, Uuid)]) -> Result<Vec<(UserId, Uuid)>, StoreError>;

    /// Keeps requests.
    ///
    /// # Errors
    /// `Refused` with [`TAKEN`] when one is kept already, and for one that is not the scope's.
    fn add_requests(&mut self, requests: &[KeptRequest]) -> Result<(), StoreError>;

    /// Writes how far a request has come that `by` is at; `false` when somebody else is, or nobody.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn advance_request(&mut self, request: (UserId, Uuid), by: Uuid, state: &RequestState) -> Result<bool, StoreError>;

    /// Removes a request that `by` is at, or one that was answered when there is no `by`; `false` when it
    /// is not so.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_request(&mut self, user: UserId, id: Uuid, by: Option<Uuid>) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_printable_ascii() {
        for (text, fits) in [
            ("", false),
            ("a", true),
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", true),
            ("a b", true),
            (" ", true),
            ("a\tb", false),
            ("é", false),
            ("\u{7f}", false),
            (&"~".repeat(LONGEST_KEY), true),
            (&"~".repeat(LONGEST_KEY + 1), false),
        ] {
            assert_eq!(IdempotencyKey::parse(text).is_some(), fits, "{text:?}");
        }
    }

    #[test]
    fn names_differ_by_user_and_key_alone() {
        let name = |user, key: &str| {
            let key = IdempotencyKey::parse(key).unwrap_or_else(|| IdempotencyKey(String::new()));
            RequestName::new(UserId(Uuid::from_u128(user)), &key, SignedDuration::ZERO).id
        };
        assert_eq!(name(1, "a"), name(1, "a"));
        assert_ne!(name(1, "a"), name(1, "b"));
        assert_ne!(name(1, "a"), name(2, "a"));
        assert_eq!(name(1, "a").get_version_num(), 8);
    }

    #[test]
    fn no_two_contents_read_alike() {
        assert_ne!(RequestDigest::of(&[b"ab", b"c"]), RequestDigest::of(&[b"a", b"bc"]));
        assert_ne!(RequestDigest::of(&[b"a", b""]), RequestDigest::of(&[b"a"]));
        assert_eq!(RequestDigest::of(&[b"a"]), RequestDigest::of(&[b"a"]));
    }
}
