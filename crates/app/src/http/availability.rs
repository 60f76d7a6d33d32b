//! A practitioner's own weekly rules, leave and extra hours.
use actix_web::{Responder, http::Method};
use huntzen_booking::availability::{
    AvailabilityException, AvailabilityRule, Conflict, ExceptionKind, ExceptionTerms, PlannedException, PlannedRule,
    RuleChange, RuleTerms,
};
use huntzen_tenancy::policy::Permission;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Items, Json, NoContent, Operations, Patch, Path, Problem, Signed,
    hours::{Types, WallTime},
    openapi::words_schema,
    patch,
    times::{CivilDate, Instant},
};
use crate::state::App;

/// A weekly rule to add. Slots start at `startTime` and end by `endTime`, in the practitioner's zone.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewRuleBody {
    /// ISO 8601: Monday 1 to Sunday 7.
    #[validate(range(min = 1, max = 7))]
    #[schema(minimum = 1, maximum = 7)]
    day_of_week: i8,
    #[schema(inline)]
    start_time: WallTime,
    #[schema(inline)]
    end_time: WallTime,
    #[validate(range(min = 5, max = 480))]
    #[schema(minimum = 5, maximum = 480)]
    slot_minutes: u16,
    /// The pause after each slot.
    #[validate(range(max = 240))]
    #[schema(minimum = 0, maximum = 240)]
    buffer_minutes: u16,
    #[schema(inline)]
    types: Types,
    /// The first day on which the rule holds.
    #[schema(inline)]
    valid_from: Option<CivilDate>,
    /// The last day on which the rule holds.
    #[schema(inline)]
    valid_until: Option<CivilDate>,
}

impl From<NewRuleBody> for RuleTerms {
    fn from(body: NewRuleBody) -> Self {
        Self {
            day_of_week: body.day_of_week,
            start_time: body.start_time.0,
            end_time: body.end_time.0,
            slot_minutes: body.slot_minutes,
            buffer_minutes: body.buffer_minutes,
            types: body.types.0,
            valid_from: body.valid_from.map(|day| day.0),
            valid_until: body.valid_until.map(|day| day.0),
        }
    }
}

/// What may change about a weekly rule.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RulePatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(range(min = 1, max = 7))]
    #[schema(value_type = i8, required = false, minimum = 1, maximum = 7)]
    day_of_week: Option<i8>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = WallTime, required = false, inline)]
    start_time: Option<WallTime>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = WallTime, required = false, inline)]
    end_time: Option<WallTime>,
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(range(min = 5, max = 480))]
    #[schema(value_type = u16, required = false, minimum = 5, maximum = 480)]
    slot_minutes: Option<u16>,
    #[serde(default, deserialize_with = "patch::required")]
    #[validate(range(max = 240))]
    #[schema(value_type = u16, required = false, minimum = 0, maximum = 240)]
    buffer_minutes: Option<u16>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = Types, required = false, inline)]
    types: Option<Types>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<CivilDate>, inline)]
    valid_from: Patch<CivilDate>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<CivilDate>, inline)]
    valid_until: Patch<CivilDate>,
}

impl From<RulePatch> for RuleChange {
    fn from(patch: RulePatch) -> Self {
        let date = |patch: Patch<CivilDate>| patch.map(|day| day.map(|day| day.0));
        Self {
            day_of_week: patch.day_of_week,
            start_time: patch.start_time.map(|time| time.0),
            end_time: patch.end_time.map(|time| time.0),
            slot_minutes: patch.slot_minutes,
            buffer_minutes: patch.buffer_minutes,
            types: patch.types.map(|types| types.0),
            valid_from: date(patch.valid_from),
            valid_until: date(patch.valid_until),
        }
    }
}

/// A weekly rule.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RuleBody {
    id: Uuid,
    #[schema(minimum = 1, maximum = 7)]
    day_of_week: i8,
    #[schema(inline)]
    start_time: WallTime,
    #[schema(inline)]
    end_time: WallTime,
    #[schema(minimum = 5, maximum = 480)]
    slot_minutes: u16,
    #[schema(minimum = 0, maximum = 240)]
    buffer_minutes: u16,
    #[schema(inline)]
    types: Types,
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    #[schema(value_type = Option<String>, format = Date)]
    valid_until: Option<Date>,
}

