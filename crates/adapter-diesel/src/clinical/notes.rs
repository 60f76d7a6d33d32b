//! Clinical notes and their versions, for their author.
use diesel::{
    dsl::{delete, update},
    prelude::*,
    sql_types::{Binary, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_clinical::{
    ids::{ConsultationId, NoteId},
    note::{ClinicalNotes, NoteKind, StoredNote, StoredVersion},
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
    sealing::Sealed,
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{clinical_note_versions as versions, clinical_notes as notes},
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, all, number, word},
    unit_of_work::PgTx,
};

statement! {
    /// Adds a note and its first version in one round trip.
    AddNote {
        id: Uuid, consultation: Uuid, company: Uuid, patient: Uuid, author: Uuid, kind: &'static str, at: StoredTimestamp,
        content: Vec<u8>,
    } -> ();
    "WITH added AS (INSERT INTO clinical_notes (id, consultation_id, company_id, employee_user_id, \
     practitioner_user_id, kind, version, created_at, updated_at) SELECT n.*, 1, t.at, t.at FROM (SELECT ",
        id as SqlUuid;
    "::uuid, ", consultation as SqlUuid;
    "::uuid, ", company as SqlUuid;
    "::uuid, ", patient as SqlUuid;
    "::uuid, ", author as SqlUuid;
    "::uuid, ", kind as Text;
    "::text) n, (SELECT ", at as Timestamptz;
    "::timestamptz AS at) t RETURNING id, practitioner_user_id, created_at) \
     INSERT INTO clinical_note_versions (note_id, version, practitioner_user_id, content, is_amendment, created_at) \
     SELECT a.id, 1, a.practitioner_user_id, ", content as Binary;
    "::bytea, false, a.created_at FROM added a"
}

statement! {
    /// Writes what a note is now, and keeps its further version.
    AddVersion {
        kind: &'static str, version: i32, at: StoredTimestamp, id: Uuid, content: Vec<u8>, is_amendment: bool,
    } -> ();
    "WITH changed AS (UPDATE clinical_notes SET kind = ", kind as Text;
    ", version = ", version as Integer;
    ", updated_at = ", at as Timestamptz;
    " WHERE id = ", id as SqlUuid;
    " RETURNING id, version, practitioner_user_id, updated_at) \
     INSERT INTO clinical_note_versions (note_id, version, practitioner_user_id, content, is_amendment, created_at) \
     SELECT c.id, c.version, c.practitioner_user_id, ", content as Binary;
    "::bytea, ", is_amendment as diesel::sql_types::Bool;
    "::boolean, c.updated_at FROM changed c"
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notes)]
struct NoteRow {
    id: Uuid,
    consultation_id: Uuid,
    company_id: Uuid,
    employee_user_id: Uuid,
    practitioner_user_id: Uuid,
    kind: String,
    version: i32,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

/// A note with what its last version says.
fn stored((row, content): (NoteRow, Vec<u8>)) -> Result<StoredNote, StoreError> {
    Ok(StoredNote {
        id: NoteId(row.id),
        consultation: ConsultationId(row.consultation_id),
        company: CompanyId(row.company_id),
        author: UserId(row.practitioner_user_id),
        patient: UserId(row.employee_user_id),
        kind: word(&row.kind, "clinical_notes.kind")?,
        version: number(row.version, "clinical_notes.version")?,
        content: Sealed(content),
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = versions)]
struct VersionRow {
    version: i32,
    content: Vec<u8>,
    is_amendment: bool,
    created_at: StoredTimestamp,
}

impl TryFrom<VersionRow> for StoredVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        Ok(Self {
            version: number(row.version, "clinical_note_versions.version")?,
            content: Sealed(row.content),
            is_amendment: row.is_amendment,
            created_at: row.created_at.to_jiff(),
        })
    }
}

/// Notes with what their last versions say.
#[diesel::dsl::auto_type]
fn with_content() -> _ {
    notes::table
        .inner_join(versions::table.on(versions::note_id.eq(notes::id).and(versions::version.eq(notes::version))))
}

impl ClinicalNotes for PgTx {
    fn add_note(&mut self, note: &StoredNote) -> Result<(), StoreError> {
        let statement = AddNote {
            id: note.id.0,
            consultation: note.consultation.0,
            company: note.company.0,
            patient: note.patient.0,
            author: note.author.0,
            kind: note.kind.as_str(),
            at: note.created_at.to_diesel(),
            content: note.content.0.clone(),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn notes_of(&mut self, consultation: ConsultationId) -> Result<Vec<StoredNote>, StoreError> {
        let query = with_content()
            .filter(notes::consultation_id.eq(consultation.0))
            .select((NoteRow::as_select(), versions::content))
            .order((notes::created_at, notes::id));
        self.run(|connection| query.load(connection))?.into_iter().map(stored).collect()
    }

    fn note(&mut self, id: NoteId, for_update: bool) -> Result<Option<StoredNote>, StoreError> {
        if for_update {
            // Held first: the version that is joined afterwards is then the last.
            let hold = notes::table.find(id.0).select(notes::id).for_no_key_update();
            self.run(|connection| hold.first::<Uuid>(connection).optional())?;
        }
        let query = with_content().filter(notes::id.eq(id.0)).select((NoteRow::as_select(), versions::content));
        self.run(|connection| query.first(connection).optional())?.map(stored).transpose()
    }

    fn add_note_version(&mut self, note: &StoredNote, is_amendment: bool) -> Result<(), StoreError> {
        let statement = AddVersion {
            kind: note.kind.as_str(),
            version: number(note.version, "clinical_notes.version")?,
            at: note.updated_at.to_diesel(),
            id: note.id.0,
            content: note.content.0.clone(),
            is_amendment,
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn set_note_kind(&mut self, id: NoteId, kind: NoteKind, at: Timestamp) -> Result<(), StoreError> {
        let change =
            update(notes::table.find(id.0)).set((notes::kind.eq(kind.as_str()), notes::updated_at.eq(at.to_diesel())));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn note_versions(&mut self, id: NoteId) -> Result<Vec<StoredVersion>, StoreError> {
        let query =
            versions::table.filter(versions::note_id.eq(id.0)).select(VersionRow::as_select()).order(versions::version);
        all(self.run(|connection| query.load::<VersionRow>(connection))?)
    }

    fn delete_note(&mut self, id: NoteId) -> Result<bool, StoreError> {
        let change = delete(notes::table.find(id.0));
        self.run(|connection| change.execute(connection)).map(|deleted| deleted > 0)
    }
}
