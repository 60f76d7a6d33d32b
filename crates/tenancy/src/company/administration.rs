//! What administrators do with companies, and HR with its own.
use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde_json::json;

use super::{
    Company, CompanyFilter, HrReporting,
    change::{CompanyChange, NewCompany},
};
use crate::{
    TenancyStore, TenancyTx,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    error::{Checks, TenancyError},
    fields,
    identity::{Inviter, NewAccount, User},
    ids::{CompanyId, UserId},
    outbox::{Letter, write_letter},
    policy::{Permission, Role},
    scope::{Actor, Caller, Scope},
    sealing::Sealer,
    slugs,
    store::{Page, PageRequest, StoreError},
};

/// How often a slug is chosen anew when another company takes it meanwhile.
const SLUG_RACES: usize = 4;

/// An HR colleague to invite; texts as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHr {
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

/// A company as it stands today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyView {
    /// The company.
    pub company: Company,
    /// How its usage is reported now.
    pub hr_reporting: HrReporting,
    /// From which day on it is reported how, when that is about to change.
    pub hr_reporting_next: Option<(Date, HrReporting)>,
}

impl CompanyView {
    /// The company at `now`; nobody is reported by name unless `allow_named` says so.
    fn of(company: Company, now: Timestamp, allow_named: bool) -> Self {
        let today = company.day(now);
        let is_allowed = |mode: &HrReporting| allow_named || *mode == HrReporting::Aggregated;
        let hr_reporting = Some(company.reporting.on(today)).filter(is_allowed).unwrap_or(HrReporting::Aggregated);
        let hr_reporting_next = company.reporting.next(today).filter(|(_, mode)| is_allowed(mode));
        Self { company, hr_reporting, hr_reporting_next }
    }
}

/// The company use cases.
#[derive(Clone)]
pub struct CompanyAdministration {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    sealer: Sealer,
    inviter: Inviter,
    allow_named: bool,
}

