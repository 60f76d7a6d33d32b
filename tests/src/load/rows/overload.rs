//! More than the server can do: twice and five times the rate of its peak, and a flood of sign-ins.
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread::scope,
};

use serde_json::json;

use super::{Bench, Captured, get};
use crate::{
    load::{
        clients::Request,
        dataset::{Kind, PEOPLE, id},
        flood::{Withstood, flood},
        table::shown,
    },
    server::Server,
};

/// How many requests a second ask for something else while sign-ins flood in: a fraction of what the
/// server can do, so that what they wait for is the flood alone.
const STEADY: f64 = 200.0;
/// Sign-ins a second: some ten times as many as one core can compare passwords.
const SIGN_INS: f64 = 200.0;

impl Bench<'_> {
    /// Bookings at twice and at five times the rate of the peak.
    pub(super) fn overload(&mut self, server: &Server<'_>, captured: &Captured) {
        if !self.options.wants("overload") {
            return;
        }
        let booked = AtomicUsize::new(0);
        // Everybody books with a practitioner of their own before anybody comes to the next time; what the
        // row of bookings took is left out.
        let starts: Vec<_> = captured.free.iter().rev().collect();
        let next = || {
            let number = booked.fetch_add(1, Ordering::Relaxed);
            Some(self.booking(number % PEOPLE, starts.get(number / PEOPLE)?))
        };
        let peak = self.measure(server, self.options.clients, |_, _| next(), 201);
        let mut rows = Vec::new();
        for (times, goal) in [(2.0, 0.8), (5.0, 0.7)] {
            let seen = flood(server.address(), peak.rate * times, self.options.seconds, 201, |_| next());
            rows.push((times, goal, seen));
        }
        for (times, goal, seen) in rows {
            let work = format!("bookings at {times}× the peak");
            let limit = format!("{:.0}/s (peak)", peak.rate);
            let ratio = format!("{:.2}", seen.good / peak.rate);
            self.push(&work, withstood(&seen), limit, &format!("{goal}; the rest 503"), ratio);
        }
    }

    /// What others wait while people try passwords as fast as they can.
    pub(super) fn login_flood(&mut self, server: &Server<'_>) {
        if !self.options.wants("overload") {
            return;
        }
        let ask = |number: usize| {
            let person = number % 32;
            Some(get(&self.employees[person], &format!("/consultations/{}", id(Kind::Ahead, (person + 1) * 100))))
        };
        let steady = || flood(server.address(), STEADY, self.options.seconds, 200, ask);
        let sign_in = |number: usize| {
            let body = json!({ "email": format!("nobody-{number}@example.org"), "password": "wrong-on-purpose-2027" });
            let (token, path) = (String::new(), "/auth/login".to_owned());
            Some(Request { token, method: "POST", path, body: Some(body) })
        };
        let quiet = steady();
        let (flooded, refused) = scope(|scope| {
            let flooding = scope.spawn(|| flood(server.address(), SIGN_INS, self.options.seconds, 401, sign_in));
            (steady(), flooding.join().unwrap())
        });
        let ratio = format!("{:.2}", flooded.p99.as_secs_f64() / quiet.p99.as_secs_f64());
        let limit = format!("p50 {}, p99 {} without the flood", shown(quiet.median), shown(quiet.p99));
        let measured = format!(
            "{}; sign-ins: {:.0}/s compared, {:.0}/s refused {:?}",
            withstood(&flooded),
            refused.good,
            refused.shed,
            refused.others,
        );
        self.push("one consultation by id while sign-ins flood in", measured, limit, "p99 ≤ 2×", ratio);
    }
}

fn withstood(seen: &Withstood) -> String {
    let Withstood { offered, good, shed, median, p99, others } = seen;
    let times = format!("p50 {}, p99 {}", shown(*median), shown(*p99));
    format!("{offered:.0}/s offered, {good:.0}/s good, {shed:.0}/s shed, {times}, others {others:?}")
}
