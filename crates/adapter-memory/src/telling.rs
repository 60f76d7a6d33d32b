//! Telling participants and employees: a line in the inbox and a letter, written by the store itself,
//! since nobody may write to another's inbox.
use huntzen_booking::{consultation::EventType, ids::ConsultationId, reminders::DueReminder};
use huntzen_tenancy::{
    StoreError,
    company::HrReporting,
    content,
    employee::{Employee, EmployeeStatus},
    ids::{CompanyId, NotificationId, UserId},
    notifications::{Notification, NotificationType},
    outbox::{Arguments, Letter, OutboxMessage},
    words::Words,
};
use jiff::{Timestamp, civil::Date};
use serde_json::json;

use crate::{
    refusal::defect,
    state::{ConsultationRow, EventRow, State},
};

/// What a participant is told.
#[derive(Clone, Copy)]
struct News {
    consultation: ConsultationId,
    kind: NotificationType,
    letter: Letter,
    starts_at: Timestamp,
    at: Timestamp,
}

/// Tells those whom an event concerns; most concern nobody.
pub(crate) fn event(state: &mut State, row: &EventRow) -> Result<(), StoreError> {
    let (kind, letter, to_practitioner) = match row.event.kind {
        EventType::Scheduled => (NotificationType::ConsultationScheduled, Letter::ConsultationScheduled, true),
        EventType::Confirmed => (NotificationType::ConsultationConfirmed, Letter::ConsultationConfirmed, true),
        EventType::Cancelled => (NotificationType::ConsultationCancelled, Letter::ConsultationCancelled, true),
        EventType::Rescheduled => (NotificationType::ConsultationRescheduled, Letter::ConsultationRescheduled, true),
        EventType::Ended => (NotificationType::ConsultationCompleted, Letter::ConsultationFollowUp, false),
        EventType::Started | EventType::NoShow | EventType::RoomJoined | EventType::RoomTokenIssued => return Ok(()),
    };
    let about = about(state, row.consultation)?;
    let starts_at = about.consultation.scheduled_at;
    let news = News { consultation: row.consultation, kind, letter, starts_at, at: row.event.at };
    tell(state, &about, row.employee_user, news)?;
    if to_practitioner { tell(state, &about, row.practitioner_user, news) } else { Ok(()) }
}

/// Reminds both participants.
pub(crate) fn reminder(state: &mut State, reminder: &DueReminder, at: Timestamp) -> Result<(), StoreError> {
    let about = about(state, reminder.consultation)?;
    let news = News {
        consultation: reminder.consultation,
        kind: NotificationType::ConsultationReminder,
        letter: Letter::ConsultationReminder,
        starts_at: reminder.starts_at,
        at,
    };
    tell(state, &about, about.employee_user, news)?;
    tell(state, &about, about.consultation.practitioner_user, news)
}

/// Tells one employee how the company's usage will be reported.
pub(crate) fn reporting_changed(
    state: &mut State,
    user: UserId,
    (from, mode): (Date, HrReporting),
    at: Timestamp,
) -> Result<(), StoreError> {
    let told_of = json!({ "mode": mode.as_str(), "from": from.to_string() });
    let notification = Notification {
        id: NotificationId(state.uuid_v7(at)),
        user,
        kind: NotificationType::ReportingChanged,
        data: told_of.clone(),
        read_at: None,
        created_at: at,
    };
    state.add_notification(notification)?;
    let message = OutboxMessage {
        id: state.uuid_v7(at),
        recipient: user,
        letter: Letter::ReportingChanged,
        arguments: Arguments::About(told_of),
        created_at: at,
    };
    state.add_letter(message)
}

/// Tells whoever is listed in a company that is reported by name, or about to be.
pub(crate) fn tell_whoever_is_listed(
    state: &mut State,
    (user, company): (UserId, CompanyId),
    at: Timestamp,
) -> Result<(), StoreError> {
    let planned = state.companies.get(&company).and_then(|company| company.reporting.modes().last());
    match planned.filter(|(_, mode)| *mode == HrReporting::Named) {
        Some(planned) => reporting_changed(state, user, planned, at),
        None => Ok(()),
    }
}

/// Whether news of this company are meant for this employee today.
pub(crate) fn is_meant_for(news: &content::News, employee: &Employee) -> bool {
    let is_named = || employee.department.as_ref().is_some_and(|own| news.target_departments.contains(own));
    news.company == employee.company
        && employee.status == EmployeeStatus::Eligible
        && (news.target_departments.is_empty() || is_named())
}

/// Tells everybody whom news are meant for.
pub(crate) fn news(state: &mut State, news: &content::News) -> Result<(), StoreError> {
    let readers: Vec<UserId> =
        state.employees.rows().filter(|employee| is_meant_for(news, employee)).map(|employee| employee.user).collect();
    for user in readers {
        let notification = Notification {
            id: NotificationId(state.uuid_v7(news.published_at)),
            user,
            kind: NotificationType::NewsPublished,
            data: json!({ "newsId": news.id }),
            read_at: None,
            created_at: news.published_at,
        };
        state.add_notification(notification)?;
    }
    Ok(())
}

fn about(state: &State, id: ConsultationId) -> Result<ConsultationRow, StoreError> {
    let row = state.consultations.get(&id);
    row.cloned().ok_or_else(|| defect("news of a consultation that does not exist"))
}

fn tell(state: &mut State, about: &ConsultationRow, recipient: UserId, news: News) -> Result<(), StoreError> {
    let News { consultation, kind, letter, starts_at, at } = news;
    let scheduled_at = starts_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let notification = Notification {
        id: NotificationId(state.uuid_v7(at)),
        user: recipient,
        kind,
        data: json!({ "consultationId": consultation, "scheduledAt": scheduled_at }),
        read_at: None,
        created_at: at,
    };
    state.add_notification(notification)?;
    let timezone = zone(state, about, recipient);
    let message = OutboxMessage {
        id: state.uuid_v7(at),
        recipient,
        letter,
        arguments: Arguments::About(
            json!({ "consultationId": consultation, "scheduledAt": scheduled_at, "timezone": timezone }),
        ),
        created_at: at,
    };
    state.add_letter(message)
}

/// The zone in which a participant reads times: the practitioner's own, or the company's.
fn zone(state: &State, about: &ConsultationRow, recipient: UserId) -> Option<String> {
    let consultation = &about.consultation;
    if recipient == consultation.practitioner_user {
        state.practitioners.get(&consultation.practitioner).map(|practitioner| practitioner.timezone.clone())
    } else {
        state.companies.get(&consultation.company).map(|company| company.timezone.clone())
    }
}
