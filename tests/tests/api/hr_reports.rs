//! What HR, administrators and the people themselves are told about a company's usage.
use huntzen_tenancy::employee::Employee;
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
    cast::{Person, member},
    csv,
    usage::Usage,
};
use jiff::civil::date;
use serde_json::{Value, json};

api_suite! {
    what_is_published_is_told_by_cell_and_in_sum,
    what_is_not_published_says_not_why,
    only_whole_months_are_summed,
    a_department_that_is_no_cell_is_nothing,
    the_exact_total_is_for_invoices,
    files_say_what_the_bodies_say,
    files_of_hostile_names_are_inert,
    nobody_is_told_of_in_aggregates,
    who_agreed_is_told_of_by_name,
    people_see_what_hr_sees,
    a_release_never_changes,
}

/// Départements of alpha in January: a cell of its own, and two that are too small for that. Marc and
/// Claire are of Développement.
fn january(play: &Played) -> Vec<(Person, Employee)> {
    let hr = Person { user: play.account(Played::HR) };
    let administrator = Person { user: play.account(Played::ADMIN) };
    let usage = Usage::new(&play.world, &administrator);
    let mut team = vec![known(play, Played::MARC), known(play, Played::CLAIRE)];
    for (department, people) in [(Some("Développement"), 14), (Some("Ventes"), 9), (None, 8)] {
        for number in 0..people {
            let address = format!("{}{number}@alpha.example", department.unwrap_or("none").to_lowercase());
            let address = address.replace('é', "e");
            team.push(member(&play.world, &hr, &address, ("Camille", department)));
        }
    }
    // Eleven of sixteen, six of nine, five of eight.
    for who in team[..11].iter().chain(&team[16..22]).chain(&team[25..30]) {
        usage.took_place(who, date(2027, 1, 5), 45);
    }
    usage.took_place(&team[0], date(2027, 1, 5), 50);
    team
}

/// The account and the entry of somebody who signs in.
fn known(play: &Played, address: &str) -> (Person, Employee) {
    let person = Person { user: play.account(address) };
    let entry = play.world.tenancy.run(&person.scope(), |tx| Ok(tx.employee_of(person.id())?)).unwrap().unwrap();
    (person, entry)
}

/// January is over, and the jobs have run.
fn closed(play: &Played) {
    play.set_clock("2027-02-09T23:00:00Z");
    play.forget_tokens();
    while play.services.releases.close(100).unwrap() > 0 {}
}

const USAGE: &str = "/reports/employee-usage?period=2027-01";
const FILE: &str = "/reports/export-employee-usage?period=2027-01";

fn company_path(company: &str, rest: &str) -> String {
    format!("/metrics/companies/{company}{rest}?from=2027-01-01&to=2027-01-31")
}

fn cell(department: &str, users: u64, consultations: u64, minutes: u64) -> Value {
    json!({
        "employeeName": null, "department": department, "users": users, "consultationCount": consultations,
        "totalDuration": minutes,
    })
}

fn nothing(play: &Played, company: &str) -> (Value, Value) {
    assert!([&play.alpha, &play.beta].iter().any(|known| *known == company));
    let usage = json!({ "period": "2027-01", "published": false, "rows": [] });
    let sums = json!({
        "companyId": company, "period": { "from": "2027-01-01", "to": "2027-01-31" }, "published": false,
        "consultations": null, "totalDurationSeconds": null, "totalDurationHours": null, "avgActiveUsers": null,
    });
    (usage, sums)
}

