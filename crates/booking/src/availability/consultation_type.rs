//! The types of consultation, and sets of them.
use huntzen_tenancy::words::Words;
use serde::{Deserialize, Serialize};

huntzen_tenancy::words! {
    /// How a consultation takes place.
    ConsultationType {
        /// In a room with picture and sound.
        Video = "VIDEO",
        /// In a room with sound alone.
        Audio = "AUDIO",
        /// By telephone.
        Phone = "PHONE",
        /// In writing.
        Chat = "CHAT",
    }
}

impl ConsultationType {
    /// Whether it takes place in a room of the room server.
    pub const fn has_room(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Video => 1,
            Self::Audio => 2,
            Self::Phone => 4,
            Self::Chat => 8,
        }
    }
}

/// A set of types of consultation. It may be empty; a rule and extra hours never hold an empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TypeSet(u8);

impl TypeSet {
    /// No type.
    pub const EMPTY: Self = Self(0);
    /// All four types.
    pub const ALL: Self = Self(0b1111);

    /// The set as it is stored: the sum of 1 for video, 2 for audio, 4 for the telephone and 8
    /// for chat.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set that is stored as these bits; `None` when one of them stands for no type.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits <= Self::ALL.0 { Some(Self(bits)) } else { None }
    }

    /// Whether `kind` is a member.
    pub const fn contains(self, kind: ConsultationType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether it has no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The members, in the order of [`ConsultationType::ALL`](Words::ALL).
    pub fn iter(self) -> impl Iterator<Item = ConsultationType> {
        ConsultationType::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<ConsultationType> for TypeSet {
    fn from_iter<I: IntoIterator<Item = ConsultationType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

impl Serialize for TypeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for TypeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<ConsultationType>::deserialize(deserializer).map(Self::from_iter)
    }
}
