//! When the conversation of a consultation can be written to.
use jiff::{SignedDuration, Timestamp};

/// How long around its consultation a conversation is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationRules {
    /// How long before the start it opens.
    pub opens_before: SignedDuration,
    /// How long after the end it closes.
    pub closes_after: SignedDuration,
}

impl Default for ConversationRules {
    /// A day before, a week after.
    fn default() -> Self {
        Self { opens_before: SignedDuration::from_hours(24), closes_after: SignedDuration::from_hours(7 * 24) }
    }
}

impl ConversationRules {
    /// Whether the conversation of a consultation from `starts_at` to `ends_at` takes messages at
    /// `now`. A cancelled consultation's is read-only at once.
    pub fn is_open(&self, starts_at: Timestamp, ends_at: Timestamp, cancelled: bool, now: Timestamp) -> bool {
        !cancelled
            && starts_at.duration_until(now) >= -self.opens_before
            && ends_at.duration_until(now) <= self.closes_after
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn it_opens_a_day_before_and_closes_a_week_after() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (start, end) = (at("2027-03-10T09:00:00Z"), at("2027-03-10T09:50:00Z"));
        let open = |now: &str, cancelled| ConversationRules::default().is_open(start, end, cancelled, at(now));
        assert!(!open("2027-03-09T08:59:59Z", false));
        assert!(open("2027-03-09T09:00:00Z", false));
        assert!(open("2027-03-17T09:50:00Z", false));
        assert!(!open("2027-03-17T09:50:01Z", false));
        assert!(!open("2027-03-10T09:10:00Z", true));
    }
}
