//! Uploaded files, uploads that go on, objects to remove.
use huntzen_booking::{consultation::ConsultationStatus, ids::ConsultationId};
use huntzen_tenancy::{
    Job, StoreError,
    files::{
        Attending, FileId, FileType, Files, MediaType, Meeting, ObjectName, Participants, PendingUpload, StoredFile,
        Usage,
    },
    ids::UserId,
    sealing::{DataKey, KeySubject},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    erasure::refuse_erased,
    refusal::{allow, require},
    state::{ConsultationRow, State},
    store::MemoryTx,
    time::micros,
};

impl Files for MemoryTx {
    fn file_usage(&mut self, owner: UserId, since: Timestamp) -> Result<Usage, StoreError> {
        self.read(|viewer, state| {
            let mine = || state.files.rows().filter(|file| file.owner == owner && viewer.sees_file(file));
            let goes_on = |upload: &&PendingUpload| {
                upload.owner == owner && upload.begun_at > since && viewer.is_user(upload.owner)
            };
            Usage {
                files: mine().count() as u64,
                bytes: mine().map(|file| file.size).sum(),
                uploads: state.file_uploads.rows().filter(goes_on).count() as u64,
            }
        })
    }

    fn add_upload(&mut self, upload: &PendingUpload) -> Result<(), StoreError> {
        let upload = PendingUpload { begun_at: micros(upload.begun_at), ..*upload };
        self.write(|viewer, state| {
            allow(viewer.is_user(upload.owner))?;
            refuse_erased(state, upload.owner)?;
            require(!state.file_uploads.contains(&upload.object), "file_uploads_pkey")?;
            require(state.users.contains(&upload.owner), "file_uploads_owner_user_id_fkey")?;
            state.file_uploads.put(upload.object, upload);
            Ok(())
        })
    }

    fn drop_upload(&mut self, object: ObjectName) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_own = state.file_uploads.get(&object).is_some_and(|upload| viewer.is_user(upload.owner));
            if is_own {
                end_upload(state, object);
            }
            Ok(is_own)
        })
    }

    fn add_file(&mut self, file: &StoredFile) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            let file = with_facts(state, file);
            allow(viewer.adds_file(&file))?;
            refuse_erased(state, file.owner)?;
            require(!state.files.contains(&file.id), "files_pkey")?;
            require(state.users.contains(&file.owner), "files_owner_user_id_fkey")?;
            require(state.files.rows().all(|held| held.object != file.object), "files_object_key")?;
            let is_picture = file.kind == FileType::Avatar;
            require(!is_picture || file.media != MediaType::Pdf, "files_avatar")?;
            let has_other = state.files.rows().any(|held| held.kind == FileType::Avatar && held.owner == file.owner);
            require(!is_picture || !has_other, "files_avatar_key")?;
            if is_picture {
                show_avatar(state, file.owner, Some(file.id));
            }
            state.files.put(file.id, file);
            Ok(())
        })
    }

    fn file(&mut self, id: FileId) -> Result<Option<StoredFile>, StoreError> {
        self.read(|viewer, state| state.files.get(&id).filter(|file| viewer.sees_file(file)).cloned())
    }

    fn avatar_of(&mut self, owner: UserId) -> Result<Option<FileId>, StoreError> {
        self.read(|viewer, state| {
            let is_theirs = |file: &&StoredFile| file.kind == FileType::Avatar && file.owner == owner;
            state.files.rows().find(is_theirs).filter(|file| viewer.sees_file(file)).map(|file| file.id)
        })
    }

    fn remove_file(&mut self, id: FileId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let is_own = state.files.get(&id).is_some_and(|file| viewer.is_user(file.owner));
            remove_files(state, |file| is_own && file.id == id);
            Ok(is_own)
        })
    }

    fn file_key(&mut self, id: FileId) -> Result<Option<DataKey>, StoreError> {
        self.read(|viewer, state| {
            let file = state.files.get(&id).filter(|file| file.kind.is_sealed() && viewer.sees_file(file))?;
            let subject = KeySubject::Files(file.owner);
            state.data_keys.rows().find(|row| row.key.subject == subject).map(|row| row.key.clone())
        })
    }

    fn drop_stale_uploads(&mut self, begun_before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.write(|viewer, state| {
            let is_stale = |one: &&PendingUpload| viewer.is_job(Job::Files) && one.begun_at < begun_before;
            let mut stale: Vec<PendingUpload> = state.file_uploads.rows().filter(is_stale).copied().collect();
            stale.sort_by_key(|upload| (upload.begun_at, upload.object));
            stale.truncate(limit as usize);
            for upload in &stale {
                end_upload(state, upload.object);
            }
            Ok(stale.len())
        })
    }

    fn removals(&mut self, now: Timestamp, limit: u32) -> Result<Vec<ObjectName>, StoreError> {
        self.read(|viewer, state| {
            let is_due = |until: Option<Timestamp>| viewer.is_job(Job::Files) && until.is_none_or(|until| until <= now);
            let rows = state.file_removals.entries().filter(|(_, until)| is_due(**until));
            let mut due: Vec<_> = rows.map(|(object, until)| (*until, *object)).collect();
            due.sort_unstable();
            due.into_iter().take(limit as usize).map(|(_, object)| object).collect()
        })
    }

    fn removed(&mut self, objects: &[ObjectName]) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            for object in objects.iter().filter(|_| viewer.is_job(Job::Files)) {
                state.file_removals.remove(object);
            }
            Ok(())
        })
    }

    fn put_off_removals(&mut self, objects: &[ObjectName], until: Timestamp) -> Result<(), StoreError> {
        let until = micros(until);
        self.write(|viewer, state| {
            for object in objects.iter().filter(|_| viewer.is_job(Job::Files)) {
                if state.file_removals.contains(object) {
                    state.file_removals.put(*object, Some(until));
                }
            }
            Ok(())
        })
    }
}

