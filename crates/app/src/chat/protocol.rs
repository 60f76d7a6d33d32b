//! `/chat`: joining conversations, saying something, typing, reading.
use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::rt::time::sleep;
use huntzen_clinical::{
    conversation::{MOST, MessageRange, NewMessage},
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    live::{Signal, Topic},
    sealing::SecretText,
    words,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use validator::Validate;

use super::{
    bodies::{ChatTold, MessageBody, MessageCursor, presence, read_updated, received, room, typing},
    room::{Before, Place, Rooms, Step},
};
use crate::{
    http::{Code, Problem},
    realtime::{ClientEvent, Closing, Connected, Delivery, Protocol, Reply, frame},
    services::Services,
};

/// Typing may be told this often in this time; what comes more often is dropped.
const TYPING: (usize, Duration) = (2, Duration::from_secs(1));

/// How long one waits from try to try for one's turn to read what one misses.
const PAUSES_IN_MILLIS: [u64; 5] = [100, 200, 400, 800, 1_600];

words! {
    /// What a client says on `/chat`.
    ChatAsked {
        /// It goes into a conversation, or asks for more of it.
        Join = "chat:join",
        /// It goes.
        Leave = "chat:leave",
        /// It says something.
        Message = "chat:message",
        /// Its user types, or stops.
        Typing = "chat:typing",
        /// Its user has read.
        Read = "chat:read",
    }
}

/// The last place that JSON numbers tell apart (RFC 8259 §6).
const LAST_SEQ: u64 = 9_007_199_254_740_991;

/// One client's `/chat`.
pub struct ChatSocket {
    connected: Connected,
    rooms: RefCell<Rooms>,
    typed: RefCell<HashMap<ConsultationId, Vec<Instant>>>,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Join {
    consultation_id: ConsultationId,
    #[serde(default)]
    #[validate(range(max = LAST_SEQ))]
    after_seq: Option<u64>,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Leave {
    consultation_id: ConsultationId,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Say {
    consultation_id: ConsultationId,
    content: String,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Type {
    consultation_id: ConsultationId,
    is_typing: bool,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Read {
    consultation_id: ConsultationId,
    #[serde(default)]
    #[validate(range(max = LAST_SEQ))]
    up_to_seq: Option<u64>,
    #[serde(default)]
    message_id: Option<MessageId>,
}

/// The acknowledgement of `chat:join`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Joined {
    consultation_id: Uuid,
    /// Whether the other participant has a device in the conversation.
    other_is_online: bool,
}

/// `chat:history`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    consultation_id: Uuid,
    messages: Vec<MessageBody>,
    next_cursor: Option<String>,
}

/// The acknowledgement of `chat:message`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id: Uuid,
    seq: u64,
    created_at: Timestamp,
}

/// The acknowledgement of `chat:read`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MarkedRead {
    consultation_id: Uuid,
    up_to_seq: u64,
}

impl ChatSocket {
    /// The protocol on a socket that has just opened.
    pub fn new(connected: Connected) -> Self {
        Self { connected, rooms: RefCell::default(), typed: RefCell::default() }
    }

    /// Nothing that is said from now on is lost: the topic is joined before the history is read, and
    /// what it brings meanwhile is held back until the client has the history. Whoever has missed more
    /// than one part of it gets the rest as messages, without asking.
    async fn join(&self, Join { consultation_id, after_seq }: Join) -> Result<Reply, Problem> {
        let socket = &self.connected.socket;
        let (joining, before) = self.rooms.borrow_mut().join(consultation_id);
        self.connected.hub().subscribe(room(consultation_id), socket);
        let caller = socket.caller().clone();
        let range = after_seq.map_or(MessageRange::Last, MessageRange::After);
        let history = self.connected.run(move |s| s.conversations.history(&caller, consultation_id, range, MOST)).await;
        let history = match history {
            Ok(history) => history,
            Err(problem) => {
                self.not_joined(consultation_id, before, problem.code());
                return Err(problem);
            }
        };
        self.rooms.borrow_mut().admit(consultation_id);
        let is_there = self.connected.hub().arrive(consultation_id.into(), socket);
        let other = history.care.other_than(socket.user());
        let other_is_online = self.connected.hub().has(consultation_id.into(), other);
        let place = Place { after: history.reached, joining };
        let is_behind = after_seq.is_some() && history.next.is_some();
        if is_behind {
            self.rooms.borrow_mut().goes_on(consultation_id, place);
        }
        let older = history.next.filter(|_| after_seq.is_none());
        let body = History {
            consultation_id: consultation_id.into(),
            messages: history.messages.into_iter().map(MessageBody::from).collect(),
            next_cursor: older.and_then(|next| MessageCursor(next).encode()),
        };
        if before.is_none() && is_there {
            let told = presence(consultation_id, socket.user(), true)?;
            self.connected.hub().publish(Signal { except: Some(socket.id()), ..told });
        }
        let reply = Reply::new(Joined { consultation_id: consultation_id.into(), other_is_online })?;
        Ok(reply.then(frame(ChatTold::History, &body)?).then_signal(self.caught_up(consultation_id, place)))
    }

    /// Undoes a joining that failed: whoever was in the conversation before stays in it, unless they
    /// have no part in it any more.
    fn not_joined(&self, consultation: ConsultationId, before: Option<Before>, why: Code) {
        let is_barred = matches!(why, Code::NotFound | Code::Forbidden);
        match before {
            Some(before) if !is_barred => {
                let place = self.rooms.borrow_mut().restore(consultation, before);
                if let Some(place) = place {
                    self.connected.hub().publish(self.caught_up(consultation, place));
                }
            }
            Some(_) | None => self.leave_one(consultation),
        }
    }

    /// A note to oneself, behind the history in the socket's own queue.
    fn caught_up(&self, consultation: ConsultationId, place: Place) -> Signal {
        let text = format!("{consultation} {}", place.joining);
        Signal { seq: Some(place.after), ..Signal::new(Topic::Socket(self.connected.socket.id()), text) }
    }

    fn leave(&self, Leave { consultation_id }: &Leave) -> Reply {
        self.leave_one(*consultation_id);
        Reply::done()
    }

    /// The room is told that this person went, unless another device of theirs is in it.
    fn leave_one(&self, consultation: ConsultationId) {
        if self.rooms.borrow_mut().leave(consultation) {
            self.connected.hub().unsubscribe(room(consultation), &self.connected.socket);
        }
    }

    async fn say(&self, Say { consultation_id, content }: Say, client_id: Option<String>) -> Result<Reply, Problem> {
        let message = NewMessage {
            caller: self.connected.socket.caller().clone(),
            consultation: consultation_id,
            client_id,
            content: SecretText::new(content),
            once: None,
        };
        let written = self.connected.messages().write(message).await?;
        Reply::new(Said { id: written.id.into(), seq: written.seq, created_at: written.created_at })
    }

    fn type_in(&self, Type { consultation_id, is_typing }: &Type) -> Result<Reply, Problem> {
        if !self.rooms.borrow().hears(*consultation_id) {
            return Err(Problem::new(Code::NotFound));
        }
        if self.may_type(*consultation_id) {
            let socket = &self.connected.socket;
            let told = typing(*consultation_id, socket.user(), is_typing.to_owned())?;
            self.connected.hub().publish(Signal { except: Some(socket.id()), ..told });
        }
        Ok(Reply::done())
    }

    fn may_type(&self, consultation: ConsultationId) -> bool {
        let (most, within) = TYPING;
        let now = Instant::now();
        let mut typed = self.typed.borrow_mut();
        let times = typed.entry(consultation).or_default();
        times.retain(|time| now.saturating_duration_since(*time) < within);
        let may = times.len() < most;
        if may {
            times.push(now);
        }
        may
    }

    async fn read(&self, read: Read, event: &ClientEvent) -> Result<Reply, Problem> {
        let caller = self.connected.socket.caller().clone();
        let consultation = read.consultation_id;
        let mark = match (read.up_to_seq, read.message_id) {
            (Some(up_to), None) => {
                self.connected.run(move |s| s.conversations.read_up_to(&caller, consultation, up_to)).await?
            }
            (None, Some(id)) => {
                let read = move |s: &Services| s.conversations.read_message(&caller, id, Some(consultation));
                self.connected.run(read).await?.1
            }
            (Some(_), Some(_)) | (None, None) => return Err(event.invalid()),
        };
        if let Some(told) = read_updated(&mark)? {
            self.connected.hub().publish(told);
        }
        Reply::new(MarkedRead { consultation_id: mark.consultation.into(), up_to_seq: mark.up_to })
    }

    /// Reads what the client misses from `place` on, a part; a note to oneself asks for the next one.
    async fn fill(&self, consultation: ConsultationId, place: Place) -> Result<Delivery, Closing> {
        let caller = self.connected.socket.caller().clone();
        let range = MessageRange::After(place.after);
        let mut pauses = PAUSES_IN_MILLIS.into_iter().map(Duration::from_millis);
        let read = loop {
            let caller = caller.clone();
            let read = self.connected.run(move |s| s.conversations.history(&caller, consultation, range, MOST)).await;
            match (read, pauses.next()) {
                // Many may miss something at once, and there is room for some of them at a time.
                (Err(problem), Some(pause)) if problem.code() == Code::Overloaded => sleep(pause).await,
                (read, _) => break read,
            }
        };
        let history = read.map_err(|problem| {
            if matches!(problem.code(), Code::NotFound | Code::Forbidden) {
                return Closing::Barred;
            }
            // The client comes back and resumes: a hole would be worse.
            tracing::warn!(causes = problem.causes(), "messages that were missing could not be read");
            Closing::Defect
        })?;
        let last = history.messages.last().map_or(place.after, |last| last.seq);
        if !self.rooms.borrow_mut().filled(consultation, place, last) {
            return Ok(Delivery::Nothing);
        }
        if history.next.is_some() {
            let place = Place { after: last, ..place };
            self.rooms.borrow_mut().goes_on(consultation, place);
            self.connected.hub().publish(self.caught_up(consultation, place));
        }
        let frames = history.messages.iter().map(received).collect::<Result<Vec<_>, _>>();
        frames.map(Delivery::Instead).map_err(|_problem| Closing::Defect)
    }

    /// What to do about a message that the hub brings, or only tells of.
    fn step(&self, consultation: ConsultationId, seq: u64, is_brought: bool) -> Step {
        let mut rooms = self.rooms.borrow_mut();
        if is_brought { rooms.brought(consultation, seq) } else { rooms.known(consultation, seq) }
    }

    async fn take(&self, consultation: ConsultationId, step: Step) -> Result<Delivery, Closing> {
        match step {
            Step::Skip => Ok(Delivery::Nothing),
            Step::Send => Ok(Delivery::AsItIs),
            Step::Fill(place) => self.fill(consultation, place).await,
        }
    }
}

impl Protocol for ChatSocket {
    type Asked = ChatAsked;
    type Told = ChatTold;

    async fn receive(self: Rc<Self>, asked: ChatAsked, event: ClientEvent) -> Result<Reply, Problem> {
        match asked {
            ChatAsked::Join => self.join(event.data()?).await,
            ChatAsked::Leave => Ok(self.leave(&event.data()?)),
            ChatAsked::Message => self.say(event.data()?, event.id.clone()).await,
            ChatAsked::Typing => self.type_in(&event.data()?),
            ChatAsked::Read => self.read(event.data()?, &event).await,
        }
    }

    async fn deliver(self: Rc<Self>, signal: Arc<Signal>) -> Result<Delivery, Closing> {
        match (signal.topic, signal.seq) {
            (Topic::Room(consultation), Some(seq)) => {
                let step = self.step(consultation.into(), seq, !signal.text.is_empty());
                self.take(consultation.into(), step).await
            }
            (Topic::Room(consultation), None) if self.rooms.borrow().hears(consultation.into()) => Ok(Delivery::AsItIs),
            (Topic::Socket(_), Some(after)) => {
                let Some((consultation, joining)) = note(&signal.text) else { return Ok(Delivery::Nothing) };
                let step = self.rooms.borrow_mut().caught_up(consultation, Place { after, joining });
                self.take(consultation, step).await
            }
            (
                Topic::Room(_)
                | Topic::Calls(_)
                | Topic::Inbox(_)
                | Topic::Socket(_)
                | Topic::Session(_)
                | Topic::Standing(_)
                | Topic::CompanyStanding(_)
                | Topic::Nodes,
                _,
            ) => Ok(Delivery::Nothing),
        }
    }

    /// It has left its topics, and its rooms with them.
    async fn closed(self: Rc<Self>) {}
}

/// Reads a note to oneself.
fn note(text: &str) -> Option<(ConsultationId, u64)> {
    let (consultation, joining) = text.split_once(' ')?;
    Some((consultation.parse::<Uuid>().ok()?.into(), joining.parse().ok()?))
}
