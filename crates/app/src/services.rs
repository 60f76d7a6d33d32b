//! Every use case of the product, built once over one set of ports.
use std::sync::Arc;

use huntzen_booking::{
    BookingPorts, BookingRules, BookingStore,
    availability::{Planning, SlotSearch},
    consultation::{Booking, ConsultationReading},
    jobs::BookingJobs,
    practitioner::{Directory, OwnProfile, PractitionerAdministration},
    review::Feedback,
    room::{RoomSettings, RoomTokenSigner, Rooms},
};
use huntzen_clinical::{
    ClinicalPorts, ClinicalStore,
    call::{Calling, Calls, IceServers},
    conversation::{ConversationReading, ConversationRules, MessageWriter, RoomFeed, UnreadMail},
    journal::JournalKeeping,
    note::Notes,
    retention::{CareDiscarding, CarePeriods},
};
use huntzen_metrics::{
    HrReports, MetricsPorts, MetricsStore, ReleaseClosing, ReportingRules, StatementKeeping, UsageMetrics,
    reconciliation::Reconciling,
};
use huntzen_tenancy::{
    TenancyStore,
    audit::{
        AuditReading, ChainLinking, ChainPorts, ChainRestoring, ChainVerification, CheckpointLog, CheckpointSigner,
    },
    backups::BackupKeeping,
    clock::{Clock, Randomness},
    company::CompanyAdministration,
    content::{ArticleEditing, ArticleReading, ContentPorts, Markdown, Newsroom, VisitCounting, VisitorKeys},
    employee::Workforce,
    erasure::{DeletionRequesting, Erasing},
    files::{FileKeeping, FilePorts, FileRemoval, FileRules, ObjectStorage},
    idempotency::Repeating,
    identity::{
        AccessTokenSigner, EmailChange, IdentityPorts, InvitationAcceptance, PasswordHasher, PasswordRules, Recovery,
        RefreshTokens, Registration, SignIn, SuperAdministration, TokenLifetimes, TotpCodes, TwoFactor,
    },
    limits::{AttemptPorts, AttemptRules, FailedAttempts, RequestLimit, RequestRules, SharedTallies, TallyKeys},
    live::{Broadcast, LiveFeed, TicketOffice, Tickets},
    mail::{Letters, Mailer},
    notifications::Inbox,
    outbox::LetterDispatch,
    own_data::OwnData,
    preferences::PreferenceChoosing,
    retention::{Discarding, RetentionPeriods},
    sealing::{RotationStore, Sealer, Vault},
};

use jiff::SignedDuration;

use crate::probe::{Health, HealthRules, Probe};

/// What the use cases stand on; the adapters behind it are named in `wiring` alone.
#[derive(Clone)]
pub struct Ports {
    /// The store as tenancy sees it.
    pub tenancy: Arc<dyn TenancyStore>,
    /// The same store as booking sees it.
    pub booking: Arc<dyn BookingStore>,
    /// The same store as metrics sees it.
    pub metrics: Arc<dyn MetricsStore>,
    /// The same store as clinical sees it.
    pub clinical: Arc<dyn ClinicalStore>,
    /// The same store as the rotation of keys sees it.
    pub rotation: Arc<dyn RotationStore>,
    /// Seals what is confidential.
    pub vault: Arc<dyn Vault>,
    /// Signs checkpoints of the audit trail.
    pub signer: Arc<dyn CheckpointSigner>,
    /// Keeps them.
    pub checkpoints: Arc<dyn CheckpointLog>,
    /// Tells whether the store is well.
    pub probe: Arc<dyn Probe>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub randomness: Arc<dyn Randomness>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Counts codes of second factors.
    pub totp: Arc<dyn TotpCodes>,
    /// Makes and checks access tokens.
    pub access_tokens: Arc<dyn AccessTokenSigner>,
    /// Derives refresh tokens.
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    /// Signs room tokens.
    pub room_tokens: Arc<dyn RoomTokenSigner>,
    /// Renders articles and news.
    pub markdown: Arc<dyn Markdown>,
    /// Stands for visitors of articles.
    pub visitor_keys: Arc<dyn VisitorKeys>,
    /// Renders letters.
    pub letters: Arc<dyn Letters>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// Brings signals to connected people on every node.
    pub broadcast: Arc<dyn Broadcast>,
    /// Keeps the calls that ring or go on.
    pub calls: Arc<dyn Calls>,
    /// Names the servers that calls may use.
    pub ice: Arc<dyn IceServers>,
    /// Keeps the tickets that open sockets.
    pub tickets: Arc<dyn Tickets>,
    /// Counts requests.
    pub request_tallies: SharedTallies,
    /// Counts failed attempts at passwords and of whoever is signed in.
    pub password_tallies: SharedTallies,
    /// Counts those at tokens and addresses.
    pub token_tallies: SharedTallies,
    /// Stands for whoever is counted.
    pub tally_keys: Arc<dyn TallyKeys>,
    /// Keeps the bytes of files.
    pub storage: Arc<dyn ObjectStorage>,
}

