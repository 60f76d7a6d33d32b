//! The session cache: who a session's account is, known for a minute, forgotten at once when told.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use huntzen_tenancy::{
    Actor, Origin, TenancyError,
    identity::{SessionState, SignIn},
    ids::{CompanyId, SessionId, UserId},
    live::{Signal, Topic},
};
use jiff::{SignedDuration, Timestamp};

/// How long an account's standing is believed without asking the store again.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_secs(60);

/// How long a session is known to have ended: whoever goes on with its token asks the store no more often.
const ENDED_FOR: SignedDuration = SignedDuration::from_secs(10);

const SHARDS: u16 = 16;

/// Where sessions are read when the cache does not know them.
pub trait SessionSource: Send + Sync {
    /// The live session of `actor` with its account.
    ///
    /// # Errors
    /// `SessionEnded` unless it is live; `StoreError`.
    fn live_session(&self, origin: &Origin, actor: Actor, session: SessionId) -> Result<SessionState, TenancyError>;
}

impl SessionSource for SignIn {
    fn live_session(&self, origin: &Origin, actor: Actor, session: SessionId) -> Result<SessionState, TenancyError> {
        self.session(origin, actor, session)
    }
}

/// Sessions of this node with their accounts. No lock is held across input or output.
pub struct SessionCache {
    shards: Vec<Mutex<Shard>>,
    most_per_shard: usize,
    /// Told of what other nodes have to forget too.
    listener: OnceLock<Listener>,
}

type Listener = Box<dyn Fn(Forgotten) + Send + Sync>;

/// What was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// A session that has ended.
    Session(SessionId),
    /// The sessions of an account whose standing has changed; whether they have ended is for the
    /// store to say.
    Account(UserId),
    /// The same of every account of a company.
    Company(CompanyId),
}

impl Forgotten {
    /// What other nodes are told, so that they forget it as well.
    pub fn signal(self) -> Signal {
        match self {
            Self::Session(session) => Signal::session_ended(session),
            Self::Account(user) => Signal::standing_changed(user),
            Self::Company(company) => Signal::company_standing_changed(company),
        }
    }

    /// What a signal says should be forgotten.
    fn told_by(topic: Topic) -> Option<Self> {
        match topic {
            Topic::Session(session) => Some(Self::Session(session)),
            Topic::Standing(user) => Some(Self::Account(user)),
            Topic::CompanyStanding(company) => Some(Self::Company(company)),
            Topic::Room(_) | Topic::Calls(_) | Topic::Inbox(_) | Topic::Socket(_) | Topic::Nodes => None,
        }
    }
}

#[derive(Debug, Default)]
struct Shard {
    /// Counts what was forgotten, so that an answer read before is not kept after.
    forgettings: u64,
    sessions: HashMap<SessionId, Known>,
    /// Sessions that have ended, and when the store said so.
    ended: HashMap<SessionId, Timestamp>,
}

#[derive(Debug)]
struct Known {
    state: Arc<SessionState>,
    since: Timestamp,
}

impl Known {
    fn holds(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.since);
        !age.is_negative() && age < FRESH_FOR && self.state.is_live(now)
    }
}

/// Taken before a session is read from the store; lets the cache refuse what was forgotten since.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    session: SessionId,
    forgettings: u64,
}

