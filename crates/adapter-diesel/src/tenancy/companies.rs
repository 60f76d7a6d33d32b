//! Companies and their domains.
use diesel::{
    dsl::{delete, insert_into, select, update},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    Page, PageRequest, StoreError, TenancyError,
    company::{Companies, Company, CompanyFilter, EmailDomain, HrReporting, Reporting, Siret},
    email::Email,
    ids::{CompanyId, UserId},
    search::{search_key, searched_key},
    words::Words,
};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::{
    error::tenancy_error,
    schema::{companies, company_domains, company_for_domain, company_reporting},
    statement::statement,
    stored::{
        StoredDate, StoredTimestamp, ToDiesel, containing, email, instant, number, optional_number, readable, word,
    },
    unit_of_work::PgTx,
};

statement! {
    /// Tells every employee of a company how its usage will be reported.
    AnnounceReporting { company: Uuid, mode: &'static str, from: StoredDate, at: StoredTimestamp } -> BigInt;
    "SELECT announce_reporting(", company as SqlUuid; ", ", mode as Text; ", ", from as SqlDate;
    ", ", at as Timestamptz; ")"
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = companies)]
struct CompanyRow {
    id: Uuid,
    name: String,
    legal_name: String,
    siret: String,
    sector: Option<String>,
    size: Option<i32>,
    timezone: String,
    slug: String,
    contact_name: Option<String>,
    contact_email: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    is_active: bool,
    validated_at: Option<StoredTimestamp>,
    validated_by: Option<Uuid>,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl CompanyRow {
    /// The company, with its domains in their order.
    fn with(self, domains: Vec<EmailDomain>, reporting: Reporting) -> Result<Company, StoreError> {
        let contact_email = self.contact_email.map(|address| email(&address, "companies.contact_email")).transpose()?;
        Ok(Company {
            id: CompanyId(self.id),
            name: self.name,
            legal_name: self.legal_name,
            siret: readable(Siret::parse(&self.siret), "companies.siret")?,
            email_domains: domains,
            sector: self.sector,
            size: optional_number(self.size, "companies.size")?,
            timezone: self.timezone,
            slug: self.slug,
            contact_name: self.contact_name,
            contact_email,
            phone: self.phone,
            address: self.address,
            is_active: self.is_active,
            validated_at: instant(self.validated_at),
            validated_by: self.validated_by.map(UserId),
            reporting,
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
        })
    }
}

/// What can change of a company.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = companies, treat_none_as_default_value = false, treat_none_as_null = true)]
struct CompanyState<'a> {
    name: &'a str,
    legal_name: &'a str,
    siret: &'a str,
    sector: Option<&'a str>,
    size: Option<i32>,
    timezone: &'a str,
    contact_name: Option<&'a str>,
    contact_email: Option<&'a str>,
    phone: Option<&'a str>,
    address: Option<&'a str>,
    is_active: bool,
    validated_at: Option<StoredTimestamp>,
    validated_by: Option<Uuid>,
    search_text: String,
    updated_at: StoredTimestamp,
}

impl<'a> TryFrom<&'a Company> for CompanyState<'a> {
    type Error = StoreError;

    fn try_from(company: &'a Company) -> Result<Self, StoreError> {
        Ok(Self {
            name: &company.name,
            legal_name: &company.legal_name,
            siret: company.siret.as_str(),
            sector: company.sector.as_deref(),
            size: optional_number(company.size, "companies.size")?,
            timezone: &company.timezone,
            contact_name: company.contact_name.as_deref(),
            contact_email: company.contact_email.as_ref().map(Email::as_str),
            phone: company.phone.as_deref(),
            address: company.address.as_deref(),
            is_active: company.is_active,
            validated_at: company.validated_at.map(ToDiesel::to_diesel),
            validated_by: company.validated_by.map(|user| user.0),
            search_text: search_key(&[&company.name, &company.slug]),
            updated_at: company.updated_at.to_diesel(),
        })
    }
}

fn matching(filter: &CompanyFilter) -> companies::BoxedQuery<'static, Pg> {
    let mut query = companies::table.into_boxed();
    if let Some(active) = filter.active {
        query = query.filter(companies::is_active.eq(active));
    }
    if let Some(text) = &filter.text {
        query = query.filter(companies::search_text.like(containing(&searched_key(text))));
    }
    query
}

impl PgTx {
    fn domains_of(&mut self, ids: &[Uuid]) -> Result<Vec<(Uuid, EmailDomain)>, StoreError> {
        let query = company_domains::table
            .filter(company_domains::company_id.eq_any(ids))
            .select((company_domains::company_id, company_domains::domain))
            .order((company_domains::company_id, company_domains::position));
        self.run(|connection| query.load::<(Uuid, String)>(connection))?
            .into_iter()
            .map(|(company, domain)| Ok((company, readable(EmailDomain::parse(&domain), "company_domains.domain")?)))
            .collect()
    }

    fn reporting_of(&mut self, ids: &[Uuid]) -> Result<Vec<(Uuid, Date, HrReporting)>, StoreError> {
        let query = company_reporting::table.filter(company_reporting::company_id.eq_any(ids)).select((
            company_reporting::company_id,
            company_reporting::starts_on,
            company_reporting::mode,
        ));
        let rows = self.run(|connection| query.load::<(Uuid, StoredDate, String)>(connection))?;
        let read = |(company, from, mode): (Uuid, StoredDate, String)| {
            Ok((company, from.to_jiff(), word(&mode, "company_reporting.mode")?))
        };
        rows.into_iter().map(read).collect()
    }

