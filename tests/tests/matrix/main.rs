//! Who may do what over HTTP and on sockets, cell by cell; bad credentials; races for tokens.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
mod cells;
mod credentials;
mod invitations;
mod races;
mod requests;
mod sockets;
mod table;
mod troupe;
