//! Feedback: given once by who was there, read by an administrator, shown without a trace.
use huntzen_tests::{
    api::{Answer, ApiWorld, NOBODY, Played, consultation_at},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    feedback_is_given_once_after_a_completed_consultation,
    nobody_learns_whose_review_it_is,
    an_average_shows_from_five_published_reviews_on,
}

const UNKNOWN: &str = "5a1c1f6e-3d0b-4a58-9d8e-0c5b7a1f2e3d";

async fn feedback(play: &ApiWorld, who: &str, id: &str, body: Value) -> Answer {
    play.post(who, &format!("/consultations/{id}/feedback"), body).await
}

async fn moderate(play: &ApiWorld, id: &str, decision: &str) -> Value {
    play.post(Played::ADMIN, &format!("/reviews/{id}/{decision}"), Value::Null).await.expect(200).clone()
}

async fn feedback_is_given_once_after_a_completed_consultation(play: &Played) {
    let id = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    let cancelled = play.booked(Played::MARC, "2027-01-05T09:00:00Z").await;
    play.post(Played::MARC, &format!("/consultations/{cancelled}/cancel"), Value::Null).await.expect(200);
    let good = json!({ "rating": 4, "comment": "  À l'écoute.  " });
    feedback(play, Played::MARC, &cancelled, good.clone()).await.refused(409, "not_completed");
    feedback(play, Played::MARC, &id, good.clone()).await.refused(409, "not_completed");
    play.set_clock("2027-01-05T08:00:00Z");
    play.conduct(&id, "start").await;
    feedback(play, Played::MARC, &id, good.clone()).await.refused(409, "not_completed");
    play.set_clock("2027-01-05T08:50:00Z");
    play.conduct(&id, "end").await;

    for (field, value, code) in [
        ("rating", json!(0), "out_of_range"),
        ("rating", json!(6), "out_of_range"),
        ("rating", json!(4.5), "wrong_type"),
        ("comment", json!("c".repeat(2001)), "too_long"),
        ("anonymous", json!(true), "unknown_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        feedback(play, Played::MARC, &id, body).await.invalid(field, code);
    }
    feedback(play, Played::MARC, &id, json!({ "comment": "Bien." })).await.invalid("rating", "required");
    let unknown = feedback(play, Played::MARC, UNKNOWN, good.clone()).await;
    unknown.refused(404, "not_found");
    for stranger in [Played::CLAIRE, Played::LEA] {
        feedback(play, stranger, &id, good.clone()).await.must_look_like(&unknown);
    }
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE] {
        feedback(play, who, &id, json!({})).await.refused(403, "forbidden");
    }

    let given = feedback(play, Played::MARC, &id, good.clone()).await;
    given.expect(201);
    assert_eq!(given.header("location"), Some(format!("/consultations/{id}").as_str()));
    assert_eq!(
        given.json,
        json!({
            "id": given.text_at("/id"), "practitionerId": play.sophie, "rating": 4, "comment": "À l'écoute.",
            "month": "2027-01", "status": "PENDING",
        })
    );
    feedback(play, Played::MARC, &id, good).await.refused(409, "already_reviewed");
    feedback(play, Played::MARC, &id, json!({ "rating": 1 })).await.refused(409, "already_reviewed");
    assert_eq!(play.get(Played::ADMIN, "/reviews/pending").await.expect(200)["total"], 1);
}

