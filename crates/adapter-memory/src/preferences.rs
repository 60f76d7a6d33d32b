//! What people have decided.
use huntzen_tenancy::{
    StoreError,
    ids::UserId,
    preferences::{PreferenceSet, Preferences},
};
use jiff::Timestamp;

use crate::{erasure::refuse_erased, refusal::allow, releases::withdraw, store::MemoryTx, time::micros};

impl Preferences for MemoryTx {
    fn preferences(&mut self, user: UserId) -> Result<Option<PreferenceSet>, StoreError> {
        self.read(|viewer, state| {
            let account = state.users.get(&user).filter(|_| viewer.is_user(user))?;
            let share_usage_with_employer = state.shares_usage.contains(&user);
            Some(PreferenceSet {
                language: account.language.clone(),
                alias: state.aliases.get(&user).cloned(),
                share_usage_with_employer,
                quiet_hours: state.quiet_hours.get(&user).cloned(),
            })
        })
    }

    fn set_preferences(&mut self, user: UserId, chosen: &PreferenceSet, at: Timestamp) -> Result<(), StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            allow(viewer.is_user(user))?;
            refuse_erased(state, user)?;
            if !chosen.share_usage_with_employer {
                state.shares_usage.remove(&user);
                withdraw(state, user);
            } else if !state.shares_usage.contains(&user) {
                state.shares_usage.put(user, at);
            }
            state.aliases.set(user, chosen.alias.clone());
            state.quiet_hours.set(user, chosen.quiet_hours.clone());
            state.users.change(
                |account| account.id == user,
                |account| {
                    account.language.clone_from(&chosen.language);
                    account.updated_at = at;
                },
            );
            Ok(())
        })
    }
}
