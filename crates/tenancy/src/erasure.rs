//! Being forgotten: what a person asks for, and what becomes of it (GDPR, article 17).
use jiff::{SignedDuration, Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    backups::PendingErasure,
    email::Email,
    error::TenancyError,
    ids::{CompanyId, UserId},
    sealing::{Place, Sealed, SecretText},
    store::StoreError,
    words,
};

mod erasing;
mod requesting;
pub use erasing::{Erasing, ErasureRun};
pub use requesting::DeletionRequesting;
pub(crate) use requesting::with_reason;

/// For how long a deletion can be taken back.
pub const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);

words! {
    /// What became of a request.
    DeletionStatus {
        /// It can be taken back.
        Pending = "PENDING",
        /// It was taken back.
        Cancelled = "CANCELLED",
        /// The person was erased.
        Completed = "COMPLETED",
    }
}

/// That somebody was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// When.
    pub at: Timestamp,
    /// What the person was mailed to show for it.
    pub certificate: Uuid,
    /// From when on no backup holds the destroyed keys.
    pub keys_gone_on: Date,
}

/// A person's request to be erased; the reason sealed where it is stored, secret where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionRequest<Reason = Sealed> {
    /// Its id.
    pub id: Uuid,
    /// Who asks.
    pub user: UserId,
    /// What became of it.
    pub status: DeletionStatus,
    /// Why, in the person's words, under the person's key.
    pub reason: Option<Reason>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when it can be taken back, and from when on the person is erased.
    pub deletion_date: Timestamp,
    /// When it was taken back.
    pub cancelled_at: Option<Timestamp>,
    /// When the person was erased.
    pub erased: Option<Erased>,
}

/// A request as its owner reads it.
pub type OpenDeletionRequest = DeletionRequest<SecretText>;

/// Where the reason of the request with this id stands.
pub(crate) fn reason_place(request: Uuid) -> Place {
    Place::new("deletion_requests", "reason", request)
}

/// Requests to be erased; a user scope sees its own alone.
pub trait DeletionRequests {
    /// Adds a pending request.
    ///
    /// # Errors
    /// `DeletionPending` when the account has one already, even since a moment ago; `Refused` for
    /// somebody else's.
    fn add_deletion_request(&mut self, request: &DeletionRequest) -> Result<(), TenancyError>;

    /// The pending request of an account.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn pending_deletion(&mut self, user: UserId) -> Result<Option<DeletionRequest>, StoreError>;

    /// Every request of an account, newest first, at most 100.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn deletion_requests(&mut self, user: UserId) -> Result<Vec<DeletionRequest>, StoreError>;

    /// Takes a pending request back at `at`; `false` when it is not pending, or not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn cancel_deletion(&mut self, id: Uuid, at: Timestamp) -> Result<bool, StoreError>;

    /// Whether anybody but this operator can operate the platform: an active account that is not
    /// blocked. Operators see it.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn has_other_operator(&mut self, user: UserId) -> Result<bool, StoreError>;
}

/// A request whose day has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueErasure {
    /// The request.
    pub request: Uuid,
    /// Whom it is about.
    pub user: UserId,
    /// The address that the account has until then.
    pub email: Email,
    /// The account's tenant.
    pub company: Option<CompanyId>,
    /// What was certified when the same person was erased before: a restored backup has brought them
    /// back since.
    pub erased_before: Option<Erased>,
}

/// The job's side of erasure: `Job::Erasure` alone.
pub trait Erasures {
    /// The request that has been due at `now` for longest, held until the unit of work ends, those
    /// that another node holds skipped. Nobody who is in a consultation, or has one ahead, is due;
    /// nor is the last who operates the platform. Who was erased before is due all the same. The
    /// requests `passed_over` are not taken.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn take_due_erasure(&mut self, now: Timestamp, passed_over: &[Uuid]) -> Result<Option<DueErasure>, StoreError>;

    /// Erases whom a due request is about, and settles it; `false`, and nothing changes, when it is
    /// not due or was settled before.
    ///
    /// What the person confided goes with its keys: the journal, the conversations and reasons of
    /// an employee, comments, letters, the second factor. So do sessions, tokens, invitations,
    /// notifications, preferences, and figures by name. Names read "Utilisateur supprimé" and the
    /// address `deleted-{id}@huntzen.care`, wherever they stood. A practitioner's conversations stay,
    /// and everybody's consultations, counters and statements, and notes under their own keys.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn erase_person(&mut self, request: Uuid, erased: &Erased) -> Result<bool, StoreError>;

    /// Every request that is pending, by its day.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn pending_erasures(&mut self) -> Result<Vec<PendingErasure>, StoreError>;
}
