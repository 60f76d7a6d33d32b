//! Whether the service works, for load balancers and the people who run it.
use actix_web::{
    HttpResponse, Responder,
    http::{Method, StatusCode, header},
};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{Json, Operations, access::Access};
use crate::{
    probe::{HealthReport, Standing},
    state::App,
};

/// When to ask again a service that is down, in seconds.
const RETRY_AFTER: u32 = 5;

/// Marks an answer whose body says itself what is wrong: the edge leaves it alone, although its
/// status is that of a problem.
#[derive(Clone, Copy, Debug)]
pub struct SpeaksForItself;

/// How the service does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HealthBody {
    /// The worst of the checks.
    status: Standing,
    #[schema(max_length = 40)]
    version: &'static str,
    checks: ChecksBody,
}

/// How what the service stands on does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChecksBody {
    /// `down` when it does not answer in time.
    database: Standing,
    /// `down` when it is full.
    disk: Standing,
    /// `degraded` when letters wait for more than a quarter of an hour.
    outbox: Standing,
    /// `degraded` when it does not answer; absent when none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<Standing>,
}

impl From<HealthReport> for HealthBody {
    fn from(report: HealthReport) -> Self {
        let HealthReport { database, disk, outbox, redis, reconciliation: _, figures: _ } = report;
        Self {
            status: report.status(),
            version: env!("CARGO_PKG_VERSION"),
            checks: ChecksBody { database, disk, outbox, redis },
        }
    }
}

/// That the process runs.
#[derive(Serialize, ToSchema)]
struct LiveBody {
    /// Always `ok`: a process that does not run does not answer.
    status: Standing,
}

/// Tells whether the service can work.
#[utoipa::path(get, path = "/health", tag = "operations", responses(
    (status = 200, body = HealthBody),
    (status = 503, body = HealthBody, description = "The database does not answer, or the disk is full")))]
async fn health(app: App) -> HttpResponse {
    let body = HealthBody::from(app.services().health.check().await);
    match body.status {
        Standing::Ok | Standing::Degraded => HttpResponse::Ok().json(body),
        Standing::Down => down(&body),
    }
}

fn down(body: &HealthBody) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE);
    answer.insert_header((header::RETRY_AFTER, RETRY_AFTER));
    let mut answer = answer.json(body);
    answer.extensions_mut().insert(SpeaksForItself);
    answer
}

/// Tells that the process runs, and looks at nothing else.
#[utoipa::path(get, path = "/health/live", tag = "operations", responses((status = 200, body = LiveBody)))]
async fn live() -> impl Responder {
    Json(LiveBody { status: Standing::Ok })
}

#[derive(OpenApi)]
#[openapi(paths(health, live))]
struct Document;

/// Adds the operations on health.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/health", Access::Public, health);
    ops.route(Method::GET, "/health/live", Access::Public, live);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Figures;

    #[test]
    fn the_words_are_those_of_the_contract() {
        let report = HealthReport {
            database: Standing::Ok,
            disk: Standing::Down,
            outbox: Standing::Degraded,
            reconciliation: Standing::Degraded,
            redis: None,
            figures: Figures::default(),
        };
        let body = serde_json::to_value(HealthBody::from(report)).unwrap_or_default();
        let checks = serde_json::json!({ "database": "ok", "disk": "down", "outbox": "degraded" });
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(body, serde_json::json!({ "status": "down", "version": version, "checks": checks }));
        let with_redis = HealthReport { redis: Some(Standing::Degraded), ..report };
        let body = serde_json::to_value(HealthBody::from(with_redis)).unwrap_or_default();
        assert_eq!(body.pointer("/checks/redis"), Some(&"degraded".into()));
    }

    #[test]
    fn a_service_that_is_down_says_so_itself() {
        let report = HealthReport {
            database: Standing::Down,
            disk: Standing::Ok,
            outbox: Standing::Degraded,
            reconciliation: Standing::Degraded,
            redis: None,
            figures: Figures::default(),
        };
        let answer = down(&report.into());
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(header::RETRY_AFTER));
        assert!(answer.extensions().contains::<SpeaksForItself>());
    }
}
