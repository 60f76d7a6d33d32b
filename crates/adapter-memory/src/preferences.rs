//! What people have decided.
use huntzen_tenancy::{
    StoreError,
    ids::UserId,
    preferences::{PreferenceSet, Preferences},
};
use jiff::Timestamp;

use crate::{refusal::allow, releases::withdraw, store::MemoryTx, time::micros};

impl Preferences for MemoryTx {
    fn preferences(&mut self, user: UserId) -> Result<Option<PreferenceSet>, StoreError> {
        self.read(|viewer, state| {
            let account = state.users.get(&user).filter(|_| viewer.is_user(user))?;
            let share_usage_with_employer = state.shares_usage.contains(&user);
            Some(PreferenceSet { language: account.language.clone(), share_usage_with_employer })
        })
    }

    fn set_preferences(&mut self, user: UserId, chosen: &PreferenceSet, at: Timestamp) -> Result<(), StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            allow(viewer.is_user(user))?;
            if !chosen.share_usage_with_employer {
                state.shares_usage.remove(&user);
                withdraw(state, user);
            } else if !state.shares_usage.contains(&user) {
                state.shares_usage.put(user, at);
            }
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
