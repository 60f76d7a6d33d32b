//! A small WebSocket client (RFC 6455) of our own: it says what it is told to, right or wrong, and
//! shows what comes back, frame by frame.
use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use crate::asyncapi::live_document;

/// The longest wait for the next frame.
const PATIENCE: Duration = Duration::from_secs(20);

static ASKED: AtomicU64 = AtomicU64::new(1);

/// A frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text.
    Text(String),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close with its code, if it has one.
    Close(Option<u16>),
    /// The end of the TCP connection.
    End,
}

/// An open socket.
#[derive(Debug)]
pub struct WebSocket {
    stream: TcpStream,
    unread: Vec<u8>,
    waiting: VecDeque<Value>,
    address: String,
    told: BTreeSet<(String, String)>,
    /// The header of the answer to the upgrade.
    pub head: String,
}

/// The answer to an upgrade that was refused: its status and its head with what came of the body.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The status code.
    pub status: u16,
    /// The head and the beginning of the body.
    pub text: String,
}

impl WebSocket {
    /// Opens a socket at `path` with these header lines.
    ///
    /// # Errors
    /// `Refused` when the server answers with another status than 101.
    pub fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, Refused> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            let mut body = vec![0; 4096];
            let length = stream.read(&mut body).unwrap_or(0);
            return Err(Refused { status, text: format!("{head}{}", String::from_utf8_lossy(&body[..length])) });
        }
        let address = path.split('?').next().unwrap().to_owned();
        Ok(Self { stream, unread: Vec::new(), waiting: VecDeque::new(), address, told: BTreeSet::new(), head })
    }

    /// Opens a socket with an access token.
    pub fn signed_in(address: SocketAddr, path: &str, token: &str) -> Self {
        Self::open(address, path, &[("Authorization", &format!("Bearer {token}"))]).unwrap()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends one masked frame with this first byte.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_frame(&mut self, first: u8, content: &[u8]) -> io::Result<()> {
        self.send_raw(&frame(first, content))
    }

    /// Sends a text.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_text(&mut self, text: &str) -> io::Result<()> {
        self.send_frame(0x81, text.as_bytes())
    }

    /// Sends an event with this id.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_event(&mut self, event: &str, id: &str, data: &Value) -> io::Result<()> {
        self.send_text(&json!({ "event": event, "id": id, "data": data }).to_string())
    }

    /// Sends an event and answers the data of its acknowledgement, or of its error with a `code`.
    /// What else comes before it waits. It has to be an answer that the document knows.
    pub fn ask(&mut self, event: &str, data: &Value) -> Value {
        // Another one for each question of any socket: ids make messages idempotent.
        let id = format!("ask-{}", ASKED.fetch_add(1, Ordering::Relaxed));
        self.send_event(event, &id, data).unwrap();
        let answer = self.find(|frame| frame["id"] == id);
        let objection = live_document().objection_to_answer(&self.address, event, &answer);
        assert_eq!(objection, None, "{event} {data}");
        answer["data"].clone()
    }

    /// The next acknowledgement or error, whatever it answers.
    pub fn answered(&mut self) -> Value {
        self.find(|frame| frame["event"] == "ack" || frame["event"] == "error")
    }

    /// The data of the answer to the event with this id.
    pub fn answer(&mut self, id: &str) -> Value {
        let found = self.find(|frame| frame["id"] == id);
        found["data"].clone()
    }

    /// The data of the next event of this name; others wait.
    pub fn event(&mut self, name: &str) -> Value {
        let found = self.find(|frame| frame["event"] == name);
        found["data"].clone()
    }

    /// Every event of this name that has come before the answer to an event sent now.
    pub fn events_so_far(&mut self, name: &str) -> Vec<Value> {
        let refusal = self.ask("nothing:known", &json!({}));
        assert_eq!(refusal["code"], "invalid_event");
        let (wanted, others): (Vec<_>, Vec<_>) = self.waiting.drain(..).partition(|frame| frame["event"] == name);
        self.waiting = others.into();
        wanted.into_iter().map(|frame| frame["data"].clone()).collect()
    }

    fn find(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            match self.hear() {
                Frame::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(live_document().objection(&self.address, &frame), None);
                    let event = frame["event"].as_str().unwrap().to_owned();
                    self.told.insert((self.address.clone(), event));
                    if wanted(&frame) {
                        return frame;
                    }
                    self.waiting.push_back(frame);
                }
                Frame::Ping(content) => self.send_frame(0x8a, &content).unwrap(),
                Frame::Pong(_) => {}
                end @ (Frame::Close(_) | Frame::End) => panic!("{end:?} came before what was waited for"),
            }
        }
    }

    /// The events that have been heard, each with the socket's path.
    pub fn told(&self) -> BTreeSet<(String, String)> {
        self.told.clone()
    }

    /// The code with which the server closes, after whatever comes before; `None` when the
    /// connection just ends, or without a code.
    pub fn closing(&mut self) -> Option<u16> {
        loop {
            match self.hear() {
                Frame::Close(code) => return code,
                Frame::End => return None,
                Frame::Text(_) | Frame::Ping(_) | Frame::Pong(_) => {}
            }
        }
    }

    /// The next frame.
    pub fn hear(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.whole() {
                return frame;
            }
            let mut piece = [0; 8 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return Frame::End,
                Ok(length) => self.unread.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Frame::End,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }

    fn whole(&mut self) -> Option<Frame> {
        let (first, second) = (*self.unread.first()?, *self.unread.get(1)?);
        assert!(second < 128, "a server masks nothing");
        let (head, length) = match second {
            126 => (4, usize::from(u16::from_be_bytes(*self.unread.get(2..4)?.first_chunk().unwrap()))),
            127 => {
                let length = u64::from_be_bytes(*self.unread.get(2..10)?.first_chunk().unwrap());
                (10, usize::try_from(length).unwrap())
            }
            short => (2, usize::from(short)),
        };
        let content = self.unread.get(head..head + length)?.to_vec();
        self.unread.drain(..head + length);
        Some(match first {
            0x81 => Frame::Text(String::from_utf8(content).unwrap()),
            0x88 => Frame::Close(content.first_chunk().map(|code| u16::from_be_bytes(*code))),
            0x89 => Frame::Ping(content),
            0x8a => Frame::Pong(content),
            other => panic!("a frame that begins with {other:#x}"),
        })
    }
}

/// A masked frame (§5.2) with this first byte.
pub fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match content.len() {
        short @ 0..126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..0x1_0000 => {
            bytes.push(0x80 | 0x7e);
            bytes.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 0x7f);
            bytes.extend_from_slice(&u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(content.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
