//! Looking for a time: the slots of one practitioner, and the earliest slot of each.
use actix_web::{Responder, http::Method};
use huntzen_booking::{
    availability::{ConsultationType, EarliestQuestion, EarliestSlot, SlotsQuestion},
    practitioner::DirectoryFilter,
    slots::Slot,
};
use huntzen_tenancy::policy::Permission;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, OpenApi, PartialSchema, ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};
use uuid::Uuid;
use validator::Validate;

use super::{
    Json, Operations, Problem, Query, Signed,
    directory::PublicPractitionerBody,
    openapi::words_schema,
    times::{CivilDate, Instant},
};
use crate::state::App;

/// How many practitioners `/availability/earliest` answers when it is not said.
const USUAL_LIMIT: u32 = 10;
/// No day holds more slots than 300: they last five minutes at least, and a day 25 hours at most.
const SLOTS_MOST: usize = 92 * 300;

/// Whose slots, on which days, of which type.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct SlotsQuery {
    /// A practitioner who does not say asks for their own.
    practitioner_id: Option<Uuid>,
    /// The first day, in the practitioner's zone.
    #[param(inline)]
    start_date: CivilDate,
    /// The last day, included; at most 92 days in all.
    #[param(inline)]
    end_date: CivilDate,
    #[serde(rename = "type")]
    #[param(schema_with = words_schema::<ConsultationType>)]
    kind: Option<ConsultationType>,
}

impl From<SlotsQuery> for SlotsQuestion {
    fn from(query: SlotsQuery) -> Self {
        Self {
            practitioner: query.practitioner_id.map(Into::into),
            first: query.start_date.0,
            last: query.end_date.0,
            kind: query.kind,
        }
    }
}

/// Whose earliest slots.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct EarliestQuery {
    #[validate(length(max = 200))]
    #[param(max_length = 200)]
    specialty: Option<String>,
    /// BCP 47; a bare language also stands for its regions.
    #[validate(length(min = 2, max = 35))]
    #[param(min_length = 2, max_length = 35)]
    language: Option<String>,
    #[serde(rename = "type")]
    #[param(schema_with = words_schema::<ConsultationType>)]
    kind: Option<ConsultationType>,
    /// Slots that start then or later.
    #[param(inline)]
    from: Option<Instant>,
    #[serde(default = "usual_limit")]
    #[validate(range(min = 1, max = 50))]
    #[param(minimum = 1, maximum = 50, default = 10)]
    limit: u32,
}

const fn usual_limit() -> u32 {
    USUAL_LIMIT
}

impl From<EarliestQuery> for EarliestQuestion {
    fn from(query: EarliestQuery) -> Self {
        let EarliestQuery { specialty, language, kind, from, limit } = query;
        let filter = DirectoryFilter { specialty, language, ..DirectoryFilter::default() };
        Self { filter, kind, from: from.map(|instant| instant.0), limit }
    }
}

/// A time at which a consultation is offered; whether it can be booked, and never why not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SlotBody {
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
    available: bool,
}

impl From<Slot> for SlotBody {
    fn from(slot: Slot) -> Self {
        Self { start_time: slot.starts_at, end_time: slot.ends_at, available: slot.available }
    }
}

/// Slots, soonest first.
#[derive(Serialize)]
#[serde(transparent)]
struct SlotsBody(Vec<SlotBody>);

impl PartialSchema for SlotsBody {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(SlotBody::schema()).max_items(Some(SLOTS_MOST)).into()
    }
}

impl ToSchema for SlotsBody {}

/// The first free slot of a practitioner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EarliestSlotBody {
    practitioner_id: Uuid,
    practitioner: PublicPractitionerBody,
    #[schema(value_type = String, format = DateTime)]
    start_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    end_time: Timestamp,
}

impl From<EarliestSlot> for EarliestSlotBody {
    fn from(EarliestSlot { practitioner, slot }: EarliestSlot) -> Self {
        Self {
            practitioner_id: practitioner.id.into(),
            practitioner: practitioner.into(),
            start_time: slot.starts_at,
            end_time: slot.ends_at,
        }
    }
}

/// The first free slot of each practitioner, soonest first.
#[derive(Serialize)]
#[serde(transparent)]
struct EarliestBody(Vec<EarliestSlotBody>);

impl PartialSchema for EarliestBody {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(EarliestSlotBody::schema()).max_items(Some(50)).into()
    }
}

impl ToSchema for EarliestBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        EarliestSlotBody::schemas(schemas);
    }
}

/// Lists the slots of one practitioner, soonest first.
#[utoipa::path(get, path = "/availability/slots", tag = "availability", params(SlotsQuery),
    responses((status = 200, body = SlotsBody), (status = 404, description = "No such practitioner")))]
async fn list_slots(app: App, signed: Signed, Query(query): Query<SlotsQuery>) -> Result<impl Responder, Problem> {
    let question = SlotsQuestion::from(query);
    let slots = app.run(move |s| s.slots.slots(&signed.caller, &question)).await?;
    Ok(Json(SlotsBody(slots.into_iter().map(Into::into).collect())))
}

/// Lists the first free slot of each matching practitioner, soonest first.
#[utoipa::path(get, path = "/availability/earliest", tag = "availability", params(EarliestQuery),
    responses((status = 200, body = EarliestBody)))]
async fn list_earliest_slots(
    app: App,
    signed: Signed,
    Query(query): Query<EarliestQuery>,
) -> Result<impl Responder, Problem> {
    let question = EarliestQuestion::from(query);
    let found = app.run(move |s| s.slots.earliest(&signed.caller, &question)).await?;
    Ok(Json(EarliestBody(found.into_iter().map(Into::into).collect())))
}

#[derive(OpenApi)]
#[openapi(paths(list_slots, list_earliest_slots))]
struct Document;

/// Adds the operations of looking for a time.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/availability/slots", Permission::SlotsRead, list_slots);
    ops.route(Method::GET, "/availability/earliest", Permission::SlotsEarliest, list_earliest_slots);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_booking::{availability::EARLIEST_MAX, slots::DAYS_MAX};

    use super::*;

    #[test]
    fn the_documented_bounds_are_those_of_the_use_cases() {
        let most = |schema: RefOr<Schema>| serde_json::to_value(schema).unwrap().get("maxItems").cloned();
        assert_eq!(most(EarliestBody::schema()), Some(EARLIEST_MAX.into()));
        assert_eq!(most(SlotsBody::schema()), Some((DAYS_MAX * 300).into()));
    }

    #[test]
    fn a_slot_says_when_and_whether_it_is_free() {
        let slot = Slot {
            starts_at: "2027-03-08T09:00:00Z".parse().unwrap(),
            ends_at: "2027-03-08T09:50:00Z".parse().unwrap(),
            buffer_minutes: 10,
            types: [ConsultationType::Video].into_iter().collect(),
            available: true,
        };
        assert_eq!(
            serde_json::to_string(&SlotsBody(vec![slot.into()])).unwrap(),
            r#"[{"startTime":"2027-03-08T09:00:00Z","endTime":"2027-03-08T09:50:00Z","available":true}]"#
        );
    }
}
