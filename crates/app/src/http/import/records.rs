//! Takes a file of separated values (RFC 4180) apart, record by record, without copying it: what a
//! record is made of stays in the file's own bytes.
use std::borrow::Cow;

/// One record: the fields as they are in the file, without their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The physical line on which it begins, from 1.
    pub line: u32,
    /// Its fields.
    pub fields: Result<Vec<Cow<'a, [u8]>>, Malformed>,
}

/// The most fields of a record; no file of ours has a tenth of them.
const MOST_FIELDS: usize = 64;
/// The most bytes of a record, its end apart.
const LONGEST: usize = 16 * 1024;

/// Why a record cannot be read. It ends with its first line: what stands after that is read anew, so
/// that one forgotten quote takes no other line with it. Since nothing looks further ahead than a record
/// may be long, so many records cost no more than so many times that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A quote is not closed within the length of a record, or something follows where it is.
    Unquoted,
    /// It has more bytes than a record may have.
    TooLong,
    /// It has more fields than a record may have.
    TooManyFields,
}

/// The records of a file. Lines end with LF, CRLF or CR; those without any text are passed over.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    /// How much is left of the file where the present record has to be over.
    floor: usize,
    separator: u8,
    line: u32,
}

/// How a field ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Separator,
    Line,
}

impl<'a> Records<'a> {
    /// The records of `file`, whose encoding is one in which ASCII stands for itself.
    pub fn of(file: &'a [u8], separator: u8) -> Self {
        Self { rest: file, floor: 0, separator, line: 1 }
    }

    /// Where the reading stands: bytes left and the line on which they begin.
    pub fn place(&self) -> (usize, u32) {
        (self.rest.len(), self.line)
    }

    /// Those of `file` that are left at a place.
    pub fn resumed(file: &'a [u8], separator: u8, (left, line): (usize, u32)) -> Self {
        let rest = file.get(file.len().saturating_sub(left)..).unwrap_or_default();
        Self { rest, floor: 0, separator, line }
    }

    /// The next record, empty ones included.
    fn record(&mut self) -> Option<Record<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, start) = (self.line, self.rest);
        self.floor = start.len().saturating_sub(LONGEST);
        let fields = self.fields();
        if fields.is_err() {
            let first = start.iter().position(|byte| is_break(*byte)).unwrap_or(start.len());
            self.rest = start.get(first..).unwrap_or_default();
            self.line = line;
            self.end_line();
        }
        Some(Record { line, fields })
    }

    fn fields(&mut self) -> Result<Vec<Cow<'a, [u8]>>, Malformed> {
        let mut fields = Vec::new();
        loop {
            let (field, end) = self.field()?;
            if fields.len() == MOST_FIELDS {
                return Err(Malformed::TooManyFields);
            }
            fields.push(field);
            if end == End::Line {
                return Ok(fields);
            }
        }
    }

    fn field(&mut self) -> Result<(Cow<'a, [u8]>, End), Malformed> {
        let field = if let Some(quoted) = self.rest.strip_prefix(b"\"") {
            self.quoted(quoted)?
        } else {
            let ends = |byte: &u8| *byte == self.separator || is_break(*byte);
            let near = within(self.rest, self.floor);
            let length = match near.iter().position(ends) {
                Some(length) => length,
                None if self.rest.get(near.len()).is_none_or(|byte| is_break(*byte)) => near.len(),
                None => return Err(Malformed::TooLong),
            };
            Cow::Borrowed(self.take(length))
        };
        match self.rest.first() {
            Some(byte) if *byte == self.separator && self.rest.len() <= self.floor => Err(Malformed::TooLong),
            Some(byte) if *byte == self.separator => {
                self.take(1);
                // A separator at the very end of the file stands before an empty field.
                Ok((field, End::Separator))
            }
            None => Ok((field, End::Line)),
            Some(byte) if is_break(*byte) => {
                self.end_line();
                Ok((field, End::Line))
            }
            Some(_) => Err(Malformed::Unquoted),
        }
    }

    /// What stands between quotes, from behind the first one on; two quotes are one.
    fn quoted(&mut self, mut rest: &'a [u8]) -> Result<Cow<'a, [u8]>, Malformed> {
        let mut text = Cow::Borrowed(&[][..]);
        loop {
            let closed = within(rest, self.floor).iter().position(|byte| *byte == b'"');
            let (part, after) = closed.and_then(|at| rest.split_at_checked(at)).ok_or(Malformed::Unquoted)?;
            self.line = self.line.saturating_add(breaks(part));
            let after = after.get(1..).unwrap_or_default();
            if text.is_empty() {
                text = Cow::Borrowed(part);
            } else {
                text.to_mut().extend_from_slice(part);
            }
            let Some(goes_on) = after.strip_prefix(b"\"") else {
                self.rest = after;
                return Ok(text);
            };
            text.to_mut().push(b'"');
            rest = goes_on;
        }
    }

    /// Takes so many bytes.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// Passes the end of a line.
    fn end_line(&mut self) {
        let length = match self.rest {
            [b'\r', b'\n', ..] => 2,
            [] => return,
            _ => 1,
        };
        self.take(length);
        self.line = self.line.saturating_add(1);
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            let record = self.record()?;
            let says_nothing = |fields: &Vec<Cow<'_, [u8]>>| fields.iter().all(|field| field.trim_ascii().is_empty());
            if !record.fields.as_ref().is_ok_and(says_nothing) {
                return Some(record);
            }
        }
    }
}

