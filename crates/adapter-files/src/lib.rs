//! Where the bytes of files are kept: a local folder, an S3-compatible server, or memory for tests.
//! What arrives here is sealed already, pictures apart.
mod local;
mod objects;
mod s3;

pub use local::local_folder;
pub use objects::{ObjectFiles, in_memory};
pub use s3::{S3Settings, s3_bucket};

/// Why a storage cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The folder cannot be made or opened.
    #[error("the folder of files {0}: {1}")]
    Folder(String, #[source] std::io::Error),
    /// What is configured makes no storage.
    #[error("the storage of files: {0}")]
    Storage(#[from] object_store::Error),
}
