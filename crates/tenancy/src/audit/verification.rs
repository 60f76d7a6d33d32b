//! Proving that nobody has changed the trail, or finding the first place where somebody did.
use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Resource,
    chain::{ChainId, Head, LinkedRecord, ORIGIN, Stray, hash},
    checkpoint::{Checkpoint, CheckpointKind, CheckpointSigner, Signature},
    linking::ChainPorts,
};
use crate::{
    TenancyError,
    scope::{Job, Scope},
    store::StoreError,
    words::Words,
};

/// Links read in one unit of work.
const PAGE: u32 = 2_000;

/// The first place that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A line of the file of checkpoints.
    Checkpoint {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A link, or what it holds.
    Link {
        /// The chain.
        chain: ChainId,
        /// The number in it.
        seq: i64,
        /// The entry, when the link tells.
        entry: Option<Uuid>,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An entry that no chain accounts for.
    Entry {
        /// Which.
        id: Uuid,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { line, what } => write!(f, "checkpoint {line}: {what}"),
            Self::Link { chain, seq, entry: Some(entry), what } => {
                write!(f, "chain {} link {seq} entry {entry}: {what}", chain.0)
            }
            Self::Link { chain, seq, entry: None, what } => write!(f, "chain {} link {seq}: {what}", chain.0),
            Self::Entry { id, what } => write!(f, "entry {id}: {what}"),
        }
    }
}

/// What a verification came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were compared with their links.
    pub checked: u64,
    /// Those of them that operators may know of by now: not what is about care today, whose number
    /// would tell when somebody books.
    pub told: u64,
    /// How many checkpoints were found.
    pub checkpoints: usize,
    /// When the last of them was signed.
    pub last_signed: Option<Timestamp>,
    /// How many links had been signed and were lost when older backups were restored.
    pub lost: u64,
    /// The first broken place; `None` when all is as it was written.
    pub broken: Option<Broken>,
}

/// How far back a verification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// To the beginning.
    Whole,
    /// About so many links, the last ones of every chain, and the entries of a day.
    Recent(u32),
}

/// What the file of checkpoints says of one chain.
#[derive(Default)]
struct Marks {
    /// The hashes of its links, by number.
    hashes: BTreeMap<i64, Vec<u8>>,
    /// The first links that were left of it whenever it was cut, lowest first.
    cuts: Vec<i64>,
    /// How many links were signed and then lost.
    lost: u64,
}

impl Marks {
    /// The first link that is left of the chain.
    fn pruned_to(&self) -> Option<i64> {
        self.cuts.last().copied()
    }

    /// Takes what a checkpoint says of the chain.
    fn take(&mut self, kind: CheckpointKind, head: &Head) {
        if kind == CheckpointKind::Restored {
            let behind = self.hashes.split_off(&head.seq.saturating_add(1));
            if let Some((last, _)) = behind.last_key_value() {
                self.lost = self.lost.saturating_add(last.abs_diff(head.seq));
            }
            // What had been cut higher up is there again.
            self.cuts.retain(|first| *first <= head.seq);
        }
        if head.seq > 0 {
            self.hashes.insert(head.seq, head.hash.clone());
        }
        if kind == CheckpointKind::Pruned {
            self.cuts.push(head.seq);
            self.hashes = self.hashes.split_off(&head.seq);
        }
    }
}

/// Checks the whole trail.
#[derive(Clone)]
pub struct ChainVerification {
    ports: ChainPorts,
}

impl ChainVerification {
    /// Over these ports.
    pub fn new(ports: ChainPorts) -> Self {
        Self { ports }
    }

    /// Compares entries, links and checkpoints, a page a unit of work, while everybody works. First
    /// the checkpoints in their order, then each chain in the order of ids from its first link, then
    /// the entries that no chain accounts for.
    ///
    /// # Errors
    /// Those of the store, and of the file: when it cannot be told whether something is broken.
    pub fn verify(&self, depth: Depth) -> Result<Verdict, TenancyError> {
        let mut verdict = Verdict::default();
        verdict.broken = self.walk(depth, &mut verdict)?;
        Ok(verdict)
    }

