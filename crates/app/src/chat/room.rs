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
    /// The last message that the hub brought meanwhile, or that is known to be there.
    seen: u64,
    /// Whether the client was found to take part: before that nothing of the room is for it.
    is_admitted: bool,
}

/// A room as it was before it was joined again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before(Room);

/// The conversations that a socket has joined.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: HashMap<ConsultationId, Room>,
    joinings: u64,
}

impl Rooms {
    /// Joins, or joins again: no message is sent until [`Rooms::caught_up`]. Answers which joining it
    /// is, and how it was joined before.
    pub(super) fn join(&mut self, consultation: ConsultationId) -> (u64, Option<Before>) {
        self.joinings += 1;
        let before = self.rooms.get(&consultation).copied();
        let is_admitted = before.is_some_and(|room| room.is_admitted);
        let room = Room { joining: self.joinings, delivered: None, seen: 0, is_admitted };
        self.rooms.insert(consultation, room);
        (self.joinings, before.map(Before))
    }

    /// The client takes part.
    pub(super) fn admit(&mut self, consultation: ConsultationId) {
        if let Some(room) = self.rooms.get_mut(&consultation) {
            room.is_admitted = true;
        }
    }

    /// Takes a joining back that failed: the client is where it was before. Answers from which place
    /// on it may have missed something.
    pub(super) fn restore(&mut self, consultation: ConsultationId, Before(before): Before) -> Option<Place> {
        let room = self.rooms.get_mut(&consultation)?;
        // What an earlier joining still reads is void; it is read anew from the place.
        let (joining, seen) = (room.joining, room.seen.max(before.seen));
        *room = Room { joining, seen, ..before };
        before.delivered.map(|after| Place { after, joining })
    }

    /// There are messages after `place` that the client is to get as well.
    pub(super) fn goes_on(&mut self, consultation: ConsultationId, place: Place) {
        if let Some(room) = self.rooms.get_mut(&consultation).filter(|room| room.joining == place.joining) {
            room.seen = room.seen.max(place.after + 1);
        }
    }

    /// Leaves; `false` when it was not joined.
    pub(super) fn leave(&mut self, consultation: ConsultationId) -> bool {
        self.rooms.remove(&consultation).is_some()
    }

    /// Whether what happens in it is for the client.
    pub(super) fn hears(&self, consultation: ConsultationId) -> bool {
        self.rooms.get(&consultation).is_some_and(|room| room.is_admitted)
    }

    /// The client has everything up to `place`. Answers what was said meanwhile, if anything.
    pub(super) fn caught_up(&mut self, consultation: ConsultationId, place: Place) -> Step {
        let Some(room) = self.rooms.get_mut(&consultation).filter(|room| room.joining == place.joining) else {
            return Step::Skip;
        };
        let after = room.delivered.map_or(place.after, |delivered| delivered.max(place.after));
        room.delivered = Some(after);
        if room.seen > after { Step::Fill(Place { after, ..place }) } else { Step::Skip }
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

    /// There is a message at `seq`, which the hub does not bring.
    pub(super) fn known(&mut self, consultation: ConsultationId, seq: u64) -> Step {
        let Some(room) = self.rooms.get_mut(&consultation) else { return Step::Skip };
        room.seen = room.seen.max(seq);
        match room.delivered {
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
        let (joining, before) = rooms.join(ONE);
        assert!(before.is_none() && !rooms.hears(ONE));
        rooms.admit(ONE);
        assert!(rooms.hears(ONE));
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
    fn what_is_only_known_of_is_read_by_whoever_lacks_it() {
        let mut rooms = Rooms::default();
        let (joining, _) = rooms.join(ONE);
        assert_eq!(rooms.known(ONE, 4), Step::Skip, "the history comes first");
        let place = Place { after: 3, joining };
        assert_eq!(rooms.caught_up(ONE, place), Step::Fill(place));
        assert!(rooms.filled(ONE, place, 4));
        assert_eq!(rooms.known(ONE, 4), Step::Skip);
        assert_eq!(rooms.known(ONE, 5), Step::Fill(Place { after: 4, joining }));
    }

    #[test]
    fn what_an_earlier_joining_began_is_void() {
        let mut rooms = Rooms::default();
        let (old, _) = rooms.join(ONE);
        let (new, before) = rooms.join(ONE);
        assert!(before.is_some() && !rooms.hears(ONE), "not found to take part yet");
        assert_eq!(rooms.caught_up(ONE, Place { after: 3, joining: old }), Step::Skip);
        assert_eq!(rooms.brought(ONE, 4), Step::Skip, "still behind");
        assert_eq!(rooms.caught_up(ONE, Place { after: 4, joining: new }), Step::Skip);
        assert!(!rooms.filled(ONE, Place { after: 3, joining: old }, 9));
        assert_eq!(rooms.brought(ONE, 5), Step::Send);
        assert!(rooms.leave(ONE) && !rooms.leave(ONE));
        assert!(!rooms.hears(ONE));
        assert_eq!(rooms.brought(ONE, 6), Step::Skip);
    }

    #[test]
    fn a_joining_that_fails_leaves_the_client_where_it_was() {
        let mut rooms = Rooms::default();
        let (joining, _) = rooms.join(ONE);
        rooms.admit(ONE);
        assert_eq!(rooms.caught_up(ONE, Place { after: 3, joining }), Step::Skip);
        let (_, before) = rooms.join(ONE);
        assert!(rooms.hears(ONE));
        assert_eq!(rooms.brought(ONE, 4), Step::Skip, "held back");
        let place = before.and_then(|before| rooms.restore(ONE, before)).unwrap_or(Place { after: 0, joining: 0 });
        assert_eq!(place.after, 3);
        assert!(!rooms.filled(ONE, Place { after: 3, joining }, 9), "what was begun before is void");
        assert_eq!(rooms.caught_up(ONE, place), Step::Fill(place));
        assert!(rooms.filled(ONE, place, 4));
        assert_eq!(rooms.brought(ONE, 5), Step::Send);
    }

    #[test]
    fn a_long_absence_is_made_up_for_part_by_part() {
        let mut rooms = Rooms::default();
        let (joining, _) = rooms.join(ONE);
        let place = |after| Place { after, joining };
        rooms.goes_on(ONE, place(100));
        assert_eq!(rooms.caught_up(ONE, place(100)), Step::Fill(place(100)));
        assert!(rooms.filled(ONE, place(100), 200));
        rooms.goes_on(ONE, place(200));
        // What is said meanwhile comes after what was missed, and what it fills is not sent again.
        assert_eq!(rooms.brought(ONE, 251), Step::Fill(place(200)));
        assert!(rooms.filled(ONE, place(200), 251));
        assert_eq!(rooms.caught_up(ONE, place(200)), Step::Skip);
        assert_eq!(rooms.brought(ONE, 252), Step::Send);
    }
}
