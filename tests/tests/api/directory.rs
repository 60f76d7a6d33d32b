//! The public directory: who is found, in which order, and what of them everybody may know.
use huntzen_tests::{
    api::{NOBODY, Played, weekly_rule},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    a_public_profile_has_no_private_field,
    practitioners_are_found_by_what_they_offer,
    practitioners_are_sorted_by_experience_and_by_their_first_free_slot,
}

const PUBLIC_FIELDS: [&str; 18] = [
    "acceptingNewClients",
    "avatarUrl",
    "avgRating",
    "bio",
    "firstName",
    "id",
    "languages",
    "lastName",
    "offersAudio",
    "offersChat",
    "offersPhone",
    "offersVideo",
    "profession",
    "reviewCount",
    "specialties",
    "timezone",
    "title",
    "yearsOfExperience",
];

async fn a_public_profile_has_no_private_field(play: &Played) {
    let path = format!("/practitioners/{}", play.sophie);
    let profile = play.get(NOBODY, &path).await;
    let entry = json!({
        "id": play.sophie, "firstName": "Sophie", "lastName": "Martin", "title": "Dr.",
        "profession": "PSYCHOLOGIST", "specialties": ["Stress", "Sommeil"], "languages": ["fr", "en-GB"],
        "bio": null, "yearsOfExperience": null, "offersVideo": true, "offersAudio": true, "offersPhone": true,
        "offersChat": true, "acceptingNewClients": true, "timezone": "Europe/Paris", "avgRating": null,
        "reviewCount": 0, "avatarUrl": null,
    });
    let mut wanted = entry.clone();
    wanted["reviews"] = json!([]);
    assert_eq!(*profile.expect(200), wanted);
    let user = play.get(Played::SOPHIE, "/practitioners/me").await.text_at("/userId");
    let found = play.get(NOBODY, "/practitioners/search?q=sophie").await;
    assert_eq!(*found.expect(200), json!({ "items": [entry], "page": 1, "perPage": 20, "total": 1 }));
    for answer in [&profile, &found] {
        for private in [user.as_str(), "759312345", Played::SOPHIE] {
            answer.must_not_tell(private);
        }
    }
    // Nobody sees more of it for being signed in: an administrator reads it in the list.
    for who in [Played::MARC, Played::SOPHIE, Played::ADMIN] {
        assert_eq!(play.get(who, &path).await.json, wanted, "{who}");
    }
    play.get(NOBODY, "/practitioners/sophie").await.refused(404, "not_found");
    play.get(NOBODY, &format!("{path}?full=true")).await.invalid("full", "unknown_parameter");
    play.delete(NOBODY, &path).await.refused(405, "method_not_allowed");
}

async fn practitioners_are_found_by_what_they_offer(play: &Played) {
    let paul = json!({
        "specialties": ["Deuil", "Épuisement professionnel"], "languages": ["de", "fr-CA"], "offersPhone": false,
        "offersChat": false, "acceptingNewClients": false,
    });
    play.patch(Played::PAUL, "/practitioners/me", paul).await.expect(200);
    let omar = json!({
        "email": "omar@huntzen.example", "firstName": "Omar", "lastName": "Aziz", "profession": "COACH",
        "specialties": ["Carrière"], "languages": ["fr"],
    });
    let omar = play.post(Played::ADMIN, "/practitioners", omar).await.text_at("/id");
    let verified = json!({ "documentsVerified": false });
    play.post(Played::ADMIN, &format!("/practitioners/{omar}/validate"), verified).await.expect(200);

    for (query, names) in [
        ("", vec!["Aziz", "Bernard", "Martin"]),
        ("specialty=sommeil", vec!["Martin"]),
        ("specialty=EPUISEMENT+professionnel", vec!["Bernard"]),
        ("specialty=somm", vec![]),
        ("language=fr", vec!["Aziz", "Bernard", "Martin"]),
        ("language=FR-ca", vec!["Bernard"]),
        ("languages=en", vec!["Martin"]),
        ("languages=en-US", vec![]),
        ("profession=COACH", vec!["Aziz"]),
        ("profession=psychologist", vec!["Bernard", "Martin"]),
        ("profession=PSYCHIATRIST", vec![]),
        ("offersPhone=true", vec!["Aziz", "Martin"]),
        ("offersChat=true&profession=PSYCHOLOGIST", vec!["Martin"]),
        ("offersVideo=true&offersAudio=true", vec!["Aziz", "Bernard", "Martin"]),
        ("acceptingNewClients=true", vec!["Aziz", "Martin"]),
        ("acceptingNewClients=false", vec!["Bernard"]),
        ("q=BERN", vec!["Bernard"]),
        ("q=carriere", vec!["Aziz"]),
        ("q=sophie+martin", vec!["Martin"]),
        ("q=%25", vec![]),
        ("specialty=%25", vec![]),
        ("q=+&specialty=", vec!["Aziz", "Bernard", "Martin"]),
        ("q=759312345", vec![]),
        ("page=2&perPage=2", vec!["Martin"]),
        ("page=9", vec![]),
    ] {
        let found = play.get(NOBODY, &format!("/practitioners/search?{query}")).await;
        found.expect(200);
        assert_eq!(found.each("lastName"), names, "{query}");
        for at in 0..names.len() {
            assert_eq!(found.fields_at(&format!("/items/{at}")), PUBLIC_FIELDS);
        }
    }
    for (query, field, code) in [
        ("language=klingon!", "language", "invalid_language"),
        ("language=f", "language", "too_short"),
        ("profession=WIZARD", "profession", "unknown_value"),
        ("sort=name", "sort", "unknown_value"),
        ("perPage=101", "perPage", "out_of_range"),
        ("page=0", "page", "out_of_range"),
        ("isValidated=false", "isValidated", "unknown_parameter"),
        ("q=a&q=b", "q", "repeated"),
    ] {
        play.get(NOBODY, &format!("/practitioners/search?{query}")).await.invalid(field, code);
    }
    for query in ["offersVideo=maybe", "language=fr&languages=fr"] {
        play.get(NOBODY, &format!("/practitioners/search?{query}")).await.refused(400, "validation_failed");
    }
    play.get(NOBODY, &format!("/practitioners/search?q={}", "q".repeat(201))).await.invalid("q", "too_long");
}

