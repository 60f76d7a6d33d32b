//! What scopes are meant to see and do, step by step: above all through triggers and functions,
//! which see more than their caller.
use diesel::{PgConnection, connection::SimpleConnection};
use huntzen_booking::ids::ConsultationId;
use huntzen_tenancy::{Job, Origin, Scope};
use huntzen_tests::cast::Person;

use super::scene::{
    Outcome::{self, Broken, Refused, Rows},
    Scene, attempt, enter, leave,
};

/// Statements that follow each other, each in its scope, and what the last comes to.
pub struct Expectation {
    /// What it says.
    pub what: &'static str,
    steps: Vec<(Scope, String)>,
    outcome: Outcome,
}

/// All of them.
pub fn expectations(scene: &Scene) -> Vec<Expectation> {
    let mut all = through_functions(scene);
    all.extend(through_triggers(scene));
    all.extend(about_conversations(scene));
    all.extend(about_statements(scene));
    all.extend(about_releases(scene));
    all.extend(about_counters(scene));
    all.extend(about_what_is_published(scene));
    all.extend(about_files(scene));
    all.extend(about_erasure(scene));
    all.extend(about_retention(scene));
    all.extend(about_own_data(scene));
    all.extend(about_the_trail(scene));
    all.extend(refusals(scene));
    all
}

/// Those that do not come out as they should, within a transaction of the owner's.
pub fn failing(owner: &mut PgConnection, expectations: &[Expectation]) -> Vec<String> {
    let mut failing = Vec::new();
    for Expectation { what, steps, outcome } in expectations {
        owner.batch_execute("SAVEPOINT expectation").unwrap();
        let mut last = Rows(0);
        for (scope, statement) in steps {
            enter(owner, Some(scope));
            last = attempt(owner, statement);
            if matches!(last, Rows(_)) {
                // The next step builds on this one.
                owner.batch_execute("RELEASE SAVEPOINT try").unwrap();
            } else {
                leave(owner);
                break;
            }
        }
        owner.batch_execute("ROLLBACK TO SAVEPOINT expectation; RELEASE SAVEPOINT expectation").unwrap();
        if last != *outcome {
            failing.push(format!("{what}: {last:?} instead of {outcome:?}"));
        }
    }
    failing
}

fn one(what: &'static str, scope: Scope, statement: impl Into<String>, outcome: Outcome) -> Expectation {
    Expectation { what, steps: vec![(scope, statement.into())], outcome }
}

fn two(
    what: &'static str,
    (by, change): (Scope, String),
    (scope, then): (Scope, String),
    outcome: Outcome,
) -> Expectation {
    Expectation { what, steps: vec![(by, change), (scope, then)], outcome }
}

fn anonymous() -> Scope {
    Scope::anonymous(Origin::default())
}

fn job(job: Job) -> Scope {
    Scope::worker(job)
}

/// Counts the rows of a table or of a function's answer.
fn rows_of(what: &str) -> String {
    format!("SELECT count(*) AS count FROM {what}")
}

