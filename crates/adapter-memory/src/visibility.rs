//! Who sees and writes which rows: the policies of row security, one function each.
use huntzen_booking::practitioner::Practitioner;
use huntzen_clinical::care::Care;
use huntzen_tenancy::{
    Job, Scope, ScopeKind,
    content::{Article, ArticleStatus},
    employee::Employee,
    files::{FileType, Participants, StoredFile},
    identity::{Invitation, User},
    ids::{CompanyId, UserId},
    policy::Role,
    sealing::KeyKind,
    token::TokenDigest,
};

use crate::state::{ConsultationRow, DataKeyRow, EventRow};

/// Whose unit of work it is.
pub(crate) struct Viewer(ScopeKind);

impl Viewer {
    /// Whoever this scope is for.
    pub(crate) fn of(scope: &Scope) -> Self {
        Self(scope.kind.clone())
    }

    /// The acting account.
    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.0 {
            ScopeKind::User(actor) => Some(actor.user),
            ScopeKind::Anonymous | ScopeKind::SignIn(_) | ScopeKind::Token(_) | ScopeKind::Worker(_) => None,
        }
    }

    /// Whether this is the acting account.
    pub(crate) fn is_user(&self, user: UserId) -> bool {
        self.user() == Some(user)
    }

    /// Whether the acting account has this role.
    pub(crate) fn is(&self, role: Role) -> bool {
        matches!(&self.0, ScopeKind::User(actor) if actor.role == role)
    }

    /// Whether the acting account belongs to this company.
    pub(crate) fn is_of(&self, company: CompanyId) -> bool {
        matches!(&self.0, ScopeKind::User(actor) if actor.company == Some(company))
    }

    /// Whether this job runs.
    pub(crate) fn is_job(&self, job: Job) -> bool {
        matches!(self.0, ScopeKind::Worker(running) if running == job)
    }

    fn is_any_job(&self) -> bool {
        matches!(self.0, ScopeKind::Worker(_))
    }

    /// Whether the unit of work is about this token.
    pub(crate) fn holds_token(&self, digest: TokenDigest) -> bool {
        matches!(self.0, ScopeKind::Token(held) if held == digest)
    }

    fn is_hr_of(&self, company: CompanyId) -> bool {
        self.is(Role::AdminRh) && self.is_of(company)
    }

    fn is_administrator(&self) -> bool {
        self.is(Role::AdminHuntzen)
    }
}

/// Accounts, invitations, companies and their people.
impl Viewer {
    pub(crate) fn sees_user(&self, row: &User) -> bool {
        self.is_user(row.id)
            || matches!(&self.0, ScopeKind::SignIn(email) if *email == row.email)
            || self.is(Role::SuperAdmin)
            || (self.is_administrator() && matches!(row.role, Role::AdminRh | Role::Practitioner))
            || self.is_job(Job::Outbox)
            || (self.is_job(Job::Bootstrap) && row.role == Role::SuperAdmin)
    }

    pub(crate) fn adds_user(&self, row: &User) -> bool {
        let own_company = row.company.is_some_and(|company| self.is_of(company));
        let invited = !row.is_active && row.password.is_none();
        let registers = self.is(Role::Employee)
            && row.role == Role::Employee
            && self.is_user(row.id)
            && own_company
            && !row.is_active
            && !row.email_verified;
        let by_hr =
            self.is(Role::AdminRh) && matches!(row.role, Role::Employee | Role::AdminRh) && own_company && invited;
        let by_administrator =
            self.is_administrator() && matches!(row.role, Role::AdminRh | Role::Practitioner) && invited;
        let by_operator =
            self.is(Role::SuperAdmin) && matches!(row.role, Role::SuperAdmin | Role::AdminHuntzen) && invited;
        let first_operator = self.is_job(Job::Bootstrap) && row.role == Role::SuperAdmin;
        registers || by_hr || by_administrator || by_operator || first_operator
    }

    pub(crate) fn asks_for_taken_emails(&self) -> bool {
        self.is(Role::AdminRh)
    }

    pub(crate) fn asks_for_work_addresses(&self) -> bool {
        self.is(Role::AdminRh) || self.is_administrator() || self.is(Role::SuperAdmin)
    }

    pub(crate) fn changes_user(&self, row: &User) -> bool {
        self.is_user(row.id) || self.is(Role::SuperAdmin) || (self.is_administrator() && row.role == Role::AdminRh)
    }

