//! Employees from a file: what is taken, what is told of the rest, and that it may come again.
use std::collections::BTreeSet;

use actix_web::{http::Method, test::TestRequest};
use futures_util::future::join3;
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
    cast::Person,
    csv,
    usage::Usage,
};
use jiff::civil::date;
use serde_json::{Value, json};

api_suite! {
    people_of_a_file_are_listed_and_invited,
    each_line_is_told_of_by_itself,
    a_rehearsal_writes_nothing_and_says_the_same,
    a_file_comes_as_older_spreadsheets_write_it,
    a_file_that_is_refused_as_a_whole_changes_nothing,
    a_form_has_one_file,
    a_long_file_is_taken_part_by_part,
    the_same_file_twice_at_once_lists_nobody_twice,
    nothing_is_told_of_whoever_was_listed,
    formulas_are_texts,
}

const IMPORT: &str = "/employees/import";
const REHEARSE: &str = "/employees/import?dryRun=true";
const HEADER: &str = "email,firstName,lastName,department,position\n";
const BOUNDARY: &str = "a-boundary-of-this-form";

/// Sends a body of this type.
async fn send(play: &Played, who: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let mut request = TestRequest::with_uri(path).method(Method::POST).insert_header(("content-type", kind));
    if who != NOBODY {
        request = request.insert_header(("authorization", format!("Bearer {}", play.token_of(who).await)));
    }
    play.send(request.set_payload(body)).await
}

async fn import(play: &Played, path: &str, file: impl Into<Vec<u8>>) -> Answer {
    send(play, Played::HR, path, "text/csv", file.into()).await
}

