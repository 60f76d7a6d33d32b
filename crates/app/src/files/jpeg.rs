//! Photographs (JPEG, ISO/IEC 10918): segment by segment to where they end, and what a cleaned one keeps.
//!
//! `img-parts` does the like on a photograph that is held whole; here it passes in constant memory, a
//! segment, of at most 64 KiB, at a time.
use super::{Care, Unfit};

const MARK: u8 = 0xff;
const BEGIN: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// Where in the photograph the next byte stands.
enum At {
    Begin,
    Mark,
    Code,
    Length,
    Segment {
        left: usize,
    },
    /// Within what a scan is coded in.
    Coded,
    /// The same, behind a byte that may begin a marker.
    CodedMark,
    End,
}

/// A photograph that passes.
pub(super) struct Jpeg {
    care: Care,
    at: At,
    code: u8,
    /// What has come of the beginning, a length or a segment.
    held: Vec<u8>,
    has_frame: bool,
    has_scan: bool,
    is_turned: bool,
}

impl Jpeg {
    pub(super) fn new(care: Care) -> Self {
        Self { care, at: At::Begin, code: 0, held: Vec::new(), has_frame: false, has_scan: false, is_turned: false }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        while let [first, rest @ ..] = bytes {
            bytes = match self.at {
                At::Begin => {
                    self.held.push(*first);
                    if self.held.as_slice() == [MARK, BEGIN] {
                        out.append(&mut self.held);
                        self.at = At::Mark;
                    }
                    rest
                }
                At::Mark if *first == MARK => {
                    self.at = At::Code;
                    rest
                }
                At::Mark => return Err(Unfit::Damaged),
                At::Code | At::CodedMark => {
                    self.take_code(*first, out)?;
                    rest
                }
                At::Length => {
                    self.held.push(*first);
                    if let [high, low] = self.held.as_slice() {
                        let length = usize::from(u16::from_be_bytes([*high, *low]));
                        self.at = At::Segment { left: length.checked_sub(2).ok_or(Unfit::Damaged)? };
                        self.held.clear();
                        self.end_segment(out)?;
                    }
                    rest
                }
                At::Segment { left } => {
                    let (now, later) = bytes.split_at(bytes.len().min(left));
                    self.held.extend_from_slice(now);
                    self.at = At::Segment { left: left - now.len() };
                    self.end_segment(out)?;
                    later
                }
                At::Coded => {
                    let mark = bytes.iter().position(|byte| *byte == MARK).unwrap_or(bytes.len());
                    let (coded, later) = bytes.split_at(mark);
                    out.extend_from_slice(coded);
                    match later {
                        [_, later @ ..] => {
                            self.at = At::CodedMark;
                            later
                        }
                        [] => later,
                    }
                }
                // What stands behind the end is no part of the photograph.
                At::End => return Ok(()),
            };
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Unfit> {
        if matches!(self.at, At::End) { Ok(()) } else { Err(Unfit::Damaged) }
    }

    /// Takes the byte behind a mark.
    fn take_code(&mut self, code: u8, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let within = matches!(self.at, At::CodedMark);
        match code {
            // Marks may be doubled.
            MARK => {}
            // A byte of the code that looks like a mark, and the marks that part it.
            0x00 | 0xd0..=0xd7 if within => {
                out.extend_from_slice(&[MARK, code]);
                self.at = At::Coded;
            }
            END if self.has_scan => {
                out.extend_from_slice(&[MARK, END]);
                self.at = At::End;
            }
            // Frames, tables, scans, what applications and people add.
            0xc0..=0xc7 | 0xc9..=0xcf | SCAN..=0xdd | 0xe0..=0xef | 0xfe => {
                self.code = code;
                self.at = At::Length;
            }
            _ => return Err(Unfit::Damaged),
        }
        Ok(())
    }

    /// Ends a segment that has come whole.
    fn end_segment(&mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        if !matches!(self.at, At::Segment { left: 0 }) {
            return Ok(());
        }
        let segment = std::mem::take(&mut self.held);
        self.at = At::Mark;
        match self.code {
            SCAN => {
                if !self.has_frame {
                    return Err(Unfit::Damaged);
                }
                self.has_scan = true;
                self.at = At::Coded;
            }
            0xc4 | 0xcc | 0xdb..=0xdd | 0xe0..=0xef | 0xfe => {}
            _ => self.check_frame(&segment)?,
        }
        match self.kept(segment) {
            Some(kept) => append(out, self.code, &kept),
            None => Ok(()),
        }
    }

    /// Passes the one frame: what it says of the size is what is shown.
    fn check_frame(&mut self, frame: &[u8]) -> Result<(), Unfit> {
        let [_, h0, h1, w0, w1, components, ..] = frame else { return Err(Unfit::Damaged) };
        if self.has_frame || !(1..=4).contains(components) || frame.len() != 6 + 3 * usize::from(*components) {
            return Err(Unfit::Damaged);
        }
        self.has_frame = true;
        let size = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
        self.care.allow(size(w0, w1), size(h0, h1))
    }

    /// What stays of a segment. Of a cleaned photograph: how it is coded, its colours' transformation,
    /// and which way up it is shown.
    fn kept(&mut self, segment: Vec<u8>) -> Option<Vec<u8>> {
        if self.care == Care::Keep {
            return Some(segment);
        }
        match self.code {
            // Without the small picture that may stand in it.
            0xe0 if segment.starts_with(b"JFIF\0") => segment.get(..12).map(|front| [front, &[0, 0]].concat()),
            0xe1 if !self.is_turned => {
                let turned = segment.strip_prefix(b"Exif\0\0").and_then(orientation)?;
                self.is_turned = true;
                Some(turned_by(turned))
            }
            0xee if segment.starts_with(b"Adobe") => segment.get(..12).map(<[u8]>::to_vec),
            0xe0..=0xef | 0xfe => None,
            _ => Some(segment),
        }
    }
}

fn append(out: &mut Vec<u8>, code: u8, segment: &[u8]) -> Result<(), Unfit> {
    let length = u16::try_from(segment.len() + 2).or(Err(Unfit::Damaged))?;
    out.extend_from_slice(&[MARK, code]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(segment);
    Ok(())
}

/// The orientation in a TIFF header (TIFF 6.0; Exif 2.32, tag 0x0112), when the photograph is to be
/// turned or mirrored.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = <[u8; 2]>::try_from(tiff.get(at..at.checked_add(2)?)?).ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let offset = <[u8; 4]>::try_from(tiff.get(4..8)?).ok()?;
    let offset = if is_little { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) };
    let directory = usize::try_from(offset).ok()?;
    let entries = usize::from(short(directory)?);
    let first = directory.checked_add(2)?;
    let entry = (0..entries).map(|number| first.saturating_add(number * 12)).find(|at| short(*at) == Some(0x0112))?;
    let value = short(entry.checked_add(8)?)?;
    u8::try_from(value).ok().filter(|value| (2..=8).contains(value))
}

/// A segment that says nothing but the orientation.
fn turned_by(orientation: u8) -> Vec<u8> {
    let mut segment = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    segment.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orientation_is_read_as_it_is_written() {
        for value in 2..=8 {
            let segment = turned_by(value);
            assert_eq!(segment.strip_prefix(b"Exif\0\0").and_then(orientation), Some(value));
        }
        assert_eq!(orientation(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"), Some(6));
        for nonsense in [&b"II*\0\xff\xff\xff\xff"[..], b"MM\0*", b"", b"II*\0\x08\0\0\0\xff\xff"] {
            assert_eq!(orientation(nonsense), None);
        }
    }
}
