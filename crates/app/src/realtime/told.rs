//! What nodes tell each other of their people: who is in which room, and how many sockets each has.
use std::time::Duration;

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
pub(super) const BELIEVED: Duration = Duration::from_secs(25);
/// How many are told at once.
const TOLD_AT_ONCE: usize = 200;

/// Somebody in a room.
pub type Place = (Uuid, UserId);

/// How many sockets somebody has at a node, of all kinds together.
pub(super) type Taken = (UserId, usize);

/// What a node tells the others.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Which node, since it was started.
    pub(super) node: Uuid,
    /// Who is in a room there, on one device at least.
    pub(super) there: Vec<Place>,
    /// Who is no more.
    pub(super) gone: Vec<Place>,
    /// How many sockets people have there; none is said of whoever has none left.
    #[serde(default)]
    pub(super) taken: Vec<Taken>,
}

impl Told {
    /// Nothing, of this node.
    pub(super) fn by(node: Uuid) -> Self {
        Self { node, there: Vec::new(), gone: Vec::new(), taken: Vec::new() }
    }

    /// What other nodes are told.
    ///
    /// # Errors
    /// `internal` when it has no JSON.
    pub(super) fn signal(&self) -> Result<Signal, Problem> {
        Ok(Signal::new(Topic::Nodes, serde_json::to_string(self).map_err(Problem::internal)?))
    }

    /// All these people in rooms of a node, in parts.
    pub(super) fn all_there(node: Uuid, places: &[Place]) -> impl Iterator<Item = Self> {
        places.chunks(TOLD_AT_ONCE).map(move |there| Self { there: there.to_vec(), ..Self::by(node) })
    }

    /// All these people's sockets at a node, in parts.
    pub(super) fn all_taken(node: Uuid, taken: &[Taken]) -> impl Iterator<Item = Self> {
        taken.chunks(TOLD_AT_ONCE).map(move |taken| Self { taken: taken.to_vec(), ..Self::by(node) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_in_parts() {
        let (node, user) = (Uuid::from_u128(2), UserId(Uuid::from_u128(1)));
        let places: Vec<Place> = (0..450).map(|number| (Uuid::from_u128(number), user)).collect();
        let told: Vec<Told> = Told::all_there(node, &places).collect();
        assert_eq!(told.iter().map(|told| told.there.len()).collect::<Vec<_>>(), [200, 200, 50]);
        assert_eq!(told.iter().flat_map(|told| told.there.clone()).collect::<Vec<_>>(), places);
        let taken: Vec<Taken> = (0..201).map(|number| (UserId(Uuid::from_u128(number)), 3)).collect();
        assert_eq!(Told::all_taken(node, &taken).flat_map(|told| told.taken).collect::<Vec<_>>(), taken);
        assert_eq!(Told::all_there(node, &[]).count(), 0);
    }
}
