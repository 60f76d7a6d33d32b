//! A database with rows in every table, whom they belong to, and the scopes that try to reach them.
use std::fmt::Write as _;

use diesel::{PgConnection, QueryResult, RunQueryDsl, connection::SimpleConnection, result::Error, sql_query};
use huntzen_booking::{
    availability::ExceptionKind, consultation::Consultation, practitioner::Practitioner, reminders::DueReminder,
    reminders::ReminderKind, review::ReviewStatus,
};
use huntzen_clinical::conversation::{ConversationRules, MessageWriter};
use huntzen_metrics::reconciliation::Reconciling;
use huntzen_tenancy::{
    Job, Origin, Scope, ScopeKind, company::HrReporting, files::FileType, identity::OneTimePurpose, ids::SessionId,
    sealing::KeySubject, token::TokenDigest, words::Words,
};
use huntzen_tests::{
    appointments::{booked, carried_out},
    cast::{Cast, Person, entry, listed},
    clock::at,
    contracts::{
        article_visits, articles, audit_chains, backups, company_news, conversations::said, erasure, files,
        idempotency, invitations::invited, journal, letters, notes, preferences, releases, reviews::new_review,
        second_factors, sessions::signed_in, statements, timetables, tokens::mailed,
    },
    world::World,
};
use jiff::{SignedDuration, civil::date};

/// A filled database.
pub struct Scene {
    /// The store over it.
    pub world: World,
    /// Whose rows they are.
    pub cast: Cast,
    /// A practitioner whom nobody has validated, with a rule and an exception.
    pub hidden: (Person, Practitioner),
    /// Marc's next consultation with Sophie.
    pub booked: Consultation,
    /// Marc's request to be erased.
    pub deletion: uuid::Uuid,
    /// Sophie's.
    pub of_sophie: uuid::Uuid,
    /// Marc's session.
    pub session: SessionId,
    /// Marc's refresh token.
    pub refresh: TokenDigest,
    /// Marc's mailed token.
    pub mailed: TokenDigest,
    /// Marc's invitation.
    pub invitation: TokenDigest,
}

/// Some rows of one table that somebody should not reach.
pub struct Subject {
    /// What they are.
    pub name: &'static str,
    /// Their table.
    pub table: &'static str,
    /// Which rows, as a condition over columns that everybody may name.
    pub rows: String,
    /// A change that names no column but its own, so that it needs no right to read.
    pub touch: &'static str,
}