async fn what_is_published_is_told_by_cell_and_in_sum(play: &Played) {
    january(play);
    closed(play);
    // 12 × 45 + 50 minutes of eleven people, and 11 × 45 of eleven others.
    let cells = [cell("Développement", 10, 10, 540), cell("Autres", 10, 10, 510)];
    let usage = play.get(Played::HR, USAGE).await;
    assert_eq!(*usage.expect(200), json!({ "period": "2027-01", "published": true, "rows": cells }));
    let sums = json!({
        "companyId": play.alpha, "period": { "from": "2027-01-01", "to": "2027-01-31" }, "published": true,
        "consultations": 20, "totalDurationSeconds": 63_000, "totalDurationHours": 17, "avgActiveUsers": 20,
    });
    for who in [Played::HR, Played::ADMIN] {
        assert_eq!(*play.get(who, &company_path(&play.alpha, "")).await.expect(200), sums, "{who}");
    }
    for hidden in ["", "/export"] {
        let path = company_path(&play.alpha, hidden);
        play.get(Played::OTHER_HR, &path).await.refused(404, "not_found");
        play.get(NOBODY, &path).await.refused(401, "unauthenticated");
        for who in [Played::OPERATOR, Played::SOPHIE, Played::MARC] {
            play.get(who, &path).await.refused(403, "forbidden");
        }
    }
    let unknown = company_path("01a20000-0000-7000-8000-000000000009", "");
    play.get(Played::ADMIN, &unknown).await.refused(404, "not_found");
}

async fn what_is_not_published_says_not_why(play: &Played) {
    january(play);
    let administrator = Person { user: play.account(Played::ADMIN) };
    let lea = known(play, Played::LEA);
    let empty = nothing(play, &play.alpha);
    // Not closed yet.
    play.set_clock("2027-02-09T22:59:59Z");
    play.forget_tokens();
    assert_eq!(play.services.releases.close(100).unwrap(), 0);
    assert_eq!(*play.get(Played::HR, USAGE).await.expect(200), empty.0);
    assert_eq!(*play.get(Played::HR, &company_path(&play.alpha, "")).await.expect(200), empty.1);
    // Too small, with usage.
    Usage::new(&play.world, &administrator).took_place(&lea, date(2027, 1, 12), 45);
    closed(play);
    let of_beta = nothing(play, &play.beta);
    assert_eq!(*play.get(Played::OTHER_HR, USAGE).await.expect(200), of_beta.0);
    assert_eq!(*play.get(Played::OTHER_HR, &company_path(&play.beta, "")).await.expect(200), of_beta.1);
    // No usage at all, long ago, or in a month to come.
    for month in ["2026-11", "2027-02", "2030-01"] {
        let answer = play.get(Played::HR, &format!("/reports/employee-usage?period={month}")).await;
        assert_eq!(*answer.expect(200), json!({ "period": month, "published": false, "rows": [] }));
    }
    let told = play.get(Played::OTHER_HR, FILE).await.text();
    assert!(told.ends_with("\r\nEmployé,Département,Consultations,Durée (min)\r\n"), "{told}");
}

async fn only_whole_months_are_summed(play: &Played) {
    january(play);
    closed(play);
    let asked = |period: &str| format!("/metrics/companies/{}{period}", play.alpha);
    for who in [Played::HR, Played::ADMIN] {
        for (period, field) in [
            ("?from=2027-01-02&to=2027-01-31", "from"),
            ("?from=2027-01-01&to=2027-01-30", "to"),
            ("?from=2027-01-05&to=2027-01-05", "from"),
        ] {
            for path in [asked(period), asked(&format!("/export{period}"))] {
                let answer = play.get(who, &path).await;
                let problem = answer.refused(400, "whole_months_only");
                assert_eq!(problem["errors"][0]["field"], field);
                assert_eq!(problem["errors"][0]["code"], "whole_months_only");
            }
        }
        play.get(who, &asked("?from=2027-01-01")).await.invalid("to", "required");
        play.get(who, &asked("?from=2027-01-01&to=2028-01-31")).await.invalid("to", "period_too_long");
        play.get(who, &asked("?from=2027-02-01&to=2027-01-31")).await.invalid("to", "before_from");
    }
    // The months around it say nothing, and so are in no average.
    let three = play.get(Played::HR, &asked("?from=2026-12-01&to=2027-02-28")).await;
    let three = three.expect(200);
    assert_eq!((&three["consultations"], &three["avgActiveUsers"]), (&json!(20), &json!(20)));
}

