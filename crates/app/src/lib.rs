//! Configuration, wiring, HTTP, workers and the command line of the one binary huntzen.

pub mod config;
pub mod embedded;
