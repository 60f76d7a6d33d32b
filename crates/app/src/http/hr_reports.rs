//! What is told about a company's usage: to its HR, to administrators, and to its people.
use actix_web::{Responder, http::Method};
use huntzen_metrics::{
    CompanyUsage, Invoice, Month, PersonUsage, PublishedUsage, UsageReport, UsageRow, UsageTotals, WhatHrSees,
};
use huntzen_tenancy::{company::HrReporting, policy::Permission};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    CsvFile, Json, Operations, Path, Problem, Query, Signed,
    metrics::{PeriodBody, PeriodQuery},
    openapi::words_schema,
    reports::MonthQuery,
};
use crate::state::App;

/// Of which month, and of which department.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
struct UsageQuery {
    /// `YYYY-MM` (ISO 8601).
    #[param(
        min_length = 7,
        max_length = 7,
        pattern = "^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(0[1-9]|1[0-2])$"
    )]
    period: String,
    /// Only of this department, exactly; `Autres` is that of the small ones together.
    #[validate(length(max = 120))]
    #[param(max_length = 120)]
    department: Option<String>,
}

/// Of which month; the last that is over when absent.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
struct OptionalMonthQuery {
    /// `YYYY-MM` (ISO 8601).
    #[param(
        min_length = 7,
        max_length = 7,
        pattern = "^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(0[1-9]|1[0-2])$"
    )]
    period: Option<String>,
}

/// A company's usage over whole months: sums of what is published, each figure rounded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompanyUsageBody {
    company_id: Uuid,
    period: PeriodBody,
    /// Whether anything is published of these months; if not, nothing says why.
    published: bool,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultations: Option<u64>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_seconds: Option<u64>,
    /// Rounded down.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_hours: Option<u64>,
    /// People in a month, on average over the published months.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    avg_active_users: Option<u64>,
}

impl From<CompanyUsage> for CompanyUsageBody {
    fn from(usage: CompanyUsage) -> Self {
        let figures = usage.published;
        Self {
            company_id: usage.company,
            period: usage.period.into(),
            published: figures.is_some(),
            consultations: figures.map(|figures| figures.consultations),
            total_duration_seconds: figures.map(PublishedUsage::seconds),
            total_duration_hours: figures.map(PublishedUsage::hours),
            avg_active_users: figures.map(|figures| figures.average_users),
        }
    }
}

/// An exact total to invoice.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvoiceBody {
    company_id: Uuid,
    #[schema(min_length = 7, max_length = 7)]
    period: String,
    /// Whether the month is closed and enough people are in it.
    published: bool,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultations: Option<u64>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_seconds: Option<u64>,
    /// The sum of the whole minutes of each.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_minutes: Option<u64>,
}

impl From<Invoice> for InvoiceBody {
    fn from(invoice: Invoice) -> Self {
        let totals = invoice.totals;
        Self {
            company_id: invoice.company,
            period: invoice.month.to_string(),
            published: totals.is_some(),
            consultations: totals.map(|totals| totals.consultations),
            total_duration_seconds: totals.map(|totals| totals.seconds),
            total_duration_minutes: totals.map(|totals| totals.minutes),
        }
    }
}

/// The usage of a group of people, or of a person who agreed to be named.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsageRowBody {
    /// Null for a group.
    #[schema(max_length = 201)]
    employee_name: Option<String>,
    /// Null for the company as a whole.
    #[schema(max_length = 120)]
    department: Option<String>,
    /// How many people are meant, to the nearest five; absent for a named person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    users: Option<u64>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultation_count: u64,
    /// In minutes.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration: u64,
}

impl From<UsageRow> for UsageRowBody {
    fn from(row: UsageRow) -> Self {
        let department = row.department().map(str::to_owned);
        match row {
            UsageRow::Named(row) => {
                let UsageTotals { consultations, minutes, .. } = row.usage.totals;
                Self {
                    employee_name: Some(row.name),
                    department,
                    users: None,
                    consultation_count: consultations,
                    total_duration: minutes,
                }
            }
            UsageRow::Cell(cell) => Self {
                employee_name: None,
                department,
                users: Some(cell.users),
                consultation_count: cell.consultations,
                total_duration: cell.minutes,
            },
        }
    }
}

