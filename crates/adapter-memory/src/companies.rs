//! Companies with their domains.
use huntzen_tenancy::{
    FieldError, Page, PageRequest, StoreError, TenancyError,
    company::{Companies, Company, CompanyFilter, EmailDomain, HrReporting, Reporting},
    ids::{CompanyId, UserId},
    search::{search_key, searched_key},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    paging::page,
    refusal::{allow, require, row_security},
    state::State,
    store::MemoryTx,
    telling::reporting_changed,
    time::micros,
    visibility::Viewer,
};

impl Companies for MemoryTx {
    fn add_company(&mut self, company: &Company) -> Result<(), TenancyError> {
        self.write(|viewer, state| {
            allow(viewer.adds_companies())?;
            known_zone(company)?;
            require(!state.companies.contains(&company.id), "companies_pkey")?;
            free_siret(state, company)?;
            let is_free = state.companies.rows().all(|held| held.slug != company.slug);
            require(is_free, "companies_slug_key")?;
            known_validator(state, company)?;
            free_domains(state, company)?;
            state.companies.put(company.id, stored(company));
            Ok(())
        })
    }

    fn update_company(&mut self, company: &Company) -> Result<(), TenancyError> {
        let is_found = self.write(|viewer, state| {
            let held = state.companies.get(&company.id);
            let Some(held) = held.filter(|held| viewer.sees_company(held.id) && viewer.changes_company(held.id)) else {
                return Ok(false);
            };
            let (slug, created_at) = (held.slug.clone(), held.created_at);
            let held_reporting = held.reporting.clone();
            let are_domains_new = held.email_domains != company.email_domains;
            known_zone(company)?;
            free_siret(state, company)?;
            known_validator(state, company)?;
            if are_domains_new {
                if !viewer.writes_domains() {
                    return Err(row_security().into());
                }
                free_domains(state, company)?;
            }
            if held_reporting != company.reporting && !viewer.writes_reporting() {
                return Err(row_security().into());
            }
            state.companies.put(company.id, Company { slug, created_at, ..stored(company) });
            Ok::<_, TenancyError>(true)
        })?;
        if is_found { Ok(()) } else { Err(TenancyError::NotFound) }
    }

    fn company(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        self.read(|viewer, state| state.companies.get(&id).and_then(|company| seen(viewer, company)))
    }

    fn company_for_update(&mut self, id: CompanyId) -> Result<Option<Company>, StoreError> {
        self.read(|viewer, state| {
            let company = state.companies.get(&id).filter(|company| viewer.changes_company(company.id));
            company.and_then(|company| seen(viewer, company))
        })
    }

    fn companies(&mut self, filter: &CompanyFilter, request: PageRequest) -> Result<Page<Company>, StoreError> {
        let wanted = filter.text.as_deref().map(searched_key);
        self.read(|viewer, state| {
            let is_wanted = |company: &Company| {
                filter.active.is_none_or(|active| company.is_active == active)
                    && wanted.as_ref().is_none_or(|key| search_key(&[&company.name, &company.slug]).contains(key))
            };
            let matching = state.companies.rows().filter(|company| is_wanted(company));
            let mut companies: Vec<Company> = matching.filter_map(|company| seen(viewer, company)).collect();
            companies.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
            page(companies, request)
        })
    }

    fn company_for_domain(&mut self, domain: &EmailDomain) -> Result<Option<CompanyId>, StoreError> {
        self.read(|_, state| {
            let mut active = state.companies.rows().filter(|company| company.is_active);
            active.find(|company| company.email_domains.contains(domain)).map(|company| company.id)
        })
    }

    fn announce_reporting(
        &mut self,
        company: CompanyId,
        (from, mode): (Date, HrReporting),
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(|viewer, state| {
            if !viewer.writes_reporting() {
                return Ok(0);
            }
            let employees = state.employees.rows().filter(|employee| employee.company == company);
            let users: Vec<UserId> = employees.map(|employee| employee.user).collect();
            for user in &users {
                reporting_changed(state, *user, (from, mode), at)?;
            }
            Ok(users.len() as u64)
        })
    }

    fn slugs_like(&mut self, stem: &str) -> Result<Vec<String>, StoreError> {
        self.read(|viewer, state| {
            let in_sight = state.companies.rows().filter(|company| viewer.sees_company(company.id));
            in_sight.map(|company| &company.slug).filter(|slug| slug.starts_with(stem)).cloned().collect()
        })
    }
}

fn known_zone(company: &Company) -> Result<(), TenancyError> {
    let is_known = TimeZone::get(&company.timezone).is_ok();
    if is_known { Ok(()) } else { Err(TenancyError::Invalid(vec![FieldError::new("timezone", "invalid")])) }
}

fn free_siret(state: &State, company: &Company) -> Result<(), TenancyError> {
    let is_taken = state.companies.rows().any(|held| held.siret == company.siret && held.id != company.id);
    if is_taken { Err(TenancyError::SiretTaken) } else { Ok(()) }
}

fn free_domains(state: &State, company: &Company) -> Result<(), TenancyError> {
    let others = state.companies.rows().filter(|held| held.id != company.id);
    let mut taken: Vec<&EmailDomain> = others.flat_map(|held| &held.email_domains).collect();
    for domain in &company.email_domains {
        if taken.contains(&domain) {
            return Err(TenancyError::DomainTaken);
        }
        taken.push(domain);
    }
    Ok(())
}

fn known_validator(state: &State, company: &Company) -> Result<(), StoreError> {
    let is_known = company.validated_by.is_none_or(|user| state.users.contains(&user));
    require(is_known, "companies_validated_by_fkey")
}

/// The company as the viewer sees it: tables of their own hold its domains and how it is reported.
fn seen(viewer: &Viewer, company: &Company) -> Option<Company> {
    let mut company = viewer.sees_company(company.id).then(|| company.clone())?;
    if !viewer.sees_domains(company.id) {
        company.email_domains.clear();
        company.reporting = Reporting::default();
    }
    Some(company)
}

fn stored(company: &Company) -> Company {
    Company {
        validated_at: company.validated_at.map(micros),
        created_at: micros(company.created_at),
        updated_at: micros(company.updated_at),
        ..company.clone()
    }
}