impl Scene {
    /// Fills a database through the ports.
    pub fn new() -> Self {
        let world = World::postgres();
        let cast = Cast::new(&world);
        let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
        let hidden = listed(&world, &cast.administrator, "new@huntzen.example", "Nouvelle", |practitioner| {
            practitioner.is_validated = false;
            practitioner.validated_at = None;
        });
        for one in [&cast.practitioner, &hidden] {
            timetables::ruled(&world, one, 1, 8);
            timetables::excepted(&world, one, ExceptionKind::Leave, ("2027-03-01T00:00:00Z", "2027-03-02T00:00:00Z"));
        }
        let past = booked(&world, &cast.employee, &cast.practitioner, "2027-01-04T09:00:00Z");
        let past = carried_out(&world, sophie, past, "2027-01-04T09:00:00Z", "2027-01-04T09:45:00Z");
        let earlier = booked(&world, &cast.employee, &cast.practitioner, "2027-01-04T11:00:00Z");
        let earlier = carried_out(&world, sophie, earlier, "2027-01-04T11:00:00Z", "2027-01-04T11:45:00Z");
        let booked = booked(&world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
        let mut reviewed = uuid::Uuid::nil();
        for (consultation, publish) in [(&past, true), (&earlier, false)] {
            let review = new_review(&world, consultation, 5);
            reviewed = review.id.0;
            world.booking.run(&marc.scope(), |tx| tx.add_review(&review)).unwrap();
            if publish {
                let moderated = at("2027-01-05T00:00:00Z");
                let publish = world.booking.run(&cast.administrator.scope(), |tx| {
                    Ok(tx.moderate(review.id, (ReviewStatus::Published, Some("Bien.")), moderated)?)
                });
                assert!(publish.unwrap());
            }
        }
        let reminder =
            DueReminder { consultation: booked.id, kind: ReminderKind::DayBefore, starts_at: booked.scheduled_at };
        let sent = world
            .booking
            .run(&Scope::worker(Job::Reminders), |tx| Ok(tx.send_reminder(&reminder, at("2027-01-05T14:00:00Z"))?));
        assert!(sent.unwrap());
        let line = entry(&world, &cast.hr.scope(), cast.company.id).about(marc.id());
        world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.record(&line)?)).unwrap();
        let (session, refresh) = signed_in(&world, marc);
        second_factors::set(&world, &marc.scope(), marc, &["un"]).unwrap();
        let mailed = mailed(&world, marc, OneTimePurpose::ResetPassword).digest;
        let invitation = invited(&world, &cast.hr, marc).digest;
        invited(&world, &cast.administrator, sophie);
        invited(&world, &cast.operator, &cast.administrator);
        let rules = ConversationRules { opens_before: SignedDuration::from_hours(24 * 30), ..Default::default() };
        let said = said(marc, booked.id.0.into(), "Bonjour.");
        let written = MessageWriter::new(world.clinical_ports(), rules).write(&[said], &|_, _| false);
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        let note = notes::unwritten(&world, &cast, booked.id.0.into(), "Insomnie.");
        notes::add(&world, sophie, &note).unwrap();
        journal::add(&world, marc, &journal::unwritten(&world, marc, "Nuit blanche.")).unwrap();
        publish(&world, &cast);
        let closed = statements::empty_statement(&world, &cast, "2027-01");
        statements::close(&world, &Scope::worker(Job::Closing), &closed).unwrap();
        let mut reported = cast.company.clone();
        reported.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
        world.tenancy.run(&cast.administrator.scope(), |tx| tx.update_company(&reported)).unwrap();
        preferences::agrees(&world, marc, true);
        releases::released(&world, &cast, "2027-01", &[&cast.employee]);
        Reconciling::new(world.metrics_ports()).run().unwrap();
        // As after a defect that is mended: it is looked at once more.
        let differed =
            format!("INSERT INTO counter_differences VALUES ('COMPANY', '{}', '2027-01-04')", cast.company.id);
        world.database.as_ref().unwrap().owner().batch_execute(&differed).unwrap();
        // Somebody of long ago.
        let erased =
            "INSERT INTO keys.erased VALUES (gen_random_uuid(), '2026-01-01', gen_random_uuid(), '2026-01-31')";
        world.database.as_ref().unwrap().owner().batch_execute(erased).unwrap();
        backups::keep(&world, &Scope::worker(Job::Backup), &backups::unrecorded(&world)).unwrap();
        audit_chains::link_all(&world);
        audit_chains::recorded(&world, &cast, 2);
        send_files(&world, &cast, &booked);
        let letter = letters::letter(&world, marc.id());
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.enqueue(&letter)?)).unwrap();
        for (by, subject) in [
            (marc, KeySubject::Letter(letter.id)),
            (marc, KeySubject::Review(reviewed)),
            (marc, KeySubject::Person(marc.id())),
            (marc, KeySubject::Files(marc.id())),
            (sophie, KeySubject::Files(sophie.id())),
            (sophie, KeySubject::Notes { author: sophie.id(), patient: marc.id() }),
            (sophie, KeySubject::Platform),
        ] {
            let key = world.vault.generate(world.randomness.uuid_v4(), subject).unwrap();
            world.tenancy.run(&by.scope(), |tx| Ok(tx.add_data_keys(&[key])?)).unwrap();
        }
        idempotency::answered(&world, marc, "a-key");
        let deletion = erasure::asked(&world, marc).id;
        let of_sophie = erasure::asked(&world, sophie).id;
        Self {
            world,
            cast,
            hidden,
            booked,
            deletion,
            of_sophie,
            session: session.id,
            refresh: refresh.digest,
            mailed,
            invitation,
        }
    }

    /// A connection of the owner, who passes row security.
    pub fn owner(&self) -> PgConnection {
        self.world.database.as_ref().unwrap().owner()
    }

    /// Rows of Marc, of his company, of his practitioner and of the hidden one: of every table
    /// some, and of tables that show some rows to more people than others, of each sort.
    pub fn subjects(&self) -> Vec<Subject> {
        let (marc, alpha) = (self.cast.employee.0.id(), self.cast.company.id);
        let (sophie, hidden) = (self.cast.practitioner.0.id(), self.hidden.0.id());
        let row = |name, table, rows, touch| Subject { name, table, rows, touch };
        let user = |name, person: &Person| row(name, "users", format!("id = '{}'", person.id()), "language = 'en'");
        let of_marc = format!("user_id = '{marc}'");
        let of_alpha = format!("company_id = '{alpha}'");
        let key = |name, kind| row(name, "keys.data_keys", format!("kind = '{kind}'"), "master_key_id = 1");
        let with_marc = format!("employee_user_id = '{marc}'");
        let mut subjects = vec![
            row("company", "companies", format!("id = '{alpha}'"), "phone = '1'"),
            row("domain", "company_domains", of_alpha.clone(), "position = 0"),
            row("backup", "backups", "true".to_owned(), "bytes = 0"),
            row("erased person", "keys.erased", "true".to_owned(), "erased_at = erased_at"),
            row("reconciliation", "reconciliation", "true".to_owned(), "checked = 99"),
            row("difference", "counter_differences", "true".to_owned(), "day = day"),
            row("reporting", "company_reporting", of_alpha.clone(), "mode = 'AGGREGATED'"),
            row("preferences", "preferences", of_marc.clone(), "updated_at = updated_at"),
            row("release", "usage_releases", of_alpha.clone(), "closed_at = closed_at"),
            row("cell", "usage_release_cells", of_alpha.clone(), "users = 50"),
            row("named person", "usage_release_people", with_marc.clone(), "consultations = 9"),
            row("invoice", "usage_release_invoices", of_alpha.clone(), "consultations = 99"),
            user("employee's account", &self.cast.employee.0),
            user("HR's account", &self.cast.hr),
            user("practitioner's account", &self.cast.practitioner.0),
            user("administrator's account", &self.cast.administrator),
            user("operator's account", &self.cast.operator),
            row("employee", "employees", of_marc.clone(), "phone = '1'"),
            row("employment", "employment_periods", of_alpha.clone(), "department = NULL"),
            row("published article", "articles", "status = 'PUBLISHED'".to_owned(), "category = NULL"),
            row("draft", "articles", "status = 'DRAFT'".to_owned(), "category = NULL"),
            row("its tag", "article_tags", "status = 'PUBLISHED'".to_owned(), "tag = tag"),
            row("draft's tag", "article_tags", "status = 'DRAFT'".to_owned(), "tag = tag"),
            row("visit", "article_visits", "true".to_owned(), "day = day"),
            row("day's salt", "article_visit_salts", "true".to_owned(), "day = day"),
            row("news", "news", of_alpha.clone(), "title = title"),
            row("second factor", "second_factors", of_marc.clone(), "last_step = 9"),
            row("backup code", "backup_codes", of_marc.clone(), "used_at = NULL"),
            row("session", "sessions", of_marc.clone(), "ip = NULL"),
            row("refresh token", "refresh_tokens", of_marc.clone(), "rotated_at = NULL"),
            row("mailed token", "one_time_tokens", of_marc.clone(), "used_at = NULL"),
            row("employee's invitation", "invitations", of_marc.clone(), "accepted_at = NULL"),
            row("practitioner's invitation", "invitations", format!("user_id = '{sophie}'"), "accepted_at = NULL"),
            row(
                "administrator's invitation",
                "invitations",
                format!("user_id = '{}'", self.cast.administrator.id()),
                "accepted_at = NULL",
            ),
            row("audit entry", "audit_entries", format!("subject_user_id = '{marc}'"), "action = 'READ'"),
            row("audit link", "audit_links", "true".to_owned(), "seq = seq + 1"),
            row("entry that waits", "audit_unlinked", "true".to_owned(), "entry_id = entry_id"),
            row("letter", "outbox", format!("recipient_user_id = '{marc}'"), "attempts = 1"),
            row("notification", "notifications", of_marc, "read_at = NULL"),
            row("practitioner", "practitioners", format!("user_id = '{sophie}'"), "bio = NULL"),
            row("hidden practitioner", "practitioners", format!("user_id = '{hidden}'"), "bio = NULL"),
            row("rule", "availabilities", format!("practitioner_user_id = '{sophie}'"), "slot_minutes = 50"),
            row("hidden rule", "availabilities", format!("practitioner_user_id = '{hidden}'"), "slot_minutes = 50"),
            row("exception", "availability_exceptions", format!("practitioner_user_id = '{sophie}'"), "types = NULL"),
            row(
                "hidden exception",
                "availability_exceptions",
                format!("practitioner_user_id = '{hidden}'"),
                "types = NULL",
            ),
            row("busy time", "practitioner_busy", "true".to_owned(), "starts_at = starts_at"),
            row("consultation", "consultations", with_marc.clone(), "sequence = 1"),
            row("event", "consultation_events", with_marc.clone(), "actor_user_id = NULL"),
            row("conversation", "conversations", with_marc.clone(), "last_seq = 9"),
            row("message", "messages", with_marc, "read_at = NULL"),
            row("note", "clinical_notes", format!("employee_user_id = '{marc}'"), "version = 9"),
            row("note's version", "clinical_note_versions", "true".to_owned(), "version = 9"),
            row("journal entry", "journal_entries", format!("user_id = '{marc}'"), "version = 9"),
            row("published review", "reviews", "status = 'PUBLISHED'".to_owned(), "moderated_at = NULL"),
            row("pending review", "reviews", "status = 'PENDING'".to_owned(), "moderated_at = NULL"),
            row("reminder", "reminders", "true".to_owned(), "sent_at = starts_at"),
            row("statement", "practitioner_statements", "true".to_owned(), "closed_at = closed_at"),
            row("practitioner's days", "practitioner_activity_daily", "true".to_owned(), "consult_count = 0"),
            row("employee's days", "employee_activity_daily", of_alpha.clone(), "consult_count = 0"),
            key("person's key", "PERSON"),
            key("consultation's key", "CONSULTATION"),
            key("notes' key", "NOTES"),
            key("platform's key", "PLATFORM"),
            key("letter's key", "LETTER"),
            key("review's key", "REVIEW"),
            row("deletion request", "deletion_requests", format!("user_id = '{marc}'"), "cancelled_at = NULL"),
            row("company's days", "company_activity_daily", of_alpha, "consult_count = 0"),
        ];
        subjects.extend(self.files());
        subjects
    }

    /// The same of files, and of requests that may be repeated.
    fn files(&self) -> [Subject; 9] {
        let (marc, sophie) = (self.cast.employee.0.id(), self.cast.practitioner.0.id());
        let row = |name, table, rows, touch| Subject { name, table, rows, touch };
        [
            row("document", "files", format!("owner_user_id = '{marc}' AND kind = 'DOCUMENT'"), "is_public = false"),
            row("attachment", "files", "kind = 'ATTACHMENT'".to_owned(), "is_public = false"),
            row("certificate", "files", "kind = 'CERTIFICATE'".to_owned(), "is_public = false"),
            row("picture", "files", format!("owner_user_id = '{marc}' AND kind = 'AVATAR'"), "is_public = false"),
            row(
                "public picture",
                "files",
                format!("owner_user_id = '{sophie}' AND kind = 'AVATAR'"),
                "is_public = false",
            ),
            row("upload", "file_uploads", format!("owner_user_id = '{marc}'"), "begun_at = begun_at"),
            row("request", "idempotency_keys", format!("user_id = '{marc}'"), "held_by = held_by"),
            row("removal", "file_removals", "true".to_owned(), "put_off_until = NULL"),
            row(
                "files' key",
                "keys.data_keys",
                format!("kind = 'FILES' AND subject_id = '{marc}'"),
                "master_key_id = 1",
            ),
        ]
    }

    /// Everybody who might try, by name; nobody at all has no scope.
    pub fn scopes(&self) -> Vec<(String, Option<Scope>)> {
        let cast = &self.cast;
        let marc = cast.employee.0.user.email.clone();
        let mut scopes = vec![
            ("nobody".to_owned(), None),
            ("anonymous".to_owned(), Some(Scope::anonymous(Origin::default()))),
            ("sign-in".to_owned(), Some(Scope::sign_in(marc, Origin::default()))),
            ("token".to_owned(), Some(Scope::token(self.refresh, Origin::default()))),
        ];
        for (name, person) in [
            ("Marc", &cast.employee.0),
            ("Claire, of his company", &cast.colleague.0),
            ("Léa, of another", &cast.stranger.0),
            ("his HR", &cast.hr),
            ("another HR", &cast.other_hr),
            ("Sophie", &cast.practitioner.0),
            ("Paul, another practitioner", &cast.other_practitioner.0),
            ("hidden practitioner", &self.hidden.0),
            ("administrator", &cast.administrator),
            ("operator", &cast.operator),
        ] {
            scopes.push((name.to_owned(), Some(person.scope())));
        }
        scopes.extend(Job::ALL.iter().map(|job| (format!("job {job}"), Some(Scope::worker(*job)))));
        scopes
    }
}

