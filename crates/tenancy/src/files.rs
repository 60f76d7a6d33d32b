//! Uploaded files: what is known of each, who may send and read it, how much one may keep.
use jiff::Timestamp;

use crate::{
    ids::UserId,
    policy::{Permission, Role},
    scope::Actor,
    sealing::{DataKey, KeySubject, Place},
    store::StoreError,
    typed_id, words,
};

mod keeping;
mod name;
mod related;
mod removal;
mod storage;
pub use keeping::{FileKeeping, FilePorts, FileRules, Opened, Received, Upload};
pub use name::FileName;
pub use related::{Asked, Attending, Meeting, Related, RelatedResource};
pub use removal::FileRemoval;
pub use storage::{ObjectName, ObjectReader, ObjectStorage, ObjectWriter, Pending, StorageError};

typed_id!(
    /// An uploaded file. Random (UUID version 4): it travels in URLs and tells nothing of when it was made.
    FileId
);

words! {
    /// What a file is for.
    FileType {
        /// Somebody's picture; one a person.
        Avatar = "AVATAR",
        /// Something that its owner alone reads.
        Document = "DOCUMENT",
        /// What shows a practitioner's training.
        Certificate = "CERTIFICATE",
        /// Something for the other participant of a consultation.
        Attachment = "ATTACHMENT",
    }
}

impl FileType {
    /// Whether the bytes are sealed: all but pictures, which everybody may see anyway.
    pub fn is_sealed(self) -> bool {
        match self {
            Self::Avatar => false,
            Self::Document | Self::Certificate | Self::Attachment => true,
        }
    }

    /// Whether a file of this type may hold `media`.
    pub fn takes(self, media: MediaType) -> bool {
        match (self, media) {
            (Self::Avatar, MediaType::Pdf) => false,
            (Self::Avatar, MediaType::Jpeg | MediaType::Png)
            | (Self::Document | Self::Certificate | Self::Attachment, _) => true,
        }
    }

    /// What it takes to send one.
    pub fn permission(self) -> Permission {
        match self {
            Self::Avatar | Self::Document => Permission::FilesOwn,
            Self::Certificate => Permission::CertificatesOwn,
            Self::Attachment => Permission::AttachmentsOwn,
        }
    }
}

words! {
    /// What a file holds, by its media type (RFC 6838); nothing else is taken.
    MediaType {
        /// A photograph (ISO/IEC 10918).
        Jpeg = "image/jpeg",
        /// A picture (ISO/IEC 15948).
        Png = "image/png",
        /// A document (ISO 32000).
        Pdf = "application/pdf",
    }
}

impl MediaType {
    /// What names of such files end with; the first is put behind a name that ends otherwise.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe", "jfif"],
            Self::Png => &["png"],
            Self::Pdf => &["pdf"],
        }
    }
}

/// The two who meet in a consultation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participants {
    /// The employee's account.
    pub employee: UserId,
    /// The practitioner's account.
    pub practitioner: UserId,
}

/// A file that was taken in. Its bytes are an object in the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its id.
    pub id: FileId,
    /// Who sent it.
    pub owner: UserId,
    /// What it is for.
    pub kind: FileType,
    /// What it is called.
    pub name: FileName,
    /// What it holds.
    pub media: MediaType,
    /// Its length in bytes, as it is downloaded.
    pub size: u64,
    /// The SHA-256 of the same bytes.
    pub sha256: [u8; 32],
    /// What it is about.
    pub related: Option<Related>,
    /// The object that holds its bytes.
    pub object: ObjectName,
    /// Who meets in the consultation that an attachment is for; the store knows them.
    pub participants: Option<Participants>,
    /// Whether everybody sees it: the picture of a practitioner whom everybody sees; the store keeps it.
    pub is_public: bool,
    /// When it was taken in.
    pub created_at: Timestamp,
}

impl StoredFile {
    /// Whether `actor`, or a stranger, may read it. Nobody but owner and participants ever reads a
    /// document or an attachment, whatever the permission table says.
    pub fn is_read_by(&self, actor: Option<&Actor>) -> bool {
        let Some(actor) = actor else { return self.is_public };
        let is_participant = self.participants.is_some_and(|both| match actor.role {
            Role::Employee => both.employee == actor.user,
            Role::Practitioner => both.practitioner == actor.user,
            Role::SuperAdmin | Role::AdminHuntzen | Role::AdminRh => false,
        });
        self.owner == actor.user
            || match self.kind {
                FileType::Avatar => true,
                FileType::Document => false,
                FileType::Certificate => actor.role == Role::AdminHuntzen,
                FileType::Attachment => is_participant,
            }
    }

    /// Where its sealed bytes stand: they open nowhere else.
    pub fn place(id: FileId) -> Place {
        Place::new("files", "content", id.0)
    }

    /// Under whose key they are sealed.
    pub fn key_subject(owner: UserId) -> KeySubject {
        KeySubject::Files(owner)
    }
}

/// An upload that has begun: written down before its first byte arrives, so that whatever becomes of
/// it, its object is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingUpload {
    /// The object that its bytes go to.
    pub object: ObjectName,
    /// Whose it is.
    pub owner: UserId,
    /// When it began.
    pub begun_at: Timestamp,
}

/// What somebody keeps here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Uploads that have begun since the instant asked about, and are not done.
    pub uploads: u64,
}

