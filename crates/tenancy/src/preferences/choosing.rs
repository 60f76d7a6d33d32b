//! What a person does with their own preferences.
use std::sync::Arc;

use jiff::civil::Time;

use super::{Alias, PreferenceSet, QuietHours};
use crate::{
    TenancyStore,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    error::{Checks, TenancyError},
    policy::{Permission, Role},
    scope::Caller,
};

/// The languages that letters are written in.
const LANGUAGES: [&str; 2] = ["fr", "en"];

/// Quiet hours as somebody wants them, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedHours {
    /// When they begin.
    pub start: Time,
    /// When they are over; over midnight when earlier than `start`.
    pub end: Time,
    /// Where clocks show them (IANA).
    pub timezone: String,
}

/// What changes; `None` leaves it, `Some(None)` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferenceChange {
    /// The language of letters.
    pub language: Option<String>,
    /// What one is called in the room of a consultation.
    pub alias: Option<Option<String>>,
    /// Whether HR may see one's usage by name; employees alone have an employer here.
    pub share_usage_with_employer: Option<bool>,
    /// When letters that can wait do.
    pub quiet_hours: Option<Option<WantedHours>>,
}

/// The preference use cases; each touches the caller's own alone.
#[derive(Clone)]
pub struct PreferenceChoosing {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl PreferenceChoosing {
    /// Over this store, clock and randomness.
    pub fn new(store: Arc<dyn TenancyStore>, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Self {
        Self { store, clock, randomness }
    }

    /// The caller's preferences.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an account that is gone.
    pub fn read(&self, caller: &Caller) -> Result<PreferenceSet, TenancyError> {
        caller.actor.require(Permission::PreferencesOwn)?;
        self.store.run(&caller.scope(), |tx| tx.preferences(caller.actor.user)?.ok_or(TenancyError::NotFound))
    }

    /// Changes the caller's preferences.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `not_allowed` for what an account without an employer cannot
    /// decide; `NotFound` for an account that is gone.
    pub fn change(&self, caller: &Caller, change: &PreferenceChange) -> Result<PreferenceSet, TenancyError> {
        caller.actor.require(Permission::PreferencesOwn)?;
        let mut checks = Checks::default();
        let is_known = change.language.as_deref().is_none_or(|language| LANGUAGES.contains(&language));
        checks.require(is_known, "language", "invalid");
        let has_employer = caller.actor.role == Role::Employee;
        let decides = change.share_usage_with_employer.is_none() || has_employer;
        checks.require(decides, "shareUsageWithEmployer", "not_allowed");
        let alias = change.alias.as_ref().map(|raw| raw.as_deref().map(|raw| Alias::checked(&mut checks, raw)));
        let quiet_hours = change.quiet_hours.as_ref().map(|hours| {
            let hours = hours.as_ref();
            hours.and_then(|hours| QuietHours::checked(&mut checks, hours.start, hours.end, &hours.timezone))
        });
        checks.finish()?;
        let (now, scope) = (self.clock.now(), caller.scope());
        self.store.run(&scope, |tx| {
            let user = caller.actor.user;
            // Of two changes at once, the second builds on the first.
            tx.user_for_update(user)?.ok_or(TenancyError::NotFound)?;
            let held = tx.preferences(user)?.ok_or(TenancyError::NotFound)?;
            let chosen = PreferenceSet {
                language: change.language.clone().unwrap_or_else(|| held.language.clone()),
                alias: alias.unwrap_or_else(|| held.alias.clone()),
                share_usage_with_employer: change.share_usage_with_employer.unwrap_or(held.share_usage_with_employer),
                quiet_hours: quiet_hours.unwrap_or_else(|| held.quiet_hours.clone()),
            };
            if chosen != held {
                tx.set_preferences(user, &chosen, now)?;
                let entry =
                    AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::Update, Resource::Preferences);
                tx.record(&entry.on(user).about(user))?;
            }
            Ok(chosen)
        })
    }
}