impl From<AvailabilityRule> for RuleBody {
    fn from(rule: AvailabilityRule) -> Self {
        let terms = rule.terms();
        Self {
            id: rule.id(),
            day_of_week: terms.day_of_week,
            start_time: WallTime(terms.start_time),
            end_time: WallTime(terms.end_time),
            slot_minutes: terms.slot_minutes,
            buffer_minutes: terms.buffer_minutes,
            types: Types(terms.types),
            valid_from: terms.valid_from,
            valid_until: terms.valid_until,
        }
    }
}

/// A booked consultation that a change leaves without a slot. It stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConflictBody {
    consultation_id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    scheduled_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

impl From<Conflict> for ConflictBody {
    fn from(conflict: Conflict) -> Self {
        let Conflict { consultation, scheduled_at, ends_at } = conflict;
        Self { consultation_id: consultation.into(), scheduled_at, ends_at }
    }
}

/// A weekly rule as it is kept now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedRuleBody {
    #[serde(flatten)]
    rule: RuleBody,
    /// Soonest first.
    #[schema(max_items = 10_000)]
    conflicts: Vec<ConflictBody>,
}

impl From<PlannedRule> for PlannedRuleBody {
    fn from(planned: PlannedRule) -> Self {
        Self { rule: planned.rule.into(), conflicts: planned.conflicts.into_iter().map(Into::into).collect() }
    }
}

/// Leave, or extra hours. What concerns slots is ignored for leave.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewExceptionBody {
    #[schema(inline)]
    starts_at: Instant,
    #[schema(inline)]
    ends_at: Instant,
    #[schema(schema_with = words_schema::<ExceptionKind>)]
    kind: ExceptionKind,
    /// 50 when absent.
    #[validate(range(min = 5, max = 480))]
    #[schema(minimum = 5, maximum = 480)]
    slot_minutes: Option<u16>,
    /// 0 when absent.
    #[validate(range(max = 240))]
    #[schema(minimum = 0, maximum = 240)]
    buffer_minutes: Option<u16>,
    /// All when absent.
    #[schema(inline)]
    types: Option<Types>,
    /// Never shown to anybody else.
    #[validate(length(max = 120))]
    #[schema(max_length = 120)]
    label: Option<String>,
}

impl From<NewExceptionBody> for ExceptionTerms {
    fn from(body: NewExceptionBody) -> Self {
        Self {
            starts_at: body.starts_at.0,
            ends_at: body.ends_at.0,
            kind: body.kind,
            slot_minutes: body.slot_minutes,
            buffer_minutes: body.buffer_minutes,
            types: body.types.map(|types| types.0),
            label: body.label,
        }
    }
}

/// Leave, or extra hours. What concerns slots is null for leave.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExceptionBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    #[schema(schema_with = words_schema::<ExceptionKind>)]
    kind: ExceptionKind,
    #[schema(minimum = 5, maximum = 480)]
    slot_minutes: Option<u16>,
    #[schema(minimum = 0, maximum = 240)]
    buffer_minutes: Option<u16>,
    #[schema(inline)]
    types: Option<Types>,
    #[schema(max_length = 120)]
    label: Option<String>,
}

impl From<AvailabilityException> for ExceptionBody {
    fn from(exception: AvailabilityException) -> Self {
        let shape = exception.shape();
        Self {
            id: exception.id(),
            starts_at: exception.starts_at(),
            ends_at: exception.ends_at(),
            kind: exception.kind(),
            slot_minutes: shape.map(|shape| shape.slot_minutes),
            buffer_minutes: shape.map(|shape| shape.buffer_minutes),
            types: shape.map(|shape| Types(shape.types)),
            label: exception.label().map(str::to_owned),
        }
    }
}

/// Leave or extra hours as they are kept now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedExceptionBody {
    #[serde(flatten)]
    exception: ExceptionBody,
    /// Soonest first.
    #[schema(max_items = 10_000)]
    conflicts: Vec<ConflictBody>,
}

