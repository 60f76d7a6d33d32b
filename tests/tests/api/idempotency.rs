//! What a client sends again with an `Idempotency-Key`: done once, and answered byte for byte as before.
use std::time::{Duration, Instant};

use actix_web::{http::header::HeaderValue, test::TestRequest};
use futures_util::future::{join, join_all};
use huntzen_tenancy::{
    Actor, Caller, Origin,
    idempotency::{Answer as KeptText, Beginning, IdempotencyKey, Repeatable, RequestDigest, RequestName},
    ids::UserId,
    policy::Role,
    sealing::SecretText,
};
use huntzen_tests::{
    api::{
        Answer, NOBODY, Played, consultation_at,
        forms::{Form, document},
    },
    api_suite, samples,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    a_booking_is_made_once,
    a_move_is_made_once,
    a_message_is_said_once,
    an_import_is_done_once,
    a_file_is_taken_in_once,
    of_many_at_once_one_is_done,
    a_refusal_is_told_again,
    what_matters_of_a_request_is_its_content,
    a_request_that_goes_on_is_waited_for,
    answers_are_kept_for_a_day,
    what_is_no_key_is_refused,
    nobody_has_answers_kept_without_end,
    nothing_changes_without_a_key,
}

/// A Monday after the clock's, and two slots of it.
const START: &str = "2027-01-11T08:00:00Z";
const LATER: &str = "2027-01-11T09:00:00Z";
const JSON: &str = "application/json";
const IMPORT: &str = "/employees/import";
const UPLOAD: &str = "/files/upload";

/// Sends a body of this type with this key.
async fn send(play: &Played, (who, key): (&str, &str), path: &str, (media, body): (&str, Vec<u8>)) -> Answer {
    let key = HeaderValue::from_bytes(key.as_bytes()).unwrap();
    let mut request = TestRequest::post().uri(path).insert_header(("idempotency-key", key));
    if who != NOBODY {
        request = request.insert_header(("authorization", format!("Bearer {}", play.token_of(who).await)));
    }
    play.send(request.insert_header(("content-type", media)).set_payload(body)).await
}

async fn post(play: &Played, by: (&str, &str), path: &str, body: &Value) -> Answer {
    send(play, by, path, (JSON, body.to_string().into_bytes())).await
}

async fn upload(play: &Played, by: (&str, &str), form: &Form) -> Answer {
    send(play, by, UPLOAD, (&Form::media(), form.bytes())).await
}

/// The answer is that of before, byte for byte, and says so.
#[track_caller]
fn repeats(again: &Answer, first: &Answer) {
    assert_eq!(again.status, first.status, "{}: {}", again.asked, again.text());
    assert_eq!(again.bytes, first.bytes, "{}", again.asked);
    for header in ["content-type", "location", "content-language"] {
        assert_eq!(again.header(header), first.header(header), "{}: {header}", again.asked);
    }
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{}", again.asked);
    assert_eq!(first.header("idempotency-replayed"), None, "{}", first.asked);
}

/// A file of this many people.
fn people(count: usize) -> Vec<u8> {
    let line = |number| format!("p{number}@alpha.example,Prénom,Nom{number}\n");
    format!("email,firstName,lastName\n{}", (0..count).map(line).collect::<String>()).into_bytes()
}

async fn mine(play: &Played, who: &str) -> usize {
    play.get(who, "/consultations/mine").await.each("id").len()
}

async fn said_in(play: &Played, id: &str) -> Vec<Value> {
    play.get(Played::SOPHIE, &format!("/chat/{id}/messages")).await.each("content")
}

