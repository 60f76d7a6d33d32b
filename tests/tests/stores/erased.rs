//! What is left of somebody who was erased: in the live database nothing that names or quotes them, in a
//! dump taken before nothing that a key still opens, and all that has to stay.
use std::collections::{BTreeMap, BTreeSet};

use actix_web::test::TestRequest;
use data_encoding::HEXLOWER;
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use huntzen_app::{export::Section, files::remove_due};
use huntzen_tenancy::{files::ObjectName, own_data::OwnPart, policy::Role};
use huntzen_tests::{
    api::{ApiWorld, NOBODY, PASSWORD, Played, consultation_at, forms::Form},
    samples, totp,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Part of everything that the person says of themselves.
const SONG: &str = "zaunkoenig";
/// The person, an employee of alpha.
const WHO: &str = "zaunkoenig.im.wald@alpha.example";

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Every row of every table, as text.
type Dump = BTreeMap<String, Vec<String>>;

fn dump(owner: &mut PgConnection) -> Dump {
    let tables = "SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables
                  WHERE schemaname IN ('public', 'keys')";
    let tables = sql_query(tables).load::<Line>(owner).unwrap();
    let read = |Line { text: table }: Line| {
        let rows = sql_query(format!("SELECT t::text AS text FROM {table} t ORDER BY 1")).load::<Line>(owner).unwrap();
        (table, rows.into_iter().map(|row| row.text).collect())
    };
    tables.into_iter().map(read).collect()
}

/// The places in which one of these texts lies, as it is or in hexadecimal.
fn found(dump: &Dump, needles: &[&str]) -> Vec<String> {
    let spelt: Vec<(String, String)> =
        needles.iter().map(|needle| (needle.to_lowercase(), HEXLOWER.encode(needle.as_bytes()))).collect();
    let mut places = Vec::new();
    for (table, rows) in dump {
        for row in rows.iter().map(|row| row.to_lowercase()) {
            for (plain, hex) in &spelt {
                if row.contains(plain.as_str()) || row.contains(hex.as_str()) {
                    places.push(format!("{plain} in {table}: {row}"));
                }
            }
        }
    }
    places
}

/// The ids of the keys under which what lies in a dump was sealed: an envelope is a version, a key's id,
/// a nonce and what follows.
fn keys_used(dump: &Dump) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (_, rows) in dump.iter().filter(|(table, _)| !table.starts_with("keys.")) {
        for row in rows {
            for (start, _) in row.match_indices("\\x01") {
                let Some(id) = row.get(start + 4..start + 36) else { continue };
                // Version 7, as ids of keys are.
                if id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.as_bytes()[12] == b'7' {
                    ids.insert(id.to_owned());
                }
            }
        }
    }
    ids
}

/// The keys that are alive: their ids with what they are for.
fn keys_alive(owner: &mut PgConnection) -> BTreeMap<String, String> {
    let query = "SELECT replace(k.id::text, '-', '') || ' ' || k.kind || ' ' || coalesce(u.email, '') AS text
                 FROM keys.data_keys k LEFT JOIN outbox o ON o.id = k.subject_id
                 LEFT JOIN users u ON u.id = o.recipient_user_id";
    let lines = sql_query(query).load::<Line>(owner).unwrap();
    lines
        .into_iter()
        .map(|line| line.text.split_once(' ').map(|(id, what)| (id.into(), what.into())).unwrap())
        .collect()
}

fn number(owner: &mut PgConnection, query: &str) -> String {
    sql_query(format!("SELECT coalesce(({query})::text, '') AS text")).get_result::<Line>(owner).unwrap().text
}

/// What is billed and counted.
fn shape(owner: &mut PgConnection) -> Vec<String> {
    [
        "SELECT string_agg(concat(id, status, duration_seconds, service_day, billing_status, scheduled_at), ',' ORDER BY id)
         FROM consultations",
        "SELECT string_agg(d::text, ',' ORDER BY d::text) FROM practitioner_activity_daily d",
        "SELECT string_agg(d::text, ',' ORDER BY d::text) FROM employee_activity_daily d",
        "SELECT string_agg(d::text, ',' ORDER BY d::text) FROM company_activity_daily d",
        "SELECT string_agg(concat(id, rating), ',' ORDER BY id) FROM reviews",
        "SELECT string_agg(v::text, ',' ORDER BY v::text) FROM clinical_note_versions v",
    ]
    .map(|query| number(owner, query))
    .to_vec()
}

