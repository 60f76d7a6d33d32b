//! Clinical notes and their versions, for their author.
use huntzen_clinical::{
    ids::{ConsultationId, NoteId},
    note::{ClinicalNotes, NoteKind, StoredNote, StoredVersion},
};
use huntzen_tenancy::{StoreError, policy::Role};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::{ConsultationRow, State},
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl ClinicalNotes for MemoryTx {
    fn add_note(&mut self, note: &StoredNote) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            // The trigger comes before row security.
            let consultation = state.consultations.get(&note.consultation.0.into()).map(ConsultationRow::care);
            let participants = consultation.map(|care| (care.company, care.employee_user, care.practitioner_user));
            require(participants == Some((note.company, note.patient, note.author)), "clinical_notes_participants")?;
            allow(viewer.is_author(note))?;
            require(!state.clinical_notes.contains(&note.id), "clinical_notes_pkey")?;
            let at = micros(note.created_at);
            let note = StoredNote { version: 1, created_at: at, updated_at: at, ..note.clone() };
            keep(state, &note, false);
            Ok(())
        })
    }

    fn notes_of(&mut self, consultation: ConsultationId) -> Result<Vec<StoredNote>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |note: &&StoredNote| note.consultation == consultation && viewer.is_author(note);
            let mut notes: Vec<StoredNote> = state.clinical_notes.rows().filter(is_wanted).cloned().collect();
            notes.sort_by_key(|note| (note.created_at, note.id));
            notes
        })
    }

    fn note(&mut self, id: NoteId, _for_update: bool) -> Result<Option<StoredNote>, StoreError> {
        self.read(|viewer, state| state.clinical_notes.get(&id).filter(|note| viewer.is_author(note)).cloned())
    }

    fn add_note_version(&mut self, note: &StoredNote, is_amendment: bool) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            let Some(held) = state.clinical_notes.get(&note.id).filter(|held| viewer.is_author(held)).cloned() else {
                return Ok(());
            };
            let is_new = !state.clinical_note_versions.contains(&(note.id, note.version));
            require(is_new, "clinical_note_versions_pkey")?;
            let (version, kind, content) = (note.version, note.kind, note.content.clone());
            let changed = StoredNote { version, kind, content, updated_at: micros(note.updated_at), ..held };
            keep(state, &changed, is_amendment);
            Ok(())
        })
    }

    fn set_note_kind(&mut self, id: NoteId, kind: NoteKind, at: Timestamp) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            let change = |note: &mut StoredNote| {
                note.kind = kind;
                note.updated_at = micros(at);
            };
            state.clinical_notes.change(|note| note.id == id && viewer.is_author(note), change);
            Ok(())
        })
    }

    fn note_versions(&mut self, id: NoteId) -> Result<Vec<StoredVersion>, StoreError> {
        self.read(|viewer, state| {
            let is_seen = state.clinical_notes.get(&id).is_some_and(|note| viewer.is_author(note));
            let of_note = state.clinical_note_versions.entries().filter(|((note, _), _)| is_seen && *note == id);
            of_note.map(|(_, version)| version.clone()).collect()
        })
    }

    fn delete_note(&mut self, id: NoteId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let Some(note) = state.clinical_notes.get(&id).filter(|note| viewer.is_author(note)).cloned() else {
                return Ok(false);
            };
            for version in 1..=note.version {
                state.clinical_note_versions.remove(&(id, version));
            }
            Ok(state.clinical_notes.remove(&id))
        })
    }
}

impl Viewer {
    fn is_author(&self, note: &StoredNote) -> bool {
        self.is(Role::Practitioner) && self.is_user(note.author)
    }
}

/// Writes a note and its present version.
fn keep(state: &mut State, note: &StoredNote, is_amendment: bool) {
    let (version, content, created_at) = (note.version, note.content.clone(), note.updated_at);
    let kept = StoredVersion { version, content, is_amendment, created_at };
    state.clinical_note_versions.put((note.id, version), kept);
    state.clinical_notes.put(note.id, note.clone());
}
