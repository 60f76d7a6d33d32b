//! What a person has decided about how the service treats them.
use jiff::Timestamp;

use crate::{ids::UserId, store::StoreError};

mod alias;
mod choosing;
mod quiet_hours;
pub use alias::Alias;
pub use choosing::{PreferenceChange, PreferenceChoosing, WantedHours};
pub use quiet_hours::QuietHours;

/// What a person decides. Whoever never decided has `share_usage_with_employer` off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferenceSet {
    /// In which language letters are written: `fr` or `en`.
    pub language: String,
    /// What they are called in the room of a consultation; nobody is called by a real name there.
    pub alias: Option<Alias>,
    /// Whether HR may see their usage by name while the company's is reported so (GDPR, article
    /// 9(2)(a)).
    pub share_usage_with_employer: bool,
    /// When letters that can wait do.
    pub quiet_hours: Option<QuietHours>,
}

/// Preferences; a user scope sees its own alone, and nobody else's are seen by anybody.
pub trait Preferences {
    /// The preferences of `user`; `None` when the account is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn preferences(&mut self, user: UserId) -> Result<Option<PreferenceSet>, StoreError>;

    /// Writes them, as decided at `at`. Figures that were shared by name until now are shared no more
    /// once `share_usage_with_employer` is off.
    ///
    /// # Errors
    /// `Refused` when they are somebody else's.
    fn set_preferences(&mut self, user: UserId, chosen: &PreferenceSet, at: Timestamp) -> Result<(), StoreError>;
}