/// What a statement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many rows, or the number that it answers as `count`.
    Rows(i64),
    /// Row security, or the want of a right, refused it.
    Refused,
    /// Row security let it through, and something else refused it: a constraint.
    Broken,
}

/// Becomes the program's role within `scope`, until the savepoint `try` is rolled back to.
pub fn enter(connection: &mut PgConnection, scope: Option<&Scope>) {
    let mut text = "SAVEPOINT try; SET LOCAL ROLE huntzen_app".to_owned();
    for (name, value) in settings(scope) {
        write!(text, "; SELECT set_config('huntzen.{name}', '{value}', true)").unwrap();
    }
    connection.batch_execute(&text).unwrap();
}

/// Undoes all since the last `enter`.
pub fn leave(connection: &mut PgConnection) {
    connection.batch_execute("ROLLBACK TO SAVEPOINT try; RELEASE SAVEPOINT try").unwrap();
}

/// Runs one statement; a query answers one number as `count`.
pub fn attempt(connection: &mut PgConnection, statement: &str) -> Outcome {
    let done = if statement.trim_start().starts_with("SELECT") {
        sql_query(statement).get_result::<super::Number>(connection).map(|number| number.count)
    } else {
        sql_query(statement).execute(connection).map(|rows| i64::try_from(rows).unwrap())
    };
    outcome(done)
}

