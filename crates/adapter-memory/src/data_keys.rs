//! Wrapped data keys, and wrapping them anew.
use std::collections::BTreeMap;

use huntzen_booking::ids::ConsultationId;
use huntzen_tenancy::{
    Job, StoreError,
    ids::UserId,
    sealing::{DataKey, DataKeyRotation, DataKeys, KeySubject, MasterKeyId},
};

use crate::{
    erasure::refuse_erased,
    refusal::{allow, require},
    state::{DataKeyRow, State},
    store::MemoryTx,
};

impl DataKeys for MemoryTx {
    fn data_keys(&mut self, subjects: &[KeySubject]) -> Result<Vec<DataKey>, StoreError> {
        self.read(|viewer, state| {
            let wanted = |row: &&DataKeyRow| subjects.contains(&row.key.subject) && viewer.sees_data_key(row);
            state.data_keys.rows().filter(wanted).map(|row| row.key.clone()).collect()
        })
    }

    fn add_data_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            for key in keys {
                if let KeySubject::Person(user) | KeySubject::Files(user) = key.subject {
                    refuse_erased(state, user)?;
                }
                let row = DataKeyRow { readers: readers(state, key.subject)?, key: key.clone() };
                allow(viewer.adds_data_key(&row))?;
                if state.data_keys.rows().all(|known| known.key.subject != key.subject && known.key.id != key.id) {
                    state.data_keys.put(key.id, row);
                }
            }
            Ok(())
        })
    }
}

/// Who may use a subject's key, whatever a caller says.
fn readers(state: &State, subject: KeySubject) -> Result<Vec<UserId>, StoreError> {
    let readers = match subject {
        KeySubject::Platform | KeySubject::Letter(_) | KeySubject::Review(_) => return Ok(Vec::new()),
        KeySubject::Person(user) | KeySubject::Files(user) => vec![user],
        KeySubject::Notes { author, patient } => {
            let mut consultations = state.consultations.rows();
            let have_met =
                consultations.any(|row| row.employee_user == patient && row.consultation.practitioner_user == author);
            if have_met { vec![author] } else { Vec::new() }
        }
        KeySubject::Consultation(id) => {
            let row = state.consultations.get(&ConsultationId(id));
            row.map(|row| vec![row.employee_user, row.consultation.practitioner_user]).unwrap_or_default()
        }
    };
    require(!readers.is_empty(), "data_keys_readers")?;
    Ok(readers)
}

impl DataKeyRotation for MemoryTx {
    fn keys_to_rewrap(&mut self, current: MasterKeyId, limit: u32) -> Result<Vec<DataKey>, StoreError> {
        self.read(|viewer, state| {
            let stale = |row: &&DataKeyRow| row.key.master != current && viewer.is_job(Job::Keys);
            let mut keys: Vec<DataKey> = state.data_keys.rows().filter(stale).map(|row| row.key.clone()).collect();
            keys.sort_by_key(|key| (key.master, key.id));
            keys.truncate(limit as usize);
            keys
        })
    }

    fn rewrap_keys(&mut self, keys: &[DataKey]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            for key in keys.iter().filter(|_| viewer.is_job(Job::Keys)) {
                state.data_keys.change(
                    |row| row.key.id == key.id,
                    |row| {
                        row.key.master = key.master;
                        row.key.wrapped.clone_from(&key.wrapped);
                    },
                );
            }
            Ok(())
        })
    }

    fn master_key_uses(&mut self) -> Result<Vec<(MasterKeyId, u64)>, StoreError> {
        self.read(|viewer, state| {
            let mut uses = BTreeMap::<MasterKeyId, u64>::new();
            for row in state.data_keys.rows().filter(|_| viewer.is_job(Job::Keys)) {
                *uses.entry(row.key.master).or_default() += 1;
            }
            uses.into_iter().rev().collect()
        })
    }

    fn key_wrapped_by(&mut self, master: MasterKeyId) -> Result<Option<DataKey>, StoreError> {
        self.read(|viewer, state| {
            let wrapped = |row: &&DataKeyRow| row.key.master == master && viewer.is_job(Job::Keys);
            state.data_keys.rows().find(wrapped).map(|row| row.key.clone())
        })
    }
}