fn through_functions(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = scene.booked.id;
    let names = rows_of(&format!("participant_names('{consultation}')"));
    let redacted = rows_of(&format!("redacted_consultation('{consultation}')"));
    let events = rows_of(&format!("redacted_consultation_events('{consultation}')"));
    // Léa's of another company, and Marc's own.
    let taken = rows_of(&format!(
        "taken_emails(ARRAY['lea@beta.example', 'marc@alpha.example', 'new@alpha.example'], ARRAY['{}']::uuid[])",
        marc.id()
    ));
    // Marc's, and nobody's.
    let work = "SELECT count(*) FROM unnest(ARRAY['marc@alpha.example', 'new@alpha.example']) AS address
                WHERE is_work_address(address)";
    let domain = "SELECT count(company_for_domain('alpha.example')) AS count";
    let holder = |digest| Scope::token(digest, Origin::default());
    let owner_of =
        |digest: huntzen_tenancy::token::TokenDigest| rows_of(&format!("token_owner('\\x{}')", digest.to_hex()));
    let exceptions = || rows_of("own_availability_exceptions()");
    // Marc's, who may not act yet, and one that never was; at the clock's time.
    let ended = rows_of(&format!(
        "ended_sessions(ARRAY['{}', gen_random_uuid()]::uuid[], '2027-01-04T08:00:00Z')",
        scene.session
    ));
    let held = rows_of(&format!("hold_conversations(ARRAY['{consultation}']::uuid[])"));
    vec![
        one("HR learns which addresses have accounts", cast.hr.scope(), taken.clone(), Rows(1)),
        one("no administrator does", cast.administrator.scope(), taken.clone(), Refused),
        one("no employee does", marc.scope(), taken.clone(), Refused),
        one("no stranger does", anonymous(), taken, Refused),
        one("administrators learn whether somebody works at an address", cast.administrator.scope(), work, Rows(1)),
        one("HR of another company learns no more", cast.other_hr.scope(), work, Rows(1)),
        one("no employee learns it", marc.scope(), work, Refused),
        one("nor a practitioner", sophie.scope(), work, Refused),
        one("nor a stranger", anonymous(), work, Refused),
        one("anybody asks whose a domain is", anonymous(), domain, Rows(1)),
        one("whoever holds a refresh token is known", holder(scene.refresh), owner_of(scene.refresh), Rows(1)),
        one("whoever holds a mailed token is known", holder(scene.mailed), owner_of(scene.mailed), Rows(1)),
        one("whoever holds an invitation is known", holder(scene.invitation), owner_of(scene.invitation), Rows(1)),
        one("another token's holder is not", holder(scene.mailed), owner_of(scene.refresh), Rows(0)),
        one("an employee knows both names", marc.scope(), names.clone(), Rows(1)),
        one("a practitioner knows both names", sophie.scope(), names.clone(), Rows(1)),
        one("a colleague knows neither", cast.colleague.0.scope(), names.clone(), Rows(0)),
        one("an administrator knows neither", cast.administrator.scope(), names, Rows(0)),
        one("an administrator sees what is redacted", cast.administrator.scope(), redacted.clone(), Rows(1)),
        one("an operator sees what is redacted", cast.operator.scope(), redacted.clone(), Rows(1)),
        one("HR sees not even that", cast.hr.scope(), redacted, Rows(0)),
        one("an administrator sees redacted events", cast.administrator.scope(), events.clone(), Rows(1)),
        one("HR sees not even those", cast.hr.scope(), events, Rows(0)),
        one("a practitioner reads own labels", scene.hidden.0.scope(), exceptions(), Rows(1)),
        one("another reads none", cast.other_practitioner.0.scope(), exceptions(), Rows(0)),
        one("the live worker learns which sessions ended", job(Job::Live), ended.clone(), Rows(2)),
        two(
            "and which have not",
            (cast.operator.scope(), format!("UPDATE users SET is_active = true WHERE id = '{}'", marc.id())),
            (job(Job::Live), ended.clone()),
            Rows(1),
        ),
        one("nobody else does", marc.scope(), ended, Rows(0)),
        one("the writer holds a conversation", job(Job::Chat), held.clone(), Rows(1)),
        one("a participant does not", marc.scope(), held, Rows(0)),
        one("a participant marks what the other wrote", sophie.scope(), marked(consultation), Rows(1)),
        one("and not one's own", marc.scope(), marked(consultation), Rows(0)),
        one("another practitioner marks nothing", cast.other_practitioner.0.scope(), marked(consultation), Rows(0)),
        one("nor does HR", cast.hr.scope(), marked(consultation), Rows(0)),
    ]
}

/// Marks what the other wrote in a conversation as read; answers how many messages that were.
fn marked(consultation: ConsultationId) -> String {
    format!("SELECT mark_messages_read('{consultation}', 9, now()) AS count")
}

