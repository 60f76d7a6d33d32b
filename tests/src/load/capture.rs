//! The statements of one request, as the database logged them, and what pgbench makes of them.
use std::{collections::BTreeMap, fs, path::PathBuf, thread::sleep, time::Duration};

use diesel::{PgConnection, connection::SimpleConnection};
use jiff::{SignedDuration, Timestamp};

use super::dataset::{Kind, id};

/// Has the database log every statement of the program with its values; for connections that are
/// opened from now on.
pub fn switch_on(owner: &mut PgConnection) {
    owner
        .batch_execute(
            "ALTER ROLE huntzen_app SET log_statement = 'all'; ALTER ROLE huntzen_app SET log_error_verbosity = 'default'",
        )
        .unwrap();
}

/// Ends that.
pub fn switch_off(owner: &mut PgConnection) {
    owner.batch_execute("ALTER ROLE huntzen_app RESET ALL").unwrap();
}

/// What one request says to the database.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    /// Each is one round trip; the text that begins a transaction holds several statements.
    pub round_trips: Vec<String>,
}

/// The log of the database.
#[derive(Debug)]
pub struct Log {
    /// Where it is.
    pub path: PathBuf,
}

impl Log {
    /// What the database is told while `request` runs, the workers' own transactions left out.
    ///
    /// # Panics
    /// When nothing was logged.
    pub fn during(&self, request: impl FnOnce()) -> Statements {
        let before = fs::read_to_string(&self.path).unwrap().len();
        request();
        // The log is written by another process, before it answers.
        sleep(Duration::from_millis(20));
        let text = fs::read_to_string(&self.path).unwrap();
        let statements = read(text.get(before..).unwrap());
        assert!(!statements.round_trips.is_empty(), "the database logged nothing");
        statements
    }
}

/// Reads `2027-01-04 09:00:00.000 UTC [123] LOG:  statement: …`, `LOG:  execute name: …` and the
/// `DETAIL:  parameters: …` of the latter.
fn read(log: &str) -> Statements {
    let mut of_process: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for line in log.lines() {
        let Some((process, message)) = line.split_once('[').and_then(|(_, rest)| rest.split_once("] ")) else {
            continue;
        };
        let statement = message.strip_prefix("LOG:  statement: ").or_else(|| {
            let (_, text) = message.strip_prefix("LOG:  execute ")?.split_once(": ")?;
            Some(text)
        });
        if let Some(statement) = statement {
            if statement.starts_with("BEGIN") {
                of_process.remove(process);
                if !statement.contains("'worker:") {
                    of_process.insert(process, Vec::new());
                }
            }
            if let Some(transaction) = of_process.get_mut(process) {
                transaction.push(statement.to_owned());
                if statement == "COMMIT" || statement == "ROLLBACK" {
                    found.extend(of_process.remove(process).unwrap());
                }
            }
        } else if let Some(values) = message.strip_prefix("DETAIL:  parameters: ")
            && let Some(last) = of_process.get_mut(process).and_then(|transaction| transaction.last_mut())
        {
            *last = with_values(last, values);
        }
    }
    Statements { round_trips: found }
}

/// Puts `$1 = 'a', $2 = NULL` into a statement, as literals.
fn with_values(statement: &str, values: &str) -> String {
    let mut literals = Vec::new();
    let mut rest = values;
    while let Some((_, value)) = rest.split_once(" = ") {
        let end = if value.starts_with('\'') { end_of_quoted(value) } else { value.find(',').unwrap_or(value.len()) };
        let (literal, after) = value.split_at(end);
        literals.push(literal.to_owned());
        rest = after;
    }
    let mut text = String::new();
    let mut rest = statement;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, later) = after.split_at(digits);
        let literal = number.parse().ok().and_then(|number: usize| literals.get(number.checked_sub(1)?));
        text.push_str(before);
        text.push_str(literal.map_or("NULL", String::as_str));
        if before.ends_with("unnest(") {
            // The one function that takes arrays of any type.
            text.push_str("::uuid[]");
        }
        rest = later;
    }
    text.push_str(rest);
    text
}

fn end_of_quoted(value: &str) -> usize {
    let mut inside = false;
    for (place, letter) in value.char_indices() {
        if letter == '\'' {
            inside = !inside;
        } else if !inside {
            return place;
        }
    }
    value.len()
}

impl Statements {
    /// The same for the people with another number.
    #[must_use]
    pub fn of(&self, captured: usize, number: usize) -> Self {
        let kinds = [
            Kind::EmployeeUser,
            Kind::Employee,
            Kind::PractitionerUser,
            Kind::Practitioner,
            Kind::EmployeeSession,
            Kind::PractitionerSession,
        ];
        let put = |text: &String| {
            let renamed = kinds.iter().fold(text.clone(), |text, kind| {
                text.replace(&id(*kind, captured).to_string(), &id(*kind, number).to_string())
            });
            let first = id(Kind::Ahead, captured * 100).to_string();
            renamed.replace(&first, &id(Kind::Ahead, number * 100).to_string())
        };
        Self { round_trips: self.round_trips.iter().map(put).collect() }
    }

