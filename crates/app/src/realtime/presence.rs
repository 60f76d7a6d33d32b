//! Who is in which room: on this node by their devices, on others by what those tell when somebody comes or goes, and
//! again every ten seconds.
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use uuid::Uuid;

use super::told::{BELIEVED, Place, Told};

/// The people in rooms. What is told of a change is told before there is another one, so that what others hear last is
/// what is so: whoever tells must not wait, nor ask here.
#[derive(Debug)]
pub(super) struct Presence {
    node: Uuid,
    people: Mutex<People>,
}

#[derive(Debug, Default)]
struct People {
    places: HashMap<Place, Devices>,
    /// Who counts as gone because nothing was heard of them for too long.
    lapsed: HashSet<Place>,
}

/// Where somebody is in a room.
#[derive(Debug, Default)]
struct Devices {
    /// The sockets of this node.
    here: Vec<Uuid>,
    /// The other nodes, and when each has said so.
    elsewhere: Vec<(Uuid, Instant)>,
}

impl Devices {
    fn has_somebody(&self, now: Instant) -> bool {
        !self.here.is_empty() || self.elsewhere.iter().any(|(_, at)| is_believed(*at, now))
    }
}

fn is_believed(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < BELIEVED
}

impl Presence {
    /// As seen by this node.
    pub(super) fn seen_by(node: Uuid) -> Self {
        Self { node, people: Mutex::default() }
    }

    /// Whether somebody is in a room, as far as is known.
    pub(super) fn has(&self, place: Place, now: Instant) -> bool {
        self.people().places.get(&place).is_some_and(|devices| devices.has_somebody(now))
    }

    /// Somebody comes into a room with a device of this node; `tell` is for the other nodes, of the first one.
    pub(super) fn come(&self, place: Place, socket: Uuid, tell: impl FnOnce(Told)) {
        let mut people = self.people();
        people.lapsed.remove(&place);
        let devices = people.places.entry(place).or_default();
        if devices.here.contains(&socket) {
            return;
        }
        devices.here.push(socket);
        if devices.here.len() == 1 {
            tell(Told { there: vec![place], ..Told::by(self.node) });
        }
    }

    /// A device of this node leaves a room; `tell` is for the other nodes, of the last one, and `turn` for this one's
    /// room when nobody of them is left on any node.
    pub(super) fn go(
        &self,
        place: Place,
        socket: Uuid,
        now: Instant,
        tell: impl FnOnce(Told),
        turn: impl FnOnce(Place, bool),
    ) {
        let mut people = self.people();
        let Some(devices) = people.places.get_mut(&place) else { return };
        let before = devices.here.len();
        devices.here.retain(|known| *known != socket);
        if devices.here.len() == before || !devices.here.is_empty() {
            return;
        }
        tell(Told { gone: vec![place], ..Told::by(self.node) });
        if !devices.has_somebody(now) {
            people.places.remove(&place);
            turn(place, false);
        }
    }

    /// Takes in what another node tells; `turn` for whoever is there no more on any node, or counted as gone and was
    /// there all along.
    pub(super) fn hear(&self, told: Told, now: Instant, mut turn: impl FnMut(Place, bool)) {
        let Told { node, there, gone, taken: _ } = told;
        let mut people = self.people();
        for place in there {
            let devices = people.places.entry(place).or_default();
            devices.elsewhere.retain(|(known, _)| *known != node);
            devices.elsewhere.push((node, now));
            if people.lapsed.remove(&place) {
                turn(place, true);
            }
        }
        for place in gone {
            let Some(devices) = people.places.get_mut(&place) else { continue };
            devices.elsewhere.retain(|(known, _)| *known != node);
            if !devices.has_somebody(now) {
                people.places.remove(&place);
                turn(place, false);
            }
        }
    }

    /// Forgets what is believed no more; `turn` for whoever is gone by that, in the rooms that `is_joined` here.
    pub(super) fn sweep(&self, is_joined: impl Fn(Uuid) -> bool, now: Instant, mut turn: impl FnMut(Place, bool)) {
        let mut people = self.people();
        let People { places, lapsed } = &mut *people;
        places.retain(|place, devices| {
            devices.elsewhere.retain(|(_, at)| is_believed(*at, now));
            let stays = devices.has_somebody(now);
            if !stays && is_joined(place.0) {
                lapsed.insert(*place);
                turn(*place, false);
            }
            stays
        });
        lapsed.retain(|(room, _)| is_joined(*room));
    }

