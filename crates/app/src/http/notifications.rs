//! The in-app inbox over HTTP; titles and bodies are written when they are read.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    Slice,
    ids::NotificationId,
    notifications::{Notification, NotificationFilter, NotificationType},
    policy::Permission,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    CursorMark, Json, Limit, NoContent, Operations, Path, Problem, Query, Signed, language::Language,
    openapi::words_schema,
};
use crate::{realtime::inbox, state::App};

/// Which notifications are asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// Only unread ones (`true`) or only read ones (`false`).
    unread: Option<bool>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(rename = "type", schema_with = words_schema::<NotificationType>)]
    kind: Option<NotificationType>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    #[param(inline)]
    cursor: Option<CursorMark>,
}

/// A notification.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationBody {
    id: Uuid,
    #[serde(rename = "type")]
    #[schema(schema_with = words_schema::<NotificationType>)]
    kind: NotificationType,
    /// In the request's language.
    #[schema(max_length = 100)]
    title: &'static str,
    /// In the request's language.
    #[schema(max_length = 300)]
    body: &'static str,
    /// Ids and instants that a client may lead to.
    #[schema(value_type = Object)]
    data: Value,
    is_read: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl NotificationBody {
    /// The notification with its texts in `language`.
    pub(crate) fn present(notification: Notification, language: Language) -> Self {
        let (title, body) = texts(notification.kind, language);
        Self {
            id: notification.id.into(),
            kind: notification.kind,
            title,
            body,
            data: notification.data,
            is_read: notification.read_at.is_some(),
            read_at: notification.read_at,
            created_at: notification.created_at,
        }
    }
}

/// A part of the inbox, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InboxBody {
    #[schema(max_items = 100)]
    items: Vec<NotificationBody>,
    /// What to send as `cursor` to go on; null at the end.
    #[schema(max_length = 32)]
    next_cursor: Option<String>,
    /// How many of the whole inbox are unread.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    unread_count: u64,
}

/// What reading everything did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReadAllBody {
    /// How many were unread before.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    updated: u64,
}

/// Title and body. They may be read over somebody's shoulder: no name, and nothing that tells
/// what the appointments are about.
const fn texts(kind: NotificationType, language: Language) -> (&'static str, &'static str) {
    let (french, english) = match kind {
        NotificationType::ConsultationScheduled => (
            ("Nouveau rendez-vous", "Un rendez-vous a été pris. Vous le trouverez dans votre agenda."),
            ("New appointment", "An appointment was made. You will find it in your schedule."),
        ),
        NotificationType::ConsultationConfirmed => (
            ("Rendez-vous confirmé", "Votre rendez-vous est confirmé."),
            ("Appointment confirmed", "Your appointment is confirmed."),
        ),
        NotificationType::ConsultationCancelled => (
            ("Rendez-vous annulé", "Un de vos rendez-vous a été annulé."),
            ("Appointment cancelled", "One of your appointments was cancelled."),
        ),
        NotificationType::ConsultationRescheduled => (
            ("Rendez-vous déplacé", "Un de vos rendez-vous a changé d'horaire."),
            ("Appointment moved", "One of your appointments was moved to another time."),
        ),
        NotificationType::ConsultationReminder => (
            ("Rappel de rendez-vous", "Un de vos rendez-vous approche."),
            ("Appointment reminder", "One of your appointments is near."),
        ),
        NotificationType::ConsultationCompleted => (
            ("Rendez-vous terminé", "Votre rendez-vous est terminé."),
            ("Appointment over", "Your appointment is over."),
        ),
        NotificationType::MessageReceived => {
            (("Nouveau message", "Un message vous attend."), ("New message", "A message is waiting for you."))
        }
        NotificationType::CallMissed => {
            (("Appel manqué", "Vous avez manqué un appel."), ("Missed call", "You have missed a call."))
        }
        NotificationType::NewsPublished => (
            ("Actualité de votre entreprise", "Votre entreprise a publié une actualité."),
            ("News from your company", "Your company has published news."),
        ),
        NotificationType::AccountSecurity => (
            ("Sécurité de votre compte", "La sécurité de votre compte a changé. Vérifiez que cela vient de vous."),
            ("Security of your account", "The security of your account has changed. Check that it was you."),
        ),
        NotificationType::DeletionRequested => (
            ("Suppression demandée", "La suppression de votre compte a été demandée. Vous pouvez encore l'annuler."),
            ("Deletion requested", "The deletion of your account was requested. You can still cancel it."),
        ),
        NotificationType::ReportingChanged => (
            ("Rapports à votre entreprise", "Ce que votre entreprise voit de l'usage du service va changer."),
            ("Reports to your company", "What your company sees of the use of the service is about to change."),
        ),
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

/// Lists one's own notifications, newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications", params(InboxQuery),
    responses((status = 200, body = InboxBody)))]
