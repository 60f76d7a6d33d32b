//! What the columns of a file of employees are, and what its lines say in them.
use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use huntzen_tenancy::{
    FieldError,
    employee::{ImportedLine, NewEmployee},
};

use super::records::{Malformed, Record, Records, separator};
use crate::http::problem::FieldProblem;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Email,
    FirstName,
    LastName,
    Department,
    Position,
}

const COLUMNS: [(Column, &str); 5] = [
    (Column::Email, "email"),
    (Column::FirstName, "firstName"),
    (Column::LastName, "lastName"),
    (Column::Department, "department"),
    (Column::Position, "position"),
];

/// A file of employees, of which the header was read; it goes through its lines as often as asked.
#[derive(Clone, Debug)]
pub struct EmployeeFile<'a> {
    columns: Vec<Column>,
    separator: u8,
    records: Records<'a>,
}

/// Where the reading of a file stands, to go on from on another thread.
#[derive(Clone, Debug)]
pub struct Place {
    columns: Vec<Column>,
    separator: u8,
    at: (usize, u32),
}

impl<'a> EmployeeFile<'a> {
    /// Reads the header: the names of the columns, in any order and in either case. Those of the
    /// department and the position may be missing.
    ///
    /// # Errors
    /// What is wrong with the header, by column; or with the file as a whole.
    pub fn open(file: &'a [u8]) -> Result<Self, Vec<FieldProblem>> {
        let refuse = |code: &'static str| vec![FieldProblem::new("file", code)];
        if file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF]) {
            return Err(refuse("unsupported_encoding"));
        }
        let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
        let separator = separator(file);
        let mut records = Records::of(file, separator);
        let header = records.next().ok_or_else(|| refuse("empty_file"))?;
        let names = header.fields.map_err(|malformed| refuse(code(malformed)))?;
        let columns = columns(&names)?;
        Ok(Self { columns, separator, records })
    }

    /// The same file, read on from a place.
    pub fn resumed(file: &'a [u8], Place { columns, separator, at }: Place) -> Self {
        Self { columns, separator, records: Records::resumed(file, separator, at) }
    }

    /// Where the reading stands.
    pub fn place(self) -> Place {
        Place { columns: self.columns, separator: self.separator, at: self.records.place() }
    }

    /// The lines behind the header that are left.
    pub fn lines(&mut self) -> impl Iterator<Item = ImportedLine> {
        let columns = &self.columns;
        self.records.by_ref().map(|record| line(columns, record))
    }

    /// Whether there are more lines left than `most`.
    pub fn has_more_than(&self, most: usize) -> bool {
        self.records.clone().nth(most).is_some()
    }
}

fn columns(names: &[Cow<'_, [u8]>]) -> Result<Vec<Column>, Vec<FieldProblem>> {
    let mut refused = Vec::new();
    let mut found = Vec::new();
    for name in names {
        let name = text(name).trim().to_owned();
        match COLUMNS.iter().find(|(_, known)| known.eq_ignore_ascii_case(&name)) {
            None => refused.push(FieldProblem::new(shown(&name), "unknown_column")),
            Some((column, known)) if found.contains(column) => {
                refused.push(FieldProblem::new(*known, "repeated_column"));
            }
            Some((column, _)) => found.push(*column),
        }
    }
    let needed = |column: &Column| matches!(column, Column::Email | Column::FirstName | Column::LastName);
    for (_, known) in COLUMNS.iter().filter(|(column, _)| needed(column) && !found.contains(column)) {
        refused.push(FieldProblem::new(*known, "missing_column"));
    }
    // A header of many unknown names, of which the records' bounds let few through, is told by its first.
    refused.truncate(20);
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// A column's name as an answer may repeat it.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(64).collect()
}

fn line(columns: &[Column], record: Record<'_>) -> ImportedLine {
    let person = match record.fields {
        Err(malformed) => Err(FieldError::new("", code(malformed))),
        Ok(fields) if fields.len() != columns.len() => Err(FieldError::new("", "wrong_number_of_columns")),
        Ok(fields) => Ok(person(columns, &fields)),
    };
    ImportedLine { line: record.line, person }
}

fn code(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::Unquoted => "malformed_quotes",
        Malformed::TooLong => "too_long",
        Malformed::TooManyFields => "wrong_number_of_columns",
    }
}

