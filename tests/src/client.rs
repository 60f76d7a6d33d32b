//! A small HTTP/1.1 client (RFC 9112) for races, faults and load: one connection, one request at
//! a time, next to no processor time of its own, so that a measurement shows the server's.
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long the answer to a file may take.
const FILE_PATIENCE: Duration = Duration::from_mins(5);

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    token: Option<String>,
    key: Option<String>,
}

impl Client {
    /// A client of the server at `address`; it connects with the first request.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, token: None, key: None }
    }

    /// Sends this access token from now on.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sends this `Idempotency-Key`, or none, from now on.
    pub fn set_key(&mut self, key: Option<&str>) {
        self.key = key.map(str::to_owned);
    }

    /// Sends one request and waits for its answer. A connection that the server closed while it
    /// was idle is opened anew once.
    ///
    /// # Errors
    /// When the server cannot be reached, or the connection ends before the answer does.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let media = if body.is_empty() { "" } else { "application/json" };
        self.send_bytes(method, path, (media, body.as_bytes()))
    }

    /// The same with a body of this media type.
    ///
    /// # Errors
    /// The same.
    pub fn send_bytes(&mut self, method: &str, path: &str, body: (&str, &[u8])) -> io::Result<Answer> {
        let fresh = self.stream.is_none();
        match self.exchange(method, path, body) {
            Err(error) if !fresh && error.kind() == io::ErrorKind::NotConnected => self.exchange(method, path, body),
            done => done,
        }
    }

    /// The same on a connection of its own, with the patience that a long file takes.
    ///
    /// # Errors
    /// The same.
    pub fn send_file(&mut self, path: &str, kind: &str, file: &[u8]) -> io::Result<Answer> {
        let stream = self.connect()?;
        stream.get_ref().set_read_timeout(Some(FILE_PATIENCE))?;
        self.stream = Some(stream);
        let answer = self.exchange("POST", path, (kind, file));
        self.stream = None;
        answer
    }

    fn exchange(&mut self, method: &str, path: &str, (media, body): (&str, &[u8])) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.address, body.len());
        if let Some(token) = &self.token {
            request.push_str("Authorization: Bearer ");
            request.push_str(token);
            request.push_str("\r\n");
        }
        if let Some(key) = &self.key {
            request.push_str("Idempotency-Key: ");
            request.push_str(key);
            request.push_str("\r\n");
        }
        if !media.is_empty() {
            request.push_str("Content-Type: ");
            request.push_str(media);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let request = [request.as_bytes(), body].concat();
        stream.get_mut().write_all(&request).map_err(idle_close)?;
        let answer = read_answer(&mut stream)?;
        if answer.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(BufReader::new(stream))
    }
}

fn idle_close(error: io::Error) -> io::Error {
    if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
        io::Error::new(io::ErrorKind::NotConnected, error)
    } else {
        error
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut line = String::new();
    if stream.read_line(&mut line).map_err(idle_close)? == 0 {
        return Err(io::ErrorKind::NotConnected.into());
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(malformed)?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    if answer.header("transfer-encoding") == Some("chunked") {
        read_chunks(stream, &mut answer.body)?;
    } else {
        let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}

fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let length =
            u64::from_str_radix(line.trim(), 16).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        io::copy(&mut stream.by_ref().take(length), body)?;
        line.clear();
        stream.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}