/// Which separator the first line of `file` uses: a semicolon, as spreadsheets write where the comma
/// is the decimal sign, when it has more of them than commas.
pub fn separator(file: &[u8]) -> u8 {
    let first = file.split(|byte| is_break(*byte)).find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let parts = |wanted: u8| first.split(|byte| *byte == wanted).count();
    if parts(b';') > parts(b',') { b';' } else { b',' }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What of `rest` stands before the last `floor` bytes of the file.
fn within(rest: &[u8], floor: usize) -> &[u8] {
    rest.get(..rest.len().saturating_sub(floor)).unwrap_or_default()
}

/// How many lines end within `text`.
fn breaks(text: &[u8]) -> u32 {
    let ends = text.iter().scan(0, |before, byte| {
        let ends = *byte == b'\r' || (*byte == b'\n' && *before != b'\r');
        *before = *byte;
        Some(ends)
    });
    u32::try_from(ends.filter(|ends| *ends).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    /// Lines and fields as texts; none for a record that is not well quoted.
    fn read(file: &str, separator: u8) -> Vec<(u32, Option<Vec<String>>)> {
        let text = |field: &Cow<'_, [u8]>| String::from_utf8(field.to_vec()).unwrap();
        let shown =
            |record: Record<'_>| (record.line, record.fields.ok().map(|fields| fields.iter().map(text).collect()));
        Records::of(file.as_bytes(), separator).map(shown).collect()
    }

    fn fields(line: u32, texts: &[&str]) -> (u32, Option<Vec<String>>) {
        (line, Some(texts.iter().map(|text| (*text).to_owned()).collect()))
    }

    #[test]
    fn lines_are_counted_where_records_begin() {
        let file = "a,b\r\n1,\"two\r\nlines\"\n\n \n,\n3,\"say \"\"4\"\"\"\r5,6";
        let wanted = [
            fields(1, &["a", "b"]),
            fields(2, &["1", "two\r\nlines"]),
            fields(7, &["3", "say \"4\""]),
            fields(8, &["5", "6"]),
        ];
        assert_eq!(read(file, b','), wanted);
    }

    #[test]
    fn empty_fields_are_fields() {
        assert_eq!(read(";a;\n\"\";b;", b';'), [fields(1, &["", "a", ""]), fields(2, &["", "b", ""])]);
        assert_eq!(read("", b','), []);
    }

    #[test]
    fn quotes_within_a_bare_field_are_text() {
        assert_eq!(read("5\" nails,O\"Neil\n", b','), [fields(1, &["5\" nails", "O\"Neil"])]);
    }

    #[test]
    fn a_forgotten_quote_takes_its_own_line_alone() {
        let file = "1,\"open\n2,b\n3,\"c\"\n4,\"d\"x\n5,\"never closed\n6,f";
        let wanted =
            [(1, None), fields(2, &["2", "b"]), fields(3, &["3", "c"]), (4, None), (5, None), fields(6, &["6", "f"])];
        assert_eq!(read(file, b','), wanted);
    }

    /// What became of each record of `file`.
    fn outcomes(file: &[u8]) -> Vec<(u32, Result<usize, Malformed>)> {
        Records::of(file, b',').map(|record| (record.line, record.fields.map(|fields| fields.len()))).collect()
    }

    #[test]
    fn a_record_is_no_longer_than_it_may_be_and_costs_its_first_line_alone() {
        let fields = |count: usize| format!("{}x\n", "x,".repeat(count - 1));
        let bare = |length: usize| format!("{}\n", "x".repeat(length));
        let quoted = |length: usize| format!("\"{}\"\n", "x".repeat(length - 2));
        let broken = |length: usize| format!("\"x\n{}\"\n", "y".repeat(length - 4));
        let cases = [
            (fields(MOST_FIELDS), vec![(1, Ok(MOST_FIELDS))]),
            (fields(MOST_FIELDS + 1), vec![(1, Err(Malformed::TooManyFields))]),
            (bare(LONGEST), vec![(1, Ok(1))]),
            (bare(LONGEST + 1), vec![(1, Err(Malformed::TooLong))]),
            (format!("{},\n", "x".repeat(LONGEST - 1)), vec![(1, Ok(2))]),
            (format!("{},\n", "x".repeat(LONGEST)), vec![(1, Err(Malformed::TooLong))]),
            (format!("\"{}\",\n", "x".repeat(LONGEST - 2)), vec![(1, Err(Malformed::TooLong))]),
            (quoted(LONGEST), vec![(1, Ok(1))]),
            (quoted(LONGEST + 2), vec![(1, Err(Malformed::Unquoted))]),
            (broken(LONGEST), vec![(1, Ok(1))]),
            // What stands after its first line is read anew, and is too long by itself.
            (broken(LONGEST + 9), vec![(1, Err(Malformed::Unquoted)), (2, Err(Malformed::TooLong))]),
        ];
        for (number, (first, mut wanted)) in cases.into_iter().enumerate() {
            let next = u32::try_from(first.matches('\n').count()).unwrap() + 1;
            // The longest may also end with the file.
            assert_eq!(outcomes(first.trim_end().as_bytes()), wanted, "{number} at the end");
            wanted.push((next, Ok(2)));
            assert_eq!(outcomes(format!("{first}1,2\n").as_bytes()), wanted, "{number}");
        }
    }

    #[test]
    fn no_record_looks_further_than_a_record_may_be_long() {
        // Each line opens a quote that its neighbour closes, to the end of the file and for ever anew.
        let file = "x\",\"\n".repeat(2 * 1024 * 1024);
        let mut records = Records::of(file.as_bytes(), b',');
        for line in 1..=10_000 {
            let before = records.place().0;
            let record = records.next().unwrap();
            assert_eq!((record.line, record.fields), (line, Err(Malformed::TooManyFields)));
            assert_eq!((before - records.place().0, records.floor), (5, before - LONGEST), "line {line}");
        }
    }

    #[test]
    fn reading_goes_on_where_it_stopped() {
        let file = b"1,a\n\n\"2\n\",b\n3,c";
        let mut records = Records::of(file, b',');
        let mut pieces = Vec::new();
        while let Some(record) = records.next() {
            pieces.push(record);
            records = Records::resumed(file, b',', records.place());
        }
        assert_eq!(pieces, Records::of(file, b',').collect::<Vec<_>>());
    }

    #[test]
    fn the_separator_is_that_of_the_first_line() {
        for (file, wanted) in [("a,b\n1;2;3", b','), ("\r\na;b;c,d\n", b';'), ("a", b','), ("", b',')] {
            assert_eq!(separator(file.as_bytes()), wanted, "{file}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_rules_is_read_as_it_was(
            rows in prop::collection::vec(prop::collection::vec("[a-zé\";,\r\n =+-]{0,8}", 2..5), 1..6),
            separator in prop::sample::select(vec![b',', b';']),
            ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ) {
            let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
            let join = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&char::from(separator).to_string());
            let file = rows.iter().map(join).collect::<Vec<_>>().join(ending);
            let found: Vec<Vec<String>> = read(&file, separator).into_iter().map(|(_, fields)| fields.unwrap()).collect();
            let says_something = |row: &&Vec<String>| row.iter().any(|text| !text.as_bytes().trim_ascii().is_empty());
            let wanted: Vec<Vec<String>> = rows.iter().filter(says_something).cloned().collect();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn any_bytes_are_read_to_their_end_in_the_order_of_their_lines(file in prop::collection::vec(
            prop::sample::select(b"ab\",;\r\n ".to_vec()), 0..200,
        )) {
            let lines: Vec<u32> = Records::of(&file, b',').map(|record| record.line).collect();
            prop_assert!(lines.is_sorted_by(|one, next| one < next));
            prop_assert!(lines.last().is_none_or(|last| *last <= breaks(&file) + 1));
        }
    }
}
