//! The little of PostgreSQL's protocol (version 3.0) that asking one question needs: the app has
//! no database client of its own, and the programs of the server need not include one.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The first column of the last row that a statement answers, or the server's refusal.
pub fn ask(socket_folder: &Path, sql: &str) -> Result<String, String> {
    answer(socket_folder, sql).map_err(|error| error.to_string())?
}

/// As [`ask`], again and again while there is no server to answer.
pub fn ask_until_answered(socket_folder: &Path, sql: &str) -> String {
    let started = Instant::now();
    loop {
        match ask(socket_folder, sql) {
            Ok(answer) => return answer,
            Err(error) if started.elapsed() > Duration::from_secs(30) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn answer(socket_folder: &Path, sql: &str) -> std::io::Result<Result<String, String>> {
    let mut server = UnixStream::connect(socket_folder.join(".s.PGSQL.5432"))?;
    server.set_read_timeout(Some(Duration::from_secs(20)))?;
    let hello = b"\0\x03\0\0user\0huntzen_owner\0database\0huntzen\0\0";
    server.write_all(&length(hello.len()))?;
    server.write_all(hello)?;
    let mut asked = false;
    let mut value = String::new();
    loop {
        let (kind, body) = message(&mut server)?;
        match kind {
            b'E' => return Ok(Err(String::from_utf8_lossy(&body).replace('\0', " "))),
            // A row: number of columns, then the length of the first one and its text.
            b'D' => value = String::from_utf8_lossy(body.get(6..).unwrap_or_default()).into_owned(),
            b'Z' if asked => return Ok(Ok(value)),
            b'Z' => {
                server.write_all(b"Q")?;
                server.write_all(&length(sql.len() + 1))?;
                server.write_all(sql.as_bytes())?;
                server.write_all(b"\0")?;
                asked = true;
            }
            _ => {}
        }
    }
}

/// A length as the protocol counts it: its own four bytes included.
fn length(body: usize) -> [u8; 4] {
    u32::try_from(body + 4).unwrap().to_be_bytes()
}

fn message(server: &mut UnixStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    server.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    server.read_exact(&mut body)?;
    Ok((kind, body))
}