/// The usage of a company's people in a month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsageReportBody {
    #[schema(min_length = 7, max_length = 7)]
    period: String,
    /// Whether anything is published; if not, nothing says why.
    published: bool,
    /// Named people first, then groups.
    #[schema(max_items = 100_000)]
    rows: Vec<UsageRowBody>,
}

impl From<UsageReport> for UsageReportBody {
    fn from(report: UsageReport) -> Self {
        Self {
            period: report.month.to_string(),
            published: !report.rows.is_empty(),
            rows: report.rows.into_iter().map(UsageRowBody::from).collect(),
        }
    }
}

/// The usage of a person who agreed to be named.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PersonUsageBody {
    employee_id: Uuid,
    period: PeriodBody,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultations: u64,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_seconds: u64,
    /// The sum of the whole minutes of each.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_minutes: u64,
}

impl From<PersonUsage> for PersonUsageBody {
    fn from(usage: PersonUsage) -> Self {
        Self {
            employee_id: usage.employee,
            period: usage.period.into(),
            consultations: usage.totals.consultations,
            total_duration_seconds: usage.totals.seconds,
            total_duration_minutes: usage.totals.minutes,
        }
    }
}

/// What HR sees of one's own company in a month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WhatHrSeesBody {
    /// How the month is reported.
    #[schema(schema_with = words_schema::<HrReporting>)]
    mode: HrReporting,
    /// What `/reports/employee-usage` answers; of those who are named, oneself alone.
    usage: UsageReportBody,
    /// What `/metrics/companies/{id}` answers.
    company: CompanyUsageBody,
}

impl From<WhatHrSees> for WhatHrSeesBody {
    fn from(seen: WhatHrSees) -> Self {
        Self { mode: seen.mode, usage: seen.usage.into(), company: seen.company.into() }
    }
}

/// Tells a company's published usage over whole months: any to administrators, one's own to HR.
#[utoipa::path(get, path = "/metrics/companies/{id}", tag = "metrics",
    params(("id" = Uuid, Path), PeriodQuery), responses((status = 200, body = CompanyUsageBody)))]
async fn read_company_usage(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<PeriodQuery>,
) -> Result<impl Responder, Problem> {
    let period = query.period()?;
    let usage = app.run(move |s| s.hr_reports.company(&signed.caller, id, period)).await?;
    Ok(Json(CompanyUsageBody::from(usage)))
}

/// Downloads a company's published usage, a line a month.
#[utoipa::path(get, path = "/metrics/companies/{id}/export", tag = "metrics",
    params(("id" = Uuid, Path), PeriodQuery),
    responses((status = 200, content_type = "text/csv", body = CsvFile)))]
async fn export_company_usage(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<PeriodQuery>,
) -> Result<impl Responder, Problem> {
    let period = query.period()?;
    let bytes = app.run(move |s| s.hr_reports.export_company(&signed.caller, id, period)).await?;
    Ok(CsvFile::new(bytes, &format!("utilisation-{}-{}", period.from(), period.to())))
}

/// Tells the exact total of a company's closed month, to invoice it; from as many users as a
/// published figure needs.
#[utoipa::path(get, path = "/metrics/companies/{id}/invoice", tag = "metrics",
    params(("id" = Uuid, Path), MonthQuery), responses((status = 200, body = InvoiceBody)))]
async fn read_company_invoice(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let invoice = app.run(move |s| s.hr_reports.invoice(&signed.caller, id, month)).await?;
    Ok(Json(InvoiceBody::from(invoice)))
}

