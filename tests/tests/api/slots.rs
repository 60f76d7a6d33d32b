//! The slots of one practitioner: exact instants around the year, and what makes one unavailable.
use actix_web::http::Method;
use huntzen_tests::{
    api::{NOBODY, Played, weekly_rule},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    slots_are_exact_instants_in_every_season,
    leave_extra_hours_pauses_and_types_decide_what_is_offered,
    a_slot_is_unavailable_when_taken_past_too_near_or_too_far,
    slots_are_refused_as_the_contract_says,
}

async fn slots_are_exact_instants_in_every_season(play: &Played) {
    let winter = play.slots_on(Played::MARC, &play.sophie, "2027-01-05").await;
    let slot = |hour: u8| {
        json!({
            "startTime": format!("2027-01-05T{hour:02}:00:00Z"), "endTime": format!("2027-01-05T{hour:02}:50:00Z"),
            "available": true,
        })
    };
    assert_eq!(winter.json, json!([slot(8), slot(9), slot(10), slot(13), slot(14), slot(15)]));

    play.set_clock("2027-06-01T08:00:00Z");
    let summer = play.slots_on(Played::MARC, &play.sophie, "2027-06-29").await;
    let free = ["07:00", "08:00", "09:00", "12:00", "13:00", "14:00"].map(|start| (start, true));
    summer.must_list("2027-06-29", &free);

    let night = play.practitioner("nuit@huntzen.example", "Nour", "Veille").await;
    let rule = weekly_rule(7, "01:00", "05:00");
    play.post("nuit@huntzen.example", "/availability", rule).await.expect(201);
    // 2:00 does not exist; what begins at 3:00 lasts its 50 minutes.
    play.set_clock("2027-03-01T08:00:00Z");
    let gap = play.slots_on(Played::MARC, &night, "2027-03-28").await;
    gap.must_list("2027-03-28", &[("00:00", true), ("01:00", true), ("02:00", true)]);
    assert_eq!(gap.text_at("/1/endTime"), "2027-03-28T01:50:00Z");
    // 2:00 comes twice: the first one is meant.
    play.set_clock("2027-10-04T08:00:00Z");
    let fold = play.slots_on(Played::MARC, &night, "2027-10-31").await;
    let starts: Vec<_> = fold.starts().into_iter().map(|(start, _)| start).collect();
    assert_eq!(
        starts,
        ["2027-10-30T23:00:00Z", "2027-10-31T00:00:00Z", "2027-10-31T02:00:00Z", "2027-10-31T03:00:00Z"]
    );
    assert_eq!(fold.text_at("/1/endTime"), "2027-10-31T00:50:00Z");
}

async fn leave_extra_hours_pauses_and_types_decide_what_is_offered(play: &Played) {
    let exception = async |terms: Value| {
        play.post(Played::SOPHIE, "/availability/exception", terms).await.expect(201);
    };
    let on = async |day: &str| play.slots_on(Played::MARC, &play.sophie, day).await;

    // Extra hours that overlap a rule come first, and their pause counts.
    exception(json!({
        "startsAt": "2027-01-05T07:30:00Z", "endsAt": "2027-01-05T08:20:00Z", "kind": "EXTRA", "bufferMinutes": 10,
    }))
    .await;
    let tuesday = ["07:30", "09:00", "10:00", "13:00", "14:00", "15:00"].map(|start| (start, true));
    on("2027-01-05").await.must_list("2027-01-05", &tuesday);

    // Leave takes every slot that it touches, and no other.
    exception(json!({ "startsAt": "2027-01-06T09:30:00Z", "endsAt": "2027-01-06T09:35:00Z", "kind": "LEAVE" })).await;
    let wednesday = ["08:00", "10:00", "13:00", "14:00", "15:00"].map(|start| (start, true));
    on("2027-01-06").await.must_list("2027-01-06", &wednesday);

    // A day off with hours of its own shape, by telephone alone.
    exception(json!({
        "startsAt": "2027-01-09T08:00:00Z", "endsAt": "2027-01-09T11:00:00Z", "kind": "EXTRA",
        "slotMinutes": 30, "bufferMinutes": 15, "types": ["PHONE"],
    }))
    .await;
    let saturday = ["08:00", "08:45", "09:30", "10:15"].map(|start| (start, true));
    on("2027-01-09").await.must_list("2027-01-09", &saturday);
    let of_type = async |word: &str| {
        let path = format!(
            "/availability/slots?practitionerId={}&startDate=2027-01-09&endDate=2027-01-09&type={word}",
            play.sophie
        );
        play.get(Played::MARC, &path).await
    };
    of_type("PHONE").await.must_list("2027-01-09", &saturday);
    of_type("phone").await.must_list("2027-01-09", &saturday);
    of_type("VIDEO").await.must_list("2027-01-09", &[]);
    of_type("FAX").await.invalid("type", "unknown_value");

    // Both days are included.
    let path = format!("/availability/slots?practitionerId={}&startDate=2027-01-08&endDate=2027-01-09", play.sophie);
    let two_days = play.get(Played::MARC, &path).await;
    assert_eq!(two_days.starts().len(), 6 + 4);
}

