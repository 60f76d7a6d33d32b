//! The audit trail: who did what to what, never with its content.
use jiff::Timestamp;
use uuid::Uuid;

mod chain;
mod checkpoint;
mod linking;
mod pruning;
mod restoring;
mod verification;
mod viewing;
pub use chain::{AuditChains, ChainId, EntryRecord, Head, Link, LinkedRecord, ORIGIN, Stray, hash};
pub use checkpoint::{
    Checkpoint, CheckpointHistory, CheckpointKind, CheckpointLog, CheckpointSigner, CheckpointState, Signature,
};
pub use linking::{ChainLinking, ChainPorts, Signing};
pub use pruning::ChainPruning;
pub use restoring::ChainRestoring;
pub use verification::{Broken, ChainVerification, Depth, Verdict};
pub use viewing::{AccessLine, AuditFilter, AuditReading, AuditView, SeenActor, SeenEntry};

use crate::{
    clock::Randomness,
    ids::{CompanyId, UserId},
    policy::Role,
    scope::Scope,
    store::StoreError,
    words,
};

words! {
    /// What was done.
    Action {
        /// An account was made by its owner.
        Register = "REGISTER",
        /// An address was confirmed.
        VerifyEmail = "VERIFY_EMAIL",
        /// The letter that confirms an address was asked for again.
        ResendVerification = "RESEND_VERIFICATION",
        /// A sign-in succeeded.
        Login = "LOGIN",
        /// A sign-in was refused.
        LoginFailed = "LOGIN_FAILED",
        /// One session or all were ended by their owner.
        Logout = "LOGOUT",
        /// A refresh token came a second time; its family was revoked.
        RefreshReuse = "REFRESH_REUSE",
        /// A session was ended by its owner from another.
        RevokeSession = "REVOKE_SESSION",
        /// A ticket that opens a socket was issued.
        IssueTicket = "ISSUE_TICKET",
        /// A password reset was asked for.
        ForgotPassword = "FORGOT_PASSWORD",
        /// A password was reset by a mailed token.
        ResetPassword = "RESET_PASSWORD",
        /// A password was changed by its owner.
        ChangePassword = "CHANGE_PASSWORD",
        /// Another address was asked for.
        AskEmailChange = "ASK_EMAIL_CHANGE",
        /// The address was changed.
        ChangeEmail = "CHANGE_EMAIL",
        /// Somebody proved again to be there.
        StepUp = "STEP_UP",
        /// A second factor was prepared.
        SetUpTwoFactor = "SET_UP_TWO_FACTOR",
        /// It is asked for from now on.
        EnableTwoFactor = "ENABLE_TWO_FACTOR",
        /// It is no longer.
        DisableTwoFactor = "DISABLE_TWO_FACTOR",
        /// Somebody was invited.
        Invite = "INVITE",
        /// An invitation was taken back.
        WithdrawInvitation = "WITHDRAW_INVITATION",
        /// An invitation was accepted.
        AcceptInvitation = "ACCEPT_INVITATION",
        /// A thing was made.
        Create = "CREATE",
        /// A thing was read.
        Read = "READ",
        /// A thing was changed.
        Update = "UPDATE",
        /// A thing was deleted.
        Delete = "DELETE",
        /// A company or a practitioner was validated.
        Validate = "VALIDATE",
        /// A company or a practitioner was suspended.
        Suspend = "SUSPEND",
        /// An employee became eligible.
        Activate = "ACTIVATE",
        /// An employee's eligibility ended.
        Deactivate = "DEACTIVATE",
        /// An account was blocked.
        Block = "BLOCK",
        /// An account was unblocked.
        Unblock = "UNBLOCK",
        /// A consultation was booked.
        Book = "BOOK",
        /// A consultation was confirmed.
        Confirm = "CONFIRM",
        /// A consultation was cancelled.
        Cancel = "CANCEL",
        /// A consultation was moved.
        Reschedule = "RESCHEDULE",
        /// A consultation was started.
        Start = "START",
        /// A consultation was ended.
        End = "END",
        /// A consultation was marked as missed.
        NoShow = "NO_SHOW",
        /// A consultation that never started was excluded from billing.
        Exclude = "EXCLUDE",
        /// A room token was issued.
        JoinRoom = "JOIN_ROOM",
        /// Feedback was given.
        GiveFeedback = "GIVE_FEEDBACK",
        /// A review or an article was published.
        Publish = "PUBLISH",
        /// A review was rejected.
        Reject = "REJECT",
        /// A request was refused.
        Refuse = "REFUSE",
        /// A call was not answered.
        Miss = "MISS",
        /// Figures, or a person's own data, left as a file.
        Export = "EXPORT",
        /// A person asked to be erased.
        RequestDeletion = "REQUEST_DELETION",
        /// They asked for it no longer.
        CancelDeletion = "CANCEL_DELETION",
        /// They were erased.
        Erase = "ERASE",
        /// The trail was cut below a checkpoint.
        Prune = "PRUNE",
        /// Data keys were wrapped by another master key.
        Rewrap = "REWRAP",
        /// The database was put back to what it was when a backup was made.
        Restore = "RESTORE",
    }
}