impl Ports {
    fn for_identity(&self, sealer: &Sealer, rules: PasswordRules) -> IdentityPorts {
        IdentityPorts {
            store: Arc::clone(&self.tenancy),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
            sealer: sealer.clone(),
            hasher: Arc::clone(&self.hasher),
            totp: Arc::clone(&self.totp),
            rules,
        }
    }

    fn for_booking(&self, sealer: &Sealer, rules: BookingRules) -> BookingPorts {
        BookingPorts {
            store: Arc::clone(&self.booking),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
            sealer: sealer.clone(),
            rules,
        }
    }

    fn for_clinical(&self, sealer: &Sealer) -> ClinicalPorts {
        ClinicalPorts {
            store: Arc::clone(&self.clinical),
            sealer: sealer.clone(),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        }
    }

    fn for_files(&self, sealer: &Sealer) -> FilePorts {
        FilePorts {
            store: Arc::clone(&self.tenancy),
            sealer: sealer.clone(),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        }
    }

    fn for_metrics(&self) -> MetricsPorts {
        MetricsPorts {
            store: Arc::clone(&self.metrics),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        }
    }

    fn for_content(&self) -> ContentPorts {
        ContentPorts {
            store: Arc::clone(&self.tenancy),
            clock: Arc::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
            markdown: Arc::clone(&self.markdown),
            visitor_keys: Arc::clone(&self.visitor_keys),
        }
    }

    fn request_limit(&self, rules: Option<RequestRules>) -> RequestLimit {
        let (tallies, keys) = (self.request_tallies.clone(), Arc::clone(&self.tally_keys));
        RequestLimit::new(tallies, keys, Arc::clone(&self.clock), rules)
    }

    fn failed_attempts(&self, rules: Option<AttemptRules>) -> FailedAttempts {
        let ports = AttemptPorts {
            passwords: self.password_tallies.clone(),
            tokens: self.token_tallies.clone(),
            keys: Arc::clone(&self.tally_keys),
            clock: Arc::clone(&self.clock),
        };
        FailedAttempts::new(ports, rules)
    }

    fn for_chains(&self) -> ChainPorts {
        ChainPorts {
            store: Arc::clone(&self.tenancy),
            clock: Arc::clone(&self.clock),
            signer: Arc::clone(&self.signer),
            checkpoints: Arc::clone(&self.checkpoints),
        }
    }
}

/// The operator's choices that use cases follow.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What may be a password.
    pub passwords: PasswordRules,
    /// How many requests are answered; `None` for all.
    pub requests: Option<RequestRules>,
    /// How many attempts may fail; `None` for any number.
    pub attempts: Option<AttemptRules>,
    /// How long tokens live.
    pub lifetimes: TokenLifetimes,
    /// When consultations can be booked and started, and what is billed.
    pub booking: BookingRules,
    /// The room server.
    pub rooms: RoomSettings,
    /// When conversations take messages.
    pub conversations: ConversationRules,
    /// How much one may keep, and when attachments are taken.
    pub files: FileRules,
    /// How long uploads are kept that never ended.
    pub orphan_files: SignedDuration,
    /// What is reported to HR, and when months close.
    pub reporting: ReportingRules,
    /// How long what was said in confidence is kept.
    pub care_periods: CarePeriods,
    /// How long the rest is.
    pub periods: RetentionPeriods,
    /// How many days backups of data keys are kept.
    pub key_backup_days: u16,
    /// What counts as unhealthy.
    pub health: HealthRules,
}

