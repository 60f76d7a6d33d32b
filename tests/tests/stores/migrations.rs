//! The schema goes up, down and up again, with data in it, and leaves nothing behind.
use std::sync::Arc;

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text,
};
use huntzen_adapter_diesel::migrate;
use huntzen_metrics::reconciliation::Reconciling;
use huntzen_tenancy::{
    Job, Scope,
    clock::Clock,
    company::HrReporting,
    erasure::Erased,
    files::FileType,
    identity::{OneTimePurpose, OneTimeToken},
    outbox::{Arguments, Letter, OutboxMessage},
    preferences::{Alias, PreferenceSet, QuietHours},
    sealing::{KeySubject, Place, Sealed, Sealer},
    token::TokenDigest,
};
use huntzen_tests::{
    appointments::{booked, carried_out},
    cast::{Cast, Person, email},
    cluster::TestDatabase,
    contracts::{
        article_visits, articles, backups, company_news, erasure, files, idempotency, letters, preferences, releases,
        reviews::new_review, second_factors, sessions, statements,
    },
    world::{RING, World, vault},
};
use jiff::civil::{date, time};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// All that a migration could have made in the database, but for the list of migrations itself.
const MADE: &str = "
    WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'keys'))
    SELECT format('%s %s', relkind, relname) AS name FROM pg_class
    WHERE relnamespace IN (SELECT oid FROM ours) AND relname NOT LIKE '__diesel_schema_migrations%'
    UNION ALL SELECT format('function %s', oid::regprocedure) FROM pg_proc
    WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL SELECT format('type %s', typname) FROM pg_type
    WHERE typnamespace IN (SELECT oid FROM ours) AND typname NOT LIKE '%\\_\\_diesel_schema_migrations'
    UNION ALL SELECT format('extension %s', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT format('policy %s', policyname) FROM pg_policies
    UNION ALL SELECT format('trigger %s', tgname) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('right of %s', rolname) FROM pg_roles, pg_namespace
    WHERE nspname IN ('public', 'keys') AND rolname IN ('huntzen_app', 'huntzen_internal')
        AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = pg_roles.oid)
    ORDER BY 1";

fn made(connection: &mut PgConnection) -> Vec<String> {
    let names = sql_query(MADE).load::<Name>(connection).unwrap();
    names.into_iter().map(|Name { name }| name).collect()
}

/// Fills the tables through the ports: people, a consultation that ended and an absence, what they are told, what closes.
fn use_it(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    let ended = carried_out(world, &cast.practitioner.0, consultation, "2027-01-05T14:00:00Z", "2027-01-05T14:45:00Z");
    assert_eq!(ended.duration_seconds, Some(2700));
    let mut reported = cast.company.clone();
    reported.reporting = [(date(2027, 2, 1), HrReporting::Named)].into_iter().collect();
    let announced = world.tenancy.run(&cast.administrator.scope(), |tx| {
        tx.update_company(&reported)?;
        Ok(tx.announce_reporting(reported.id, (date(2027, 2, 1), HrReporting::Named), world.clock.now())?)
    });
    assert_eq!(announced.unwrap(), 2);
    preferences::agrees(world, &cast.employee.0, true);
    releases::released(world, &cast, "2027-01", &[&cast.employee]);
    erasure::asked(world, &cast.colleague.0);
    let statement = statements::empty_statement(world, &cast, "2027-01");
    assert!(statements::close(world, &Scope::worker(Job::Closing), &statement).unwrap());
    // Its months are closed: it counts in the next ones.
    let late = booked(world, &cast.colleague, &cast.practitioner, "2027-01-06T14:00:00Z");
    carried_out(world, &cast.practitioner.0, late, "2027-01-06T14:00:00Z", "2027-01-06T14:45:00Z");
    let (sophie, key) = (&cast.practitioner.0, KeySubject::Files(cast.practitioner.0.id()));
    let key = world.vault.generate(world.randomness.uuid_v4(), key).unwrap();
    world.tenancy.run(&sophie.scope(), |tx| Ok(tx.add_data_keys(&[key])?)).unwrap();
    for kind in [FileType::Avatar, FileType::Certificate] {
        files::sent(world, sophie, kind);
    }
    files::begun(world, sophie);
    idempotency::answered(world, sophie, "a-key");
    Reconciling::new(world.metrics_ports()).run().unwrap();
    backups::keep(world, &Scope::worker(Job::Backup), &backups::unrecorded(world)).unwrap();
    let article = articles::published(world, &cast.administrator, "bien-dormir");
    let today = article_visits::salt(world, date(2027, 1, 4), 1).day;
    assert!(article_visits::count(world, article.id, today, 1));
    company_news::published(world, &cast.hr, &[]);
    prefer_and_secure(world, &cast.colleague.0);
}