fn through_triggers(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let (booked, hidden) = (&scene.booked, scene.hidden.1.id);
    let by_hr = |set: &str| (cast.hr.scope(), format!("UPDATE employees SET {set} WHERE user_id = '{}'", marc.id()));
    let confirmed = || {
        let statement = format!(
            "INSERT INTO consultation_events
                 (id, consultation_id, company_id, employee_user_id, practitioner_user_id, type, at)
             VALUES (gen_random_uuid(), '{}', '{}', '{}', '{}', 'CONFIRMED', now())",
            booked.id,
            booked.company,
            marc.id(),
            sophie.id()
        );
        (sophie.scope(), statement)
    };
    let by_sophie = |set: &str| (sophie.scope(), format!("UPDATE consultations SET {set} WHERE id = '{}'", booked.id));
    let completed = || by_sophie("status = 'COMPLETED', started_at = scheduled_at, ended_at = ends_at");
    let by_administrator = |statement: String| (cast.administrator.scope(), statement);
    let published = || by_administrator("UPDATE reviews SET status = 'PUBLISHED' WHERE status = 'PENDING'".to_owned());
    let validated = || by_administrator(format!("UPDATE practitioners SET is_validated = true WHERE id = '{hidden}'"));
    let reminded = format!(
        "INSERT INTO reminders (consultation_id, kind, starts_at, sent_at) VALUES ('{}', 'HOUR_BEFORE', now(), now())",
        booked.id
    );
    let reader = |person: &Person, what: &str| (person.scope(), rows_of(what));
    let audit = |what: &str| (job(Job::Audit), rows_of(what));
    vec![
        two(
            "names follow to the account",
            by_hr("first_name = 'Autre'"),
            reader(marc, "users WHERE first_name = 'Autre'"),
            Rows(1),
        ),
        two(
            "employment follows the department",
            by_hr("department = 'Autre', updated_at = updated_at + interval '3 days'"),
            audit("employment_periods WHERE department = 'Autre'"),
            Rows(1),
        ),
        two(
            "an event reaches the other's inbox",
            confirmed(),
            reader(marc, "notifications WHERE type = 'CONSULTATION_CONFIRMED'"),
            Rows(1),
        ),
        two(
            "an event writes to both",
            confirmed(),
            (job(Job::Outbox), rows_of("outbox WHERE letter = 'CONSULTATION_CONFIRMED'")),
            Rows(2),
        ),
        two(
            "a reminder reaches the inbox",
            (job(Job::Reminders), reminded),
            reader(marc, "notifications WHERE type = 'CONSULTATION_REMINDER'"),
            Rows(2),
        ),
        two(
            "a live consultation takes time",
            by_sophie("sequence = 1"),
            (anonymous(), rows_of("practitioner_busy")),
            Rows(1),
        ),
        two(
            "one called off frees it",
            by_sophie("status = 'CANCELLED'"),
            (anonymous(), rows_of("practitioner_busy")),
            Rows(0),
        ),
        two("an end counts for the company", completed(), audit("company_activity_daily"), Rows(2)),
        two("an end counts for the employee", completed(), audit("employee_activity_daily"), Rows(2)),
        two("an end counts for the practitioner", completed(), reader(sophie, "practitioner_activity_daily"), Rows(2)),
        two(
            "a published review counts",
            published(),
            (anonymous(), rows_of("practitioners WHERE review_count = 2")),
            Rows(1),
        ),
        two(
            "rules follow the standing",
            validated(),
            (anonymous(), rows_of(&format!("availabilities WHERE practitioner_id = '{hidden}'"))),
            Rows(1),
        ),
        two(
            "exceptions follow the standing",
            validated(),
            (anonymous(), rows_of(&format!("availability_exceptions WHERE practitioner_id = '{hidden}'"))),
            Rows(1),
        ),
    ]
}

fn about_statements(scene: &Scene) -> Vec<Expectation> {
    let sophie = scene.cast.practitioner.0.scope();
    let end = "UPDATE consultations SET status = 'COMPLETED', started_at = scheduled_at, ended_at = ends_at";
    let ended = (sophie.clone(), format!("{end} WHERE id = '{}'", scene.booked.id));
    vec![
        one(
            "what is closed is not missing",
            job(Job::Closing),
            rows_of("missing_statements('2027-01-01', 100)"),
            Rows(2),
        ),
        two(
            "what ends once its month is closed is a line of the next",
            ended,
            (sophie, rows_of("consultations WHERE late_month = '2027-02-01'")),
            Rows(1),
        ),
    ]
}

