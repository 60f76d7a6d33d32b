//! Streams of sealed chunks: the STREAM construction over XChaCha20-Poly1305.
//!
//! A stream is `version (1) | data key id (16) | random part of the nonces (19) | chunks`; a nonce is
//! that part, the chunk's number (4, most significant byte first) and whether it is the last (1).
use std::sync::Arc;

use aead_stream::{NewStream, Nonce, StreamBE32, StreamPrimitive};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use huntzen_tenancy::{
    clock::Randomness,
    sealing::{ChunkOpener, ChunkSealer, KeySubject, Place, STREAM_HEADER_BYTES, SealingError},
};
use uuid::Uuid;

use super::{KEY, VERSION};

/// The random part of a nonce: what the number of the chunk and the last flag leave of 24 bytes.
const RANDOM: usize = 19;

type Stream = StreamBE32<XChaCha20Poly1305>;

/// One stream, on either side.
struct Chunks {
    stream: Stream,
    bound: Vec<u8>,
    place: Place,
    /// The next chunk's number; `None` once there were too many, or the last.
    next: Option<u32>,
}

impl Chunks {
    fn new(key: &[u8; KEY], random: [u8; RANDOM], place: Place, subject: KeySubject) -> Self {
        let stream = Stream::from_aead(XChaCha20Poly1305::new(key.into()), &Nonce::<_, Stream>::from(random));
        Self { stream, bound: place.associated_data(subject), place, next: Some(0) }
    }

    /// The number of the chunk at hand.
    fn number(&mut self, is_last: bool) -> Option<u32> {
        let number = self.next?;
        self.next = number.checked_add(1).filter(|_| !is_last);
        Some(number)
    }
}

impl ChunkSealer for Chunks {
    fn seal(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), SealingError> {
        let number = self.number(is_last).ok_or(SealingError::Cipher)?;
        self.stream.encrypt_in_place(number, is_last, &self.bound, chunk).or(Err(SealingError::Cipher))
    }
}

impl ChunkOpener for Chunks {
    fn open(&mut self, chunk: &mut Vec<u8>, is_last: bool) -> Result<(), SealingError> {
        let Place { table, column, .. } = self.place;
        let number = self.number(is_last).ok_or(SealingError::Tampered { table, column })?;
        let opened = self.stream.decrypt_in_place(number, is_last, &self.bound, chunk);
        opened.or(Err(SealingError::Tampered { table, column }))
    }
}

/// Begins a stream under the data key with this id: its header, and what seals its chunks.
pub(super) fn seal(
    (id, subject, key): (Uuid, KeySubject, &[u8; KEY]),
    randomness: &Arc<dyn Randomness>,
    place: &Place,
) -> (Vec<u8>, Box<dyn ChunkSealer>) {
    let mut random = [0; RANDOM];
    randomness.fill(&mut random);
    let mut header = Vec::with_capacity(STREAM_HEADER_BYTES);
    header.push(VERSION);
    header.extend_from_slice(id.as_bytes());
    header.extend_from_slice(&random);
    (header, Box::new(Chunks::new(key, random, *place, subject)))
}

/// What opens the chunks behind this header.
pub(super) fn open(
    (id, subject, key): (Uuid, KeySubject, &[u8; KEY]),
    place: &Place,
    header: &[u8],
) -> Result<Box<dyn ChunkOpener>, SealingError> {
    let tampered = || SealingError::Tampered { table: place.table, column: place.column };
    let (front, random) = header.split_first_chunk::<17>().ok_or_else(tampered)?;
    let (version, of) = front.split_first().ok_or_else(tampered)?;
    let random = <[u8; RANDOM]>::try_from(random).or(Err(tampered()))?;
    if *version != VERSION || of != id.as_bytes() {
        return Err(tampered());
    }
    Ok(Box::new(Chunks::new(key, random, *place, subject)))
}
