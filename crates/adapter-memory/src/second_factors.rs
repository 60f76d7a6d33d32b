//! Second factors with their backup codes.
use huntzen_tenancy::{
    StoreError,
    identity::{SecondFactor, SecondFactors, WINDOW},
    ids::UserId,
    token::TokenDigest,
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::{SecondFactorRow, State},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl SecondFactors for MemoryTx {
    fn second_factor(&mut self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        self.read(|viewer, state| {
            let row = state.second_factors.get(&user).filter(|_| viewer.is_user(user))?;
            Some(row.factor.clone())
        })
    }

    fn set_second_factor(&mut self, factor: &SecondFactor, codes: &[TokenDigest]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_user(factor.user))?;
            require(state.users.contains(&factor.user), "second_factors_user_id_fkey")?;
            remove(viewer, state, factor.user);
            let created_at = micros(factor.created_at);
            let factor = SecondFactor { created_at, failures: 0, failing_since: None, ..factor.clone() };
            for code in codes {
                state.backup_codes.put((factor.user, *code), None);
            }
            state.second_factors.put(factor.user, SecondFactorRow { factor, last_step: None });
            Ok(())
        })
    }

    fn use_step(&mut self, user: UserId, step: i64) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_later = |row: &SecondFactorRow| {
                row.factor.user == user && viewer.is_user(user) && row.last_step.is_none_or(|last| last < step)
            };
            let accept = |row: &mut SecondFactorRow| {
                row.last_step = Some(step);
                row.factor.failures = 0;
                row.factor.failing_since = None;
            };
            Ok(state.second_factors.change(is_later, accept) == 1)
        })
    }

    fn note_wrong_code(&mut self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let count = |row: &mut SecondFactorRow| {
                let factor = &mut row.factor;
                if factor.failing_since.is_some_and(|since| since > at - WINDOW) {
                    factor.failures += 1;
                } else {
                    (factor.failures, factor.failing_since) = (1, Some(at));
                }
            };
            state.second_factors.change(|row| row.factor.user == user && viewer.is_user(user), count);
            Ok(())
        })
    }

    fn use_backup_code(&mut self, user: UserId, code: TokenDigest, at: Timestamp) -> Result<bool, StoreError> {
        let (key, at) = ((user, code), micros(at));
        self.write(|viewer, state| {
            let is_unused = viewer.is_user(user) && state.backup_codes.get(&key) == Some(&None);
            if is_unused {
                state.backup_codes.put(key, Some(at));
            }
            Ok(is_unused)
        })
    }

    fn remove_second_factor(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.write(|viewer, state| Ok(remove(viewer, state, user)))
    }
}

fn remove(viewer: &Viewer, state: &mut State, user: UserId) -> bool {
    if !viewer.is_user(user) || !state.second_factors.contains(&user) {
        return false;
    }
    let codes: Vec<_> = state.backup_codes.entries().map(|(key, _)| *key).filter(|(of, _)| *of == user).collect();
    for key in codes {
        state.backup_codes.remove(&key);
    }
    state.second_factors.remove(&user);
    true
}