fn about_releases(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (sophie, marc, alpha) = (cast.practitioner.0.scope(), &cast.employee.0, cast.company.id);
    let end = "UPDATE consultations SET status = 'COMPLETED', started_at = scheduled_at, ended_at = ends_at";
    let ended = (sophie.clone(), format!("{end} WHERE id = '{}'", scene.booked.id));
    let missing = || rows_of("missing_releases('2027-02-20T00:00:00Z', 10, 100)");
    let people = || rows_of(&format!("release_people('{alpha}', '2027-01-01')"));
    let used = || format!("SELECT consultations AS count FROM release_total('{alpha}', '2027-01-01')");
    let told = || format!("SELECT announce_reporting('{alpha}', 'NAMED', '2027-02-01', now()) AS count");
    let announced = || (cast.administrator.scope(), told());
    // Any account of the company will do.
    let listed = format!(
        "INSERT INTO employees (id, company_id, user_id, email, first_name, last_name, status, search_text, created_at, updated_at)
         VALUES (gen_random_uuid(), '{alpha}', '{}', 'rh@alpha.example', 'R', 'H', 'ELIGIBLE', 'rh', now(), now())",
        cast.hr.id()
    );
    let withdrawn =
        || (marc.scope(), "UPDATE preferences SET share_usage_with_employer = false, sharing_since = NULL".to_owned());
    vec![
        one("what is released is not missing", job(Job::Closing), missing(), Rows(1)),
        one("nobody else learns what is missing", cast.hr.scope(), missing(), Rows(0)),
        one("closing sees who was eligible", job(Job::Closing), people(), Rows(2)),
        one("and who agrees to be named", job(Job::Closing), format!("{} WHERE agrees", people()), Rows(1)),
        one("HR does not", cast.hr.scope(), people(), Rows(0)),
        one("closing sees what they used", job(Job::Closing), used(), Rows(2)),
        one("an administrator does not", cast.administrator.scope(), used(), Rows(0)),
        two(
            "what ends once its month is released counts in the next",
            ended,
            (sophie, rows_of("consultations WHERE late_release = '2027-02-01'")),
            Rows(1),
        ),
        one("an administrator tells employees how they are reported", cast.administrator.scope(), told(), Rows(2)),
        one("HR does not", cast.hr.scope(), told(), Rows(0)),
        two(
            "and so is whoever is listed later",
            (cast.hr.scope(), listed),
            (job(Job::Outbox), rows_of("outbox WHERE letter = 'REPORTING_CHANGED'")),
            Rows(1),
        ),
        two(
            "they are told in the app",
            announced(),
            (marc.scope(), rows_of("notifications WHERE type = 'REPORTING_CHANGED'")),
            Rows(1),
        ),
        two(
            "and by letter",
            announced(),
            (job(Job::Outbox), rows_of("outbox WHERE letter = 'REPORTING_CHANGED'")),
            Rows(2),
        ),
        two(
            "who no longer agrees is no longer named",
            withdrawn(),
            (cast.hr.scope(), rows_of("usage_release_people")),
            Rows(0),
        ),
    ]
}

fn about_what_is_published(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, administrator) = (cast.employee.0.scope(), cast.administrator.scope());
    let tag = |to: &str| (administrator.clone(), format!("UPDATE articles SET tags = ARRAY['{to}']"));
    let tagged = |tag: &str| rows_of(&format!("article_tags WHERE tag = '{tag}'"));
    let day = "'2027-01-04'";
    // Of the scene's visitor, and of another one.
    let visit = |visitor: &str| {
        format!(
            "SELECT count(*) FILTER (WHERE count_article_visit(id, {day}, '\\x{}')) AS count FROM articles",
            visitor.repeat(32)
        )
    };
    let salt = |day: &str| format!("article_visit_salt('{day}', '\\x{}')", "09".repeat(32));
    let news = |departments: &str| {
        let statement = format!(
            "INSERT INTO news (id, company_id, title, content, content_html, target_departments, published_at, updated_at)
             VALUES (gen_random_uuid(), '{}', 'N', 'n', 'n', {departments}, now(), now())",
            cast.company.id
        );
        (cast.hr.scope(), statement)
    };
    let told = || rows_of("notifications WHERE type = 'NEWS_PUBLISHED'");
    let with_views =
        "INSERT INTO articles (id, slug, title, content, content_html, tags, status, view_count, created_at,
        updated_at) VALUES (gen_random_uuid(), 'x', 'X', 'x', 'x', '{}', 'DRAFT', 7, now(), now())";
    let forget = || "SELECT forget_article_visits('2027-01-05') AS count".to_owned();
    vec![
        two("tags follow the article", tag("repos"), (administrator.clone(), tagged("repos")), Rows(2)),
        two("those that it has no longer are gone", tag("repos"), (administrator.clone(), tagged("sommeil")), Rows(0)),
        two("everybody finds what is published by them", tag("repos"), (anonymous(), tagged("repos")), Rows(1)),
        one("nobody counts by hand", administrator.clone(), "UPDATE articles SET view_count = 9", Refused),
        one("when an article was made stays", administrator.clone(), "UPDATE articles SET created_at = now()", Refused),
        one("nobody begins with views", administrator.clone(), with_views, Refused),
        one(
            "news stay where they are",
            cast.hr.scope(),
            format!("UPDATE news SET company_id = '{}'", cast.company.id),
            Refused,
        ),
        one("and when", cast.hr.scope(), "UPDATE news SET published_at = now()", Refused),
        one("a visitor is counted once", anonymous(), visit("07"), Rows(0)),
        one("another one is", anonymous(), visit("08"), Rows(1)),
        two(
            "what is counted shows",
            (anonymous(), visit("08")),
            (anonymous(), rows_of("articles WHERE view_count = 2")),
            Rows(1),
        ),
        one(
            "the salt of the day is the first one's",
            anonymous(),
            rows_of(&format!("{} WHERE salt = '\\x{}'", salt("2027-01-04"), "07".repeat(32))),
            Rows(1),
        ),
        two(
            "that of the day before is forgotten, and who was there",
            (anonymous(), rows_of(&salt("2027-01-05"))),
            (anonymous(), visit("07")),
            Rows(1),
        ),
        one("its job forgets it", job(Job::Visits), forget(), Rows(1)),
        one("an administrator does not", administrator, forget(), Rows(0)),
        one("an employee reads what is meant for the department", marc.clone(), rows_of("own_news(10, 0)"), Rows(1)),
        one("and counts it", marc.clone(), rows_of("own_news_ids()"), Rows(1)),
        one("HR reads no employee's", cast.hr.scope(), rows_of("own_news_ids()"), Rows(0)),
        one("nor does somebody of another company", cast.stranger.0.scope(), rows_of("own_news(10, 0)"), Rows(0)),
        two("whom news are meant for is told", news("'{}'"), (marc.clone(), told()), Rows(2)),
        two("nobody else is", news("'{Ventes}'"), (marc, told()), Rows(1)),
        one("HR is told of nobody", cast.hr.scope(), told(), Rows(0)),
    ]
}