    /// Sees and writes.
    pub(crate) fn handles_invitation(&self, row: &Invitation) -> bool {
        self.is_user(row.user)
            || row.company.is_some_and(|company| self.is_hr_of(company))
            || self.is_administrator()
            || (self.is(Role::SuperAdmin) && row.company.is_none())
    }

    pub(crate) fn sees_company(&self, id: CompanyId) -> bool {
        self.is_administrator() || self.is_of(id) || self.is_job(Job::Eligibility)
    }

    pub(crate) fn adds_companies(&self) -> bool {
        self.is_administrator()
    }

    pub(crate) fn changes_company(&self, id: CompanyId) -> bool {
        self.is_administrator() || self.is_hr_of(id)
    }

    pub(crate) fn sees_domains(&self, company: CompanyId) -> bool {
        self.is_administrator() || self.is_of(company)
    }

    pub(crate) fn writes_domains(&self) -> bool {
        self.is_administrator()
    }

    pub(crate) fn writes_reporting(&self) -> bool {
        self.is_administrator()
    }

    pub(crate) fn sees_employee(&self, row: &Employee) -> bool {
        self.changes_employee(row) || self.is_job(Job::Eligibility)
    }

    pub(crate) fn changes_employee(&self, row: &Employee) -> bool {
        self.is_hr_of(row.company) || (self.is(Role::Employee) && self.is_user(row.user))
    }

    /// Adds this row, or leaves it behind.
    pub(crate) fn writes_employee(&self, row: &Employee) -> bool {
        self.is_hr_of(row.company) || (self.is(Role::Employee) && self.is_user(row.user) && self.is_of(row.company))
    }

    pub(crate) fn sees_article(&self, row: &Article) -> bool {
        row.status == ArticleStatus::Published || self.writes_articles()
    }

    pub(crate) fn writes_articles(&self) -> bool {
        self.is_administrator()
    }

    /// Sees and writes as those who publish it.
    pub(crate) fn handles_news(&self, company: CompanyId) -> bool {
        self.is_hr_of(company)
    }

    pub(crate) fn writes_letters(&self) -> bool {
        self.user().is_some() || self.is_any_job()
    }
}

/// Practitioners, consultations, reviews and figures.
impl Viewer {
    pub(crate) fn sees_practitioner(&self, row: &Practitioner) -> bool {
        row.is_public() || self.is(Role::Employee) || self.writes_practitioner(row)
    }

    /// Adds this row, or changes it.
    pub(crate) fn writes_practitioner(&self, row: &Practitioner) -> bool {
        (self.is(Role::Practitioner) && self.is_user(row.user)) || self.is_administrator()
    }

    /// Rules and exceptions.
    pub(crate) fn sees_time(&self, is_public: bool, owner: UserId) -> bool {
        is_public || self.is_user(owner)
    }

    fn is_participant(&self, employee_user: UserId, practitioner_user: UserId) -> bool {
        (self.is(Role::Employee) && self.is_user(employee_user))
            || (self.is(Role::Practitioner) && self.is_user(practitioner_user))
    }

    /// Ends and cancels what nobody else does.
    fn tidies_consultations(&self) -> bool {
        self.is_job(Job::EndForgotten) || self.is_job(Job::Eligibility) || self.is_job(Job::Erasure)
    }

    pub(crate) fn sees_consultation(&self, row: &ConsultationRow) -> bool {
        self.changes_consultation(row) || self.is_job(Job::Reminders)
    }

    pub(crate) fn changes_consultation(&self, row: &ConsultationRow) -> bool {
        self.is_participant(row.employee_user, row.consultation.practitioner_user) || self.tidies_consultations()
    }

    /// Adds this row, or leaves it behind.
    pub(crate) fn writes_consultation(&self, row: &ConsultationRow) -> bool {
        self.books_for(row.employee_user, row.consultation.company)
            || (!self.is(Role::Employee) && self.changes_consultation(row))
    }

    /// Books, or gives feedback, as this employee of this company.
    pub(crate) fn books_for(&self, employee_user: UserId, company: CompanyId) -> bool {
        self.is(Role::Employee) && self.is_user(employee_user) && self.is_of(company)
    }

    pub(crate) fn sees_event(&self, row: &EventRow) -> bool {
        self.is_participant(row.employee_user, row.practitioner_user)
    }