async fn a_booking_is_made_once(play: &Played) {
    let (by, body) = ((Played::MARC, "book-1"), consultation_at(&play.sophie, START));
    let first = post(play, by, "/consultations", &body).await;
    first.expect(201);
    assert_eq!(first.header("location"), Some(format!("/consultations/{}", first.text_at("/id")).as_str()));
    assert_eq!(first.text_at("/reason"), "Je dors mal.");
    for _ in 0..2 {
        repeats(&post(play, by, "/consultations", &body).await, &first);
    }
    assert_eq!((mine(play, Played::MARC).await, play.subjects_to(Played::MARC).len()), (1, 1));
    assert_eq!(*play.get(Played::MARC, first.header("location").unwrap()).await.expect(200), first.json);
    let other = post(play, by, "/consultations", &consultation_at(&play.sophie, LATER)).await;
    other.refused(409, "idempotency_key_reused");
    let elsewhere = format!("/consultations/{}/reschedule", first.text_at("/id"));
    let moved = post(play, by, &elsewhere, &json!({ "scheduledAt": LATER })).await;
    moved.refused(409, "idempotency_key_reused");
    post(play, (Played::SOPHIE, "book-1"), "/consultations", &body).await.refused(403, "forbidden");
    post(play, (NOBODY, "book-1"), "/consultations", &body).await.refused(401, "unauthenticated");
    let claire = consultation_at(&play.sophie, LATER);
    let theirs = post(play, (Played::CLAIRE, "book-1"), "/consultations", &claire).await;
    assert_eq!((theirs.status, theirs.header("idempotency-replayed")), (201, None));
    assert_eq!((mine(play, Played::MARC).await, mine(play, Played::CLAIRE).await), (1, 1));
}

async fn a_move_is_made_once(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    let (path, body) = (format!("/consultations/{id}/reschedule"), json!({ "scheduledAt": LATER }));
    let first = post(play, (Played::MARC, "move"), &path, &body).await;
    assert_eq!(first.expect(200)["scheduledAt"], LATER);
    repeats(&post(play, (Played::MARC, "move"), &path, &body).await, &first);
    let moves = play.events(Played::MARC, &id).await.each("type").into_iter().filter(|kind| kind == "RESCHEDULED");
    assert_eq!(moves.count(), 1);
    // The practitioner moves it back under a key of the same name, and the first answer stays what it was.
    let back = post(play, (Played::SOPHIE, "move"), &path, &json!({ "scheduledAt": START })).await;
    assert_eq!(back.expect(200)["scheduledAt"], START);
    repeats(&post(play, (Played::MARC, "move"), &path, &body).await, &first);
    assert_eq!(play.consultation(Played::MARC, &id).await["scheduledAt"], START);
    let other = post(play, (Played::MARC, "move"), &path, &json!({ "scheduledAt": START })).await;
    other.refused(409, "idempotency_key_reused");
}

async fn a_message_is_said_once(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock(START);
    let (path, body) = (format!("/chat/{id}/messages"), json!({ "content": "Bonjour 👋" }));
    let first = post(play, (Played::MARC, "say"), &path, &body).await;
    assert_eq!(first.expect(201)["content"], "Bonjour 👋");
    play.advance(SignedDuration::from_secs(1));
    repeats(&post(play, (Played::MARC, "say"), &path, &body).await, &first);
    assert_eq!(said_in(play, &id).await.len(), 1);
    assert_eq!(play.get(Played::MARC, first.header("location").unwrap()).await.each("id"), [first.json["id"].clone()]);
    let other = post(play, (Played::MARC, "say"), &path, &json!({ "content": "Au revoir" })).await;
    other.refused(409, "idempotency_key_reused");
    let theirs = post(play, (Played::SOPHIE, "say"), &path, &body).await;
    assert_eq!((theirs.expect(201)["seq"].clone(), theirs.header("idempotency-replayed")), (json!(2), None));
    post(play, (Played::CLAIRE, "say"), &path, &body).await.refused(404, "not_found");
    let missing = post(play, (Played::MARC, "say"), "/consultations", &consultation_at(&play.sophie, LATER)).await;
    missing.refused(409, "idempotency_key_reused");
    assert_eq!(said_in(play, &id).await.len(), 2);
}

/// Sends people until the file is through: on a busy machine a part may take too long, and whom it listed
/// is skipped the next time.
async fn import(play: &Played, key: &str, path: &str, count: usize) -> Answer {
    loop {
        let answer = send(play, (Played::HR, key), path, ("text/csv", people(count))).await;
        if answer.json["code"] != "overloaded" {
            return answer;
        }
    }
}

