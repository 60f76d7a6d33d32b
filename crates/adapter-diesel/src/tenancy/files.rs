//! Uploaded files, uploads that go on, objects to remove.
use diesel::{
    dsl::{delete, insert_into, update},
    prelude::*,
    sql_types::{BigInt, Binary, Timestamptz, Uuid as SqlUuid},
};
use huntzen_booking::consultation::ConsultationStatus;
use huntzen_tenancy::{
    Job, StoreError,
    files::{
        Attending, FileId, FileName, FileType, Files, Meeting, ObjectName, Participants, PendingUpload, Related,
        StoredFile, Usage,
    },
    ids::{CompanyId, UserId},
    sealing::{DataKey, KeySubject, MasterKeyId},
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::{consultations, file_removals, file_uploads, files, scope_role},
    scope::role_of,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, number, one, readable, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = files)]
struct FileRow {
    id: Uuid,
    owner_user_id: Uuid,
    kind: String,
    name: String,
    media_type: String,
    size: i64,
    sha256: Vec<u8>,
    related_resource: Option<String>,
    related_id: Option<Uuid>,
    object: Uuid,
    employee_user_id: Option<Uuid>,
    practitioner_user_id: Option<Uuid>,
    is_public: bool,
    created_at: StoredTimestamp,
}

impl TryFrom<FileRow> for StoredFile {
    type Error = StoreError;

    fn try_from(row: FileRow) -> Result<Self, StoreError> {
        let resource = row.related_resource.map(|text| word(&text, "files.related_resource")).transpose()?;
        let participants = row.employee_user_id.zip(row.practitioner_user_id);
        Ok(Self {
            id: FileId(row.id),
            owner: UserId(row.owner_user_id),
            kind: word(&row.kind, "files.kind")?,
            name: FileName::from_stored(row.name),
            media: word(&row.media_type, "files.media_type")?,
            size: number(row.size, "files.size")?,
            sha256: readable(row.sha256.try_into().ok(), "files.sha256")?,
            related: resource.zip(row.related_id).map(|(resource, id)| Related { resource, id }),
            object: ObjectName(row.object),
            participants: participants.map(|(employee, practitioner)| Participants {
                employee: UserId(employee),
                practitioner: UserId(practitioner),
            }),
            is_public: row.is_public,
            created_at: row.created_at.to_jiff(),
        })
    }
}

statement! {
    /// What somebody keeps, and which of their uploads go on.
    FileUsage { owner: Uuid, since: StoredTimestamp } -> (BigInt, BigInt, BigInt);
    "SELECT (SELECT count(*) FROM files WHERE owner_user_id = ", owner as SqlUuid;
    "), (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE owner_user_id = ", owner as SqlUuid;
    "), (SELECT count(*) FROM file_uploads WHERE owner_user_id = ", owner as SqlUuid;
    " AND begun_at > ", since as Timestamptz;
    ")"
}

statement! {
    /// The key of a file, as the definer function hands it to whoever may read the file.
    FileKey { file: Uuid } -> (SqlUuid, SqlUuid, BigInt, Binary);
    "SELECT id, subject_id, master_key_id, wrapped FROM file_key(", file as SqlUuid;
    ")"
}

impl Files for PgTx {
    fn file_usage(&mut self, owner: UserId, since: Timestamp) -> Result<Usage, StoreError> {
        let query = FileUsage { owner: owner.0, since: since.to_diesel() };
        let (files, bytes, uploads) = self.run(|connection| query.get_result::<(i64, i64, i64)>(connection))?;
        Ok(Usage {
            files: number(files, "count")?,
            bytes: number(bytes, "files.size")?,
            uploads: number(uploads, "count")?,
        })
    }

    fn add_upload(&mut self, upload: &PendingUpload) -> Result<(), StoreError> {
        let row = (
            file_uploads::object.eq(upload.object.0),
            file_uploads::owner_user_id.eq(upload.owner.0),
            file_uploads::begun_at.eq(upload.begun_at.to_diesel()),
        );
        self.run(|connection| insert_into(file_uploads::table).values(row).execute(connection)).map(drop)
    }

    fn drop_upload(&mut self, object: ObjectName) -> Result<bool, StoreError> {
        // The job sees everybody's; this is about one's own.
        let Some(actor) = self.actor else { return Ok(false) };
        let own = delete(file_uploads::table.find(object.0)).filter(file_uploads::owner_user_id.eq(actor.user.0));
        self.run(|connection| own.execute(connection)).map(|dropped| dropped > 0)
    }

