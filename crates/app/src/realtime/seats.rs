//! How many sockets a person has: on this node exactly, on others as they tell it.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use huntzen_tenancy::ids::UserId;
use uuid::Uuid;

use super::{
    Hub,
    told::{BELIEVED, Taken, Told},
};

/// Sockets that a person may have open at once, of all kinds and on all nodes together.
pub const MOST_SOCKETS: usize = 10;

/// The sockets of people.
#[derive(Debug)]
pub(super) struct Seats {
    node: Uuid,
    taken: Mutex<HashMap<UserId, Sockets>>,
}

#[derive(Debug, Default)]
struct Sockets {
    /// On this node.
    here: usize,
    /// On other nodes, and when each has said so.
    elsewhere: Vec<(Uuid, usize, Instant)>,
}

impl Sockets {
    fn forget(&mut self, now: Instant) {
        self.elsewhere.retain(|(_, _, at)| now.saturating_duration_since(*at) < BELIEVED);
    }

    fn all(&self) -> usize {
        self.here + self.elsewhere.iter().map(|(_, count, _)| count).sum::<usize>()
    }
}

/// A place among a person's sockets; given back when it is dropped.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    user: UserId,
}

/// Why no socket can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// The person has as many as anybody may have.
    TooMany,
    /// The server stops.
    Closing,
}

impl Seat {
    /// A place that was taken in this hub.
    pub(super) fn taken(hub: Arc<Hub>, user: UserId) -> Self {
        Self { hub, user }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.give_seat_back(self.user);
    }
}

impl Seats {
    /// As seen by this node.
    pub(super) fn seen_by(node: Uuid) -> Self {
        Self { node, taken: Mutex::default() }
    }

    /// One more socket of `user` on this node, unless they have as many as anybody may have. Two nodes that are asked
    /// in the same instant may both agree. Other nodes are told before anybody else is counted: `tell` must not wait,
    /// nor ask this.
    pub(super) fn take(&self, user: UserId, now: Instant, tell: impl FnOnce(Told)) -> bool {
        let mut taken = self.locked();
        let sockets = taken.entry(user).or_default();
        sockets.forget(now);
        if sockets.all() >= MOST_SOCKETS {
            return false;
        }
        sockets.here += 1;
        tell(self.told(user, sockets.here));
        true
    }

    /// One socket less.
    pub(super) fn give_back(&self, user: UserId, tell: impl FnOnce(Told)) {
        let mut taken = self.locked();
        let Some(sockets) = taken.get_mut(&user) else { return };
        sockets.here = sockets.here.saturating_sub(1);
        tell(self.told(user, sockets.here));
        if sockets.all() == 0 {
            taken.remove(&user);
        }
    }

    fn told(&self, user: UserId, here: usize) -> Told {
        Told { taken: vec![(user, here)], ..Told::by(self.node) }
    }

    /// Takes in what another node tells.
    pub(super) fn hear(&self, told: &Told, now: Instant) {
        let mut taken = self.locked();
        for (user, count) in &told.taken {
            let sockets = taken.entry(*user).or_default();
            sockets.elsewhere.retain(|(node, _, _)| *node != told.node);
            if *count > 0 {
                sockets.elsewhere.push((told.node, *count, now));
            } else if sockets.all() == 0 {
                taken.remove(user);
            }
        }
    }

    /// Forgets what is believed no more.
    pub(super) fn sweep(&self, now: Instant) {
        self.locked().retain(|_, sockets| {
            sockets.forget(now);
            sockets.all() > 0
        });
    }

    /// Tells other nodes how many each has on this one.
    pub(super) fn tell_all(&self, tell: impl FnMut(Told)) {
        let taken = self.locked();
        let here = taken.iter().filter(|(_, sockets)| sockets.here > 0);
        let here: Vec<Taken> = here.map(|(user, sockets)| (*user, sockets.here)).collect();
        // Before one is given back that this counts.
        Told::all_taken(self.node, &here).for_each(tell);
        drop(taken);
    }

    /// A map of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
    fn locked(&self) -> MutexGuard<'_, HashMap<UserId, Sockets>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserId = UserId(Uuid::from_u128(8));

    fn here(seats: &Seats) -> Vec<Taken> {
        let mut here = Vec::new();
        seats.tell_all(|told| here.extend(told.taken));
        here
    }

    #[test]
    fn ten_are_counted_over_all_nodes() {
        let [one, other] = [1, 2].map(|node| Seats::seen_by(Uuid::from_u128(node)));
        let now = Instant::now();
        for number in 0..10 {
            let (seats, others) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
            assert!(seats.take(USER, now, |told| others.hear(&told, now)));
        }
        assert!(!one.take(USER, now, drop) && !other.take(USER, now, drop));
        assert!(one.take(UserId(Uuid::nil()), now, drop), "somebody else");
        other.give_back(USER, |told| one.hear(&told, now));
        assert_eq!((here(&one).len(), here(&other)), (2, vec![(USER, 4)]));
        assert!(one.take(USER, now, |told| other.hear(&told, now)) && !other.take(USER, now, drop));
        // A node that was killed says nothing any more.
        let later = now + BELIEVED;
        assert!((0..6).all(|_| other.take(USER, later, drop)) && !other.take(USER, later, drop));
        other.sweep(later);
        assert_eq!(here(&other), [(USER, 10)]);
    }

    #[test]
    fn nothing_is_left_of_whoever_has_none() {
        let [one, other] = [1, 2].map(|node| Seats::seen_by(Uuid::from_u128(node)));
        let now = Instant::now();
        assert!(one.take(USER, now, |told| other.hear(&told, now)));
        assert_eq!(other.locked().len(), 1);
        one.give_back(USER, |told| other.hear(&told, now));
        assert!(one.locked().is_empty() && other.locked().is_empty());
        one.give_back(USER, drop);
        assert!(one.take(USER, now, |told| other.hear(&told, now)));
        other.sweep(now + BELIEVED);
        assert!(other.locked().is_empty());
    }
}
