//! Tables × commands × scopes: what is open to whom, exactly.
use std::collections::{BTreeMap, BTreeSet};

use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};

use super::{
    scene::{Outcome, Scene, Subject, attempt, enter, leave, outcome},
    texts,
};

/// The commands that are open, as initials in this order.
const COMMANDS: [(char, Try); 4] = [('S', select), ('I', insert), ('U', update), ('D', delete)];

type Try = fn(&mut PgConnection, &Facts) -> bool;

/// What is open: initials of commands by scope and subject. What is closed is not in it.
pub type Matrix = BTreeMap<(String, &'static str), String>;

/// A subject with what its owner knows of it.
struct Facts {
    subject: Subject,
    places: BTreeSet<String>,
    rows: Vec<String>,
    columns: String,
}

/// Tries every command on the subjects of one table, or of all, in every scope; undoes each. It
/// takes place within a transaction of the owner's.
pub fn matrix(owner: &mut PgConnection, scene: &Scene, table: Option<&str>) -> Matrix {
    let subjects = scene.subjects().into_iter().filter(|subject| table.is_none_or(|table| subject.table == table));
    let facts: Vec<Facts> = subjects.map(|subject| Facts::find(owner, subject)).collect();
    let mut open = Matrix::new();
    for (name, scope) in scene.scopes() {
        for about in &facts {
            let mut commands = String::new();
            for (initial, command) in COMMANDS {
                enter(owner, scope.as_ref());
                if command(owner, about) {
                    commands.push(initial);
                }
                leave(owner);
            }
            if !commands.is_empty() {
                open.insert((name.clone(), about.subject.name), commands);
            }
        }
    }
    open
}

impl Facts {
    fn find(owner: &mut PgConnection, subject: Subject) -> Self {
        let Subject { table, rows, .. } = &subject;
        let columns = texts(
            owner,
            &format!(
                "SELECT quote_ident(column_name) AS text FROM information_schema.columns
             WHERE format('%I.%I', table_schema, table_name)::regclass = '{table}'::regclass AND is_generated = 'NEVER'
               AND (has_column_privilege('huntzen_app', '{table}', column_name, 'INSERT')
                    OR NOT has_any_column_privilege('huntzen_app', '{table}', 'INSERT'))
             ORDER BY ordinal_position"
            ),
        );
        Self {
            places: places(owner, &subject),
            rows: texts(owner, &format!("SELECT to_jsonb(t)::text AS text FROM {table} t WHERE {rows}")),
            columns: columns.join(", "),
            subject,
        }
    }
}

/// Where the subject's rows lie: a row that is changed lies elsewhere.
fn places(owner: &mut PgConnection, subject: &Subject) -> BTreeSet<String> {
    let Subject { table, rows, .. } = subject;
    texts(owner, &format!("SELECT ctid::text AS text FROM {table} WHERE {rows}")).into_iter().collect()
}

fn select(connection: &mut PgConnection, about: &Facts) -> bool {
    let Subject { table, rows, .. } = &about.subject;
    match attempt(connection, &format!("SELECT count(*) AS count FROM {table} WHERE {rows}")) {
        Outcome::Rows(seen) => seen > 0,
        Outcome::Refused => false,
        Outcome::Broken => panic!("{table} could not be read"),
    }
}

/// Adds the very row that is there already: only what comes before every constraint can refuse
/// it as a matter of rights.
fn insert(connection: &mut PgConnection, about: &Facts) -> bool {
    let (table, columns) = (about.subject.table, &about.columns);
    let statement = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"
    );
    about.rows.iter().any(|row| {
        connection.batch_execute("SAVEPOINT adding").unwrap();
        let done = sql_query(&statement).bind::<Text, _>(row).execute(connection);
        connection.batch_execute("ROLLBACK TO SAVEPOINT adding").unwrap();
        outcome(done.map(|rows| i64::try_from(rows).unwrap())) != Outcome::Refused
    })
}

fn update(connection: &mut PgConnection, about: &Facts) -> bool {
    let Subject { table, touch, .. } = &about.subject;
    let done = attempt(connection, &format!("UPDATE {table} SET {touch}"));
    is_touched(connection, about, done)
}

fn delete(connection: &mut PgConnection, about: &Facts) -> bool {
    let done = attempt(connection, &format!("DELETE FROM {}", about.subject.table));
    is_touched(connection, about, done)
}