/// Every use case that a handler, a worker or a command may call.
pub struct Services {
    /// Limiting requests.
    pub requests: RequestLimit,
    /// Limiting failed attempts.
    pub attempts: FailedAttempts,
    /// Signing in and out.
    pub sign_in: SignIn,
    /// Making an account.
    pub registration: Registration,
    /// Forgotten and changed passwords.
    pub recovery: Recovery,
    /// Accepting invitations.
    pub acceptance: InvitationAcceptance,
    /// Another address for one's account.
    pub email_change: EmailChange,
    /// Second factors, and step-up.
    pub two_factor: TwoFactor,
    /// What operators do to accounts.
    pub super_administration: SuperAdministration,
    /// Companies.
    pub companies: CompanyAdministration,
    /// Employees.
    pub workforce: Workforce,
    /// Writing articles.
    pub article_editing: ArticleEditing,
    /// Reading them.
    pub articles: ArticleReading,
    /// Counting their visitors.
    pub visits: VisitCounting,
    /// News of companies.
    pub newsroom: Newsroom,
    /// One's own notifications.
    pub inbox: Inbox,
    /// One's own preferences.
    pub preferences: PreferenceChoosing,
    /// Uploaded files.
    pub files: FileKeeping,
    /// Removing what nothing refers to.
    pub file_removal: FileRemoval,
    /// One's own data, to take away.
    pub own_data: OwnData,
    /// Asking to be erased.
    pub deletion: DeletionRequesting,
    /// Erasing who asked for it.
    pub erasing: Erasing,
    /// Requests that clients may send again.
    pub repeating: Repeating,
    /// Discarding what is kept no longer.
    pub discarding: Discarding,
    /// Discarding what was said in confidence and is kept no longer.
    pub care_discarding: CareDiscarding,
    /// Inviting, validating and suspending practitioners.
    pub practitioners: PractitionerAdministration,
    /// A practitioner's own profile.
    pub own_profile: OwnProfile,
    /// The public directory.
    pub directory: Directory,
    /// A practitioner's own availability.
    pub planning: Planning,
    /// Free and taken slots.
    pub slots: SlotSearch,
    /// Booking and holding consultations.
    pub booking: Booking,
    /// Reading consultations.
    pub consultations: ConsultationReading,
    /// Rooms.
    pub rooms: Rooms,
    /// Feedback and its moderation.
    pub reviews: Feedback,
    /// Clinical notes.
    pub notes: Notes,
    /// Journals.
    pub journal: JournalKeeping,
    /// Reading conversations.
    pub conversations: ConversationReading,
    /// Calls.
    pub calling: Calling,
    /// Writing messages.
    pub messages: MessageWriter,
    /// Letters about unread messages.
    pub unread: UnreadMail,
    /// How far conversations are.
    pub room_feed: RoomFeed,
    /// Usage figures.
    pub usage: UsageMetrics,
    /// What practitioners are paid by.
    pub statements: StatementKeeping,
    /// Comparing counters with what they count.
    pub reconciling: Reconciling,
    /// Closing companies' months.
    pub releases: ReleaseClosing,
    /// What is told about them.
    pub hr_reports: HrReports,
    /// Recurring work on consultations.
    pub jobs: BookingJobs,
    /// Sending letters.
    pub dispatch: LetterDispatch,
    /// Tickets that open sockets.
    pub tickets: TicketOffice,
    /// What connected people have to be told.
    pub live: LiveFeed,
    /// Linking the audit trail, and signing it.
    pub chain_linking: ChainLinking,
    /// Proving that nobody changed it.
    pub chain_verification: ChainVerification,
    /// Signing that it was put back with a restored backup.
    pub chain_restoring: ChainRestoring,
    /// Recording backups.
    pub backups: BackupKeeping,
    /// Reading it.
    pub audit: AuditReading,
    /// Whether all is well.
    pub health: Health,
}

