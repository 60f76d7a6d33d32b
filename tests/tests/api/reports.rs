//! What practitioners are paid by: lines, files, and statements that never change again.
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

api_suite! {
    figures_are_a_file_with_a_line_a_day,
    a_month_is_told_by_company_and_line_by_line,
    a_statement_is_the_same_once_it_is_closed,
    a_month_is_asked_for_by_its_name,
    files_leave_a_trace,
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

/// Two consultations of the company's and one of the other company's, in January.
async fn worked(play: &Played) {
    for (who, start, end) in [
        (Played::MARC, "2027-01-05T08:00:00Z", "2027-01-05T08:45:59Z"),
        (Played::CLAIRE, "2027-01-05T09:00:00Z", "2027-01-05T09:50:00Z"),
        (Played::LEA, "2027-01-07T13:00:00Z", "2027-01-07T13:30:00Z"),
    ] {
        play.set_clock("2027-01-04T08:00:00Z");
        play.held(who, start, end).await;
    }
}

async fn company_of(play: &Played, hr: &str) -> (String, String) {
    let company = play.get(hr, "/companies/me").await;
    (company.text_at("/id"), company.text_at("/name"))
}

async fn figures_are_a_file_with_a_line_a_day(play: &Played) {
    worked(play).await;
    let path = format!("/metrics/practitioners/{}/export?from=2027-01-01&to=2027-01-31", play.sophie);
    let expected =
        "\u{feff}Date,Consultations,Durée (minutes)\r\n2027-01-05,2,95\r\n2027-01-07,1,30\r\n\r\nTOTAL,3,125\r\n";
    for who in [Played::SOPHIE, Played::ADMIN] {
        let answer = play.get(who, &path).await;
        assert_eq!(text(&answer), expected);
        let named = "attachment; filename=\"activite-2027-01-01-2027-01-31.csv\"";
        assert_eq!(answer.header("content-disposition"), Some(named));
    }
    let none = play.get(Played::SOPHIE, &path.replace("2027", "2026")).await;
    assert_eq!(text(&none), "\u{feff}Date,Consultations,Durée (minutes)\r\n\r\nTOTAL,0,0\r\n");
    play.get(Played::PAUL, &path).await.refused(404, "not_found");
    play.get(NOBODY, &path).await.refused(401, "unauthenticated");
    let long = format!("/metrics/practitioners/{}/export?from=2027-01-01&to=2028-01-02", play.sophie);
    play.get(Played::SOPHIE, &long).await.invalid("to", "period_too_long");
}

async fn a_month_is_told_by_company_and_line_by_line(play: &Played) {
    worked(play).await;
    let (tech, other) = (company_of(play, Played::HR).await, company_of(play, Played::OTHER_HR).await);
    let part = |(id, name): &(String, String), count: u64, minutes: u64, average: u64| {
        json!({
            "companyId": id, "companyName": name, "consultationCount": count, "totalDurationMinutes": minutes,
            "avgDuration": average,
        })
    };
    let mut parts = vec![(tech.1.clone(), part(&tech, 2, 95, 47)), (other.1.clone(), part(&other, 1, 30, 30))];
    parts.sort_by(|one, other| one.0.cmp(&other.0));
    let parts: Vec<Value> = parts.into_iter().map(|(_, part)| part).collect();
    let stats = play.get(Played::SOPHIE, "/reports/practitioner-stats?period=2027-01").await;
    assert_eq!(*stats.expect(200), json!({ "period": "2027-01", "companies": parts }));
    let line = |date: &str, company: &str, minutes: u64| json!({ "date": date, "company": company, "duration": minutes, "status": "VALIDATED" });
    let billing = play.get(Played::SOPHIE, "/reports/practitioner-billing?period=2027-01").await;
    assert_eq!(
        *billing.expect(200),
        json!({
            "period": "2027-01", "consultationCount": 3, "totalDurationMinutes": 125,
            "items": [
                line("2027-01-05", &tech.1, 45), line("2027-01-05", &tech.1, 50), line("2027-01-07", &other.1, 30),
            ],
        })
    );
    for secret in ["Marc", "Dupont", "Claire", "Léa", Played::MARC] {
        assert!(!billing.json.to_string().contains(secret), "{secret}");
    }
    let of_paul = play.get(Played::PAUL, "/reports/practitioner-stats?period=2027-01").await;
    assert_eq!(of_paul.expect(200)["companies"], json!([]));
}

const FILE: &str = "/reports/practitioner-export-csv?period=2027-01";

async fn a_statement_is_the_same_once_it_is_closed(play: &Played) {
    worked(play).await;
    play.set_clock("2027-01-20T08:00:00Z");
    let forgotten = play.booked(Played::MARC, "2027-01-21T08:00:00Z").await;
    play.set_clock("2027-01-21T08:00:00Z");
    play.conduct(&forgotten, "start").await;
    play.set_clock("2027-02-09T22:59:59Z");
    play.forget_tokens();
    assert_eq!(play.services.statements.close(100).unwrap(), 0, "January closes on the tenth in Paris");
    play.set_clock("2027-02-09T23:00:00Z");
    let closed = play.services.statements.close(100).unwrap();
    assert!(closed >= 2, "Sophie's and Paul's");
    assert_eq!(play.services.statements.close(100).unwrap(), 0);
    let answer = play.get(Played::SOPHIE, FILE).await;
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"facturation-2027-01.csv\""));
    let file = text(&answer);
    let (above, signed) = file.split_at(file.rfind("# SHA-256: ").unwrap());
    let (tech, other) = (company_of(play, Played::HR).await.1, company_of(play, Played::OTHER_HR).await.1);
    assert_eq!(
        above,
        format!(
            "\u{feff}# RAPPORT FACTURATION PRATICIEN\r\n# Période: 2027-01\r\n# Praticien: Dr. Sophie Martin\r\n\
             # Généré le: 2027-02-10\r\n\r\nDate,Entreprise,Durée (min),Statut\r\n2027-01-05,{tech},45,VALIDATED\r\n\
             2027-01-05,{tech},50,VALIDATED\r\n2027-01-07,{other},30,VALIDATED\r\n\r\n\
             TOTAL,3 consultations,125 minutes\r\n"
        )
    );
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(above.as_bytes()));
    assert_eq!(signed, format!("# SHA-256: {digest}\r\n"));
    // What ends later is paid with the next month, and the closed one stays as it is to the byte.
    play.conduct(&forgotten, "end").await;
    play.set_clock("2027-03-01T08:00:00Z");
    play.forget_tokens();
    assert_eq!(text(&play.get(Played::SOPHIE, FILE).await), file);
    let next = play.get(Played::SOPHIE, "/reports/practitioner-billing?period=2027-02").await;
    assert_eq!(next.expect(200)["items"][0]["date"], "2027-01-21");
    let open = text(&play.get(Played::SOPHIE, "/reports/practitioner-export-csv?period=2027-02").await);
    assert!(open.contains("# Généré le: 2027-03-01\r\n") && open.contains("\r\n2027-01-21,"), "{open}");
    let of_paul = text(&play.get(Played::PAUL, FILE).await);
    assert!(of_paul.contains("\r\nTOTAL,0 consultations,0 minutes\r\n"), "{of_paul}");
}

async fn a_month_is_asked_for_by_its_name(play: &Played) {
    for path in ["practitioner-stats", "practitioner-billing", "practitioner-export-csv"] {
        for (query, code) in [
            ("?period=2027-13", "invalid_month"),
            ("?period=2027-1", "invalid_month"),
            ("?period=January", "invalid_month"),
            ("", "required"),
        ] {
            play.get(Played::SOPHIE, &format!("/reports/{path}{query}")).await.invalid("period", code);
        }
        for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::MARC] {
            play.get(who, &format!("/reports/{path}?period=2027-01")).await.refused(403, "forbidden");
        }
    }
}

async fn files_leave_a_trace(play: &Played) {
    let own = format!("/metrics/practitioners/{}/export?from=2027-01-01&to=2027-01-31", play.sophie);
    for (who, path) in
        [(Played::SOPHIE, FILE), (Played::SOPHIE, "/reports/practitioner-stats?period=2027-01"), (Played::ADMIN, &own)]
    {
        play.advance(SignedDuration::from_secs(1));
        assert_eq!(play.get(who, path).await.status, 200, "{path}");
    }
    let done = play.done_to(&play.sophie);
    assert_eq!(done[done.len() - 3..], ["EXPORT", "READ", "EXPORT"]);
}