/// What somebody chooses for themself: what they are called and when they want no letter, a second factor,
/// another address that waits to be confirmed.
fn prefer_and_secure(world: &World, who: &Person) {
    let chosen = PreferenceSet {
        language: "en".to_owned(),
        alias: Alias::parse("Dominique"),
        share_usage_with_employer: false,
        quiet_hours: QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0), "Europe/Paris"),
    };
    preferences::decide(world, &who.scope(), who, &chosen).unwrap();
    second_factors::set(world, &who.scope(), who, &["un", "deux"]).unwrap();
    let now = world.clock.now();
    let used = world.tenancy.run(&who.scope(), |tx| Ok(tx.use_backup_code(who.id(), TokenDigest::of("un"), now)?));
    assert!(used.unwrap());
    let mut enabled = who.user.clone();
    enabled.two_factor_enabled_at = Some(now);
    let token = OneTimeToken {
        digest: TokenDigest::of(&world.randomness.uuid_v4().to_string()),
        user: who.id(),
        purpose: OneTimePurpose::ChangeEmail,
        email: Some(email("somebody@new.example")),
        created_at: now,
        expires_at: now + OneTimePurpose::ChangeEmail.validity(),
    };
    let letter = |kind| OutboxMessage { letter: kind, ..letters::letter(world, who.id()) };
    let kinds = [Letter::ConfirmEmail, Letter::EmailChanged, Letter::EmailTaken, Letter::NewSignIn];
    let waiting = world.tenancy.run(&who.scope(), |tx| {
        tx.update_user(&enabled)?;
        tx.add_one_time_token(&token)?;
        Ok(tx.enqueue_all(&kinds.map(letter))?)
    });
    waiting.unwrap();
    let (session, _) = sessions::signed_in(world, who);
    assert!(world.tenancy.run(&who.scope(), |tx| Ok(tx.step_up(who.id(), session.id, now)?)).unwrap());
}

#[test]
fn up_down_and_up_again_with_data() {
    let mut world = World::over_database(TestDatabase::empty(), |url| {
        migrate::ensure_roles(url, "test").unwrap();
        let applied = migrate::run(url, vault(RING).as_ref()).unwrap();
        assert_eq!(applied.len(), migrations_in_the_repository());
    });
    let owner_url = world.database.as_ref().unwrap().owner_url();
    let mut owner = world.database.as_ref().unwrap().owner();
    use_it(&world);
    let first = made(&mut owner);
    assert!(first.len() > 100, "{first:?}");
    let undone = migrate::revert_all(&owner_url).unwrap();
    assert_eq!(undone.len(), migrations_in_the_repository());
    assert_eq!(made(&mut owner), Vec::<String>::new());
    assert_eq!(migrate::pending(&owner_url).unwrap().len(), undone.len());
    let again = migrate::run(&owner_url, vault(RING).as_ref()).unwrap();
    assert_eq!(again.len(), undone.len());
    assert_eq!(made(&mut owner), first);
    // Whoever works with the schema asks for its types anew.
    world = World::over_database(world.database.take().unwrap(), |_| ());
    use_it(&world);
    assert_eq!(migrate::run(&owner_url, vault(RING).as_ref()).unwrap(), Vec::<String>::new());
}

/// Takes the migrations from this one on back, latest first.
fn back_before(owner: &mut PgConnection, first: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.as_str() >= first)
        .collect();
    names.sort();
    for name in names.iter().rev() {
        let down = std::fs::read_to_string(format!("{folder}/{name}/down.sql")).unwrap();
        owner.batch_execute(&down).unwrap();
        let version: String = name.chars().take(17).filter(char::is_ascii_digit).collect();
        owner.batch_execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'")).unwrap();
    }
}

/// Whoever was erased before backups knew of it is known to them too.
#[test]
fn who_was_erased_earlier_is_in_the_ledger() {
    let mut world = World::postgres();
    let cast = Cast::new(&world);
    let request = erasure::asked(&world, &cast.employee.0);
    erasure::asked(&world, &cast.colleague.0);
    world.clock.set(request.deletion_date);
    let erased =
        Erased { at: request.deletion_date, certificate: world.randomness.uuid_v4(), keys_gone_on: date(2027, 3, 5) };
    let job = Scope::worker(Job::Erasure);
    assert!(world.tenancy.run(&job, |tx| Ok(tx.erase_person(request.id, &erased)?)).unwrap());
    let owner_url = world.database.as_ref().unwrap().owner_url();
    let mut owner = world.database.as_ref().unwrap().owner();
    let ledger = "SELECT concat_ws(' ', user_id, certificate_id, keys_gone_on) AS name FROM keys.erased";
    let wanted = [format!("{} {} 2027-03-05", cast.employee.0.id(), erased.certificate)];
    let held = |owner: &mut PgConnection| -> Vec<String> {
        sql_query(ledger).load::<Name>(owner).unwrap().into_iter().map(|Name { name }| name).collect()
    };
    assert_eq!(held(&mut owner), wanted);
    back_before(&mut owner, "2026-11-26-000029");
    migrate::run(&owner_url, vault(RING).as_ref()).unwrap();
    assert_eq!(held(&mut owner), wanted);
    world = World::over_database(world.database.take().unwrap(), |_| ());
    let again = world.tenancy.run(&job, |tx| Ok(tx.take_due_erasure(request.deletion_date, &[])?));
    assert_eq!(again.unwrap().map(|due| (due.user, due.erased_before)), Some((cast.colleague.0.id(), None)));
}