async fn a_department_that_is_no_cell_is_nothing(play: &Played) {
    january(play);
    closed(play);
    let of = async |department: &str| play.get(Played::HR, &format!("{USAGE}&department={department}")).await;
    let cells = |cells: Value| json!({ "period": "2027-01", "published": true, "rows": cells });
    assert_eq!(*of("D%C3%A9veloppement").await.expect(200), cells(json!([cell("Développement", 10, 10, 540)])));
    assert_eq!(*of("Autres").await.expect(200), cells(json!([cell("Autres", 10, 10, 510)])));
    for department in ["Ventes", "Nulle%20part", "", "autres"] {
        assert_eq!(*of(department).await.expect(200), nothing(play, &play.alpha).0, "{department}");
    }
    of(&"x".repeat(121)).await.invalid("department", "too_long");
    play.get(Played::HR, "/reports/employee-usage?period=2027-1").await.invalid("period", "invalid_month");
    play.get(Played::HR, "/reports/employee-usage").await.invalid("period", "required");
}

async fn the_exact_total_is_for_invoices(play: &Played) {
    january(play);
    let invoice = |company: &str| format!("/metrics/companies/{company}/invoice?period=2027-01");
    let none = |company: &str| {
        json!({
            "companyId": company, "period": "2027-01", "published": false, "consultations": null,
            "totalDurationSeconds": null, "totalDurationMinutes": null,
        })
    };
    assert_eq!(*play.get(Played::ADMIN, &invoice(&play.alpha)).await.expect(200), none(&play.alpha));
    closed(play);
    let exact = json!({
        "companyId": play.alpha, "period": "2027-01", "published": true, "consultations": 23,
        "totalDurationSeconds": 22 * 45 * 60 + 50 * 60 + 23 * 59, "totalDurationMinutes": 1_040,
    });
    assert_eq!(*play.get(Played::ADMIN, &invoice(&play.alpha)).await.expect(200), exact);
    assert_eq!(*play.get(Played::ADMIN, &invoice(&play.beta)).await.expect(200), none(&play.beta));
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        play.get(who, &invoice(&play.alpha)).await.refused(403, "forbidden");
    }
    let unknown = invoice("01a20000-0000-7000-8000-000000000009");
    play.get(Played::ADMIN, &unknown).await.refused(404, "not_found");
}

fn file(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{}: {}", answer.asked, answer.text());
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), Some(format!("attachment; filename=\"{name}.csv\"").as_str()));
    csv::records(&answer.bytes).unwrap_or_else(|what| panic!("{}: {what}", answer.asked));
    answer.text()
}

async fn files_say_what_the_bodies_say(play: &Played) {
    january(play);
    closed(play);
    assert_eq!(
        file(&play.get(Played::HR, FILE).await, "utilisation-2027-01"),
        "\u{feff}# RAPPORT UTILISATION EMPLOYÉS - ANONYMISÉ\r\n\
         \"# Conformité RGPD : Données agrégées uniquement, seuil min. 10 employés\"\r\n# Période: 2027-01\r\n\
         # Entreprise: Alpha\r\n# Généré le: 2027-02-10\r\n\r\nEmployé,Département,Consultations,Durée (min)\r\n\
         Ensemble (10),Développement,10,540\r\nEnsemble (10),Autres,10,510\r\n"
    );
    let sums =
        "\u{feff}Mois,Utilisateurs,Consultations,Durée (minutes)\r\n2027-01,20,20,1050\r\n\r\nTOTAL,,20,1050\r\n";
    for who in [Played::HR, Played::ADMIN] {
        let answer = play.get(who, &company_path(&play.alpha, "/export")).await;
        assert_eq!(file(&answer, "utilisation-2027-01-01-2027-01-31"), sums);
    }
    let done = play.done_to(&play.alpha);
    assert_eq!(done[done.len() - 3..], ["EXPORT", "EXPORT", "EXPORT"]);
    for who in [Played::OPERATOR, Played::ADMIN, Played::SOPHIE, Played::MARC] {
        play.get(who, FILE).await.refused(403, "forbidden");
    }
}

/// Names that a spreadsheet would compute, or that break a line.
/// The first is needed by Marc's and Claire's own, which is small.
const HOSTILE: [&str; 4] = ["+1,\"2\"", "=cmd|' /C calc'!A0", "@SUM(1,2)", "-2+3;=1"];

