//! An import of thousands of people, cut by the death of the server and sent again.
use std::{
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use huntzen_tests::{
    scale::{is_full, rounds},
    server::{DataFolder, Server},
};
use serde_json::{Value, json};

use crate::crowd::Dice;

/// People of the file who are to be listed: with the lines that list nobody as many as a file may have,
/// or fewer in a short run.
fn people() -> u64 {
    if is_full() { 10_000 - 3 } else { 3_000 - 3 }
}

const HR: &str = "rh@techcorp.example";

#[derive(diesel::QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// What must hold of everybody whom the file lists, whenever it was cut.
const RULES: &str = "
WITH people AS (SELECT * FROM employees WHERE email LIKE 'import%@techcorp.example'),
accounts AS (SELECT * FROM users WHERE email LIKE 'import%@techcorp.example')
SELECT 'an account without its entry, or the reverse' AS what, count(*) AS found
FROM people p FULL JOIN accounts a ON a.id = p.user_id AND a.email = p.email WHERE p.id IS NULL OR a.id IS NULL
UNION ALL
SELECT 'an address is listed twice', count(*) - count(DISTINCT email) FROM people
UNION ALL
SELECT 'somebody has not exactly one invitation', count(*) FROM people p
WHERE (SELECT count(*) FROM invitations i WHERE i.user_id = p.user_id) <> 1
UNION ALL
SELECT 'somebody has not exactly one letter', count(*) FROM people p
WHERE (SELECT count(*) FROM outbox o WHERE o.recipient_user_id = p.user_id AND o.letter = 'INVITATION') <> 1
UNION ALL
SELECT 'somebody has not exactly one period of employment', count(*) FROM people p
WHERE (SELECT count(*) FROM employment_periods e WHERE e.employee_id = p.id) <> 1
UNION ALL
SELECT 'somebody has not exactly one entry in the trail', count(*) FROM people p
WHERE (SELECT count(*) FROM audit_entries a WHERE a.resource_id = p.id AND a.action = 'CREATE') <> 1
   OR (SELECT count(*) FROM audit_entries a WHERE a.resource_id = p.user_id AND a.action = 'INVITE') <> 1
";

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn listed(owner: &mut PgConnection) -> u64 {
    let query = "SELECT count(*) AS count FROM employees WHERE email LIKE 'import%@techcorp.example'";
    u64::try_from(sql_query(query).get_result::<Count>(owner).unwrap().count).unwrap()
}

/// The people, and three lines that list nobody.
fn file() -> String {
    let people: Vec<String> = (0..people())
        .map(|number| format!("import{number}@techcorp.example,Camille,Petit {number},Ventes\n"))
        .collect();
    let file = format!("email,firstName,lastName,department\nnonsense,A,B,C\n{}", people.concat());
    file + "import7@techcorp.example,A,B,C\nsomebody@elsewhere.example,A,B,C\n"
}

fn send(server: &Server<'_>, token: &str, path: &str) -> std::io::Result<Value> {
    let answer = server.client().with_token(token).send_file(path, "text/csv", file().as_bytes())?;
    assert_eq!(answer.status, 200, "{}", answer.json());
    Ok(answer.json())
}

fn report(created: u64, skipped: u64) -> Value {
    let error = |line: u64, code: &str, message: &str| json!({ "line": line, "field": "email", "code": code, "message": message });
    json!({
        "created": created, "skipped": skipped, "failed": 3,
        "errors": [
            error(2, "invalid_email", "Cette adresse électronique est incorrecte."),
            error(people() + 3, "repeated_email", "Une ligne précédente contient la même adresse."),
            error(people() + 4, "domain_not_allowed", "Le domaine de cette adresse n'est pas celui de l'entreprise."),
        ],
    })
}

#[test]
fn an_import_that_was_cut_is_sent_again_and_lists_everybody_once() {
    let mut dice = Dice::new(12);
    for _ in 0..rounds(20) {
        let (folder, people) = (DataFolder::seeded(), people());
        let server = folder.serve();
        let token = server.sign_in(HR);
        let mut owner = folder.owner();
        assert_eq!(listed(&mut owner), 0);
        let least = 500 * u64::try_from(1 + dice.below(4)).unwrap() - 1;
        scope(|scope| {
            let sending = scope.spawn(|| send(&server, &token, "/employees/import"));
            let begun = Instant::now();
            while listed(&mut owner) < least {
                assert!(begun.elapsed() < Duration::from_mins(2), "the import stands still: {}", server.log());
                assert!(!sending.is_finished(), "the import was over before it was cut");
                sleep(Duration::from_millis(1));
            }
            huntzen_tests::server::kill_at_once(i32::try_from(server.process()).unwrap());
            sending.join().unwrap().unwrap_err();
        });
        drop(owner);
        drop(server);

        let server = folder.serve();
        let mut owner = folder.owner();
        let before = listed(&mut owner);
        assert!((least..people).contains(&before), "{before} were kept");
        // The first part has a line that lists nobody.
        assert_eq!((before + 1) % 500, 0, "a part was kept by halves: {before}");
        let token = server.sign_in(HR);
        let rehearsed = send(&server, &token, "/employees/import?dryRun=true").unwrap();
        assert_eq!(rehearsed, report(people - before, before));
        assert_eq!(listed(&mut owner), before, "a rehearsal wrote");
        assert_eq!(send(&server, &token, "/employees/import").unwrap(), report(people - before, before));
        assert_eq!(send(&server, &token, "/employees/import").unwrap(), report(0, people));
        assert_eq!(listed(&mut owner), people);
        let broken: Vec<Finding> = sql_query(RULES).load(&mut owner).unwrap();
        let broken: Vec<_> = broken.iter().filter(|rule| rule.found > 0).map(|rule| (&rule.what, rule.found)).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }
}
