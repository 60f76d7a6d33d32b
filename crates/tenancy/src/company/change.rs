//! What a company can be made from and changed to, and who may change what.
use jiff::Timestamp;

use super::{Company, EmailDomain, HrReporting, Reporting, Siret, known_zone};
use crate::{
    email::Email,
    error::{Checks, TenancyError},
    fields,
    ids::CompanyId,
    policy::Role,
};

/// The zone of a company that names none: the service is sold in France.
const DEFAULT_ZONE: &str = "Europe/Paris";
/// The most domains of one company.
const MOST_DOMAINS: usize = 20;
/// The most people that a company can say it employs.
const MOST_PEOPLE: u32 = 10_000_000;

const NAME: usize = 120;
const LEGAL_NAME: usize = 200;
const SECTOR: usize = 120;
const PHONE: usize = 32;
const ADDRESS: usize = 500;

/// What a company is made from; texts as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCompany {
    /// The name that people use.
    pub name: String,
    /// The registered name; the name when absent.
    pub legal_name: Option<String>,
    /// Its French establishment number.
    pub siret: String,
    /// The e-mail domains of its people: 1 to 20.
    pub email_domains: Vec<String>,
    /// Its line of business.
    pub sector: Option<String>,
    /// How many people it employs.
    pub size: Option<u32>,
    /// Its IANA time zone; that of Paris when absent.
    pub timezone: Option<String>,
    /// Whom to talk to.
    pub contact_name: Option<String>,
    /// Their address.
    pub contact_email: Option<String>,
    /// Their telephone number.
    pub phone: Option<String>,
    /// Where it is.
    pub address: Option<String>,
}

/// What changes about a company; texts as typed.
/// In doubled options the outer `None` leaves the field and the inner one clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyChange {
    /// The name; the slug stays.
    pub name: Option<String>,
    /// The registered name.
    pub legal_name: Option<String>,
    /// Its French establishment number.
    pub siret: Option<String>,
    /// All of its e-mail domains.
    pub email_domains: Option<Vec<String>>,
    /// Its line of business.
    pub sector: Option<Option<String>>,
    /// How many people it employs.
    pub size: Option<Option<u32>>,
    /// Its IANA time zone.
    pub timezone: Option<String>,
    /// Whom to talk to.
    pub contact_name: Option<Option<String>>,
    /// Their address.
    pub contact_email: Option<Option<String>>,
    /// Their telephone number.
    pub phone: Option<Option<String>>,
    /// Where it is.
    pub address: Option<Option<String>>,
    /// How its usage is reported from the next month on.
    pub hr_reporting: Option<HrReporting>,
}

impl NewCompany {
    /// The company, inactive, with its slug still to be chosen.
    pub(super) fn to_company(&self, id: CompanyId, now: Timestamp) -> Result<Company, TenancyError> {
        let mut checks = Checks::default();
        let name = fields::required(&mut checks, &self.name, "name", NAME);
        let legal_name = fields::optional(&mut checks, self.legal_name.as_deref(), "legalName", LEGAL_NAME);
        let siret = checks.parsed(Siret::parse(&self.siret), "siret", "invalid");
        let email_domains = domains(&mut checks, &self.email_domains);
        let sector = fields::optional(&mut checks, self.sector.as_deref(), "sector", SECTOR);
        let size = people(&mut checks, self.size);
        let timezone = zone(&mut checks, self.timezone.as_deref().unwrap_or(DEFAULT_ZONE));
        let contact_name = fields::optional(&mut checks, self.contact_name.as_deref(), "contactName", NAME);
        let contact_email = contact_email(&mut checks, self.contact_email.as_deref());
        let phone = fields::optional(&mut checks, self.phone.as_deref(), "phone", PHONE);
        let address = fields::optional(&mut checks, self.address.as_deref(), "address", ADDRESS);
        Ok(Company {
            id,
            legal_name: legal_name.unwrap_or_else(|| name.clone()),
            siret: checks.pass(siret)?,
            name,
            email_domains,
            sector,
            size,
            timezone,
            slug: String::new(),
            contact_name,
            contact_email,
            phone,
            address,
            is_active: false,
            validated_at: None,
            validated_by: None,
            reporting: Reporting::default(),
            created_at: now,
            updated_at: now,
        })
    }
}