async fn files_of_hostile_names_are_inert(play: &Played) {
    let hr = Person { user: play.account(Played::HR) };
    let administrator = Person { user: play.account(Played::ADMIN) };
    let usage = Usage::new(&play.world, &administrator);
    for (at, department) in HOSTILE.iter().enumerate() {
        for number in 0..16 {
            let who = member(&play.world, &hr, &format!("h{at}x{number}@alpha.example"), ("Camille", Some(department)));
            if number < 11 {
                usage.took_place(&who, date(2027, 1, 5), 45);
            }
        }
    }
    let renamed = json!({ "name": "=HYPERLINK(\"x\")" });
    play.patch(Played::ADMIN, &format!("/companies/{}", play.alpha), renamed).await.expect(200);
    closed(play);
    let records = csv::records(&play.get(Played::HR, FILE).await.bytes).unwrap();
    let departments: Vec<&str> = records.iter().filter(|one| one.len() == 4).map(|one| one[1].as_str()).collect();
    assert_eq!(departments, ["Département", "'-2+3;'=1", "'=cmd|' /C calc'!A0", "'@SUM(1,2)", "Autres"]);
    play.services.statements.close(100).unwrap();
    let sophie = play.get(Played::SOPHIE, "/reports/practitioner-export-csv?period=2027-01").await;
    csv::records(&sophie.bytes).unwrap();
    csv::records(&play.get(Played::ADMIN, &company_path(&play.alpha, "/export")).await.bytes).unwrap();
}

async fn nobody_is_told_of_in_aggregates(play: &Played) {
    january(play);
    closed(play);
    let unknown = "01a20000-0000-7000-8000-000000000009";
    let mut told = Vec::new();
    for id in [&play.marc, &play.claire, &play.lea, unknown] {
        for rest in ["?from=2027-01-01&to=2027-01-31", "?from=2027-01-05&to=2027-01-05"] {
            told.push(play.get(Played::HR, &format!("/metrics/employees/{id}{rest}")).await);
        }
        told.push(play.get(Played::HR, &format!("/reports/employee-usage/{id}")).await);
        told.push(play.get(Played::HR, &format!("/reports/employee-usage/{id}?period=2027-01")).await);
    }
    let first = told[0].without_request_id();
    for answer in &told {
        answer.refused(403, "aggregated_only");
        assert_eq!(answer.without_request_id(), first, "{}", answer.asked);
    }
}

/// Has alpha reported by name from January on; Marc and Camille agree, and Claire does not.
async fn named(play: &Played) -> Vec<(Person, Employee)> {
    play.set_clock("2026-12-15T08:00:00Z");
    play.forget_tokens();
    let path = format!("/companies/{}", play.alpha);
    play.patch(Played::ADMIN, &path, json!({ "hrReporting": "NAMED" })).await.expect(200);
    play.set_clock("2027-01-04T08:00:00Z");
    play.forget_tokens();
    let team = january(play);
    let agree = json!({ "shareUsageWithEmployer": true });
    play.patch(Played::MARC, "/users/me/preferences", agree).await.expect(200);
    closed(play);
    team
}

