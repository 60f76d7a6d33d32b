//! What the load program works on: a thousand practitioners, as many employees, and a history,
//! written as the owner of the tables. Every id follows from a number.
use diesel::{PgConnection, connection::SimpleConnection};
use huntzen_adapter_crypto::JwtSigner;
use huntzen_tenancy::{
    Actor, Caller, Origin,
    email::Email,
    identity::{AccessClaims, AccessTokenSigner},
    ids::{CompanyId, SessionId, UserId},
    policy::Role,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use uuid::Uuid;

/// Practitioners, and employees.
pub const PEOPLE: usize = 1_000;
/// Consultations ahead of each practitioner, each with the employee of the same number.
pub const AHEAD: usize = 20;
/// The secret of the access tokens, given to the server as well.
pub const SECRET: &str = "the-load-program-signs-its-own-tokens-with-this";
/// The ring of master keys of the test environment, in which the server runs.
pub const RING: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
/// Issuer and audience of the access tokens.
const PARTIES: &str = "huntzen-care";

/// What an id stands for.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The one company.
    Company = 0x8000,
    /// The account of an employee.
    EmployeeUser = 0x8001,
    /// The entry of an employee.
    Employee = 0x8002,
    /// The account of a practitioner.
    PractitionerUser = 0x8003,
    /// The entry of a practitioner.
    Practitioner = 0x8004,
    /// The session of an employee.
    EmployeeSession = 0x8005,
    /// The session of a practitioner.
    PractitionerSession = 0x8006,
    /// A consultation that lies ahead, `number * 100 + place`.
    Ahead = 0x8007,
    /// A weekly rule, `number * 100 + place`.
    Rule = 0x8008,
    /// The account of the company's HR.
    HrUser = 0x8009,
    /// Its session.
    HrSession = 0x800a,
}

/// The id of the thing with this number.
pub fn id(kind: Kind, number: usize) -> Uuid {
    // As decimal digits, which SQL can write as well.
    format!("00000000-0000-4000-{:04x}-{number:012}", kind as u16).parse().unwrap()
}

/// The same in SQL, for a number that is an expression.
fn sql_id(kind: Kind, number: &str) -> String {
    format!("('00000000-0000-4000-{:04x}-' || lpad(({number})::text, 12, '0'))::uuid", kind as u16)
}