impl Attending for MemoryTx {
    fn meeting(&mut self, consultation: Uuid) -> Result<Option<Meeting>, StoreError> {
        self.read(|viewer, state| {
            let row = state.consultations.get(&ConsultationId(consultation))?;
            let both = participants(row);
            let takes_part = viewer.user().is_some_and(|user| [both.employee, both.practitioner].contains(&user));
            (takes_part && viewer.sees_consultation(row)).then(|| Meeting {
                company: row.consultation.company,
                participants: both,
                scheduled_at: row.consultation.scheduled_at,
                ends_at: row.consultation.ends_at,
                is_cancelled: row.consultation.status == ConsultationStatus::Cancelled,
            })
        })
    }
}

fn participants(row: &ConsultationRow) -> Participants {
    Participants { employee: row.employee_user, practitioner: row.consultation.practitioner_user }
}

/// The file with what the store itself knows of it, whatever the program says.
fn with_facts(state: &State, file: &StoredFile) -> StoredFile {
    let attached_to = file.related.filter(|_| file.kind == FileType::Attachment);
    let meeting = attached_to.and_then(|related| state.consultations.get(&ConsultationId(related.id)));
    let is_seen = |owner| state.practitioners.rows().any(|row| row.user == owner && row.is_public());
    StoredFile {
        participants: meeting.map(participants),
        is_public: file.kind == FileType::Avatar && is_seen(file.owner),
        created_at: micros(file.created_at),
        ..file.clone()
    }
}

/// Deletes the files for which `chosen` holds: their objects are to be removed, and nobody shows them any
/// more.
pub(crate) fn remove_files(state: &mut State, chosen: impl Fn(&StoredFile) -> bool) {
    let gone: Vec<StoredFile> = state.files.rows().filter(|file| chosen(file)).cloned().collect();
    for file in gone {
        state.files.remove(&file.id);
        state.file_removals.put(file.object, None);
        if file.kind == FileType::Avatar {
            show_avatar(state, file.owner, None);
        }
    }
}

/// Ends an upload: its object is a file's, or to be removed.
pub(crate) fn end_upload(state: &mut State, object: ObjectName) {
    state.file_uploads.remove(&object);
    if state.files.rows().all(|file| file.object != object) {
        state.file_removals.put(object, None);
    }
}

fn show_avatar(state: &mut State, owner: UserId, avatar: Option<FileId>) {
    state.users.change(|row| row.id == owner, |row| row.avatar = avatar);
    state.practitioners.change(|row| row.user == owner, |row| row.avatar = avatar);
}
