//! The chain that makes the trail tamper-evident: each link holds the hash of the one before it and
//! of everything that stands in its entry.
//!
//! Nothing here trusts what is stored: an entry is read as it lies there, words unknown to this
//! release included, and hashed (SHA-256, FIPS 180-4) over an encoding that no two entries share.
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::AuditEntry;
use crate::{store::StoreError, words::Words};

/// The hash before the first link of a chain.
pub const ORIGIN: [u8; 32] = [0; 32];

/// A chain: one for each company, by its id, and one for what belongs to none, by the nil UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub Uuid);

/// An entry as it lies in the store, whatever stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRecord {
    /// The entry's id.
    pub id: Uuid,
    /// Microseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// The actor's role then.
    pub actor_role: Option<String>,
    /// Whose data it touched.
    pub subject: Option<Uuid>,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub resource: String,
    /// To which one.
    pub resource_id: Option<Uuid>,
    /// In which tenant.
    pub company: Option<Uuid>,
    /// From where.
    pub ip: Option<String>,
    /// In which request.
    pub request_id: String,
    /// How it ended.
    pub outcome: String,
}

impl From<&AuditEntry> for EntryRecord {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.as_microsecond(),
            actor: entry.actor.map(|user| user.0),
            actor_role: entry.actor_role.map(|role| role.as_str().to_owned()),
            subject: entry.subject.map(|user| user.0),
            action: entry.action.as_str().to_owned(),
            resource: entry.resource.as_str().to_owned(),
            resource_id: entry.resource_id,
            company: entry.company.map(|company| company.0),
            ip: entry.ip.clone(),
            request_id: entry.request_id.clone(),
            outcome: entry.outcome.as_str().to_owned(),
        }
    }
}

impl EntryRecord {
    /// The chain that it belongs to.
    pub fn chain(&self) -> ChainId {
        ChainId(self.company.unwrap_or_default())
    }
}

/// The place at the end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which chain.
    pub chain: ChainId,
    /// The number of its last link; 0 before the first.
    pub seq: i64,
    /// The hash of that link.
    pub hash: Vec<u8>,
}

impl Head {
    /// The head of a chain without a link.
    pub fn origin(chain: ChainId) -> Self {
        Self { chain, seq: 0, hash: ORIGIN.to_vec() }
    }

    /// The link that puts `entry` behind this head.
    pub fn next(&self, entry: &EntryRecord) -> Link {
        let seq = self.seq.saturating_add(1);
        let hash = hash(self.chain, seq, &self.hash, entry).to_vec();
        Link { chain: self.chain, seq, entry: entry.id, previous: self.hash.clone(), hash }
    }
}

/// A link as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The chain.
    pub chain: ChainId,
    /// Its number, from 1, without a hole.
    pub seq: i64,
    /// The entry that it holds.
    pub entry: Uuid,
    /// The hash of the link before it.
    pub previous: Vec<u8>,
    /// Its own.
    pub hash: Vec<u8>,
}

impl Link {
    /// The head that it makes.
    pub fn head(&self) -> Head {
        Head { chain: self.chain, seq: self.seq, hash: self.hash.clone() }
    }
}

