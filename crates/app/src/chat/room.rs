//! How far one socket is in each conversation that it has joined: what decides what it gets.
use std::collections::HashMap;

use huntzen_clinical::ids::ConsultationId;

/// What to do with a message that the hub brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The client has it, will get it with its history, or does not listen.
    Skip,
    /// It is the next one.
    Send,
    /// Messages after this place are missing before it.
    Fill(Place),
}

/// A place in a conversation, and which joining it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The last message that the client got.
    pub(super) after: u64,
    /// Counts joinings: what was begun under an earlier one is void.
    pub(super) joining: u64,
}

#[derive(Clone, Copy, Debug)]
struct Room {
    joining: u64,
    /// The last message that was sent to the client, once the history was.
    delivered: Option<u64>,
    /// The last message that the hub brought meanwhile.
    seen: u64,
}

/// The conversations that a socket has joined.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<ConsultationId, Room>,
    joinings: u64,
}

impl Rooms {
    /// Joins, or joins again: nothing is sent until [`Rooms::caught_up`]. Answers which joining it
    /// is, and whether it is the first.
    pub(super) fn join(&mut self, consultation: ConsultationId) -> (u64, bool) {
        self.joinings += 1;
        let room = Room { joining: self.joinings, delivered: None, seen: 0 };
        (self.joinings, self.rooms.insert(consultation, room).is_none())
    }

    /// Leaves; `false` when it was not joined.
    pub(super) fn leave(&mut self, consultation: ConsultationId) -> bool {
        self.rooms.remove(&consultation).is_some()
    }

    /// Leaves all.
    pub(super) fn leave_all(&mut self) -> Vec<ConsultationId> {
        self.rooms.drain().map(|(consultation, _)| consultation).collect()
    }

    /// Whether it is joined.
    pub(super) fn has(&self, consultation: ConsultationId) -> bool {
        self.rooms.contains_key(&consultation)
    }

    /// The client has everything up to `place`. Answers what was said meanwhile, if anything.
    pub(super) fn caught_up(&mut self, consultation: ConsultationId, place: Place) -> Step {
        let Some(room) = self.rooms.get_mut(&consultation).filter(|room| room.joining == place.joining) else {
            return Step::Skip;
        };
        room.delivered = Some(place.after);
        if room.seen > place.after { Step::Fill(place) } else { Step::Skip }
    }

    /// The hub brings the message at `seq`.
    pub(super) fn brought(&mut self, consultation: ConsultationId, seq: u64) -> Step {
        let Some(room) = self.rooms.get_mut(&consultation) else { return Step::Skip };
        room.seen = room.seen.max(seq);
        match room.delivered {
            Some(delivered) if seq == delivered + 1 => {
                room.delivered = Some(seq);
                Step::Send
            }
            Some(delivered) if seq > delivered => Step::Fill(Place { after: delivered, joining: room.joining }),
            Some(_) | None => Step::Skip,
        }
    }

    /// Messages up to `last` were read to fill in from `place` on. Answers whether the client is to
    /// get them: not when it has left or joined again meanwhile.
    pub(super) fn filled(&mut self, consultation: ConsultationId, place: Place, last: u64) -> bool {
        let room = self.rooms.get_mut(&consultation).filter(|room| room.joining == place.joining);
        let Some(room) = room.filter(|room| room.delivered == Some(place.after)) else { return false };
        room.delivered = Some(last.max(place.after));
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: ConsultationId = ConsultationId(Uuid::from_u128(1));

    #[test]
    fn what_is_said_while_the_history_is_read_is_neither_lost_nor_twice() {
        let mut rooms = Rooms::default();
        assert_eq!(rooms.brought(ONE, 5), Step::Skip, "nobody listens");
        let (joining, first) = rooms.join(ONE);
        assert!(first);
        assert_eq!((rooms.brought(ONE, 6), rooms.brought(ONE, 7)), (Step::Skip, Step::Skip));
        let place = Place { after: 6, joining };
        assert_eq!(rooms.caught_up(ONE, place), Step::Fill(place));
        assert!(rooms.filled(ONE, place, 7));
        assert_eq!(rooms.brought(ONE, 7), Step::Skip);
        assert_eq!(rooms.brought(ONE, 8), Step::Send);
        assert_eq!(rooms.brought(ONE, 8), Step::Skip);
    }

    #[test]
    fn a_gap_is_filled_before_what_follows_it() {
        let mut rooms = Rooms::default();
        let (joining, _) = rooms.join(ONE);
        assert_eq!(rooms.caught_up(ONE, Place { after: 3, joining }), Step::Skip);
        let place = Place { after: 3, joining };
        assert_eq!(rooms.brought(ONE, 6), Step::Fill(place));
        assert!(rooms.filled(ONE, place, 6));
        assert!(!rooms.filled(ONE, place, 6), "twice");
        assert_eq!(rooms.brought(ONE, 7), Step::Send);
    }

    #[test]
    fn what_an_earlier_joining_began_is_void() {
        let mut rooms = Rooms::default();
        let (old, _) = rooms.join(ONE);
        let (new, first) = rooms.join(ONE);
        assert!(!first);
        assert_eq!(rooms.caught_up(ONE, Place { after: 3, joining: old }), Step::Skip);
        assert_eq!(rooms.brought(ONE, 4), Step::Skip, "still behind");
        assert_eq!(rooms.caught_up(ONE, Place { after: 4, joining: new }), Step::Skip);
        assert!(!rooms.filled(ONE, Place { after: 3, joining: old }, 9));
        assert_eq!(rooms.brought(ONE, 5), Step::Send);
        assert!(rooms.leave(ONE) && !rooms.leave(ONE));
        assert!(!rooms.has(ONE) && rooms.leave_all().is_empty());
        assert_eq!(rooms.brought(ONE, 6), Step::Skip);
    }
}
