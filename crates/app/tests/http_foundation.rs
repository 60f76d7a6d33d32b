//! The HTTP foundation in process, over a handful of routes of its own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "http_foundation/house.rs"]
mod house;
#[path = "http_foundation/routes.rs"]
mod routes;

#[path = "http_foundation/access.rs"]
mod access;
#[path = "http_foundation/document.rs"]
mod document;
#[cfg(all(feature = "otlp", feature = "sentry"))]
#[path = "http_foundation/exporters.rs"]
mod exporters;
#[path = "http_foundation/headers.rs"]
mod headers;
#[path = "http_foundation/input.rs"]
mod input;
#[path = "http_foundation/serving.rs"]
mod serving;