fn about_counters(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let differing = "SELECT coalesce(sum(differing), 0)::bigint AS count FROM compare_counters(100)";
    vec![
        one("counters are compared by their job", job(Job::Reconcile), rows_of("compare_counters(100)"), Rows(3)),
        one("and by nobody else", cast.administrator.scope(), rows_of("compare_counters(100)"), Rows(0)),
        one("what differed is compared again", job(Job::Reconcile), rows_of("compare_counters(0)"), Rows(1)),
        one("they agree with what they count", job(Job::Reconcile), differing, Rows(0)),
    ]
}

fn about_erasure(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, erased) = (&cast.employee.0, "'2100-01-01T00:00:00Z', gen_random_uuid(), '2100-01-31'");
    let erase = |request| format!("SELECT erase_person('{request}', {erased}) AS count");
    let early = format!(
        "SELECT erase_person('{}', '2027-01-05T00:00:00Z', gen_random_uuid(), '2100-01-31') AS count",
        scene.deletion
    );
    let due = || rows_of("take_due_erasure('2100-01-01T00:00:00Z', '{}')");
    let gone = |what: &str, who: &Person| (who.scope(), rows_of(what));
    let done = || (job(Job::Erasure), erase(scene.deletion));
    let contact = format!(
        "UPDATE companies SET contact_email = (SELECT email FROM users WHERE id = '{}') WHERE id = '{}'",
        cast.hr.id(),
        cast.company.id
    );
    let hr_asks = format!(
        "INSERT INTO deletion_requests (id, user_id, status, created_at, deletion_date)
         VALUES ('{0}', '{0}', 'PENDING', '2027-01-01', '2027-02-01')",
        cast.hr.id()
    );
    let mine = |change: &str| (marc.scope(), format!("{change} = '{}'", marc.id()));
    let sophie = &cast.practitioner.0;
    let back = |to: &str| (marc.scope(), format!("UPDATE deletion_requests SET {to} WHERE id = '{}'", scene.deletion));
    let anew = |what: String| two("nor leaves anything new behind", done(), (marc.scope(), what), Broken);
    vec![
        two(
            "nobody writes into an entry that is left",
            done(),
            mine("UPDATE employees SET phone = '1' WHERE user_id"),
            Rows(0),
        ),
        two("nor into an account", done(), mine("UPDATE users SET language = 'en' WHERE id"), Rows(0)),
        two(
            "nor into a profile",
            (job(Job::Erasure), erase(scene.of_sophie)),
            (sophie.scope(), format!("UPDATE practitioners SET bio = 'b' WHERE user_id = '{}'", sophie.id())),
            Rows(0),
        ),
        one(
            "nobody is erased by their own hand",
            marc.scope(),
            format!("UPDATE users SET erased_at = now() WHERE id = '{}'", marc.id()),
            Refused,
        ),
        two(
            "what was taken back stays so",
            back("status = 'CANCELLED', cancelled_at = now()"),
            back("status = 'PENDING', cancelled_at = NULL"),
            Rows(0),
        ),
        anew(format!(
            "INSERT INTO preferences (user_id, share_usage_with_employer, updated_at) VALUES ('{}', false, now())",
            marc.id()
        )),
        anew(format!("INSERT INTO file_uploads VALUES (gen_random_uuid(), '{}', now())", marc.id())),
        two("their files are gone", done(), (job(Job::Files), rows_of("file_removals")), Rows(5)),
        one("an erasure reaches all that is an employee's", job(Job::Erasure), erase(scene.deletion), Rows(39)),
        one("and all that is a practitioner's", job(Job::Erasure), erase(scene.of_sophie), Rows(17)),
        two(
            "answers go with the person's key",
            (job(Job::Erasure), erase(scene.deletion)),
            (marc.scope(), rows_of("idempotency_keys")),
            Rows(0),
        ),
        one("nobody else erases", marc.scope(), erase(scene.deletion), Rows(0)),
        one("nor the job before the day", job(Job::Erasure), early, Rows(0)),
        one("the job takes what is due", job(Job::Erasure), due(), Rows(1)),
        one("nobody else takes what is due", cast.operator.scope(), due(), Rows(0)),
        two("HR sees nobody where somebody was", done(), gone("employees", &cast.hr), Rows(1)),
        two(
            "an administrator lists no practitioner who was erased",
            (job(Job::Erasure), erase(scene.of_sophie)),
            gone("practitioners", &cast.administrator),
            Rows(2),
        ),
        Expectation {
            what: "whom a company names as its contact is forgotten there as well",
            steps: vec![
                (cast.hr.scope(), contact),
                (cast.hr.scope(), hr_asks),
                (job(Job::Erasure), erase(uuid::Uuid::from(cast.hr.id()))),
                (cast.hr.scope(), rows_of("companies WHERE contact_email IS NULL")),
            ],
            outcome: Rows(1),
        },
    ]
}

