//! What the use cases of articles and news stand on.
use std::sync::Arc;

use super::{text::Markdown, visit::VisitorKeys};
use crate::{
    TenancyStore,
    clock::{Clock, Randomness},
};

/// The store, the time, randomness, and what renders texts and stands for visitors.
#[derive(Clone)]
pub struct ContentPorts {
    /// The store.
    pub store: Arc<dyn TenancyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids and salts come from.
    pub randomness: Arc<dyn Randomness>,
    /// Renders texts.
    pub markdown: Arc<dyn Markdown>,
    /// Stands for visitors.
    pub visitor_keys: Arc<dyn VisitorKeys>,
}
