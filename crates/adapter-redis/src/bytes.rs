//! Reading what this crate has written: bytes of a known layout, from the front.
use uuid::Uuid;

/// The rest of what is read.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (found, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*found)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    /// What stands behind a flag that says whether it is there.
    #[expect(clippy::option_option, reason = "whether it can be read, and whether it is there")]
    pub(crate) fn perhaps<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// A text behind its length.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        let (found, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(found).ok()
    }
}

/// Writes a flag, and what it says is there.
pub(crate) fn put<const LENGTH: usize>(bytes: Option<[u8; LENGTH]>, out: &mut Vec<u8>) {
    out.push(u8::from(bytes.is_some()));
    out.extend(bytes.iter().flatten());
}
