//! What people do with files: send, read, delete. The bytes themselves pass by at the edge.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    FileId, FileName, FileType, MediaType, Meeting, ObjectName, Participants, PendingUpload, Related, RelatedResource,
    StoredFile, Usage,
};
use crate::{
    TenancyStore, TenancyTx,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    error::TenancyError,
    idempotency::{Answer, Held, RequestDigest},
    policy::Permission,
    scope::{Caller, Origin, Scope},
    sealing::{OpeningStream, Sealer, SealingStream, UnlockedKey},
    store::StoreError,
};

/// How long an upload counts among those that go on; one takes minutes.
const UPLOAD_LIVES: SignedDuration = SignedDuration::from_mins(15);

/// What the file use cases stand on.
#[derive(Clone)]
pub struct FilePorts {
    /// Where files are known.
    pub store: Arc<dyn TenancyStore>,
    /// Seals their bytes.
    pub sealer: Sealer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub randomness: Arc<dyn Randomness>,
}

/// How much one may keep, and when attachments are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRules {
    /// The most files of one person.
    pub most_files: u64,
    /// The most bytes of all of them together.
    pub most_bytes: u64,
    /// The most uploads of one person at once.
    pub most_uploads: u64,
    /// How long before its consultation's start an attachment is taken.
    pub opens_before: SignedDuration,
    /// How long after its end.
    pub closes_after: SignedDuration,
}

impl Default for FileRules {
    /// 100 files and 200 MiB a person; attachments from a day before to a week after.
    fn default() -> Self {
        Self {
            most_files: 100,
            most_bytes: 200 * 1024 * 1024,
            most_uploads: 10,
            opens_before: SignedDuration::from_hours(24),
            closes_after: SignedDuration::from_hours(7 * 24),
        }
    }
}

impl FileRules {
    fn takes(&self, meeting: &Meeting, now: Timestamp) -> bool {
        !meeting.is_cancelled
            && meeting.scheduled_at.duration_until(now) >= -self.opens_before
            && meeting.ends_at.duration_until(now) <= self.closes_after
    }

    fn leave_room(&self, used: Usage, more: u64) -> bool {
        used.files < self.most_files && used.bytes.saturating_add(more) <= self.most_bytes
    }
}

/// An upload that has begun: where its bytes go, and the key that seals them.
pub struct Upload {
    /// The id of the file that it becomes.
    pub id: FileId,
    /// The object that its bytes go to.
    pub object: ObjectName,
    key: Option<Box<dyn UnlockedKey>>,
}

impl Upload {
    /// What seals its bytes; `None` when they lie in clear.
    ///
    /// # Errors
    /// `Defect` when the cipher refuses.
    pub fn seal(&self) -> Result<Option<SealingStream>, StoreError> {
        let place = StoredFile::place(self.id);
        Ok(self.key.as_ref().map(|key| SealingStream::new(key.as_ref(), &place)).transpose()?)
    }

    /// What opens its bytes again, before it has become a file.
    pub fn open(self) -> Option<OpeningStream> {
        self.key.map(|key| OpeningStream::new(key, StoredFile::place(self.id)))
    }
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What it is for.
    pub kind: FileType,
    /// What it is about.
    pub related: Option<Related>,
    /// What it is called.
    pub name: FileName,
    /// What it holds.
    pub media: MediaType,
    /// Its length in bytes, as it will be downloaded.
    pub size: u64,
    /// The SHA-256 of the same bytes.
    pub sha256: [u8; 32],
}

/// A file that the reader may have.
pub struct Opened {
    /// What is known of it.
    pub file: StoredFile,
    /// What opens its bytes; `None` when they lie in clear.
    pub opening: Option<OpeningStream>,
}

/// The file use cases.
#[derive(Clone)]
pub struct FileKeeping {
    ports: FilePorts,
    rules: FileRules,
}

impl FileKeeping {
    /// Over these ports, by these rules.
    pub fn new(ports: FilePorts, rules: FileRules) -> Self {
        Self { ports, rules }
    }

