//! The calendar file of a consultation, which says when and nothing else.
use actix_web::http::Method;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_calendar_file_follows_its_consultation,
}

async fn file(play: &Played, who: &str, id: &str) -> String {
    let answer = play.get(who, &format!("/consultations/{id}/calendar.ics")).await;
    answer.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    let text = answer.text();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert!(!text.replace("\r\n", "").contains('\n'), "a line that does not end with CRLF");
    let folded = text.to_lowercase();
    let telling =
        ["marc", "dupont", "sophie", "martin", "alpha", "dors", "psycho", "attendee", "organizer", "description"];
    for told in telling {
        assert!(!folded.contains(told), "{told} in {text}");
    }
    text
}

/// What a property of the file says.
fn property<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.split([':', ';']).next() == Some(name));
    let (_, value) = line.and_then(|line| line.split_once(':')).unwrap_or_else(|| panic!("no {name} in {text}"));
    value
}

async fn a_calendar_file_follows_its_consultation(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    let published = file(play, Played::MARC, &id).await;
    for (name, value) in [
        ("VERSION", "2.0"),
        ("METHOD", "PUBLISH"),
        ("SUMMARY", "Rendez-vous"),
        ("CLASS", "PRIVATE"),
        ("DTSTART", "20270105T090000Z"),
        ("DTEND", "20270105T095000Z"),
        ("DTSTAMP", "20270104T080000Z"),
        ("STATUS", "CONFIRMED"),
    ] {
        assert_eq!(property(&published, name), value, "{name}");
    }
    assert_eq!(file(play, Played::SOPHIE, &id).await, published);
    let sequence = |text: &str| property(text, "SEQUENCE").parse::<u32>().unwrap();

    play.reschedule(Played::MARC, &id, "2027-01-06T10:00:00Z").await.expect(200);
    let moved = file(play, Played::MARC, &id).await;
    assert_eq!(property(&moved, "METHOD"), "PUBLISH");
    assert_eq!(property(&moved, "UID"), property(&published, "UID"));
    assert_eq!(property(&moved, "DTSTART"), "20270106T100000Z");
    assert!(sequence(&moved) > sequence(&published));

    let reason = json!({ "reason": "Je dors mieux." });
    play.post(Played::MARC, &format!("/consultations/{id}/cancel"), reason).await.expect(200);
    let withdrawn = file(play, Played::SOPHIE, &id).await;
    assert_eq!(property(&withdrawn, "METHOD"), "CANCEL");
    assert_eq!(property(&withdrawn, "STATUS"), "CANCELLED");
    assert_eq!(property(&withdrawn, "UID"), property(&published, "UID"));
    assert!(sequence(&withdrawn) > sequence(&moved));

    let path = format!("/consultations/{id}/calendar.ics");
    play.must_not(&[Played::OPERATOR, Played::ADMIN, Played::HR], &Method::GET, &path, &Value::Null).await;
    play.get(NOBODY, &path).await.refused(401, "unauthenticated");
    for stranger in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        play.get(stranger, &path).await.refused(404, "not_found");
    }
}
