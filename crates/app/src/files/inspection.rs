//! Tells by its bytes what a file is, whether it is whole, and how large a picture becomes.
//!
//! The look is taken as the bytes pass. A picture ends where its format says, and nothing that stands
//! behind passes on: what is a picture to one reader is nothing else to another.
use huntzen_tenancy::files::MediaType;

use super::{
    jpeg::Jpeg,
    pdf::{self, Pdf},
    png::{self, Png},
};

/// The bytes that tell the formats apart.
const BEGINNING: usize = 8;

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is of none of the types that are taken, or not of the one that was declared.
    Unsupported,
    /// It is not built as its format says, or does not end.
    Damaged,
    /// It would become too large a picture when it is shown.
    TooManyPixels,
    /// There is nothing in it.
    Empty,
}

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// It stays as it is, within 20,000 points a side and 100 million in all: a scanned sheet.
    Keep,
    /// What tells where, when and with what it was taken is left out, and whatever else is not needed
    /// to show it; within 8,192 points a side and 25 million in all.
    Clean,
}

impl Care {
    /// Passes a picture of this size.
    pub(super) fn allow(self, width: u32, height: u32) -> Result<(), Unfit> {
        let (side, points) = match self {
            Self::Keep => (20_000, 100_000_000),
            Self::Clean => (8_192, 25_000_000),
        };
        if width == 0 || height == 0 {
            return Err(Unfit::Damaged);
        }
        let fits = width.max(height) <= side && u64::from(width) * u64::from(height) <= points;
        if fits { Ok(()) } else { Err(Unfit::TooManyPixels) }
    }
}

/// Looks at one file as it passes.
pub struct Inspector {
    declared: MediaType,
    care: Care,
    format: Format,
}

enum Format {
    /// Too little has come to tell.
    Unknown(Vec<u8>),
    Jpeg(Jpeg),
    Png(Png),
    Pdf(Pdf),
}

impl Inspector {
    /// For a file that its sender says holds `declared`.
    pub fn new(declared: MediaType, care: Care) -> Self {
        Self { declared, care, format: Format::Unknown(Vec::with_capacity(BEGINNING)) }
    }

    /// Takes the next bytes and appends those that stay to `out`.
    ///
    /// # Errors
    /// `Unsupported`, `Damaged`, `TooManyPixels`; nothing is to be taken afterwards.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        if let Format::Unknown(held) = &mut self.format {
            let (now, later) = bytes.split_at(bytes.len().min(BEGINNING.saturating_sub(held.len())));
            held.extend_from_slice(now);
            if held.len() < BEGINNING {
                return Ok(());
            }
            bytes = later;
            let beginning = std::mem::take(held);
            self.format = self.recognised(&beginning)?;
            self.format.push(&beginning, out)?;
        }
        self.format.push(bytes, out)
    }

    /// Passes when the file was whole.
    ///
    /// # Errors
    /// `Empty`, `Unsupported`, `Damaged`.
    pub fn finish(self) -> Result<(), Unfit> {
        match self.format {
            Format::Unknown(held) if held.is_empty() => Err(Unfit::Empty),
            Format::Unknown(_) => Err(Unfit::Unsupported),
            Format::Jpeg(jpeg) => jpeg.finish(),
            Format::Png(png) => png.finish(),
            Format::Pdf(pdf) => pdf.finish(),
        }
    }

    fn recognised(&self, beginning: &[u8]) -> Result<Format, Unfit> {
        let (media, format) = if beginning.starts_with(&[0xff, 0xd8, 0xff]) {
            (MediaType::Jpeg, Format::Jpeg(Jpeg::new(self.care)))
        } else if beginning == png::SIGNATURE {
            (MediaType::Png, Format::Png(Png::new(self.care)))
        } else if pdf::begins(beginning) {
            (MediaType::Pdf, Format::Pdf(Pdf::default()))
        } else {
            return Err(Unfit::Unsupported);
        };
        if media == self.declared { Ok(format) } else { Err(Unfit::Unsupported) }
    }
}

impl Format {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        match self {
            Self::Unknown(_) => Err(Unfit::Unsupported),
            Self::Jpeg(jpeg) => jpeg.push(bytes, out),
            Self::Png(png) => png.push(bytes, out),
            Self::Pdf(pdf) => {
                pdf.push(bytes, out);
                Ok(())
            }
        }
    }
}
