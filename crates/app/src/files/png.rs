//! Pictures in chunks (PNG, ISO/IEC 15948): each chunk's length, name and checksum, and where it ends.
//!
//! `img-parts` does the like on a picture that is held whole; here it passes in constant memory.
use super::{Care, Unfit};

/// What every picture begins with.
pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// The longest chunk beside the picture itself that a cleaned picture keeps.
const LONGEST_KEPT: u32 = 1024;

/// What a cleaned picture keeps besides what it cannot do without: transparency and colours.
const COLOURS: [&[u8; 4]; 5] = [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT"];

/// Where in the picture the next byte stands.
enum At {
    Signature,
    Head,
    Data { left: u32 },
    Checksum,
    End,
}

/// A picture that passes.
pub(super) struct Png {
    care: Care,
    at: At,
    /// What has come of the signature, a head, a header or a checksum.
    held: Vec<u8>,
    kind: [u8; 4],
    stays: bool,
    sum: crc32fast::Hasher,
    has_header: bool,
    has_picture: bool,
}

impl Png {
    pub(super) fn new(care: Care) -> Self {
        Self {
            care,
            at: At::Signature,
            held: Vec::new(),
            kind: [0; 4],
            stays: true,
            sum: crc32fast::Hasher::new(),
            has_header: false,
            has_picture: false,
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        while !bytes.is_empty() {
            bytes = match self.at {
                At::Signature => {
                    let later = self.hold(8, bytes);
                    if self.held.len() == 8 {
                        out.append(&mut self.held);
                        self.at = At::Head;
                    }
                    later
                }
                At::Head => {
                    let later = self.hold(8, bytes);
                    if self.held.len() == 8 {
                        self.begin_chunk(out)?;
                    }
                    later
                }
                At::Data { left } => self.pass(left, bytes, out)?,
                At::Checksum => {
                    let later = self.hold(4, bytes);
                    if self.held.len() == 4 {
                        self.end_chunk(out)?;
                    }
                    later
                }
                // What stands behind the end is no part of the picture.
                At::End => return Ok(()),
            };
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Unfit> {
        if matches!(self.at, At::End) { Ok(()) } else { Err(Unfit::Damaged) }
    }

    /// Holds up to `most` bytes; answers the rest.
    fn hold<'a>(&mut self, most: usize, bytes: &'a [u8]) -> &'a [u8] {
        let (now, later) = bytes.split_at(bytes.len().min(most.saturating_sub(self.held.len())));
        self.held.extend_from_slice(now);
        later
    }

    fn begin_chunk(&mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let head = std::mem::take(&mut self.held);
        let (length, kind) = head.split_first_chunk::<4>().ok_or(Unfit::Damaged)?;
        let length = u32::from_be_bytes(*length);
        self.kind = kind.try_into().or(Err(Unfit::Damaged))?;
        let [first, _, third, _] = self.kind;
        let is_named = self.kind.iter().all(u8::is_ascii_alphabetic) && third.is_ascii_uppercase();
        if length > i32::MAX.unsigned_abs() || !is_named || (!self.has_header && &self.kind != b"IHDR") {
            return Err(Unfit::Damaged);
        }
        let is_fit = match &self.kind {
            b"IHDR" => !self.has_header && length == 13,
            b"PLTE" => length <= 768 && length.is_multiple_of(3),
            b"IDAT" => true,
            b"IEND" => length == 0 && self.has_picture,
            // A reader must know every chunk whose name begins with a capital.
            _ => first.is_ascii_lowercase(),
        };
        if !is_fit {
            return Err(Unfit::Damaged);
        }
        self.has_header = true;
        self.has_picture |= &self.kind == b"IDAT";
        let is_needed = first.is_ascii_uppercase() || (COLOURS.contains(&&self.kind) && length <= LONGEST_KEPT);
        self.stays = is_needed || self.care == Care::Keep;
        self.sum.reset();
        self.sum.update(&self.kind);
        if self.stays {
            out.extend_from_slice(&head);
        }
        self.at = if length == 0 { At::Checksum } else { At::Data { left: length } };
        Ok(())
    }

    /// Passes what has come of a chunk with so many bytes left.
    fn pass<'a>(&mut self, left: u32, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unfit> {
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let (now, later) = bytes.split_at(bytes.len().min(most));
        self.sum.update(now);
        if self.stays {
            out.extend_from_slice(now);
        }
        let is_header = &self.kind == b"IHDR";
        if is_header {
            self.held.extend_from_slice(now);
        }
        // No more than `left` has come.
        let left = left.saturating_sub(u32::try_from(now.len()).unwrap_or(left));
        self.at = At::Data { left };
        if left == 0 {
            if is_header {
                self.check_header()?;
            }
            self.at = At::Checksum;
        }
        Ok(later)
    }

    fn check_header(&mut self) -> Result<(), Unfit> {
        let header = std::mem::take(&mut self.held);
        let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, compression, filter, interlace] = header.as_slice() else {
            return Err(Unfit::Damaged);
        };
        let depths: &[u8] = match colour {
            0 => &[1, 2, 4, 8, 16],
            3 => &[1, 2, 4, 8],
            2 | 4 | 6 => &[8, 16],
            _ => &[],
        };
        if !depths.contains(depth) || *compression != 0 || *filter != 0 || *interlace > 1 {
            return Err(Unfit::Damaged);
        }
        self.care.allow(u32::from_be_bytes([*w0, *w1, *w2, *w3]), u32::from_be_bytes([*h0, *h1, *h2, *h3]))
    }

    fn end_chunk(&mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let told = std::mem::take(&mut self.held);
        if told != self.sum.clone().finalize().to_be_bytes() {
            return Err(Unfit::Damaged);
        }
        if self.stays {
            out.extend_from_slice(&told);
        }
        self.at = if &self.kind == b"IEND" { At::End } else { At::Head };
        Ok(())
    }
}
