//! Bytes on their way in: looked at and cleaned, hashed, sealed, and handed to the storage.
use huntzen_tenancy::{
    files::{MediaType, ObjectWriter, StorageError},
    sealing::{SealingError, SealingStream},
};
use sha2::{Digest, Sha256};

use super::{Care, Inspector, Unfit};

/// Why the bytes did not all arrive.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file is not one that is taken.
    #[error("the file is not taken: {0:?}")]
    Unfit(Unfit),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The cipher failed.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// What was found of a file that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its length in bytes, as it will be downloaded.
    pub size: u64,
    /// The SHA-256 of the same bytes.
    pub sha256: [u8; 32],
}

/// Takes one file in. A chunk takes some tenths of a millisecond to look at, hash and seal: that is done
/// where the bytes arrive, and the worker turns to others whenever the next are awaited.
pub struct Intake {
    inspector: Inspector,
    sealing: Option<SealingStream>,
    hash: Sha256,
    size: u64,
    clean: Vec<u8>,
}

impl Intake {
    /// For a file that is declared as `declared`; sealed by `sealing`, or left in clear.
    pub fn new(declared: MediaType, care: Care, sealing: Option<SealingStream>) -> Self {
        let inspector = Inspector::new(declared, care);
        Self { inspector, sealing, hash: Sha256::new(), size: 0, clean: Vec::new() }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `Refusal`; nothing is to be taken afterwards.
    pub async fn push(&mut self, bytes: &[u8], writer: &mut dyn ObjectWriter) -> Result<(), Refusal> {
        self.clean.clear();
        self.inspector.push(bytes, &mut self.clean)?;
        self.size += self.clean.len() as u64;
        self.hash.update(&self.clean);
        let stored = match &mut self.sealing {
            Some(sealing) => {
                let mut sealed = Vec::new();
                sealing.push(&self.clean, &mut sealed)?;
                sealed
            }
            None => std::mem::take(&mut self.clean),
        };
        if stored.is_empty() { Ok(()) } else { Ok(writer.push(stored).await?) }
    }

    /// Ends the file. The object is not made yet.
    ///
    /// # Errors
    /// `Refusal`, also for a file that was cut.
    pub async fn finish(self, writer: &mut dyn ObjectWriter) -> Result<Facts, Refusal> {
        self.inspector.finish()?;
        if let Some(sealing) = self.sealing {
            let mut sealed = Vec::new();
            sealing.finish(&mut sealed)?;
            writer.push(sealed).await?;
        }
        Ok(Facts { size: self.size, sha256: self.hash.finalize().into() })
    }
}
