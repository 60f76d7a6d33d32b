//! Checkpoints: signed heads of the chains, kept where whoever writes the database does not write.
use jiff::Timestamp;
use uuid::Uuid;

use super::chain::{ChainId, Encoding, Head};
use crate::{ids::UserId, store::StoreError, words};

words! {
    /// What a checkpoint says.
    CheckpointKind {
        /// Where chains stood.
        Heads = "HEADS",
        /// Below which links chains were pruned; these links themselves are kept.
        Pruned = "PRUNED",
        /// To where chains were put back when a backup was restored: what was signed behind these links
        /// before is lost. A chain without any link stands at number 0.
        Restored = "RESTORED",
    }
}

/// An Ed25519 signature (RFC 8032): 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

/// One line of the file of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it says of the heads.
    pub kind: CheckpointKind,
    /// When it was signed.
    pub at: Timestamp,
    /// The heads that have moved since the checkpoint before.
    pub heads: Vec<Head>,
    /// The signature of the checkpoint before, so that none can be left out.
    pub previous: Option<Signature>,
    /// Over all of this.
    pub signature: Signature,
}

impl Checkpoint {
    /// Signs a checkpoint.
    pub fn signed(
        signer: &dyn CheckpointSigner,
        (kind, at): (CheckpointKind, Timestamp),
        heads: Vec<Head>,
        previous: Option<Signature>,
    ) -> Self {
        let unsigned = Self { kind, at, heads, previous, signature: Signature(Vec::new()) };
        let signature = signer.sign(&unsigned.digest());
        Self { signature, ..unsigned }
    }

    /// Whether it was signed as it is.
    pub fn is_authentic(&self, signer: &dyn CheckpointSigner) -> bool {
        signer.verify(&self.digest(), &self.signature)
    }

    fn digest(&self) -> [u8; 32] {
        let mut encoding = Encoding::new("huntzen audit checkpoint 1");
        encoding.put(words::Words::as_str(self.kind).as_bytes());
        encoding.put(&self.at.as_microsecond().to_be_bytes());
        encoding.put_optional(self.previous.as_ref().map(|signature| signature.0.as_slice()));
        for Head { chain, seq, hash } in &self.heads {
            encoding.put(chain.0.as_bytes());
            encoding.put(&seq.to_be_bytes());
            encoding.put(hash);
        }
        encoding.digest()
    }
}

/// Signs checkpoints, and hides people behind pseudonyms, with a secret of the operator.
pub trait CheckpointSigner: Send + Sync {
    /// Signs a digest.
    fn sign(&self, digest: &[u8; 32]) -> Signature;

    /// Whether this signer signed the digest.
    fn verify(&self, digest: &[u8; 32], signature: &Signature) -> bool;

    /// What stands for this account on this day (`YYYY-MM-DD`): the same within it, another on any
    /// other, and nothing that leads back to the account. 16 hexadecimal digits.
    fn pseudonym(&self, user: UserId, day: &str) -> String;

    /// What stands for an entry whose own id would tell its instant (UUID version 8, RFC 9562).
    fn entry_pseudonym(&self, entry: Uuid) -> Uuid;
}

/// What the file of checkpoints holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointHistory {
    /// Every line in order; `None` for one that cannot be read.
    pub lines: Vec<Option<Checkpoint>>,
}

/// What the last lines of the file come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointState {
    /// The last signed head of each chain.
    pub heads: std::collections::BTreeMap<ChainId, Head>,
    /// The last signature.
    pub last: Option<Signature>,
}

impl CheckpointState {
    /// Goes on by one checkpoint. Where chains were pruned they had stood before; where they were put
    /// back they stand again.
    pub fn advance(&mut self, checkpoint: &Checkpoint) {
        if checkpoint.kind != CheckpointKind::Pruned {
            self.heads.extend(checkpoint.heads.iter().map(|head| (head.chain, head.clone())));
        }
        self.last = Some(checkpoint.signature.clone());
    }
}

/// Keeps checkpoints outside the database, for good.
pub trait CheckpointLog: Send + Sync {
    /// Appends what `next` makes of the present state, durably, while no other process appends;
    /// nothing when it makes nothing. Answers whether it did.
    ///
    /// # Errors
    /// `Unavailable` or `Defect` when the file cannot be written.
    fn append(&self, next: &mut dyn FnMut(&CheckpointState) -> Option<Checkpoint>) -> Result<bool, StoreError>;

    /// All of them.
    ///
    /// # Errors
    /// As for `append`.
    fn history(&self) -> Result<CheckpointHistory, StoreError>;
}
