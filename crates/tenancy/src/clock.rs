//! Time and randomness, asked of ports so that tests can hold both still.
use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// Tells the current instant.
pub trait Clock: Send + Sync {
    /// The current instant in UTC. Stores keep microseconds: what is finer is cut off.
    fn now(&self) -> Timestamp;
}

/// Where unguessable bytes come from.
pub trait Randomness: Send + Sync {
    /// Fills `out` from a cryptographically secure generator.
    fn fill(&self, out: &mut [u8]);

    /// A fresh UUID version 7 (RFC 9562) that sorts by `now`.
    fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A fresh UUID version 4 (RFC 9562), which tells nothing of when it was made.
    fn uuid_v4(&self) -> Uuid {
        let mut random = [0; 16];
        self.fill(&mut random);
        Builder::from_random_bytes(random).into_uuid()
    }

    /// A fresh 256-bit secret.
    fn secret(&self) -> [u8; 32] {
        let mut random = [0; 32];
        self.fill(&mut random);
        random
    }
}
