//! The audit trail: for operators with everybody who consults hidden, for a person what concerns them.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    audit::{AccessLine, Action, AuditFilter, Depth, Outcome, Resource, SeenActor, SeenEntry, Verdict},
    policy::{Permission, Role},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    CursorMark, Json, Limit, Operations, PartQuery, Problem, Query, Signed, SliceBody,
    openapi::{optional_words_schema, words_schema},
    times::CivilDate,
};
use crate::state::App;

/// Links that one request compares at most, the last ones of every chain. `huntzen audit verify`
/// compares all.
const VERIFIED_AT_ONCE: u32 = 100_000;

/// Which entries are asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    #[param(schema_with = words_schema::<Action>)]
    action: Option<Action>,
    #[param(schema_with = words_schema::<Resource>)]
    resource: Option<Resource>,
    /// What this account did; on accounts and administration alone.
    user_id: Option<Uuid>,
    /// What was done in this company; on accounts and administration alone.
    company_id: Option<Uuid>,
    /// On this day or later, in UTC.
    #[param(inline)]
    start_date: Option<CivilDate>,
    /// On this day or earlier.
    #[param(inline)]
    end_date: Option<CivilDate>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    #[param(inline)]
    cursor: Option<CursorMark>,
}

/// Who did something.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActorBody {
    /// An account; null when a pseudonym stands for it, and for the system.
    id: Option<Uuid>,
    /// What stands for somebody on that day, when the entry tells that somebody consults.
    #[schema(min_length = 16, max_length = 16)]
    pseudonym: Option<String>,
    #[schema(schema_with = optional_words_schema::<Role>)]
    role: Option<Role>,
}

/// A line of the trail. One that tells that somebody consults has no instant but its day, no thing,
/// no company, no request and no address.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntryBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: ActorBody,
    #[schema(schema_with = words_schema::<Action>)]
    action: Action,
    #[schema(schema_with = words_schema::<Resource>)]
    resource: Resource,
    resource_id: Option<Uuid>,
    company_id: Option<Uuid>,
    #[schema(schema_with = words_schema::<Outcome>)]
    outcome: Outcome,
    #[schema(max_length = 64)]
    request_id: Option<String>,
    /// Cut to its network.
    #[schema(max_length = 64)]
    ip: Option<String>,
}

impl From<SeenEntry> for AuditEntryBody {
    fn from(entry: SeenEntry) -> Self {
        let (id, pseudonym) = match entry.actor {
            Some(SeenActor::Account(user)) => (Some(user.0), None),
            Some(SeenActor::Pseudonym(text)) => (None, Some(text)),
            None => (None, None),
        };
        Self {
            id: entry.id,
            at: entry.at,
            actor: ActorBody { id, pseudonym, role: entry.actor_role },
            action: entry.action,
            resource: entry.resource,
            resource_id: entry.resource_id,
            company_id: entry.company.map(Into::into),
            outcome: entry.outcome,
            request_id: entry.request_id,
            ip: entry.ip,
        }
    }
}

/// What a verification came to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VerdictBody {
    valid: bool,
    /// How many were compared; what is about care counts from the day after (UTC).
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    checked_entries: u64,
    /// The first place that is not as it was written.
    #[schema(max_length = 300)]
    first_broken: Option<String>,
}

impl From<Verdict> for VerdictBody {
    fn from(verdict: Verdict) -> Self {
        Self {
            valid: verdict.broken.is_none(),
            checked_entries: verdict.told,
            first_broken: verdict.broken.map(|broken| broken.to_string()),
        }
    }
}

/// Who touched one's data.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AccessActorBody {
    #[schema(schema_with = optional_words_schema::<Role>)]
    role: Option<Role>,
    /// A practitioner's, or one's own; administrators are told by their role.
    #[schema(max_length = 201)]
    name: Option<String>,
}

/// A line of one's own access log.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AccessBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    actor: AccessActorBody,
    #[schema(schema_with = words_schema::<Action>)]
    action: Action,
    #[schema(schema_with = words_schema::<Resource>)]
    resource: Resource,
}

impl From<AccessLine> for AccessBody {
    fn from(line: AccessLine) -> Self {
        let AccessLine { id, at, role, name, action, resource } = line;
        Self { id, at, actor: AccessActorBody { role, name }, action, resource }
    }
}

/// Lists the audit trail, newest day first. A part may hold less than `limit` before the end.
#[utoipa::path(get, path = "/super-admin/audit-logs", tag = "operations", params(AuditQuery),
    responses((status = 200, body = SliceBody<AuditEntryBody>)))]
async fn list_audit_logs(app: App, signed: Signed, Query(query): Query<AuditQuery>) -> Result<impl Responder, Problem> {
    let AuditQuery { action, resource, user_id, company_id, start_date, end_date, limit, cursor } = query;
    let filter = AuditFilter { action, resource, actor: user_id.map(Into::into), company: company_id.map(Into::into) };
    let days = (start_date.map(|day| day.0), end_date.map(|day| day.0));
    let cursor = cursor.map(|mark| mark.0);
    let part = app.run(move |s| s.audit.entries(&signed.caller, &filter, days, cursor, limit.0)).await?;
    Ok(Json(SliceBody::<AuditEntryBody>::present(part)))
}

/// Compares the last links of every chain (100,000 in all, at least 100 of each) with their entries and with the
/// signed checkpoints; `huntzen audit verify` compares all.
#[utoipa::path(get, path = "/super-admin/audit-logs/verify", tag = "operations",
    responses((status = 200, body = VerdictBody)))]
async fn verify_audit_logs(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let verdict = app
        .run(move |s| {
            s.audit.trace(&signed.caller)?;
            s.chain_verification.verify(Depth::Recent(VERIFIED_AT_ONCE))
        })
        .await?;
    Ok(Json(VerdictBody::from(verdict)))
}

/// Lists who touched one's own data, newest first.
#[utoipa::path(get, path = "/users/me/access-log", tag = "users", params(PartQuery),
    responses((status = 200, body = SliceBody<AccessBody>)))]
async fn read_access_log(app: App, signed: Signed, Query(query): Query<PartQuery>) -> Result<impl Responder, Problem> {
    let part = app.run(move |s| s.audit.own_access(&signed.caller, query.cursor(), query.limit.0)).await?;
    Ok(Json(SliceBody::<AccessBody>::present(part)))
}

#[derive(OpenApi)]
#[openapi(paths(list_audit_logs, verify_audit_logs, read_access_log))]
struct Document;

/// Adds the operations on the audit trail.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/super-admin/audit-logs", Permission::AuditLogsRead, list_audit_logs);
    ops.route(Method::GET, "/super-admin/audit-logs/verify", Permission::AuditLogsRead, verify_audit_logs);
    ops.route(Method::GET, "/users/me/access-log", Permission::AccessLogOwn, read_access_log);
}
