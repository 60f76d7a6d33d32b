//! HR as an attacker: equations over random companies, and twins whom no answer tells apart.
use std::collections::BTreeSet;

use actix_web::http::Method;
use huntzen_app::http::{Access, operations};
use huntzen_tenancy::{
    company::HrReporting::{Aggregated, Named},
    policy::Role,
};
use huntzen_tests::{
    api::Answer as Told,
    attack::{
        roster::{self, MONTHS, Publish, Roster},
        solve,
        twins::{self, HR, Twin},
    },
    scale::rounds,
    sequence::Sequence,
};
use serde_json::{Value, json};

/// How many random companies.
const COMPANIES: usize = 1_000;
/// The fewest users, and the fewest others, of a group that can be told of.
const USERS: usize = 10;
const OTHERS: usize = 5;

/// Whatever people do: over all answers, no combination is about a group of fewer users, or of fewer
/// people who are none. Answers how many companies give such a group away.
fn given_away(publish: Publish) -> usize {
    let mut chance = Sequence::new(0x5EC2_E7B1);
    let gives_away = |_| {
        let company = Roster::random(&mut chance, false);
        let people = company.members.len();
        let told = company.told(publish, |month, member| month * people + member);
        solve(&told).iter().any(|learnt| {
            let users = learnt.group.iter().filter(|at| company.is_user(**at / people, **at % people)).count();
            users < USERS || learnt.group.len() - users < OTHERS
        })
    };
    (0..COMPANIES).map(gives_away).filter(|gives_away| *gives_away).count()
}

#[test]
fn no_answer_and_no_combination_is_about_a_small_group() {
    assert_eq!(given_away(roster::as_it_is), 0);
    // Each rule is needed: without it, this very attack succeeds.
    for (missing, publish) in [
        ("k", roster::without_k as Publish),
        ("the others", roster::without_others),
        ("complementary merging", roster::without_complement),
    ] {
        let companies = given_away(publish);
        assert!(companies > COMPANIES / 100, "without {missing} only {companies} companies are given away");
    }
}

/// While people do the same each month and some of them move, the months' answers are equations about the
/// same people. How many small groups with users among them the attacker solves, and of how many of those
/// the solution is true; and the same of single people.
fn solved(publish: Publish) -> [(usize, usize); 2] {
    let mut chance = Sequence::new(0xB0B5_1ED5);
    let (mut groups, mut people) = ((0, 0), (0, 0));
    for _ in 0..COMPANIES {
        let company = Roster::random(&mut chance, true);
        for learnt in solve(&company.told(publish, |_, member| member)) {
            let users = learnt.group.iter().filter(|at| !company.members[**at].used[0].is_empty()).count();
            if learnt.group.len() >= USERS || users == 0 {
                continue;
            }
            let is_true = (learnt.users - f64::from(u32::try_from(users).unwrap())).abs() < 1e-6;
            groups = (groups.0 + 1, groups.1 + usize::from(is_true));
            if learnt.group.len() == 1 {
                people = (people.0 + 1, people.1 + usize::from(is_true));
            }
        }
    }
    [groups, people]
}

#[test]
fn moving_rosters_give_nobody_away_while_figures_are_rounded() {
    let [groups, people] = solved(roster::as_it_is);
    assert!(groups.0 > COMPANIES && people.0 > COMPANIES / 10, "the attack has much to solve: {groups:?} {people:?}");
    // A rounded difference is right by chance alone, and never about one person.
    assert!(groups.1 * 20 < groups.0, "{groups:?}");
    assert_eq!(people.1, 0, "{people:?}");
    let [groups, people] = solved(roster::without_rounding);
    assert!(people.0 > COMPANIES / 10);
    assert_eq!((groups.1, people.1), (groups.0, people.0), "without rounding every solution is true");
}