/// Fills an empty, migrated database.
pub fn fill(owner: &mut PgConnection) {
    let [company, hr, hr_session] = [Kind::Company, Kind::HrUser, Kind::HrSession].map(|kind| id(kind, 1));
    let [employee_user, employee, employee_session] =
        [Kind::EmployeeUser, Kind::Employee, Kind::EmployeeSession].map(|kind| sql_id(kind, "n"));
    let [practitioner_user, practitioner, practitioner_session] =
        [Kind::PractitionerUser, Kind::Practitioner, Kind::PractitionerSession].map(|kind| sql_id(kind, "n"));
    let rule = sql_id(Kind::Rule, "n * 100 + day * 2 + half");
    let ahead = sql_id(Kind::Ahead, "n * 100 + place");
    owner
        .batch_execute(&format!(
            "INSERT INTO companies (id, name, legal_name, siret, timezone, slug, is_active, validated_at,
                 search_text, created_at, updated_at)
             VALUES ('{company}', 'Load', 'Load SAS', '99900033300016', 'Europe/Paris', 'load', true, now(),
                 'load', now(), now());
             INSERT INTO company_domains (domain, company_id, position) VALUES ('load.example', '{company}', 0);
             INSERT INTO users (id, company_id, email, role, first_name, last_name, is_active, email_verified, language,
                 created_at, updated_at)
             SELECT {employee_user}, '{company}'::uuid, 'e' || n || '@load.example', 'EMPLOYEE', 'Employee', n::text,
                 true, true, 'fr', now(), now() FROM generate_series(1, {PEOPLE}) n
             UNION ALL
             SELECT {practitioner_user}, NULL, 'p' || n || '@load.example', 'PRACTITIONER', 'Practitioner', n::text,
                 true, true, 'fr', now(), now() FROM generate_series(1, {PEOPLE}) n;
             INSERT INTO employees (id, company_id, user_id, email, first_name, last_name, status, search_text,
                 created_at, updated_at)
             SELECT {employee}, '{company}', {employee_user}, 'e' || n || '@load.example', 'Employee', n::text,
                 'ELIGIBLE', 'employee ' || n, now(), now() FROM generate_series(1, {PEOPLE}) n;
             INSERT INTO practitioners (id, user_id, first_name, last_name, profession, specialties, languages,
                 offers_video, offers_audio, offers_phone, offers_chat, accepting_new_clients, timezone, is_validated,
                 validated_at, documents_verified, search_text, created_at, updated_at)
             SELECT {practitioner}, {practitioner_user}, 'Practitioner', n::text, 'PSYCHOLOGIST', '{{Stress,Sommeil}}',
                 '{{fr,en}}', true, true, true, true, true, 'Europe/Paris', true, now(), true,
                 'practitioner ' || n || ' |stress|sommeil|', now(), now() FROM generate_series(1, {PEOPLE}) n;
             INSERT INTO availabilities (id, practitioner_id, practitioner_user_id, day_of_week, start_minute,
                 end_minute, slot_minutes, buffer_minutes, types, created_at, updated_at)
             SELECT {rule}, {practitioner}, {practitioner_user}, day, 540 + half * 300, 720 + half * 360, 50, 10, 15,
                 now(), now()
             FROM generate_series(1, {PEOPLE}) n, generate_series(1, 5) day, generate_series(0, 1) half;
             INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
             SELECT {employee_session}, {employee_user}, now(), now(), now() + interval '7 days'
             FROM generate_series(1, {PEOPLE}) n
             UNION ALL
             SELECT {practitioner_session}, {practitioner_user}, now(), now(), now() + interval '7 days'
             FROM generate_series(1, {PEOPLE}) n;
             INSERT INTO consultations (id, company_id, employee_id, employee_user_id, practitioner_id,
                 practitioner_user_id, type, status, scheduled_at, ends_at, buffer_minutes, billing_status, planned_at,
                 created_at, updated_at)
             SELECT {ahead}, '{company}', {employee}, {employee_user}, {practitioner}, {practitioner_user}, 'CHAT',
                 'SCHEDULED', start, start + interval '50 minutes', 10, 'PENDING', now(), now(), now()
             FROM generate_series(1, {PEOPLE}) n, generate_series(0, {AHEAD} - 1) place,
                 LATERAL (SELECT date_trunc('day', now()) + make_interval(days => 3 + place / 4,
                                                                         hours => 8 + place % 4) AS start) t;
             INSERT INTO users (id, company_id, email, role, first_name, last_name, is_active, email_verified, language,
                 created_at, updated_at)
             VALUES ('{hr}', '{company}', 'h1@load.example', 'ADMIN_RH', 'Hr', '1', true, true, 'fr', now(), now());
             INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
             VALUES ('{hr_session}', '{hr}', now(), now(), now() + interval '7 days');
             INSERT INTO usage_releases (company_id, month, closed_at)
             SELECT '{company}', (date_trunc('month', now()) - make_interval(months => n))::date, now()
             FROM generate_series(1, 30) n;
             INSERT INTO usage_release_cells (company_id, month, position, department, users, consultations, minutes)
             SELECT company_id, month, place, 'D' || place, 15, 20, 900
             FROM usage_releases, generate_series(0, 5) place;
             ANALYZE"
        ))
        .unwrap();
    tidy(owner);
}