async fn an_import_is_done_once(play: &Played) {
    // Parts of 500: one of exactly that size, so that the last is empty.
    for (key, count) in [("none", 0), ("few", 3), ("whole", 500), ("more", 501)] {
        // A rehearsal leaves the key unused.
        for _ in 0..2 {
            let rehearsed = import(play, key, "/employees/import?dryRun=true", count).await;
            assert_eq!(rehearsed.expect(200)["failed"], 0);
            assert_eq!(rehearsed.header("idempotency-replayed"), None);
        }
        let name = format!("{key}-for-good");
        let first = import(play, &name, IMPORT, count).await;
        let told = ["created", "skipped", "failed"].map(|name| first.expect(200)[name].as_u64());
        assert_eq!(told.into_iter().sum::<Option<u64>>(), u64::try_from(count).ok(), "{}", first.json);
        repeats(&import(play, &name, IMPORT, count).await, &first);
        import(play, &name, IMPORT, count + 1).await.refused(409, "idempotency_key_reused");
    }
    let listed = play.get(Played::HR, "/employees?perPage=1").await;
    assert_eq!(listed.expect(200)["total"], 2 + 501);
    let theirs = send(play, (Played::OTHER_HR, "few-for-good"), IMPORT, ("text/csv", people(3))).await;
    assert_eq!((theirs.expect(200)["failed"].clone(), theirs.header("idempotency-replayed")), (json!(3), None));
}

async fn a_file_is_taken_in_once(play: &Played) {
    let form = document("DOCUMENT", &samples::pdf());
    let first = upload(play, (Played::MARC, "send"), &form).await;
    first.expect(201);
    repeats(&upload(play, (Played::MARC, "send"), &form).await, &first);
    // The order of the parts says nothing.
    let turned = Form::new().file("a.pdf", "application/pdf", &samples::pdf()).text("fileType", "DOCUMENT");
    repeats(&upload(play, (Played::MARC, "send"), &turned).await, &first);
    let mut longer = samples::pdf();
    longer.extend_from_slice(b"\n");
    for other in [
        document("DOCUMENT", &longer),
        document("ATTACHMENT", &samples::pdf()),
        Form::new().text("fileType", "DOCUMENT").file("b.pdf", "application/pdf", &samples::pdf()),
        Form::new().text("fileType", "DOCUMENT"),
    ] {
        upload(play, (Played::MARC, "send"), &other).await.refused(409, "idempotency_key_reused");
    }
    let theirs = upload(play, (Played::CLAIRE, "send"), &form).await;
    assert_eq!((theirs.status, theirs.header("idempotency-replayed")), (201, None));
    // A picture replaces the one before; a repeat does not bring it back.
    let picture = |name: &str| Form::new().text("fileType", "AVATAR").file(name, "image/png", &samples::png());
    let old = upload(play, (Played::MARC, "old"), &picture("old.png")).await;
    old.expect(201);
    upload(play, (Played::MARC, "new"), &picture("new.png")).await.expect(201);
    repeats(&upload(play, (Played::MARC, "old"), &picture("old.png")).await, &old);
    play.get(Played::MARC, old.header("location").unwrap()).await.refused(404, "not_found");
    // What is refused on the way leaves the key free.
    let unfit = Form::new().text("fileType", "DOCUMENT").file("a.pdf", "application/pdf", b"no such thing");
    upload(play, (Played::MARC, "unfit"), &unfit).await.refused(415, "unsupported_file");
    upload(play, (Played::MARC, "unfit"), &form).await.expect(201);
    // Every object is a file's: none was written twice.
    let kept = |who: &'static str| {
        let user = play.account_of(who);
        async move {
            let user = UserId(user.await.parse().unwrap());
            let actor = Actor { user, role: Role::Employee, company: None, session: None };
            let scope = huntzen_tenancy::Scope::user(actor, Origin::default());
            let usage = play.world.tenancy.run(&scope, |tx| Ok(tx.file_usage(user, jiff::Timestamp::UNIX_EPOCH)?));
            let usage = usage.unwrap();
            (usage.files, usage.uploads)
        }
    };
    assert_eq!((kept(Played::MARC).await, kept(Played::CLAIRE).await), ((3, 0), (1, 0)));
}

/// Sends it until nobody else is at it: on a busy machine that takes longer than a request waits.
async fn done(play: &Played, by: (&str, &str), path: &str, (media, body): (&str, Vec<u8>)) -> Answer {
    loop {
        let answer = send(play, by, path, (media, body.clone())).await;
        if answer.json["code"] != "request_in_progress" {
            return answer;
        }
    }
}

/// One answer for all, and one of them for the first time.
#[track_caller]
fn all_alike(answers: &[Answer], status: u16) {
    let first: Vec<&Answer> = answers.iter().filter(|one| one.header("idempotency-replayed").is_none()).collect();
    assert_eq!(first.len(), 1, "{:?}", answers.iter().map(|one| (one.status, one.text())).collect::<Vec<_>>());
    first[0].expect(status);
    for one in answers.iter().filter(|one| one.header("idempotency-replayed").is_some()) {
        repeats(one, first[0]);
    }
}

