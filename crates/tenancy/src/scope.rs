//! On whose behalf a unit of work runs: the store shows it no more than that.
use crate::{
    email::Email,
    ids::{CompanyId, SessionId, UserId},
    policy::Role,
    token::TokenDigest,
    words,
};

/// A signed-in account as it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// Its role.
    pub role: Role,
    /// Its company; `None` for roles that have none.
    pub company: Option<CompanyId>,
    /// The session it acts through; `None` while it is signing in.
    pub session: Option<SessionId>,
}

words! {
    /// Background work, each with the few rows that it needs.
    Job {
        /// Sends letters.
        Outbox = "outbox",
        /// Reminds participants of consultations.
        Reminders = "reminders",
        /// Ends forgotten sessions and excludes those that never started.
        EndForgotten = "end-forgotten",
        /// Cancels far consultations of people who are no longer eligible.
        Eligibility = "eligibility",
        /// Reads the audit trail.
        Audit = "audit",
        /// Tells connected people what is new, and closes the sockets of those who may not act any more.
        Live = "live",
        /// Creates the first operator and the demonstration data's operators.
        Bootstrap = "bootstrap",
        /// Wraps data keys by another master key.
        Keys = "keys",
        /// Writes the messages of conversations, each for its sender.
        Chat = "chat",
        /// Tells those whom a call did not reach.
        Calls = "calls",
        /// Writes to people with unread messages.
        Unread = "unread",
        /// Closes months.
        Closing = "closing",
        /// Compares counters with what they count.
        Reconcile = "reconcile",
        /// Forgets who looked at articles, once the day is over.
        Visits = "visits",
        /// Removes the bytes that no file refers to any more.
        Files = "files",
        /// Erases people who asked for it.
        Erasure = "erasure",
        /// Discards what is kept no longer.
        Retention = "retention",
        /// Records backups, and tells of them.
        Backup = "backup",
    }
}

/// How much of the store a unit of work sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// Public reading: validated practitioners, published reviews, busy times.
    Anonymous,
    /// The one account with this e-mail, before its tenant is known.
    SignIn(Email),
    /// The owner of this token, before it is known who that is.
    Token(TokenDigest),
    /// What this account may see.
    User(Actor),
    /// What this job needs.
    Worker(Job),
}

/// Where a request came from, for the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The request's id; empty for background work.
    pub request_id: String,
    /// The client's address, already truncated (IPv4 to /24, IPv6 to /48).
    pub ip: Option<String>,
}

/// A unit of work's scope: how much it sees, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How much it sees.
    pub kind: ScopeKind,
    /// Where it came from.
    pub origin: Origin,
}

impl Scope {
    /// Public reading.
    pub fn anonymous(origin: Origin) -> Self {
        Self { kind: ScopeKind::Anonymous, origin }
    }

    /// The one account with `email`.
    pub fn sign_in(email: Email, origin: Origin) -> Self {
        Self { kind: ScopeKind::SignIn(email), origin }
    }

    /// The owner of the token with this digest.
    pub fn token(digest: TokenDigest, origin: Origin) -> Self {
        Self { kind: ScopeKind::Token(digest), origin }
    }

    /// What `actor` may see.
    pub fn user(actor: Actor, origin: Origin) -> Self {
        Self { kind: ScopeKind::User(actor), origin }
    }

    /// What `job` needs.
    pub fn worker(job: Job) -> Self {
        Self { kind: ScopeKind::Worker(job), origin: Origin::default() }
    }

    /// The account that acts, when one does.
    pub fn actor(&self) -> Option<&Actor> {
        match &self.kind {
            ScopeKind::User(actor) => Some(actor),
            ScopeKind::Anonymous | ScopeKind::SignIn(_) | ScopeKind::Token(_) | ScopeKind::Worker(_) => None,
        }
    }
}

/// A request by a signed-in account: what use cases behind the sign-in take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who asks.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl Caller {
    /// The scope of this caller's units of work.
    pub fn scope(&self) -> Scope {
        Scope::user(self.actor, self.origin.clone())
    }
}
