//! What the tables must say whatever happened, read as their owner.
use std::collections::BTreeMap;

use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};

#[derive(diesel::QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Rules over all consultations; each counts what breaks it.
const RULES: &str = "
WITH live AS (
    SELECT *, tstzrange(scheduled_at, ends_at + make_interval(mins => buffer_minutes)) AS held,
           tstzrange(scheduled_at, ends_at) AS lasts
    FROM consultations WHERE status IN ('SCHEDULED', 'CONFIRMED', 'IN_PROGRESS')
), booked AS (
    SELECT resource_id AS id, count(*) AS times FROM audit_entries
    WHERE resource = 'CONSULTATION' AND action = 'BOOK' AND outcome = 'SUCCESS' GROUP BY 1
), letters AS (
    SELECT about ->> 'consultationId' AS id, letter, count(*) AS times FROM outbox
    WHERE letter IN ('CONSULTATION_SCHEDULED', 'CONSULTATION_CANCELLED') GROUP BY 1, 2
), lines AS (
    SELECT data ->> 'consultationId' AS id, type, count(*) AS times FROM notifications
    WHERE type IN ('CONSULTATION_SCHEDULED', 'CONSULTATION_CANCELLED') GROUP BY 1, 2
), events AS (
    SELECT consultation_id AS id, type, count(*) AS times FROM consultation_events GROUP BY 1, 2
)
SELECT 'two live consultations of a practitioner overlap' AS what, count(*) AS found
FROM live a JOIN live b ON a.practitioner_id = b.practitioner_id AND a.id < b.id AND a.held && b.held
UNION ALL
SELECT 'two live consultations of an employee overlap', count(*)
FROM live a JOIN live b ON a.employee_id = b.employee_id AND a.id < b.id AND a.lasts && b.lasts
UNION ALL
SELECT 'a live consultation does not hold its time', count(*)
FROM live c LEFT JOIN practitioner_busy b ON b.consultation_id = c.id AND b.practitioner_id = c.practitioner_id
    AND b.during = c.held WHERE b.consultation_id IS NULL
UNION ALL
SELECT 'time is held by no live consultation', count(*)
FROM practitioner_busy b LEFT JOIN live c ON c.id = b.consultation_id WHERE c.id IS NULL
UNION ALL
SELECT 'a consultation was not booked exactly once', count(*)
FROM consultations c LEFT JOIN events e ON e.id = c.id AND e.type = 'SCHEDULED' WHERE e.times IS DISTINCT FROM 1
UNION ALL
SELECT 'a cancelled consultation was not cancelled exactly once', count(*)
FROM consultations c LEFT JOIN events e ON e.id = c.id AND e.type = 'CANCELLED'
WHERE coalesce(e.times, 0) <> (c.status = 'CANCELLED')::integer
UNION ALL
SELECT 'a booking has not exactly one audit entry', count(*)
FROM consultations c FULL JOIN booked b ON b.id = c.id WHERE c.id IS NULL OR b.times IS DISTINCT FROM 1
UNION ALL
SELECT 'a booking has not two letters', count(*)
FROM consultations c LEFT JOIN letters l ON l.id = c.id::text AND l.letter = 'CONSULTATION_SCHEDULED'
WHERE l.times IS DISTINCT FROM 2
UNION ALL
SELECT 'a cancellation has not two letters', count(*)
FROM consultations c LEFT JOIN letters l ON l.id = c.id::text AND l.letter = 'CONSULTATION_CANCELLED'
WHERE coalesce(l.times, 0) <> 2 * (c.status = 'CANCELLED')::integer
UNION ALL
SELECT 'a booking has not two lines in the inboxes', count(*)
FROM consultations c LEFT JOIN lines l ON l.id = c.id::text AND l.type = 'CONSULTATION_SCHEDULED'
WHERE l.times IS DISTINCT FROM 2
UNION ALL
SELECT 'a letter tells of no consultation', count(*)
FROM letters l LEFT JOIN consultations c ON c.id::text = l.id WHERE c.id IS NULL
";

/// The rules that are broken, each with how often.
fn broken(owner: &mut PgConnection) -> Vec<(String, i64)> {
    let found: Vec<Finding> = sql_query(RULES).load(owner).unwrap();
    found.into_iter().filter(|rule| rule.found > 0).map(|rule| (rule.what, rule.found)).collect()
}

/// Checks that no rule is broken.
pub fn check(owner: &mut PgConnection) {
    assert_eq!(broken(owner), []);
}

/// The same where retention has discarded what is old of letters and inboxes.
pub fn check_after_retention(owner: &mut PgConnection) {
    let mut broken = broken(owner);
    broken.retain(|(what, _)| !what.ends_with("two letters") && !what.ends_with("two lines in the inboxes"));
    assert_eq!(broken, []);
}

#[derive(diesel::QueryableByName)]
struct Live {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    start: String,
}

/// Every live consultation with its start.
pub fn live(owner: &mut PgConnection) -> BTreeMap<String, String> {
    let query = "SELECT id::text AS id, to_char(scheduled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
                 AS start FROM consultations WHERE status IN ('SCHEDULED', 'CONFIRMED', 'IN_PROGRESS')";
    let found: Vec<Live> = sql_query(query).load(owner).unwrap();
    found.into_iter().map(|one| (one.id, one.start)).collect()
}
