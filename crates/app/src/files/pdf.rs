//! Documents (ISO 32000): that they begin and end as such. What stands in between is for the reader's
//! own program, and is never shown by this one.
use super::Unfit;

/// How far from its end a document says that it ends.
const ENDING: usize = 1024;

/// Whether a file begins as a document does, in its very first byte.
pub(super) fn begins(beginning: &[u8]) -> bool {
    matches!(beginning, [b'%', b'P', b'D', b'F', b'-', major, b'.', minor, ..]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// A document that passes.
#[derive(Default)]
pub(super) struct Pdf {
    last: Vec<u8>,
}

impl Pdf {
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        let recent = bytes.get(bytes.len().saturating_sub(ENDING)..).unwrap_or_default();
        let excess = (self.last.len() + recent.len()).saturating_sub(ENDING);
        self.last.drain(..excess.min(self.last.len()));
        self.last.extend_from_slice(recent);
    }

    /// Passes when the last thing that it says is that it ends. Something else may still be in it, such as an
    /// archive that ends with this mark as its comment: no browser is let run or guess what is downloaded.
    pub(super) fn finish(self) -> Result<(), Unfit> {
        let mark = b"%%EOF";
        let at = self.last.windows(mark.len()).rposition(|window| window == mark).ok_or(Unfit::Damaged)?;
        let behind = self.last.get(at + mark.len()..).unwrap_or_default();
        let is_space = |byte: &u8| matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
        if behind.iter().all(is_space) { Ok(()) } else { Err(Unfit::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &[u8], portion: usize) -> bool {
        let (mut pdf, mut out) = (Pdf::default(), Vec::new());
        for part in text.chunks(portion) {
            pdf.push(part, &mut out);
        }
        assert_eq!(out, text);
        pdf.finish().is_ok()
    }

    #[test]
    fn a_document_says_that_it_ends() {
        let long = [b"x".repeat(5000), b"\n%%EOF\r\n".to_vec()].concat();
        for portion in [1, 7, 4096] {
            assert!(ends(&long, portion));
            assert!(!ends(b"startxref\n0\n", portion));
            assert!(!ends(b"%%EOF\nPK\x05\x06", portion));
            assert!(!ends(&[b"%%EOF".to_vec(), b" ".repeat(2000)].concat(), portion));
        }
    }

    #[test]
    fn it_begins_in_the_first_byte() {
        assert!(begins(b"%PDF-1.7") && begins(b"%PDF-2.0"));
        assert!(!begins(b" %PDF-1.") && !begins(b"%PDF-x.7") && !begins(b"%PDF-1"));
    }
}
