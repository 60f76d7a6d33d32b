//! Configuration, wiring, HTTP, workers and the command line of the one binary huntzen.
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod demo;
pub mod embedded;
pub mod http;
pub mod offload;
pub mod probe;
pub mod server;
pub mod services;
pub mod sessions;
pub mod state;
pub mod telemetry;
pub mod wiring;
pub mod workers;