    /// Tells other nodes everybody who is in a room of this one.
    pub(super) fn tell_all(&self, tell: impl FnMut(Told)) {
        let people = self.people();
        let here = people.places.iter().filter(|(_, devices)| !devices.here.is_empty());
        let places: Vec<Place> = here.map(|(place, _)| *place).collect();
        // Before anybody leaves whom this says to be there.
        Told::all_there(self.node, &places).for_each(tell);
        drop(people);
    }

    /// A map of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::ids::UserId;

    use super::*;

    const PLACE: Place = (Uuid::from_u128(7), UserId(Uuid::from_u128(8)));
    const TAB: Uuid = Uuid::from_u128(9);

    fn seen() -> (Presence, Instant) {
        (Presence::seen_by(Uuid::from_u128(1)), Instant::now())
    }

    fn there(node: u128) -> Told {
        Told { there: vec![PLACE], ..Told::by(Uuid::from_u128(node)) }
    }

    fn gone(node: u128) -> Told {
        Told { gone: vec![PLACE], ..Told::by(Uuid::from_u128(node)) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "whoever tells gives it away")]
    fn unheard(told: Told) {
        panic!("{told:?} is told");
    }

    fn unturned(place: Place, is_online: bool) {
        panic!("{place:?} is told: {is_online}");
    }

    /// What the room is told when another node tells this.
    fn heard(presence: &Presence, told: Told, now: Instant) -> Vec<bool> {
        let mut turns = Vec::new();
        presence.hear(told, now, |place, is_online| {
            assert_eq!(place, PLACE);
            turns.push(is_online);
        });
        turns
    }

    #[test]
    fn somebody_is_there_until_every_node_says_they_have_gone() {
        let (presence, now) = seen();
        for told in [there(2), there(2), there(3)] {
            presence.hear(told, now, unturned);
        }
        assert!(presence.has(PLACE, now) && !presence.has((TAB, PLACE.1), now));
        presence.hear(gone(2), now, unturned);
        assert!(presence.has(PLACE, now));
        assert_eq!(heard(&presence, gone(3), now), [false]);
        presence.hear(gone(3), now, unturned);
        assert!(!presence.has(PLACE, now) && presence.people().places.is_empty());
    }

    #[test]
    fn the_first_device_and_the_last_one_are_told() {
        let (presence, now) = seen();
        let (mut told, mut turns) = (Vec::new(), Vec::new());
        presence.come(PLACE, TAB, |one| told.push(one));
        presence.come(PLACE, TAB, unheard);
        presence.come(PLACE, Uuid::nil(), unheard);
        presence.tell_all(|one| told.push(one));
        presence.go(PLACE, TAB, now, unheard, unturned);
        presence.go(PLACE, TAB, now, unheard, unturned);
        presence.go(PLACE, Uuid::nil(), now, |one| told.push(one), |place, is_online| turns.push((place, is_online)));
        assert_eq!((told, turns), (vec![there(1), there(1), gone(1)], vec![(PLACE, false)]));
        presence.go(PLACE, Uuid::nil(), now, unheard, unturned);
        presence.tell_all(unheard);
    }

    #[test]
    fn of_two_nodes_that_lose_their_last_device_at_once_each_finds_out() {
        let (presence, now) = seen();
        presence.come(PLACE, TAB, drop);
        presence.hear(there(2), now, unturned);
        // As far as is known they are still on the other.
        presence.go(PLACE, TAB, now, drop, unturned);
        assert_eq!(heard(&presence, gone(2), now), [false]);
        presence.come(PLACE, TAB, drop);
        presence.hear(there(2), now, unturned);
        presence.hear(gone(2), now, unturned);
        let mut turns = Vec::new();
        presence.go(PLACE, TAB, now, drop, |_, is_online| turns.push(is_online));
        assert_eq!(turns, [false]);
    }

    #[test]
    fn who_is_not_heard_of_any_more_is_gone_and_may_come_back() {
        let (presence, begun) = seen();
        presence.hear(there(2), begun, unturned);
        presence.sweep(|_| true, begun, unturned);
        let later = begun + BELIEVED;
        assert!(!presence.has(PLACE, later));
        let mut turns = Vec::new();
        presence.sweep(|room| room == PLACE.0, later, |place, is_online| turns.push((place, is_online)));
        assert_eq!(turns, [(PLACE, false)]);
        presence.sweep(|_| true, later, unturned);
        assert_eq!(heard(&presence, there(2), later), [true]);
        presence.hear(there(2), later, unturned);
        // Where nobody of this node is, nobody is told.
        let later = later + BELIEVED;
        presence.sweep(|_| false, later, unturned);
        presence.hear(there(2), later, unturned);
        // Whoever has another device here is there.
        presence.come(PLACE, TAB, drop);
        presence.sweep(|_| true, later + BELIEVED, unturned);
    }
}