/// What HR may read, with everything that it may say about it.
fn questions(twin: &Twin) -> Vec<String> {
    let company = &twin.company;
    let unknown = "01a20000-0000-7000-8000-000000000009".to_owned();
    let mut people: Vec<&String> = twin.employees.iter().flatten().step_by(11).collect();
    people.push(&unknown);
    let periods = [
        "from=2027-01-01&to=2027-01-31",
        "from=2027-01-01&to=2027-04-30",
        "from=2027-02-01&to=2027-03-31",
        "from=2026-12-01&to=2027-05-31",
        "from=2027-01-05&to=2027-01-05",
        "from=2027-04-30&to=2027-04-01",
    ];
    let mut asked = Vec::new();
    for operation in operations().operations() {
        let Access::Permission(permission) = operation.access else { continue };
        if operation.method != Method::GET || !permission.roles().contains(&Role::AdminRh) {
            continue;
        }
        let path = operation.path;
        match path {
            "/metrics/companies/{id}" | "/metrics/companies/{id}/export" => {
                asked.extend(periods.map(|period| format!("{}?{period}", path.replace("{id}", company))));
            }
            "/metrics/employees/{id}" => {
                let about = |id: &&String| periods.map(|period| format!("/metrics/employees/{id}?{period}"));
                asked.extend(people.iter().flat_map(about));
            }
            "/reports/employee-usage/{id}" => {
                let about =
                    |id: &&String| ["", "?period=2027-01"].map(|rest| format!("/reports/employee-usage/{id}{rest}"));
                asked.extend(people.iter().flat_map(about));
            }
            "/reports/employee-usage" => {
                for month in ["2026-12", "2027-01", "2027-02", "2027-03", "2027-04", "2027-05"] {
                    asked.push(format!("{path}?period={month}"));
                    asked.extend(
                        (0..6).map(|number| format!("{path}?period={month}&department={}", roster::department(number))),
                    );
                    asked.push(format!("{path}?period={month}&department=Autres"));
                }
            }
            "/reports/export-employee-usage" => {
                asked.extend(["2027-01", "2027-04", "2027-05"].map(|month| format!("{path}?period={month}")));
            }
            "/employees" => {
                let filters =
                    ["", "?status=ELIGIBLE", "?status=ENDED", "?department=D1", "?q=cam", "?perPage=100&page=2"];
                asked.extend(filters.map(|filter| format!("{path}{filter}")));
            }
            "/employees/{id}" => asked.extend(people.iter().map(|id| format!("/employees/{id}"))),
            "/companies/{id}" => asked.push(path.replace("{id}", company)),
            "/files/{id}/meta" => asked.extend(people.iter().map(|id| format!("/files/{id}/meta"))),
            "/companies/me"
            | "/auth/me"
            | "/notifications"
            | "/news"
            | "/users/me/preferences"
            | "/users/me/delete-request" => asked.push(path.to_owned()),
            // HR's own sign-ins and requests, with ids drawn when they are made.
            "/auth/sessions" | "/users/me/access-log" | "/users/me/export" => {}
            unknown => panic!("the attacker does not know what to ask of {unknown}"),
        }
    }
    asked
}

/// What HR may do to its people, whoever they are.
fn deeds(twin: &Twin) -> Vec<(Method, String, Value)> {
    let mut deeds = vec![(Method::POST, "/employees/resend-invitations".to_owned(), Value::Null)];
    for id in twin.employees.iter().flatten().step_by(9) {
        let path = format!("/employees/{id}");
        deeds.push((Method::POST, format!("{path}/resend-invitation"), Value::Null));
        deeds.push((Method::POST, format!("{path}/deactivate"), Value::Null));
        deeds.push((Method::POST, format!("{path}/activate"), Value::Null));
        deeds.push((Method::PATCH, path, json!({ "department": "Achats" })));
    }
    deeds
}

async fn told(twin: &Twin) -> Vec<Told> {
    let mut told = Vec::new();
    for path in questions(twin) {
        told.push(twin.api.get(HR, &path).await);
    }
    for (method, path, body) in deeds(twin) {
        told.push(twin.api.request(method, HR, &path, body).await);
    }
    // And once more after the deeds, and after another month has closed.
    twin.api.set_clock("2027-06-10T08:00:00Z");
    twin.api.forget_tokens();
    while twin.api.services.releases.close(100).unwrap() > 0 {}
    for path in questions(twin) {
        told.push(twin.api.get(HR, &path).await);
    }
    told
}