async fn nobody_learns_whose_review_it_is(play: &Played) {
    let of_marc = play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:50:00Z").await;
    let of_lea = play.held(Played::LEA, "2027-01-06T08:00:00Z", "2027-01-06T08:50:00Z").await;
    let first = feedback(play, Played::LEA, &of_lea, json!({ "rating": 2, "comment": "Trop court." })).await;
    play.set_clock("2027-02-01T08:00:00Z");
    let second = feedback(play, Played::MARC, &of_marc, json!({ "rating": 5 })).await;
    let (first, second) = (first.text_at("/id"), second.text_at("/id"));
    let entry = |id: &str, rating: u8, comment: Value, month: &str, status: &str| {
        json!({
            "id": id, "practitionerId": play.sophie, "rating": rating, "comment": comment, "month": month,
            "status": status,
        })
    };
    let pending = play.get(Played::ADMIN, "/reviews/pending").await;
    let (early, late) = (
        entry(&first, 2, json!("Trop court."), "2027-01", "PENDING"),
        entry(&second, 5, Value::Null, "2027-02", "PENDING"),
    );
    assert_eq!(*pending.expect(200), json!({ "items": [early, late], "page": 1, "perPage": 20, "total": 2 }));
    let page = play.get(Played::ADMIN, "/reviews/pending?page=2&perPage=1").await;
    assert_eq!(page.each("id"), [second.as_str()]);
    play.get(Played::ADMIN, "/reviews/pending?perPage=0").await.invalid("perPage", "out_of_range");
    play.get(Played::ADMIN, "/reviews/pending?status=PENDING").await.invalid("status", "unknown_parameter");

    let path = format!("/practitioners/{}", play.sophie);
    assert_eq!(play.get(NOBODY, &path).await.expect(200)["reviews"], json!([]), "shown before it was read");
    let publish = play.put(Played::ADMIN, &format!("/reviews/{first}/publish"), Value::Null).await;
    assert_eq!(*publish.expect(200), entry(&first, 2, json!("Trop court."), "2027-01", "PUBLISHED"));
    assert_eq!(moderate(play, &first, "publish").await, publish.json);
    assert_eq!(moderate(play, &second, "reject").await["status"], "REJECTED");
    assert_eq!(play.get(Played::ADMIN, "/reviews/pending").await.expect(200)["total"], 0);

    let profile = play.get(NOBODY, &path).await;
    let shown = json!([{ "rating": 2, "comment": "Trop court.", "month": "2027-01" }]);
    assert_eq!(profile.expect(200)["reviews"], shown);
    let own = play.get(Played::SOPHIE, "/practitioners/me").await;
    let mut traces = vec![of_marc, of_lea, play.marc.clone(), play.lea.clone(), play.alpha.clone(), play.beta.clone()];
    for who in [Played::MARC, Played::LEA] {
        traces.push(play.get(who, "/auth/me").await.text_at("/id"));
        traces.push(who.to_owned());
    }
    traces.extend(["Dupont", "Morel", "2027-01-06", "2027-02-01"].map(str::to_owned));
    for answer in [&pending, &page, &publish, &profile, &own] {
        for trace in &traces {
            answer.must_not_tell(trace);
        }
    }

    for decision in ["publish", "reject"] {
        for id in [UNKNOWN, "first"] {
            let absent = play.post(Played::ADMIN, &format!("/reviews/{id}/{decision}"), Value::Null).await;
            absent.refused(404, "not_found");
        }
        for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::LEA] {
            let own = format!("/reviews/{first}/{decision}");
            play.post(who, &own, Value::Null).await.refused(403, "forbidden");
        }
    }
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::LEA] {
        play.get(who, "/reviews/pending").await.refused(403, "forbidden");
    }
}

/// Six reviews of one practitioner, none of them read yet.
async fn six_reviews(play: &Played, whose: (&str, &str), ratings: [u8; 6]) -> Vec<String> {
    let (practitioner, account) = whose;
    let starts = ["08", "09", "10", "13", "14", "15"].map(|hour| format!("2027-01-05T{hour}:00:00Z"));
    let people = [Played::MARC, Played::CLAIRE, Played::LEA, Played::MARC, Played::CLAIRE, Played::LEA];
    let mut booked = Vec::new();
    for (who, start) in people.into_iter().zip(&starts) {
        let answer = play.post(who, "/consultations", consultation_at(practitioner, start)).await;
        answer.expect(201);
        booked.push(answer.text_at("/id"));
    }
    let mut reviews = Vec::new();
    for (((who, start), id), rating) in people.into_iter().zip(&starts).zip(&booked).zip(ratings) {
        play.set_clock(start);
        for transition in ["start", "end"] {
            play.post(account, &format!("/consultations/{id}/{transition}"), Value::Null).await.expect(200);
        }
        let given = feedback(play, who, id, json!({ "rating": rating })).await;
        given.expect(201);
        reviews.push(given.text_at("/id"));
    }
    reviews
}

async fn an_average_shows_from_five_published_reviews_on(play: &Played) {
    // The one with the higher id, so that only an average can bring them to the top.
    let (best, other, account) = if play.sophie > play.paul {
        (&play.sophie, &play.paul, Played::SOPHIE)
    } else {
        (&play.paul, &play.sophie, Played::PAUL)
    };
    let reviews = six_reviews(play, (best, account), [5, 4, 4, 3, 5, 1]).await;
    let figures = async || {
        let profile = play.get(NOBODY, &format!("/practitioners/{best}")).await;
        let own = play.get(account, "/practitioners/me").await;
        for field in ["avgRating", "reviewCount"] {
            assert_eq!(profile.json[field], own.json[field]);
        }
        let shown = profile.json["reviews"].as_array().unwrap().len();
        (profile.json["avgRating"].clone(), profile.json["reviewCount"].clone(), shown)
    };
    let order = async || play.get(NOBODY, "/practitioners/search?sort=rating").await.each("id");
    assert_eq!(figures().await, (Value::Null, json!(0), 0));
    for review in &reviews[..4] {
        moderate(play, review, "publish").await;
    }
    assert_eq!(figures().await, (Value::Null, json!(4), 4));
    assert_eq!(order().await, [other.as_str(), best]);
    moderate(play, &reviews[5], "reject").await;
    assert_eq!(figures().await, (Value::Null, json!(4), 4));
    for _ in 0..2 {
        moderate(play, &reviews[4], "publish").await;
        assert_eq!(figures().await, (json!(4.2), json!(5), 5), "counted twice");
    }
    assert_eq!(order().await, [best.as_str(), other]);
    // A rejected one can still be shown, and a shown one taken down.
    moderate(play, &reviews[5], "publish").await;
    assert_eq!(figures().await.1, 6);
    moderate(play, &reviews[0], "reject").await;
    assert_eq!(figures().await, (json!(3.4), json!(5), 5));
    moderate(play, &reviews[1], "reject").await;
    assert_eq!(figures().await, (Value::Null, json!(4), 4));
    assert_eq!(order().await, [other.as_str(), best]);
}
