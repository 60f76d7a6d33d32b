//! A customer company, its domains and its standing.
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    email::Email,
    error::TenancyError,
    ids::{CompanyId, UserId},
    store::{Page, PageRequest, StoreError},
};

mod administration;
mod change;
mod domain;
mod reporting;
mod siret;
pub use administration::{CompanyAdministration, CompanyView, NewHr};
pub use change::{CompanyChange, NewCompany};
pub use domain::EmailDomain;
pub use reporting::{HrReporting, Reporting};
pub use siret::Siret;

/// A customer company: the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// The name that people use.
    pub name: String,
    /// The registered name.
    pub legal_name: String,
    /// Its French establishment number.
    pub siret: Siret,
    /// The e-mail domains of its people; no two companies share one.
    pub email_domains: Vec<EmailDomain>,
    /// Its line of business.
    pub sector: Option<String>,
    /// How many people it employs, as it says itself.
    pub size: Option<u32>,
    /// Its IANA time zone: civil days of usage are counted in it.
    pub timezone: String,
    /// Unique, made from the name.
    pub slug: String,
    /// Whom to talk to.
    pub contact_name: Option<String>,
    /// Their address.
    pub contact_email: Option<Email>,
    /// Their telephone number.
    pub phone: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// Whether its people are eligible.
    pub is_active: bool,
    /// When it was validated.
    pub validated_at: Option<Timestamp>,
    /// By whom.
    pub validated_by: Option<UserId>,
    /// How its usage is reported, month by month.
    pub reporting: Reporting,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which companies a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyFilter {
    /// Only active (`true`) or inactive ones.
    pub active: Option<bool>,
    /// Only those whose name or slug contains this, in any case.
    pub text: Option<String>,
}

/// Companies. An administrator sees all, HR and employees their own.
pub trait Companies {
    /// Adds a company with its domains.
    ///
    /// # Errors
    /// `DomainTaken`, `SiretTaken`; a taken slug is `Refused("companies_slug_key")`.
    fn add_company(&mut self, company: &Company) -> Result<(), TenancyError>;

    /// Writes every field of a company but its id, slug and creation, and its domains.
    ///
    /// # Errors
    /// `DomainTaken`, `SiretTaken`, `NotFound`.
    fn update_company(&mut self, company: &Company) -> Result<(), TenancyError>;

    /// The company with this id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError>;

    /// The company with this id, held against other writers until the unit of work ends, so that
    /// `update_company` writes back nothing stale. A store whose units of work overlap must lock.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company_for_update(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        self.company(id)
    }

    /// A page of companies, by name then id.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn companies(&mut self, filter: &CompanyFilter, page: PageRequest) -> Result<Page<Company>, StoreError>;

    /// The active company whose people have this domain; any scope may ask.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn company_for_domain(&mut self, domain: &EmailDomain) -> Result<Option<CompanyId>, StoreError>;

    /// Tells every employee of a company, by letter and in the app, that its usage is reported like
    /// this from `from` on; administrators alone. Answers how many employees there are.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn announce_reporting(
        &mut self,
        company: CompanyId,
        planned: (Date, HrReporting),
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// The slugs in use that start with `stem`; administrators alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError>;
}

impl Company {
    /// The civil day of `now` where the company is.
    pub fn day(&self, now: Timestamp) -> Date {
        // A company that exists has a known zone.
        now.to_zoned(TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)).date()
    }
}

/// The canonical name of an IANA zone that the time zone database knows; `None` for any other.
pub fn known_zone(name: &str) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(name).ok()?;
    zone.iana_name().map(str::to_owned)
}
