//! A practitioner's figures: exact, floored once a consultation, on the company's civil days.
use huntzen_tests::{
    api::{Answer, ApiWorld, NOBODY, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    minutes_are_the_sum_of_whole_minutes,
    a_day_is_the_companys_and_is_written_once,
    what_did_not_take_place_does_not_count_and_what_ran_on_is_capped,
    figures_are_for_their_owner_and_for_administrators,
}

const UNKNOWN: &str = "0190b6c0-0000-7000-8000-000000000000";

async fn figures(play: &Played, from: &str, to: &str) -> Value {
    let path = format!("/metrics/practitioners/{}?from={from}&to={to}", play.sophie);
    play.get(Played::SOPHIE, &path).await.expect(200).clone()
}

fn usage(play: &Played, period: (&str, &str), counted: [u64; 5]) -> Value {
    let [consultations, seconds, minutes, average, days] = counted;
    json!({
        "practitionerId": play.sophie, "period": { "from": period.0, "to": period.1 },
        "consultations": consultations, "totalDurationSeconds": seconds, "totalDurationMinutes": minutes,
        "averageDurationMinutes": average, "activeDays": days,
    })
}

/// The figures of a practitioner as `who` gets them, or what they get instead.
async fn of(play: &ApiWorld, who: &str, id: &str, query: &str) -> Answer {
    play.get(who, &format!("/metrics/practitioners/{id}?{query}")).await
}

/// Takes a booked consultation of Sophie's place from `start` to `end`.
async fn take_place(play: &Played, id: &str, start: &str, end: &str) -> Value {
    play.set_clock(start);
    play.conduct(id, "start").await;
    play.set_clock(end);
    play.conduct(id, "end").await;
    play.get(Played::SOPHIE, &format!("/consultations/{id}")).await.expect(200).clone()
}

async fn counted_on(play: &Played, day: &str) -> u64 {
    figures(play, day, day).await["consultations"].as_u64().unwrap()
}

async fn minutes_are_the_sum_of_whole_minutes(play: &Played) {
    let week = ("2027-01-04", "2027-01-10");
    assert_eq!(figures(play, week.0, week.1).await, usage(play, week, [0; 5]));
    let mut booked = Vec::new();
    for (who, start) in [
        (Played::MARC, "2027-01-05T08:00:00Z"),
        (Played::CLAIRE, "2027-01-05T09:00:00Z"),
        (Played::LEA, "2027-01-07T13:00:00Z"),
    ] {
        booked.push(play.booked(who, start).await);
    }
    for ((id, (start, end)), (seconds, minutes)) in booked
        .iter()
        .zip([
            ("2027-01-05T08:00:00Z", "2027-01-05T08:30:59.999Z"),
            ("2027-01-05T09:00:00Z", "2027-01-05T09:40:59Z"),
            ("2027-01-07T13:00:00Z", "2027-01-07T13:10:30Z"),
        ])
        .zip([(1859, 30), (2459, 40), (630, 10)])
    {
        let ended = take_place(play, id, start, end).await;
        assert_eq!([&ended["durationSeconds"], &ended["actualDuration"]], [seconds, minutes]);
        assert_eq!(ended["billingStatus"], "VALIDATED");
    }
    // 4948 seconds are 82 minutes; each floored by itself they are 80, and a third of them is 26.
    assert_eq!(figures(play, week.0, week.1).await, usage(play, week, [3, 4948, 80, 26, 2]));
    let day = ("2027-01-05", "2027-01-05");
    assert_eq!(figures(play, day.0, day.1).await, usage(play, day, [2, 4318, 70, 35, 1]));
    let gap = ("2027-01-06", "2027-01-06");
    assert_eq!(figures(play, gap.0, gap.1).await, usage(play, gap, [0; 5]));
    let year = ("2027-01-07", "2028-01-07");
    assert_eq!(figures(play, year.0, year.1).await, usage(play, year, [1, 630, 10, 10, 1]));
}

async fn a_day_is_the_companys_and_is_written_once(play: &Played) {
    let beta = format!("/companies/{}", play.beta);
    let zone = |zone: &str| play.patch(Played::OTHER_HR, &beta, json!({ "timezone": zone }));
    // Two in the morning in Paris; there, one is before midnight and one begins with the next day.
    zone("Pacific/Kiritimati").await.expect(200);
    let evening = play.booked(Played::LEA, "2027-01-06T09:00:00Z").await;
    let midnight = play.booked(Played::LEA, "2027-01-06T10:00:00Z").await;
    let in_paris = play.booked(Played::MARC, "2027-01-06T13:00:00Z").await;
    take_place(play, &evening, "2027-01-06T09:00:00Z", "2027-01-06T09:50:00Z").await;
    take_place(play, &midnight, "2027-01-06T10:00:00Z", "2027-01-06T10:50:00Z").await;
    take_place(play, &in_paris, "2027-01-06T13:00:00Z", "2027-01-06T13:50:00Z").await;
    for _ in 0..2 {
        assert_eq!(counted_on(play, "2027-01-05").await, 0);
        assert_eq!(counted_on(play, "2027-01-06").await, 2);
        assert_eq!(counted_on(play, "2027-01-07").await, 1);
        // The second time round: another zone moves nothing that has ended.
        zone("Pacific/Honolulu").await.expect(200);
    }
    let both = ("2027-01-06", "2027-01-07");
    assert_eq!(figures(play, both.0, both.1).await, usage(play, both, [3, 9000, 150, 50, 2]));
    let morning = play.booked(Played::LEA, "2027-01-08T08:00:00Z").await;
    take_place(play, &morning, "2027-01-08T08:00:00Z", "2027-01-08T08:50:00Z").await;
    assert_eq!(counted_on(play, "2027-01-07").await, 2, "ten in the evening of the day before");
    assert_eq!(counted_on(play, "2027-01-08").await, 0);
}

async fn what_did_not_take_place_does_not_count_and_what_ran_on_is_capped(play: &Played) {
    let long = play.booked(Played::MARC, "2027-01-05T08:00:00Z").await;
    let late = play.booked(Played::CLAIRE, "2027-01-05T10:00:00Z").await;
    let missed = play.booked(Played::LEA, "2027-01-05T13:00:00Z").await;
    let cancelled = play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
    let running = play.booked(Played::CLAIRE, "2027-01-06T09:00:00Z").await;
    let forgotten = play.booked(Played::LEA, "2027-01-07T08:00:00Z").await;

    // Planned until 8:50: nothing after 9:20 counts.
    let ended = take_place(play, &long, "2027-01-05T07:50:00Z", "2027-01-05T09:45:00Z").await;
    assert_eq!([&ended["durationSeconds"], &ended["actualDuration"]], [5400, 90]);
    assert_eq!(ended["endedAt"], "2027-01-05T09:45:00Z");
    // Begun after 11:20: it took place and lasted nothing.
    let ended = take_place(play, &late, "2027-01-05T11:30:00Z", "2027-01-05T11:50:00Z").await;
    assert_eq!([&ended["durationSeconds"], &ended["actualDuration"]], [0, 0]);
    play.set_clock("2027-01-05T13:10:00Z");
    play.conduct(&missed, "no-show").await;
    play.conduct(&cancelled, "cancel").await;
    play.set_clock("2027-01-06T09:00:00Z");
    play.conduct(&running, "start").await;
    let week = ("2027-01-04", "2027-01-10");
    assert_eq!(figures(play, week.0, week.1).await, usage(play, week, [2, 5400, 90, 45, 1]));

    play.set_clock("2027-01-06T10:00:00Z");
    play.conduct(&running, "end").await;
    play.set_clock("2027-01-07T08:00:00Z");
    play.conduct(&forgotten, "start").await;
    play.set_clock("2027-01-07T12:00:00Z");
    play.services.jobs.end_forgotten(100).unwrap();
    // Ended by the job at its planned end, and counted as the others.
    assert_eq!(figures(play, week.0, week.1).await, usage(play, week, [4, 12_000, 200, 50, 3]));
    play.post(Played::SOPHIE, &format!("/consultations/{forgotten}/end"), Value::Null)
        .await
        .refused(409, "invalid_transition");
    assert_eq!(figures(play, week.0, week.1).await["consultations"], 4, "counted twice");
}

async fn figures_are_for_their_owner_and_for_administrators(play: &Played) {
    play.held(Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:50:00Z").await;
    let (month, week) = (("2027-01-01", "2027-01-31"), "from=2027-01-01&to=2027-01-31");
    let own = of(play, Played::SOPHIE, &play.sophie, week).await;
    assert_eq!(*own.expect(200), usage(play, month, [1, 3000, 50, 50, 1]));
    of(play, Played::ADMIN, &play.sophie, week).await.must_look_like(&own);
    for trace in [&play.marc, &play.alpha] {
        own.must_not_tell(trace);
    }

    let unknown = of(play, Played::SOPHIE, UNKNOWN, week).await;
    unknown.refused(404, "not_found");
    of(play, Played::PAUL, &play.sophie, week).await.must_look_like(&unknown);
    of(play, Played::ADMIN, UNKNOWN, week).await.must_look_like(&unknown);
    of(play, Played::ADMIN, "sophie", week).await.refused(404, "not_found");
    let none = of(play, Played::ADMIN, &play.paul, week).await;
    assert_eq!([&none.expect(200)["consultations"], &none.json["averageDurationMinutes"]], [0, 0]);

    for (query, field, code) in [
        ("to=2027-01-31", "from", "required"),
        ("from=2027-01-01", "to", "required"),
        ("from=2027-01-02&to=2027-01-01", "to", "before_from"),
        ("from=2027-01-01&to=2028-01-02", "to", "period_too_long"),
        ("from=2027-1-1&to=2027-01-31", "from", "invalid_date"),
        ("from=2027-02-29&to=2027-03-01", "from", "invalid_date"),
        ("from=2027-01-01&to=2027-01-31&month=1", "month", "unknown_parameter"),
        ("from=2027-01-01&from=2027-01-02&to=2027-01-31", "from", "repeated"),
    ] {
        for (who, id) in [(Played::SOPHIE, play.sophie.as_str()), (Played::ADMIN, UNKNOWN)] {
            of(play, who, id, query).await.invalid(field, code);
        }
    }
    of(play, Played::SOPHIE, &play.sophie, "from=2027-01-01&to=2028-01-01").await.expect(200);
    for who in [Played::OPERATOR, Played::HR, Played::MARC] {
        of(play, who, &play.sophie, "from=nonsense").await.refused(403, "forbidden");
        of(play, who, UNKNOWN, week).await.refused(403, "forbidden");
    }
    of(play, NOBODY, &play.sophie, week).await.refused(401, "unauthenticated");
}