/// What a statement came to.
pub fn outcome(done: QueryResult<i64>) -> Outcome {
    match done {
        Ok(rows) => Outcome::Rows(rows),
        Err(Error::DatabaseError(_, information)) => {
            let message = information.message();
            let refused = ["row-level security policy", "permission denied"].iter().any(|text| message.contains(text));
            if refused { Outcome::Refused } else { Outcome::Broken }
        }
        Err(error) => panic!("{error}"),
    }
}

/// The settings that policies read; empty where a scope says nothing.
fn settings(scope: Option<&Scope>) -> [(&'static str, String); 5] {
    let none = String::new;
    let (role, user, company, email, token) = match scope.map(|scope| &scope.kind) {
        None => (none(), none(), none(), none(), none()),
        Some(ScopeKind::Anonymous) => ("ANONYMOUS".to_owned(), none(), none(), none(), none()),
        Some(ScopeKind::SignIn(address)) => ("SIGN_IN".to_owned(), none(), none(), address.as_str().to_owned(), none()),
        Some(ScopeKind::Token(digest)) => ("TOKEN".to_owned(), none(), none(), none(), digest.to_hex()),
        Some(ScopeKind::User(actor)) => {
            let company = actor.company.map(|company| company.to_string()).unwrap_or_default();
            (actor.role.to_string(), actor.user.to_string(), company, none(), none())
        }
        Some(ScopeKind::Worker(job)) => (format!("worker:{job}"), none(), none(), none(), none()),
    };
    [("role", role), ("user", user), ("company", company), ("email", email), ("token", token)]
}

/// Sends files of each type, one of which is deleted again.
fn send_files(world: &World, cast: &Cast, booked: &Consultation) {
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    for (by, kind) in [
        (marc, FileType::Document),
        (marc, FileType::Avatar),
        (sophie, FileType::Certificate),
        (sophie, FileType::Avatar),
    ] {
        files::sent(world, by, kind);
    }
    files::add(world, &marc.scope(), &files::attached(world, marc, booked)).unwrap();
    files::begun(world, marc);
    let deleted = files::sent(world, marc, FileType::Document).id;
    assert!(world.tenancy.run(&marc.scope(), |tx| Ok(tx.remove_file(deleted)?)).unwrap());
}

/// Publishes an article, which somebody visits, beside a draft, and news.
fn publish(world: &World, cast: &Cast) {
    let open = articles::published(world, &cast.administrator, "ouvert");
    articles::add(world, &cast.administrator, &articles::unwritten(world, "brouillon")).unwrap();
    article_visits::salt(world, date(2027, 1, 4), 7);
    assert!(article_visits::count(world, open.id, date(2027, 1, 4), 7));
    company_news::published(world, &cast.hr, &["Support"]);
}
