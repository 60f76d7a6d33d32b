//! What a form asks for, whatever the order of its parts: for clients that send it again.
use actix_multipart::Field;
use sha2::{Digest, Sha256};

use super::{Form, Problem};

/// What stands for the parts that came: each by its name, what it says of itself and the SHA-256 of its bytes.
#[derive(Default)]
pub struct Content(Vec<Vec<u8>>);

/// A part that comes in.
pub struct Coming {
    head: Vec<u8>,
    digest: Sha256,
}

impl Coming {
    /// The part with this head.
    pub fn new(part: &Field) -> Self {
        let file_name = part.content_disposition().and_then(|said| said.get_filename()).unwrap_or_default();
        let media = part.content_type().map(ToString::to_string).unwrap_or_default();
        let mut head = Vec::new();
        for word in [part.name().unwrap_or_default(), file_name, &media] {
            head.extend_from_slice(&word.len().to_be_bytes());
            head.extend_from_slice(word.as_bytes());
        }
        Self { head, digest: Sha256::new() }
    }

    /// More of its bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }
}

impl Content {
    /// A part that has come in wholly.
    pub fn add(&mut self, part: Coming) {
        let Coming { mut head, digest } = part;
        head.extend_from_slice(&digest.finalize());
        self.0.push(head);
    }

    /// All of them.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.0.sort_unstable();
        self.0.concat()
    }

    /// That of a form whose bytes are needed for nothing else.
    ///
    /// # Errors
    /// `malformed_form`, `payload_too_large`.
    pub async fn of(form: &mut Form) -> Result<Self, Problem> {
        let mut content = Self::default();
        while let Some(mut part) = form.next().await? {
            let mut coming = Coming::new(&part);
            while let Some(bytes) = form.bytes_of(&mut part).await? {
                coming.push(&bytes);
            }
            content.add(coming);
        }
        Ok(content)
    }
}