async fn of_many_at_once_one_is_done(play: &Played) {
    const MANY: usize = 50;
    let id = play.booked(Played::MARC, LATER).await;
    play.empty_mailboxes();
    for who in [Played::MARC, Played::CLAIRE, Played::HR] {
        play.token_of(who).await;
    }
    let many = async |by, path: &str, media: &str, body: Vec<u8>| {
        join_all((0..MANY).map(|_| done(play, by, path, (media, body.clone())))).await
    };
    let body = consultation_at(&play.sophie, START).to_string().into_bytes();
    let booked = many((Played::CLAIRE, "book"), "/consultations", JSON, body).await;
    all_alike(&booked, 201);
    assert_eq!((mine(play, Played::CLAIRE).await, play.subjects_to(Played::CLAIRE).len()), (1, 1));
    let (path, body) = (format!("/consultations/{id}/reschedule"), json!({ "scheduledAt": "2027-01-11T10:00:00Z" }));
    let moved = many((Played::MARC, "move"), &path, JSON, body.to_string().into_bytes()).await;
    all_alike(&moved, 200);
    assert_eq!(play.events(Played::MARC, &id).await.each("type").len(), 2);
    let imported = many((Played::HR, "many"), IMPORT, "text/csv", people(600)).await;
    all_alike(&imported, 200);
    assert_eq!(imported[0].json["created"], 600);
    let form = document("DOCUMENT", &samples::pdf());
    let sent = many((Played::MARC, "send"), UPLOAD, &Form::media(), form.bytes()).await;
    all_alike(&sent, 201);
    play.set_clock("2027-01-11T10:00:00Z");
    play.token_of(Played::MARC).await;
    let (path, body) = (format!("/chat/{id}/messages"), json!({ "content": "Bonjour." }));
    let said = many((Played::MARC, "say"), &path, JSON, body.to_string().into_bytes()).await;
    all_alike(&said, 201);
    assert_eq!(said_in(play, &id).await, ["Bonjour."]);
}

async fn a_refusal_is_told_again(play: &Played) {
    let theirs = play.booked(Played::CLAIRE, START).await;
    let (by, body) = ((Played::MARC, "taken"), consultation_at(&play.sophie, START));
    let first = post(play, by, "/consultations", &body).await;
    first.refused(409, "slot_taken");
    play.post(Played::CLAIRE, &format!("/consultations/{theirs}/cancel"), json!({})).await.expect(200);
    let again = post(play, by, "/consultations", &body).await;
    repeats(&again, &first);
    assert_eq!(mine(play, Played::MARC).await, 0, "what was refused does not happen later");
    post(play, by, "/consultations", &consultation_at(&play.sophie, LATER))
        .await
        .refused(409, "idempotency_key_reused");
    post(play, (Played::MARC, "anew"), "/consultations", &body).await.expect(201);
    let nobody = json!({ "practitionerId": play.marc, "type": "VIDEO", "scheduledAt": START });
    let unknown = post(play, (Played::MARC, "unknown"), "/consultations", &nobody).await;
    unknown.refused(404, "not_found");
    repeats(&post(play, (Played::MARC, "unknown"), "/consultations", &nobody).await, &unknown);
    let none = consultation_at(&play.sophie, "2027-01-11T08:10:00Z");
    let no_slot = post(play, (Played::MARC, "none"), "/consultations", &none).await;
    no_slot.refused(400, "not_a_slot");
    repeats(&post(play, (Played::MARC, "none"), "/consultations", &none).await, &no_slot);
    let form =
        document("ATTACHMENT", &samples::pdf()).text("relatedResource", "CONSULTATION").text("relatedId", &theirs);
    let foreign = upload(play, (Played::MARC, "foreign"), &form).await;
    foreign.refused(404, "not_found");
    repeats(&upload(play, (Played::MARC, "foreign"), &form).await, &foreign);
    let (path, body) = (format!("/chat/{theirs}/messages"), json!({ "content": "Bonjour." }));
    let closed = post(play, (Played::CLAIRE, "closed"), &path, &body).await;
    closed.refused(409, "chat_closed");
    repeats(&post(play, (Played::CLAIRE, "closed"), &path, &body).await, &closed);
    // What cannot be understood was never tried.
    post(play, (Played::MARC, "odd"), "/consultations", &json!({ "type": "VIDEO" })).await.expect(400);
    post(play, (Played::MARC, "odd"), "/consultations", &consultation_at(&play.sophie, LATER)).await.expect(201);
}

