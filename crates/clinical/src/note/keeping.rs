//! Writing notes, reading one's own, amending and deleting them.
use huntzen_tenancy::{
    Caller,
    audit::{Action, Resource},
    policy::Permission,
    sealing::{DataKey, Sealed, SecretText},
};
use jiff::Timestamp;

use super::{Note, NoteKind, NoteVersion, StoredNote, place};
use crate::{
    ClinicalError, ClinicalPorts, ClinicalTx,
    content::{self, LONG},
    guard,
    ids::{ConsultationId, NoteId},
    trace::Trace,
};

/// What a practitioner writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNote {
    /// About which consultation of theirs, in whatever state it is: one prepares, and one notes that
    /// somebody did not come.
    pub consultation: ConsultationId,
    /// Whose it is.
    pub kind: NoteKind,
    /// What it says: up to 64 KiB in UTF-8.
    pub content: SecretText,
}

/// What changes of a note; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteChange {
    /// What it says.
    pub content: Option<SecretText>,
    /// Whose it is; only until the note is locked.
    pub kind: Option<NoteKind>,
}

/// The use cases of notes, for their author alone. Each leaves a trace without a word of them.
#[derive(Clone)]
pub struct Notes {
    ports: ClinicalPorts,
}

impl Notes {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts) -> Self {
        Self { ports }
    }

    /// Writes a note about one of the caller's consultations.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound` for a consultation that is not the caller's.
    pub fn write(&self, caller: &Caller, new: &NewNote) -> Result<Note, ClinicalError> {
        guard::require(&caller.actor, Permission::ClinicalNotesOwnWrite)?;
        content::check(&new.content, LONG)?;
        self.ports.traced(caller, (Action::Create, Resource::ClinicalNote), |tx, trace, now| {
            let care = tx.care(new.consultation)?.ok_or(ClinicalError::NotFound)?;
            trace.about(care.employee_user, care.company);
            let mut note = StoredNote {
                id: NoteId(self.ports.randomness.uuid_v4()),
                consultation: new.consultation,
                company: care.company,
                author: caller.actor.user,
                patient: care.employee_user,
                kind: new.kind,
                version: 1,
                content: Sealed(Vec::new()),
                created_at: now,
                updated_at: now,
            };
            trace.on(note.id);
            note.content = self.seal(tx, &note, &new.content, now)?;
            tx.add_note(&note)?;
            Ok(presented(&note, Some(new.content.clone()), now))
        })
    }

    /// The caller's notes about one of their consultations, oldest first.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a consultation that is not the caller's.
    pub fn of_consultation(&self, caller: &Caller, id: ConsultationId) -> Result<Vec<Note>, ClinicalError> {
        guard::require(&caller.actor, Permission::ClinicalNotesOwnRead)?;
        self.ports.traced(caller, (Action::Read, Resource::ClinicalNote), |tx, trace, now| {
            trace.on(id);
            let care = tx.care(id)?.ok_or(ClinicalError::NotFound)?;
            trace.about(care.employee_user, care.company);
            let notes = tx.notes_of(id)?;
            let key = match notes.first() {
                Some(note) => self.key(tx, note)?,
                None => None,
            };
            let shown = notes.into_iter().map(|note| {
                let content = self.open(key.as_ref(), &note, note.version, &note.content)?;
                Ok(presented(&note, content, now))
            });
            shown.collect()
        })
    }

    /// Rewrites a note; after the lock this amends it. Either way what it said before is kept.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`; `NoteLocked` for a new kind after the lock.
    pub fn change(&self, caller: &Caller, id: NoteId, change: &NoteChange) -> Result<Note, ClinicalError> {
        guard::require(&caller.actor, Permission::ClinicalNotesOwnWrite)?;
        if let Some(text) = &change.content {
            content::check(text, LONG)?;
        }
        self.ports.traced(caller, (Action::Update, Resource::ClinicalNote), |tx, trace, now| {
            let mut note = found(tx, trace, id, true)?;
            let is_locked = note.locked_at(now).is_some();
            if let Some(kind) = change.kind.filter(|kind| *kind != note.kind) {
                if is_locked {
                    return Err(ClinicalError::NoteLocked);
                }
                note.kind = kind;
                note.updated_at = now;
                if change.content.is_none() {
                    tx.set_note_kind(id, kind, now)?;
                }
            }
            let Some(text) = &change.content else {
                let key = self.key(tx, &note)?;
                let content = self.open(key.as_ref(), &note, note.version, &note.content)?;
                return Ok(presented(&note, content, now));
            };
            note.version += 1;
            note.updated_at = now;
            note.content = self.seal(tx, &note, text, now)?;
            tx.add_note_version(&note, is_locked)?;
            Ok(presented(&note, Some(text.clone()), now))
        })
    }

    /// Deletes a note, with every version of it, before it is locked.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `NoteLocked`.
    pub fn delete(&self, caller: &Caller, id: NoteId) -> Result<(), ClinicalError> {
        guard::require(&caller.actor, Permission::ClinicalNotesOwnWrite)?;
        self.ports.traced(caller, (Action::Delete, Resource::ClinicalNote), |tx, trace, now| {
            let note = found(tx, trace, id, true)?;
            if note.locked_at(now).is_some() {
                return Err(ClinicalError::NoteLocked);
            }
            tx.delete_note(id)?.then_some(()).ok_or(ClinicalError::NotFound)
        })
    }

    /// All that a note ever said, oldest first.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn versions(&self, caller: &Caller, id: NoteId) -> Result<Vec<NoteVersion>, ClinicalError> {
        guard::require(&caller.actor, Permission::ClinicalNotesOwnRead)?;
        self.ports.traced(caller, (Action::Read, Resource::ClinicalNote), |tx, trace, _| {
            let note = found(tx, trace, id, false)?;
            let key = self.key(tx, &note)?;
            let versions = tx.note_versions(id)?.into_iter().map(|one| {
                let content = self.open(key.as_ref(), &note, one.version, &one.content)?;
                let (version, is_amendment, created_at) = (one.version, one.is_amendment, one.created_at);
                Ok(NoteVersion { version, content, is_amendment, created_at })
            });
            versions.collect()
        })
    }

    fn key(&self, tx: &mut dyn ClinicalTx, note: &StoredNote) -> Result<Option<DataKey>, ClinicalError> {
        Ok(self.ports.sealer.known_keys(tx, &[note.key_subject()])?.into_values().next())
    }

    /// Seals `text` as the present version of `note`.
    fn seal(
        &self,
        tx: &mut dyn ClinicalTx,
        note: &StoredNote,
        text: &SecretText,
        now: Timestamp,
    ) -> Result<Sealed, ClinicalError> {
        let key = self.ports.sealer.key(tx, note.key_subject(), now)?;
        Ok(self.ports.sealer.seal(&key, &place(note.id, note.version, note.company), text)?)
    }

    fn open(
        &self,
        key: Option<&DataKey>,
        note: &StoredNote,
        version: u32,
        sealed: &Sealed,
    ) -> Result<Option<SecretText>, ClinicalError> {
        let place = place(note.id, version, note.company);
        Ok(key.map(|key| self.ports.sealer.open(key, &place, sealed)).transpose()?)
    }
}

/// The caller's note with this id; the trace names it either way.
fn found(
    tx: &mut dyn ClinicalTx,
    trace: &mut Trace,
    id: NoteId,
    for_update: bool,
) -> Result<StoredNote, ClinicalError> {
    trace.on(id);
    let note = tx.note(id, for_update)?.ok_or(ClinicalError::NotFound)?;
    trace.about(note.patient, note.company);
    Ok(note)
}

fn presented(note: &StoredNote, content: Option<SecretText>, now: Timestamp) -> Note {
    let locked_at = note.locked_at(now);
    let StoredNote { id, consultation, kind, version, created_at, updated_at, .. } = *note;
    Note { id, consultation, kind, content, version, locked_at, created_at, updated_at }
}