    /// Makes ready for the bytes of a file of this type; of one that is not known yet, they are sealed.
    ///
    /// # Errors
    /// `Forbidden`; `QuotaExceeded` when there is no room for another file, or too many uploads go on.
    pub fn begin(&self, caller: &Caller, kind: Option<FileType>) -> Result<Upload, TenancyError> {
        caller.actor.require(Permission::FilesOwn)?;
        caller.actor.require(kind.map_or(Permission::FilesOwn, FileType::permission))?;
        let (now, owner, scope) = (self.ports.clock.now(), caller.actor.user, caller.scope());
        let id = FileId(self.ports.randomness.uuid_v4());
        let object = ObjectName(self.ports.randomness.uuid_v4());
        let is_sealed = kind.is_none_or(FileType::is_sealed);
        let key = self.ports.store.run(&scope, |tx| {
            let used = held_usage(tx, caller, now)?;
            // A picture may take the place of another; the end decides.
            let is_certain = kind.is_some_and(|kind| kind != FileType::Avatar);
            let has_room = !is_certain || self.rules.leave_room(used, 0);
            if used.uploads >= self.rules.most_uploads || !has_room {
                return Err(TenancyError::QuotaExceeded);
            }
            tx.add_upload(&PendingUpload { object, owner, begun_at: now })?;
            let subject = StoredFile::key_subject(owner);
            Ok(if is_sealed { Some(self.ports.sealer.key(tx, subject, now)?) } else { None })
        })?;
        let key = key.map(|key| self.ports.sealer.unlock(&key)).transpose()?;
        Ok(Upload { id, object, key })
    }

