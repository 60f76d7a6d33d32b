//! How signals travel: several of one node together, numbered, sealed.
use std::sync::Arc;

use huntzen_tenancy::{
    ids::{CompanyId, SessionId, UserId},
    live::{NodeSeal, Signal, Topic},
    sealing::SealingError,
};
use uuid::Uuid;

use crate::bytes::{Bytes, put};

/// The layout of a parcel, its first byte. While nodes of two layouts run, each looks into the database for what the
/// others say.
const VERSION: u8 = 1;
/// What parcels are bound to.
const PLACE: &[u8] = b"signals 1";

/// Signals of one node, in their order. Without any it says that the node is there, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Which node, since when it was started.
    pub(crate) node: Uuid,
    /// The number of its first signal, or of the next one; a node counts its signals from 1.
    pub(crate) first: u64,
    /// The signals.
    pub(crate) signals: Vec<Signal>,
}

/// Why a parcel was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It has the layout of another release.
    Foreign,
    /// No node of this installation has sealed it so.
    Noise,
}

impl Parcel {
    pub(crate) fn seal(&self, seal: &dyn NodeSeal) -> Result<Vec<u8>, SealingError> {
        let length = self.signals.iter().map(|signal| signal.text.len() + 64).sum::<usize>();
        let mut plain = Vec::with_capacity(length + 24);
        plain.extend_from_slice(self.node.as_bytes());
        plain.extend_from_slice(&self.first.to_be_bytes());
        for signal in &self.signals {
            write(signal, &mut plain);
        }
        let mut sealed = vec![VERSION];
        sealed.extend(seal.seal(PLACE, &plain)?);
        Ok(sealed)
    }

    /// Reads what a node of this release and installation has sealed.
    pub(crate) fn open(sealed: &[u8], seal: &dyn NodeSeal) -> Result<Self, Unread> {
        let (version, sealed) = sealed.split_first().ok_or(Unread::Noise)?;
        if *version != VERSION {
            return Err(Unread::Foreign);
        }
        let plain = seal.open(PLACE, sealed).ok_or(Unread::Noise)?;
        Self::read(&plain).ok_or(Unread::Noise)
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let mut rest = Bytes(plain);
        let (node, first) = (rest.id()?, rest.number()?);
        let mut signals = Vec::new();
        while !rest.0.is_empty() {
            signals.push(read(&mut rest)?);
        }
        Some(Self { node, first, signals })
    }
}

fn write(signal: &Signal, out: &mut Vec<u8>) {
    let (kind, id) = match signal.topic {
        Topic::Room(id) => (0, id),
        Topic::Calls(UserId(id)) => (1, id),
        Topic::Inbox(UserId(id)) => (2, id),
        Topic::Socket(id) => (3, id),
        Topic::Session(SessionId(id)) => (4, id),
        Topic::Standing(UserId(id)) => (6, id),
        Topic::CompanyStanding(CompanyId(id)) => (7, id),
        Topic::Nodes => (8, Uuid::nil()),
    };
    out.push(kind);
    out.extend_from_slice(id.as_bytes());
    put(signal.seq.map(u64::to_be_bytes), out);
    put(signal.except.map(Uuid::into_bytes), out);
    // A frame is far shorter than this can say.
    out.extend_from_slice(&u32::try_from(signal.text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(signal.text.as_bytes());
}

fn read(from: &mut Bytes<'_>) -> Option<Signal> {
    let (kind, id) = (from.byte()?, from.id()?);
    let topic = match kind {
        0 => Topic::Room(id),
        1 => Topic::Calls(UserId(id)),
        2 => Topic::Inbox(UserId(id)),
        3 => Topic::Socket(id),
        4 => Topic::Session(SessionId(id)),
        6 => Topic::Standing(UserId(id)),
        7 => Topic::CompanyStanding(CompanyId(id)),
        8 => Topic::Nodes,
        _ => return None,
    };
    let seq = from.perhaps(Bytes::number)?;
    let except = from.perhaps(Bytes::id)?;
    Some(Signal { topic, text: Arc::from(from.text()?), seq, except })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// Seals nothing, so that a test sees the layout.
    struct Glass;

    impl NodeSeal for Glass {
        fn installation(&self) -> &'static str {
            "0123456789abcdef"
        }

        fn seal(&self, _: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealingError> {
            Ok(plain.to_vec())
        }

        fn open(&self, _: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
            Some(sealed.to_vec())
        }
    }

    fn parcel() -> Parcel {
        let id = Uuid::from_u128(7);
        let topics = [
            Topic::Room(id),
            Topic::Calls(UserId(id)),
            Topic::Inbox(UserId(id)),
            Topic::Socket(id),
            Topic::Session(SessionId(id)),
            Topic::Standing(UserId(id)),
            Topic::CompanyStanding(CompanyId(id)),
            Topic::Nodes,
        ];
        let mut signals: Vec<Signal> = topics.into_iter().map(|topic| Signal::new(topic, "text é")).collect();
        signals.push(Signal { seq: Some(u64::MAX), except: Some(id), ..Signal::new(Topic::Room(id), "") });
        Parcel { node: Uuid::from_u128(9), first: 41, signals }
    }

    #[test]
    fn signals_arrive_as_they_left() {
        let whole = parcel();
        assert_eq!(Parcel::open(&whole.seal(&Glass).unwrap(), &Glass), Ok(whole));
        let empty = Parcel { node: Uuid::nil(), first: 1, signals: Vec::new() };
        assert_eq!(Parcel::open(&empty.seal(&Glass).unwrap(), &Glass), Ok(empty));
    }

    #[test]
    fn what_is_cut_or_of_another_layout_is_not_read() {
        let whole = parcel();
        let sealed = whole.seal(&Glass).unwrap();
        for cut in 0..sealed.len() {
            let found = sealed.get(..cut).map(|bytes| Parcel::open(bytes, &Glass)).unwrap();
            // What is cut between two signals is a shorter parcel; a seal would not open.
            let is_shorter = |found: Parcel| found.signals.len() < whole.signals.len();
            assert!(found.map_or_else(|unread| unread == Unread::Noise, is_shorter), "cut at {cut}");
        }
        let mut other = sealed;
        other.splice(0..1, [VERSION + 1]);
        assert_eq!(Parcel::open(&other, &Glass), Err(Unread::Foreign));
    }
}
