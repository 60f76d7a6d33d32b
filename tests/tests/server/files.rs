//! Files through the real program: how much memory they take, and what becomes of them when it or a
//! client goes away in the middle.
use std::{
    fs,
    io::{ErrorKind, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use huntzen_app::demo;
use huntzen_tests::{
    api::forms::{Form, document},
    client::Client,
    load::process::growth_kib,
    samples,
    server::{DataFolder, Server},
};

use crate::crowd::count;

const LARGEST: usize = 10 * 1024 * 1024;
/// How long the program may take to notice that a client has gone.
const PATIENCE: Duration = Duration::from_secs(20);

fn signed_in(server: &Server<'_>) -> Client {
    server.client().with_token(server.sign_in(demo::SIGN_INS[4].1))
}

fn send(client: &mut Client, bytes: &[u8]) -> String {
    let form = document("DOCUMENT", bytes);
    let sent = client.send_bytes("POST", "/files/upload", (&Form::media(), &form.bytes())).unwrap();
    assert_eq!(sent.status, 201, "{}", sent.json());
    sent.json()["url"].as_str().unwrap().to_owned()
}

/// Everything in the folder of files.
fn objects(folder: &DataFolder) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.path().join("files")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

fn spoil_the_end(object: &Path) {
    let mut bytes = fs::read(object).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(object, bytes).unwrap();
}

#[test]
fn the_largest_file_takes_next_to_no_memory() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let mut client = signed_in(&server);
    let bytes = samples::long_pdf(LARGEST);
    // What is set up once is not what a file takes.
    let url = send(&mut client, &bytes);
    assert!(client.send("GET", &url, None).unwrap().body == bytes);
    let mut grown = [0; 3].map(|_| {
        growth_kib(server.process(), || {
            let url = send(&mut client, &bytes);
            assert!(client.send("GET", &url, None).unwrap().body == bytes);
        })
    });
    // Other work may need memory meanwhile, and more on a busy machine; what a file needs it needs every time.
    grown.sort_unstable();
    assert!(grown[0] <= 5 * 1024, "{grown:?} KiB");
    assert!(server.stop().success());
}

#[test]
fn a_download_whose_end_is_spoiled_is_cut_off() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let mut client = signed_in(&server);
    let url = send(&mut client, &samples::long_pdf(1_000_000));
    assert_eq!(client.send("GET", &url, None).unwrap().body.len(), 1_000_000);
    let objects = objects(&folder);
    let [object] = objects.as_slice() else { panic!("{objects:?}") };
    spoil_the_end(object);
    let cut = client.send("GET", &url, None).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::UnexpectedEof, "{cut}");
    assert!(server.log().contains("a file could not be sent to its end"), "{}", server.log());
    assert!(server.stop().success());
}

#[test]
fn a_client_that_goes_away_leaves_nothing() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let token = server.sign_in(demo::SIGN_INS[4].1);
    let form = document("DOCUMENT", &samples::long_pdf(LARGEST)).bytes();
    for share in [4, 2] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "POST /files/upload HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nContent-Type: {}\r\n\
             Content-Length: {}\r\n\r\n",
            Form::media(),
            form.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&form[..form.len() / share]).unwrap();
        let begun = Instant::now();
        while count(&folder, "file_uploads") == 0 {
            assert!(begun.elapsed() < PATIENCE, "the upload never began");
            sleep(Duration::from_millis(20));
        }
        drop(stream);
        while count(&folder, "file_uploads") > 0 || !objects(&folder).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{:?} is left", objects(&folder));
            sleep(Duration::from_millis(50));
        }
    }
    assert_eq!((count(&folder, "files"), count(&folder, "file_removals")), (0, 2));
    assert!(server.stop().success());
}

#[test]
fn a_program_that_is_killed_in_the_middle_can_say_what_it_left() {
    let folder = DataFolder::seeded();
    let server = folder.serve();
    let mut client = signed_in(&server);
    let kept = send(&mut client, &samples::long_pdf(200_000));
    let token = server.sign_in(demo::SIGN_INS[4].1);
    let form = document("DOCUMENT", &samples::long_pdf(LARGEST)).bytes();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /files/upload HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\nContent-Type: {}\r\n\
         Content-Length: {}\r\n\r\n",
        Form::media(),
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&form[..form.len() / 2]).unwrap();
    let begun = Instant::now();
    while objects(&folder).len() < 2 {
        assert!(begun.elapsed() < PATIENCE, "the upload never began");
        sleep(Duration::from_millis(20));
    }
    server.kill();
    let server = folder.serve();
    // The row of the upload leads to what is left of it; the file before is whole.
    assert_eq!((count(&folder, "files"), count(&folder, "file_uploads")), (1, 1));
    let mut client = signed_in(&server);
    assert_eq!(client.send("GET", &kept, None).unwrap().body.len(), 200_000);
    assert!(server.stop().success());
}