    /// A script for pgbench: one transaction of it is one request. What begins a transaction goes
    /// in a pipeline, in one round trip as the program sends it.
    pub fn script(&self) -> String {
        let mut script = String::new();
        for trip in &self.round_trips {
            let several = trip.starts_with("BEGIN");
            if several {
                script.push_str("\\startpipeline\n");
            }
            for statement in trip.split("; ").filter(|_| several) {
                script.push_str(statement);
                script.push_str(";\n");
            }
            if several {
                script.push_str("\\endpipeline\n");
            } else {
                script.push_str(trip);
                script.push_str(";\n");
            }
        }
        script
    }

    /// The script of a request that writes: other ids and, an hour later each time, another time
    /// in every run. `made` are the ids that the request made, `ahead` is where its times begin.
    pub fn writing_script(&self, made: &[String], ahead: Timestamp, client: usize) -> String {
        let mut script = self.script();
        for (place, id) in made.iter().enumerate() {
            let fresh = format!("('{place:02}{client:06}-0000-4000-9000-' || lpad((:run)::text, 12, '0'))::uuid");
            script = script.replace(&format!("'{id}'"), &fresh);
        }
        let mut moved = String::new();
        let mut pieces = script.split('\'');
        // Every other piece is the inside of a literal; a doubled quote only makes an empty one.
        while let Some(outside) = pieces.next() {
            moved.push_str(outside);
            let Some(inside) = pieces.next() else { break };
            let instant =
                inside.strip_suffix("+00").and_then(|text| format!("{}Z", text.replace(' ', "T")).parse().ok());
            if instant.is_some_and(|instant: Timestamp| instant > ahead) {
                moved.push_str("(timestamptz '");
                moved.push_str(inside);
                moved.push_str("' + :run * interval '1 hour')");
            } else {
                moved.push('\'');
                moved.push_str(inside);
                moved.push('\'');
            }
        }
        format!("\\set run :run + 1\n{moved}")
    }

    /// The ids (version 4 or 7) that a writing request made: those that are not of the dataset.
    pub fn made_ids(&self) -> Vec<String> {
        let mut found = Vec::new();
        for trip in &self.round_trips {
            for piece in trip.split('\'') {
                let made = piece.len() == 36
                    && uuid::Uuid::parse_str(piece).is_ok()
                    && !piece.starts_with("00000000-")
                    && !found.iter().any(|known| known == piece);
                if made {
                    found.push(piece.to_owned());
                }
            }
        }
        found
    }
}

/// From when on a time counts as one of the booking, and not as the present.
pub fn ahead(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_hours(24)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2027-01-04 09:00:00.000 UTC [1] LOG:  statement: BEGIN; SET LOCAL huntzen.role = 'EMPLOYEE'
2027-01-04 09:00:00.000 UTC [2] LOG:  statement: BEGIN; SET LOCAL huntzen.role = 'worker:outbox'
2027-01-04 09:00:00.000 UTC [1] LOG:  execute __diesel_stmt_8: SELECT $2, $1, unnest($3), $10
2027-01-04 09:00:00.000 UTC [1] DETAIL:  parameters: $1 = 'it''s, $2', $2 = NULL, $3 = '{a}', $4 = '', $5 = '', \
$6 = '', $7 = '', $8 = '', $9 = '', $10 = '5'
2027-01-04 09:00:00.000 UTC [2] LOG:  statement: COMMIT
2027-01-04 09:00:00.000 UTC [1] LOG:  statement: COMMIT
";

    #[test]
    fn statements_are_read_with_their_values_and_without_the_workers() {
        assert_eq!(
            read(LOG).round_trips,
            [
                "BEGIN; SET LOCAL huntzen.role = 'EMPLOYEE'",
                "SELECT NULL, 'it''s, $2', unnest('{a}'::uuid[]), '5'",
                "COMMIT"
            ]
        );
    }

    #[test]
    fn what_begins_a_transaction_is_one_round_trip() {
        let script =
            Statements { round_trips: vec!["BEGIN; SET LOCAL a = 'b'".to_owned(), "COMMIT".to_owned()] }.script();
        assert_eq!(script, "\\startpipeline\nBEGIN;\nSET LOCAL a = 'b';\n\\endpipeline\nCOMMIT;\n");
    }

    #[test]
    fn times_ahead_and_made_ids_differ_in_every_run() {
        let made = "0198c5a2-7b1e-7c3d-9a4f-112233445566";
        let statements = Statements {
            round_trips: vec![format!("INSERT '{made}', '2027-03-08 09:00:00+00', '2027-01-04 09:00:00.5+00'")],
        };
        assert_eq!(statements.made_ids(), [made]);
        let script = statements.writing_script(&[made.to_owned()], "2027-01-05T09:00:00Z".parse().unwrap(), 3);
        assert_eq!(
            script,
            "\\set run :run + 1\nINSERT ('00000003-0000-4000-9000-' || lpad((:run)::text, 12, '0'))::uuid, \
             (timestamptz '2027-03-08 09:00:00+00' + :run * interval '1 hour'), '2027-01-04 09:00:00.5+00';\n"
        );
    }
}
