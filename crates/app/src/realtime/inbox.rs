//! `/notifications/live`: what is new in one's inbox, and what was read on another device.
use std::{rc::Rc, sync::Arc};

use huntzen_tenancy::{
    ids::{NotificationId, UserId},
    live::{News, Signal, Topic},
    notifications::{Notification, NotificationType},
    words,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ClientEvent, Closing, Connected, Delivery, Protocol, Reply, SocketHandle, frame};
use crate::http::{Problem, language::Language, notifications::NotificationBody};

words! {
    /// Nothing: clients only listen.
    InboxAsked {}
}

words! {
    /// What an inbox tells.
    InboxTold {
        /// Something new is in it.
        New = "notification:new",
        /// Something in it was read, or everything.
        Read = "notification:read",
    }
}

/// A socket for notifications.
pub struct InboxSocket(SocketHandle);

impl InboxSocket {
    /// Listens to the inbox of whoever opened the socket.
    #[expect(clippy::needless_pass_by_value, reason = "every protocol is made of what its socket is given")]
    pub fn new(connected: Connected) -> Self {
        let socket = connected.socket.clone();
        connected.hub().subscribe(Topic::Inbox(socket.user()), &socket);
        Self(socket)
    }
}

impl Protocol for InboxSocket {
    type Asked = InboxAsked;
    type Told = InboxTold;

    async fn receive(self: Rc<Self>, asked: InboxAsked, _event: ClientEvent) -> Result<Reply, Problem> {
        match asked {}
    }

    async fn deliver(self: Rc<Self>, signal: Arc<Signal>) -> Result<Delivery, Closing> {
        let told = told_in(self.0.language(), &signal.text).map_err(|problem| {
            tracing::error!(causes = problem.causes(), "a signal to an inbox could not be read");
            Closing::Defect
        })?;
        Ok(Delivery::Instead(vec![told]))
    }

    async fn closed(self: Rc<Self>) {}
}

/// What travels between nodes: without texts, which each socket has in its own language.
#[derive(Serialize, Deserialize)]
enum InboxSignal {
    New { notification: Untold, unread_count: u64 },
    Read(ReadData),
}

/// A notification before it has texts.
#[derive(Serialize, Deserialize)]
struct Untold {
    id: NotificationId,
    user: UserId,
    kind: NotificationType,
    data: Value,
    read_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<Notification> for Untold {
    fn from(notification: Notification) -> Self {
        let Notification { id, user, kind, data, read_at, created_at } = notification;
        Self { id, user, kind, data, read_at, created_at }
    }
}

impl From<Untold> for Notification {
    fn from(untold: Untold) -> Self {
        let Untold { id, user, kind, data, read_at, created_at } = untold;
        Self { id, user, kind, data, read_at, created_at }
    }
}

/// `notification:new`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewData {
    notification: NotificationBody,
    unread_count: u64,
}

/// `notification:read`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadData {
    /// The one that was read; null when all were.
    id: Option<NotificationId>,
    read_at: Timestamp,
    unread_count: u64,
}

/// Tells a person's sockets of a new notification.
///
/// # Errors
/// `internal` when it has no JSON.
pub fn news(news: News) -> Result<Signal, Problem> {
    let topic = Topic::Inbox(news.notification.user);
    signal(topic, &InboxSignal::New { notification: news.notification.into(), unread_count: news.unread })
}

/// Tells a person's sockets that a notification was read, or all of them (`None`), at `read_at`.
///
/// # Errors
/// `internal` when it has no JSON.
pub fn read(
    user: UserId,
    id: Option<NotificationId>,
    read_at: Timestamp,
    unread_count: u64,
) -> Result<Signal, Problem> {
    signal(Topic::Inbox(user), &InboxSignal::Read(ReadData { id, read_at, unread_count }))
}

fn signal(topic: Topic, signal: &InboxSignal) -> Result<Signal, Problem> {
    Ok(Signal::new(topic, serde_json::to_string(signal).map_err(Problem::internal)?))
}

/// The frame of a signal for a reader of `language`.
fn told_in(language: Language, text: &str) -> Result<Arc<str>, Problem> {
    match serde_json::from_str(text).map_err(Problem::internal)? {
        InboxSignal::New { notification, unread_count } => {
            let notification = NotificationBody::present(notification.into(), language);
            frame(InboxTold::New, &NewData { notification, unread_count })
        }
        InboxSignal::Read(data) => frame(InboxTold::Read, &data),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_socket_is_told_in_its_own_language() {
        let notification = Notification {
            id: NotificationId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            kind: NotificationType::MessageReceived,
            data: json!({ "consultationId": "x" }),
            read_at: None,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let signal = news(News { notification, unread: 3 }).unwrap();
        assert_eq!(signal.topic, Topic::Inbox(UserId(Uuid::from_u128(2))));
        for (language, title) in [(Language::French, "Nouveau message"), (Language::English, "New message")] {
            let frame: Value = serde_json::from_str(&told_in(language, &signal.text).unwrap()).unwrap();
            assert_eq!(frame["event"], "notification:new");
            assert_eq!(frame["data"]["unreadCount"], 3);
            assert_eq!(frame["data"]["notification"]["title"], title);
            assert_eq!(frame["data"]["notification"]["type"], "MESSAGE_RECEIVED");
            assert_eq!(frame["data"]["notification"]["createdAt"], "1970-01-01T00:00:00Z");
            assert!(frame["data"]["notification"].get("user").is_none());
        }
    }

    #[test]
    fn reading_is_told() {
        let signal = read(UserId(Uuid::nil()), None, Timestamp::UNIX_EPOCH, 0).unwrap();
        assert_eq!(
            &*told_in(Language::French, &signal.text).unwrap(),
            r#"{"event":"notification:read","data":{"id":null,"readAt":"1970-01-01T00:00:00Z","unreadCount":0}}"#
        );
    }
}
