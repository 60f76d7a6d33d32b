//! Who is in which room on other nodes: told by them when somebody comes or goes, and again every ten seconds.
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use huntzen_tenancy::{
    ids::UserId,
    live::{Signal, Topic},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::Problem;

/// How often a node says who is there.
pub const BETWEEN_TELLING: SignedDuration = SignedDuration::from_secs(10);
/// How long that is believed: a node that was killed takes nobody's leave.
const BELIEVED: Duration = Duration::from_secs(25);
/// How many are told at once.
const TOLD_AT_ONCE: usize = 200;

/// Somebody in a room.
pub type Place = (Uuid, UserId);

/// What a node tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// Which node, since it was started.
    node: Uuid,
    /// Who is in a room there, on one device at least.
    there: Vec<Place>,
    /// Who is no more.
    gone: Vec<Place>,
}

/// The people in rooms of other nodes.
#[derive(Debug)]
pub struct Elsewhere {
    node: Uuid,
    /// On which nodes somebody is in a room, and when each has said so.
    places: Mutex<HashMap<Place, Vec<(Uuid, Instant)>>>,
}

impl Elsewhere {
    /// As seen by this node.
    pub fn seen_by(node: Uuid) -> Self {
        Self { node, places: Mutex::default() }
    }

    /// Whether somebody is in a room of another node, as far as is known.
    pub fn has(&self, place: Place) -> bool {
        let places = self.places();
        places.get(&place).is_some_and(|nodes| nodes.iter().any(|(_, at)| at.elapsed() < BELIEVED))
    }

    /// Takes in what some node tells; what this one has told is no news.
    pub fn hear(&self, text: &str) {
        let Ok(Told { node, there, gone }) = serde_json::from_str(text) else { return };
        if node == self.node {
            return;
        }
        let (now, mut places) = (Instant::now(), self.places());
        for place in there {
            let nodes = places.entry(place).or_default();
            nodes.retain(|(known, _)| *known != node);
            nodes.push((node, now));
        }
        for place in gone {
            if let Some(nodes) = places.get_mut(&place) {
                nodes.retain(|(known, _)| *known != node);
                if nodes.is_empty() {
                    places.remove(&place);
                }
            }
        }
    }

    /// Forgets what is believed no more.
    pub fn sweep(&self) {
        self.places().retain(|_, nodes| {
            nodes.retain(|(_, at)| at.elapsed() < BELIEVED);
            !nodes.is_empty()
        });
    }

    /// What other nodes are told of these people of this one.
    ///
    /// # Errors
    /// `internal` when it has no JSON.
    pub fn there(&self, places: &[Place]) -> Result<Vec<Signal>, Problem> {
        places.chunks(TOLD_AT_ONCE).map(|there| self.told(there.to_vec(), Vec::new())).collect()
    }

    /// What they are told of somebody who has gone.
    ///
    /// # Errors
    /// The same.
    pub fn gone(&self, place: Place) -> Result<Signal, Problem> {
        self.told(Vec::new(), vec![place])
    }

    fn told(&self, there: Vec<Place>, gone: Vec<Place>) -> Result<Signal, Problem> {
        let text = serde_json::to_string(&Told { node: self.node, there, gone }).map_err(Problem::internal)?;
        Ok(Signal::new(Topic::Nodes, text))
    }

    /// A map of owned values is sound even after a panic elsewhere, so poisoning means nothing here.
    fn places(&self) -> MutexGuard<'_, HashMap<Place, Vec<(Uuid, Instant)>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn node(number: u128) -> Elsewhere {
        Elsewhere::seen_by(Uuid::from_u128(number))
    }

    fn place(room: u128, user: u128) -> Place {
        (Uuid::from_u128(room), UserId(Uuid::from_u128(user)))
    }

    #[test]
    fn somebody_is_elsewhere_until_every_other_node_says_they_have_gone() {
        let [here, one, other] = [1, 2, 3].map(node);
        let there = |node: &Elsewhere| node.there(&[place(7, 8)]).unwrap().remove(0).text;
        let gone = |node: &Elsewhere| node.gone(place(7, 8)).unwrap().text;
        here.hear(&there(&here));
        assert!(!here.has(place(7, 8)), "one's own word is no news");
        here.hear(&there(&one));
        here.hear(&there(&one));
        here.hear(&there(&other));
        assert!(here.has(place(7, 8)) && !here.has(place(7, 9)) && !here.has(place(9, 8)));
        here.hear(&gone(&one));
        assert!(here.has(place(7, 8)));
        here.hear(&gone(&other));
        assert!(!here.has(place(7, 8)));
        here.hear("nonsense");
        here.sweep();
        assert!(here.places().is_empty());
    }

    #[test]
    fn many_are_told_in_parts() {
        let many: Vec<Place> = (0..450).map(|number| place(number, 1)).collect();
        let told = node(2).there(&many).unwrap();
        assert_eq!(told.len(), 3);
        let here = node(1);
        for signal in &told {
            here.hear(&signal.text);
        }
        assert!(many.iter().all(|place| here.has(*place)));
        assert!(node(2).there(&[]).unwrap().is_empty());
    }
}