async fn what_matters_of_a_request_is_its_content(play: &Played) {
    let text = format!(r#"{{"practitionerId":"{}","type":"VIDEO","scheduledAt":"{START}","reason":"é"}}"#, play.sophie);
    let first = send(play, (Played::MARC, "same"), "/consultations", (JSON, text.into_bytes())).await;
    first.expect(201);
    let other = format!(
        "{{ \"reason\" : \"\\u00e9\",\n\"scheduledAt\":\"{START}\", \"type\":\"VIDEO\", \"practitionerId\":\"{}\" }}\n",
        play.sophie
    );
    let again = send(play, (Played::MARC, "same"), "/consultations", (JSON, other.into_bytes())).await;
    repeats(&again, &first);
    // In whatever language it is asked for.
    let request = TestRequest::post()
        .uri("/consultations")
        .insert_header(("idempotency-key", "same"))
        .insert_header(("accept-language", "en"))
        .insert_header(("authorization", format!("Bearer {}", play.token_of(Played::MARC).await)))
        .insert_header(("content-type", JSON))
        .set_payload(json!({ "practitionerId": play.sophie, "type": "VIDEO", "scheduledAt": START }).to_string());
    let refused = play.send(request).await;
    assert_eq!(refused.refused(409, "idempotency_key_reused")["title"], "Key used before");
}

async fn a_request_that_goes_on_is_waited_for(play: &Played) {
    let user = UserId(play.account_of(Played::HR).await.parse().unwrap());
    let company = Some(play.alpha.parse::<uuid::Uuid>().unwrap().into());
    let actor = Actor { user, role: Role::AdminRh, company, session: None };
    let caller = Caller { actor, origin: Origin::default() };
    let name = |key| RequestName::new(user, &IdempotencyKey::parse(key).unwrap(), SignedDuration::from_hours(24));
    let begun = |key| match play.services.repeating.begin(&caller, &name(key)).unwrap() {
        Beginning::Begun(held) => held,
        Beginning::Kept(_) => panic!("{key} was answered"),
    };
    let held = begun("long");
    let since = Instant::now();
    let (imported, form) = (("text/csv", people(1)), document("DOCUMENT", &samples::pdf()));
    let waiting =
        join(send(play, (Played::HR, "long"), IMPORT, imported.clone()), upload(play, (Played::HR, "long"), &form));
    let (refused, other) = waiting.await;
    assert!(since.elapsed() >= Duration::from_secs(3), "{:?}", since.elapsed());
    for one in [refused, other] {
        one.refused(409, "request_in_progress");
        assert_eq!(one.header("retry-after"), Some("1"));
    }
    // Whoever is at it leaves it in time.
    let leaving = async {
        actix_web::rt::time::sleep(Duration::from_millis(200)).await;
        play.services.repeating.leave(&caller, &held).unwrap();
    };
    let (done, ()) = join(send(play, (Played::HR, "long"), IMPORT, imported.clone()), leaving).await;
    assert_eq!((done.expect(200)["created"].clone(), done.header("idempotency-replayed")), (json!(1), None));
    // Whoever was at it is gone: after a while somebody else goes on.
    drop(begun("lost"));
    play.advance(SignedDuration::from_secs(15));
    let anew = send(play, (Played::HR, "lost"), IMPORT, imported).await;
    assert_eq!(anew.expect(200)["skipped"], 1);
}

async fn answers_are_kept_for_a_day(play: &Played) {
    let form = document("DOCUMENT", &samples::pdf());
    let first = upload(play, (Played::MARC, "send"), &form).await;
    first.expect(201);
    play.advance(SignedDuration::from_secs(24 * 3_600 - 1));
    repeats(&upload(play, (Played::MARC, "send"), &form).await, &first);
    play.advance(SignedDuration::from_secs(1));
    let anew = upload(play, (Played::MARC, "send"), &form).await;
    assert_eq!((anew.status, anew.header("idempotency-replayed")), (201, None));
    assert_ne!(anew.text_at("/id"), first.text_at("/id"));
    play.advance(SignedDuration::from_hours(25));
    assert!(play.services.discarding.run(100).unwrap() > 0);
    let body = consultation_at(&play.sophie, START);
    post(play, (Played::MARC, "send"), "/consultations", &body).await.expect(201);
}

async fn what_is_no_key_is_refused(play: &Played) {
    let body = consultation_at(&play.sophie, START);
    let (long, longest) = ("k".repeat(256), "k".repeat(255));
    for (key, code) in [("", "invalid"), ("a\tb", "invalid"), ("clé", "invalid"), (&long, "too_long")] {
        post(play, (Played::MARC, key), "/consultations", &body).await.invalid("Idempotency-Key", code);
        let file = send(play, (Played::HR, key), IMPORT, ("text/csv", people(1))).await;
        file.invalid("Idempotency-Key", code);
        let form = document("DOCUMENT", &samples::pdf());
        upload(play, (Played::MARC, key), &form).await.invalid("Idempotency-Key", code);
    }
    let twice = TestRequest::post()
        .uri("/consultations")
        .append_header(("idempotency-key", "a"))
        .append_header(("idempotency-key", "b"))
        .insert_header(("authorization", format!("Bearer {}", play.token_of(Played::MARC).await)))
        .insert_header(("content-type", JSON))
        .set_payload(body.to_string());
    play.send(twice).await.invalid("Idempotency-Key", "repeated");
    assert_eq!(mine(play, Played::MARC).await, 0);
    post(play, (Played::MARC, &longest), "/consultations", &body).await.expect(201);
    let spaced = (Played::MARC, "a move of Monday");
    let moved = post(play, spaced, "/consultations", &consultation_at(&play.sophie, LATER)).await;
    repeats(&post(play, spaced, "/consultations", &consultation_at(&play.sophie, LATER)).await, &moved);
}

async fn nobody_has_answers_kept_without_end(play: &Played) {
    let user = UserId(play.account_of(Played::MARC).await.parse().unwrap());
    let company = Some(play.alpha.parse::<uuid::Uuid>().unwrap().into());
    let actor = Actor { user, role: Role::Employee, company, session: None };
    let caller = Caller { actor, origin: Origin::default() };
    let long = KeptText {
        status: 200,
        content_type: JSON.to_owned(),
        language: None,
        location: None,
        body: SecretText::new("x".repeat(16 * 1024 * 1024)),
    };
    let body = consultation_at(&play.sophie, START);
    let form = document("DOCUMENT", &samples::pdf());
    let before = upload(play, (Played::MARC, "before"), &form).await;
    for key in ["one", "two"] {
        let key = IdempotencyKey::parse(key).unwrap();
        let name = RequestName::new(user, &key, SignedDuration::from_hours(24));
        let request = Repeatable { name, asked: RequestDigest::of(&[b"an import"]) };
        assert!(!play.services.repeating.refuse(&caller, &request, &long).unwrap().is_repeat);
    }
    let full = post(play, (Played::MARC, "three"), "/consultations", &body).await;
    full.refused(429, "too_many_requests");
    assert_eq!(full.header("retry-after"), Some("3600"));
    upload(play, (Played::MARC, "four"), &form).await.expect(429);
    // What is kept is told again, others are not concerned, nor is who does without a key, nor the next day.
    repeats(&upload(play, (Played::MARC, "before"), &form).await, &before);
    post(play, (Played::CLAIRE, "three"), "/consultations", &consultation_at(&play.sophie, LATER)).await.expect(201);
    play.book(Played::MARC, START).await.expect(201);
    play.advance(SignedDuration::from_hours(25));
    assert!(play.services.discarding.run(100).unwrap() > 0);
    upload(play, (Played::MARC, "four"), &form).await.expect(201);
}

async fn nothing_changes_without_a_key(play: &Played) {
    let id = play.booked(Played::MARC, START).await;
    play.book(Played::MARC, START).await.refused(409, "slot_taken");
    play.set_clock(START);
    for _ in 0..2 {
        let said = play.post(Played::MARC, &format!("/chat/{id}/messages"), json!({ "content": "Bonjour." })).await;
        assert_eq!((said.status, said.header("idempotency-replayed")), (201, None));
    }
    assert_eq!(said_in(play, &id).await.len(), 2);
    // Other routes take no key.
    let crisis = TestRequest::with_uri("/crisis").insert_header(("idempotency-key", "a\tb"));
    play.send(crisis).await.expect(200);
}