/// Adds ended consultations from number `from` up to `to`, two years of them spread over all
/// practitioners, or all with the first one: triggers off, counters written anew at the end.
pub fn add_history(owner: &mut PgConnection, from: usize, to: usize, spread: bool) {
    let company = id(Kind::Company, 1);
    let with = if spread { format!("1 + n % {PEOPLE}") } else { "1".to_owned() };
    let steps = if spread { (to / PEOPLE).max(1) } else { to };
    let place = if spread { format!("n / {PEOPLE}") } else { "n".to_owned() };
    let (practitioner, practitioner_user) = (sql_id(Kind::Practitioner, "p"), sql_id(Kind::PractitionerUser, "p"));
    let (employee, employee_user) = (sql_id(Kind::Employee, "e"), sql_id(Kind::EmployeeUser, "e"));
    owner
        .batch_execute(&format!(
            "BEGIN;
             SET LOCAL session_replication_role = replica;
             INSERT INTO consultations (id, company_id, employee_id, employee_user_id, practitioner_id,
                 practitioner_user_id, type, status, scheduled_at, ends_at, buffer_minutes, started_at, ended_at,
                 duration_seconds, actual_duration, service_day, billing_status, planned_at, created_at, updated_at)
             SELECT gen_random_uuid(), '{company}', {employee}, {employee_user}, {practitioner}, {practitioner_user},
                 'VIDEO', 'COMPLETED', start, start + interval '50 minutes', 10, start, start + interval '45 minutes',
                 2700, 45, (start AT TIME ZONE 'Europe/Paris')::date, 'VALIDATED', start, start, start
             FROM generate_series({from}, {to} - 1) n,
                 LATERAL (SELECT {with} AS p, 1 + (n * 7) % {PEOPLE} AS e,
                          now() - interval '1 day' - ({place}) * (interval '729 days' / {steps}) AS start) t;
             DELETE FROM practitioner_activity_daily;
             DELETE FROM employee_activity_daily;
             DELETE FROM company_activity_daily;
             INSERT INTO practitioner_activity_daily (practitioner_id, practitioner_user_id, day, consult_count,
                 total_duration_seconds, total_duration_minutes)
             SELECT practitioner_id, practitioner_user_id, service_day, count(*), sum(duration_seconds),
                 sum(actual_duration)
             FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2, 3;
             INSERT INTO employee_activity_daily (employee_id, company_id, day, consult_count, total_duration_seconds)
             SELECT employee_id, company_id, service_day, count(*), sum(duration_seconds)
             FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2, 3;
             INSERT INTO company_activity_daily (company_id, day, consult_count, total_duration_seconds,
                 active_users_count)
             SELECT company_id, service_day, count(*), sum(duration_seconds), count(DISTINCT employee_id)
             FROM consultations WHERE status = 'COMPLETED' GROUP BY 1, 2;
             COMMIT"
        ))
        .unwrap();
    tidy(owner);
}

/// Leaves nothing for later that would disturb a measurement.
fn tidy(owner: &mut PgConnection) {
    owner.batch_execute("VACUUM ANALYZE").unwrap();
    owner.batch_execute("CHECKPOINT").unwrap();
}

/// The employee with this number as a caller.
pub fn employee(number: usize) -> Caller {
    let actor = Actor {
        user: UserId(id(Kind::EmployeeUser, number)),
        role: Role::Employee,
        company: Some(CompanyId(id(Kind::Company, 1))),
        session: None,
    };
    Caller { actor, origin: Origin::default() }
}

/// The access tokens of all employees and of all practitioners, by number from 1, and HR's.
pub fn tokens(now: Timestamp) -> (Vec<String>, Vec<String>, String) {
    let signer = JwtSigner::new(&SecretString::from(SECRET), PARTIES.to_owned(), PARTIES.to_owned());
    let sign = |role: Role, letter: char, user: Kind, session: Kind, company: Option<CompanyId>| -> Vec<String> {
        let token = |number: usize| {
            let claims = AccessClaims {
                user: UserId(id(user, number)),
                email: Email::parse(&format!("{letter}{number}@load.example")).unwrap(),
                role,
                company,
                session: SessionId(id(session, number)),
                issued_at: now,
                expires_at: now + SignedDuration::from_hours(6),
            };
            signer.sign(&claims).unwrap()
        };
        (1..=PEOPLE).map(token).collect()
    };
    let company = CompanyId(id(Kind::Company, 1));
    (
        sign(Role::Employee, 'e', Kind::EmployeeUser, Kind::EmployeeSession, Some(company)),
        sign(Role::Practitioner, 'p', Kind::PractitionerUser, Kind::PractitionerSession, None),
        sign(Role::AdminRh, 'h', Kind::HrUser, Kind::HrSession, Some(company)).swap_remove(0),
    )
}
