//! Usage figures.
use actix_web::{Responder, http::Method};
use huntzen_metrics::{Period, PractitionerUsage};
use huntzen_tenancy::policy::Permission;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{CsvFile, Json, Operations, Path, Problem, Query, Signed, times::CivilDate};
use crate::state::App;

/// Over which days, both included; at most 366.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct PeriodQuery {
    #[param(inline)]
    from: CivilDate,
    #[param(inline)]
    to: CivilDate,
}

impl PeriodQuery {
    pub(super) fn period(&self) -> Result<Period, Problem> {
        Ok(Period::new(self.from.0, self.to.0)?)
    }
}

/// Civil days, both included.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeriodBody {
    #[schema(value_type = String, format = Date)]
    from: Date,
    #[schema(value_type = String, format = Date)]
    to: Date,
}

impl From<Period> for PeriodBody {
    fn from(period: Period) -> Self {
        Self { from: period.from(), to: period.to() }
    }
}

/// A practitioner's figures over a period.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PractitionerUsageBody {
    practitioner_id: Uuid,
    period: PeriodBody,
    /// How many ended.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    consultations: u64,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_seconds: u64,
    /// The sum of the whole minutes of each.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_duration_minutes: u64,
    /// Rounded down; 0 without consultations.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    average_duration_minutes: u64,
    /// On how many days one ended.
    #[schema(minimum = 0, maximum = 366)]
    active_days: u32,
}

impl From<PractitionerUsage> for PractitionerUsageBody {
    fn from(usage: PractitionerUsage) -> Self {
        Self {
            practitioner_id: usage.practitioner,
            period: usage.period.into(),
            consultations: usage.totals.consultations,
            total_duration_seconds: usage.totals.total_duration_seconds,
            total_duration_minutes: usage.totals.total_duration_minutes,
            average_duration_minutes: usage.average_duration_minutes(),
            active_days: usage.totals.active_days,
        }
    }
}

/// Tells a practitioner's figures: one's own, or any for an administrator.
#[utoipa::path(get, path = "/metrics/practitioners/{id}", tag = "metrics",
    params(("id" = Uuid, Path), PeriodQuery), responses((status = 200, body = PractitionerUsageBody)))]
async fn read_practitioner_usage(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<PeriodQuery>,
) -> Result<impl Responder, Problem> {
    let period = query.period()?;
    let usage = app.run(move |s| s.usage.practitioner(&signed.caller, id, period)).await?;
    Ok(Json(PractitionerUsageBody::from(usage)))
}

/// Downloads a practitioner's figures, a line a day.
#[utoipa::path(get, path = "/metrics/practitioners/{id}/export", tag = "metrics",
    params(("id" = Uuid, Path), PeriodQuery),
    responses((status = 200, content_type = "text/csv", body = CsvFile)))]
async fn export_practitioner_usage(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Query(query): Query<PeriodQuery>,
) -> Result<impl Responder, Problem> {
    let period = query.period()?;
    let bytes = app.run(move |s| s.usage.export(&signed.caller, id, period)).await?;
    Ok(CsvFile::new(bytes, &format!("activite-{}-{}", period.from(), period.to())))
}

#[derive(OpenApi)]
#[openapi(paths(read_practitioner_usage, export_practitioner_usage))]
struct Document;

/// Adds the operations on usage figures.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let read = Permission::MetricsPractitionerUsageRead;
    ops.route(Method::GET, "/metrics/practitioners/{id}", read, read_practitioner_usage);
    let export = Permission::ExportsPractitionerUsage;
    ops.route(Method::GET, "/metrics/practitioners/{id}/export", export, export_practitioner_usage);
}
