//! What HR, administrators and the people themselves ask about a company's usage.
use huntzen_tenancy::{
    Caller,
    audit::{Action, AuditEntry},
    company::HrReporting,
    ids::{CompanyId, UserId},
    policy::Permission,
};
use uuid::Uuid;

use crate::{
    CompanyUsage, Invoice, MetricsError, MetricsPorts, MetricsTx, Month, NamedRow, Period, PersonUsage, PublishedUsage,
    ReportingRules, UsageReport, UsageTotals, company_usage,
    employee_usage::{self, Heading},
    statements::closing_zone,
};

/// What HR sees of a month, as its people may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatHrSees {
    /// How the month is reported.
    pub mode: HrReporting,
    /// The report on people's usage; of those who are named, the caller alone.
    pub usage: UsageReport,
    /// The company's usage.
    pub company: CompanyUsage,
}

/// The reports on a company's usage. They read what was released, and nothing else.
#[derive(Clone)]
pub struct HrReports {
    ports: MetricsPorts,
    rules: ReportingRules,
}

impl HrReports {
    /// Over these ports.
    pub fn new(ports: MetricsPorts, rules: ReportingRules) -> Self {
        Self { ports, rules }
    }

    /// A company's usage over whole months: any for an administrator, one's own for HR.
    ///
    /// # Errors
    /// `Forbidden`; `WholeMonthsOnly`; `NotFound` for an unknown company and another's.
    pub fn company(&self, caller: &Caller, company: Uuid, period: Period) -> Result<CompanyUsage, MetricsError> {
        caller.actor.require(Permission::MetricsCompanyRead)?;
        let (from, to) = period.whole_months()?;
        self.of(caller, company, Action::Read, |tx| {
            let published = PublishedUsage::of(&tx.released_cells(company, from, to)?);
            Ok(CompanyUsage { company, period, published })
        })
    }

    /// The same as a file, a line for each published month.
    ///
    /// # Errors
    /// As for the figures.
    pub fn export_company(&self, caller: &Caller, company: Uuid, period: Period) -> Result<Vec<u8>, MetricsError> {
        caller.actor.require(Permission::ExportsMetricsCompany)?;
        let (from, to) = period.whole_months()?;
        self.of(caller, company, Action::Export, |tx| Ok(company_usage::file(&tx.released_cells(company, from, to)?)))
    }

    /// The exact total of a closed month, to invoice it.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an unknown company.
    pub fn invoice(&self, caller: &Caller, company: Uuid, month: Month) -> Result<Invoice, MetricsError> {
        caller.actor.require(Permission::MetricsCompanyInvoice)?;
        self.of(caller, company, Action::Read, |tx| Ok(Invoice { company, month, totals: tx.invoice(company, month)? }))
    }