fn about_retention(scene: &Scene) -> Vec<Expectation> {
    let marc = &scene.cast.employee.0;
    let settled = format!("UPDATE users SET password_hash = 'x' WHERE id = '{}'", marc.id());
    let discard = |kind| format!("SELECT discard_expired('{kind}', '2100-01-01', 100) AS count");
    let words = "SELECT discard_conversations('2100-01-01', 100) AS count";
    let notes = "SELECT discard_notes('2100-01-01', '2100-01-01', 100) AS count";
    vec![
        one("old sessions are discarded", job(Job::Retention), discard("SESSIONS"), Rows(1)),
        one("and tokens", job(Job::Retention), discard("TOKENS"), Rows(1)),
        one("an account that waits keeps its invitation", job(Job::Retention), discard("INVITATIONS"), Rows(0)),
        two("others go", (marc.scope(), settled), (job(Job::Retention), discard("INVITATIONS")), Rows(1)),
        one("and nothing that nobody knows", job(Job::Retention), discard("USERS"), Rows(0)),
        one("by nobody else", job(Job::Erasure), discard("SESSIONS"), Rows(0)),
        one("what was said goes", job(Job::Retention), words, Rows(1)),
        one("by the job alone", job(Job::Erasure), words, Rows(0)),
        one("notes go", job(Job::Retention), notes, Rows(1)),
        two(
            "with what lies under their key",
            (job(Job::Retention), notes.to_owned()),
            (scene.cast.practitioner.0.scope(), rows_of("clinical_notes")),
            Rows(0),
        ),
        one("by the job alone as well", job(Job::Erasure), notes, Rows(0)),
    ]
}

fn about_own_data(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let own =
        |part| rows_of(&format!("own_records('{part}', '2100-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)"));
    let reviews = || rows_of("own_reviews('2100-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)");
    let codes = "SELECT coalesce(sum((fields->>'backupCodesLeft')::bigint), 0)::bigint AS count FROM own_records('SECOND_FACTOR',
                 '2100-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)";
    vec![
        one("a person takes their periods away", marc.scope(), own("EMPLOYMENT"), Rows(1)),
        one("and the days of their counters", marc.scope(), own("ACTIVITY"), Rows(1)),
        one("and which letters they got", marc.scope(), own("LETTERS"), Rows(7)),
        one("and how many codes are left", marc.scope(), codes, Rows(1)),
        one("and their reviews", marc.scope(), reviews(), Rows(2)),
        one("and nobody else's", claire.scope(), reviews(), Rows(0)),
        one("nor other records", claire.scope(), own("SESSIONS"), Rows(0)),
        one("a practitioner takes statements away", cast.practitioner.0.scope(), own("STATEMENTS"), Rows(1)),
    ]
}

