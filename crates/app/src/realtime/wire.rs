//! What a peer sends, taken apart to the letter of RFC 6455 §5: no byte of a frame is waited for
//! that would be refused, so a giant length costs nothing.
use actix_web::web::{Bytes, BytesMut};

use super::Closing;

/// The longest message, reassembled, in bytes.
pub(super) const LONGEST_MESSAGE: usize = 64 * 1024;
/// The longest content of a control frame (§5.5).
const LONGEST_CONTROL: u64 = 125;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Something whole that the peer sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A message, reassembled.
    Text(String),
    /// A fragment of a message that goes on; its length.
    Fragment(usize),
    /// To be answered with the same content.
    Ping(Bytes),
    /// The answer to a ping.
    Pong,
    /// The peer closes, with this code.
    Close(Option<u16>),
}

/// Takes the bytes of one connection apart.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    unread: BytesMut,
    /// The fragments of the message that goes on, and how many of its bytes are known to be UTF-8.
    message: Option<(Vec<u8>, usize)>,
}

/// The head of a frame.
struct Head {
    size: usize,
    is_last: bool,
    opcode: u8,
    length: usize,
    mask: [u8; 4],
}

impl Decoder {
    /// Takes in what arrived.
    pub(super) fn feed(&mut self, bytes: Bytes) {
        if self.unread.is_empty() {
            // What is alone in its allocation is taken over without a copy.
            self.unread = BytesMut::from(bytes);
        } else {
            self.unread.extend_from_slice(&bytes);
        }
    }

    /// The next whole thing; `None` when more bytes are needed.
    ///
    /// # Errors
    /// Why the socket must be closed. Nothing may be asked after that.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>, Closing> {
        let Some(head) = self.head()? else { return Ok(None) };
        let whole = head.size + head.length;
        if self.unread.len() < whole {
            return Ok(None);
        }
        let mut frame = self.unread.split_to(whole);
        if self.unread.is_empty() {
            // An idle connection keeps no buffer.
            self.unread = BytesMut::new();
        }
        let mut content = frame.split_off(head.size);
        for (byte, mask) in content.iter_mut().zip(head.mask.iter().cycle()) {
            *byte ^= mask;
        }
        match head.opcode {
            CLOSE => close(&content).map(Some),
            PING => Ok(Some(Incoming::Ping(content.freeze()))),
            PONG => Ok(Some(Incoming::Pong)),
            _ => self.fragment(&content, head.is_last).map(Some),
        }
    }

    /// The head of the next frame, refused as soon as it is known to be wrong.
    fn head(&self) -> Result<Option<Head>, Closing> {
        let Some(&[first, second]) = self.unread.first_chunk::<2>() else { return Ok(None) };
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        // No extension is offered, so the reserved bits mean nothing; and a client must mask.
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(Closing::ProtocolError);
        }
        let Some((length_of_length, length)) = self.length(second & 0x7f)? else { return Ok(None) };
        match opcode {
            CLOSE | PING | PONG if is_last && length <= LONGEST_CONTROL => {}
            CONTINUATION if self.message.is_some() => {}
            TEXT if self.message.is_none() => {}
            BINARY if self.message.is_none() => return Err(Closing::Unsupported),
            _ => return Err(Closing::ProtocolError),
        }
        let before = self.message.as_ref().filter(|_| opcode == CONTINUATION).map_or(0, |(message, _)| message.len());
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST_MESSAGE.saturating_sub(before));
        let Some(length) = length else { return Err(Closing::TooBig) };
        let at = 2 + length_of_length;
        let Some(mask) = self.unread.get(at..).and_then(<[u8]>::first_chunk::<4>) else { return Ok(None) };
        Ok(Some(Head { size: at + 4, is_last, opcode, length, mask: *mask }))
    }

    /// How many further bytes the length takes, and the length (§5.2: as short as possible, and
    /// without a sign).
    fn length(&self, short: u8) -> Result<Option<(usize, u64)>, Closing> {
        let further = self.unread.get(2..).unwrap_or_default();
        let (taken, length, least) = match short {
            126 => {
                let Some(bytes) = further.first_chunk::<2>() else { return Ok(None) };
                (2, u64::from(u16::from_be_bytes(*bytes)), 126)
            }
            127 => {
                let Some(bytes) = further.first_chunk::<8>() else { return Ok(None) };
                (8, u64::from_be_bytes(*bytes), 1 << 16)
            }
            short => (0, u64::from(short), 0),
        };
        if length < least || length >> 63 != 0 {
            return Err(Closing::ProtocolError);
        }
        Ok(Some((taken, length)))
    }

    /// Adds a fragment to its message. What is not UTF-8 is refused with its fragment (§8.1).
    fn fragment(&mut self, content: &[u8], is_last: bool) -> Result<Incoming, Closing> {
        let (mut message, known) = self.message.take().unwrap_or_default();
        message.extend_from_slice(content);
        let known = match std::str::from_utf8(message.get(known..).unwrap_or_default()) {
            Ok(_) => message.len(),
            Err(error) if error.error_len().is_some() || is_last => return Err(Closing::InvalidText),
            Err(error) => known + error.valid_up_to(),
        };
        if is_last {
            // Every byte was looked at, so this copies and refuses nothing.
            return String::from_utf8(message).map(Incoming::Text).map_err(|_invalid| Closing::InvalidText);
        }
        self.message = Some((message, known));
        Ok(Incoming::Fragment(content.len()))
    }
}