/// A change whose every value is valid and allowed.
#[expect(clippy::option_option, reason = "outer `None` leaves the field, inner `None` clears it")]
#[derive(Debug)]
pub(super) struct AcceptedChange {
    name: Option<String>,
    legal_name: Option<String>,
    siret: Option<Siret>,
    email_domains: Option<Vec<EmailDomain>>,
    sector: Option<Option<String>>,
    size: Option<Option<u32>>,
    timezone: Option<String>,
    contact_name: Option<Option<String>>,
    contact_email: Option<Option<Email>>,
    phone: Option<Option<String>>,
    address: Option<Option<String>>,
    /// Not a field to write: it has a day on which it begins, and people to tell.
    pub(super) hr_reporting: Option<HrReporting>,
}

impl CompanyChange {
    /// Parses the change and holds it against what `role` may change: an administrator
    /// everything, HR how the company is reached and its zone.
    pub(super) fn accept(&self, role: Role) -> Result<AcceptedChange, TenancyError> {
        let mut checks = Checks::default();
        for (given, field) in [
            (self.name.is_some(), "name"),
            (self.legal_name.is_some(), "legalName"),
            (self.siret.is_some(), "siret"),
            (self.email_domains.is_some(), "emailDomains"),
            (self.sector.is_some(), "sector"),
            (self.size.is_some(), "size"),
            (self.hr_reporting.is_some(), "hrReporting"),
        ] {
            checks.require(!given || role == Role::AdminHuntzen, field, "not_allowed");
        }
        let to = &mut checks;
        let change = AcceptedChange {
            name: self.name.as_deref().map(|raw| fields::required(to, raw, "name", NAME)),
            legal_name: self.legal_name.as_deref().map(|raw| fields::required(to, raw, "legalName", LEGAL_NAME)),
            siret: self.siret.as_deref().and_then(|raw| to.parsed(Siret::parse(raw), "siret", "invalid")),
            email_domains: self.email_domains.as_deref().map(|raw| domains(to, raw)),
            sector: self.sector.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "sector", SECTOR)),
            size: self.size.map(|size| people(to, size)),
            timezone: self.timezone.as_deref().map(|raw| zone(to, raw)),
            contact_name: self
                .contact_name
                .as_ref()
                .map(|raw| fields::optional(to, raw.as_deref(), "contactName", NAME)),
            contact_email: self.contact_email.as_ref().map(|raw| contact_email(to, raw.as_deref())),
            phone: self.phone.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "phone", PHONE)),
            address: self.address.as_ref().map(|raw| fields::optional(to, raw.as_deref(), "address", ADDRESS)),
            hr_reporting: self.hr_reporting,
        };
        checks.pass(Some(change))
    }
}