/// A form with these fields, each a name and what it holds.
fn form(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in fields {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.csv\"\r\n\
             Content-Type: application/vnd.ms-excel\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn send_form(play: &Played, path: &str, fields: &[(&str, &[u8])]) -> Answer {
    send(play, Played::HR, path, &format!("multipart/form-data; boundary={BOUNDARY}"), form(fields)).await
}

/// What came of it, by number.
#[track_caller]
fn counts(answer: &Answer) -> [u64; 3] {
    let report = answer.expect(200);
    ["created", "skipped", "failed"].map(|field| report[field].as_u64().unwrap())
}

/// The refusals: line, field and code.
fn errors(answer: &Answer) -> Vec<(u64, String, String)> {
    let text = |error: &Value, field: &str| error[field].as_str().unwrap().to_owned();
    let errors = answer.json["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["line"].as_u64().unwrap(), text(error, "field"), text(error, "code"))).collect()
}

async fn listed(play: &Played, who: &str) -> u64 {
    play.get(who, "/employees").await.expect(200)["total"].as_u64().unwrap()
}

fn lines(count: usize) -> String {
    let people = (0..count).map(|number| format!("p{number}@alpha.example,Camille,Petit{number},Ventes,\n"));
    HEADER.to_owned() + &people.collect::<String>()
}

async fn people_of_a_file_are_listed_and_invited(play: &Played) {
    let file = "position,lastName,department,email,firstName\r\n\
                Cheffe,Roy,Ventes, Ines.Roy@Alpha.example , Inès \r\n\
                \r\n\
                ,\"O'Neil, \"\"Zo\"\"\",\"\",zo@alpha.example,Zoé\r\n";
    let taken = import(play, IMPORT, file).await;
    assert_eq!(*taken.expect(200), json!({ "created": 2, "skipped": 0, "failed": 0, "errors": [] }));
    let ines = &play.get(Played::HR, "/employees?q=ines.roy").await.json["items"][0];
    let wanted = json!({
        "id": ines["id"], "email": "ines.roy@alpha.example", "firstName": "Inès", "lastName": "Roy", "phone": null,
        "department": "Ventes", "position": "Cheffe", "status": "ELIGIBLE", "createdAt": "2027-01-04T08:00:00Z",
    });
    assert_eq!(*ines, wanted);
    let zoe = &play.get(Played::HR, "/employees?q=zo%40").await.json["items"][0];
    assert_eq!([&zoe["lastName"], &zoe["department"]], [&json!("O'Neil, \"Zo\""), &Value::Null]);
    for address in ["ines.roy@alpha.example", "zo@alpha.example"] {
        let letters = play.letters_to(address);
        assert_eq!(letters.iter().map(|one| one.subject.as_str()).collect::<Vec<_>>(), ["Votre invitation"]);
    }
    // The invitation is like any other: for seven days, and for once.
    play.set_clock("2027-01-11T07:59:59Z");
    play.forget_tokens();
    play.accept("ines.roy@alpha.example").await;
    assert_eq!(play.get("ines.roy@alpha.example", "/employees/me").await.expect(200)["id"], ines["id"]);

    play.empty_mailboxes();
    let again = import(play, IMPORT, file).await;
    assert_eq!(*again.expect(200), json!({ "created": 0, "skipped": 2, "failed": 0, "errors": [] }));
    assert!(play.letters_to("zo@alpha.example").is_empty(), "a second letter went out");
    assert_eq!(listed(play, Played::HR).await, 4);
    let done = play.done_to(ines["id"].as_str().unwrap());
    assert_eq!(done, ["CREATE"]);
}

async fn each_line_is_told_of_by_itself(play: &Played) {
    let file = format!(
        "{HEADER}\
         eve@alpha.example,Ève,Roy,,\n\
         nonsense,,Roy,,\n\
         EVE@alpha.example,Autre,Roy,,\n\
         {hr},Hélène,R,,\n\
         {lea},Léa,Morel,,\n\
         {marc},Autre,Nom,Autre,Autre\n\
         bob@alpha.example,Bob\n\
         \"open@alpha.example,Bob,Roy,,\n\
         ann@alpha.example,Ann,Roy,\"two\nlines\",\n\
         dan@alpha.example,D{bell}an,Roy,{long},\n",
        hr = Played::HR,
        lea = Played::LEA,
        marc = Played::MARC,
        bell = '\u{7}',
        long = "d".repeat(121),
    );
    let taken = import(play, IMPORT, file.clone()).await;
    assert_eq!(counts(&taken), [2, 1, 7], "{}", taken.text());
    let told = |line: u64, field: &str, code: &str| (line, field.to_owned(), code.to_owned());
    let wanted = [
        told(3, "email", "invalid_email"),
        told(3, "firstName", "required"),
        told(4, "email", "repeated_email"),
        told(5, "email", "email_taken"),
        told(6, "email", "domain_not_allowed"),
        told(8, "", "wrong_number_of_columns"),
        told(9, "", "malformed_quotes"),
        told(12, "firstName", "invalid_characters"),
        told(12, "department", "too_long"),
    ];
    assert_eq!(errors(&taken), wanted);
    let message = &taken.json["errors"][3]["message"];
    assert_eq!(message, "Cette adresse appartient à un autre compte.");
    let request = TestRequest::with_uri(REHEARSE).method(Method::POST);
    let request = request
        .insert_header(("authorization", format!("Bearer {}", play.token_of(Played::HR).await)))
        .insert_header(("content-type", "text/csv; charset=utf-8"))
        .insert_header(("accept-language", "en"));
    let in_english = play.send(request.set_payload(file.clone())).await;
    assert_eq!(in_english.json["errors"][3]["message"], "This address belongs to another account.");

    // What Marc is called is not changed by a file.
    assert_eq!(play.get(Played::HR, &format!("/employees/{}", play.marc)).await.expect(200)["firstName"], "Marc");
    let again = import(play, IMPORT, file).await;
    assert_eq!((counts(&again), errors(&again)), ([0, 3, 7], wanted.to_vec()));
    assert_eq!(listed(play, Played::HR).await, 4);
}

async fn a_rehearsal_writes_nothing_and_says_the_same(play: &Played) {
    let more = format!("{}{},Hélène,R,,\n{},M,D,,\np7@alpha.example,P,P,,\n", lines(510), Played::HR, Played::MARC);
    let rehearsed = import(play, REHEARSE, more.clone()).await;
    assert_eq!(counts(&rehearsed), [510, 1, 2]);
    assert_eq!(listed(play, Played::HR).await, 2);
    assert!(play.letters_to("p7@alpha.example").is_empty());
    let twice = import(play, REHEARSE, more.clone()).await;
    assert_eq!(twice.json, rehearsed.json);
    let done = import(play, "/employees/import?dryRun=false", more.clone()).await;
    assert_eq!(done.json, rehearsed.json);
    assert_eq!(listed(play, Played::HR).await, 512);
    let after = import(play, REHEARSE, more).await;
    assert_eq!((counts(&after), errors(&after)), ([0, 511, 2], errors(&done)));
    import(play, "/employees/import?dryRun=perhaps", lines(1)).await.refused(400, "validation_failed");
}

async fn a_file_comes_as_older_spreadsheets_write_it(play: &Played) {
    let rows = |people: &[u8]| [b"Email;FIRSTNAME;lastname;position\r\n".as_slice(), people].concat();
    let windows = rows(b"a@alpha.example;Zo\xE9;\x8Cuvr\xE9;Charg\xE9e d\x92\xE9tudes\r\n;;;\r\n");
    let taken = send_form(play, IMPORT, &[("file", &windows)]).await;
    assert_eq!(counts(&taken), [1, 0, 0], "{}", taken.text());
    let marked = [b"\xEF\xBB\xBF".as_slice(), &rows("b@alpha.example;Zoé;Œuvré;Chargée d’études".as_bytes())].concat();
    assert_eq!(counts(&import(play, IMPORT, marked).await), [1, 0, 0]);
    for address in ["a%40alpha", "b%40alpha"] {
        let one = &play.get(Played::HR, &format!("/employees?q={address}")).await.json["items"][0];
        assert_eq!([&one["firstName"], &one["lastName"], &one["position"]], ["Zoé", "Œuvré", "Chargée d’études"]);
    }
}

async fn a_file_that_is_refused_as_a_whole_changes_nothing(play: &Played) {
    for (file, field, code) in [
        (String::new(), "file", "empty_file"),
        ("email,firstName\n".to_owned(), "lastName", "missing_column"),
        ("email,firstName,lastName,role\n".to_owned(), "role", "unknown_column"),
        ("email,firstName,lastName,EMAIL\n".to_owned(), "email", "repeated_column"),
        (lines(10_001), "file", "too_many_lines"),
    ] {
        import(play, IMPORT, file).await.invalid(field, code);
    }
    import(play, IMPORT, b"\xFF\xFEe\0".as_slice()).await.invalid("file", "unsupported_encoding");
    import(play, IMPORT, "x".repeat(10 * 1024 * 1024 + 1)).await.refused(413, "payload_too_large");
    import(play, "/employees/import?force=true", lines(1)).await.invalid("force", "unknown_parameter");
    for kind in ["application/json", "text/plain", "multipart/mixed; boundary=x"] {
        send(play, Played::HR, IMPORT, kind, lines(1).into()).await.refused(415, "unsupported_media_type");
    }
    play.post(Played::HR, IMPORT, Value::Null).await.refused(415, "unsupported_media_type");
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
        send(play, who, IMPORT, "text/csv", lines(1).into()).await.refused(403, "forbidden");
    }
    send(play, NOBODY, IMPORT, "text/csv", lines(1).into()).await.refused(401, "unauthenticated");
    assert_eq!(listed(play, Played::HR).await, 2);
    // A header alone lists nobody.
    assert_eq!(counts(&import(play, IMPORT, HEADER).await), [0, 0, 0]);
}

async fn a_form_has_one_file(play: &Played) {
    let file = lines(1);
    let file = file.as_bytes();
    send_form(play, IMPORT, &[]).await.invalid("file", "required");
    send_form(play, IMPORT, &[("file", file), ("file", file)]).await.invalid("file", "duplicate_field");
    send_form(play, IMPORT, &[("dryRun", b"true"), ("file", file)]).await.invalid("dryRun", "unknown_field");
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    send_form(play, IMPORT, &[("file", &large)]).await.refused(413, "payload_too_large");
    let cut = &form(&[("file", file)])[..120];
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(play, Played::HR, IMPORT, &kind, cut.to_vec()).await.refused(400, "malformed_form");
    send(play, Played::HR, IMPORT, "multipart/form-data", form(&[("file", file)])).await.refused(400, "malformed_form");
    assert_eq!(listed(play, Played::HR).await, 2);
    assert_eq!(counts(&send_form(play, IMPORT, &[("file", file)]).await), [1, 0, 0]);
}

async fn a_long_file_is_taken_part_by_part(play: &Played) {
    // A line of the third part repeats one of the first.
    let file = lines(1_200) + "p3@alpha.example,P,P,,\n";
    let taken = import(play, IMPORT, file.clone()).await;
    assert_eq!(counts(&taken), [1_200, 0, 1]);
    assert_eq!(errors(&taken), [(1_202, "email".to_owned(), "repeated_email".to_owned())]);
    assert_eq!(listed(play, Played::HR).await, 1_202);
    let again = import(play, IMPORT, file).await;
    assert_eq!((counts(&again), errors(&again)), ([0, 1_200, 1], errors(&taken)));
    // Every line that fails is told of, by each of its reasons.
    let bad = HEADER.to_owned() + &"nonsense,,,,\n".repeat(600);
    let refused = import(play, IMPORT, bad).await;
    assert_eq!((counts(&refused), errors(&refused).len()), ([0, 0, 600], 1_800));
    let told: BTreeSet<u64> = errors(&refused).into_iter().map(|(line, ..)| line).collect();
    assert!(told.into_iter().eq(2..=601));
}

async fn the_same_file_twice_at_once_lists_nobody_twice(play: &Played) {
    // Not yet known to the session cache three times over.
    play.token_of(Played::HR).await;
    let file = lines(700);
    let single = async {
        let mut made = BTreeSet::new();
        for number in [0, 1, 350, 699] {
            let body = json!({
                "email": format!("p{number}@alpha.example"), "firstName": "Camille", "lastName": "Petit",
            });
            let answer = play.post(Played::HR, "/employees", body).await;
            answer.expect(201);
            made.insert(answer.text_at("/id"));
        }
        made
    };
    let both = join3(import(play, IMPORT, file.clone()), import(play, IMPORT, file.clone()), single);
    let (one, other, made) = both.await;
    assert_eq!(made.len(), 4);
    let ([by_one, skipped_by_one, 0], [by_other, skipped_by_other, 0]) = (counts(&one), counts(&other)) else {
        panic!("{} {}", one.text(), other.text())
    };
    assert_eq!((by_one + skipped_by_one, by_other + skipped_by_other), (700, 700));
    assert!(by_one + by_other <= 700 && by_one + by_other >= 696, "{by_one} and {by_other}");
    assert_eq!(listed(play, Played::HR).await, 702);
    for number in [0, 1, 2, 349, 350, 698, 699] {
        let address = format!("p{number}@alpha.example");
        assert_eq!(play.letters_to(&address).len(), 1, "{address}");
    }
}

async fn nothing_is_told_of_whoever_was_listed(play: &Played) {
    import(play, IMPORT, lines(2)).await.expect(200);
    play.accept("p0@alpha.example").await;
    let ended = play.get(Played::HR, "/employees?q=p1%40").await.text_at("/items/0/id");
    play.post(Played::HR, &format!("/employees/{ended}/deactivate"), Value::Null).await.expect(200);
    let of = async |number: usize| {
        let file = format!("{HEADER}p{number}@alpha.example,X,Y,Z,\n");
        let taken = import(play, IMPORT, file.clone()).await;
        assert_eq!(counts(&taken), [0, 1, 0]);
        let rehearsed = import(play, REHEARSE, file).await;
        assert_eq!(rehearsed.json, taken.json);
        taken.text()
    };
    assert_eq!(of(0).await, of(1).await);
    assert_eq!(play.get(Played::HR, &format!("/employees/{ended}")).await.expect(200)["status"], "ENDED");
    // Another company's file says the same of its people, and nothing of these.
    let elsewhere = format!("{HEADER}p0@alpha.example,X,Y,,\n{},Léa,M,,\n", Played::LEA);
    let theirs = send(play, Played::OTHER_HR, IMPORT, "text/csv", elsewhere.into()).await;
    assert_eq!(counts(&theirs), [0, 1, 1]);
    assert_eq!(errors(&theirs), [(2, "email".to_owned(), "domain_not_allowed".to_owned())]);
}

/// Departments that a spreadsheet would compute; the first is needed by Marc's and Claire's own.
const HOSTILE: [&str; 2] = ["+1,2", "=cmd|' /C calc'!A0"];

async fn formulas_are_texts(play: &Played) {
    let mut file = HEADER.to_owned();
    for (at, department) in HOSTILE.iter().enumerate() {
        let line = |number| format!("h{at}x{number}@alpha.example,@Camille,-Petit,\"{department}\",\"\t=1\"\n");
        file.extend((0..16).map(line));
    }
    assert_eq!(counts(&import(play, IMPORT, file).await), [32, 0, 0]);
    let first = play.get(Played::HR, "/employees?q=h1x0").await;
    let names = ["firstName", "lastName", "department", "position"].map(|field| first.json["items"][0][field].clone());
    assert_eq!(names, ["@Camille", "-Petit", HOSTILE[1], "=1"].map(Value::from));

    let administrator = Person { user: play.account(Played::ADMIN) };
    let usage = Usage::new(&play.world, &administrator);
    for at in 0..HOSTILE.len() {
        for number in 0..11 {
            let person = Person { user: play.account(&format!("h{at}x{number}@alpha.example")) };
            let entry = play.world.tenancy.run(&person.scope(), |tx| Ok(tx.employee_of(person.id())?));
            usage.took_place(&(person, entry.unwrap().unwrap()), date(2027, 1, 5), 45);
        }
    }
    play.set_clock("2027-02-09T23:00:00Z");
    play.forget_tokens();
    while play.services.releases.close(100).unwrap() > 0 {}
    let exported = play.get(Played::HR, "/reports/export-employee-usage?period=2027-01").await;
    let records = csv::records(&exported.bytes).unwrap();
    let departments: Vec<&str> = records.iter().filter(|one| one.len() == 4).map(|one| one[1].as_str()).collect();
    assert_eq!(departments, ["Département", "'=cmd|' /C calc'!A0", "Autres"]);
}
