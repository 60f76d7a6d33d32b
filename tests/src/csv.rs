//! A reader of comma-separated values that is as strict as RFC 4180 is, and as wary as a spreadsheet
//! should be.

/// The records of a file: UTF-8 with its mark, every line ended by CRLF, quotes only around a whole
/// field, and no field that a spreadsheet would compute. An empty line is a record of one empty field.
///
/// # Errors
/// What is not so, and on which line.
pub fn records(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").ok_or("it has no mark")?;
    let text = std::str::from_utf8(text).map_err(|error| format!("it is no UTF-8: {error}"))?;
    let (mut rest, mut records) = (text, Vec::new());
    while !rest.is_empty() {
        let mut record = Vec::new();
        loop {
            let (field, after) = field(rest).map_err(|what| format!("line {}: {what}", records.len() + 1))?;
            inert(&field).map_err(|what| format!("line {}: {what}", records.len() + 1))?;
            record.push(field);
            if let Some(after) = after.strip_prefix(',') {
                rest = after;
            } else {
                rest = after.strip_prefix("\r\n").ok_or_else(|| format!("line {} has no end", records.len() + 1))?;
                break;
            }
        }
        records.push(record);
    }
    Ok(records)
}

/// The first field, and what follows it.
fn field(text: &str) -> Result<(String, &str), String> {
    let Some(mut quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '\r', '\n']).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        return if field.contains('"') { Err(format!("a quote within {field}")) } else { Ok((field.to_owned(), rest)) };
    };
    let mut field = String::new();
    loop {
        let (before, after) = quoted.split_once('"').ok_or("a quote that is not closed")?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                quoted = after;
            }
            None => return Ok((field, after)),
        }
    }
}

/// Passes a field that no spreadsheet takes for a formula.
fn inert(field: &str) -> Result<(), String> {
    let active = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    // Where the comma is a decimal sign, a semicolon parts fields; a careless reader parts at the others too.
    let is_active = field.split([';', '\t', '\r', '\n']).any(|part| part.starts_with(active));
    if is_active || field.starts_with(['\t', '\r']) { Err(format!("{field:?} is a formula")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Vec<String>>, String> {
        records(format!("\u{feff}{text}").as_bytes())
    }

    #[test]
    fn what_is_well_formed_is_read() {
        let expected: Vec<Vec<String>> = [&["a", "b, \"c\"\r\nd"][..], &[""], &["", "é"]]
            .map(|record| record.iter().map(|field| (*field).to_owned()).collect())
            .into();
        assert_eq!(read("a,\"b, \"\"c\"\"\r\nd\"\r\n\r\n,é\r\n"), Ok(expected));
    }

    #[test]
    fn what_is_not_is_refused() {
        for text in [
            "a",
            "a\n",
            "a\rb\r\n",
            "a\"b\r\n",
            "\"a\r\n",
            "\"a\"b\r\n",
            "=1\r\n",
            "\"+1\"\r\n",
            "a,-1\r\n",
            "a;=1\r\n",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(records(b"a\r\n").is_err(), "without its mark");
        assert!(records(b"\xef\xbb\xbf\xff\r\n").is_err());
    }
}
