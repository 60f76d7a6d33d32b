//! Many clients at one slot.
use std::sync::Barrier;

use huntzen_tests::{client::Client, server::DataFolder};

use crate::{
    crowd::{book, code, employees, free_slots, practitioners, rounds},
    ledger,
};

const CLIENTS: usize = 50;

#[test]
fn of_fifty_who_race_for_a_slot_one_wins() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let practitioner = practitioners(&folder, &server, 1).remove(0);
    let tokens = employees(&folder, &server, CLIENTS);
    let mut looking = server.client().with_token(tokens[0].clone());
    let slots = free_slots(&mut looking, &practitioner.id, 89);
    let slots: Vec<_> = slots.into_iter().take(rounds()).collect();
    assert_eq!(slots.len(), rounds(), "the practitioner has not enough slots");

    let line = Barrier::new(CLIENTS);
    let address = server.address();
    let answers: Vec<Vec<(u16, String)>> = std::thread::scope(|scope| {
        let (line, slots, id) = (&line, &slots, &practitioner.id);
        let running: Vec<_> = tokens
            .iter()
            .map(|token| {
                scope.spawn(move || {
                    let mut client = Client::new(address).with_token(token.clone());
                    let mut run = |slot: &String| {
                        line.wait();
                        let answer = book(&mut client, id, slot).unwrap();
                        (answer.status, code(&answer))
                    };
                    slots.iter().map(&mut run).collect()
                })
            })
            .collect();
        running.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for (round, slot) in slots.iter().enumerate() {
        let of_round = || answers.iter().map(|client| &client[round]);
        assert_eq!(of_round().filter(|(status, _)| *status == 201).count(), 1, "{slot}: {answers:?}");
        let lost = of_round().filter(|(status, code)| *status == 409 && code == "slot_taken").count();
        assert_eq!(lost, CLIENTS - 1, "{slot}: {:?}", of_round().collect::<Vec<_>>());
    }
    let mut owner = folder.owner();
    ledger::check(&mut owner);
    assert_eq!(ledger::live(&mut owner).len(), rounds());
}
