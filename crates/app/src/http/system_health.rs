//! How the service, its machine and its queues do, for operators.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::policy::Permission;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{Json, Operations, Problem, Signed};
use crate::{
    offload::LaneReading,
    probe::{Figures, HealthReport, Pool, Standing},
    state::App,
    telemetry::{
        process::{Process, memory, memory_limit},
        zones::Zones,
    },
};

/// The largest whole number that every client reads exactly (RFC 8259 §6).
const EXACT: u64 = (1 << 53) - 1;

/// How everything does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SystemHealthBody {
    /// The worst of the services, the outbox and the reconciliation.
    status: Standing,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// For how many whole seconds this process has served.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    uptime: u64,
    services: ServicesBody,
    server: ServerBody,
    pool: PoolBody,
    queues: QueuesBody,
    tzdata: ZonesBody,
    /// When the last backup was made by `huntzen backup`; null before the first, and while the database does
    /// not tell.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_backup: Option<Timestamp>,
    reconciliation: ReconciliationBody,
}

/// What the service stands on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ServicesBody {
    /// `down` when it does not answer in time.
    postgres: Standing,
    /// `degraded` when it does not answer; null when none is configured.
    redis: Option<Standing>,
    /// `down` when it is full.
    disk: Standing,
}

/// This process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ServerBody {
    /// What this process used of all processors together since somebody last asked, in percent.
    #[schema(minimum = 0, maximum = 100)]
    cpu_usage: f64,
    /// Resident memory of this process, in bytes.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    memory_usage: u64,
    /// Memory that it may take, in bytes: the machine's, or its control group's where that has less.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    memory_total: u64,
}

/// The connections to the database that requests share.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PoolBody {
    /// The most that are opened.
    #[schema(minimum = 1, maximum = 500)]
    size: u32,
    #[schema(minimum = 0, maximum = 500)]
    in_use: u32,
    /// Open ones that nobody uses.
    #[schema(minimum = 0, maximum = 500)]
    idle: u32,
    /// Units of work that wait for one.
    #[schema(minimum = 0, maximum = 100_000)]
    waiting: u32,
}

/// What waits where.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueuesBody {
    /// Use cases.
    general: LaneBody,
    /// Use cases that hash passwords.
    password: LaneBody,
    outbox: OutboxBody,
    /// Entries of the audit trail without a link.
    audit: StoredQueueBody,
    /// Messages.
    chat: QueueBody,
}

/// Use cases that run, and that wait for their turn.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LaneBody {
    #[schema(minimum = 0, maximum = 100_000)]
    running: u64,
    #[schema(minimum = 0, maximum = 100_000)]
    waiting: u64,
}

/// Letters that wait to be sent; null while the database does not tell.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OutboxBody {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    waiting: Option<u64>,
    /// For how long the oldest has waited in vain.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    oldest_seconds: Option<u64>,
}

/// What waits in the database; null while it does not tell.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StoredQueueBody {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    waiting: Option<u64>,
}

/// What waits in this process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueBody {
    #[schema(minimum = 0, maximum = 100_000)]
    waiting: u64,
}

/// Where the time-zone database in use comes from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ZoneSource {
    System,
    Bundled,
}

/// The time-zone database in use.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ZonesBody {
    source: ZoneSource,
    /// Its edition, such as `2026b`; null when the system does not tell.
    #[schema(min_length = 5, max_length = 8)]
    version: Option<String>,
}

/// The last comparison of usage counters with what they count; null before the first, and while the database
/// does not tell.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReconciliationBody {
    status: Standing,
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// How many days were compared.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    checked: Option<u64>,
    /// On how many of them the two differed.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    differing: Option<u64>,
}

impl From<&Process> for ServerBody {
    fn from(process: &Process) -> Self {
        let (memory_usage, memory_total) = (memory().0.min(EXACT), memory_limit().min(EXACT));
        // A tenth of a percent is as much as a second can tell.
        Self { cpu_usage: (process.cpu_percent() * 10.0).round() / 10.0, memory_usage, memory_total }
    }
}

impl From<Pool> for PoolBody {
    fn from(Pool { size, in_use, idle, waiting, failed: _ }: Pool) -> Self {
        Self { size, in_use, idle, waiting }
    }
}

impl From<&LaneReading> for LaneBody {
    fn from(lane: &LaneReading) -> Self {
        Self { running: lane.running, waiting: lane.waiting }
    }
}

impl From<Figures> for OutboxBody {
    fn from(Figures { outbox, oldest, .. }: Figures) -> Self {
        let waiting = outbox.map(|backlog| backlog.waiting.min(EXACT));
        Self { waiting, oldest_seconds: waiting.map(|_| u64::try_from(oldest.as_secs()).unwrap_or_default()) }
    }
}

impl From<Zones> for ZonesBody {
    fn from(zones: Zones) -> Self {
        let source = if zones.is_systems { ZoneSource::System } else { ZoneSource::Bundled };
        Self { source, version: zones.edition }
    }
}

impl From<HealthReport> for ReconciliationBody {
    fn from(report: HealthReport) -> Self {
        let last = report.figures.reconciliation;
        Self {
            status: report.reconciliation,
            at: last.map(|last| last.at),
            checked: last.map(|last| last.checked),
            differing: last.map(|last| last.differing),
        }
    }
}

/// Tells how the service, this process and its queues do; 200 however bad it is.
#[utoipa::path(get, path = "/super-admin/health", tag = "operations",
    responses((status = 200, body = SystemHealthBody)))]
async fn system_health(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    signed.caller.actor.require(Permission::SystemHealthRead)?;
    let health = &app.services().health;
    let report = health.check().await;
    let [general, password] = app.lanes().readings();
    let HealthReport { database: postgres, disk, redis, figures, .. } = report;
    Ok(Json(SystemHealthBody {
        status: report.status_for_operators(),
        timestamp: app.clock().now(),
        uptime: app.process().uptime().as_secs(),
        services: ServicesBody { postgres, redis, disk },
        server: app.process().into(),
        pool: health.pool().into(),
        queues: QueuesBody {
            general: (&general).into(),
            password: (&password).into(),
            outbox: figures.into(),
            audit: StoredQueueBody { waiting: figures.unlinked.map(|unlinked| unlinked.min(EXACT)) },
            chat: QueueBody { waiting: app.messages().meters().waiting() },
        },
        tzdata: Zones::in_use().into(),
        last_backup: figures.last_backup,
        reconciliation: report.into(),
    }))
}

#[derive(OpenApi)]
#[openapi(paths(system_health))]
struct Document;

/// Adds the operation.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/super-admin/health", Permission::SystemHealthRead, system_health);
}