impl Services {
    /// All of them over `ports`, following `rules`.
    pub fn new(ports: &Ports, rules: Rules) -> Self {
        let Ports { tenancy, clock, randomness, .. } = ports.clone();
        let sealer = Sealer::new(Arc::clone(&ports.vault), Arc::clone(&randomness));
        let identity = ports.for_identity(&sealer, rules.passwords);
        let booking = ports.for_booking(&sealer, rules.booking);
        let clinical = ports.for_clinical(&sealer);
        let metrics = ports.for_metrics();
        let chains = ports.for_chains();
        let content = ports.for_content();
        let (store, time) = (|| Arc::clone(&tenancy), || Arc::clone(&clock));
        let random = || Arc::clone(&randomness);
        Self {
            requests: ports.request_limit(rules.requests),
            attempts: ports.failed_attempts(rules.attempts),
            chain_linking: ChainLinking::new(chains.clone()),
            chain_restoring: ChainRestoring::new(chains.clone()),
            chain_verification: ChainVerification::new(chains),
            backups: BackupKeeping::new(identity.clone()),
            audit: AuditReading::new(store(), time(), random(), Arc::clone(&ports.signer)),
            sign_in: SignIn::new(
                identity.clone(),
                Arc::clone(&ports.access_tokens),
                Arc::clone(&ports.refresh_tokens),
                rules.lifetimes,
            ),
            registration: Registration::new(identity.clone()),
            recovery: Recovery::new(identity.clone()),
            acceptance: InvitationAcceptance::new(identity.clone()),
            email_change: EmailChange::new(identity.clone()),
            two_factor: TwoFactor::new(identity.clone()),
            own_data: OwnData::new(identity.clone()),
            deletion: DeletionRequesting::new(identity.clone()),
            erasing: Erasing::new(identity.clone(), rules.key_backup_days),
            discarding: Discarding::new(store(), time(), rules.periods),
            care_discarding: CareDiscarding::new(clinical.clone(), rules.care_periods),
            super_administration: SuperAdministration::new(identity),
            companies: CompanyAdministration::new(
                store(),
                time(),
                random(),
                sealer.clone(),
                rules.reporting.allow_named,
            ),
            preferences: PreferenceChoosing::new(store(), time(), random()),
            files: FileKeeping::new(ports.for_files(&sealer), rules.files),
            file_removal: FileRemoval::new(store(), time(), rules.orphan_files),
            workforce: Workforce::new(store(), time(), random(), sealer.clone()),
            repeating: Repeating::new(store(), time(), random(), sealer.clone()),
            article_editing: ArticleEditing::new(content.clone()),
            articles: ArticleReading::new(content.clone()),
            visits: VisitCounting::new(content.clone()),
            newsroom: Newsroom::new(content),
            inbox: Inbox::new(store(), time()),
            practitioners: PractitionerAdministration::new(booking.clone()),
            own_profile: OwnProfile::new(booking.clone()),
            directory: Directory::new(booking.clone()),
            planning: Planning::new(booking.clone()),
            slots: SlotSearch::new(booking.clone()),
            booking: Booking::new(booking.clone()),
            consultations: ConsultationReading::new(booking.clone()),
            rooms: Rooms::new(booking.clone(), Arc::clone(&ports.room_tokens), rules.rooms),
            reviews: Feedback::new(booking.clone()),
            notes: Notes::new(clinical.clone()),
            journal: JournalKeeping::new(clinical.clone()),
            conversations: ConversationReading::new(clinical.clone()),
            calling: Calling::new(clinical.clone(), Arc::clone(&ports.calls), Arc::clone(&ports.ice)),
            messages: MessageWriter::new(clinical.clone(), rules.conversations),
            room_feed: RoomFeed::new(clinical.clone()),
            unread: UnreadMail::new(clinical),
            usage: UsageMetrics::new(metrics.clone()),
            reconciling: Reconciling::new(metrics.clone()),
            releases: ReleaseClosing::new(metrics.clone(), rules.reporting),
            hr_reports: HrReports::new(metrics.clone(), rules.reporting),
            statements: StatementKeeping::new(metrics, rules.reporting.close_day),
            jobs: BookingJobs::new(booking),
            tickets: TicketOffice::new(store(), Arc::clone(&ports.tickets), time(), random()),
            live: LiveFeed::new(store(), time()),
            dispatch: LetterDispatch::new(
                tenancy,
                time(),
                Arc::clone(&ports.letters),
                Arc::clone(&ports.mailer),
                sealer,
            ),
            health: Health::new(Arc::clone(&ports.probe), clock, rules.health),
        }
    }
}