    /// The companies of these rows, with what other tables hold of them.
    fn completed(&mut self, rows: Vec<CompanyRow>) -> Result<Vec<Company>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let (domains, modes) = (self.domains_of(&ids)?, self.reporting_of(&ids)?);
        let complete = |row: CompanyRow| {
            let own = domains.iter().filter(|(company, _)| *company == row.id);
            let own = own.map(|(_, domain)| domain.clone()).collect();
            let reporting = modes.iter().filter(|(company, ..)| *company == row.id);
            let reporting = reporting.map(|(_, from, mode)| (*from, *mode)).collect();
            row.with(own, reporting)
        };
        rows.into_iter().map(complete).collect()
    }

    /// Writes how the company is reported, where that differs: HR, who edits the rest, may not.
    fn write_reporting(&mut self, company: &Company) -> Result<(), StoreError> {
        let stored: Reporting =
            self.reporting_of(&[company.id.0])?.into_iter().map(|(_, from, mode)| (from, mode)).collect();
        if stored == company.reporting {
            return Ok(());
        }
        let former = company_reporting::table.filter(company_reporting::company_id.eq(company.id.0));
        self.run(|connection| delete(former).execute(connection))?;
        let row = |(from, mode): (Date, HrReporting)| {
            (
                company_reporting::company_id.eq(company.id.0),
                company_reporting::starts_on.eq(from.to_diesel()),
                company_reporting::mode.eq(mode.as_str()),
            )
        };
        let rows: Vec<_> = company.reporting.modes().map(row).collect();
        self.run(|connection| insert_into(company_reporting::table).values(rows).execute(connection)).map(drop)
    }

    fn add_domains(&mut self, company: &Company) -> Result<(), StoreError> {
        let rows = company
            .email_domains
            .iter()
            .zip(0_i32..)
            .map(|(domain, position)| {
                (
                    company_domains::domain.eq(domain.as_str()),
                    company_domains::company_id.eq(company.id.0),
                    company_domains::position.eq(position),
                )
            })
            .collect::<Vec<_>>();
        if rows.is_empty() {
            return Ok(());
        }
        self.run(|connection| insert_into(company_domains::table).values(rows).execute(connection)).map(drop)
    }
}

impl Companies for PgTx {
    fn add_company(&mut self, company: &Company) -> Result<(), TenancyError> {
        let row = (
            companies::id.eq(company.id.0),
            companies::slug.eq(&company.slug),
            companies::created_at.eq(company.created_at.to_diesel()),
            CompanyState::try_from(company)?,
        );
        self.run(|connection| insert_into(companies::table).values(row).execute(connection)).map_err(tenancy_error)?;
        self.add_domains(company).map_err(tenancy_error)?;
        Ok(self.write_reporting(company)?)
    }

    fn update_company(&mut self, company: &Company) -> Result<(), TenancyError> {
        let change = update(companies::table.find(company.id.0)).set(CompanyState::try_from(company)?);
        if self.run(|connection| change.execute(connection)).map_err(tenancy_error)? == 0 {
            return Err(TenancyError::NotFound);
        }
        let stored = self.domains_of(&[company.id.0])?;
        // Written only when they differ: HR, who edits the rest of its company, may not.
        if !stored.iter().map(|(_, domain)| domain).eq(&company.email_domains) {
            let former = company_domains::table.filter(company_domains::company_id.eq(company.id.0));
            self.run(|connection| delete(former).execute(connection))?;
            self.add_domains(company).map_err(tenancy_error)?;
        }
        Ok(self.write_reporting(company)?)
    }

    fn company(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        let query = companies::table.find(id.0).select(CompanyRow::as_select());
        let row = self.run(|connection| query.first(connection).optional())?;
        Ok(self.completed(row.into_iter().collect())?.pop())
    }

    fn company_for_update(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        let query = companies::table.find(id.0).select(CompanyRow::as_select()).for_no_key_update();
        let row = self.run(|connection| query.first(connection).optional())?;
        Ok(self.completed(row.into_iter().collect())?.pop())
    }

    fn companies(&mut self, filter: &CompanyFilter, page: PageRequest) -> Result<Page<Company>, StoreError> {
        let total: i64 = self.run(|connection| matching(filter).count().get_result(connection))?;
        let query = matching(filter)
            .select(CompanyRow::as_select())
            .order((companies::name, companies::id))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: self.completed(rows)?, total: number(total, "count")? })
    }

    fn company_for_domain(&mut self, domain: &EmailDomain) -> Result<Option<CompanyId>, StoreError> {
        let query = select(company_for_domain(domain.as_str()));
        let id = self.run(|connection| query.get_result::<Option<Uuid>>(connection))?;
        Ok(id.map(CompanyId))
    }

    fn announce_reporting(
        &mut self,
        company: CompanyId,
        (from, mode): (Date, HrReporting),
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let query =
            AnnounceReporting { company: company.0, mode: mode.as_str(), from: from.to_diesel(), at: at.to_diesel() };
        number(self.run(|connection| query.get_result::<i64>(connection))?, "employees")
    }

    fn slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError> {
        // A stem is made of the characters of a search key, none of which is a wildcard.
        let query = companies::table.filter(companies::slug.like(format!("{stem}%"))).select(companies::slug);
        self.run(|connection| query.load(connection))
    }
}