    fn walk(&self, depth: Depth, verdict: &mut Verdict) -> Result<Option<Broken>, TenancyError> {
        // Read before the chains: what is signed meanwhile is not asked for.
        let history = self.ports.checkpoints.history()?;
        verdict.checkpoints = history.lines.len();
        verdict.last_signed = history.lines.last().and_then(|line| Some(line.as_ref()?.at));
        let mut tally = Tally { today: midnight(self.ports.clock.now()), oldest: i64::MAX, verdict };
        let mut marks = match marks(self.ports.signer.as_ref(), &history.lines) {
            Ok(marks) => marks,
            Err(broken) => return Ok(Some(broken)),
        };
        tally.verdict.lost = marks.values().map(|marks| marks.lost).sum();
        let heads = self.ports.heads()?;
        let per_chain = match depth {
            Depth::Whole => None,
            Depth::Recent(links) => Some(i64::from(links) / i64::try_from(heads.len().max(1)).unwrap_or(i64::MAX)),
        };
        for head in heads {
            let marks = marks.remove(&head.chain).unwrap_or_default();
            let from = per_chain.map_or(1, |links| head.seq.saturating_sub(links.max(100)));
            if let Some(broken) = self.chain(head.chain, &marks, from, &mut tally)? {
                return Ok(Some(broken));
            }
        }
        // A chain that has a checkpoint and no link at all.
        if let Some((chain, marks)) = marks.into_iter().find(|(_, marks)| !marks.hashes.is_empty()) {
            let seq = marks.pruned_to().unwrap_or(1);
            return Ok(Some(Broken::Link { chain, seq, entry: None, what: MISSING }));
        }
        // Hashes alone prove nothing: whoever can write entries can write links as well.
        let unsigned_since = self.ports.clock.now() - UNSIGNED_AT_MOST;
        if history.lines.is_empty() && tally.oldest < unsigned_since.as_microsecond() {
            return Ok(Some(Broken::Checkpoint { line: 1, what: MISSING }));
        }
        let since = per_chain.map(|_| self.ports.clock.now() - SignedDuration::from_hours(24));
        self.strays(since)
    }

    /// Walks a chain from link `from` on, or from the first that pruning left.
    fn chain(
        &self,
        chain: ChainId,
        marks: &Marks,
        from: i64,
        tally: &mut Tally<'_>,
    ) -> Result<Option<Broken>, TenancyError> {
        let first = marks.pruned_to().unwrap_or(1).max(from);
        let is_beginning = first == 1;
        let mut walk = Walk { chain, marks, expected: first, previous: is_beginning.then(|| ORIGIN.to_vec()) };
        // Below what was pruned nothing counts; before the very first nothing may stand.
        let mut next = if is_beginning { i64::MIN } else { first };
        loop {
            let page = self.read(|tx| tx.links_from(chain, next, PAGE))?;
            for linked in &page {
                if let Some(broken) = walk.step(linked) {
                    return Ok(Some(broken));
                }
                tally.count(linked);
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE as usize => next = last.seq.saturating_add(1),
                Some(_) | None => return Ok(walk.end()),
            }
        }
    }

    fn strays(&self, since: Option<Timestamp>) -> Result<Option<Broken>, TenancyError> {
        Ok(self.read(|tx| tx.stray(since))?.map(|stray| match stray {
            Stray::Unlinked(id) => Broken::Entry { id, what: "is in no chain and does not wait to be" },
            Stray::WaitsInVain(id) => Broken::Entry { id, what: "waits for its chain without being there, or twice" },
            Stray::Overdue(id) => Broken::Entry { id, what: "is in no chain although a later one is" },
        }))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn crate::TenancyTx) -> Result<T, StoreError>,
    ) -> Result<T, TenancyError> {
        self.ports.store.run(&Scope::worker(Job::Audit), |tx| Ok(work(tx)?))
    }
}

