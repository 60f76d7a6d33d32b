//! Removes from the storage what nothing refers to any more.
use huntzen_tenancy::{
    TenancyError,
    files::{FileRemoval, ObjectStorage},
};

/// Removes up to `limit` objects that are due; answers how many are gone. Once the storage refuses one, it
/// and all that were due behind it are tried again later: a storage that is away keeps no other job waiting.
///
/// # Errors
/// Those of the store.
pub async fn remove_due(removal: &FileRemoval, storage: &dyn ObjectStorage, limit: u32) -> Result<usize, TenancyError> {
    let (mut gone, mut failed) = (Vec::new(), Vec::new());
    for object in removal.due(limit)? {
        if !failed.is_empty() {
            failed.push(object);
            continue;
        }
        match storage.remove(object).await {
            Ok(()) => gone.push(object),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the bytes of a file could not be removed");
                failed.push(object);
            }
        }
    }
    if !gone.is_empty() || !failed.is_empty() {
        removal.done(&gone, &failed)?;
    }
    Ok(gone.len())
}
