//! Tallies in Redis, so that what is limited is limited for all nodes together: each function is one script, which
//! nothing comes between, and one round trip.
use std::{
    fmt,
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use huntzen_tenancy::{
    StoreError,
    limits::{Bound, Portion, Standing, Taken, Tallies, TallyKey},
};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use redis::{Connection, RedisResult, Script, ScriptInvocation};

use crate::link::{Failure, Link};

/// How long an answer may take before a node counts alone: what is limited is on its way to something else, and must
/// not wait for a Redis that limps.
const PATIENCE: Duration = Duration::from_millis(100);

/// For how long a node counts alone then, before it tries again.
const REST: Duration = Duration::from_secs(5);

/// Tallies by their keyed digests. Redis forgets each when its window is over, and gives up those whose windows end
/// first when it has no room (`maxmemory-policy volatile-ttl`).
#[derive(Clone)]
pub struct RedisTallies {
    link: Arc<Link>,
    /// Until when Redis is left alone, since it was slow.
    resting: Arc<Mutex<Option<Instant>>>,
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
            resting: Arc::default(),
            take: script(include_str!("scripts/take.lua")),
            full: script(include_str!("scripts/full.lua")),
            give_back: script(include_str!("scripts/give_back.lua")),
        }
    }

    /// Asks Redis, unless it was slow just now. Once it has had its rest, one request tries it with something that
    /// counts nowhere, while the others still do without.
    fn ask<T>(&self, command: impl Fn(&mut Connection) -> RedisResult<T>) -> Result<T, Failure> {
        let begun = Instant::now();
        let was_slow = {
            let mut resting = self.resting.lock();
            match *resting {
                Some(until) if begun < until => return Err(Failure::NotDone(None)),
                Some(_) => {
                    *resting = Some(begun + REST);
                    true
                }
                None => false,
            }
        };
        if was_slow {
            self.link.run_within(PATIENCE, |connection| redis::cmd("PING").exec(connection))?;
            *self.resting.lock() = None;
        }
        let begun = Instant::now();
        let done = self.link.run_within(PATIENCE, command);
        if begun.elapsed() >= PATIENCE {
            *self.resting.lock() = Some(Instant::now() + REST);
        }
        done
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
    /// While nobody asks Redis, that it is out of reach is known at once.
    fn is_at_hand(&self) -> bool {
        !self.link.is_reachable() || self.resting.lock().is_some_and(|until| Instant::now() < until)
    }

    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError> {
        let mut invocation = self.take.prepare_invoke();
        let lifetime = u64::try_from(window.as_millis()).unwrap_or_default().max(1);
        invocation.arg(now.as_microsecond()).arg((now + window).as_microsecond()).arg(lifetime);
        self.bounded(&mut invocation, bounds);
        let (is_granted, most, left, ends_at, windows): (bool, u32, u32, i64, Vec<i64>) =
            self.ask(|connection| invocation.invoke(connection))?;
        let standing = Standing { most, left, ends_at: instant(ends_at)? };
        if !is_granted {
            return Ok(Taken::Refused(standing));
        }
        let portion = |(bound, ends_at): (&Bound, i64)| Ok(Portion { key: bound.key, ends_at: instant(ends_at)? });
        let portions = bounds.iter().zip(windows).map(portion).collect::<Result<_, StoreError>>()?;
        Ok(Taken::Granted(standing, portions))
    }

    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        let mut invocation = self.full.prepare_invoke();
        invocation.arg(now.as_microsecond());
        self.bounded(&mut invocation, bounds);
        let full: Vec<i64> = self.ask(|connection| invocation.invoke(connection))?;
        let &[most, ends_at] = full.as_slice() else { return Ok(None) };
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Ok(Some(Standing { most, left: 0, ends_at: instant(ends_at)? }))
    }

    /// With the patience of everything else: what was counted here and is not given back would be one too many.
    fn give_back(&self, returned: &[Portion], forgotten: Option<TallyKey>) -> Result<(), StoreError> {
        let mut invocation = self.give_back.prepare_invoke();
        for portion in returned {
            invocation.key(self.key(portion.key)).arg(portion.ends_at.as_microsecond());
        }
        if let Some(key) = forgotten {
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
