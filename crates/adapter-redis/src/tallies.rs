//! Tallies in Redis, so that what is limited is limited for all nodes together: each function is one script, which
//! nothing comes between, and one round trip.
use std::{fmt, fmt::Write as _, sync::Arc};

use huntzen_tenancy::{
    StoreError,
    limits::{Bound, Standing, Taken, Tallies, TallyKey},
};
use jiff::{SignedDuration, Timestamp};
use redis::{Script, ScriptInvocation};

use crate::link::Link;

/// Tallies by their keyed digests. Redis forgets each when its window is over, and gives up those whose windows end
/// first when it has no room (`maxmemory-policy volatile-ttl`).
#[derive(Clone)]
pub struct RedisTallies {
    link: Arc<Link>,
    take: Arc<Script>,
    full: Arc<Script>,
    give_back: Arc<Script>,
}

impl RedisTallies {
    /// Over `link`.
    pub fn new(link: Arc<Link>) -> Self {
        let script = |text: &str| Arc::new(Script::new(&[include_str!("scripts/tallies.lua"), text].concat()));
        Self {
            link,
            take: script(include_str!("scripts/take.lua")),
            full: script(include_str!("scripts/full.lua")),
            give_back: script(include_str!("scripts/give_back.lua")),
        }
    }

    /// Whether they would be asked at all.
    fn is_reachable(&self) -> bool {
        self.link.is_reachable()
    }

    fn key(&self, TallyKey(key): TallyKey) -> String {
        let mut name = self.link.key("tally:");
        for byte in key {
            // A text takes whatever is written to it.
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    fn bounded(&self, invocation: &mut ScriptInvocation<'_>, bounds: &[Bound]) {
        for bound in bounds {
            invocation.key(self.key(bound.key)).arg(bound.most);
        }
    }
}

impl Tallies for RedisTallies {
    fn is_at_hand(&self) -> bool {
        false
    }

    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError> {
        let mut invocation = self.take.prepare_invoke();
        let lifetime = u64::try_from(window.as_millis()).unwrap_or_default().max(1);
        invocation.arg(now.as_microsecond()).arg((now + window).as_microsecond()).arg(lifetime);
        self.bounded(&mut invocation, bounds);
        let (is_granted, left, ends_at): (bool, u32, i64) =
            self.link.run(|connection| invocation.invoke(connection))?;
        let standing = Standing { left, ends_at: instant(ends_at)? };
        Ok(if is_granted { Taken::Granted(standing) } else { Taken::Refused(standing) })
    }

    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        let mut invocation = self.full.prepare_invoke();
        invocation.arg(now.as_microsecond());
        self.bounded(&mut invocation, bounds);
        let ends_at: Option<i64> = self.link.run(|connection| invocation.invoke(connection))?;
        ends_at.map(|ends_at| Ok(Standing { left: 0, ends_at: instant(ends_at)? })).transpose()
    }

    fn give_back(
        &self,
        returned: &[TallyKey],
        forgotten: Option<TallyKey>,
        taken_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut invocation = self.give_back.prepare_invoke();
        invocation.arg(taken_at.as_microsecond()).arg(returned.len());
        for key in returned.iter().copied().chain(forgotten) {
            invocation.key(self.key(key));
        }
        Ok(self.link.run(|connection| invocation.invoke::<()>(connection))?)
    }
}

impl fmt::Debug for RedisTallies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTallies").field("link", &self.link).finish_non_exhaustive()
    }
}

fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Defect(Box::new(error)))
}

/// Those of all nodes, or while they are out of reach those of this node: nobody is refused for that, and nobody
/// let through without end.
pub struct TalliesOrOwn {
    shared: RedisTallies,
    own: Arc<dyn Tallies>,
}

impl TalliesOrOwn {
    /// Counts with `shared`, and with `own` while those are out of reach.
    pub fn new(shared: RedisTallies, own: Arc<dyn Tallies>) -> Self {
        Self { shared, own }
    }
}

impl Tallies for TalliesOrOwn {
    /// Once Redis was not found, until it is found again. That may be between this question and the next one: then
    /// one request waits where it was not to, for a Redis that has just answered.
    fn is_at_hand(&self) -> bool {
        !self.shared.is_reachable() && self.own.is_at_hand()
    }

    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError> {
        self.shared.take(bounds, window, now).or_else(|_| self.own.take(bounds, window, now))
    }

    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        self.shared.full(bounds, now).or_else(|_| self.own.full(bounds, now))
    }

    fn give_back(
        &self,
        returned: &[TallyKey],
        forgotten: Option<TallyKey>,
        taken_at: Timestamp,
    ) -> Result<(), StoreError> {
        let given_back = self.shared.give_back(returned, forgotten, taken_at);
        given_back.or_else(|_| self.own.give_back(returned, forgotten, taken_at))
    }
}

impl fmt::Debug for TalliesOrOwn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TalliesOrOwn").field("shared", &self.shared).finish_non_exhaustive()
    }
}
