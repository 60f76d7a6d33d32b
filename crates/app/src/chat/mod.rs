//! Conversations at the edge: the one writer of this node, and what clients say on `/chat`.
pub mod bodies;
pub mod protocol;
pub mod queue;
mod room;

pub use protocol::ChatSocket;
pub use queue::MessageQueue;
