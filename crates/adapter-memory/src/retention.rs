//! Discarding what is kept no longer.
use std::collections::BTreeSet;

use huntzen_booking::{consultation::ConsultationStatus, ids::ConsultationId as BookedId, practitioner::Profession};
use huntzen_clinical::retention::CareRetention;
use huntzen_tenancy::{
    Job, StoreError,
    files::FileType,
    ids::UserId,
    retention::{Expired, Retention},
    sealing::KeySubject,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    erasure::erase_keys_of_files,
    files::remove_files,
    state::{OutboxRow, State},
    store::MemoryTx,
    table::Table,
    time::micros,
};

/// Deletes up to `limit` rows for which `chosen` holds; answers their keys.
fn take<K: Copy + Ord, V: Clone>(table: &mut Table<K, V>, limit: u32, chosen: impl Fn(&V) -> bool) -> Vec<K> {
    let matching = table.entries().filter(|(_, row)| chosen(row)).map(|(key, _)| *key);
    let keys: Vec<K> = matching.take(limit as usize).collect();
    for key in &keys {
        table.remove(key);
    }
    keys
}

impl Retention for MemoryTx {
    fn discard(&mut self, what: Expired, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = micros(before);
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Retention) {
                return Ok(0);
            }
            let discarded = match what {
                Expired::Notifications => take(&mut state.notifications, limit, |row| row.created_at < before).len(),
                Expired::Letters => {
                    let is_old = |row: &OutboxRow| {
                        row.sent_at.is_some_and(|sent| sent < before)
                            || (row.given_up && row.message.created_at < before)
                    };
                    let letters = take(&mut state.outbox, limit, is_old);
                    destroy(state, |subject| matches!(subject, KeySubject::Letter(id) if letters.contains(&id)));
                    letters.len()
                }
                Expired::Sessions => {
                    let sessions = take(&mut state.sessions, limit, |row| row.expires_at < before);
                    state.refresh_tokens.remove_where(|row| sessions.contains(&row.session));
                    sessions.len()
                }
                Expired::Tokens => take(&mut state.one_time_tokens, limit, |row| row.token.expires_at < before).len(),
                Expired::Invitations => {
                    let users = state.users.rows().filter(|user| user.password.is_some());
                    let settled: Vec<UserId> = users.map(|user| user.id).collect();
                    let is_old = |row: &huntzen_tenancy::identity::Invitation| {
                        row.accepted_at.is_none() && row.created_at < before && settled.contains(&row.user)
                    };
                    take(&mut state.invitations, limit, is_old).len()
                }
                Expired::Requests => take(&mut state.idempotency_keys, limit, |row| row.created_at < before).len(),
            };
            Ok(discarded as u64)
        })
    }
}

fn destroy(state: &mut State, chosen: impl Fn(KeySubject) -> bool) {
    state.data_keys.remove_where(|row| chosen(row.key.subject));
}

impl CareRetention for MemoryTx {
    fn discard_conversations(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let before = micros(before);
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Retention) {
                return Ok(0);
            }
            let is_old = |id: Uuid| {
                state.consultations.get(&BookedId(id)).is_some_and(|row| {
                    let one = &row.consultation;
                    one.ends_at < before && one.status != ConsultationStatus::InProgress
                })
            };
            let keys = state.data_keys.rows().filter_map(|row| match row.key.subject {
                KeySubject::Consultation(id) => Some(id).filter(|id| is_old(*id)),
                KeySubject::Person(_)
                | KeySubject::Notes { .. }
                | KeySubject::Files(_)
                | KeySubject::Platform
                | KeySubject::Letter(_)
                | KeySubject::Review(_) => None,
            });
            let mut chosen: Vec<Uuid> = keys.take(limit as usize).collect();
            if chosen.is_empty() {
                // Those in which nothing was said, and something sent.
                let attached = state.files.rows().filter(|file| file.kind == FileType::Attachment);
                let attached: BTreeSet<Uuid> = attached.filter_map(|file| Some(file.related?.id)).collect();
                chosen = attached.into_iter().filter(|id| is_old(*id)).take(limit as usize).collect();
            }
            state.messages.remove_where(|row| chosen.contains(&row.added.message.consultation.0));
            state.conversations.remove_where(|row| chosen.contains(&row.care.consultation.0));
            state.consultations.change(
                |row| chosen.contains(&row.consultation.id.0),
                |row| {
                    row.consultation.reason = None;
                    row.consultation.cancel_reason = None;
                },
            );
            remove_files(state, |file| {
                file.kind == FileType::Attachment && file.related.is_some_and(|related| chosen.contains(&related.id))
            });
            destroy(state, |subject| matches!(subject, KeySubject::Consultation(id) if chosen.contains(&id)));
            erase_keys_of_files(state);
            Ok(chosen.len() as u64)
        })
    }

    fn discard_notes(&mut self, physicians: Timestamp, others: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(|viewer, state| {
            if !viewer.is_job(Job::Retention) {
                return Ok(0);
            }
            let is_over = |author: UserId, patient: UserId| {
                let practitioner = state.practitioners.rows().find(|row| row.user == author);
                let met = state.consultations.rows();
                let met = met.filter(|row| {
                    row.consultation.practitioner_user == author && row.employee_user == patient
                });
                let last = met.map(|row| row.consultation.scheduled_at).max();
                practitioner.zip(last).is_some_and(|(practitioner, last)| {
                    last < kept_until(practitioner.profession, (physicians, others))
                })
            };
            let keys = state.data_keys.rows().filter_map(|row| match row.key.subject {
                KeySubject::Notes { author, patient } => Some((author, patient)).filter(|_| is_over(author, patient)),
                KeySubject::Person(_)
                | KeySubject::Consultation(_)
                | KeySubject::Files(_)
                | KeySubject::Platform
                | KeySubject::Letter(_)
                | KeySubject::Review(_) => None,
            });
            let chosen: Vec<(UserId, UserId)> = keys.take(limit as usize).collect();
            let notes = state.clinical_notes.rows().filter(|note| chosen.contains(&(note.author, note.patient)));
            let notes: Vec<_> = notes.map(|note| note.id).collect();
            let versions = state.clinical_note_versions.entries().map(|(key, _)| *key);
            let versions: Vec<_> = versions.filter(|(id, _)| notes.contains(id)).collect();
            for version in versions {
                state.clinical_note_versions.remove(&version);
            }
            state.clinical_notes.remove_where(|note| notes.contains(&note.id));
            destroy(state, |subject| {
                matches!(subject, KeySubject::Notes { author, patient } if chosen.contains(&(author, patient)))
            });
            Ok(chosen.len() as u64)
        })
    }
}

/// The instant before which the last consultation must have been.
fn kept_until(profession: Profession, (physicians, others): (Timestamp, Timestamp)) -> Timestamp {
    match profession {
        Profession::Psychiatrist | Profession::Physician => physicians,
        Profession::Psychologist | Profession::Psychotherapist | Profession::Coach => others,
    }
}
