//! Reading an export page by page, each in a unit of work of its own.
use huntzen_booking::{
    availability::{AvailabilityException, AvailabilityRule, ConsultationType, TypeSet},
    consultation::{OpenConsultation, Starts},
    practitioner::Practitioner,
    review::OwnReview,
};
use huntzen_clinical::{
    conversation::Message,
    ids::ConsultationId,
    journal::{Days, JournalEntry, Mood},
};
use huntzen_tenancy::{
    Caller, Cursor, Slice, audit::AccessLine, own_data::told, policy::Role, sealing::SecretText, words::Words,
};
use serde_json::{Value, json};

use super::Section;
use crate::{http::Problem, services::Services};

/// Rows of a page.
const ROWS: u32 = 1_000;
/// Consultations of a page, whose messages are then read together.
const CONSULTATIONS: u32 = 250;
/// Entries and messages of a page: each may be long.
const LONG_ROWS: u32 = 100;

/// Where a section goes on.
pub(super) enum Place {
    /// At its beginning.
    Start,
    /// After this.
    After(Cursor),
    /// In the messages of these consultations, after this one.
    Among { consultations: Vec<ConsultationId>, after: Option<(ConsultationId, u64)>, then: Option<Cursor> },
}

/// A page of a section.
pub(super) struct Page {
    /// Its records.
    pub(super) records: Vec<Value>,
    /// Where it goes on.
    pub(super) next: Option<Place>,
}

impl Page {
    /// The page of what was read, each told by `tell`.
    fn of<T>(part: &Slice<T>, tell: impl Fn(&T) -> Value) -> Self {
        Self { records: part.items.iter().map(tell).collect(), next: part.next.map(Place::After) }
    }

    fn whole(records: Vec<Value>) -> Self {
        Self { records, next: None }
    }
}

/// Reads a page of a section.
pub(super) fn read(s: &Services, caller: &Caller, section: Section, place: Place) -> Result<Page, Problem> {
    let cursor = match &place {
        Place::After(cursor) => Some(*cursor),
        Place::Start | Place::Among { .. } => None,
    };
    Ok(match section {
        Section::Part(part) => Page::of(&s.own_data.records(caller, part, cursor, ROWS)?, |one| one.fields.clone()),
        Section::Practitioner => Page::whole(vec![profile(&s.own_profile.get(caller)?)]),
        Section::Availability => Page::whole(s.planning.rules(caller)?.iter().map(rule).collect()),
        Section::Exceptions => Page::whole(s.planning.exceptions(caller)?.iter().map(exception).collect()),
        Section::Consultations => {
            let part = s.consultations.mine(caller, None, Starts::default(), cursor, CONSULTATIONS)?;
            Page::of(&part, |one| consultation(one, caller))
        }
        Section::Messages => messages(s, caller, place)?,
        Section::Journal => Page::of(&s.journal.list(caller, Days::default(), None, cursor, LONG_ROWS)?, entry),
        Section::Reviews => Page::of(&s.reviews.own(caller, cursor, ROWS)?, review),
        Section::AccessLog => Page::of(&s.audit.own_access(caller, cursor, ROWS)?, access),
    })
}

/// First which consultations there are, then what was said about them, in turn.
fn messages(s: &Services, caller: &Caller, place: Place) -> Result<Page, Problem> {
    let (consultations, after, then) = match place {
        Place::Among { consultations, after, then } => (consultations, after, then),
        Place::Start | Place::After(_) => {
            let cursor = if let Place::After(cursor) = place { Some(cursor) } else { None };
            let part = s.consultations.mine(caller, None, Starts::default(), cursor, CONSULTATIONS)?;
            let ids = part.items.iter().map(|one| ConsultationId(one.consultation.id.0)).collect();
            let next = Place::Among { consultations: ids, after: None, then: part.next };
            return Ok(Page { records: Vec::new(), next: Some(next) });
        }
    };
    let said = s.conversations.of_all(caller, &consultations, after, LONG_ROWS)?;
    let next = match said.last() {
        Some(last) if said.len() == LONG_ROWS as usize => {
            let after = Some((last.consultation, last.seq));
            Some(Place::Among { consultations, after, then })
        }
        Some(_) | None => then.map(Place::After),
    };
    let me = caller.actor.user;
    // What a client says to a practitioner is the client's.
    let is_told = |one: &&Message| caller.actor.role != Role::Practitioner || one.sender == me;
    let tell = |one: &Message| {
        json!({
            "id": one.id.0, "consultationId": one.consultation.0, "writtenByMe": one.sender == me,
            "content": one.content.as_ref().map(SecretText::expose), "createdAt": told(one.created_at),
            "readAt": one.read_at.map(told),
        })
    };
    Ok(Page { records: said.iter().filter(is_told).map(tell).collect(), next })
}