    /// What HR is told of a month of its company, of all departments or of one.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an account without its company.
    pub fn usage(&self, caller: &Caller, month: Month, department: Option<&str>) -> Result<UsageReport, MetricsError> {
        caller.actor.require(Permission::MetricsEmployeeUsageRead)?;
        let company = own_company(caller)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let report = self.report(tx, company, month, department)?;
            self.trace(tx, caller, Action::Read, company.0, &report.people())?;
            Ok(report)
        })
    }

    /// The same as a file.
    ///
    /// # Errors
    /// As for the report.
    pub fn export_usage(&self, caller: &Caller, month: Month) -> Result<Vec<u8>, MetricsError> {
        caller.actor.require(Permission::ExportsEmployeeUsage)?;
        let company = own_company(caller)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let report = self.report(tx, company, month, None)?;
            let name = tx.company_name(company.0)?.ok_or(MetricsError::NotFound)?;
            let mode = self.rules.mode(&tx.reporting(company.0)?, month);
            self.trace(tx, caller, Action::Export, company.0, &report.people())?;
            let made_on = self.ports.clock.now().to_zoned(closing_zone()).date();
            let heading = Heading { mode, rules: self.rules.release, company: &name, made_on };
            Ok(employee_usage::file(&report, heading))
        })
    }

    /// The usage of a person who agreed to be named, over whole months.
    ///
    /// # Errors
    /// `Forbidden`; `AggregatedOnly` for anybody else, whoever it is; `WholeMonthsOnly` while a company
    /// is reported by name.
    pub fn person(&self, caller: &Caller, employee: Uuid, period: Period) -> Result<PersonUsage, MetricsError> {
        caller.actor.require(Permission::MetricsEmployeeUsageRead)?;
        let company = own_company(caller)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let (from, to) = match period.whole_months() {
                Ok(months) => months,
                Err(refusal) => {
                    let mode = self.rules.mode(&tx.reporting(company.0)?, Month::of(period.from()));
                    return Err(if mode == HrReporting::Named { refusal } else { MetricsError::AggregatedOnly });
                }
            };
            let rows = self.named(tx, company, from, to)?;
            let theirs: Vec<NamedRow> = rows.into_iter().filter(|row| row.usage.employee == employee).collect();
            let user = theirs.first().map(|row| row.usage.user).ok_or(MetricsError::AggregatedOnly)?;
            let totals = theirs.iter().fold(UsageTotals::default(), |sum, row| sum.plus(row.usage.totals));
            self.trace(tx, caller, Action::Read, company.0, &[user])?;
            Ok(PersonUsage { employee, period, totals })
        })
    }

    /// The report of one person who agreed to be named, in a month or else in the last that is over.
    ///
    /// # Errors
    /// `Forbidden`; `AggregatedOnly` for anybody else, whoever it is.
    pub fn person_report(
        &self,
        caller: &Caller,
        employee: Uuid,
        month: Option<Month>,
    ) -> Result<UsageReport, MetricsError> {
        caller.actor.require(Permission::MetricsEmployeeUsageRead)?;
        let company = own_company(caller)?;
        let last = || Month::last_closed(self.ports.clock.now(), self.rules.close_day, &closing_zone());
        let month = month.unwrap_or_else(last);
        self.ports.store.run(&caller.scope(), |tx| {
            let rows = self.named(tx, company, month, month)?;
            let row = rows.into_iter().find(|row| row.usage.employee == employee);
            let row = row.ok_or(MetricsError::AggregatedOnly)?;
            self.trace(tx, caller, Action::Read, company.0, &[row.usage.user])?;
            Ok(UsageReport::of(month, vec![row], Vec::new(), None))
        })
    }

    /// Exactly what HR sees of the caller's company in a month.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an account without its company.
    pub fn what_hr_sees(&self, caller: &Caller, month: Month) -> Result<WhatHrSees, MetricsError> {
        caller.actor.require(Permission::ReportingOwnRead)?;
        let company = own_company(caller)?;
        let period = Period::new(month.first(), month.last())?;
        self.ports.store.run(&caller.scope(), |tx| {
            let mode = self.rules.mode(&tx.reporting(company.0)?, month);
            // Row security leaves the caller alone of those who are named.
            let usage = self.report(tx, company, month, None)?;
            let published = PublishedUsage::of(&tx.released_cells(company.0, month, month)?);
            self.trace(tx, caller, Action::Read, company.0, &[caller.actor.user])?;
            Ok(WhatHrSees { mode, usage, company: CompanyUsage { company: company.0, period, published } })
        })
    }

    /// Who is named; nobody while the service does not report by name, whatever was released before.
    fn named(
        &self,
        tx: &mut dyn MetricsTx,
        company: CompanyId,
        from: Month,
        to: Month,
    ) -> Result<Vec<NamedRow>, MetricsError> {
        if self.rules.allow_named { Ok(tx.released_people(company.0, from, to)?) } else { Ok(Vec::new()) }
    }

    fn report(
        &self,
        tx: &mut dyn MetricsTx,
        company: CompanyId,
        month: Month,
        department: Option<&str>,
    ) -> Result<UsageReport, MetricsError> {
        let named = self.named(tx, company, month, month)?;
        let cells = tx.released_cells(company.0, month, month)?.into_iter().map(|(_, cell)| cell).collect();
        Ok(UsageReport::of(month, named, cells, department))
    }

    /// Does something with the figures of a company that the caller may see figures of.
    fn of<T>(
        &self,
        caller: &Caller,
        company: Uuid,
        action: Action,
        work: impl FnOnce(&mut dyn MetricsTx) -> Result<T, MetricsError>,
    ) -> Result<T, MetricsError> {
        self.ports.store.run(&caller.scope(), |tx| {
            tx.company_name(company)?.ok_or(MetricsError::NotFound)?;
            let done = work(tx)?;
            self.trace(tx, caller, action, company, &[])?;
            Ok(done)
        })
    }

    /// Records that the caller read a company's figures: once for each person who is named in them, so
    /// that they learn of it, or once for nobody.
    fn trace(
        &self,
        tx: &mut dyn MetricsTx,
        caller: &Caller,
        action: Action,
        company: Uuid,
        people: &[UserId],
    ) -> Result<(), MetricsError> {
        let scope = caller.scope();
        let entry = || {
            let entry = self.ports.entry(&scope, action);
            entry.on(company).within(Some(CompanyId(company)))
        };
        if people.is_empty() {
            return Ok(tx.record(&entry())?);
        }
        let entries: Vec<AuditEntry> = people.iter().map(|user| entry().about(*user)).collect();
        Ok(tx.record_all(&entries)?)
    }
}

fn own_company(caller: &Caller) -> Result<CompanyId, MetricsError> {
    caller.actor.company.ok_or(MetricsError::NotFound)
}
