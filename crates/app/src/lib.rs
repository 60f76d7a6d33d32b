//! Configuration, wiring, HTTP, workers and the command line of the one binary huntzen.

pub mod config;
pub mod embedded;
pub mod http;
pub mod offload;
pub mod server;
pub mod sessions;
pub mod state;
