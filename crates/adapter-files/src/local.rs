//! A folder of this machine as the storage.
use std::{
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt,
    path::Path as FilePath,
    sync::Arc,
};

use huntzen_tenancy::files::StorageError;
use object_store::{local::LocalFileSystem, path::Path};

use crate::{SetupError, objects::ObjectFiles};

/// What goes to the disk at once.
const PART_BYTES: usize = 256 * 1024;

/// A folder, made when there is none, readable by this program's user alone. An object is written
/// beside its place, flushed, and moved there; the folder is flushed too.
///
/// # Errors
/// When the folder cannot be made or opened.
pub fn local_folder(folder: &FilePath) -> Result<ObjectFiles, SetupError> {
    let named = |error| SetupError::Folder(folder.display().to_string(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(named)?;
    let folder = fs::canonicalize(folder).map_err(named)?;
    let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
    Ok(ObjectFiles::new(Arc::new(store), PART_BYTES, Some(folder)))
}

/// Removes what a program that was killed left of writing the object: its first name beside the place,
/// and its only one, since no two ever write one object.
pub(crate) fn remove_unfinished(folder: &FilePath, path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(folder.join(format!("{path}#1"))) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StorageError(Box::new(error))),
        Ok(()) | Err(_) => Ok(()),
    }
}