/// Says all that can be said, a canary each; answers the consultation that was held.
async fn confide(play: &Played) -> String {
    let canary = |what: &str| format!("{SONG} {what}");
    play.employee(Played::HR, WHO, "Zaunkoenig", "Waldvogel-Zaunkoenig").await;
    let own = json!({ "phone": "+33 6 98 76 54 32" });
    play.patch(WHO, "/employees/me", own).await.expect(200);
    let mut asked = consultation_at(&play.sophie, "2027-01-05T08:00:00Z");
    asked["reason"] = canary("reason").into();
    let held = play.post(WHO, "/consultations", asked).await.text_at("/id");
    let mut off = consultation_at(&play.sophie, "2027-01-06T08:00:00Z");
    off["reason"] = canary("another reason").into();
    let off = play.post(WHO, "/consultations", off).await.text_at("/id");
    let why = json!({ "reason": canary("cancel reason") });
    play.post(WHO, &format!("/consultations/{off}/cancel"), why).await.expect(200);
    play.set_clock("2027-01-05T08:00:00Z");
    play.conduct(&held, "start").await;
    play.set_clock("2027-01-05T08:45:00Z");
    play.conduct(&held, "end").await;
    for who in [WHO, Played::SOPHIE] {
        let message = json!({ "content": canary("message") });
        play.post(who, &format!("/chat/{held}/messages"), message).await.expect(201);
    }
    let feedback = json!({ "rating": 5, "comment": canary("comment") });
    let review = play.post(WHO, &format!("/consultations/{held}/feedback"), feedback).await;
    let review = review.text_at("/id");
    play.post(Played::ADMIN, &format!("/reviews/{review}/publish"), Value::Null).await.expect(200);
    let entry = json!({ "content": canary("journal"), "mood": 2, "tags": [canary("tag")] });
    play.post(WHO, "/journal", entry).await.expect(201);
    let note = json!({ "consultationId": held, "content": "Ce que la praticienne garde." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    // Somebody else, of whom everything stays.
    let entry = json!({ "content": "Ce que Claire garde." });
    play.post(Played::CLAIRE, "/journal", entry).await.expect(201);
    let mine = json!({
        "alias": canary("alias"), "quietHours": { "start": "22:00", "end": "07:00", "timezone": "Europe/Paris" },
    });
    play.patch(WHO, "/users/me/preferences", mine).await.expect(200);
    let picture = Form::new().text("fileType", "AVATAR").file(&canary("face.png"), "image/png", &samples::png());
    play.upload(WHO, &picture).await.expect(201);
    for (kind, who) in [("DOCUMENT", WHO), ("ATTACHMENT", WHO), ("ATTACHMENT", Played::SOPHIE)] {
        let file = samples::pdf_with(&canary("file"));
        let form = Form::new().text("fileType", kind).file(&canary("file.pdf"), "application/pdf", &file);
        let form = form.text("relatedResource", "CONSULTATION").text("relatedId", &held);
        play.upload(who, &form).await.expect(201);
    }
    let forgot = json!({ "email": WHO });
    play.post(NOBODY, "/auth/forgot-password", forgot).await.expect(202);
    play.post(WHO, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    let new_address = json!({ "newEmail": "zaunkoenig@maison.example" });
    play.post(WHO, "/users/me/email", new_address).await.expect(202);
    let setup = play.post(WHO, "/auth/2fa/setup", Value::Null).await.text_at("/secret");
    let code = totp::code(&setup, play.now().parse().unwrap());
    play.post(WHO, "/auth/2fa/verify", json!({ "code": code })).await.expect(200);
    let contact =
        json!({ "contactName": "Zaunkoenig Waldvogel-Zaunkoenig", "contactEmail": WHO, "phone": "+33 1 98 76 54 32" });
    play.patch(Played::HR, &format!("/companies/{}", play.alpha), contact).await.expect(200);
    let reason = json!({ "reason": canary("deletion reason") });
    play.post(WHO, "/users/me/delete-request", reason).await.expect(201);
    held
}

/// Somebody who has said all that can be said takes it all away.
async fn everything_is_taken_away(play: &Played) {
    let bearer = format!("Bearer {}", play.token_of(WHO).await);
    let request = TestRequest::with_uri("/users/me/export").insert_header(("authorization", bearer));
    let taken = play.send(request.insert_header(("accept", "application/json"))).await;
    taken.expect(200);
    for section in Section::of(Role::Employee) {
        let records = taken.json[section.key()].as_array().unwrap_or_else(|| panic!("{} is no list", section.key()));
        // No month was closed in which the employer saw a name.
        let is_empty = section == Section::Part(OwnPart::NamedUsage);
        assert_eq!(records.is_empty(), is_empty, "{}", section.key());
    }
    for said in ["reason", "cancel reason", "message", "comment", "journal", "tag", "deletion reason", "alias", "file"]
    {
        let said = format!("{SONG} {said}");
        assert!(taken.json.to_string().contains(&said), "{said} is not taken away");
    }
}

/// Breaks the job at each of the tables that it touches in turn: nothing changes then.
fn break_everywhere(play: &Played, owner: &mut PgConnection, before: &Dump) {
    owner
        .batch_execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''cut''; END'",
        )
        .unwrap();
    for table in [
        "keys.data_keys",
        "idempotency_keys",
        "messages",
        "conversations",
        "consultations",
        "reviews",
        "journal_entries",
        "files",
        "file_uploads",
        "file_removals",
        "outbox",
        "sessions",
        "second_factors",
        "one_time_tokens",
        "invitations",
        "notifications",
        "preferences",
        "usage_release_people",
        "companies",
        "employees",
        "users",
        "deletion_requests",
        "keys.erased",
        "audit_entries",
        "audit_unlinked",
    ] {
        let is_added = table.starts_with("audit") || ["file_removals", "keys.erased"].contains(&table);
        let event = if is_added { "INSERT" } else { "UPDATE OR DELETE" };
        owner
            .batch_execute(&format!(
                "CREATE TRIGGER cut BEFORE {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail()"
            ))
            .unwrap();
        let run = play.services.erasing.run(10);
        assert_eq!((run.erased.len(), run.failures.len()), (0, 1), "{table} is not touched");
        owner.batch_execute(&format!("DROP TRIGGER cut ON {table}")).unwrap();
        assert_eq!(&dump(owner), before, "cut at {table}, something had changed");
    }
    owner.batch_execute("DROP FUNCTION fail()").unwrap();
}

#[actix_web::test]
async fn what_is_left_of_somebody_who_was_erased() {
    let play = Played::new(ApiWorld::postgres().await).await;
    let mut owner = play.world.database.as_ref().unwrap().owner();
    let held = confide(&play).await;
    everything_is_taken_away(&play).await;
    let billed = shape(&mut owner);
    let taken_before = dump(&mut owner);
    let needles = [SONG, WHO, "Waldvogel", "98 76 54 32"];
    assert!(found(&taken_before, &needles).len() > 5, "the search finds what is there");
    let objects = "SELECT object::text AS text FROM files";
    let objects = sql_query(objects).load::<Line>(&mut owner).unwrap().into_iter();
    let objects: Vec<ObjectName> = objects.map(|line| ObjectName(line.text.parse().unwrap())).collect();
    assert_eq!(objects.len(), 4);
    let alive_before = keys_alive(&mut owner);
    let used = keys_used(&taken_before);
    let kinds = |alive: &BTreeMap<String, String>| -> BTreeSet<String> {
        let opened = used.iter().filter_map(|id| alive.get(id));
        opened.map(|what| what.split(' ').next().unwrap().to_owned()).collect()
    };
    let all = ["CONSULTATION", "LETTER", "NOTES", "PERSON", "REVIEW"].map(str::to_owned);
    assert_eq!(kinds(&alive_before), all.into_iter().collect(), "what is sealed is found by its key");
    assert!(used.iter().all(|id| alive_before.contains_key(id)), "every envelope has a key");

    play.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(play.services.jobs.cancel_departing(100).unwrap(), 0);
    let before = dump(&mut owner);
    break_everywhere(&play, &mut owner, &before);
    assert_eq!(play.services.erasing.run(10).erased.len(), 1);
    let after = dump(&mut owner);
    assert_eq!(found(&after, &needles), Vec::<String>::new());

    // Of the dump nothing opens any more but the note, and what was somebody else's.
    let alive = keys_alive(&mut owner);
    for id in &used {
        if let Some(what) = alive.get(id) {
            let of_others = what.starts_with("LETTER ") && !what.contains("deleted-");
            let of_claire = what.starts_with("PERSON");
            assert!(what.starts_with("NOTES") || of_others || of_claire, "{id} {what} opens what is in the dump");
        }
    }
    let person_keys = used.iter().filter(|id| alive.get(*id).is_some_and(|what| what.starts_with("PERSON")));
    assert_eq!(person_keys.count(), 1, "Claire's alone");
    let gone = used.iter().filter(|id| !alive.contains_key(*id)).count();
    assert!(gone >= 6, "only {gone} keys were destroyed");

    // What has to stay stays.
    assert_eq!(shape(&mut owner), billed);
    let notes = play.get(Played::SOPHIE, &format!("/medical/clinical-notes/consultation/{held}")).await;
    assert_eq!(notes.each("content"), ["Ce que la praticienne garde."]);
    assert_eq!(play.get(Played::CLAIRE, "/journal").await.each("content"), ["Ce que Claire garde."]);

    // Once more changes nothing, and the letter goes where it was meant to.
    let settled = dump(&mut owner);
    assert_eq!(play.services.jobs.cancel_departing(100).unwrap(), 0);
    assert_eq!(play.services.erasing.run(10).erased, []);
    assert_eq!(dump(&mut owner), settled);
    assert!(play.subjects_to(WHO).contains(&"Votre compte a été supprimé".to_owned()));
    assert_eq!(found(&dump(&mut owner), &needles), Vec::<String>::new());
    play.sign_in(WHO).await.refused(401, "invalid_credentials");

    // Of the files nothing is left in the storage either, nor the key that a copy of them would open with.
    for object in &objects {
        assert!(play.edge.storage.read(*object).await.unwrap().is_some());
    }
    assert_eq!(remove_due(&play.services.file_removal, play.edge.storage.as_ref(), 10).await.unwrap(), objects.len());
    for object in &objects {
        assert!(play.edge.storage.read(*object).await.unwrap().is_none());
    }
    let keys = number(
        &mut owner,
        "SELECT string_agg(u.role, ',') FROM keys.data_keys k JOIN users u ON u.id = k.subject_id
                                   WHERE k.kind = 'FILES'",
    );
    assert_eq!(keys, "PRACTITIONER", "hers alone");
}

#[actix_web::test]
async fn what_is_left_of_a_practitioner_who_was_erased() {
    let play = Played::new(ApiWorld::postgres().await).await;
    let mut owner = play.world.database.as_ref().unwrap().owner();
    let held = play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:45:00Z").await;
    let note = json!({ "consultationId": held, "content": "Insomnie." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    let message = json!({ "content": "Bonjour." });
    play.post(Played::SOPHIE, &format!("/chat/{held}/messages"), message).await.expect(201);
    let label = json!({
        "startsAt": "2027-03-01T08:00:00Z", "endsAt": "2027-03-02T08:00:00Z", "kind": "LEAVE", "label": "Chez Sophie",
    });
    play.post(Played::SOPHIE, "/availability/exception", label).await.expect(201);
    play.post(Played::SOPHIE, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    play.post(Played::SOPHIE, "/users/me/delete-request", Value::Null).await.expect(201);
    let (billed, needles) = (shape(&mut owner), ["Sophie", Played::SOPHIE, "759312345 "]);
    assert!(!found(&dump(&mut owner), &needles).is_empty());
    play.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(play.services.erasing.run(10).erased.len(), 1);
    assert_eq!(found(&dump(&mut owner), &needles), Vec::<String>::new());
    assert_eq!(shape(&mut owner), billed);
    let said = play.get(Played::MARC, &format!("/chat/{held}/messages")).await;
    assert_eq!(said.each("content"), ["Bonjour."], "a conversation is the employee's too");
    let seen = play.consultation(Played::MARC, &held).await;
    assert_eq!(seen["practitioner"]["firstName"], "Utilisateur");
    play.get(NOBODY, &format!("/practitioners/{}", play.sophie)).await.refused(404, "not_found");
    let kept = number(&mut owner, "SELECT count(*) FROM keys.data_keys WHERE kind = 'NOTES'");
    assert_eq!(kept, "1", "notes wait for their retention");
}