impl CompanyAdministration {
    /// Over this store, clock and randomness; letters are sealed by `sealer`. Usage can be reported by
    /// name only where `allow_named` says so.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        sealer: Sealer,
        allow_named: bool,
    ) -> Self {
        let inviter = Inviter::new(clock.clone(), randomness.clone(), sealer.clone());
        Self { store, clock, randomness, sealer, inviter, allow_named }
    }

    /// Adds a company, inactive until it is validated.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `DomainTaken`; `SiretTaken`.
    pub fn create(&self, caller: &Caller, company: &NewCompany) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompaniesManage)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        let mut company = company.to_company(CompanyId(self.randomness.uuid_v7(now)), now)?;
        let stem = slugs::stem(&company.name, "company");
        let mut races = 0;
        loop {
            let added = self.store.run(&scope, |tx| {
                company.slug = slugs::free(&stem, &tx.slugs_like(&stem)?);
                tx.add_company(&company)?;
                Ok(tx.record(&self.entry(&scope, now, Action::Create, company.id))?)
            });
            match added {
                Ok(()) => return Ok(self.view(company, now)),
                Err(TenancyError::Store(StoreError::Refused(rule)))
                    if rule == "companies_slug_key" && races < SLUG_RACES =>
                {
                    races += 1;
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// A page of companies, by name.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a search text that no name can contain.
    pub fn list(
        &self,
        caller: &Caller,
        filter: &CompanyFilter,
        page: PageRequest,
    ) -> Result<Page<CompanyView>, TenancyError> {
        caller.actor.require(Permission::CompaniesManage)?;
        let mut checks = Checks::default();
        fields::searched(&mut checks, filter.text.as_deref(), "q");
        checks.finish()?;
        let page = self.store.run(&caller.scope(), |tx| Ok(tx.companies(filter, page)?))?;
        let now = self.clock.now();
        let items = page.items.into_iter().map(|company| self.view(company, now)).collect();
        Ok(Page { items, total: page.total })
    }

    /// The HR caller's own company.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn own(&self, caller: &Caller) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompanyOwnRead)?;
        let id = caller.actor.company.ok_or(TenancyError::NotFound)?;
        self.find(&caller.scope(), id)
    }

    /// A company: any for an administrator, one's own for HR.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn get(&self, caller: &Caller, id: CompanyId) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompanyEdit)?;
        require_reach(&caller.actor, id)?;
        self.find(&caller.scope(), id)
    }

    /// Changes a company: an administrator everything, HR how its own is reached and its zone. Another
    /// way of reporting begins with the next month, and every employee is told of it now.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`, with `not_allowed` for what is not HR's to change; `NotFound`;
    /// `DomainTaken`; `SiretTaken`; `NamedReportingOff`.
    pub fn change(&self, caller: &Caller, id: CompanyId, change: &CompanyChange) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompanyEdit)?;
        let change = change.accept(caller.actor.role)?;
        require_reach(&caller.actor, id)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        self.store.run(&scope, |tx| {
            let mut company = tx.company_for_update(id)?.ok_or(TenancyError::NotFound)?;
            let planned = self.plan(&mut company, change.hr_reporting, now)?;
            change.apply(&mut company, now);
            tx.update_company(&company)?;
            if let Some(planned) = planned {
                tx.announce_reporting(id, planned, now)?;
            }
            tx.record(&self.entry(&scope, now, Action::Update, id))?;
            Ok(self.view(company, now))
        })
    }

    /// Makes a company's people eligible and tells its HR. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn validate(&self, caller: &Caller, id: CompanyId) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompaniesManage)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        self.store.run(&scope, |tx| {
            let mut company = tx.company_for_update(id)?.ok_or(TenancyError::NotFound)?;
            if company.is_active {
                return Ok(self.view(company, now));
            }
            company.is_active = true;
            company.validated_at = Some(now);
            company.validated_by = Some(caller.actor.user);
            company.updated_at = now;
            tx.update_company(&company)?;
            for recipient in tx.hr_of(id)? {
                self.announce(tx, recipient, now)?;
            }
            tx.record(&self.entry(&scope, now, Action::Validate, id))?;
            Ok(self.view(company, now))
        })
    }

    /// Ends the eligibility of a company's people and signs its HR out. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn suspend(&self, caller: &Caller, id: CompanyId) -> Result<CompanyView, TenancyError> {
        caller.actor.require(Permission::CompaniesManage)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        self.store.run(&scope, |tx| {
            let mut company = tx.company_for_update(id)?.ok_or(TenancyError::NotFound)?;
            if !company.is_active {
                return Ok(self.view(company, now));
            }
            company.is_active = false;
            company.updated_at = now;
            tx.update_company(&company)?;
            tx.sign_out_hr(id, now)?;
            tx.record(&self.entry(&scope, now, Action::Suspend, id))?;
            Ok(self.view(company, now))
        })
    }

    /// Invites an HR colleague: an administrator to any company, HR to its own.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`; `EmailTaken`.
    pub fn invite_hr(&self, caller: &Caller, id: CompanyId, colleague: &NewHr) -> Result<User, TenancyError> {
        caller.actor.require(Permission::CompanyAdminsInvite)?;
        let mut checks = Checks::default();
        let email = fields::email(&mut checks, &colleague.email, "email");
        let first_name = fields::name(&mut checks, &colleague.first_name, "firstName");
        let last_name = fields::name(&mut checks, &colleague.last_name, "lastName");
        let email = checks.pass(email)?;
        require_reach(&caller.actor, id)?;
        let account = NewAccount {
            id: UserId(self.randomness.uuid_v7(self.clock.now())),
            company: Some(id),
            email,
            role: Role::AdminRh,
            first_name,
            last_name,
        };
        let scope = caller.scope();
        self.store.run(&scope, |tx| {
            tx.company(id)?.ok_or(TenancyError::NotFound)?;
            self.inviter.add_and_invite_account(tx, &scope, account)
        })
    }

    fn view(&self, company: Company, now: Timestamp) -> CompanyView {
        CompanyView::of(company, now, self.allow_named)
    }

    fn find(&self, scope: &Scope, id: CompanyId) -> Result<CompanyView, TenancyError> {
        let company = self.store.run(scope, |tx| tx.company(id)?.ok_or(TenancyError::NotFound))?;
        Ok(self.view(company, self.clock.now()))
    }

    /// Has the company reported like this from the next month on; answers what changes by it.
    fn plan(
        &self,
        company: &mut Company,
        wanted: Option<HrReporting>,
        now: Timestamp,
    ) -> Result<Option<(Date, HrReporting)>, TenancyError> {
        let Some(mode) = wanted else { return Ok(None) };
        let today = company.day(now);
        let planned = company.reporting.plan(mode, today);
        if planned.is_some() && mode == HrReporting::Named && !self.allow_named {
            return Err(TenancyError::NamedReportingOff);
        }
        Ok(planned.map(|from| (from, mode)))
    }

    fn entry(&self, scope: &Scope, now: Timestamp, action: Action, id: CompanyId) -> AuditEntry {
        AuditEntry::new(scope, self.randomness.as_ref(), now, action, Resource::Company).on(id).within(Some(id))
    }

    fn announce(&self, tx: &mut dyn TenancyTx, recipient: UserId, now: Timestamp) -> Result<(), StoreError> {
        let named = (self.randomness.uuid_v7(now), now);
        write_letter(&self.sealer, tx, named, (recipient, Letter::CompanyValidated), &json!({}))
    }
}

/// Hides every company but their own from those who belong to one.
fn require_reach(actor: &Actor, id: CompanyId) -> Result<(), TenancyError> {
    let reached = !actor.role.has_company() || actor.company == Some(id);
    if reached { Ok(()) } else { Err(TenancyError::NotFound) }
}
