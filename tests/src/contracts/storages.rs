//! The contract of `ObjectStorage`, held by every storage.
use huntzen_tenancy::files::{ObjectName, ObjectStorage};
use uuid::Uuid;

/// The bytes of an object; `None` without one.
///
/// # Panics
/// When the storage fails.
pub async fn read(storage: &dyn ObjectStorage, object: ObjectName) -> Option<Vec<u8>> {
    let mut reader = storage.read(object).await.unwrap()?;
    let mut bytes = Vec::new();
    while let Some(part) = reader.next().await.unwrap() {
        bytes.extend(part);
    }
    Some(bytes)
}

/// Makes an object of these bytes, so many at a time.
///
/// # Panics
/// When the storage fails.
pub async fn write(storage: &dyn ObjectStorage, object: ObjectName, bytes: &[u8], portion: usize) {
    let mut writer = storage.write(object).await.unwrap();
    for part in bytes.chunks(portion) {
        writer.push(part.to_vec()).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// All of it, each step on objects of its own beginning with `first`.
///
/// # Panics
/// When the storage does not hold it.
pub async fn hold(storage: &dyn ObjectStorage, first: u128) {
    let mut number = first;
    let mut object = || {
        number += 1;
        ObjectName(Uuid::from_u128(number))
    };
    comes_back_as_written(storage, &mut object).await;
    is_there_whole_or_not_at_all(storage, &mut object).await;
    goes_when_it_is_removed(storage, &mut object).await;
}

async fn comes_back_as_written(storage: &dyn ObjectStorage, object: &mut impl FnMut() -> ObjectName) {
    for length in [0, 1, 65_536, 65_537, 300_000, 6 * 1024 * 1024 + 3] {
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let name = object();
        write(storage, name, &bytes, 65_552).await;
        assert!(read(storage, name).await.is_some_and(|found| found == bytes), "{length} bytes");
        // Read again, by two at once.
        let (one, other) = futures_util::future::join(read(storage, name), read(storage, name)).await;
        assert!(one.is_some() && one == other);
    }
    assert_eq!(read(storage, object()).await, None, "what was never written is not there");
}

async fn is_there_whole_or_not_at_all(storage: &dyn ObjectStorage, object: &mut impl FnMut() -> ObjectName) {
    for length in [1_000, 6 * 1024 * 1024] {
        let (name, abandoned, dropped) = (object(), object(), object());
        let mut writers = Vec::new();
        for one in [name, abandoned, dropped] {
            let mut writer = storage.write(one).await.unwrap();
            writer.push(vec![7; length]).await.unwrap();
            assert_eq!(read(storage, one).await, None, "half an object is none");
            writers.push(writer);
        }
        drop(writers.pop());
        writers.pop().unwrap().abandon().await.unwrap();
        writers.pop().unwrap().finish().await.unwrap();
        assert_eq!(read(storage, name).await.map(|bytes| bytes.len()), Some(length));
        for one in [abandoned, dropped] {
            assert_eq!(read(storage, one).await, None);
            storage.remove(one).await.unwrap();
        }
    }
}

async fn goes_when_it_is_removed(storage: &dyn ObjectStorage, object: &mut impl FnMut() -> ObjectName) {
    let (name, other) = (object(), object());
    write(storage, name, b"one", 10).await;
    write(storage, other, b"other", 10).await;
    storage.remove(name).await.unwrap();
    assert_eq!(read(storage, name).await, None);
    storage.remove(name).await.unwrap();
    assert_eq!(read(storage, other).await.as_deref(), Some(&b"other"[..]));
}
