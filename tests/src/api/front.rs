//! Another application over a world, with limits of its own, and tallies that can be cut off from it.
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use actix_web::{http::Method, test::TestRequest};
use huntzen_adapter_memory::MemoryTallies;
use huntzen_tenancy::{
    StoreError,
    limits::{Bound, Portion, Standing, Taken, Tallies, TallyKey},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Answer, serving::Door};

/// Tallies that may be elsewhere, and out of reach.
#[derive(Debug, Default)]
pub struct FarTallies {
    tallies: MemoryTallies,
    is_far: AtomicBool,
    is_cut_off: AtomicBool,
    asked: AtomicUsize,
}

impl FarTallies {
    /// From now on they are asked as those that have to be waited for.
    pub fn move_away(&self) {
        self.is_far.store(true, Ordering::SeqCst);
    }

    /// From now on they are out of reach, or not any more.
    pub fn cut_off(&self, is_cut_off: bool) {
        self.is_cut_off.store(is_cut_off, Ordering::SeqCst);
    }

    /// How often they were asked something.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn reached(&self) -> Result<&MemoryTallies, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_cut_off.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("cut off".into()));
        }
        Ok(&self.tallies)
    }
}

impl Tallies for FarTallies {
    fn is_at_hand(&self) -> bool {
        !self.is_far.load(Ordering::SeqCst)
    }

    fn take(&self, bounds: &[Bound], window: SignedDuration, now: Timestamp) -> Result<Taken, StoreError> {
        self.reached()?.take(bounds, window, now)
    }

    fn full(&self, bounds: &[Bound], now: Timestamp) -> Result<Option<Standing>, StoreError> {
        self.reached()?.full(bounds, now)
    }

    fn give_back(&self, returned: &[Portion], forgotten: Option<TallyKey>) -> Result<(), StoreError> {
        self.reached()?.give_back(returned, forgotten)
    }
}

/// Another application over the same world.
pub struct Front {
    pub(super) door: Door,
    /// What it counts with.
    pub tallies: Arc<FarTallies>,
}

impl Front {
    /// Sends a request from this address, on some port.
    pub async fn send(&self, from: &str, request: TestRequest) -> Answer {
        let peer = (from.parse::<std::net::IpAddr>().unwrap(), 4711).into();
        (self.door)(request.peer_addr(peer)).await
    }

    /// `GET` from this address, with this access token unless it is empty.
    pub async fn get(&self, from: &str, token: &str, path: &str) -> Answer {
        self.send(from, signed(TestRequest::with_uri(path), token)).await
    }

    /// `POST` from this address, likewise.
    pub async fn post(&self, from: &str, token: &str, path: &str, body: &Value) -> Answer {
        let request = TestRequest::with_uri(path).method(Method::POST).set_json(body);
        self.send(from, signed(request, token)).await
    }
}

fn signed(request: TestRequest, token: &str) -> TestRequest {
    if token.is_empty() { request } else { request.insert_header(("authorization", format!("Bearer {token}"))) }
}