impl AcceptedChange {
    /// Writes the change into `company`.
    pub(super) fn apply(self, company: &mut Company, now: Timestamp) {
        set(&mut company.name, self.name);
        set(&mut company.legal_name, self.legal_name);
        set(&mut company.siret, self.siret);
        set(&mut company.email_domains, self.email_domains);
        set(&mut company.sector, self.sector);
        set(&mut company.size, self.size);
        set(&mut company.timezone, self.timezone);
        set(&mut company.contact_name, self.contact_name);
        set(&mut company.contact_email, self.contact_email);
        set(&mut company.phone, self.phone);
        set(&mut company.address, self.address);
        company.updated_at = now;
    }
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

/// The domains, sorted; public mail services own theirs, so no company can.
fn domains(checks: &mut Checks, raw: &[String]) -> Vec<EmailDomain> {
    checks.require(!raw.is_empty(), "emailDomains", "required");
    checks.require(raw.len() <= MOST_DOMAINS, "emailDomains", "too_many");
    let mut domains: Vec<EmailDomain> = raw.iter().filter_map(|raw| EmailDomain::parse(raw)).collect();
    checks.require(domains.len() == raw.len(), "emailDomains", "invalid");
    checks.require(!domains.iter().any(EmailDomain::is_public_mail), "emailDomains", "public_mail_domain");
    let given = domains.len();
    domains.sort_unstable();
    domains.dedup();
    checks.require(domains.len() == given, "emailDomains", "repeated");
    domains
}

fn zone(checks: &mut Checks, raw: &str) -> String {
    checks.parsed(known_zone(raw.trim()), "timezone", "invalid").unwrap_or_default()
}

fn contact_email(checks: &mut Checks, raw: Option<&str>) -> Option<Email> {
    let raw = raw.filter(|raw| !raw.trim().is_empty())?;
    fields::email(checks, raw, "contactEmail")
}

fn people(checks: &mut Checks, size: Option<u32>) -> Option<u32> {
    checks.require(size.is_none_or(|size| (1..=MOST_PEOPLE).contains(&size)), "size", "out_of_range");
    size
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;
    use crate::error::FieldError;

    fn techcorp() -> NewCompany {
        NewCompany {
            name: " TechCorp ".to_owned(),
            siret: "732 829 320 00074".to_owned(),
            email_domains: vec!["TechCorp.example".to_owned()],
            ..NewCompany::default()
        }
    }

    fn made(company: &NewCompany) -> Result<Company, TenancyError> {
        company.to_company(CompanyId(Uuid::nil()), Timestamp::UNIX_EPOCH)
    }

    fn refusals<T: std::fmt::Debug>(result: Result<T, TenancyError>) -> Vec<FieldError> {
        let TenancyError::Invalid(refusals) = result.unwrap_err() else {
            return Vec::new();
        };
        refusals
    }

    #[test]
    fn a_company_starts_inactive_in_the_zone_of_paris() {
        let company = made(&techcorp()).unwrap();
        assert_eq!((company.name.as_str(), company.legal_name.as_str()), ("TechCorp", "TechCorp"));
        assert_eq!(company.timezone, "Europe/Paris");
        assert!(!company.is_active);
    }

    #[test]
    fn domains_are_its_own_and_named_once() {
        for (domains, code) in [
            (&[][..], "required"),
            (&["gmail.com"][..], "public_mail_domain"),
            (&["a.example", "A.example"][..], "repeated"),
            (&["localhost"][..], "invalid"),
        ] {
            let email_domains = domains.iter().map(|&domain| domain.to_owned()).collect();
            let company = NewCompany { email_domains, ..techcorp() };
            assert_eq!(refusals(made(&company)), [FieldError::new("emailDomains", code)]);
        }
        let many = (0..21).map(|number| format!("d{number}.example")).collect();
        let company = NewCompany { email_domains: many, ..techcorp() };
        assert_eq!(refusals(made(&company)), [FieldError::new("emailDomains", "too_many")]);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let company = NewCompany {
            siret: "73282932000075".to_owned(),
            timezone: Some("Europe/Atlantis".to_owned()),
            size: Some(0),
            contact_email: Some("nobody".to_owned()),
            ..techcorp()
        };
        let fields: Vec<_> = refusals(made(&company)).iter().map(|refusal| refusal.field).collect();
        assert_eq!(fields, ["siret", "size", "timezone", "contactEmail"]);
    }

    #[test]
    fn hr_changes_how_the_company_is_reached_and_nothing_else() {
        let change = CompanyChange {
            name: Some("Other".to_owned()),
            phone: Some(Some("+33 1 00 00 00 00".to_owned())),
            ..CompanyChange::default()
        };
        assert_eq!(refusals(change.accept(Role::AdminRh)), [FieldError::new("name", "not_allowed")]);

        let mut company = made(&techcorp()).unwrap();
        change.accept(Role::AdminHuntzen).unwrap().apply(&mut company, Timestamp::UNIX_EPOCH);
        assert_eq!((company.name.as_str(), company.phone.as_deref()), ("Other", Some("+33 1 00 00 00 00")));

        let change =
            CompanyChange { phone: Some(None), timezone: Some("europe/lisbon".to_owned()), ..CompanyChange::default() };
        change.accept(Role::AdminRh).unwrap().apply(&mut company, Timestamp::UNIX_EPOCH);
        assert_eq!((company.phone, company.timezone.as_str()), (None, "Europe/Lisbon"));
    }
}
