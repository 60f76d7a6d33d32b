//! The tables and the rows that differ from what the ports speak of.
use huntzen_booking::{
    availability::{AvailabilityException, AvailabilityRule},
    consultation::{Consultation, ConsultationEvent},
    ids::{ConsultationId, PractitionerId, ReviewId},
    practitioner::Practitioner,
    reminders::ReminderKind,
    review::{NewReview, ReviewStatus},
    slots::BusySpan,
};
use huntzen_clinical::{
    care::Care,
    conversation::AddedMessage,
    ids::{ConsultationId as Conversation, JournalEntryId, NoteId},
    journal::StoredEntry,
    note::{StoredNote, StoredVersion},
};
use huntzen_metrics::{ClosedStatement, Month, Release, counters::ActivityDay, reconciliation::Reconciliation};
use huntzen_tenancy::{
    audit::{AuditEntry, ChainId, Link},
    backups::Backup,
    company::Company,
    content::{Article, News, VisitorKey},
    employee::{Employee, EmploymentPeriod},
    erasure::DeletionRequest,
    files::{FileId, ObjectName, PendingUpload, StoredFile},
    idempotency::KeptRequest,
    identity::{Invitation, OneTimeToken, RefreshRow, SecondFactor, Session, User},
    ids::{ArticleId, CompanyId, EmployeeId, NewsId, NotificationId, SessionId, UserId},
    notifications::Notification,
    outbox::OutboxMessage,
    preferences::{Alias, QuietHours},
    sealing::DataKey,
    token::TokenDigest,
};
use jiff::{Timestamp, civil::Date};
use uuid::{Builder, Uuid};

use crate::table::{Table, Undo};