fn about_conversations(scene: &Scene) -> Vec<Expectation> {
    let (marc, sophie) = (&scene.cast.employee.0, &scene.cast.practitioner.0);
    let booked = &scene.booked;
    let reader = |person: &Person, what: &str| (person.scope(), rows_of(what));
    vec![
        two(
            "what was read is marked for the sender",
            (sophie.scope(), marked(booked.id)),
            reader(marc, "messages WHERE read_at IS NOT NULL"),
            Rows(1),
        ),
        two(
            "and waits for nobody any more",
            (sophie.scope(), marked(booked.id)),
            (job(Job::Unread), rows_of("conversations WHERE practitioner_unread_since IS NOT NULL")),
            Rows(0),
        ),
        two(
            "a message reaches the inbox of whoever is away",
            (job(Job::Chat), "UPDATE conversations SET practitioner_notified_at = now()".to_owned()),
            reader(sophie, "notifications WHERE type = 'MESSAGE_RECEIVED'"),
            Rows(1),
        ),
        two(
            "a letter tells of what stays unread",
            (job(Job::Unread), "UPDATE conversations SET practitioner_mailed_at = now()".to_owned()),
            (job(Job::Outbox), rows_of("outbox WHERE letter = 'MESSAGE_UNREAD'")),
            Rows(1),
        ),
    ]
}

fn about_files(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    // Of a document of Marc's, his attachment, Sophie's certificate: which keys are handed out.
    let keys = || rows_of("files f, file_key(f.id) k");
    let waits = |what: &str| (job(Job::Files), rows_of(what));
    let sent = |kind: &str, owner: &Person, set: &str| {
        let statement = format!(
            "INSERT INTO files (id, owner_user_id, kind, name, media_type, size, sha256, related_resource, related_id,
                 object, is_public, created_at)
             SELECT gen_random_uuid(), '{}', '{kind}', 'a.png', 'image/png', 1, decode(repeat('00', 32), 'hex'), {set},
                 gen_random_uuid(), true, now()",
            owner.id()
        );
        (owner.scope(), statement)
    };
    let suspended = || {
        let statement = "UPDATE practitioners SET suspended_at = now()";
        (cast.administrator.scope(), format!("{statement} WHERE user_id = '{}'", sophie.id()))
    };
    let attached = format!("'CONSULTATION', '{}'", scene.booked.id);
    vec![
        one("whoever sends files may use their key", marc.scope(), keys(), Rows(2)),
        one("a participant that of an attachment", sophie.scope(), keys(), Rows(2)),
        one("an administrator that of a certificate", cast.administrator.scope(), keys(), Rows(1)),
        one("others none", cast.colleague.0.scope(), keys(), Rows(0)),
        two(
            "a deleted file leaves its object",
            (marc.scope(), "DELETE FROM files WHERE kind = 'DOCUMENT'".to_owned()),
            waits("file_removals"),
            Rows(2),
        ),
        two(
            "an upload that ends without a file as well",
            (marc.scope(), "DELETE FROM file_uploads".to_owned()),
            waits("file_removals"),
            Rows(2),
        ),
        two(
            "a picture is shown by its owner's account",
            (marc.scope(), "DELETE FROM files WHERE kind = 'AVATAR'".to_owned()),
            (marc.scope(), rows_of("users WHERE avatar_id IS NULL")),
            Rows(1),
        ),
        two(
            "and by a practitioner's entry",
            (sophie.scope(), "DELETE FROM files WHERE kind = 'AVATAR'".to_owned()),
            (anonymous(), rows_of("practitioners WHERE avatar_id IS NOT NULL")),
            Rows(0),
        ),
        two(
            "whether it is public, the store says",
            sent("AVATAR", &cast.colleague.0, "NULL, NULL::uuid"),
            (anonymous(), rows_of("files")),
            Rows(1),
        ),
        two("and says again when it changes", suspended(), (anonymous(), rows_of("files")), Rows(0)),
        two(
            "who meets about an attachment as well",
            sent("ATTACHMENT", sophie, &attached),
            (marc.scope(), rows_of("files WHERE kind = 'ATTACHMENT'")),
            Rows(2),
        ),
        {
            let (scope, statement) = sent("ATTACHMENT", &cast.colleague.0, &attached);
            one("nobody attaches to another's consultation", scope, statement, Refused)
        },
        one("nobody changes a file", marc.scope(), "UPDATE files SET name = 'b.pdf'", Refused),
        one(
            "nor queues an object",
            job(Job::Files),
            "INSERT INTO file_removals (object) VALUES (gen_random_uuid())",
            Refused,
        ),
    ]
}