fn is_touched(connection: &mut PgConnection, about: &Facts, done: Outcome) -> bool {
    match done {
        Outcome::Refused | Outcome::Rows(0) => false,
        Outcome::Rows(_) => {
            connection.batch_execute("RESET ROLE").unwrap();
            !about.places.is_subset(&places(connection, &about.subject))
        }
        Outcome::Broken => panic!("{} could not be changed", about.subject.table),
    }
}

/// What is open within any scope: the trail takes entries, letters are sealed, and slots, profiles and reviews are
/// everybody's to read.
const OPEN_TO_ALL: &[(&str, &str)] = &[
    ("audit entry", "I"),
    ("platform's key", "SI"),
    ("practitioner", "S"),
    ("rule", "S"),
    ("exception", "S"),
    ("busy time", "S"),
    ("published review", "S"),
    ("published article", "S"),
    ("its tag", "S"),
    ("public picture", "S"),
];

/// What is open to people and jobs: letters can be written, each with its key.
const OPEN_TO_KNOWN: &[(&str, &str)] = &[("letter", "I"), ("letter's key", "I")];

/// The scopes of those who are not known yet.
const UNKNOWN: [&str; 3] = ["anonymous", "sign-in", "token"];

/// What else is open to whom; whatever is not here is closed to them.
const OPEN: &[(&str, &[(&str, &str)])] = &[
    ("sign-in", &[("employee's account", "S")]),
    (
        "Marc",
        &[
            ("company", "S"),
            ("domain", "S"),
            ("reporting", "S"),
            ("preferences", "SIU"),
            ("cell", "S"),
            ("named person", "S"),
            ("employee's account", "SIU"),
            ("employee", "SIU"),
            ("second factor", "SIUD"),
            ("backup code", "SIUD"),
            ("session", "SIU"),
            ("refresh token", "SIU"),
            ("mailed token", "SIU"),
            ("employee's invitation", "SIUD"),
            ("notification", "SIUD"),
            ("hidden practitioner", "S"),
            ("consultation", "SIU"),
            ("event", "SI"),
            ("message", "S"),
            ("pending review", "I"),
            ("review's key", "I"),
            ("deletion request", "SIU"),
            ("journal entry", "SIUD"),
            ("person's key", "SI"),
            ("files' key", "SI"),
            ("consultation's key", "SI"),
            ("document", "SID"),
            ("attachment", "SID"),
            ("picture", "SID"),
            ("upload", "SID"),
            ("request", "SIUD"),
        ],
    ),
    (
        "Claire, of his company",
        &[
            ("company", "S"),
            ("domain", "S"),
            ("reporting", "S"),
            ("cell", "S"),
            ("hidden practitioner", "S"),
            ("picture", "S"),
            ("review's key", "I"),
        ],
    ),
    ("Léa, of another", &[("hidden practitioner", "S"), ("review's key", "I"), ("picture", "S")]),
    ("another HR", &[("picture", "S")]),
    ("Paul, another practitioner", &[("picture", "S")]),
    (
        "his HR",
        &[
            ("company", "SU"),
            ("domain", "S"),
            ("reporting", "S"),
            ("cell", "S"),
            ("named person", "S"),
            ("employee's account", "I"),
            ("HR's account", "SIU"),
            ("employee", "SIU"),
            ("employee's invitation", "SIUD"),
            ("news", "SIUD"),
            ("picture", "S"),
        ],
    ),
    (
        "Sophie",
        &[
            ("practitioner's account", "SU"),
            ("practitioner's invitation", "SIUD"),
            ("practitioner", "SIU"),
            ("rule", "SIUD"),
            ("exception", "SID"),
            ("consultation", "SU"),
            ("event", "SI"),
            ("message", "S"),
            ("practitioner's days", "S"),
            ("statement", "S"),
            ("note", "SIUD"),
            ("note's version", "SI"),
            ("consultation's key", "SI"),
            ("notes' key", "SI"),
            ("attachment", "S"),
            ("certificate", "SID"),
            ("picture", "S"),
            ("public picture", "SID"),
        ],
    ),
    (
        "hidden practitioner",
        &[("picture", "S"), ("hidden practitioner", "SIU"), ("hidden rule", "SIUD"), ("hidden exception", "SID")],
    ),
    (
        "administrator",
        &[
            ("company", "SIU"),
            ("domain", "SID"),
            ("reporting", "SID"),
            ("cell", "S"),
            ("invoice", "S"),
            ("HR's account", "SIU"),
            ("practitioner's account", "SI"),
            ("administrator's account", "SU"),
            ("employee's invitation", "SIUD"),
            ("practitioner's invitation", "SIUD"),
            ("administrator's invitation", "SIUD"),
            ("practitioner", "SIU"),
            ("hidden practitioner", "SIU"),
            ("published review", "SU"),
            ("pending review", "SU"),
            ("published article", "SIUD"),
            ("draft", "SIUD"),
            ("draft's tag", "S"),
            ("review's key", "S"),
            ("practitioner's days", "S"),
            ("certificate", "S"),
            ("picture", "S"),
        ],
    ),
    (
        "operator",
        &[
            ("employee's account", "SU"),
            ("HR's account", "SU"),
            ("practitioner's account", "SU"),
            ("administrator's account", "SIU"),
            ("operator's account", "SU"),
            ("practitioner's invitation", "SIUD"),
            ("administrator's invitation", "SIUD"),
            ("picture", "S"),
        ],
    ),
    (
        "job outbox",
        &[
            ("employee's account", "S"),
            ("HR's account", "S"),
            ("practitioner's account", "S"),
            ("administrator's account", "S"),
            ("operator's account", "S"),
            ("preferences", "S"),
            ("letter", "SIU"),
            ("letter's key", "SI"),
        ],
    ),
    ("job reminders", &[("consultation", "S"), ("reminder", "SI")]),
    ("job end-forgotten", &[("consultation", "SU"), ("event", "I")]),
    ("job eligibility", &[("company", "S"), ("employee", "S"), ("consultation", "SU"), ("event", "I")]),
    (
        "job audit",
        &[
            ("employment", "S"),
            ("audit entry", "SI"),
            ("audit link", "SI"),
            ("entry that waits", "SD"),
            ("employee's days", "S"),
            ("company's days", "S"),
        ],
    ),
    ("job chat", &[("conversation", "SU"), ("message", "SI"), ("consultation's key", "SI"), ("request", "SI")]),
    (
        "job keys",
        &[
            ("person's key", "SU"),
            ("files' key", "SU"),
            ("consultation's key", "SU"),
            ("notes' key", "SU"),
            ("platform's key", "SIU"),
            ("letter's key", "SIU"),
            ("review's key", "SU"),
        ],
    ),
    ("job files", &[("upload", "SD"), ("removal", "SUD")]),
    ("job erasure", &[("deletion request", "S"), ("consultation", "SU"), ("event", "I")]),
    ("job unread", &[("conversation", "SU")]),
    (
        "job closing",
        &[
            ("reporting", "S"),
            ("release", "SI"),
            ("cell", "I"),
            ("named person", "I"),
            ("invoice", "I"),
            ("statement", "SI"),
        ],
    ),
    ("job reconcile", &[("reconciliation", "SIU")]),
    ("job retention", &[("request", "SD")]),
    ("job backup", &[("backup", "SI")]),
    ("job live", &[("notification", "S")]),
    ("job bootstrap", &[("operator's account", "SI")]),
];

/// What is open to whom by the book.
pub fn expected(scene: &Scene) -> Matrix {
    let mut open = Matrix::new();
    for (scope, _) in scene.scopes().into_iter().filter(|(_, scope)| scope.is_some()) {
        let known = if UNKNOWN.contains(&scope.as_str()) { &[] } else { OPEN_TO_KNOWN };
        for (subject, commands) in OPEN_TO_ALL.iter().chain(known).copied() {
            open.insert((scope.clone(), subject), commands.to_owned());
        }
    }
    for (scope, cells) in OPEN {
        for (subject, commands) in *cells {
            open.insert(((*scope).to_owned(), *subject), (*commands).to_owned());
        }
    }
    open
}

#[test]
fn everything_that_is_not_meant_to_be_open_is_closed() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    owner.batch_execute("BEGIN").unwrap();
    let found = matrix(&mut owner, &scene, None);
    owner.batch_execute("ROLLBACK").unwrap();
    let expected = expected(&scene);
    let differences: Vec<_> = found
        .keys()
        .chain(expected.keys())
        .filter(|cell| found.get(cell) != expected.get(cell))
        .map(|cell| format!("{cell:?}: found {:?}, meant {:?}", found.get(cell), expected.get(cell)))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}