    fn add_file(&mut self, file: &StoredFile) -> Result<(), StoreError> {
        let row = (
            files::id.eq(file.id.0),
            files::owner_user_id.eq(file.owner.0),
            files::kind.eq(file.kind.as_str()),
            files::name.eq(file.name.as_str()),
            files::media_type.eq(file.media.as_str()),
            files::size.eq(number::<u64, i64>(file.size, "files.size")?),
            files::sha256.eq(file.sha256.to_vec()),
            files::related_resource.eq(file.related.map(|related| related.resource.as_str())),
            files::related_id.eq(file.related.map(|related| related.id)),
            files::object.eq(file.object.0),
            files::created_at.eq(file.created_at.to_diesel()),
        );
        self.run(|connection| insert_into(files::table).values(row).execute(connection)).map(drop)
    }

    fn file(&mut self, id: FileId) -> Result<Option<StoredFile>, StoreError> {
        let query = files::table.find(id.0).select(FileRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn avatar_of(&mut self, owner: UserId) -> Result<Option<FileId>, StoreError> {
        let query = files::table
            .filter(files::owner_user_id.eq(owner.0))
            .filter(files::kind.eq(FileType::Avatar.as_str()))
            .select(files::id);
        Ok(self.run(|connection| query.first(connection).optional())?.map(FileId))
    }

    fn remove_file(&mut self, id: FileId) -> Result<bool, StoreError> {
        self.run(|connection| delete(files::table.find(id.0)).execute(connection)).map(|removed| removed > 0)
    }

    fn file_key(&mut self, id: FileId) -> Result<Option<DataKey>, StoreError> {
        type Row = (Uuid, Uuid, i64, Vec<u8>);
        let query = FileKey { file: id.0 };
        let row = self.run(|connection| query.get_result::<Row>(connection).optional())?;
        row.map(|(id, owner, master, wrapped)| {
            Ok(DataKey {
                id,
                subject: KeySubject::Files(UserId(owner)),
                master: MasterKeyId(number(master, "data_keys.master_key_id")?),
                wrapped,
            })
        })
        .transpose()
    }

    fn drop_stale_uploads(&mut self, begun_before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let stale = file_uploads::table
            .filter(scope_role().eq(role_of(Job::Files)))
            .filter(file_uploads::begun_at.lt(begun_before.to_diesel()))
            .order((file_uploads::begun_at, file_uploads::object))
            .limit(limit.into())
            .select(file_uploads::object);
        let objects = self.run(|connection| stale.load::<Uuid>(connection))?;
        let removal = delete(file_uploads::table.filter(file_uploads::object.eq_any(objects)));
        self.run(|connection| removal.execute(connection))
    }

    fn removals(&mut self, now: Timestamp, limit: u32) -> Result<Vec<ObjectName>, StoreError> {
        let until = file_removals::put_off_until;
        let query = file_removals::table
            .filter(until.is_null().or(until.assume_not_null().le(now.to_diesel())))
            .order((until.asc().nulls_first(), file_removals::object))
            .limit(limit.into())
            .select(file_removals::object);
        let objects = self.run(|connection| query.load::<Uuid>(connection))?;
        Ok(objects.into_iter().map(ObjectName).collect())
    }

    fn removed(&mut self, objects: &[ObjectName]) -> Result<(), StoreError> {
        let objects: Vec<Uuid> = objects.iter().map(|object| object.0).collect();
        let removal = delete(file_removals::table.filter(file_removals::object.eq_any(objects)));
        self.run(|connection| removal.execute(connection)).map(drop)
    }

    fn put_off_removals(&mut self, objects: &[ObjectName], until: Timestamp) -> Result<(), StoreError> {
        let objects: Vec<Uuid> = objects.iter().map(|object| object.0).collect();
        let change = update(file_removals::table.filter(file_removals::object.eq_any(objects)))
            .set(file_removals::put_off_until.eq(until.to_diesel()));
        self.run(|connection| change.execute(connection)).map(drop)
    }
}

impl Attending for PgTx {
    fn meeting(&mut self, consultation: Uuid) -> Result<Option<Meeting>, StoreError> {
        type Row = (Uuid, Uuid, Uuid, StoredTimestamp, StoredTimestamp, String);
        let Some(actor) = self.actor else { return Ok(None) };
        let query = consultations::table
            .find(consultation)
            .filter(
                consultations::employee_user_id
                    .eq(actor.user.0)
                    .or(consultations::practitioner_user_id.eq(actor.user.0)),
            )
            .select((
                consultations::company_id,
                consultations::employee_user_id,
                consultations::practitioner_user_id,
                consultations::scheduled_at,
                consultations::ends_at,
                consultations::status,
            ));
        let row = self.run(|connection| query.first::<Row>(connection).optional())?;
        row.map(|(company, employee, practitioner, scheduled_at, ends_at, status)| {
            let status: ConsultationStatus = word(&status, "consultations.status")?;
            Ok(Meeting {
                company: CompanyId(company),
                participants: Participants { employee: UserId(employee), practitioner: UserId(practitioner) },
                scheduled_at: scheduled_at.to_jiff(),
                ends_at: ends_at.to_jiff(),
                is_cancelled: status == ConsultationStatus::Cancelled,
            })
        })
        .transpose()
    }
}
