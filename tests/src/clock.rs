//! A clock that stands still until a test moves it.
use std::sync::Mutex;

use huntzen_tenancy::clock::Clock;
use jiff::{SignedDuration, Timestamp};

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

/// Where every test's clock starts: a Monday morning in Paris, winter time.
pub const MONDAY_MORNING: &str = "2027-01-04T08:00:00Z";

impl Default for TestClock {
    fn default() -> Self {
        Self(Mutex::new(MONDAY_MORNING.parse().unwrap()))
    }
}

impl TestClock {
    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The instant that `text` names (RFC 3339).
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
