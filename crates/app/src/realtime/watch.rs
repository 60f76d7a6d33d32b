//! What the live worker looks after: news for those who listen on this node, and the end of the
//! sessions behind its sockets. Rows are written by triggers and by other nodes, so it asks the
//! store; nobody who writes waits for it.
use std::collections::{HashMap, HashSet};

use huntzen_clinical::{ClinicalError, conversation::RoomFeed, ids::ConsultationId};
use huntzen_tenancy::{
    TenancyError,
    ids::{NotificationId, UserId},
    live::{LiveFeed, Signal},
};
use jiff::{SignedDuration, Timestamp};

use super::{Hub, inbox, told::BETWEEN_TELLING};
use crate::chat::bodies::kept_before;

/// How far back it looks each time: a row is seen when its transaction commits, which may be well
/// after the instant that it bears.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);
/// How far back for somebody who has just begun to listen: what commits while a client opens its
/// socket is told rather than missed.
const BEFORE_OPENING: SignedDuration = SignedDuration::from_secs(5);
/// How often the sessions are looked at when nothing says that one has ended: a revocation on
/// another node closes the sockets within 5 s.
const BETWEEN_CHECKS: SignedDuration = SignedDuration::from_secs(4);
/// How often the rooms are looked at when something may have been missed.
const BETWEEN_CATCHING_UP: SignedDuration = SignedDuration::from_secs(1);
/// How often they are looked at where there are other nodes, whatever is known of those: one that was never heard is
/// not missed.
const BETWEEN_LOOKS_AT_ROOMS: SignedDuration = SignedDuration::from_secs(5);
/// How often what others have told is looked through for what is believed no more.
const BETWEEN_SWEEPS: SignedDuration = SignedDuration::from_secs(1);

/// What the worker remembers from one look to the next.
#[derive(Debug, Default)]
pub struct Watch {
    /// Since when each listener is told.
    since: HashMap<UserId, Timestamp>,
    /// What was told and is still within the window.
    told: HashMap<NotificationId, Timestamp>,
    /// When news were last read.
    read: Option<Timestamp>,
    checked: Option<Timestamp>,
    caught_up: Option<Timestamp>,
    told_who_is_there: Option<Timestamp>,
    swept: Option<Timestamp>,
}

/// Whether what was done `last` is to be done again; at once after the clock was set back.
fn is_due(last: Option<Timestamp>, now: Timestamp, pause: SignedDuration) -> bool {
    last.is_none_or(|at| now < at || now.duration_since(at) >= pause)
}

impl Watch {
    /// Looks once, at `now`: two queries at most, whoever is connected.
    ///
    /// # Errors
    /// Those of the store; the next look makes up for this one.
    pub fn look(&mut self, feed: &LiveFeed, hub: &Hub, now: Timestamp) -> Result<(), TenancyError> {
        self.check_sessions(feed, hub, now)?;
        self.tell_news(feed, hub, now)
    }

    /// Tells the other nodes who is here, now and then, and at once when one of them does not know yet; and rooms of
    /// this one who was on a node that says nothing any more.
    pub fn tell_who_is_there(&mut self, hub: &Hub, now: Timestamp) {
        if is_due(self.swept, now, BETWEEN_SWEEPS) {
            self.swept = Some(now);
            hub.sweep();
        }
        if hub.take_telling() || is_due(self.told_who_is_there, now, BETWEEN_TELLING) {
            self.told_who_is_there = Some(now);
            hub.tell_who_is_there();
        }
    }

    /// Tells the rooms of this node how far they are, when they may have missed something, and every few seconds where
    /// there are other nodes: one query, however many there are. Sockets that are behind read what they lack.
    ///
    /// # Errors
    /// Those of the store; the next look makes up for this one.
    pub fn catch_up(&mut self, rooms: &RoomFeed, hub: &Hub, now: Timestamp) -> Result<(), ClinicalError> {
        if !is_due(self.caught_up, now, BETWEEN_CATCHING_UP) {
            return Ok(());
        }
        let is_due = hub.has_others() && is_due(self.caught_up, now, BETWEEN_LOOKS_AT_ROOMS);
        if !hub.take_missed() && !is_due {
            return Ok(());
        }
        self.caught_up = Some(now);
        let joined: Vec<ConsultationId> = hub.rooms().into_iter().map(ConsultationId::from).collect();
        if joined.is_empty() {
            return Ok(());
        }
        let places = rooms.last_places(&joined).inspect_err(|_| hub.has_missed())?;
        for (consultation, seq) in places {
            hub.deliver(kept_before(consultation, seq));
        }
        Ok(())
    }

    fn check_sessions(&mut self, feed: &LiveFeed, hub: &Hub, now: Timestamp) -> Result<(), TenancyError> {
        let told = hub.take_doubt();
        if !told && !is_due(self.checked, now, BETWEEN_CHECKS) {
            return Ok(());
        }
        let sessions = hub.sessions();
        if !sessions.is_empty() {
            match feed.ended(&sessions) {
                Ok(ended) => ended.into_iter().for_each(|session| hub.deliver(Signal::session_ended(session))),
                Err(error) => {
                    hub.doubt();
                    return Err(error);
                }
            }
        }
        self.checked = Some(now);
        Ok(())
    }

    fn tell_news(&mut self, feed: &LiveFeed, hub: &Hub, now: Timestamp) -> Result<(), TenancyError> {
        let listeners: HashSet<UserId> = hub.listeners().into_iter().collect();
        self.since.retain(|user, _| listeners.contains(user));
        let opened = now - BEFORE_OPENING;
        for listener in &listeners {
            // Never later than a clock that was set back has it.
            self.since.entry(*listener).and_modify(|since| *since = opened.min(*since)).or_insert(opened);
        }
        // What was written while the store was out of this node's reach, or by a clock that is behind, is new to it.
        let from = self.read.map_or(now, |read| read.min(now)) - WINDOW;
        self.told.retain(|_, at| *at >= from);
        let Some(first) = self.since.values().min().copied() else { return Ok(()) };
        let users: Vec<UserId> = listeners.into_iter().collect();
        let found = feed.news(&users, first.max(from))?;
        self.read = Some(now);
        for news in found {
            let (user, id, at) = (news.notification.user, news.notification.id, news.notification.created_at);
            if self.since.get(&user).is_none_or(|since| at < *since) || self.told.insert(id, at).is_some() {
                continue;
            }
            match inbox::news(news) {
                Ok(signal) => hub.deliver(signal),
                Err(defect) => tracing::error!(causes = defect.causes(), "a notification could not be told"),
            }
        }
        Ok(())
    }
}