fn person(columns: &[Column], fields: &[Cow<'_, [u8]>]) -> NewEmployee {
    let mut person = NewEmployee::default();
    for (column, field) in columns.iter().zip(fields) {
        let text = text(field).into_owned();
        match column {
            Column::Email => person.email = text,
            Column::FirstName => person.first_name = text,
            Column::LastName => person.last_name = text,
            Column::Department => person.department = Some(text),
            Column::Position => person.position = Some(text),
        }
    }
    person
}

/// A field's text: UTF-8, and where it is not, Windows-1252. No name in either reads as the other: what
/// is valid UTF-8 would be a row of signs in Windows-1252, such as `Ã©`.
fn text(field: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(field).0,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn people(file: &[u8]) -> Vec<ImportedLine> {
        EmployeeFile::open(file).unwrap().lines().collect()
    }

    fn refusals(file: &[u8]) -> Vec<(String, String)> {
        let refused = EmployeeFile::open(file).unwrap_err();
        refused.into_iter().map(|problem| (problem.field.into_owned(), problem.code.into_owned())).collect()
    }

    /// A file, and what is told of its header.
    type Case<'a> = (&'a [u8], &'a [(&'a str, &'a str)]);

    fn lea() -> NewEmployee {
        NewEmployee {
            email: "lea@a.example".to_owned(),
            first_name: "Léa".to_owned(),
            last_name: "Œuvré".to_owned(),
            department: Some("R&D".to_owned()),
            position: None,
        }
    }

    #[test]
    fn columns_stand_in_any_order_and_encoding() {
        let plain = "lastName;EMAIL; firstname ;department\nŒuvré;lea@a.example;Léa;R&D\n";
        let (windows, _, _) = WINDOWS_1252.encode(plain);
        let marked = [b"\xEF\xBB\xBF".as_slice(), plain.as_bytes()].concat();
        for file in [plain.as_bytes(), &windows, &marked, plain.replace(';', ",").as_bytes()] {
            assert_eq!(people(file), [ImportedLine { line: 2, person: Ok(lea()) }]);
        }
    }

    #[test]
    fn a_file_may_change_its_encoding_on_the_way() {
        let mut file = "email,firstName,lastName\na@a.example,Zoé,Été\n".as_bytes().to_vec();
        file.extend_from_slice(b"b@a.example,Zo\xE9,\xC9t\xE9\n");
        let names: Vec<(String, String)> = people(&file)
            .into_iter()
            .map(|line| line.person.unwrap())
            .map(|one| (one.first_name, one.last_name))
            .collect();
        assert_eq!(names, vec![("Zoé".to_owned(), "Été".to_owned()); 2]);
    }

    #[test]
    fn a_header_is_refused_by_its_columns() {
        let cases: [Case<'_>; 8] = [
            (b"email,firstName", &[("lastName", "missing_column")]),
            (b"email,email,firstName,lastName", &[("email", "repeated_column")]),
            (b"email,firstName,lastName,salary", &[("salary", "unknown_column")]),
            (b"email,firstName,lastName,", &[("", "unknown_column")]),
            (b"email,\"firstName,lastName", &[("file", "malformed_quotes")]),
            (b"", &[("file", "empty_file")]),
            (b"\xEF\xBB\xBF\r\n", &[("file", "empty_file")]),
            (b"\xFF\xFEe\0m\0", &[("file", "unsupported_encoding")]),
        ];
        for (file, wanted) in cases {
            let told = refusals(file);
            let told: Vec<(&str, &str)> = told.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
            assert_eq!(told, wanted, "{}", String::from_utf8_lossy(file));
        }
        assert_eq!(refusals("x,".repeat(60).as_bytes()).len(), 20);
        let wide = refusals("x,".repeat(5 * 1024 * 1024).as_bytes());
        assert_eq!(wide, [("file".to_owned(), "wrong_number_of_columns".to_owned())], "no name is looked at");
        let long = refusals("x".repeat(10 * 1024 * 1024).as_bytes());
        assert_eq!(long, [("file".to_owned(), "too_long".to_owned())]);
    }

    #[test]
    fn a_file_is_read_on_from_a_place() {
        let file = b"email;firstName;lastName\na@a.example;A;A\nb@a.example;B;B\nc@a.example;C;C\n";
        let mut place = EmployeeFile::open(file).unwrap().place();
        let mut found = Vec::new();
        loop {
            let mut opened = EmployeeFile::resumed(file, place);
            let Some(line) = opened.lines().next() else { break };
            found.push(line);
            place = opened.place();
        }
        assert_eq!(found, people(file));
    }

    #[test]
    fn lines_that_do_not_fit_are_told_apart() {
        let file = b"email,firstName,lastName\na@a.example,A\n\"b\"x,B,B\nc@a.example,C,C\n";
        let codes: Vec<_> =
            people(file).into_iter().map(|line| (line.line, line.person.err().map(|one| one.code))).collect();
        assert_eq!(codes, [(2, Some("wrong_number_of_columns")), (3, Some("malformed_quotes")), (4, None)]);
    }

    #[test]
    fn lines_are_counted_before_any_is_read() {
        let file = EmployeeFile::open(b"email,firstName,lastName\n1\n\n2\n3\n").unwrap();
        assert_eq!([2, 3].map(|most| file.has_more_than(most)), [true, false]);
    }
}
