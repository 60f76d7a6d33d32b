//! Bytes on their way out: opened, counted and hashed again. What does not come out as it went in is
//! never ended as if it had.
use std::error::Error;

use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use huntzen_tenancy::{
    files::{ObjectReader, StorageError},
    sealing::{OpeningStream, SealingError},
};
use sha2::{Digest, Sha256};

/// Why the bytes did not all come out.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes are not those that were sealed there.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// They are not those that arrived.
    #[error("a file is not what it was")]
    Changed,
}

/// One file's bytes.
pub struct Body {
    reader: Box<dyn ObjectReader>,
    opening: Option<OpeningStream>,
    sha256: [u8; 32],
    left: u64,
    hash: Sha256,
}

impl Body {
    /// As many bytes with this SHA-256, sealed or in clear.
    pub fn new(reader: Box<dyn ObjectReader>, opening: Option<OpeningStream>, (size, sha256): (u64, [u8; 32])) -> Self {
        Self { reader, opening, sha256, left: size, hash: Sha256::new() }
    }

    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// `Broken`; the last bytes are never handed out then.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        while self.left > 0 {
            let mut open = Vec::new();
            match (self.reader.next().await?, &mut self.opening) {
                (Some(bytes), Some(opening)) => opening.push(&bytes, &mut open)?,
                (Some(bytes), None) => open = bytes,
                (None, _) => match self.opening.take() {
                    Some(opening) => opening.finish(&mut open)?,
                    None => return Err(Broken::Changed),
                },
            }
            if !open.is_empty() {
                self.left = self.left.checked_sub(open.len() as u64).ok_or(Broken::Changed)?;
                self.hash.update(&open);
                if self.left == 0 && self.hash.clone().finalize().as_slice() != self.sha256 {
                    return Err(Broken::Changed);
                }
                return Ok(Some(open));
            }
        }
        Ok(None)
    }
}

/// The same as a body of an answer, behind bytes that are out already. An error cuts the connection.
pub fn outgoing(first: Option<Vec<u8>>, body: Body) -> impl Stream<Item = Result<Bytes, Box<dyn Error>>> {
    let rest = stream::try_unfold(body, |mut body| async move {
        match body.next().await {
            Ok(next) => Ok(next.map(|bytes| (Bytes::from(bytes), body))),
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "a file could not be sent to its end");
                Err(Box::<dyn Error>::from(error))
            }
        }
    });
    stream::iter(first.map(|bytes| Ok(Bytes::from(bytes)))).chain(rest)
}