const MISSING: &str = "is missing";
/// How old a trail gets without any checkpoint before that is a finding: they are signed hourly.
const UNSIGNED_AT_MOST: SignedDuration = SignedDuration::from_hours(48);

/// What a verification counts.
struct Tally<'a> {
    /// The beginning of today in UTC, in microseconds since 1970.
    today: i64,
    /// When the oldest entry was written, likewise.
    oldest: i64,
    verdict: &'a mut Verdict,
}

impl Tally<'_> {
    fn count(&mut self, (_, record): &LinkedRecord) {
        self.verdict.checked += 1;
        let Some(record) = record else { return };
        self.oldest = self.oldest.min(record.at);
        let is_about_care = Resource::parse(&record.resource).is_none_or(Resource::is_about_care);
        if !is_about_care || record.at < self.today {
            self.verdict.told += 1;
        }
    }
}

fn midnight(now: Timestamp) -> i64 {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    now.as_microsecond().div_euclid(DAY) * DAY
}

/// Where a walk along a chain stands.
struct Walk<'a> {
    chain: ChainId,
    marks: &'a Marks,
    /// The number of the next link.
    expected: i64,
    /// The hash of the last one; unknown at the first that is looked at, unless the chain begins there.
    previous: Option<Vec<u8>>,
}

impl Walk<'_> {
    fn step(&mut self, (link, record): &LinkedRecord) -> Option<Broken> {
        let broken = |seq, entry, what| Some(Broken::Link { chain: self.chain, seq, entry, what });
        let entry = Some(link.entry);
        if link.seq < self.expected {
            return broken(link.seq, entry, "comes before the first");
        }
        if link.seq > self.expected {
            return broken(self.expected, None, MISSING);
        }
        let Some(record) = record else { return broken(link.seq, entry, "holds an entry that is missing") };
        if record.chain() != self.chain {
            return broken(link.seq, entry, "holds an entry of another chain");
        }
        if self.previous.as_ref().is_some_and(|previous| *previous != link.previous) {
            return broken(link.seq, entry, "does not continue the one before it");
        }
        if hash(self.chain, link.seq, &link.previous, record).as_slice() != link.hash {
            return broken(link.seq, entry, "does not match its entry");
        }
        if self.marks.hashes.get(&link.seq).is_some_and(|signed| *signed != link.hash) {
            return broken(link.seq, entry, "is not the one that was signed");
        }
        self.expected = link.seq.saturating_add(1);
        self.previous = Some(link.hash.clone());
        None
    }

    /// Nothing that was signed lies behind the end.
    fn end(&self) -> Option<Broken> {
        let last_signed = self.marks.hashes.last_key_value().map(|(seq, _)| *seq)?;
        let is_cut = last_signed >= self.expected;
        is_cut.then_some(Broken::Link { chain: self.chain, seq: self.expected, entry: None, what: MISSING })
    }
}

/// What the lines say of each chain, once every one of them is authentic and follows the one before.
fn marks(signer: &dyn CheckpointSigner, lines: &[Option<Checkpoint>]) -> Result<BTreeMap<ChainId, Marks>, Broken> {
    let mut marks = BTreeMap::<ChainId, Marks>::new();
    let mut previous: Option<&Signature> = None;
    for (place, line) in lines.iter().enumerate() {
        let broken = |what| Broken::Checkpoint { line: place + 1, what };
        let checkpoint = line.as_ref().ok_or_else(|| broken("cannot be read"))?;
        if !checkpoint.is_authentic(signer) {
            return Err(broken("was not signed as it is"));
        }
        if checkpoint.previous.as_ref() != previous {
            return Err(broken("does not follow the one before it"));
        }
        previous = Some(&checkpoint.signature);
        for head in &checkpoint.heads {
            marks.entry(head.chain).or_default().take(checkpoint.kind, head);
        }
    }
    Ok(marks)
}