/// The access log that whoever asks has.
const ACCESS_LOG: &str = "own_access_log('2100-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)";

fn about_the_trail(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let marc = &cast.employee.0;
    let read_by = |person: &Person| {
        let statement = format!(
            "INSERT INTO audit_entries (id, at, actor_user_id, actor_role, action, resource, resource_id, request_id, outcome)
             VALUES (gen_random_uuid(), now(), '{}', '{}', 'READ', 'CONSULTATION', '{}', 'r', 'SUCCESS')",
            person.id(),
            person.user.role,
            scene.booked.id
        );
        (person.scope(), statement)
    };
    let waits = rows_of("audit_unlinked u JOIN audit_entries e ON e.id = u.entry_id WHERE e.request_id = 'r'");
    let told = || rows_of(&format!("{ACCESS_LOG} WHERE action = 'READ' AND resource = 'CONSULTATION'"));
    vec![
        two("what anybody records waits to be linked", read_by(&cast.hr), (job(Job::Audit), waits), Rows(1)),
        two("whoever's consultation was read is told", read_by(&cast.administrator), (marc.scope(), told()), Rows(1)),
        two(
            "the administrator is told nothing",
            read_by(&cast.administrator),
            (cast.administrator.scope(), told()),
            Rows(0),
        ),
        two("nor is a colleague", read_by(&cast.administrator), (cast.colleague.0.scope(), told()), Rows(0)),
        one("one's own access log holds what concerns one", marc.scope(), rows_of(ACCESS_LOG), Rows(2)),
        one("nobody else's does", cast.stranger.0.scope(), rows_of(ACCESS_LOG), Rows(0)),
    ]
}

fn refusals(scene: &Scene) -> Vec<Expectation> {
    let cast = &scene.cast;
    let marc = &cast.employee.0;
    let own_words = format!(
        "SELECT count(*) AS count FROM (SELECT tell_participant('{}', '{}', 'UTC', 'NEWS_PUBLISHED', NULL, now(), now())) AS told",
        scene.booked.id,
        cast.colleague.0.id()
    );
    let news = format!(
        "SELECT count(*) AS count FROM (SELECT tell_of_messages('{}', '{}', false, now())) AS told",
        scene.booked.id,
        cast.colleague.0.id()
    );
    vec![
        one(
            "a label is no column to read",
            marc.scope(),
            "SELECT count(label) AS count FROM availability_exceptions",
            Refused,
        ),
        one(
            "whose a busy time is, neither",
            marc.scope(),
            "SELECT count(consultation_id) AS count FROM practitioner_busy",
            Refused,
        ),
        one(
            "whose a review is, neither",
            cast.administrator.scope(),
            "SELECT count(employee_user_id) AS count FROM reviews",
            Refused,
        ),
        one(
            "of which consultation, neither",
            cast.administrator.scope(),
            "SELECT count(consultation_id) AS count FROM reviews",
            Refused,
        ),
        one("a rating is not to be rewritten", cast.administrator.scope(), "UPDATE reviews SET rating = 5", Refused),
        one("the trail is not to be changed", marc.scope(), "UPDATE audit_entries SET action = 'READ'", Refused),
        one("nor shortened", job(Job::Audit), "DELETE FROM audit_entries", Refused),
        one("nor emptied", job(Job::Audit), "TRUNCATE audit_entries", Refused),
        one("nobody speaks to another in the system's name", marc.scope(), own_words, Refused),
        one("not of messages either", marc.scope(), news, Refused),
        one(
            "what was said is not to be changed",
            job(Job::Chat),
            "UPDATE messages SET sender_id = practitioner_user_id",
            Refused,
        ),
        one("the program makes no table", cast.administrator.scope(), "CREATE TABLE mine (id uuid)", Refused),
    ]
}

#[test]
fn every_scope_sees_and_does_what_it_should() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    owner.batch_execute("BEGIN").unwrap();
    let failing = failing(&mut owner, &expectations(&scene));
    owner.batch_execute("ROLLBACK").unwrap();
    assert_eq!(failing, Vec::<String>::new());
}