/// Declares the tables, and what ends a unit of work over all of them.
macro_rules! tables {
    ($($(#[$about:meta])* $name:ident: $key:ty => $row:ty),+ $(,)?) => {
        /// Everything that the store holds.
        #[derive(Default)]
        pub(crate) struct State {
            $($(#[$about])* pub(crate) $name: Table<$key, $row>,)+
            made_ids: u64,
        }

        impl State {
            /// Keeps what the unit of work wrote.
            pub(crate) fn keep(&mut self) {
                $(self.$name.keep();)+
            }

            /// Takes back what the unit of work wrote.
            pub(crate) fn undo(&mut self) {
                $(self.$name.undo();)+
            }
        }
    };
}

tables! {
    /// Accounts.
    users: UserId => User,
    /// Who was erased, and when.
    erased: UserId => Timestamp,
    /// Requests to be erased.
    deletion_requests: Uuid => DeletionRequest,
    /// Who agreed to be named to their employer, and since when; the language is the account's.
    shares_usage: UserId => Timestamp,
    /// What people are called in rooms.
    aliases: UserId => Alias,
    /// When letters to them wait.
    quiet_hours: UserId => QuietHours,
    /// Second factors.
    second_factors: UserId => SecondFactorRow,
    /// Their backup codes, with when each was used.
    backup_codes: (UserId, TokenDigest) => Option<Timestamp>,
    /// Sign-ins.
    sessions: SessionId => Session,
    /// Tokens of sign-ins.
    refresh_tokens: TokenDigest => RefreshRow,
    /// Mailed tokens.
    one_time_tokens: TokenDigest => OneTimeTokenRow,
    /// Invitations.
    invitations: Uuid => Invitation,
    /// Tenants, with their domains.
    companies: CompanyId => Company,
    /// Beneficiaries.
    employees: EmployeeId => Employee,
    /// Employment, by its first day: no two periods of one employee begin on the same.
    employment_periods: (EmployeeId, Date) => EmploymentPeriod,
    /// The audit trail: nothing changes or removes an entry.
    audit_entries: Uuid => AuditEntry,
    /// The chains over it.
    audit_links: (ChainId, i64) => Link,
    /// Entries that wait to be linked.
    audit_unlinked: Uuid => Uuid,
    /// Wrapped data keys.
    data_keys: Uuid => DataKeyRow,
    /// Requests that may be repeated, with the answers that they got.
    idempotency_keys: (UserId, Uuid) => KeptRequest,
    /// Files.
    files: FileId => StoredFile,
    /// Uploads that go on.
    file_uploads: ObjectName => PendingUpload,
    /// Objects to remove, some not before an instant.
    file_removals: ObjectName => Option<Timestamp>,
    /// Letters.
    outbox: Uuid => OutboxRow,
    /// Inboxes.
    notifications: NotificationId => Notification,
    /// Articles.
    articles: ArticleId => Article,
    /// What keys the visitors of a day.
    article_visit_salts: Date => [u8; 32],
    /// Who looked at which article that day.
    article_visits: (ArticleId, Date, VisitorKey) => (),
    /// News of companies.
    news: NewsId => News,
    /// The directory.
    practitioners: PractitionerId => Practitioner,
    /// Weekly rules.
    rules: Uuid => RuleRow,
    /// Leave and extra hours.
    exceptions: Uuid => ExceptionRow,
    /// When practitioners are taken, buffers included.
    practitioner_busy: ConsultationId => BusyRow,
    /// Consultations.
    consultations: ConsultationId => ConsultationRow,
    /// What happened to them.
    consultation_events: Uuid => EventRow,
    /// Conversations, from their first message on.
    conversations: Conversation => ConversationRow,
    /// Messages, by their place in the conversation.
    messages: (Conversation, u64) => MessageRow,
    /// Clinical notes, each with its last version.
    clinical_notes: NoteId => StoredNote,
    /// Every version of them.
    clinical_note_versions: (NoteId, u32) => StoredVersion,
    /// Journals.
    journal_entries: JournalEntryId => StoredEntry,
    /// Reviews.
    reviews: ReviewId => ReviewRow,
    /// When each reminder was sent.
    reminders: (ConsultationId, ReminderKind, Timestamp) => Timestamp,
    /// A practitioner's days.
    practitioner_days: (PractitionerId, Date) => PractitionerDay,
    /// What practitioners are paid by.
    practitioner_statements: (PractitionerId, Date) => ClosedStatement,
    /// What companies' months came to.
    releases: (CompanyId, Date) => Release,
    /// Backups that were finished.
    backups: Uuid => Backup,
    /// What came of the last comparison of counters.
    reconciliation: () => Reconciliation,
    /// An employee's days.
    employee_days: (EmployeeId, Date) => ActivityDay,
    /// A company's days.
    company_days: (CompanyId, Date) => ActivityDay,
}

impl State {
    /// A fresh UUID version 7 (RFC 9562) for a row that the store itself writes. It counts on, so
    /// that a test can foresee the order, behind ones that no counting `Randomness` gives as well.
    pub(crate) fn uuid_v7(&mut self, at: Timestamp) -> Uuid {
        self.made_ids += 1;
        let mut tail = [u8::MAX; 10];
        for (to, from) in tail.iter_mut().skip(2).zip(self.made_ids.to_be_bytes()) {
            *to = from;
        }
        let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }
}

/// A second factor, with the last step whose code was accepted.
#[derive(Clone)]
pub(crate) struct SecondFactorRow {
    pub(crate) factor: SecondFactor,
    pub(crate) last_step: Option<i64>,
}

/// A mailed token and its use.
#[derive(Clone)]
pub(crate) struct OneTimeTokenRow {
    pub(crate) token: OneTimeToken,
    pub(crate) used_at: Option<Timestamp>,
}

/// A data key and who may use it.
#[derive(Clone)]
pub(crate) struct DataKeyRow {
    pub(crate) key: DataKey,
    pub(crate) readers: Vec<UserId>,
}

/// A letter and its tries.
#[derive(Clone)]
pub(crate) struct OutboxRow {
    pub(crate) message: OutboxMessage,
    pub(crate) next_attempt_at: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) given_up: bool,
}

/// A weekly rule and who sees it.
#[derive(Clone)]
pub(crate) struct RuleRow {
    pub(crate) owner: UserId,
    pub(crate) is_public: bool,
    pub(crate) rule: AvailabilityRule,
}

/// An exception and who sees it.
#[derive(Clone)]
pub(crate) struct ExceptionRow {
    pub(crate) owner: UserId,
    pub(crate) is_public: bool,
    /// With the label that its owner alone sees.
    pub(crate) own: AvailabilityException,
    /// Without it.
    pub(crate) unlabelled: AvailabilityException,
}

/// The time that a live consultation takes.
#[derive(Clone, Copy)]
pub(crate) struct BusyRow {
    pub(crate) practitioner: PractitionerId,
    pub(crate) span: BusySpan,
}

/// A consultation: never redacted, and with the day on which it counts.
#[derive(Clone)]
pub(crate) struct ConsultationRow {
    pub(crate) consultation: Consultation,
    pub(crate) employee: EmployeeId,
    pub(crate) employee_user: UserId,
    pub(crate) service_day: Option<Date>,
    /// The statement that it is a line of, when that is not its own month's.
    pub(crate) late_month: Option<Month>,
    /// The month of its company that it counts in, when it ended after its own was closed.
    pub(crate) late_release: Option<Month>,
}

/// An event, with the participants of its consultation.
#[derive(Clone)]
pub(crate) struct EventRow {
    pub(crate) consultation: ConsultationId,
    pub(crate) employee_user: UserId,
    pub(crate) practitioner_user: UserId,
    pub(crate) event: ConsultationEvent,
}

/// A conversation and what each side was told of it.
#[derive(Clone)]
pub(crate) struct ConversationRow {
    pub(crate) care: Care,
    pub(crate) last_seq: u64,
    pub(crate) employee: Side,
    pub(crate) practitioner: Side,
}

/// What one participant has not read, and was told of that.
#[derive(Clone, Copy, Default)]
pub(crate) struct Side {
    pub(crate) unread_since: Option<Timestamp>,
    pub(crate) notified_at: Option<Timestamp>,
    pub(crate) mailed_at: Option<Timestamp>,
}

/// A message with the participants of its conversation.
#[derive(Clone)]
pub(crate) struct MessageRow {
    pub(crate) added: AddedMessage,
}

/// A review, its moderation and what was published of it.
#[derive(Clone)]
pub(crate) struct ReviewRow {
    pub(crate) review: NewReview,
    pub(crate) status: ReviewStatus,
    pub(crate) published_comment: Option<String>,
}

/// One day of a practitioner's counters.
#[derive(Clone, Copy)]
pub(crate) struct PractitionerDay {
    pub(crate) user: UserId,
    pub(crate) consultations: u64,
    pub(crate) total_duration_seconds: u64,
    pub(crate) total_duration_minutes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_are_of_version_7_and_follow_each_other() {
        let mut state = State::default();
        let now = Timestamp::UNIX_EPOCH;
        let (first, second) = (state.uuid_v7(now), state.uuid_v7(now));
        assert_eq!(first.get_version_num(), 7);
        assert!(first < second);
    }
}
