//! What is kept about whoever acts, to take away.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    email::Email,
    files::StoredFile,
    ids::UserId,
    outbox::Arguments,
    own_data::{OwnPart, OwnRecord, OwnRecords, told},
    words::Words,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{paging::slice, state::State, store::MemoryTx};

impl OwnRecords for MemoryTx {
    fn own_records(
        &mut self,
        part: OwnPart,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OwnRecord>, StoreError> {
        self.read(|viewer, state| {
            let Some(me) = viewer.user() else { return Slice { items: Vec::new(), next: None } };
            let find = match part {
                OwnPart::Sessions => sessions,
                OwnPart::Tokens => tokens,
                OwnPart::Invitations => invitations,
                OwnPart::SecondFactor => second_factor,
                OwnPart::Letters => letters,
                OwnPart::Notifications => notifications,
                OwnPart::Files => files,
                OwnPart::Employment => employment,
                OwnPart::Events => events,
                OwnPart::Activity => activity,
                OwnPart::NamedUsage => named_usage,
                OwnPart::Statements => statements,
            };
            let mut records: Vec<OwnRecord> = find(state, me);
            records.retain(|one| cursor.is_none_or(|after| (one.at, one.id) < (after.at, after.id)));
            records.sort_by_key(|one| Reverse((one.at, one.id)));
            slice(records, limit, |one: &OwnRecord| Cursor { at: one.at, id: one.id })
        })
    }
}

fn record(id: Uuid, at: Timestamp, fields: Value) -> OwnRecord {
    OwnRecord { at, id, fields }
}

fn optional(at: Option<Timestamp>) -> Option<String> {
    at.map(told)
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The beginning of a day, in UTC.
fn begins(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |start| start.timestamp())
}

fn sessions(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.sessions.rows().filter(|row| row.user == me);
    own.map(|row| {
        let fields = json!({
            "id": row.id.0, "createdAt": told(row.created_at), "lastUsedAt": told(row.last_used_at),
            "expiresAt": told(row.expires_at), "revokedAt": optional(row.revoked_at),
            "userAgent": row.device.user_agent, "ip": row.device.ip,
        });
        record(row.id.0, row.created_at, fields)
    })
    .collect()
}

fn tokens(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.one_time_tokens.rows().filter(|row| row.token.user == me);
    own.map(|row| {
        let token = &row.token;
        let hex = token.digest.to_hex();
        let id = hex.get(..32).and_then(|half| Uuid::try_parse(half).ok()).unwrap_or_default();
        let fields = json!({
            "purpose": token.purpose.as_str(), "email": token.email.as_ref().map(Email::as_str),
            "createdAt": told(token.created_at), "expiresAt": told(token.expires_at), "usedAt": optional(row.used_at),
        });
        record(id, token.created_at, fields)
    })
    .collect()
}

fn invitations(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.invitations.rows().filter(|row| row.user == me);
    own.map(|row| {
        let fields = json!({
            "id": row.id, "createdAt": told(row.created_at), "expiresAt": told(row.expires_at),
            "acceptedAt": optional(row.accepted_at),
        });
        record(row.id, row.created_at, fields)
    })
    .collect()
}

fn second_factor(state: &State, me: UserId) -> Vec<OwnRecord> {
    let unused = state.backup_codes.entries().filter(|((user, _), used)| *user == me && used.is_none()).count();
    let own = state.second_factors.get(&me);
    own.map(|row| {
        let at = row.factor.created_at;
        record(me.0, at, json!({ "createdAt": told(at), "backupCodesLeft": unused }))
    })
    .into_iter()
    .collect()
}

fn letters(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.outbox.rows().filter(|row| row.message.recipient == me);
    own.map(|row| {
        let message = &row.message;
        let about = match &message.arguments {
            Arguments::About(about) => about.clone(),
            Arguments::Sealed(_) => Value::Null,
        };
        let fields = json!({
            "letter": message.letter.as_str(), "about": about, "createdAt": told(message.created_at),
            "sentAt": optional(row.sent_at),
        });
        record(message.id, message.created_at, fields)
    })
    .collect()
}

fn notifications(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.notifications.rows().filter(|row| row.user == me);
    own.map(|row| {
        let fields = json!({
            "id": row.id.0, "type": row.kind.as_str(), "data": row.data, "readAt": optional(row.read_at),
            "createdAt": told(row.created_at),
        });
        record(row.id.0, row.created_at, fields)
    })
    .collect()
}

fn files(state: &State, me: UserId) -> Vec<OwnRecord> {
    let is_told = |file: &&StoredFile| file.owner == me || file.participants.is_some_and(|both| both.employee == me);
    let told_of = state.files.rows().filter(is_told);
    told_of
        .map(|file| {
            let fields = json!({
                "id": file.id.0, "fileName": file.name.as_str(), "contentType": file.media.as_str(), "size": file.size,
                "sha256": hex(file.sha256), "fileType": file.kind.as_str(),
                "relatedResource": file.related.map(|related| related.resource.as_str()),
                "relatedId": file.related.map(|related| related.id), "createdAt": told(file.created_at),
                "sentByMe": file.owner == me,
            });
            record(file.id.0, file.created_at, fields)
        })
        .collect()
}

fn employment(state: &State, me: UserId) -> Vec<OwnRecord> {
    let employee = state.employees.rows().find(|row| row.user == me).map(|row| row.id);
    let own = state.employment_periods.entries().filter(|((id, _), _)| Some(*id) == employee);
    own.map(|((id, _), period)| {
        let fields = json!({
            "department": period.department, "from": period.from.to_string(),
            "until": period.until.as_ref().map(ToString::to_string),
        });
        record(id.0, begins(period.from), fields)
    })
    .collect()
}

fn events(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.consultation_events.rows();
    own.filter(|row| row.employee_user == me || row.practitioner_user == me)
        .map(|row| {
            let event = &row.event;
            let fields = json!({
                "id": event.id, "consultationId": row.consultation.0, "type": event.kind.as_str(),
                "at": told(event.at), "byMe": event.actor == Some(me), "previousStart": optional(event.previous_start),
            });
            record(event.id, event.at, fields)
        })
        .collect()
}

fn activity(state: &State, me: UserId) -> Vec<OwnRecord> {
    let employee = state.employees.rows().find(|row| row.user == me).map(|row| row.id);
    let practitioner = state.practitioners.rows().find(|row| row.user == me).map(|row| row.id);
    let day = |id: Uuid, day: Date, count: u64, seconds: u64| {
        let fields = json!({ "day": day.to_string(), "consultations": count, "totalDurationSeconds": seconds });
        record(id, begins(day), fields)
    };
    let used = state.employee_days.entries().filter(|((id, _), _)| Some(*id) == employee);
    let used = used.map(|((id, at), row)| day(id.0, *at, row.consult_count.into(), row.total_duration_seconds));
    let worked = state.practitioner_days.entries().filter(|((id, _), _)| Some(*id) == practitioner);
    let worked = worked.map(|((id, at), row)| day(id.0, *at, row.consultations, row.total_duration_seconds));
    used.chain(worked).collect()
}

fn named_usage(state: &State, me: UserId) -> Vec<OwnRecord> {
    let people = state.releases.rows().flat_map(|release| {
        release.people.iter().filter(move |one| one.user == me).map(|one| (release.month.first(), one))
    });
    people
        .map(|(month, one)| {
            let fields = json!({
                "month": month.to_string(), "department": one.department,
                "consultations": one.totals.consultations, "totalDurationSeconds": one.totals.seconds,
            });
            record(one.employee, begins(month), fields)
        })
        .collect()
}

fn statements(state: &State, me: UserId) -> Vec<OwnRecord> {
    let own = state.practitioner_statements.rows().filter(|row| row.user == me);
    own.map(|row| {
        let month = row.month.first();
        let fields = json!({
            "month": month.to_string(), "closedAt": told(row.closed_at),
            "content": String::from_utf8_lossy(&row.bytes),
        });
        record(row.practitioner, begins(month), fields)
    })
    .collect()
}