async fn practitioners_are_sorted_by_experience_and_by_their_first_free_slot(play: &Played) {
    let zoe = play.practitioner("zoe@huntzen.example", "Zoé", "Aubry").await;
    let omar = play.practitioner("omar@huntzen.example", "Omar", "Aziz").await;
    let mut tied = [zoe.as_str(), omar.as_str()];
    tied.sort_unstable();
    let order = async |sort: &str| {
        let found = play.get(NOBODY, &format!("/practitioners/search?sort={sort}")).await;
        found.expect(200);
        found.each("id")
    };
    let experienced = |years: u32| json!({ "yearsOfExperience": years });
    play.patch(Played::SOPHIE, "/practitioners/me", experienced(0)).await.expect(200);
    play.patch(Played::PAUL, "/practitioners/me", experienced(12)).await.expect(200);
    assert_eq!(order("EXPERIENCE").await, [play.paul.as_str(), &play.sophie, tied[0], tied[1]]);
    play.patch("zoe@huntzen.example", "/practitioners/me", experienced(5)).await.expect(200);
    play.patch("omar@huntzen.example", "/practitioners/me", experienced(5)).await.expect(200);
    assert_eq!(order("experience").await, [play.paul.as_str(), tied[0], tied[1], &play.sophie]);

    // Sophie's first slot is today, Paul is away for a week; the others have no availability.
    let leave = json!({ "startsAt": "2027-01-04T00:00:00Z", "endsAt": "2027-01-11T00:00:00Z", "kind": "LEAVE" });
    play.post(Played::PAUL, "/availability/exception", leave.clone()).await.expect(201);
    assert_eq!(order("availability").await, [play.sophie.as_str(), &play.paul, tied[0], tied[1]]);
    let tuesday = weekly_rule(2, "08:00", "09:00");
    play.post("zoe@huntzen.example", "/availability", tuesday.clone()).await.expect(201);
    assert_eq!(order("AVAILABILITY").await, [play.sophie.as_str(), &zoe, &play.paul, &omar]);
    play.post("omar@huntzen.example", "/availability", tuesday).await.expect(201);
    assert_eq!(order("AVAILABILITY").await, [play.sophie.as_str(), tied[0], tied[1], &play.paul]);
    play.post(Played::SOPHIE, "/availability/exception", leave).await.expect(201);
    let mut away = [play.sophie.as_str(), play.paul.as_str()];
    away.sort_unstable();
    assert_eq!(order("AVAILABILITY").await, [tied[0], tied[1], away[0], away[1]]);
    let second = play.get(NOBODY, "/practitioners/search?sort=availability&page=2&perPage=3").await;
    assert_eq!(second.each("id"), [away[1]]);
    assert_eq!([&second.json["total"], &second.json["page"]], [4, 2]);

    // Taken at once, and the order follows.
    let first = |practitioner: &str| json!({ "practitionerId": practitioner, "type": "CHAT", "scheduledAt": "2027-01-05T07:00:00Z" });
    play.post(Played::MARC, "/consultations", first(tied[0])).await.expect(201);
    assert_eq!(order("AVAILABILITY").await, [tied[1], away[0], away[1], tied[0]].map(Value::from));
}
