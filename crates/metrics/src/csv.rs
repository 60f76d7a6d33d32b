//! Comma-separated values (RFC 4180) as spreadsheets read them without harm: UTF-8 with its mark,
//! lines that end with CRLF, and no field that a spreadsheet would compute.
use csv::{QuoteStyle, Terminator, WriterBuilder};

/// The mark by which spreadsheets know UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
const LINE_END: &[u8] = b"\r\n";
/// What a field that a spreadsheet takes for a formula begins with, full-width signs included.
const ACTIVE: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A table that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet(Vec<u8>);

impl Default for Sheet {
    fn default() -> Self {
        Self(MARK.to_vec())
    }
}

impl Sheet {
    /// Adds a record.
    pub fn record(&mut self, fields: &[&str]) {
        let mut writer = WriterBuilder::new()
            .flexible(true)
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .buffer_capacity(256)
            .from_writer(&mut self.0);
        // Writing into memory does not fail.
        let _ = writer.write_record(fields.iter().map(|field| inert(field)));
        let _ = writer.flush();
    }

    /// Adds an empty line.
    pub fn blank(&mut self) {
        self.0.extend_from_slice(LINE_END);
    }

    /// Everything so far.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The field with an apostrophe before what would make it a formula, or a part of it: where a comma
/// stands in figures, as in France, spreadsheets take semicolons for what parts fields, and some take
/// tabs and line breaks.
fn inert(field: &str) -> String {
    let mut inert = String::with_capacity(field.len() + 1);
    let mut begins = true;
    for character in field.chars() {
        if begins && ACTIVE.contains(&character) {
            inert.push('\'');
        }
        begins = matches!(character, ';' | '\t' | '\r' | '\n');
        inert.push(character);
    }
    inert
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn sheet(records: &[&[&str]]) -> String {
        let mut sheet = Sheet::default();
        for fields in records {
            sheet.record(fields);
        }
        String::from_utf8(sheet.into_bytes()).unwrap()
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(
            sheet(&[&["Durée", "a,b"], &["\"", "a\r\nb"], &["", "#"]]),
            "\u{feff}Durée,\"a,b\"\r\n\"\"\"\",\"a\r\nb\"\r\n,#\r\n"
        );
    }

    #[test]
    fn nothing_is_a_formula() {
        for active in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1"] {
            let text = sheet(&[&[active]]);
            let field = text.trim_start_matches('\u{feff}').trim_start_matches('"');
            assert!(field.starts_with('\''), "{text:?}");
        }
        for (field, written) in
            [("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"), ("x\t@SUM(1)", "x\t'@SUM(1)"), ("-2;-3", "'-2;'-3")]
        {
            assert_eq!(sheet(&[&[field]]), format!("\u{feff}{written}\r\n"));
        }
        assert_eq!(sheet(&[&["x\r\n=1"]]), "\u{feff}\"x\r\n'=1\"\r\n");
        assert_eq!(sheet(&[&["2027-01-05", "a=b"]]), "\u{feff}2027-01-05,a=b\r\n");
    }

    #[test]
    fn a_line_may_be_empty() {
        let mut sheet = Sheet::default();
        sheet.record(&["a"]);
        sheet.blank();
        sheet.record(&["b"]);
        assert_eq!(sheet.bytes(), b"\xef\xbb\xbfa\r\n\r\nb\r\n");
    }
}
