//! The room of a video or audio consultation: its name, when it is open, what a token to it says.
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

mod entry;
pub use entry::{RoomAccess, RoomSettings, Rooms};

/// How long before the start the room opens.
const OPENS_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long after the end it closes.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_mins(30);
const PREFIX: &str = "huntzen-";
/// 128 bits in groups of five.
const ENCODED_CHARACTERS: usize = 26;

/// The name of a room: `huntzen-` and 128 random bits in lower-case base32 (RFC 4648 §6) without
/// padding. Whoever does not know it cannot guess it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoomName(String);

impl RoomName {
    /// A name from 16 fresh random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        // RFC 4648 §6: five bits a character, the last one filled up with zeros.
        let bits = u128::from_be_bytes(bytes);
        let groups = (0..ENCODED_CHARACTERS).map(|place| {
            let [.., group] = (bits << (place * 5) >> 123).to_be_bytes();
            char::from(match group {
                0..26 => b'a' + group,
                digit => b'2' + (digit - 26),
            })
        });
        Self(PREFIX.chars().chain(groups).collect())
    }

    /// A name as it is kept; `None` when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        let ours = encoded.len() == ENCODED_CHARACTERS
            && encoded.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
        ours.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomName(…)")
    }
}

/// When the participants may enter: from 10 minutes before the start to 30 minutes after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomWindow {
    opens_at: Timestamp,
    closes_at: Timestamp,
}

impl RoomWindow {
    /// The window of a consultation planned from `starts_at` to `ends_at`.
    pub fn around(starts_at: Timestamp, ends_at: Timestamp) -> Self {
        Self {
            opens_at: starts_at.checked_sub(OPENS_BEFORE).unwrap_or(Timestamp::MIN),
            closes_at: ends_at.checked_add(CLOSES_AFTER).unwrap_or(Timestamp::MAX),
        }
    }

    /// The first instant at which the room is open.
    pub const fn opens_at(&self) -> Timestamp {
        self.opens_at
    }

    /// The first instant at which the room is closed again.
    pub const fn closes_at(&self) -> Timestamp {
        self.closes_at
    }

    /// Whether the room is open at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opens_at <= now && now < self.closes_at
    }
}

/// The room server, as this installation is configured.
#[derive(Clone, Copy, Debug)]
pub struct RoomServer<'a> {
    /// The application id that the server knows (`iss`).
    pub app_id: &'a str,
    /// The server's domain (`sub`).
    pub domain: &'a str,
    /// Whom the token is for (`aud`).
    pub audience: &'a str,
}

/// Who enters, as far as the room server may know.
#[derive(Clone, Copy, Debug)]
pub struct RoomGuest<'a> {
    /// Stands for the person in this consultation alone.
    pub pseudonym: &'a str,
    /// The alias that the person chose; without one, "Participant". Never a real name.
    pub alias: Option<&'a str>,
    /// The practitioner owns the room and moderates it; the employee is a member.
    pub is_practitioner: bool,
}

/// The room is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the room is closed")]
pub struct RoomClosed;

/// What a room token says (RFC 7519, with Jitsi's `room` and `context`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomClaims {
    iss: String,
    aud: String,
    sub: String,
    room: String,
    nbf: i64,
    exp: i64,
    iat: i64,
    jti: Uuid,
    context: RoomContext,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RoomContext {
    user: RoomUser,
    features: RoomFeatures,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RoomUser {
    id: String,
    name: String,
    affiliation: &'static str,
    moderator: &'static str,
}

/// Nothing leaves the room: no feature that records or passes on is ever granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct RoomFeatures {
    recording: &'static str,
    livestreaming: &'static str,
    transcription: &'static str,
    outbound_call: &'static str,
}

impl RoomClaims {
    /// The claims of a token issued at `now`. It is good for the whole window and ends with it.
    ///
    /// # Errors
    /// [`RoomClosed`] when `now` lies outside the window.
    pub fn issue(
        server: RoomServer<'_>,
        room: &RoomName,
        window: RoomWindow,
        guest: RoomGuest<'_>,
        now: Timestamp,
        token_id: Uuid,
    ) -> Result<Self, RoomClosed> {
        if !window.is_open(now) {
            return Err(RoomClosed);
        }
        let alias = guest.alias.map(str::trim).filter(|alias| !alias.is_empty());
        let (affiliation, moderator) = if guest.is_practitioner { ("owner", "true") } else { ("member", "false") };
        Ok(Self {
            iss: server.app_id.to_owned(),
            aud: server.audience.to_owned(),
            sub: server.domain.to_owned(),
            room: room.as_str().to_owned(),
            nbf: window.opens_at.as_second(),
            exp: window.closes_at.as_second(),
            iat: now.as_second(),
            jti: token_id,
            context: RoomContext {
                user: RoomUser {
                    id: guest.pseudonym.to_owned(),
                    name: alias.unwrap_or("Participant").to_owned(),
                    affiliation,
                    moderator,
                },
                features: RoomFeatures {
                    recording: "false",
                    livestreaming: "false",
                    transcription: "false",
                    outbound_call: "false",
                },
            },
        })
    }
}