async fn list_notifications(
    app: App,
    signed: Signed,
    Query(query): Query<InboxQuery>,
) -> Result<impl Responder, Problem> {
    let InboxQuery { unread, kind, limit, cursor } = query;
    let filter = NotificationFilter { unread, kind };
    let cursor = cursor.map(|mark| mark.0);
    let (slice, unread_count) = app.run(move |s| s.inbox.list(&signed.caller, filter, cursor, limit.0)).await?;
    let language = app.context().0.language;
    let Slice { items, next } = slice;
    Ok(Json(InboxBody {
        items: items.into_iter().map(|one| NotificationBody::present(one, language)).collect(),
        next_cursor: next.map(|next| CursorMark(next).encode()),
        unread_count,
    }))
}

/// Marks all of one's own notifications as read.
#[utoipa::path(put, path = "/notifications/read-all", tag = "notifications",
    responses((status = 200, body = ReadAllBody)))]
async fn read_all_notifications(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let user = signed.caller.actor.user;
    let (updated, read_at) = app.run(move |s| s.inbox.read_all(&signed.caller)).await?;
    if updated > 0 {
        app.hub().publish(inbox::read(user, None, read_at, 0)?);
    }
    Ok(Json(ReadAllBody { updated }))
}

/// Marks one of one's own notifications as read.
#[utoipa::path(put, path = "/notifications/{id}/read", tag = "notifications", params(("id" = Uuid, Path)),
    responses((status = 200, body = NotificationBody)))]
async fn read_notification(
    app: App,
    signed: Signed,
    Path(id): Path<NotificationId>,
) -> Result<impl Responder, Problem> {
    let (notification, unread) = app.run(move |s| s.inbox.read(&signed.caller, id)).await?;
    if let Some(read_at) = notification.read_at {
        app.hub().publish(inbox::read(notification.user, Some(id), read_at, unread)?);
    }
    Ok(Json(NotificationBody::present(notification, app.context().0.language)))
}

/// Deletes one of one's own notifications.
#[utoipa::path(delete, path = "/notifications/{id}", tag = "notifications", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_notification(
    app: App,
    signed: Signed,
    Path(id): Path<NotificationId>,
) -> Result<impl Responder, Problem> {
    app.run(move |s| s.inbox.delete(&signed.caller, id)).await?;
    Ok(NoContent)
}

#[derive(OpenApi)]
#[openapi(paths(list_notifications, read_all_notifications, read_notification, delete_notification))]
struct Document;

/// Adds the operations on the inbox.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::NotificationsOwn;
    ops.route(Method::GET, "/notifications", own, list_notifications);
    ops.route(Method::PUT, "/notifications/read-all", own, read_all_notifications).or_post();
    ops.route(Method::PUT, "/notifications/{id}/read", own, read_notification).or_post();
    ops.route(Method::DELETE, "/notifications/{id}", own, delete_notification);
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::words::Words;

    use super::*;

    #[test]
    fn every_type_has_texts_of_its_own_in_both_languages() {
        let mut titles = std::collections::HashSet::new();
        for kind in NotificationType::ALL {
            let [french, english] = [Language::French, Language::English].map(|language| texts(*kind, language));
            assert!(titles.insert(french.0) && titles.insert(english.0), "{kind}");
            assert_ne!(french.1, english.1, "{kind}");
        }
    }

    #[test]
    fn no_text_tells_what_the_appointments_are_about() {
        for kind in NotificationType::ALL {
            for language in [Language::French, Language::English] {
                let (title, body) = texts(*kind, language);
                let text = format!("{title} {body}").to_lowercase();
                for word in
                    ["psy", "sant", "health", "consult", "thérap", "therap", "coach", "praticien", "practitioner"]
                {
                    assert!(!text.contains(word), "{kind}: {word}");
                }
            }
        }
    }
}
