//! Bookings, cancellations, moves, leave and extra hours all at once.
use std::collections::BTreeMap;

use huntzen_tests::{
    client::{Answer, Client},
    server::DataFolder,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    crowd::{Dice, Practitioner, book, code, employees, free_slots, practitioners, rounds, text},
    ledger,
};

const CLIENTS: usize = 50;
const PRACTITIONERS: usize = 3;
const DAYS: i32 = 9;

#[test]
fn nothing_overlaps_and_nothing_is_lost_when_everybody_changes_their_mind() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let practitioners = practitioners(&folder, &server, PRACTITIONERS);
    let tokens = employees(&folder, &server, CLIENTS);
    let address = server.address();
    let known: BTreeMap<String, String> = std::thread::scope(|scope| {
        let practitioners = &practitioners;
        for (number, practitioner) in practitioners.iter().enumerate() {
            let client = Client::new(address).with_token(practitioner.token.clone());
            scope.spawn(move || plan(client, practitioner, Dice::new(1_000 + number as u64)));
        }
        let undecided: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(number, token)| {
                let client = Client::new(address).with_token(token.clone());
                scope.spawn(move || change_ones_mind(client, practitioners, Dice::new(number as u64)))
            })
            .collect();
        undecided.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let mut owner = folder.owner();
    ledger::check(&mut owner);
    assert_eq!(ledger::live(&mut owner), known);
    assert!(!known.is_empty(), "nobody booked anything");
}

/// An employee who books, cancels and moves; answers what they have in the end.
fn change_ones_mind(mut client: Client, practitioners: &[Practitioner], mut dice: Dice) -> BTreeMap<String, String> {
    let mut mine: Vec<(String, String, usize)> = Vec::new();
    for _ in 0..2 * rounds() {
        let choice = if mine.is_empty() { 0 } else { dice.below(10) };
        let held = (choice > 4).then(|| dice.below(mine.len()));
        let with = held.map_or_else(|| dice.below(practitioners.len()), |held| mine[held].2);
        let practitioner = &practitioners[with].id;
        if let Some(held) = held.filter(|_| choice < 8) {
            let path = format!("/consultations/{}/cancel", mine[held].0);
            let answer = client.send("POST", &path, None).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.json());
            mine.swap_remove(held);
            continue;
        }
        let free = free_slots(&mut client, practitioner, DAYS);
        if free.is_empty() {
            continue;
        }
        // Near the front, where the others look too.
        let start = &free[dice.below(free.len().min(12))];
        match held {
            None => {
                let answer = book(&mut client, practitioner, start).unwrap();
                if won(&answer, 201) {
                    mine.push((text(&answer.json(), "id"), start.clone(), with));
                }
            }
            Some(held) => {
                let path = format!("/consultations/{}/reschedule", mine[held].0);
                let answer = client.send("POST", &path, Some(&json!({ "scheduledAt": start }))).unwrap();
                if won(&answer, 200) {
                    mine[held].1.clone_from(start);
                }
            }
        }
    }
    mine.into_iter().map(|(id, start, _)| (id, start)).collect()
}

/// Whether the slot was won; it may be lost to somebody else, or to leave.
fn won(answer: &Answer, status: u16) -> bool {
    if answer.status == status {
        return true;
    }
    let code = code(answer);
    let lost = ["slot_taken", "already_booked", "not_a_slot"].contains(&code.as_str());
    assert!(lost, "{} {}", answer.status, answer.json());
    false
}

/// A practitioner who takes leave and offers extra hours at odd minutes, and thinks again.
fn plan(mut client: Client, practitioner: &Practitioner, mut dice: Dice) {
    for _ in 0..2 * rounds() {
        let free = free_slots(&mut client, &practitioner.id, DAYS);
        if free.is_empty() {
            continue;
        }
        let start: Timestamp = free[dice.below(free.len().min(12))].parse().unwrap();
        let starts_at = start + SignedDuration::from_mins(if dice.below(2) == 0 { 0 } else { 25 });
        let exception = if dice.below(2) == 0 {
            json!({ "kind": "LEAVE", "startsAt": starts_at, "endsAt": starts_at + SignedDuration::from_mins(90) })
        } else {
            json!({ "kind": "EXTRA", "startsAt": starts_at, "endsAt": starts_at + SignedDuration::from_hours(3),
                    "slotMinutes": 35, "bufferMinutes": 5 })
        };
        let added = client.send("POST", "/availability/exception", Some(&exception)).unwrap();
        assert_eq!(added.status, 201, "{}", added.json());
        if dice.below(3) > 0 {
            let path = format!("/availability/exceptions/{}", text(&added.json(), "id"));
            let removed = client.send("DELETE", &path, None).unwrap();
            assert_eq!(removed.status, 204, "{}", removed.json());
        }
    }
}
