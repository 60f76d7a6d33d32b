//! Sealing what is too long to hold: chunk by chunk, in constant memory, and so that a cut shows.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption
//! and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015): each chunk is sealed under a nonce that holds
//! its place and whether it is the last. Chunks that change places, are left out, repeated, or come
//! from another stream do not open, and neither does a stream that ends early.
use super::{Place, SealingError, UnlockedKey};

/// The bytes of a chunk before it is sealed; only the last one is shorter.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// What sealing adds to a chunk.
pub const TAG_BYTES: usize = 16;

/// What stands in front of the chunks: version, key id, and the random part of the nonces.
pub const STREAM_HEADER_BYTES: usize = 1 + 16 + 19;

/// Seals the chunks of one stream in turn.
pub trait ChunkSealer: Send {
    /// Seals the next chunk where it stands.
    ///
    /// # Errors
    /// `Cipher`, also after 2³² chunks.
    fn seal(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), SealingError>;
}

/// Opens the chunks of one stream in turn.
pub trait ChunkOpener: Send {
    /// Opens the next chunk where it stands.
    ///
    /// # Errors
    /// `Tampered`.
    fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), SealingError>;
}

/// Seals bytes that come in any portions.
pub struct SealingStream {
    header: Vec<u8>,
    sealer: Box<dyn ChunkSealer>,
    chunk: Vec<u8>,
}

impl SealingStream {
    /// A stream that opens under `key` at `place` alone.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn new(key: &dyn UnlockedKey, place: &Place) -> Result<Self, SealingError> {
        let (header, sealer) = key.seal_stream(place)?;
        Ok(Self { header, sealer, chunk: Vec::with_capacity(CHUNK_BYTES + TAG_BYTES) })
    }

    /// Takes `bytes` and appends what is sealed by now to `out`.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealingError> {
        while !bytes.is_empty() {
            // A full chunk waits until it is known not to be the last.
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(false, out)?;
            }
            bytes = take(&mut self.chunk, CHUNK_BYTES, bytes);
        }
        Ok(())
    }

    /// Ends the stream and appends what remains.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealingError> {
        self.seal(true, out)
    }

    fn seal(&mut self, is_last: bool, out: &mut Vec<u8>) -> Result<(), SealingError> {
        out.append(&mut self.header);
        self.sealer.seal(&mut self.chunk, is_last)?;
        out.append(&mut self.chunk);
        Ok(())
    }
}

/// Opens a stream that comes in any portions. What it hands out was sealed there, in that order; that
/// it was all of it is only known at the end.
pub struct OpeningStream {
    key: Box<dyn UnlockedKey>,
    place: Place,
    opener: Option<Box<dyn ChunkOpener>>,
    held: Vec<u8>,
}

impl OpeningStream {
    /// Opens what was sealed under `key` at `place`.
    pub fn new(key: Box<dyn UnlockedKey>, place: Place) -> Self {
        Self { key, place, opener: None, held: Vec::with_capacity(CHUNK_BYTES + TAG_BYTES) }
    }

    /// Takes `bytes` and appends what is open by now to `out`.
    ///
    /// # Errors
    /// `Tampered`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealingError> {
        while !bytes.is_empty() {
            if self.opener.is_none() {
                bytes = take(&mut self.held, STREAM_HEADER_BYTES, bytes);
                if self.held.len() == STREAM_HEADER_BYTES {
                    self.opener = Some(self.key.open_stream(&self.place, &self.held)?);
                    self.held.clear();
                }
                continue;
            }
            if self.held.len() == CHUNK_BYTES + TAG_BYTES {
                self.open(false, out)?;
            }
            bytes = take(&mut self.held, CHUNK_BYTES + TAG_BYTES, bytes);
        }
        Ok(())
    }

    /// Ends the stream and appends what remains.
    ///
    /// # Errors
    /// `Tampered` when it was cut.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealingError> {
        self.open(true, out)
    }

    fn open(&mut self, is_last: bool, out: &mut Vec<u8>) -> Result<(), SealingError> {
        let Some(opener) = &mut self.opener else {
            return Err(SealingError::Tampered { table: self.place.table, column: self.place.column });
        };
        opener.open(&mut self.held, is_last)?;
        out.append(&mut self.held);
        Ok(())
    }
}

/// Fills `held` up to `most` bytes; answers what is left of `bytes`.
fn take<'a>(held: &mut Vec<u8>, most: usize, bytes: &'a [u8]) -> &'a [u8] {
    let (now, later) = bytes.split_at(bytes.len().min(most.saturating_sub(held.len())));
    held.extend_from_slice(now);
    later
}
