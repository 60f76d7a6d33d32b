//! The machine's clock.
use huntzen_tenancy::clock::Clock;
use jiff::{Timestamp, TimestampRound, Unit};

/// The machine's clock, cut to the microseconds that PostgreSQL keeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time comes from")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        let to_microseconds = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
        now.round(to_microseconds).unwrap_or(now)
    }
}
