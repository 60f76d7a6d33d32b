//! A company's people from a file, beside the bare insertion of as many rows.
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use diesel::{PgConnection, connection::SimpleConnection};
use serde_json::json;

use super::{
    super::{
        dataset::{Kind, id},
        process::{processor_time, resident_kib},
        table::{say, shown},
    },
    Bench,
};
use crate::server::Server;

/// As many as a file may list.
const PEOPLE: usize = 10_000;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

impl Bench<'_> {
    /// How long the file takes, the same file again, and what the server's memory grows by meanwhile.
    pub(super) fn import(&mut self, server: &Server<'_>, owner: &mut PgConnection) {
        if !self.options.wants("import") {
            return;
        }
        let mut file = "email,firstName,lastName,department,position\n".to_owned();
        for number in 0..PEOPLE {
            let (department, position) = (number % 40, number % 7);
            let _ = writeln!(file, "new{number}@load.example,Camille,Petit {number},Équipe {department},P{position}");
        }
        assert_eq!(server.client().send("GET", "/health", None).unwrap().status, 200);
        for (work, created) in [("import 10,000 employees", PEOPLE), ("the same file again", 0)] {
            let (took, processor, grown) = self.send_people(server, &file, created);
            let limit =
                if created > 0 { format!("{} (bare insertions)", shown(insert_people(owner))) } else { "-".to_owned() };
            let measured = format!(
                "{}, CPU {}, memory +{}.{} MiB for {} KiB",
                shown(took),
                shown(processor),
                grown / 1024,
                grown % 1024 * 10 / 1024,
                file.len() / 1024
            );
            let ratio = format!("{:.2}", took.as_secs_f64() / 10.0);
            self.push(work, measured, limit, "10 s, memory flat", ratio);
        }
    }

    fn send_people(&self, server: &Server<'_>, file: &str, created: usize) -> (Duration, Duration, u64) {
        say(&format!("importing {PEOPLE} people"));
        let process = server.process();
        let (before, used, over) = (resident_kib(process), processor_time(process), AtomicBool::new(false));
        scope(|scope| {
            let watching = scope.spawn(|| {
                let mut most = before;
                while !over.load(Ordering::SeqCst) {
                    most = most.max(resident_kib(process));
                    sleep(LOOK);
                }
                most
            });
            let began = Instant::now();
            let mut client = server.client().with_token(self.hr.clone());
            let answer = client.send_file("/employees/import", "text/csv", file.as_bytes()).unwrap();
            let took = began.elapsed();
            over.store(true, Ordering::SeqCst);
            let wanted = json!({ "created": created, "skipped": PEOPLE - created, "failed": 0, "errors": [] });
            assert_eq!((answer.status, answer.json()), (200, wanted));
            let grown = watching.join().unwrap().saturating_sub(before);
            (took, processor_time(process).saturating_sub(used), grown)
        })
    }
}

/// How long the owner takes for as many accounts, entries, invitations, letters and lines of the trail,
/// with all their triggers and constraints, each by one statement.
fn insert_people(owner: &mut PgConnection) -> Duration {
    let (company, hr) = (id(Kind::Company, 1), id(Kind::HrUser, 1));
    let began = Instant::now();
    owner
        .batch_execute(&format!(
            "BEGIN;
             CREATE TEMPORARY TABLE bare ON COMMIT DROP AS
                 SELECT n, gen_random_uuid() AS user_id, gen_random_uuid() AS id FROM generate_series(1, {PEOPLE}) n;
             INSERT INTO users (id, company_id, email, role, first_name, last_name, is_active, email_verified, language,
                 created_at, updated_at)
             SELECT user_id, '{company}', 'bare' || n || '@load.example', 'EMPLOYEE', 'Camille', n::text, false, false,
                 'fr', now(), now() FROM bare;
             INSERT INTO employees (id, company_id, user_id, email, first_name, last_name, status, search_text,
                 created_at, updated_at)
             SELECT id, '{company}', user_id, 'bare' || n || '@load.example', 'Camille', n::text, 'ELIGIBLE',
                 'camille ' || n, now(), now() FROM bare;
             INSERT INTO invitations (id, user_id, company_id, sha256, invited_by, created_at, expires_at)
             SELECT gen_random_uuid(), user_id, '{company}', sha256(user_id::text::bytea), '{hr}', now(),
                 now() + interval '7 days' FROM bare;
             INSERT INTO outbox (id, recipient_user_id, letter, arguments, created_at, next_attempt_at)
             SELECT gen_random_uuid(), user_id, 'INVITATION', decode(repeat('00', 140), 'hex'), now(),
                 now() + interval '1 day' FROM bare;
             INSERT INTO audit_entries (id, at, actor_user_id, actor_role, subject_user_id, action, resource,
                 resource_id, company_id, request_id, outcome)
             SELECT gen_random_uuid(), now(), '{hr}', 'ADMIN_RH', user_id, action, 'EMPLOYEE', id, '{company}', '',
                 'SUCCESS' FROM bare, (VALUES ('CREATE'), ('INVITE')) AS done (action);
             COMMIT"
        ))
        .unwrap();
    began.elapsed()
}
