//! What practitioners are paid by: their lines of a month, and the file that says so.
use actix_web::{Responder, http::Method};
use huntzen_metrics::{CompanyTotals, Month, Statement, StatementLine, statement::VALIDATED};
use huntzen_tenancy::policy::Permission;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{CsvFile, Json, Operations, Problem, Query, Signed};
use crate::state::App;

/// Of which month.
#[derive(Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MonthQuery {
    /// `YYYY-MM` (ISO 8601).
    #[param(
        min_length = 7,
        max_length = 7,
        pattern = "^([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(0[1-9]|1[0-2])$"
    )]
    period: String,
}

impl MonthQuery {
    pub(super) fn month(&self) -> Result<Month, Problem> {
        Ok(self.period.parse::<Month>()?)
    }
}

/// One company's part of a practitioner's month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompanyStatsBody {
    company_id: Uuid,
    #[schema(max_length = 200)]
    company_name: String,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultation_count: u64,
    /// The sum of the whole minutes of each.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_minutes: u64,
    /// In whole minutes, rounded down.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    avg_duration: u64,
}

impl From<CompanyTotals> for CompanyStatsBody {
    fn from(company: CompanyTotals) -> Self {
        Self {
            company_id: company.company,
            company_name: company.name,
            consultation_count: company.totals.consultations,
            total_duration_minutes: company.totals.minutes,
            avg_duration: company.totals.average_minutes(),
        }
    }
}

/// A practitioner's month, company by company.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StatsBody {
    #[schema(min_length = 7, max_length = 7)]
    period: String,
    /// By name.
    #[schema(max_items = 10_000)]
    companies: Vec<CompanyStatsBody>,
}

/// A consultation that is paid.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BillingLineBody {
    #[schema(value_type = String, format = Date)]
    date: Date,
    /// The company's name.
    #[schema(max_length = 200)]
    company: String,
    /// In whole minutes.
    #[schema(minimum = 0, maximum = 1440)]
    duration: u32,
    /// `VALIDATED`.
    #[schema(max_length = 16)]
    status: &'static str,
}

impl From<StatementLine> for BillingLineBody {
    fn from(line: StatementLine) -> Self {
        Self { date: line.day, company: line.company_name, duration: line.minutes, status: VALIDATED }
    }
}

/// A practitioner's month, line by line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BillingBody {
    #[schema(min_length = 7, max_length = 7)]
    period: String,
    /// Oldest first.
    #[schema(max_items = 10_000)]
    items: Vec<BillingLineBody>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultation_count: u64,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_minutes: u64,
}

impl From<Statement> for BillingBody {
    fn from(statement: Statement) -> Self {
        let totals = statement.totals();
        Self {
            period: statement.month.to_string(),
            items: statement.lines.into_iter().map(BillingLineBody::from).collect(),
            consultation_count: totals.consultations,
            total_duration_minutes: totals.minutes,
        }
    }
}

/// Tells one's own month company by company.
#[utoipa::path(get, path = "/reports/practitioner-stats", tag = "metrics", params(MonthQuery),
    responses((status = 200, body = StatsBody)))]
async fn read_practitioner_stats(
    app: App,
    signed: Signed,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let statement = app.run(move |s| s.statements.read(&signed.caller, month)).await?;
    let companies = statement.by_company().into_iter().map(CompanyStatsBody::from).collect();
    Ok(Json(StatsBody { period: month.to_string(), companies }))
}

/// Lists what one is paid for in a month.
#[utoipa::path(get, path = "/reports/practitioner-billing", tag = "metrics", params(MonthQuery),
    responses((status = 200, body = BillingBody)))]
async fn read_practitioner_billing(
    app: App,
    signed: Signed,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let statement = app.run(move |s| s.statements.read(&signed.caller, month)).await?;
    Ok(Json(BillingBody::from(statement)))
}

/// Downloads one's own statement of a month: once the month is closed, the same bytes each time.
#[utoipa::path(get, path = "/reports/practitioner-export-csv", tag = "metrics", params(MonthQuery),
    responses((status = 200, content_type = "text/csv", body = CsvFile)))]
async fn export_practitioner_statement(
    app: App,
    signed: Signed,
    Query(query): Query<MonthQuery>,
) -> Result<impl Responder, Problem> {
    let month = query.month()?;
    let statement = app.run(move |s| s.statements.export(&signed.caller, month)).await?;
    Ok(CsvFile::new(statement.bytes, &format!("facturation-{month}")))
}

#[derive(OpenApi)]
#[openapi(paths(read_practitioner_stats, read_practitioner_billing, export_practitioner_statement))]
struct Document;

/// Adds the operations on statements.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::StatementsOwn;
    ops.route(Method::GET, "/reports/practitioner-stats", own, read_practitioner_stats);
    ops.route(Method::GET, "/reports/practitioner-billing", own, read_practitioner_billing);
    ops.route(Method::GET, "/reports/practitioner-export-csv", own, export_practitioner_statement);
}