/// Files, uploads that have begun, and objects that nothing refers to any more. A user scope sees its
/// own files and those it may read (`StoredFile::is_read_by`); strangers the public pictures.
///
/// An object is in exactly one of three places: an upload, a file, or the queue of removals. The store
/// moves it: an upload whose row goes without a file, and a file whose row goes, leave a removal.
pub trait Files {
    /// What `owner` keeps, with the uploads begun after `since`. Whoever decides by it holds the
    /// owner's account until the unit of work ends, so that of two at once the second sees the first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn file_usage(&mut self, owner: UserId, since: Timestamp) -> Result<Usage, StoreError>;

    /// Writes down that bytes of one's own are about to arrive.
    ///
    /// # Errors
    /// `Refused` for somebody else's.
    fn add_upload(&mut self, upload: &PendingUpload) -> Result<(), StoreError>;

    /// Forgets an upload of one's own; its object is removed unless a file holds it. `false` when
    /// there is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn drop_upload(&mut self, object: ObjectName) -> Result<bool, StoreError>;

    /// Takes in a file of one's own. The store says who meets in the consultation of an attachment
    /// and whether a picture is public.
    ///
    /// # Errors
    /// `Refused` when it may not be sent: a certificate by anybody but a practitioner, an attachment
    /// by anybody but a participant, a second picture.
    fn add_file(&mut self, file: &StoredFile) -> Result<(), StoreError>;

    /// The file with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn file(&mut self, id: FileId) -> Result<Option<StoredFile>, StoreError>;

    /// The picture of `owner`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn avatar_of(&mut self, owner: UserId) -> Result<Option<FileId>, StoreError>;

    /// Deletes a file of one's own and queues its object; `false` when there is none.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn remove_file(&mut self, id: FileId) -> Result<bool, StoreError>;

    /// The key under which a sealed file lies, for whoever may read the file; it is its owner's.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn file_key(&mut self, id: FileId) -> Result<Option<DataKey>, StoreError>;

    /// Forgets up to `limit` uploads that began before `begun_before`, oldest first, and queues their
    /// objects; answers how many. `Job::Files` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn drop_stale_uploads(&mut self, begun_before: Timestamp, limit: u32) -> Result<usize, StoreError>;

    /// Up to `limit` objects to remove from the storage, but those that were put off beyond `now`.
    /// `Job::Files` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn removals(&mut self, now: Timestamp, limit: u32) -> Result<Vec<ObjectName>, StoreError>;

    /// Forgets these objects: they are gone. `Job::Files` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn removed(&mut self, objects: &[ObjectName]) -> Result<(), StoreError>;

    /// Puts these removals off until `until`. `Job::Files` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn put_off_removals(&mut self, objects: &[ObjectName], until: Timestamp) -> Result<(), StoreError>;
}

impl FileId {
    /// Where the file is downloaded.
    pub fn url(self) -> String {
        format!("/files/{self}")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::words::Words;

    fn actor(role: Role, user: u128) -> Actor {
        Actor { user: UserId(Uuid::from_u128(user)), role, company: None, session: None }
    }

    fn file(kind: FileType, is_public: bool) -> StoredFile {
        let participants =
            Participants { employee: UserId(Uuid::from_u128(2)), practitioner: UserId(Uuid::from_u128(1)) };
        StoredFile {
            id: FileId(Uuid::from_u128(9)),
            owner: UserId(Uuid::from_u128(1)),
            kind,
            name: FileName::of("a.pdf", MediaType::Pdf),
            media: MediaType::Pdf,
            size: 1,
            sha256: [0; 32],
            related: None,
            object: ObjectName(Uuid::from_u128(8)),
            participants: (kind == FileType::Attachment).then_some(participants),
            is_public,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn nobody_reads_what_is_not_theirs() {
        use FileType::{Attachment, Avatar, Certificate, Document};
        let owner = actor(Role::Practitioner, 1);
        let participant = actor(Role::Employee, 2);
        for kind in FileType::ALL.iter().copied() {
            assert!(file(kind, false).is_read_by(Some(&owner)), "{kind} by its owner");
            assert!(!file(kind, false).is_read_by(None), "{kind} by a stranger");
            assert_eq!(file(kind, false).is_read_by(Some(&participant)), matches!(kind, Avatar | Attachment), "{kind}");
            for (role, reads) in [
                (Role::SuperAdmin, [true, false, false, false]),
                (Role::AdminHuntzen, [true, false, true, false]),
                (Role::AdminRh, [true, false, false, false]),
                (Role::Practitioner, [true, false, false, false]),
                (Role::Employee, [true, false, false, false]),
            ] {
                let read = [Avatar, Document, Certificate, Attachment]
                    .map(|kind| file(kind, false).is_read_by(Some(&actor(role, 3))));
                assert_eq!(read, reads, "{role}");
            }
        }
        assert!(file(Avatar, true).is_read_by(None), "a public picture by a stranger");
    }

    #[test]
    fn an_administrator_with_a_participants_id_is_no_participant() {
        for role in [Role::SuperAdmin, Role::AdminHuntzen, Role::AdminRh] {
            assert!(!file(FileType::Attachment, false).is_read_by(Some(&actor(role, 2))), "{role}");
        }
    }

    #[test]
    fn pictures_are_pictures() {
        assert!(!FileType::Avatar.takes(MediaType::Pdf));
        assert!(FileType::Avatar.takes(MediaType::Png) && FileType::Document.takes(MediaType::Pdf));
    }
}