    pub(crate) fn adds_event(&self, row: &EventRow) -> bool {
        self.sees_event(row) || self.tidies_consultations()
    }

    /// Consultations and their events, without who the employee is.
    pub(crate) fn sees_redacted(&self) -> bool {
        self.is_administrator() || self.is(Role::SuperAdmin)
    }

    pub(crate) fn moderates_reviews(&self) -> bool {
        self.is_administrator()
    }

    /// Figures of the practitioner with this account.
    pub(crate) fn sees_figures(&self, practitioner_user: UserId) -> bool {
        (self.is(Role::Practitioner) && self.is_user(practitioner_user)) || self.is_administrator()
    }

    /// How a company is reported.
    pub(crate) fn sees_reporting(&self, company: CompanyId) -> bool {
        self.sees_domains(company) || self.is_job(Job::Closing)
    }

    /// Published cells of a company.
    pub(crate) fn sees_cells(&self, company: CompanyId) -> bool {
        self.is_administrator() || self.is_of(company)
    }

    /// A named person's usage.
    pub(crate) fn sees_named(&self, company: CompanyId, user: UserId) -> bool {
        self.is_hr_of(company) || (self.is(Role::Employee) && self.is_user(user))
    }

    pub(crate) fn sees_invoices(&self) -> bool {
        self.is_administrator()
    }

    /// Reads a conversation: as its employee or as its practitioner, and in no other role.
    pub(crate) fn takes_part(&self, care: &Care) -> bool {
        (self.is(Role::Employee) && self.is_user(care.employee_user))
            || (self.is(Role::Practitioner) && self.is_user(care.practitioner_user))
    }

    pub(crate) fn sees_file(&self, row: &StoredFile) -> bool {
        self.is_user(row.owner)
            || row.is_public
            || match row.kind {
                FileType::Avatar => self.user().is_some(),
                FileType::Document => false,
                FileType::Certificate => self.is_administrator(),
                FileType::Attachment => self.attends(row.participants),
            }
    }

    pub(crate) fn adds_file(&self, row: &StoredFile) -> bool {
        self.is_user(row.owner)
            && match row.kind {
                FileType::Avatar | FileType::Document => true,
                FileType::Certificate => self.is(Role::Practitioner),
                FileType::Attachment => self.attends(row.participants),
            }
    }

    fn attends(&self, both: Option<Participants>) -> bool {
        both.is_some_and(|both| self.is_participant(both.employee, both.practitioner))
    }

    /// Sees a request of this account.
    pub(crate) fn sees_request(&self, user: UserId) -> bool {
        self.is_user(user) || self.is_job(Job::Chat) || self.is_job(Job::Retention)
    }

    /// Adds a request of this account; the writer of messages only one that has its answer.
    pub(crate) fn adds_request(&self, user: UserId, is_answered: bool) -> bool {
        self.is_user(user) || (is_answered && self.is_job(Job::Chat))
    }

    pub(crate) fn sees_data_key(&self, row: &DataKeyRow) -> bool {
        row.readers.iter().any(|reader| self.is_user(*reader))
            || self.shares_data_key(row.key.subject.kind())
            || self.is_job(Job::Keys)
            || match row.key.subject.kind() {
                KeyKind::Letter => self.is_job(Job::Outbox),
                KeyKind::Review => self.moderates_reviews(),
                KeyKind::Person | KeyKind::Consultation | KeyKind::Notes | KeyKind::Files | KeyKind::Platform => false,
            }
    }

    pub(crate) fn adds_data_key(&self, row: &DataKeyRow) -> bool {
        row.readers.iter().any(|reader| self.is_user(*reader))
            || self.shares_data_key(row.key.subject.kind())
            || match row.key.subject.kind() {
                KeyKind::Letter => self.writes_letters(),
                KeyKind::Review => self.is(Role::Employee),
                KeyKind::Person | KeyKind::Consultation | KeyKind::Notes | KeyKind::Files | KeyKind::Platform => false,
            }
    }

    fn shares_data_key(&self, kind: KeyKind) -> bool {
        match kind {
            KeyKind::Platform => true,
            KeyKind::Consultation => self.is_job(Job::Chat),
            KeyKind::Person | KeyKind::Notes | KeyKind::Files | KeyKind::Letter | KeyKind::Review => false,
        }
    }
}
