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

use super::{Hub, elsewhere::BETWEEN_TELLING, inbox};
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
/// How often the rooms are looked at, at most.
const BETWEEN_CATCHING_UP: SignedDuration = SignedDuration::from_secs(1);

/// What the worker remembers from one look to the next.
#[derive(Debug, Default)]
pub struct Watch {
    /// Since when each listener is told.
    since: HashMap<UserId, Timestamp>,
    /// What was told and is still within the window.
    told: HashMap<NotificationId, Timestamp>,
    checked: Option<Timestamp>,
    caught_up: Option<Timestamp>,
    told_who_is_there: Option<Timestamp>,
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

    /// Tells the other nodes who is in the rooms of this one, now and then.
    pub fn tell_who_is_there(&mut self, hub: &Hub, now: Timestamp) {
        if self.told_who_is_there.is_none_or(|at| now < at || now.duration_since(at) >= BETWEEN_TELLING) {
            self.told_who_is_there = Some(now);
            hub.tell_who_is_there();
        }
    }

    /// Tells the rooms of this node how far they are, when they may have missed something: one query, however
    /// many there are. Sockets that are behind read what they lack.
    ///
    /// # Errors
    /// Those of the store; the next look makes up for this one.
    pub fn catch_up(&mut self, rooms: &RoomFeed, hub: &Hub, now: Timestamp) -> Result<(), ClinicalError> {
        if self.caught_up.is_some_and(|at| now >= at && now.duration_since(at) < BETWEEN_CATCHING_UP) {
            return Ok(());
        }
        if !hub.take_missed() {
            return Ok(());
        }
        self.caught_up = Some(now);
        // The others may have missed that as well, and believe it for a while only.
        self.told_who_is_there = None;
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
        let due = self.checked.is_none_or(|at| now < at || now.duration_since(at) >= BETWEEN_CHECKS);
        let told = hub.take_doubt();
        if !due && !told {
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
        for listener in &listeners {
            self.since.entry(*listener).or_insert(now - BEFORE_OPENING);
        }
        let from = now - WINDOW;
        self.told.retain(|_, at| *at >= from);
        let Some(first) = self.since.values().min().copied() else { return Ok(()) };
        let users: Vec<UserId> = listeners.into_iter().collect();
        for news in feed.news(&users, first.max(from))? {
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