/// The content of a close frame (§5.5.1, §7.4): nothing, or a code with a reason.
fn close(content: &[u8]) -> Result<Incoming, Closing> {
    let Some((code, reason)) = content.split_first_chunk::<2>() else {
        return if content.is_empty() { Ok(Incoming::Close(None)) } else { Err(Closing::ProtocolError) };
    };
    let code = u16::from_be_bytes(*code);
    // 1004 to 1006 and 1015 are never sent; 1012 to 1014 were registered after the RFC.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Closing::ProtocolError);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Incoming::Close(Some(code))),
        Err(_) => Err(Closing::InvalidText),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

    /// A masked frame with these first two bits of its head.
    fn frame(first: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match content.len() {
            short @ 0..=125 => bytes.push(0x80 | u8::try_from(short).unwrap()),
            middle @ 126..=0xffff => {
                bytes.push(0x80 | 0x7e);
                bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 0x7f);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(content.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    /// Everything that comes of these bytes, fed in pieces of `size`.
    fn decoded(bytes: &[u8], size: usize) -> (Vec<Incoming>, Option<Closing>) {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.feed(Bytes::copy_from_slice(piece));
            loop {
                match decoder.next() {
                    Ok(Some(incoming)) => found.push(incoming),
                    Ok(None) => break,
                    Err(closing) => return (found, Some(closing)),
                }
            }
        }
        (found, None)
    }

    fn refusal(bytes: &[u8]) -> Option<Closing> {
        let whole = decoded(bytes, bytes.len()).1;
        assert_eq!(decoded(bytes, 1).1, whole, "the pieces decide");
        whole
    }

    #[test]
    fn messages_of_every_length_arrive_in_whatever_pieces() {
        for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536] {
            let text = "x".repeat(length);
            let bytes = frame(0x81, text.as_bytes());
            for size in [bytes.len(), 1_000, 7] {
                assert_eq!(decoded(&bytes, size), (vec![Incoming::Text(text.clone())], None), "{length} by {size}");
            }
        }
    }

    #[test]
    fn fragments_make_one_message_with_control_frames_between() {
        let mut bytes = frame(0x01, "é".as_bytes().split_at(1).0);
        bytes.extend(frame(0x89, b"are you there"));
        bytes.extend(frame(0x00, "é".as_bytes().split_at(1).1));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x80, b"!"));
        let expected = vec![
            Incoming::Fragment(1),
            Incoming::Ping(Bytes::from_static(b"are you there")),
            Incoming::Fragment(1),
            Incoming::Pong,
            Incoming::Text("é!".to_owned()),
        ];
        assert_eq!(decoded(&bytes, 1), (expected, None));
    }

    #[test]
    fn what_breaks_the_protocol_is_1002() {
        for rsv in [0x40, 0x20, 0x10] {
            assert_eq!(refusal(&frame(0x81 | rsv, b"")), Some(Closing::ProtocolError));
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(refusal(&frame(0x80 | opcode, b"")), Some(Closing::ProtocolError), "opcode {opcode}");
        }
        assert_eq!(refusal(&[0x81, 0x01, b'x']), Some(Closing::ProtocolError), "unmasked");
        for control in [0x88, 0x89, 0x8a] {
            assert_eq!(refusal(&frame(control, &[b'x'; 126])), Some(Closing::ProtocolError), "long control frame");
            assert_eq!(refusal(&frame(control & 0x0f, b"")), Some(Closing::ProtocolError), "fragmented control frame");
        }
        assert_eq!(refusal(&frame(0x80, b"x")), Some(Closing::ProtocolError), "nothing to go on with");
        let twice = [frame(0x01, b"x"), frame(0x81, b"x")].concat();
        assert_eq!(refusal(&twice), Some(Closing::ProtocolError), "a message within a message");
    }

    #[test]
    fn lengths_must_be_as_short_as_possible() {
        assert_eq!(refusal(&[0x81, 0x80 | 0x7e, 0, 125]), Some(Closing::ProtocolError));
        assert_eq!(refusal(&[0x81, 0x80 | 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), Some(Closing::ProtocolError));
        assert_eq!(refusal(&[0x81, 0x80 | 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0]), Some(Closing::ProtocolError));
    }

    #[test]
    fn a_giant_length_is_refused_before_its_content_comes() {
        assert_eq!(refusal(&[0x81, 0x80 | 0x7f, 0, 0, 0, 0, 0, 1, 0, 1]), Some(Closing::TooBig));
        assert_eq!(
            refusal(&[0x81, 0x80 | 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Some(Closing::TooBig)
        );
        let head = |first: u8, length: u16| {
            let mut bytes = vec![first, 0x80 | 0x7e];
            bytes.extend(length.to_be_bytes());
            bytes
        };
        let mut reassembled = frame(0x01, &vec![b'x'; 40_000]);
        reassembled.extend(head(0x80, 25_537));
        assert_eq!(refusal(&reassembled), Some(Closing::TooBig));
    }

    #[test]
    fn binary_is_1003() {
        assert_eq!(refusal(&frame(0x82, b"x")), Some(Closing::Unsupported));
        assert_eq!(refusal(&frame(0x02, b"x")), Some(Closing::Unsupported));
    }

    #[test]
    fn what_is_not_utf_8_is_1007_as_early_as_its_fragment() {
        assert_eq!(refusal(&frame(0x81, b"\xff")), Some(Closing::InvalidText));
        assert_eq!(refusal(&frame(0x01, b"\xed\xa0\x80")), Some(Closing::InvalidText), "a surrogate");
        assert_eq!(refusal(&frame(0x81, b"\xc3")), Some(Closing::InvalidText), "cut off");
        let halves = [frame(0x01, b"\xc3"), frame(0x80, b"\x28")].concat();
        assert_eq!(refusal(&halves), Some(Closing::InvalidText));
        assert_eq!(refusal(&frame(0x88, b"\x03\xe8\xff")), Some(Closing::InvalidText), "the reason of a close");
    }

    #[test]
    fn close_frames_carry_nothing_or_a_code_that_may_be_sent() {
        assert_eq!(decoded(&frame(0x88, b""), 1).0, [Incoming::Close(None)]);
        for code in [1000_u16, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            let content = [&code.to_be_bytes()[..], "adieu ✓".as_bytes()].concat();
            assert_eq!(decoded(&frame(0x88, &content), 3).0, [Incoming::Close(Some(code))]);
        }
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            assert_eq!(refusal(&frame(0x88, &code.to_be_bytes())), Some(Closing::ProtocolError), "{code}");
        }
        assert_eq!(refusal(&frame(0x88, b"x")), Some(Closing::ProtocolError), "half a code");
    }
}