/// An employee's with the practitioner's name and both reasons; a practitioner's without what is the
/// client's (GDPR, article 15(4)).
fn consultation(one: &OpenConsultation, caller: &Caller) -> Value {
    let (me, for_practitioner) = (caller.actor.user, caller.actor.role == Role::Practitioner);
    let (held, names) = (&one.consultation, &one.names);
    let practitioner = format!("{} {}", names.practitioner_first_name, names.practitioner_last_name);
    let mut told_of = json!({
        "id": held.id.0, "type": held.kind.as_str(), "status": held.status.as_str(),
        "scheduledAt": told(held.scheduled_at), "endsAt": told(held.ends_at), "startedAt": held.started_at.map(told),
        "endedAt": held.ended_at.map(told), "durationSeconds": held.duration_seconds,
        "cancelledAt": held.cancelled_at.map(told), "cancelledByMe": held.cancelled_by.map(|by| by == me),
        "noShowAt": held.no_show_at.map(told), "billingStatus": held.billing_status.as_str(),
        "createdAt": told(held.created_at), "updatedAt": told(held.updated_at),
    });
    if let Some(fields) = told_of.as_object_mut().filter(|_| !for_practitioner) {
        let text = |secret: &Option<SecretText>| secret.as_ref().map(|text| text.expose().to_owned());
        fields.insert("practitioner".into(), practitioner.into());
        fields.insert("reason".into(), text(&one.reason).into());
        fields.insert("cancelReason".into(), text(&one.cancel_reason).into());
    }
    told_of
}

fn entry(one: &JournalEntry) -> Value {
    json!({
        "id": one.id.0, "content": one.content.as_ref().map(SecretText::expose), "mood": one.mood.map(Mood::figure),
        "tags": one.tags.iter().collect::<Vec<_>>(), "createdAt": told(one.created_at),
        "updatedAt": told(one.updated_at),
    })
}

fn review(one: &OwnReview<SecretText>) -> Value {
    json!({
        "id": one.id.0, "consultationId": one.consultation.0, "rating": one.rating,
        "comment": one.comment.as_ref().map(SecretText::expose), "status": one.status.as_str(),
        "createdAt": told(one.created_at),
    })
}

fn access(one: &AccessLine) -> Value {
    json!({
        "id": one.id, "at": told(one.at), "role": one.role.map(Words::as_str), "actor": one.name,
        "action": one.action.as_str(), "resource": one.resource.as_str(),
    })
}

fn profile(one: &Practitioner) -> Value {
    json!({
        "id": one.id.0, "firstName": one.first_name, "lastName": one.last_name, "title": one.title,
        "profession": one.profession.as_str(), "registrationNumber": one.registration_number,
        "specialties": one.specialties, "languages": one.languages, "bio": one.bio,
        "yearsOfExperience": one.years_of_experience, "offersVideo": one.offers_video, "offersAudio": one.offers_audio,
        "offersPhone": one.offers_phone, "offersChat": one.offers_chat,
        "acceptingNewClients": one.accepting_new_clients, "timezone": one.timezone, "isValidated": one.is_validated,
        "validatedAt": one.validated_at.map(told), "suspendedAt": one.suspended_at.map(told),
        "documentsVerified": one.documents_verified, "createdAt": told(one.created_at),
        "updatedAt": told(one.updated_at),
    })
}

fn rule(one: &AvailabilityRule) -> Value {
    let terms = one.terms();
    json!({
        "id": one.id(), "dayOfWeek": terms.day_of_week, "startTime": terms.start_time.strftime("%H:%M").to_string(),
        "endTime": terms.end_time.strftime("%H:%M").to_string(), "slotMinutes": terms.slot_minutes,
        "bufferMinutes": terms.buffer_minutes, "types": types(terms.types), "validFrom": terms.valid_from.as_ref().map(ToString::to_string),
        "validUntil": terms.valid_until.as_ref().map(ToString::to_string),
    })
}

fn exception(one: &AvailabilityException) -> Value {
    json!({
        "id": one.id(), "kind": one.kind().as_str(), "startsAt": told(one.starts_at()), "endsAt": told(one.ends_at()),
        "slotMinutes": one.shape().map(|shape| shape.slot_minutes),
        "bufferMinutes": one.shape().map(|shape| shape.buffer_minutes),
        "types": one.shape().map(|shape| types(shape.types)), "label": one.label(),
    })
}

fn types(offered: TypeSet) -> Vec<&'static str> {
    let kinds = ConsultationType::ALL.iter().filter(|kind| offered.contains(**kind));
    kinds.map(|kind| kind.as_str()).collect()
}