impl SessionCache {
    /// A cache of at most about `most` sessions.
    pub fn new(most: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            most_per_shard: (most / usize::from(SHARDS)).max(1),
            listener: OnceLock::new(),
        }
    }

    /// Tells `listener` of everything that other nodes have to forget too, from now on. There is one, the first.
    pub fn when_forgetting(&self, listener: impl Fn(Forgotten) + Send + Sync + 'static) {
        self.listener.get_or_init(|| Box::new(listener));
    }

    /// The session's state when it is known and fresh at `now`.
    pub fn get(&self, session: SessionId, now: Timestamp) -> Option<Arc<SessionState>> {
        let shard = self.shard(session)?;
        let known = shard.sessions.get(&session)?;
        known.holds(now).then(|| Arc::clone(&known.state))
    }

    /// Whether the store has said, a few seconds before `now`, that the session is no more.
    pub fn has_ended(&self, session: SessionId, now: Timestamp) -> bool {
        let shard = self.shard(session);
        shard.is_some_and(|shard| shard.ended.get(&session).is_some_and(|since| is_recent(*since, now)))
    }

    /// Keeps what the store said at `now`: that the session is no more. Unless something was forgotten since the
    /// reading began: an account may be let in again.
    pub fn keep_ended(&self, reading: Reading, now: Timestamp) {
        let Some(mut shard) = self.shard(reading.session) else { return };
        if shard.forgettings != reading.forgettings {
            return;
        }
        if shard.ended.len() >= self.most_per_shard {
            shard.ended.retain(|_, since| is_recent(*since, now));
        }
        if shard.ended.len() < self.most_per_shard {
            shard.ended.insert(reading.session, now);
        }
    }

    /// To be called before the store is asked about `session`.
    pub fn reading(&self, session: SessionId) -> Reading {
        let forgettings = self.shard(session).map_or(0, |shard| shard.forgettings);
        Reading { session, forgettings }
    }

    /// Keeps what the store said at `now`, unless something was forgotten since the reading began.
    /// The password hash is not kept.
    pub fn keep(&self, reading: Reading, mut state: SessionState, now: Timestamp) -> Arc<SessionState> {
        state.user.password = None;
        let state = Arc::new(state);
        if let Some(mut shard) = self.shard(reading.session)
            && shard.forgettings == reading.forgettings
        {
            self.make_room(&mut shard, now);
            shard.sessions.insert(reading.session, Known { state: Arc::clone(&state), since: now });
        }
        state
    }

    /// Forgets one session, on every node.
    pub fn forget(&self, session: SessionId) {
        self.forget_everywhere(Forgotten::Session(session));
    }

    /// Forgets every session of `user`, on every node.
    pub fn forget_user(&self, user: UserId) {
        self.forget_everywhere(Forgotten::Account(user));
    }

    /// Forgets every session of the accounts of `company`, on every node.
    pub fn forget_company(&self, company: CompanyId) {
        self.forget_everywhere(Forgotten::Company(company));
    }

    /// Forgets, on this node alone, what a signal of any node says should be.
    pub fn hear(&self, signal: &Signal) {
        if let Some(forgotten) = Forgotten::told_by(signal.topic) {
            self.forget_here(forgotten);
        }
    }

    /// Forgets everything, on this node alone: it may have missed what others have revoked.
    pub fn forget_all(&self) {
        self.forget_where(|_| true);
    }

    fn forget_everywhere(&self, forgotten: Forgotten) {
        // Here first: whoever has revoked something is not let in by it again, whatever becomes of the signal.
        self.forget_here(forgotten);
        self.tell(forgotten);
    }

    fn forget_here(&self, forgotten: Forgotten) {
        match forgotten {
            Forgotten::Session(session) => {
                if let Some(mut shard) = self.shard(session) {
                    shard.forgettings = shard.forgettings.wrapping_add(1);
                    shard.sessions.remove(&session);
                }
            }
            Forgotten::Account(user) => self.forget_where(|state| state.user.id == user),
            Forgotten::Company(company) => self.forget_where(|state| state.user.company == Some(company)),
        }
    }

    fn forget_where(&self, matches: impl Fn(&SessionState) -> bool) {
        for shard in &self.shards {
            let mut shard = locked(shard);
            shard.forgettings = shard.forgettings.wrapping_add(1);
            shard.sessions.retain(|_, known| !matches(&known.state));
            // Whose they were is not known.
            shard.ended.clear();
        }
    }

    fn tell(&self, forgotten: Forgotten) {
        if let Some(listener) = self.listener.get() {
            listener(forgotten);
        }
    }

    fn make_room(&self, shard: &mut Shard, now: Timestamp) {
        if shard.sessions.len() < self.most_per_shard {
            return;
        }
        shard.sessions.retain(|_, known| known.holds(now));
        // Still full: any session will do, it is read again when it comes back.
        if shard.sessions.len() >= self.most_per_shard
            && let Some(any) = shard.sessions.keys().next().copied()
        {
            shard.sessions.remove(&any);
        }
    }

    fn shard(&self, session: SessionId) -> Option<MutexGuard<'_, Shard>> {
        let at = session.0.as_u128() % u128::from(SHARDS);
        self.shards.get(usize::try_from(at).ok()?).map(locked)
    }
}

fn is_recent(since: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && age < ENDED_FOR
}

/// A map of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_forgotten_here_is_told_once_and_what_others_tell_is_not_told_on() {
        let cache = SessionCache::new(16);
        let told: Arc<Mutex<Vec<Forgotten>>> = Arc::default();
        let telling = Arc::clone(&told);
        cache.when_forgetting(move |forgotten| telling.lock().unwrap().push(forgotten));
        let id = Uuid::from_u128(7);
        let all =
            [Forgotten::Session(SessionId(id)), Forgotten::Account(UserId(id)), Forgotten::Company(CompanyId(id))];
        cache.forget(SessionId(id));
        cache.forget_user(UserId(id));
        cache.forget_company(CompanyId(id));
        assert_eq!(*told.lock().unwrap(), all);
        for forgotten in all {
            let before = cache.reading(SessionId(id)).forgettings;
            cache.hear(&forgotten.signal());
            assert_eq!(cache.reading(SessionId(id)).forgettings, before + 1, "what was read before is not kept");
        }
        cache.hear(&Signal::new(Topic::Room(id), "hello"));
        cache.forget_all();
        assert_eq!(told.lock().unwrap().len(), all.len());
    }
}
