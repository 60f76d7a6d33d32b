//! Unguessable bytes from the operating system.
use huntzen_tenancy::clock::Randomness;

/// The operating system's generator (`getrandom(2)` on Linux).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    /// # Panics
    /// When the operating system has no randomness to give: going on with bytes that can be
    /// guessed would hand out sessions and rooms to whoever guesses them.
    fn fill(&self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            panic!("the operating system gives no randomness: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::Timestamp;
    use uuid::Version;

    use super::*;

    #[test]
    fn secrets_differ_and_fill_every_byte() {
        let secrets: Vec<[u8; 32]> = (0..64).map(|_| OsRandomness.secret()).collect();
        assert_eq!(secrets.iter().collect::<HashSet<_>>().len(), 64);
        for place in 0..32 {
            assert!(secrets.iter().any(|secret| secret.get(place) != Some(&0)), "byte {place} is never written");
        }
    }

    #[test]
    fn ids_have_their_versions_and_sort_by_time() {
        let now = Timestamp::UNIX_EPOCH;
        let earlier = OsRandomness.uuid_v7(now);
        let later = OsRandomness.uuid_v7(now + jiff::SignedDuration::from_millis(1));
        assert!(earlier < later);
        assert_eq!(earlier.get_version(), Some(Version::SortRand));
        assert_eq!(OsRandomness.uuid_v4().get_version(), Some(Version::Random));
    }
}