/// The claims could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the room token could not be signed")]
pub struct RoomSigningFailed(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Signs room tokens.
///
/// An implementation MUST sign with HMAC-SHA-256 (`HS256`, RFC 7518 §3.2) under a secret that it
/// shares with the room server alone, and answer the compact form (RFC 7515 §7.1).
pub trait RoomTokenSigner: Send + Sync {
    /// The token that carries `claims`.
    ///
    /// # Errors
    /// [`RoomSigningFailed`] when the claims cannot be encoded or signed.
    fn sign(&self, claims: &RoomClaims) -> Result<String, RoomSigningFailed>;
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const SERVER: RoomServer<'_> = RoomServer { app_id: "huntzen", domain: "meet.example.org", audience: "jitsi" };
    const GUEST: RoomGuest<'_> = RoomGuest { pseudonym: "5f2c", alias: None, is_practitioner: false };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window() -> RoomWindow {
        RoomWindow::around(at("2027-03-08T09:00:00Z"), at("2027-03-08T09:50:00Z"))
    }

    fn claims(guest: RoomGuest<'_>, now: &str) -> Result<serde_json::Value, RoomClosed> {
        let room = RoomName::from_random([0; 16]);
        RoomClaims::issue(SERVER, &room, window(), guest, at(now), Uuid::nil())
            .map(|claims| serde_json::to_value(claims).unwrap())
    }

    #[test]
    fn a_room_is_open_from_ten_minutes_before_to_thirty_after() {
        for (now, open) in [
            ("2027-03-08T08:49:59.999999Z", false),
            ("2027-03-08T08:50:00Z", true),
            ("2027-03-08T10:19:59.999999Z", true),
            ("2027-03-08T10:20:00Z", false),
        ] {
            assert_eq!(window().is_open(at(now)), open, "{now}");
            assert_eq!(claims(GUEST, now).is_ok(), open, "{now}");
        }
    }

    #[test]
    fn the_claims_of_an_employee() {
        assert_eq!(
            claims(GUEST, "2027-03-08T08:55:00Z").unwrap(),
            serde_json::json!({
                "iss": "huntzen",
                "aud": "jitsi",
                "sub": "meet.example.org",
                "room": "huntzen-aaaaaaaaaaaaaaaaaaaaaaaaaa",
                "nbf": 1_804_495_800,
                "exp": 1_804_501_200,
                "iat": 1_804_496_100,
                "jti": "00000000-0000-0000-0000-000000000000",
                "context": {
                    "user": {
                        "id": "5f2c",
                        "name": "Participant",
                        "affiliation": "member",
                        "moderator": "false"
                    },
                    "features": {
                        "recording": "false",
                        "livestreaming": "false",
                        "transcription": "false",
                        "outbound-call": "false"
                    }
                }
            })
        );
    }

    #[test]
    fn the_practitioner_owns_the_room() {
        let guest = RoomGuest { alias: Some(" Camille "), is_practitioner: true, ..GUEST };
        assert_eq!(
            claims(guest, "2027-03-08T08:55:00Z").unwrap().pointer("/context/user").unwrap(),
            &serde_json::json!({
                "id": "5f2c", "name": "Camille", "affiliation": "owner", "moderator": "true"
            })
        );
        let blank = RoomGuest { alias: Some("  "), ..GUEST };
        let named = claims(blank, "2027-03-08T08:55:00Z").unwrap();
        assert_eq!(named.pointer("/context/user/name").unwrap(), "Participant");
    }

    #[test]
    fn room_names_carry_all_bits_and_are_read_back() {
        let bytes = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        let name = RoomName::from_random(bytes);
        assert_eq!(name.as_str(), "huntzen-aaisem2ekvthpcezvk54zxpo74");
        assert_eq!(RoomName::parse(name.as_str()), Some(name));
        for wrong in ["huntzen-", "aaisem2ekvthpcezvk54zxpo74", "huntzen-AAISEM2EKVTHPCEZVK54ZXPO74"] {
            assert_eq!(RoomName::parse(wrong), None, "{wrong}");
        }
        assert!(!format!("{:?}", RoomName::from_random(bytes)).contains("aai"));
    }
}