#[test]
fn texts_that_lay_in_clear_are_sealed() {
    let world = World::postgres();
    let owner_url = world.database.as_ref().unwrap().owner_url();
    seals_what_lay_in_clear(world, &owner_url);
}

/// The owner of production, whom row security binds: without a policy of its own for the while, it
/// would find nothing to seal.
#[test]
fn texts_that_lay_in_clear_are_sealed_by_an_owner_without_privileges() {
    let database = TestDatabase::empty();
    let owner_url = database.url_of("huntzen_plain_owner");
    let make_role = "
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'huntzen_plain_owner') THEN
                CREATE ROLE huntzen_plain_owner LOGIN;
                GRANT huntzen_internal TO huntzen_plain_owner;
            END IF;
            EXECUTE format('ALTER DATABASE %I OWNER TO huntzen_plain_owner', current_database());
        END $$";
    database.owner().batch_execute(make_role).unwrap();
    let world = World::over_database(database, |_| {
        assert_eq!(migrate::run(&owner_url, vault(RING).as_ref()).unwrap().len(), migrations_in_the_repository());
    });
    seals_what_lay_in_clear(world, &owner_url);
}

/// What older releases kept in clear is sealed on the way, row by row, and opens as it was; nothing of
/// it is left in the tables.
fn seals_what_lay_in_clear(mut world: World, owner_url: &str) {
    let cast = Cast::new(&world);
    let consultation = booked(&world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    let past = booked(&world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let past = carried_out(&world, &cast.practitioner.0, past, "2027-01-06T14:00:00Z", "2027-01-06T14:45:00Z");
    let review = new_review(&world, &past, 5);
    world.booking.run(&cast.employee.0.scope(), |tx| tx.add_review(&review)).unwrap();
    // As far as the schema that kept texts in clear.
    back_before(&mut PgConnection::establish(owner_url).unwrap(), "2026-11-25-000010");
    let mut superuser = world.database.as_ref().unwrap().owner();
    superuser
        .batch_execute(&format!(
            "UPDATE consultations SET reason = 'Je dors mal.', cancel_reason = 'Empêchement.' WHERE id = '{}';
             UPDATE reviews SET comment = 'Très à l’écoute.';
             INSERT INTO outbox (id, recipient_user_id, letter, arguments, created_at, next_attempt_at)
             VALUES (gen_random_uuid(), '{}', 'PASSWORD_RESET', '{{\"token\": \"0123\"}}', now(), now())",
            consultation.id,
            cast.employee.0.id()
        ))
        .unwrap();
    let vault = vault(RING);
    assert!(migrate::run(owner_url, vault.as_ref()).unwrap().contains(&"20261125000011".to_owned()));
    world = World::over_database(world.database.take().unwrap(), |_| ());
    let keeper = Sealer::new(Arc::clone(&vault), Arc::clone(&world.randomness));
    let open = |scope: &Scope, subject: KeySubject, place: Place, sealed: &Sealed| {
        let key = world.tenancy.run(scope, |tx| Ok(tx.data_keys(&[subject])?)).unwrap().remove(0);
        keeper.open(&key, &place, sealed).unwrap().expose().to_owned()
    };
    let marc = cast.employee.0.scope();
    let found = world.booking.run(&marc, |tx| Ok(tx.consultation(consultation.id, false)?)).unwrap().unwrap();
    let shared = KeySubject::Consultation(consultation.id.0);
    let place = |column| Place::new("consultations", column, consultation.id.0);
    assert_eq!(open(&marc, shared, place("reason"), &found.reason.unwrap()), "Je dors mal.");
    assert_eq!(open(&marc, shared, place("cancel_reason"), &found.cancel_reason.unwrap()), "Empêchement.");
    let administrator = cast.administrator.scope();
    let waiting = world.booking.run(&administrator, |tx| Ok(tx.review(review.id)?)).unwrap().unwrap();
    let comment = open(&administrator, KeySubject::Platform, review.id.comment(), &waiting.comment.unwrap());
    assert_eq!(comment, "Très à l’écoute.");
    let far = world.clock.now() + jiff::SignedDuration::from_hours(24 * 365 * 50);
    let worker = Scope::worker(Job::Outbox);
    let letters = world.tenancy.run(&worker, |tx| Ok(tx.take_due(far, far, 100)?)).unwrap();
    let sealed = letters.iter().find_map(|due| match &due.message.arguments {
        Arguments::Sealed(sealed) => Some((due.message.id, sealed)),
        Arguments::About(_) => None,
    });
    let (letter, sealed) = sealed.unwrap();
    assert_eq!(open(&worker, KeySubject::Platform, Arguments::place(letter), sealed), "{\"token\": \"0123\"}");
    // Those that the triggers had written need no secret, and come through as they were: sealed too.
    assert!(letters.len() > 1);
}

fn migrations_in_the_repository() -> usize {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
    std::fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}
