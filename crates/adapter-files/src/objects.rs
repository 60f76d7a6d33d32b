//! The storage port over any object store.
use std::{path::PathBuf, sync::Arc};

use futures_util::{StreamExt, stream::BoxStream};
use huntzen_tenancy::files::{ObjectName, ObjectReader, ObjectStorage, ObjectWriter, Pending, StorageError};
use object_store::{Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path};

/// Objects of one object store.
pub struct ObjectFiles {
    store: Arc<dyn ObjectStore>,
    /// How many bytes go at once: what one upload holds in memory.
    part_bytes: usize,
    /// The folder, when it is one: what a killed program left of writing lies beside the objects.
    folder: Option<PathBuf>,
}

impl ObjectFiles {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, part_bytes: usize, folder: Option<PathBuf>) -> Self {
        Self { store, part_bytes, folder }
    }
}

/// In memory: for tests.
pub fn in_memory() -> ObjectFiles {
    ObjectFiles::new(Arc::new(InMemory::new()), 256 * 1024, None)
}

/// Where an object lies: in one of 256 folders, so that none grows too long to list.
pub(crate) fn path(object: ObjectName) -> Path {
    let name = object.0.simple().to_string();
    let shard = name.get(..2).unwrap_or_default().to_owned();
    Path::from_iter([shard, name])
}

fn failed(error: Error) -> StorageError {
    StorageError(Box::new(error))
}

impl ObjectStorage for ObjectFiles {
    fn write(&self, object: ObjectName) -> Pending<'_, Box<dyn ObjectWriter>> {
        let writer = Writer {
            store: Arc::clone(&self.store),
            path: path(object),
            part_bytes: self.part_bytes,
            held: Vec::new(),
            upload: None,
        };
        Box::pin(async move { Ok(Box::new(writer) as Box<dyn ObjectWriter>) })
    }

    fn read(&self, object: ObjectName) -> Pending<'_, Option<Box<dyn ObjectReader>>> {
        Box::pin(async move {
            match self.store.get(&path(object)).await {
                Ok(found) => {
                    let parts = found.into_stream().map(|part| part.map(Vec::from).map_err(failed));
                    Ok(Some(Box::new(Reader(parts.boxed())) as Box<dyn ObjectReader>))
                }
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn remove(&self, object: ObjectName) -> Pending<'_, ()> {
        Box::pin(async move {
            let path = path(object);
            if let Some(folder) = &self.folder {
                crate::local::remove_unfinished(folder, &path)?;
            }
            match self.store.delete(&path).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed(error)),
            }
        })
    }
}

/// Writes an object: at once when it is small, else in parts.
struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    part_bytes: usize,
    held: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Writer {
    async fn send_part(&mut self) -> Result<(), StorageError> {
        let part = std::mem::take(&mut self.held);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none @ None => none.insert(self.store.put_multipart(&self.path).await.map_err(failed)?),
        };
        upload.put_part(PutPayload::from(part)).await.map_err(failed)
    }
}

impl ObjectWriter for Writer {
    fn push(&mut self, bytes: Vec<u8>) -> Pending<'_, ()> {
        Box::pin(async move {
            if self.held.is_empty() {
                self.held = bytes;
            } else {
                self.held.extend_from_slice(&bytes);
            }
            if self.held.len() >= self.part_bytes { self.send_part().await } else { Ok(()) }
        })
    }

    fn finish(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            if self.upload.is_none() {
                let whole = PutPayload::from(std::mem::take(&mut self.held));
                return self.store.put(&self.path, whole).await.map(drop).map_err(failed);
            }
            if !self.held.is_empty() {
                self.send_part().await?;
            }
            match &mut self.upload {
                Some(upload) => upload.complete().await.map(drop).map_err(failed),
                None => Ok(()),
            }
        })
    }

    fn abandon(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            match &mut self.upload {
                Some(upload) => upload.abort().await.map_err(failed),
                None => Ok(()),
            }
        })
    }
}

struct Reader(BoxStream<'static, Result<Vec<u8>, StorageError>>);

impl ObjectReader for Reader {
    fn next(&mut self) -> Pending<'_, Option<Vec<u8>>> {
        Box::pin(async move { self.0.next().await.transpose() })
    }
}
