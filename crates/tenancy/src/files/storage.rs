//! Where the bytes of files are: the port of an object storage, and the only one that is asynchronous.
//!
//! Bytes flow at the edge while no unit of work is open. The port names no runtime: its futures are
//! boxed, and whoever serves requests drives them.
use std::{error::Error, future::Future, pin::Pin};

use crate::typed_id;

typed_id!(
    /// The name of an object: random, and nowhere shown.
    ObjectName
);

/// What a storage answers in time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

/// The storage could not be reached, or would not do it; trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("the storage of files failed")]
pub struct StorageError(#[source] pub Box<dyn Error + Send + Sync>);

/// Keeps objects by name. An object is written once, whole or not at all, and never changed.
pub trait ObjectStorage: Send + Sync {
    /// Begins to write an object. Nobody finds it before it is finished.
    fn write(&self, object: ObjectName) -> Pending<'_, Box<dyn ObjectWriter>>;

    /// Begins to read an object; `None` when there is none.
    fn read(&self, object: ObjectName) -> Pending<'_, Option<Box<dyn ObjectReader>>>;

    /// Removes an object and whatever was left of writing it; that there is none is no error.
    fn remove(&self, object: ObjectName) -> Pending<'_, ()>;
}

/// Writes one object, part by part. One that is dropped leaves nothing that anybody finds.
pub trait ObjectWriter: Send {
    /// Takes the next bytes.
    fn push(&mut self, bytes: Vec<u8>) -> Pending<'_, ()>;

    /// Makes the object: when this answers, it is durable.
    fn finish(self: Box<Self>) -> Pending<'static, ()>;

    /// Takes back what was written so far.
    fn abandon(self: Box<Self>) -> Pending<'static, ()>;
}

/// Reads one object from its beginning.
pub trait ObjectReader: Send {
    /// The next bytes, as many as come; `None` at the end.
    fn next(&mut self) -> Pending<'_, Option<Vec<u8>>>;
}
