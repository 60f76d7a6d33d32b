//! The recurring jobs of two nodes, in the same minutes: what each of them finds to do is done once.
use std::time::Duration;

use diesel::{PgConnection, connection::SimpleConnection};
use huntzen_tests::{client::Client, server::Server};
use serde_json::json;

use super::{Nodes, booked, eventually, number};
use crate::crowd::text;

/// Consultations that are near, those that were forgotten, and those with something unread.
const EACH: usize = 8;
/// Both nodes must come to a full minute.
const A_FEW_MINUTES: Duration = Duration::from_mins(4);

/// Moves consultations to times at which nothing stands in the way, from a first one on.
fn moved(owner: &mut PgConnection, consultations: &[String], first: &str, also: &str) {
    let statement = format!(
        "DO $$
         DECLARE
             one uuid;
             start timestamptz := {first};
         BEGIN
             FOREACH one IN ARRAY '{{{}}}'::uuid[] LOOP
                 LOOP
                     start := start + interval '61 minutes';
                     BEGIN
                         UPDATE consultations SET scheduled_at = start, ends_at = start + interval '45 minutes',
                             planned_at = start - interval '30 days' {also} WHERE id = one;
                         EXIT;
                     EXCEPTION WHEN exclusion_violation THEN NULL;
                     END;
                 END LOOP;
             END LOOP;
         END $$",
        consultations.join(",")
    );
    owner.batch_execute(&statement).unwrap();
}

/// How often a job has ended on a node.
fn runs(server: &Server<'_>, job: &str) -> f64 {
    let address = server.metrics_address().unwrap_or_else(|| panic!("no metrics: {}", server.log()));
    let metrics = String::from_utf8(Client::new(address).send("GET", "/metrics", None).unwrap().body).unwrap();
    let name = format!("huntzen_job_runs_total{{job=\"{job}\",");
    let counters = metrics.lines().filter(|line| line.starts_with(&name));
    counters.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

#[test]
fn what_recurs_on_both_nodes_is_done_once() {
    let every_minute = "* * * * *";
    let nodes = Nodes::with(&[
        ("HUNTZEN__TELEMETRY__PROMETHEUS", "127.0.0.1:0"),
        ("HUNTZEN__JOBS__REMINDERS", every_minute),
        ("HUNTZEN__JOBS__UNREAD_MESSAGES", every_minute),
        ("HUNTZEN__JOBS__END_FORGOTTEN", every_minute),
        ("HUNTZEN__JOBS__ERASURE", every_minute),
    ]);
    let mut owner = nodes.owner();
    // What the demonstration wrote is too old to be sent.
    owner.batch_execute("UPDATE outbox SET given_up = true").unwrap();
    let servers = nodes.serve();
    let people = nodes.employees(&servers[0], 3);
    let practitioner = nodes.practitioners(&servers[1], 1).remove(0);
    let all: Vec<_> = (0..3 * EACH).map(|_| booked(&servers[0], &people[0], &practitioner, 0)).collect();
    let (near, rest) = all.split_at(EACH);
    let (forgotten, unread) = rest.split_at(EACH);
    let mut marc = servers[1].client().with_token(people[0].clone());
    for consultation in unread {
        let path = format!("/chat/{consultation}/messages");
        assert_eq!(marc.send("POST", &path, Some(&json!({ "content": "hello" }))).unwrap().status, 201);
    }
    let leaving: Vec<_> = people[1..]
        .iter()
        .map(|token| {
            let me = servers[0].client().with_token(token.clone()).send("GET", "/auth/me", None).unwrap().json();
            text(&me, "id")
        })
        .collect();

    let counted = format!(
        "SELECT coalesce(sum(consult_count), 0)::bigint AS found FROM practitioner_activity_daily \
         WHERE practitioner_id = '{}'",
        practitioner.id
    );
    let before = number(&mut owner, &counted);
    owner.batch_execute("BEGIN").unwrap();
    moved(&mut owner, near, "now() + interval '2 hours'", "");
    // They began at their time, and nobody has ended them.
    moved(&mut owner, forgotten, "now() - interval '21 hours'", ", status = 'IN_PROGRESS', started_at = start");
    let due = format!(
        "UPDATE conversations SET practitioner_unread_since = now() - interval '1 hour'
         WHERE consultation_id IN ('{}');
         INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
         SELECT gen_random_uuid(), id, 'PENDING', now() - interval '31 days', now() FROM users WHERE id IN ('{}');
         COMMIT",
        unread.join("', '"),
        leaving.join("', '"),
    );
    owner.batch_execute(&due).unwrap();

    // The last of them; whatever is due now is done by a run that begins after this.
    let last = servers.each_ref().map(|server| runs(server, "unread_messages"));
    eventually("both nodes have done what is due", A_FEW_MINUTES, || {
        servers.iter().zip(last).all(|(server, before)| runs(server, "unread_messages") >= before + 2.0)
    });

    let found = |owner: &mut PgConnection, rows: &str| number(owner, &format!("SELECT count(*) AS found FROM {rows}"));
    let [near, forgotten, unread] = [near, forgotten, unread].map(|some| format!("('{}')", some.join("', '")));
    let (each, about) = (i64::try_from(EACH).unwrap(), "about->>'consultationId' IN");
    assert_eq!(found(&mut owner, &format!("reminders WHERE consultation_id::text IN {near}")), each);
    // Both participants are told, in the inbox and by letter.
    let inboxes = format!("notifications WHERE type = 'CONSULTATION_REMINDER' AND data->>'consultationId' IN {near}");
    assert_eq!(found(&mut owner, &inboxes), 2 * each);
    let letters = format!("outbox WHERE letter = 'CONSULTATION_REMINDER' AND {about} {near}");
    assert_eq!(found(&mut owner, &letters), 2 * each);

    let endings = format!("consultation_events WHERE type = 'ENDED' AND consultation_id::text IN {forgotten}");
    assert_eq!(found(&mut owner, &endings), each);
    assert_eq!(number(&mut owner, &counted), before + each, "counted once");
    let letters = format!("outbox WHERE letter = 'MESSAGE_UNREAD' AND {about} {unread}");
    assert_eq!(found(&mut owner, &letters), each);

    for person in leaving {
        let erased = format!("audit_entries WHERE action = 'ERASE' AND subject_user_id = '{person}'");
        assert_eq!(found(&mut owner, &erased), 1);
        let letters = format!("outbox WHERE letter = 'DELETION_DONE' AND recipient_user_id = '{person}'");
        assert_eq!(found(&mut owner, &letters), 1);
    }
}