/// Tells the usage of a person who agreed to be named; of anybody else, nothing.
#[utoipa::path(get, path = "/metrics/employees/{id}", tag = "metrics",
    params(("id" = Uuid, Path), PeriodQuery), responses((status = 200, body = PersonUsageBody)))]
async fn read_person_usage(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<PeriodQuery>,
) -> Result<impl Responder, Problem> {
    let period = query.period()?;
    let usage = app.run(move |s| s.hr_reports.person(&signed.caller, id, period)).await?;
    Ok(Json(PersonUsageBody::from(usage)))
}

/// Tells what HR sees of one's own company in a month.
#[utoipa::path(get, path = "/metrics/what-hr-sees", tag = "metrics", params(MonthQuery),
    responses((status = 200, body = WhatHrSeesBody)))]
async fn read_what_hr_sees(
    app: App,
    signed: Signed,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let seen = app.run(move |s| s.hr_reports.what_hr_sees(&signed.caller, month)).await?;
    Ok(Json(WhatHrSeesBody::from(seen)))
}

/// Tells the usage of one's own company's people in a month.
#[utoipa::path(get, path = "/reports/employee-usage", tag = "metrics", params(UsageQuery),
    responses((status = 200, body = UsageReportBody)))]
async fn read_employee_usage(
    app: App,
    signed: Signed,
    Query(query): Query<UsageQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.period.parse::<Month>()?;
    let report = app.run(move |s| s.hr_reports.usage(&signed.caller, month, query.department.as_deref())).await?;
    Ok(Json(UsageReportBody::from(report)))
}

/// Tells the usage of a person who agreed to be named, in a month; of anybody else, nothing.
#[utoipa::path(get, path = "/reports/employee-usage/{id}", tag = "metrics",
    params(("id" = Uuid, Path), OptionalMonthQuery), responses((status = 200, body = UsageReportBody)))]
async fn read_person_report(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<OptionalMonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.period.map(|text| text.parse::<Month>()).transpose()?;
    let report = app.run(move |s| s.hr_reports.person_report(&signed.caller, id, month)).await?;
    Ok(Json(UsageReportBody::from(report)))
}

/// Downloads the usage of one's own company's people in a month.
#[utoipa::path(get, path = "/reports/export-employee-usage", tag = "metrics", params(MonthQuery),
    responses((status = 200, content_type = "text/csv", body = CsvFile)))]
async fn export_employee_usage(
    app: App,
    signed: Signed,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let bytes = app.run(move |s| s.hr_reports.export_usage(&signed.caller, month)).await?;
    Ok(CsvFile::new(bytes, &format!("utilisation-{month}")))
}

#[derive(OpenApi)]
#[openapi(paths(
    read_company_usage,
    export_company_usage,
    read_company_invoice,
    read_person_usage,
    read_what_hr_sees,
    read_employee_usage,
    read_person_report,
    export_employee_usage
))]
struct Document;

/// Adds the operations on a company's usage.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let (company, people) = (Permission::MetricsCompanyRead, Permission::MetricsEmployeeUsageRead);
    let (invoice, own) = (Permission::MetricsCompanyInvoice, Permission::ReportingOwnRead);
    ops.route(Method::GET, "/metrics/companies/{id}", company, read_company_usage);
    let export = Permission::ExportsMetricsCompany;
    ops.route(Method::GET, "/metrics/companies/{id}/export", export, export_company_usage);
    ops.route(Method::GET, "/metrics/companies/{id}/invoice", invoice, read_company_invoice);
    ops.route(Method::GET, "/metrics/employees/{id}", people, read_person_usage);
    ops.route(Method::GET, "/metrics/what-hr-sees", own, read_what_hr_sees);
    ops.route(Method::GET, "/reports/employee-usage", people, read_employee_usage);
    ops.route(Method::GET, "/reports/employee-usage/{id}", people, read_person_report);
    let export = Permission::ExportsEmployeeUsage;
    ops.route(Method::GET, "/reports/export-employee-usage", export, export_employee_usage);
}
