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
                tracing::warn!("other nodes are out of reach: each reads from the database what they say");
            }
            Gap::Lasts => {}
            Gap::Over => {
                if did_last {
                    tracing::info!("other nodes are heard again");
                }
                sessions.forget_all();
                hub.doubt();
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

    use huntzen_tenancy::live::{GapListener, Signal, Sink, Topic};
    use uuid::Uuid;

    use super::*;
    use crate::realtime::{handle::tests::socket, hub::Pace};

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
        let room = Topic::Room(Uuid::from_u128(7));
        let [(phone, _one), (laptop, _two)] = [socket(1, 1, 1), socket(2, 1, 1)];
        for device in [&phone, &laptop] {
            hub.enter(device);
        }
        hub.subscribe(room, &phone);
        assert_eq!(spotty.published(), [], "there are no others");
        hub.is_among_others();
        hub.tell_who_is_there();
        assert_eq!(spotty.published(), [Topic::Nodes]);
        hub.subscribe(room, &laptop);
        hub.unsubscribe(room, &phone);
        assert_eq!(spotty.published(), [], "somebody is there all along");
        hub.leave_all(&laptop);
        assert_eq!(spotty.published(), [Topic::Nodes]);
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
        spotty.tell(Gap::Over);
        assert!(hub.take_missed() && hub.take_doubt());
        assert!(!hub.take_missed() && !hub.take_doubt());
        drop(hub);
        spotty.tell(Gap::Over);
    }
}