impl From<PlannedException> for PlannedExceptionBody {
    fn from(planned: PlannedException) -> Self {
        let conflicts = planned.conflicts.into_iter().map(Into::into).collect();
        Self { exception: planned.exception.into(), conflicts }
    }
}

/// Adds a weekly rule.
#[utoipa::path(post, path = "/availability", tag = "availability", request_body = NewRuleBody,
    responses((status = 201, body = PlannedRuleBody)))]
async fn add_rule(app: App, signed: Signed, Json(body): Json<NewRuleBody>) -> Result<impl Responder, Problem> {
    let planned = app.run(move |s| s.planning.add_rule(&signed.caller, body.into())).await?;
    Ok(Created::at(format!("/availability/{}", planned.rule.id()), PlannedRuleBody::from(planned)))
}

/// Lists one's own weekly rules, by day and start.
#[utoipa::path(get, path = "/availability", tag = "availability", responses((status = 200, body = Items<RuleBody>)))]
async fn list_rules(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let rules = app.run(move |s| s.planning.rules(&signed.caller)).await?;
    Ok(Json(Items::<RuleBody>::present(rules)))
}

/// Changes a weekly rule.
#[utoipa::path(patch, path = "/availability/{id}", tag = "availability", params(("id" = Uuid, Path)),
    request_body = RulePatch, responses((status = 200, body = PlannedRuleBody)))]
async fn change_rule(
    app: App,
    signed: Signed,
    Path(id): Path<Uuid>,
    Json(patch): Json<RulePatch>,
) -> Result<impl Responder, Problem> {
    let change = RuleChange::from(patch);
    let planned = app.run(move |s| s.planning.change_rule(&signed.caller, id, &change)).await?;
    Ok(Json(PlannedRuleBody::from(planned)))
}

/// Deletes a weekly rule; what is booked stands.
#[utoipa::path(delete, path = "/availability/{id}", tag = "availability", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn remove_rule(app: App, signed: Signed, Path(id): Path<Uuid>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.planning.remove_rule(&signed.caller, id)).await?;
    Ok(NoContent)
}

/// Adds leave or extra hours.
#[utoipa::path(post, path = "/availability/exception", tag = "availability", request_body = NewExceptionBody,
    responses((status = 201, body = PlannedExceptionBody)))]
async fn add_exception(
    app: App,
    signed: Signed,
    Json(body): Json<NewExceptionBody>,
) -> Result<impl Responder, Problem> {
    let planned = app.run(move |s| s.planning.add_exception(&signed.caller, body.into())).await?;
    let location = format!("/availability/exceptions/{}", planned.exception.id());
    Ok(Created::at(location, PlannedExceptionBody::from(planned)))
}

/// Lists one's own leave and extra hours, by start.
#[utoipa::path(get, path = "/availability/exceptions", tag = "availability",
    responses((status = 200, body = Items<ExceptionBody>)))]
async fn list_exceptions(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let exceptions = app.run(move |s| s.planning.exceptions(&signed.caller)).await?;
    Ok(Json(Items::<ExceptionBody>::present(exceptions)))
}

/// Deletes leave or extra hours; what is booked stands.
#[utoipa::path(delete, path = "/availability/exceptions/{id}", tag = "availability", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn remove_exception(app: App, signed: Signed, Path(id): Path<Uuid>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.planning.remove_exception(&signed.caller, id)).await?;
    Ok(NoContent)
}

#[derive(OpenApi)]
#[openapi(paths(add_rule, list_rules, change_rule, remove_rule, add_exception, list_exceptions, remove_exception))]
struct Document;

/// Adds the operations of practitioners on their own availability.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::AvailabilityOwn;
    ops.route(Method::POST, "/availability", own, add_rule);
    ops.route(Method::GET, "/availability", own, list_rules);
    ops.route(Method::PATCH, "/availability/{id}", own, change_rule).or_put();
    ops.route(Method::DELETE, "/availability/{id}", own, remove_rule);
    ops.route(Method::POST, "/availability/exception", own, add_exception);
    ops.route(Method::GET, "/availability/exceptions", own, list_exceptions);
    ops.route(Method::DELETE, "/availability/exceptions/{id}", own, remove_exception);
}
