//! How many events a socket may send: a bucket that fills at a steady rate.
use std::time::{Duration, Instant};

/// Events a second that go on for ever.
const RATE: u32 = 20;
/// Events at once after a rest.
const BURST: u32 = 40;

/// What a socket may still send.
#[derive(Debug)]
pub(super) struct Allowance {
    /// When the bucket would have been empty had it filled since without a draw: the rest follows.
    empty_at: Instant,
}

impl Allowance {
    /// The whole burst.
    pub(super) fn full(now: Instant) -> Self {
        Self { empty_at: now.checked_sub(capacity()).unwrap_or(now) }
    }

    /// Takes one event out; `false` when there was none left.
    pub(super) fn draw(&mut self, now: Instant) -> bool {
        let fullest = now.checked_sub(capacity()).unwrap_or(self.empty_at);
        let after = self.empty_at.max(fullest) + interval();
        if after > now {
            return false;
        }
        self.empty_at = after;
        true
    }
}

/// How long one event takes to fill in.
fn interval() -> Duration {
    Duration::from_secs(1) / RATE
}

/// How long the whole burst takes to fill in.
fn capacity() -> Duration {
    interval() * BURST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_steady_rate() {
        let start = Instant::now() + Duration::from_hours(1);
        let mut allowance = Allowance::full(start);
        assert_eq!((0..100).filter(|_| allowance.draw(start)).count(), 40);
        assert!(!allowance.draw(start + Duration::from_millis(49)));
        assert!(allowance.draw(start + Duration::from_millis(50)));
        assert!(!allowance.draw(start + Duration::from_millis(50)));
        let second_later = start + Duration::from_millis(1_050);
        assert_eq!((0..100).filter(|_| allowance.draw(second_later)).count(), 20);
    }

    #[test]
    fn a_rest_fills_no_more_than_the_burst() {
        let start = Instant::now() + Duration::from_hours(1);
        let mut allowance = Allowance::full(start);
        let much_later = start + Duration::from_hours(1);
        assert_eq!((0..100).filter(|_| allowance.draw(much_later)).count(), 40);
    }
}