async fn a_slot_is_unavailable_when_taken_past_too_near_or_too_far(play: &Played) {
    // It is 8:00: two hours are the least notice.
    let monday = play.slots_on(Played::MARC, &play.sophie, "2027-01-04").await;
    monday.must_list(
        "2027-01-04",
        &[("08:00", false), ("09:00", false), ("10:00", true), ("13:00", true), ("14:00", true), ("15:00", true)],
    );
    let past = play.slots_on(Played::MARC, &play.sophie, "2027-01-01").await;
    assert_eq!(past.starts().len(), 6);
    assert!(past.starts().iter().all(|(_, available)| !available));

    play.booked(Played::MARC, "2027-01-07T09:00:00Z").await;
    for who in [Played::CLAIRE, Played::LEA, Played::MARC, Played::SOPHIE, Played::PAUL] {
        let thursday = play.slots_on(who, &play.sophie, "2027-01-07").await;
        let taken = json!({
            "startTime": "2027-01-07T09:00:00Z", "endTime": "2027-01-07T09:50:00Z", "available": false,
        });
        assert_eq!(thursday.json[1], taken, "as {who}");
        assert_eq!(thursday.starts().iter().filter(|(_, available)| *available).count(), 5);
    }
    // The consultation keeps its pause, whatever the rule becomes.
    let rule = format!("/availability/{}", play.sophie_rules.get(3).unwrap());
    play.patch(Played::SOPHIE, &rule, json!({ "slotMinutes": 55, "bufferMinutes": 0 })).await.expect(200);
    let thursday = play.slots_on(Played::CLAIRE, &play.sophie, "2027-01-07").await;
    let expected = [("08:00", true), ("08:55", false), ("09:50", false), ("13:00", true), ("14:00", true)];
    thursday.must_list("2027-01-07", &[expected.as_slice(), &[("15:00", true)]].concat());

    // Ninety days ahead, to the second; then it is summer.
    play.set_clock("2027-01-05T08:00:00Z");
    let far = play.slots_on(Played::MARC, &play.sophie, "2027-04-05").await;
    let far = far.starts();
    let available: Vec<_> = far.iter().filter(|(_, available)| *available).map(|(start, _)| start.as_str()).collect();
    assert_eq!(available, ["2027-04-05T07:00:00Z", "2027-04-05T08:00:00Z"]);
    assert_eq!(far.len(), 6);
}

async fn slots_are_refused_as_the_contract_says(play: &Played) {
    let asked = async |who: &str, query: &str| play.get(who, &format!("/availability/slots?{query}")).await;
    let own = "startDate=2027-01-05&endDate=2027-01-05";
    let sophies = format!("practitionerId={}", play.sophie);

    asked(NOBODY, own).await.refused(401, "unauthenticated");
    let barred = [Played::OPERATOR, Played::ADMIN, Played::HR];
    play.must_not(&barred, &Method::GET, &format!("/availability/slots?{sophies}&{own}"), &Value::Null).await;
    // The role is checked before the question is read.
    play.must_not(&barred, &Method::GET, "/availability/slots?nonsense=1", &Value::Null).await;

    asked(Played::MARC, own).await.invalid("practitionerId", "required");
    asked(Played::MARC, &format!("{sophies}&endDate=2027-01-05")).await.invalid("startDate", "required");
    asked(Played::MARC, &format!("{sophies}&startDate=2027-01-05")).await.invalid("endDate", "required");
    let reversed = format!("{sophies}&startDate=2027-01-05&endDate=2027-01-04");
    asked(Played::MARC, &reversed).await.invalid("endDate", "before_start");
    let ninety_two = format!("{sophies}&startDate=2027-01-04&endDate=2027-04-05");
    asked(Played::MARC, &ninety_two).await.expect(200);
    let ninety_three = format!("{sophies}&startDate=2027-01-04&endDate=2027-04-06");
    asked(Played::MARC, &ninety_three).await.invalid("endDate", "out_of_range");
    let no_date = format!("{sophies}&startDate=2027-02-29&endDate=2027-03-01");
    asked(Played::MARC, &no_date).await.invalid("startDate", "invalid_date");
    asked(Played::MARC, &format!("{sophies}&{own}&day=1")).await.invalid("day", "unknown_parameter");

    // A practitioner who does not say means themselves.
    let mine = asked(Played::SOPHIE, own).await;
    let named = asked(Played::SOPHIE, &format!("{sophies}&{own}")).await;
    assert_eq!(mine.expect(200), named.expect(200));
    assert_eq!(mine.starts().len(), 6);

    // Nobody tells an unknown practitioner from one who takes no booking.
    let unknown = "practitionerId=0198c5a2-7b1e-7c3d-9a4f-112233445566";
    let unknown = asked(Played::MARC, &format!("{unknown}&{own}")).await;
    unknown.refused(404, "not_found");
    let invited = json!({
        "email": "pas.encore@huntzen.example", "firstName": "Pia", "lastName": "Encore", "profession": "COACH",
        "specialties": [], "languages": ["fr"],
    });
    let pending = play.post(Played::ADMIN, "/practitioners", invited).await.text_at("/id");
    play.post(Played::ADMIN, &format!("/practitioners/{}/suspend", play.sophie), Value::Null).await.expect(200);
    for query in [format!("practitionerId={pending}&{own}"), format!("{sophies}&{own}")] {
        let refused = asked(Played::MARC, &query).await;
        refused.refused(404, "not_found");
        assert_eq!(refused.without_request_id(), unknown.without_request_id());
    }
    assert_eq!(asked(Played::SOPHIE, own).await.starts().len(), 6);
}
