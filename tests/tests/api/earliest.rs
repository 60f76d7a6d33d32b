//! The first free slot of each practitioner: the order, the filters, who is left out.
use actix_web::http::Method;
use huntzen_tests::{
    api::{Answer, NOBODY, Played, consultation_at, weekly_rule},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    the_soonest_practitioner_comes_first_and_filters_choose,
    who_takes_no_new_clients_is_found_by_former_ones_alone,
}

async fn earliest(play: &Played, who: &str, query: &str) -> Answer {
    play.get(who, &format!("/availability/earliest{query}")).await
}

/// Who is answered, and the first slot of each.
fn found(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = answer.expect(200).as_array().unwrap().iter();
    items.map(|item| (text(&item["practitionerId"]), text(&item["startTime"]))).collect()
}

async fn the_soonest_practitioner_comes_first_and_filters_choose(play: &Played) {
    const NORA: &str = "nora.petit@huntzen.example";
    let nora = play.practitioner(NORA, "Nora", "Petit").await;
    let saturday = json!({
        "dayOfWeek": 6, "startTime": "10:00", "endTime": "11:00", "slotMinutes": 60, "bufferMinutes": 0,
        "types": ["VIDEO"],
    });
    play.post(NORA, "/availability", saturday).await.expect(201);
    let leave = json!({ "startsAt": "2027-01-04T00:00:00Z", "endsAt": "2027-01-05T00:00:00Z", "kind": "LEAVE" });
    play.post(Played::SOPHIE, "/availability/exception", leave).await.expect(201);
    let profile = json!({ "specialties": ["Deuil"], "languages": ["de"], "bio": "Trente ans d'écoute." });
    play.patch(Played::PAUL, "/practitioners/me", profile).await.expect(200);

    let pair = |id: &str, start: &str| (id.to_owned(), start.to_owned());
    let sophie = pair(&play.sophie, "2027-01-05T08:00:00Z");
    let paul = pair(&play.paul, "2027-01-04T10:00:00Z");
    let nora = pair(&nora, "2027-01-09T09:00:00Z");
    let all = earliest(play, Played::MARC, "").await;
    assert_eq!(found(&all), [paul.clone(), sophie.clone(), nora.clone()]);
    let first = json!({
        "practitionerId": play.paul,
        "practitioner": {
            "id": play.paul, "firstName": "Paul", "lastName": "Bernard", "title": "Dr.", "profession": "PSYCHOLOGIST",
            "specialties": ["Deuil"], "languages": ["de"], "bio": "Trente ans d'écoute.", "yearsOfExperience": null,
            "offersVideo": true, "offersAudio": true, "offersPhone": true, "offersChat": true,
            "acceptingNewClients": true, "timezone": "Europe/Paris", "avgRating": null, "reviewCount": 0,
            "avatarUrl": null,
        },
        "startTime": "2027-01-04T10:00:00Z", "endTime": "2027-01-04T10:50:00Z",
    });
    assert_eq!(all.json[0], first);

    for (query, expected) in [
        ("?limit=2", vec![&paul, &sophie]),
        ("?language=de", vec![&paul]),
        ("?language=en", vec![&sophie, &nora]),
        ("?specialty=Deuil", vec![&paul]),
        ("?type=PHONE", vec![&paul, &sophie]),
        ("?type=phone&specialty=Stress", vec![&sophie]),
        ("?language=it", vec![]),
        ("?from=2027-06-01T00:00:00Z", vec![]),
    ] {
        let answer = earliest(play, Played::MARC, query).await;
        assert_eq!(found(&answer).iter().collect::<Vec<_>>(), expected, "{query}");
    }
    // Later on, another one is the first.
    let from_saturday = found(&earliest(play, Played::MARC, "?from=2027-01-09T00:00:00Z").await);
    assert_eq!(from_saturday.first(), Some(&nora));
    assert_eq!(from_saturday.len(), 3);
    assert!(from_saturday.iter().skip(1).all(|(_, start)| start == "2027-01-11T08:00:00Z"), "{from_saturday:?}");

    // What somebody booked is offered to nobody.
    let booking = consultation_at(&play.paul, "2027-01-04T10:00:00Z");
    play.post(Played::LEA, "/consultations", booking).await.expect(201);
    let next = found(&earliest(play, Played::MARC, "?limit=1").await);
    assert_eq!(next, [pair(&play.paul, "2027-01-04T13:00:00Z")]);

    play.post(Played::ADMIN, &format!("/practitioners/{}/suspend", play.paul), Value::Null).await.expect(200);
    assert_eq!(found(&earliest(play, Played::MARC, "").await), [sophie, nora]);

    earliest(play, Played::MARC, "?limit=0").await.invalid("limit", "out_of_range");
    earliest(play, Played::MARC, "?limit=51").await.invalid("limit", "out_of_range");
    earliest(play, Played::MARC, "?type=FAX").await.invalid("type", "unknown_value");
    earliest(play, Played::MARC, "?from=2027-01-09").await.invalid("from", "invalid_instant");
    earliest(play, Played::MARC, "?language=%2A%2A").await.refused(400, "validation_failed");
    earliest(play, Played::MARC, "?page=1").await.invalid("page", "unknown_parameter");
    earliest(play, NOBODY, "").await.refused(401, "unauthenticated");
    let barred = [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE];
    play.must_not(&barred, &Method::GET, "/availability/earliest", &Value::Null).await;
}

async fn who_takes_no_new_clients_is_found_by_former_ones_alone(play: &Played) {
    play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:40:00Z").await;
    // To have booked is not enough.
    play.booked(Played::CLAIRE, "2027-01-06T08:00:00Z").await;
    let closed = json!({ "acceptingNewClients": false });
    play.patch(Played::SOPHIE, "/practitioners/me", closed).await.expect(200);

    let ids = async |who: &str| {
        let mut ids: Vec<_> = found(&earliest(play, who, "").await).into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    };
    let mut both = [play.paul.clone(), play.sophie.clone()];
    both.sort_unstable();
    assert_eq!(ids(Played::MARC).await, both);
    assert_eq!(ids(Played::CLAIRE).await, [play.paul.as_str()]);
    assert_eq!(ids(Played::LEA).await, [play.paul.as_str()]);

    // A rule of today counts from today.
    let rule = weekly_rule(6, "08:00", "08:50");
    play.post(Played::PAUL, "/availability", rule).await.expect(201);
    let saturday = earliest(play, Played::LEA, "?from=2027-01-09T00:00:00Z").await;
    assert_eq!(found(&saturday), [(play.paul.clone(), "2027-01-09T07:00:00Z".to_owned())]);
}
