//! A handle on one open socket: what may be done to it from any thread.
use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;
use huntzen_tenancy::{
    Actor, Caller,
    ids::{SessionId, UserId},
    live::Signal,
};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::Closing;
use crate::http::language::Language;

/// Items that wait for a slow reader; one more closes the socket.
pub const QUEUE: usize = 256;

/// Something that waits to be sent.
#[derive(Debug)]
pub(super) enum Item {
    /// A frame.
    Text(Arc<str>),
    /// A signal that the protocol has yet to look at.
    Signal(Arc<Signal>),
    /// The answer to a ping.
    Pong(Bytes),
}

/// One open socket.
#[derive(Clone, Debug)]
pub struct SocketHandle(Arc<Line>);

#[derive(Debug)]
struct Line {
    id: Uuid,
    caller: Caller,
    session: SessionId,
    language: Language,
    queue: mpsc::Sender<Item>,
    closing: OnceLock<Closing>,
    closes: Notify,
}

impl SocketHandle {
    /// A handle on the socket with this id, and the other end of its queue.
    pub(super) fn new(
        id: Uuid,
        caller: Caller,
        session: SessionId,
        language: Language,
    ) -> (Self, mpsc::Receiver<Item>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (closing, closes) = (OnceLock::new(), Notify::new());
        (Self(Arc::new(Line { id, caller, session, language, queue, closing, closes })), waiting)
    }

    /// The socket's id, of no meaning outside this node's life.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// Who speaks, and from where: what use cases take.
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// Who speaks.
    pub fn actor(&self) -> &Actor {
        &self.0.caller.actor
    }

    /// The account.
    pub fn user(&self) -> UserId {
        self.0.caller.actor.user
    }

    /// The session through which it was opened.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// The language of the upgrade request, for texts that people read.
    pub fn language(&self) -> Language {
        self.0.language
    }

    /// Sends a frame, after what waits. A socket whose queue is full is closed with 1013.
    pub fn send(&self, frame: impl Into<Arc<str>>) {
        self.put(Item::Text(frame.into()));
    }

    /// Closes the socket. The first reason counts.
    pub fn close(&self, closing: Closing) {
        if self.0.closing.set(closing).is_ok() {
            self.0.closes.notify_waiters();
        }
    }

    /// Whether there is a reason to close.
    pub(super) fn is_closing(&self) -> bool {
        self.0.closing.get().is_some()
    }

    pub(super) fn put(&self, item: Item) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.queue.try_send(item) {
            self.close(Closing::TooSlow);
        }
    }

    /// Why the socket closes, once it does.
    pub(super) async fn closing(&self) -> Closing {
        loop {
            // Made before the look, so that no reason is missed in between.
            let told = self.0.closes.notified();
            if let Some(closing) = self.0.closing.get() {
                return *closing;
            }
            told.await;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::{Origin, policy::Role};

    use super::*;

    /// A socket of the user and the session with these numbers.
    pub(in crate::realtime) fn socket(id: u128, user: u128, session: u128) -> (SocketHandle, mpsc::Receiver<Item>) {
        let session = SessionId(Uuid::from_u128(session));
        let actor = Actor {
            user: UserId(Uuid::from_u128(user)),
            role: Role::Practitioner,
            company: None,
            session: Some(session),
        };
        let caller = Caller { actor, origin: Origin::default() };
        SocketHandle::new(Uuid::from_u128(id), caller, session, Language::French)
    }

    #[actix_web::test]
    async fn a_full_queue_closes_the_socket_and_the_first_reason_stays() {
        let (socket, mut waiting) = socket(1, 1, 1);
        (0..QUEUE).for_each(|number| socket.send(number.to_string()));
        assert_eq!(socket.0.closing.get(), None);
        socket.send("one too many");
        socket.close(Closing::SignedOut);
        assert_eq!(socket.closing().await, Closing::TooSlow);
        let Item::Text(first) = waiting.try_recv().unwrap() else { panic!("no text") };
        assert_eq!(&*first, "0");
    }
}