words! {
    /// What kind of thing it was done to.
    Resource {
        /// An account.
        User = "USER",
        /// A session.
        Session = "SESSION",
        /// A company.
        Company = "COMPANY",
        /// An employee.
        Employee = "EMPLOYEE",
        /// A practitioner.
        Practitioner = "PRACTITIONER",
        /// An availability rule.
        Availability = "AVAILABILITY",
        /// An exception to the rules.
        AvailabilityException = "AVAILABILITY_EXCEPTION",
        /// A consultation.
        Consultation = "CONSULTATION",
        /// A review.
        Review = "REVIEW",
        /// A clinical note.
        ClinicalNote = "CLINICAL_NOTE",
        /// An entry of a journal.
        JournalEntry = "JOURNAL_ENTRY",
        /// The conversation of a consultation.
        Conversation = "CONVERSATION",
        /// A call within a consultation.
        Call = "CALL",
        /// A data key.
        DataKey = "DATA_KEY",
        /// The audit trail itself.
        AuditTrail = "AUDIT_TRAIL",
        /// What a person has decided.
        Preferences = "PREFERENCES",
        /// An article.
        Article = "ARTICLE",
        /// News of a company.
        News = "NEWS",
        /// Usage figures.
        Metrics = "METRICS",
        /// An uploaded file.
        File = "FILE",
        /// A backup.
        Backup = "BACKUP",
        /// A route, when the request never reached a resource.
        Route = "ROUTE",
    }
}

words! {
    /// How it ended.
    Outcome {
        /// Done.
        Success = "SUCCESS",
        /// Refused.
        Refused = "REFUSED",
    }
}

/// One line of the audit trail. Never a content, a token, an e-mail or a search term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's own id (UUID version 7).
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; `None` for the system and for strangers.
    pub actor: Option<UserId>,
    /// The actor's role then.
    pub actor_role: Option<Role>,
    /// Whose data it touched.
    pub subject: Option<UserId>,
    /// What was done.
    pub action: Action,
    /// To what kind of thing.
    pub resource: Resource,
    /// To which one.
    pub resource_id: Option<Uuid>,
    /// In which tenant.
    pub company: Option<CompanyId>,
    /// From where: a truncated address.
    pub ip: Option<String>,
    /// In which request.
    pub request_id: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl AuditEntry {
    /// `action` on a `resource`, done within `scope` at `at`, with success.
    pub fn new(scope: &Scope, randomness: &dyn Randomness, at: Timestamp, action: Action, resource: Resource) -> Self {
        let actor = scope.actor();
        Self {
            id: randomness.uuid_v7(at),
            at,
            actor: actor.map(|actor| actor.user),
            actor_role: actor.map(|actor| actor.role),
            subject: None,
            action,
            resource,
            resource_id: None,
            company: actor.and_then(|actor| actor.company),
            ip: scope.origin.ip.clone(),
            request_id: scope.origin.request_id.clone(),
            outcome: Outcome::Success,
        }
    }

    /// The same, on the thing with this id.
    #[must_use]
    pub fn on(mut self, id: impl Into<Uuid>) -> Self {
        self.resource_id = Some(id.into());
        self
    }

    /// The same, touching this person's data.
    #[must_use]
    pub fn about(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The same, in this tenant.
    #[must_use]
    pub fn within(mut self, company: Option<CompanyId>) -> Self {
        self.company = company;
        self
    }

    /// The same, refused.
    #[must_use]
    pub fn refused(mut self) -> Self {
        self.outcome = Outcome::Refused;
        self
    }
}

/// The audit trail, written in the same unit of work as what it records.
pub trait AuditLog {
    /// Appends `entry`. Any scope may append; nothing ever changes or removes an entry.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn record(&mut self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Appends all of `entries`, in few round trips.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn record_all(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// The entries about this resource, oldest first. Only `Job::Audit` sees any.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn trail(&mut self, resource_id: Uuid) -> Result<Vec<AuditEntry>, StoreError>;
}