/// The hash of the link that holds `entry` as number `seq` of `chain`, behind the hash `previous`.
pub fn hash(chain: ChainId, seq: i64, previous: &[u8], entry: &EntryRecord) -> [u8; 32] {
    let EntryRecord {
        id,
        at,
        actor,
        actor_role,
        subject,
        action,
        resource,
        resource_id,
        company,
        ip,
        request_id,
        outcome,
    } = entry;
    let mut encoding = Encoding::new("huntzen audit link 1");
    encoding.put(chain.0.as_bytes());
    encoding.put(&seq.to_be_bytes());
    encoding.put(previous);
    encoding.put(id.as_bytes());
    encoding.put(&at.to_be_bytes());
    encoding.put_optional(actor.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
    encoding.put_optional(actor_role.as_deref().map(str::as_bytes));
    encoding.put_optional(subject.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
    encoding.put(action.as_bytes());
    encoding.put(resource.as_bytes());
    encoding.put_optional(resource_id.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
    encoding.put_optional(company.as_ref().map(Uuid::as_bytes).map(<[u8; 16]>::as_slice));
    encoding.put_optional(ip.as_deref().map(str::as_bytes));
    encoding.put(request_id.as_bytes());
    encoding.put(outcome.as_bytes());
    encoding.digest()
}

/// Parts, each behind whether it is there (one byte) and its length (eight bytes, most significant
/// first): no two lists of parts are encoded alike.
pub(super) struct Encoding(Sha256);

impl Encoding {
    /// Nothing but what it is for.
    pub(super) fn new(purpose: &str) -> Self {
        let mut encoding = Self(Sha256::new());
        encoding.put(purpose.as_bytes());
        encoding
    }

    pub(super) fn put(&mut self, part: &[u8]) {
        self.0.update([1]);
        self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(part);
    }

    pub(super) fn put_optional(&mut self, part: Option<&[u8]>) {
        match part {
            Some(part) => self.put(part),
            None => self.0.update([0]),
        }
    }

    pub(super) fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// What a link shows besides its entry: nothing when that is gone.
pub type LinkedRecord = (Link, Option<EntryRecord>);

/// An entry or a link that the chains do not account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// An entry that is neither linked nor waits to be.
    Unlinked(Uuid),
    /// Something waits to be linked that is linked already, or that is not there.
    WaitsInVain(Uuid),
    /// An entry waits although the last one in its chain is ten minutes younger.
    Overdue(Uuid),
}

/// The chains. `Job::Audit` alone.
pub trait AuditChains {
    /// Up to `limit` entries that are not linked yet, oldest first; `None` while another linker works.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn unlinked(&mut self, limit: u32) -> Result<Option<Vec<EntryRecord>>, StoreError>;

    /// How many entries are not linked yet.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn count_unlinked(&mut self) -> Result<u64, StoreError>;

    /// The heads of these chains, in any order; of those that have a link.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn heads_of(&mut self, chains: &[ChainId]) -> Result<Vec<Head>, StoreError>;

    /// Adds links; their entries no longer wait.
    ///
    /// # Errors
    /// `Refused` when a number of a chain, or an entry, is taken.
    fn add_links(&mut self, links: &[Link]) -> Result<(), StoreError>;

    /// Up to `limit` heads, by chain, from `from` on.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn heads_from(&mut self, from: ChainId, limit: u32) -> Result<Vec<Head>, StoreError>;

    /// Up to `limit` links of a chain from number `from` on, with their entries as they lie there.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn links_from(&mut self, chain: ChainId, from: i64, limit: u32) -> Result<Vec<LinkedRecord>, StoreError>;

    /// Something that the chains do not account for, among entries written since this instant.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn stray(&mut self, since: Option<jiff::Timestamp>) -> Result<Option<Stray>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> EntryRecord {
        EntryRecord {
            id: Uuid::from_u128(1),
            at: 7,
            actor: Some(Uuid::from_u128(2)),
            actor_role: Some("EMPLOYEE".to_owned()),
            subject: None,
            action: "READ".to_owned(),
            resource: "USER".to_owned(),
            resource_id: None,
            company: Some(Uuid::from_u128(3)),
            ip: Some("192.0.2.0".to_owned()),
            request_id: "r".to_owned(),
            outcome: "SUCCESS".to_owned(),
        }
    }

    #[test]
    fn every_part_of_an_entry_and_of_its_place_counts() {
        let chain = ChainId(Uuid::from_u128(3));
        let changed: [fn(&mut EntryRecord); 18] = [
            |_| (),
            |one| one.id = Uuid::from_u128(9),
            |one| one.at = 8,
            |one| one.actor = None,
            |one| one.actor = Some(Uuid::from_u128(9)),
            |one| one.actor_role = None,
            |one| one.actor_role = Some(String::new()),
            |one| one.subject = one.actor,
            |one| one.action.push('S'),
            |one| {
                // A byte goes over to the next part.
                one.action = "REA".to_owned();
                one.resource = "DUSER".to_owned();
            },
            |one| one.resource.clear(),
            |one| one.resource_id = Some(Uuid::nil()),
            |one| one.company = None,
            |one| one.ip = None,
            |one| one.ip = Some(String::new()),
            |one| one.request_id.push('r'),
            |one| one.outcome = "REFUSED".to_owned(),
            |one| std::mem::swap(&mut one.actor, &mut one.subject),
        ];
        let mut hashes: Vec<[u8; 32]> = changed
            .iter()
            .map(|change| {
                let mut one = record();
                change(&mut one);
                hash(chain, 1, &ORIGIN, &one)
            })
            .collect();
        hashes.push(hash(ChainId(Uuid::nil()), 1, &ORIGIN, &record()));
        hashes.push(hash(chain, 2, &ORIGIN, &record()));
        hashes.push(hash(chain, 1, &[1; 32], &record()));
        hashes.push(hash(chain, 1, &[], &record()));
        for (place, one) in hashes.iter().enumerate() {
            assert!(!hashes.iter().skip(place + 1).any(|other| other == one), "change {place} is not told apart");
        }
    }

    #[test]
    fn the_hash_of_a_known_entry_never_changes() {
        let link = Head::origin(record().chain()).next(&record());
        let published = 0x26e2_3e7a_36b3_0891_f68a_0e47_05f9_8aef_u128;
        let last = 0x7281_cf75_8c24_6df0_9bae_aa3d_7855_05d4_u128;
        assert_eq!((link.seq, link.entry, link.previous.as_slice()), (1, record().id, ORIGIN.as_slice()));
        // Computed from the description above by other means.
        assert_eq!(link.hash, [published.to_be_bytes(), last.to_be_bytes()].concat());
    }
}