async fn who_agreed_is_told_of_by_name(play: &Played) {
    named(play).await;
    let usage = play.get(Played::HR, USAGE).await;
    let rows = usage.expect(200)["rows"].as_array().unwrap();
    let marc = json!({
        "employeeName": "Marc Dupont", "department": "Développement", "consultationCount": 2, "totalDuration": 95,
    });
    // Ten others of fifteen remain of Développement, and eleven of seventeen elsewhere.
    assert_eq!(*rows, [marc.clone(), cell("Développement", 10, 10, 450), cell("Autres", 10, 10, 510)]);
    let person =
        async |id: &str| play.get(Played::HR, &format!("/metrics/employees/{id}?from=2027-01-01&to=2027-01-31")).await;
    let seen = json!({
        "employeeId": play.marc, "period": { "from": "2027-01-01", "to": "2027-01-31" }, "consultations": 2,
        "totalDurationSeconds": 95 * 60 + 2 * 59, "totalDurationMinutes": 95,
    });
    assert_eq!(*person(&play.marc).await.expect(200), seen);
    person(&play.claire).await.refused(403, "aggregated_only");
    let report = play.get(Played::HR, &format!("/reports/employee-usage/{}", play.marc)).await;
    assert_eq!(*report.expect(200), json!({ "period": "2027-01", "published": true, "rows": [marc] }));
    let days = format!("/metrics/employees/{}?from=2027-01-02&to=2027-01-31", play.marc);
    play.get(Played::HR, &days).await.refused(400, "whole_months_only");
    let text = file(&play.get(Played::HR, FILE).await, "utilisation-2027-01");
    assert!(text.contains("\r\nMarc Dupont,Développement,2,95\r\n") && !text.contains("ANONYM"), "{text}");
    // The other HR, and administrators, are told no name.
    play.get(Played::OTHER_HR, &format!("/reports/employee-usage/{}", play.marc)).await.refused(403, "aggregated_only");
    // Marc learns that HR saw it, and takes it back.
    let log = play.get(Played::MARC, "/users/me/access-log?limit=100").await;
    assert!(log.each("resource").contains(&json!("METRICS")), "{}", log.text());
    let silent = json!({ "shareUsageWithEmployer": false });
    play.patch(Played::MARC, "/users/me/preferences", silent).await.expect(200);
    person(&play.marc).await.refused(403, "aggregated_only");
    let usage = play.get(Played::HR, USAGE).await;
    assert_eq!(usage.expect(200)["rows"].as_array().unwrap().len(), 2);
}

async fn people_see_what_hr_sees(play: &Played) {
    named(play).await;
    let hr = play.get(Played::HR, USAGE).await.expect(200).clone();
    let company = play.get(Played::HR, &company_path(&play.alpha, "")).await.expect(200).clone();
    let marc = play.get(Played::MARC, "/metrics/what-hr-sees?period=2027-01").await;
    assert_eq!(*marc.expect(200), json!({ "mode": "NAMED", "usage": hr, "company": company }));
    // Claire is told nothing of Marc.
    let claire = play.get(Played::CLAIRE, "/metrics/what-hr-sees?period=2027-01").await;
    claire.must_not_tell("Marc");
    let mut others = hr;
    others["rows"].as_array_mut().unwrap().remove(0);
    assert_eq!(claire.expect(200)["usage"], others);
    let before = play.get(Played::MARC, "/metrics/what-hr-sees?period=2026-12").await;
    assert_eq!(before.expect(200)["mode"], "AGGREGATED");
    let lea = play.get(Played::LEA, "/metrics/what-hr-sees?period=2027-01").await;
    let (usage, sums) = nothing(play, &play.beta);
    assert_eq!(*lea.expect(200), json!({ "mode": "AGGREGATED", "usage": usage, "company": sums }));
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR, Played::SOPHIE] {
        play.get(who, "/metrics/what-hr-sees?period=2027-01").await.refused(403, "forbidden");
    }
    play.get(Played::MARC, "/metrics/what-hr-sees").await.invalid("period", "required");
}

async fn a_release_never_changes(play: &Played) {
    let team = january(play);
    closed(play);
    let told = play.get(Played::HR, USAGE).await;
    let administrator = Person { user: play.account(Played::ADMIN) };
    // Seven more consulted in January, and it is known only now.
    let late = Usage::new(&play.world, &administrator);
    play.set_clock("2027-02-15T08:00:00Z");
    for who in &team[11..16] {
        late.took_place(who, date(2027, 1, 12), 45);
    }
    play.forget_tokens();
    while play.services.releases.close(100).unwrap() > 0 {}
    play.get(Played::HR, USAGE).await.must_look_like(&told);
    // They count in February, where they are too few.
    play.set_clock("2027-03-10T08:00:00Z");
    play.forget_tokens();
    while play.services.releases.close(100).unwrap() > 0 {}
    let february = play.get(Played::HR, "/reports/employee-usage?period=2027-02").await;
    assert_eq!(february.expect(200)["published"], false);
    play.get(Played::HR, USAGE).await.must_look_like(&told);
}
