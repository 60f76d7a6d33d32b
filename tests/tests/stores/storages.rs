//! Every storage of files is held to one contract: memory, a folder, and a real S3-compatible server.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use huntzen_adapter_files::{S3Settings, in_memory, local_folder, s3_bucket};
use huntzen_app::files::remove_due;
use huntzen_tenancy::files::{FileRemoval, FileType, ObjectName, ObjectStorage};
use huntzen_tests::{
    cast::Cast,
    clock::TestClock,
    contracts::{
        files,
        storages::{hold, read, write},
    },
    world::World,
};
use jiff::SignedDuration;
use uuid::Uuid;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("huntzen-storage-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files
}

#[actix_web::test]
async fn a_storage_that_is_away_is_asked_once() {
    let world = World::memory();
    let cast = Cast::new(&world);
    let marc = &cast.employee.0;
    for _ in 0..2 {
        let sent = files::sent(&world, marc, FileType::Document).id;
        assert!(world.tenancy.run(&marc.scope(), |tx| Ok(tx.remove_file(sent)?)).unwrap());
    }
    let removal = FileRemoval::new(
        Arc::clone(&world.tenancy),
        Arc::<TestClock>::clone(&world.clock),
        SignedDuration::from_hours(24),
    );
    let due = removal.due(10).unwrap();
    let [first, second] = due.as_slice() else { panic!("{due:?}") };
    // A folder where the object should be is no file to remove.
    let folder = Folder::new("away");
    let storage = local_folder(&folder.0).unwrap();
    write(&storage, *second, b"bytes", 2).await;
    let name = first.0.simple().to_string();
    fs::create_dir_all(folder.0.join(&name[..2]).join(&name)).unwrap();
    assert_eq!(remove_due(&removal, &storage, 10).await.unwrap(), 0);
    assert!(read(&storage, *second).await.is_some(), "what was due behind it waits as well");
    assert_eq!(removal.due(10).unwrap(), []);
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(removal.due(10).unwrap(), due);
    fs::remove_dir_all(folder.0.join(&name[..2]).join(&name)).unwrap();
    assert_eq!(remove_due(&removal, &storage, 10).await.unwrap(), 2);
    assert_eq!((read(&storage, *second).await, removal.due(10).unwrap()), (None, Vec::new()));
}

#[actix_web::test]
async fn memory_holds() {
    hold(&in_memory(), 0).await;
}

#[actix_web::test]
async fn a_folder_holds() {
    let folder = Folder::new("holds");
    hold(&local_folder(&folder.0).unwrap(), 0).await;
}

#[actix_web::test]
async fn a_folder_is_its_owners_alone_and_outlives_the_program() {
    let folder = Folder::new("owner");
    let object = ObjectName(Uuid::from_u128(1));
    write(&local_folder(&folder.0).unwrap(), object, b"bytes", 2).await;
    assert_eq!(fs::metadata(&folder.0).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(read(&local_folder(&folder.0).unwrap(), object).await.as_deref(), Some(&b"bytes"[..]));
}

/// A program that is killed leaves half an object beside its place; removing the object takes it along.
#[actix_web::test]
async fn what_a_killed_program_left_goes_with_the_object() {
    let folder = Folder::new("killed");
    let storage = local_folder(&folder.0).unwrap();
    let object = ObjectName(Uuid::from_u128(1));
    let mut writer = storage.write(object).await.unwrap();
    writer.push(vec![7; 1024 * 1024]).await.unwrap();
    std::mem::forget(writer);
    assert_eq!(files_in(&folder.0).len(), 1);
    local_folder(&folder.0).unwrap().remove(object).await.unwrap();
    assert_eq!(files_in(&folder.0), Vec::<PathBuf>::new());
}

#[actix_web::test]
async fn a_folder_that_cannot_be_written_is_said_so() {
    let folder = Folder::new("closed");
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    fs::write(&file, b"").unwrap();
    let refused = local_folder(&file.join("files")).err().unwrap();
    assert!(refused.to_string().contains("file"), "{refused}");
}

/// A server that is away is an error in time, and no panic.
#[actix_web::test]
async fn a_server_that_is_away_is_an_error() {
    let settings = S3Settings {
        bucket: "files".to_owned(),
        // Nobody listens on the discard port.
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        region: "eu-west-3".to_owned(),
        credentials: Some(("id".to_owned(), "secret".into())),
    };
    let storage = s3_bucket(&settings).unwrap();
    assert!(storage.read(ObjectName(Uuid::from_u128(1))).await.is_err());
}

/// `deploy/scripts/with-s3-server` starts the server and names it here.
#[actix_web::test]
#[ignore = "needs an S3-compatible server: `make test-full` installs and starts one"]
async fn a_bucket_holds() {
    let endpoint = std::env::var("HUNTZEN_TEST_S3").unwrap();
    let settings = S3Settings {
        bucket: "huntzen-files".to_owned(),
        endpoint: Some(endpoint),
        region: "us-east-1".to_owned(),
        credentials: Some(("testing".to_owned(), "testing".into())),
    };
    hold(&s3_bucket(&settings).unwrap(), u128::from(std::process::id()) << 64).await;
}