    /// Takes the file in: its bytes are whole and durable in the storage. A picture replaces the one
    /// before.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for a consultation in which the caller takes no part, or an account that
    /// is not the caller's; `ConversationClosed`; `QuotaExceeded`. The upload then goes on until it is
    /// abandoned.
    pub fn finish(
        &self,
        caller: &Caller,
        (id, object): (FileId, ObjectName),
        received: &Received,
    ) -> Result<StoredFile, TenancyError> {
        caller.actor.require(received.kind.permission())?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| self.take_in(tx, caller, (id, object), received, now))
    }

    /// The same for a client that may send the request again: `held` keeps what `present` says is
    /// answered to what `asked` stands for.
    ///
    /// # Errors
    /// As for [`finish`](Self::finish); `RequestInProgress` when somebody else took the request over.
    pub fn finish_once(
        &self,
        caller: &Caller,
        (id, object): (FileId, ObjectName),
        received: &Received,
        (held, asked): (&Held, &RequestDigest),
        present: fn(StoredFile) -> Result<Answer, StoreError>,
    ) -> Result<Answer, TenancyError> {
        caller.actor.require(received.kind.permission())?;
        let now = self.ports.clock.now();
        self.ports.store.run(&caller.scope(), |tx| {
            let answer = present(self.take_in(tx, caller, (id, object), received, now)?)?;
            held.settle(tx, asked, &answer)?;
            Ok(answer)
        })
    }

    fn take_in(
        &self,
        tx: &mut dyn TenancyTx,
        caller: &Caller,
        (id, object): (FileId, ObjectName),
        received: &Received,
        now: Timestamp,
    ) -> Result<StoredFile, TenancyError> {
        let (kind, owner, scope) = (received.kind, caller.actor.user, caller.scope());
        let participants = self.related(tx, caller, received, now)?;
        let mut used = held_usage(tx, caller, now)?;
        if kind == FileType::Avatar
            && let Some(former) = tx.avatar_of(owner)?
        {
            let size = tx.file(former)?.map_or(0, |file| file.size);
            tx.remove_file(former)?;
            let entry = self.entry(&scope, now, Action::Delete);
            tx.record(&entry.on(former).about(owner))?;
            used = Usage { files: used.files.saturating_sub(1), bytes: used.bytes.saturating_sub(size), ..used };
        }
        if !self.rules.leave_room(used, received.size) {
            return Err(TenancyError::QuotaExceeded);
        }
        let file = StoredFile {
            id,
            owner,
            kind,
            name: received.name.clone(),
            media: received.media,
            size: received.size,
            sha256: received.sha256,
            related: received.related,
            object,
            participants: participants.filter(|_| kind == FileType::Attachment),
            is_public: false,
            created_at: now,
        };
        tx.add_file(&file)?;
        // The file holds the object from now on. Without the upload another node has given it up.
        if !tx.drop_upload(object)? {
            return Err(TenancyError::Store(StoreError::Refused("file_uploads".to_owned())));
        }
        self.trace(tx, &scope, (now, Action::Create), &file)?;
        Ok(file)
    }

    /// Gives an upload of the caller's up; its object is removed.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn abandon(&self, caller: &Caller, object: ObjectName) -> Result<(), TenancyError> {
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.drop_upload(object).map(drop)?))
    }

    /// What is known of a file that the caller may read. That of an attachment is read is traced.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn describe(&self, caller: &Caller, id: FileId) -> Result<StoredFile, TenancyError> {
        caller.actor.require(Permission::FilesOwn)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let file = readable(tx, Some(caller), id)?;
            if file.kind == FileType::Attachment {
                self.trace(tx, &scope, (now, Action::Read), &file)?;
            }
            Ok(file)
        })
    }

    /// A file for whoever may read it, a stranger without `caller`. That a file is read is traced
    /// before its first byte leaves; pictures, which everybody sees everywhere, are not.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `Defect` when its key is gone.
    pub fn open(&self, caller: Option<&Caller>, origin: &Origin, id: FileId) -> Result<Opened, TenancyError> {
        if let Some(caller) = caller {
            caller.actor.require(Permission::FilesOwn)?;
        }
        let now = self.ports.clock.now();
        let scope = caller.map_or_else(|| Scope::anonymous(origin.clone()), Caller::scope);
        let (file, key) = self.ports.store.run(&scope, |tx| {
            let file = readable(tx, caller, id)?;
            if !file.kind.is_sealed() {
                return Ok((file, None));
            }
            // Whose owner's key was destroyed is gone as well.
            let key = tx.file_key(id)?.ok_or(TenancyError::NotFound)?;
            self.trace(tx, &scope, (now, Action::Read), &file)?;
            Ok((file, Some(key)))
        })?;
        let key = key.map(|key| self.ports.sealer.unlock(&key)).transpose()?;
        Ok(Opened { opening: key.map(|key| OpeningStream::new(key, StoredFile::place(id))), file })
    }

    /// Deletes a file of the caller's; answers what it was.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`, also for a file that the caller may only read.
    pub fn delete(&self, caller: &Caller, id: FileId) -> Result<StoredFile, TenancyError> {
        caller.actor.require(Permission::FilesOwn)?;
        let (now, owner, scope) = (self.ports.clock.now(), caller.actor.user, caller.scope());
        self.ports.store.run(&scope, |tx| {
            let file = tx.file(id)?.filter(|file| file.owner == owner).ok_or(TenancyError::NotFound)?;
            if !tx.remove_file(id)? {
                return Err(TenancyError::NotFound);
            }
            self.trace(tx, &scope, (now, Action::Delete), &file)?;
            Ok(file)
        })
    }

    /// Passes what the file is about; answers who meets in its consultation.
    fn related(
        &self,
        tx: &mut dyn TenancyTx,
        caller: &Caller,
        received: &Received,
        now: Timestamp,
    ) -> Result<Option<Participants>, TenancyError> {
        let Some(Related { resource, id }) = received.related else { return Ok(None) };
        match resource {
            RelatedResource::User if id == caller.actor.user.0 => Ok(None),
            RelatedResource::User => Err(TenancyError::NotFound),
            RelatedResource::Consultation => {
                let meeting = tx.meeting(id)?.ok_or(TenancyError::NotFound)?;
                if received.kind == FileType::Attachment && !self.rules.takes(&meeting, now) {
                    return Err(TenancyError::ConversationClosed);
                }
                Ok(Some(meeting.participants))
            }
        }
    }

    /// Records what is done to a file. An attachment is its employee's, whoever sent it, and its company's.
    fn trace(
        &self,
        tx: &mut dyn TenancyTx,
        scope: &Scope,
        (now, action): (Timestamp, Action),
        file: &StoredFile,
    ) -> Result<(), TenancyError> {
        let entry = self.entry(scope, now, action).on(file.id);
        let attached_to = file.related.filter(|_| file.kind == FileType::Attachment);
        let meeting = attached_to.map(|related| tx.meeting(related.id)).transpose()?.flatten();
        let entry = match meeting {
            Some(meeting) => entry.about(meeting.participants.employee).within(Some(meeting.company)),
            None => entry.about(file.owner),
        };
        Ok(tx.record(&entry)?)
    }

    fn entry(&self, scope: &Scope, now: Timestamp, action: Action) -> AuditEntry {
        AuditEntry::new(scope, self.ports.randomness.as_ref(), now, action, Resource::File)
    }
}

/// What the caller keeps; another unit of work of theirs waits for this one.
fn held_usage(tx: &mut dyn TenancyTx, caller: &Caller, now: Timestamp) -> Result<Usage, TenancyError> {
    let owner = caller.actor.user;
    tx.user_for_update(owner)?.ok_or(TenancyError::NotFound)?;
    Ok(tx.file_usage(owner, now - UPLOAD_LIVES)?)
}

/// The file, when the caller may read it: row security and the domain's own rule agree.
fn readable(tx: &mut dyn TenancyTx, caller: Option<&Caller>, id: FileId) -> Result<StoredFile, TenancyError> {
    let actor = caller.map(|caller| &caller.actor);
    tx.file(id)?.filter(|file| file.is_read_by(actor)).ok_or(TenancyError::NotFound)
}
