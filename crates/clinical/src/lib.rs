//! What only the two participants of a consultation may see: for now its rules, namely who is
//! barred, when a conversation is open, and how long notes are kept.
pub mod conversation;
pub mod guard;
pub mod retention;