fn must_be_alike(one: &[Told], other: &[Told]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one.asked, other.asked);
        one.must_look_like(other);
    }
}

#[actix_web::test]
async fn twins_whose_people_changed_places_answer_alike() {
    let mut chance = Sequence::new(0x7817_5555);
    let mut published = 0;
    for seed in 1..=rounds(COMPANIES) as u64 {
        let company = Roster::random(&mut chance, false);
        let other = twins::dealt_anew(&company, &mut chance);
        let (one, two) = (Twin::play(&company, (seed, Aggregated)).await, Twin::play(&other, (seed, Aggregated)).await);
        let told_of_one = told(&one).await;
        must_be_alike(&told_of_one, &told(&two).await);
        published += usize::from(told_of_one.iter().any(|answer| answer.json["published"] == true));
        check_cells(&company, &told_of_one);
    }
    assert!(published > rounds(COMPANIES) / 3, "only {published} companies were told anything");
}

/// Where usage is reported by name, nothing tells who used it of those who did not agree, nor who agreed of
/// those who did not use it.
#[actix_web::test]
async fn twins_answer_alike_about_those_who_are_not_named() {
    let mut chance = Sequence::new(0x0A61_EE00);
    let mut named = 0;
    for seed in 1..=rounds(300) as u64 {
        let company = Roster::random(&mut chance, false);
        let other = twins::dealt_anew(&company, &mut chance);
        let undecided = twins::decided_otherwise(&company);
        let told_of_one = told(&Twin::play(&company, (seed, Named)).await).await;
        for twin in [other, undecided] {
            must_be_alike(&told_of_one, &told(&Twin::play(&twin, (seed, Named)).await).await);
        }
        let names = |answer: &Told| {
            let rows = answer.json["rows"].as_array();
            rows.is_some_and(|rows| rows.iter().any(|row| row["employeeName"].is_string()))
        };
        named += usize::from(told_of_one.iter().any(names));
    }
    assert!(named > 0, "nobody was named");
}

/// What the application tells is what the rules publish, month by month.
fn check_cells(company: &Roster, told: &[Told]) {
    for month in 0..MONTHS {
        let path = format!("GET /reports/employee-usage?period=2027-{:02}", month + 1);
        let answer = told.iter().find(|answer| answer.asked == path).unwrap();
        let rows = answer.expect(200)["rows"].as_array().unwrap();
        let figures = |row: &Value| {
            let number = |field: &str| row[field].as_u64().unwrap();
            let department = row["department"].as_str().map(str::to_owned);
            (department, number("users"), number("consultationCount"), number("totalDuration"))
        };
        let cells = roster::as_it_is(&company.people(month)).into_iter();
        let expected: BTreeSet<_> =
            cells.map(|cell| (cell.department, cell.users, cell.consultations, cell.minutes)).collect();
        assert_eq!(rows.iter().map(figures).collect::<BTreeSet<_>>(), expected, "{path}");
    }
}

#[actix_web::test]
async fn a_small_company_answers_as_if_nobody_had_come() {
    let mut chance = Sequence::new(0x0005_3A11);
    for seed in 1..=rounds(200) as u64 {
        let mut company = Roster::random(&mut chance, false);
        // All of them from the start: ids are drawn alike only until somebody uses the service.
        company.members.retain(|one| one.departments[0].is_some());
        company.members.truncate(9);
        let (one, two) = (
            Twin::play(&company, (seed, Aggregated)).await,
            Twin::play(&twins::unused(&company), (seed, Aggregated)).await,
        );
        let told_of_one = told(&one).await;
        assert!(told_of_one.iter().all(|answer| answer.json["published"] != true));
        must_be_alike(&told_of_one, &told(&two).await);
    }
}
