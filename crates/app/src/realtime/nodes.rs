//! What a node does about signals of others that it may have missed.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use huntzen_tenancy::live::{Broadcast, Gap};

use super::Hub;
use crate::{sessions::SessionCache, workers::Bell};

/// From now on, whenever signals may have been missed, the live worker looks how far this node's rooms are. When it is
/// over, nothing is believed of any session either that was not read since. While it lasts both are as old as they are
/// allowed to be anyway: the sockets' sessions are looked at every few seconds, those of requests once a minute.
pub fn mind_gaps(broadcast: &dyn Broadcast, hub: &Arc<Hub>, sessions: &Arc<SessionCache>, bell: &Arc<Bell>) {
    let (hub, sessions, bell) = (Arc::downgrade(hub), Arc::downgrade(sessions), Arc::downgrade(bell));
    let lasts = AtomicBool::new(false);
    broadcast.when_missed(Arc::new(move |gap| {
        let (Some(hub), Some(sessions), Some(bell)) = (hub.upgrade(), sessions.upgrade(), bell.upgrade()) else {
            return;
        };
        let did_last = lasts.swap(gap == Gap::Lasts, Ordering::SeqCst);
        match gap {
            Gap::Lasts if !did_last => {
                tracing::warn!("other nodes are out of reach, all or some: what they say is read from the database");
            }
            Gap::Lasts => {}
            Gap::Over => {
                if did_last {
                    tracing::info!("other nodes are heard again");
                }
                sessions.forget_all();
                hub.doubt();
                hub.tell_again();
            }
        }
        hub.is_among_others();
        hub.has_missed();
        bell.ring();
    }));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::Mutex;

    use huntzen_tenancy::{
        ids::UserId,
        live::{GapListener, Signal, Sink, Topic},
    };
    use uuid::Uuid;

    use super::*;
    use crate::realtime::{handle::Item, handle::tests::socket, hub::Pace, seats::MOST_SOCKETS};

    const ROOM: Uuid = Uuid::from_u128(7);

    #[derive(Default)]
    struct Spotty {
        published: Mutex<Vec<Signal>>,
        listeners: Mutex<Vec<GapListener>>,
    }

    impl Spotty {
        fn tell(&self, gap: Gap) {
            self.listeners.lock().unwrap().iter().for_each(|listener| listener(gap));
        }

        fn published(&self) -> Vec<Topic> {
            self.published.lock().unwrap().drain(..).map(|signal| signal.topic).collect()
        }
    }

    impl Broadcast for Spotty {
        fn publish(&self, signal: Signal) {
            self.published.lock().unwrap().push(signal);
        }

        fn subscribe(&self, _: Sink) {}

        fn when_missed(&self, listener: GapListener) {
            self.listeners.lock().unwrap().push(listener);
        }
    }

    fn hub_behind(spotty: &Arc<Spotty>) -> Arc<Hub> {
        let broadcast: Arc<dyn Broadcast> = Arc::<Spotty>::clone(spotty);
        Hub::new(&broadcast, Pace::default(), Uuid::from_u128(1))
    }

    #[test]
    fn what_is_for_one_socket_of_this_node_goes_no_further() {
        let spotty = Arc::new(Spotty::default());
        let hub = hub_behind(&spotty);
        let (near, mut waiting) = socket(1, 1, 1);
        hub.enter(&near);
        hub.publish(Signal::new(Topic::Socket(near.id()), "a note"));
        assert!(waiting.try_recv().is_ok());
        let far = Topic::Socket(Uuid::from_u128(2));
        hub.publish(Signal::new(far, "a note"));
        assert_eq!(spotty.published(), [far]);
    }

    #[test]
    fn others_are_told_who_comes_first_and_who_goes_last() {
        let spotty = Arc::new(Spotty::default());
        let hub = hub_behind(&spotty);
        let [(phone, _one), (laptop, _two)] = [socket(1, 1, 1), socket(2, 1, 1)];
        for device in [&phone, &laptop] {
            hub.enter(device);
            assert!(!hub.arrive(ROOM, device), "nobody is in a room who does not listen to it");
            hub.subscribe(Topic::Room(ROOM), device);
        }
        assert!(hub.arrive(ROOM, &phone));
        assert_eq!(spotty.published(), [], "there are no others");
        hub.is_among_others();
        hub.tell_who_is_there();
        assert_eq!(spotty.published(), [Topic::Nodes; 2], "that it is there, and who is");
        assert!(hub.arrive(ROOM, &laptop));
        hub.unsubscribe(Topic::Room(ROOM), &phone);
        assert_eq!(spotty.published(), [], "somebody is there all along");
        assert!(hub.has(ROOM, laptop.user()));
        hub.leave_all(&laptop);
        assert_eq!(spotty.published(), [Topic::Nodes]);
        assert!(!hub.has(ROOM, laptop.user()) && !hub.arrive(ROOM, &laptop));
        hub.subscribe(Topic::Room(ROOM), &laptop);
        assert!(!hub.arrive(ROOM, &laptop), "a socket that has ended is nowhere");
    }

    /// What the other node tells, as its signals say it.
    fn told(spotty: &Spotty) -> Vec<Signal> {
        spotty.published.lock().unwrap().drain(..).filter(|signal| signal.topic == Topic::Nodes).collect()
    }

    /// Brings it to another.
    fn pass(from: &Spotty, to: &Hub) {
        for signal in told(from) {
            to.deliver(signal);
        }
    }

    fn two_nodes() -> [(Arc<Spotty>, Arc<Hub>); 2] {
        [1, 2].map(|number| {
            let spotty = Arc::new(Spotty::default());
            let broadcast: Arc<dyn Broadcast> = Arc::<Spotty>::clone(&spotty);
            let hub = Hub::new(&broadcast, Pace::default(), Uuid::from_u128(number));
            hub.is_among_others();
            (spotty, hub)
        })
    }

    #[test]
    fn a_newcomer_is_told_at_once_who_is_there_and_rooms_who_goes() {
        let [(spotty, hub), (other_spotty, other)] = two_nodes();
        let (marc, mut waiting) = socket(1, 1, 1);
        let (sophie, _waiting) = socket(2, 2, 2);
        for (hub, device) in [(&hub, &marc), (&other, &sophie)] {
            hub.enter(device);
            hub.subscribe(Topic::Room(ROOM), device);
            assert!(hub.arrive(ROOM, device));
        }
        told(&spotty);
        assert!(!hub.take_telling());
        // Whoever is new says so by telling what it knows, or that it knows nobody.
        pass(&other_spotty, &hub);
        assert!(hub.take_telling() && !hub.take_telling());
        assert!(hub.has(ROOM, sophie.user()));
        hub.tell_who_is_there();
        pass(&spotty, &other);
        assert!(other.has(ROOM, marc.user()) && other.take_telling());
        other.tell_who_is_there();
        pass(&other_spotty, &hub);
        assert!(!hub.take_telling(), "it is known by now");
        assert!(waiting.try_recv().is_err(), "nothing happens in the room by that");
        other.leave_all(&sophie);
        pass(&other_spotty, &hub);
        let Item::Signal(signal) = waiting.try_recv().unwrap() else { panic!("no signal") };
        assert!(signal.text.contains("chat:presence") && signal.text.contains("false"), "{}", signal.text);
    }

    #[test]
    fn ten_sockets_are_counted_over_two_hubs() {
        let [(spotty, hub), (other_spotty, other)] = two_nodes();
        let user = UserId(Uuid::from_u128(1));
        let seat = |on: &Arc<Hub>| {
            pass(&spotty, &other);
            pass(&other_spotty, &hub);
            on.seat(user).ok()
        };
        let mut seats: Vec<_> = [&hub, &other].into_iter().cycle().take(MOST_SOCKETS).map_while(seat).collect();
        assert_eq!(seats.len(), MOST_SOCKETS);
        assert!(seat(&hub).is_none() && seat(&other).is_none());
        seats.pop();
        for on in [&other, &hub] {
            assert!(seat(on).is_some());
        }
    }

    #[test]
    fn rooms_are_looked_at_while_it_lasts_and_sessions_when_it_is_over() {
        let spotty = Arc::new(Spotty::default());
        let hub = hub_behind(&spotty);
        let (sessions, bell) = (Arc::new(SessionCache::new(16)), Arc::default());
        mind_gaps(spotty.as_ref(), &hub, &sessions, &bell);
        assert!(!hub.take_missed() && !hub.take_doubt());
        for _ in 0..2 {
            spotty.tell(Gap::Lasts);
            assert!(hub.take_missed() && !hub.take_doubt());
        }
        assert!(!hub.take_telling());
        spotty.tell(Gap::Over);
        assert!(hub.take_missed() && hub.take_doubt() && hub.take_telling());
        assert!(!hub.take_missed() && !hub.take_doubt());
        drop(hub);
        spotty.tell(Gap::Over);
    }
}
