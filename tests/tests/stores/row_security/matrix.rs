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
        let columns = texts(owner, &format!(
            "SELECT quote_ident(column_name) AS text FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' AND is_generated = 'NEVER' ORDER BY ordinal_position"
        ));
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

/// What is open to whom; whatever is not here is closed to them.
const OPEN: &[(&str, &[(&str, &str)])] = &[
];

/// What is open to whom by the book.
pub fn expected() -> Matrix {
    let cells = OPEN.iter().flat_map(|(scope, cells)| {
        cells.iter().map(|(subject, commands)| (((*scope).to_owned(), *subject), (*commands).to_owned()))
    });
    cells.collect()
}

#[test]
fn everything_that_is_not_meant_to_be_open_is_closed() {
    let scene = Scene::new();
    let mut owner = scene.owner();
    owner.batch_execute("BEGIN").unwrap();
    let found = matrix(&mut owner, &scene, None);
    owner.batch_execute("ROLLBACK").unwrap();
    let expected = expected();
    let differences: Vec<_> = found
        .keys()
        .chain(expected.keys())
        .filter(|cell| found.get(cell) != expected.get(cell))
        .map(|cell| format!("{cell:?}: found {:?}, meant {:?}", found.get(cell), expected.get(cell)))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}
