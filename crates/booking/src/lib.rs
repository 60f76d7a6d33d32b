//! Practitioners, availability, slots and consultations.
