//! Why a socket closes, and the code that says so (RFC 6455 §7.4).
use actix_ws::{CloseCode, CloseReason};

/// Why a socket closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The peer closed it; its code, if it gave one, is repeated.
    ByPeer(Option<u16>),
    /// The connection is gone: there is nobody to tell.
    Lost,
    /// 1001: the server stops, or the peer has been silent for too long.
    GoingAway,
    /// 1002: the peer broke the protocol.
    ProtocolError,
    /// 1003: a binary message.
    Unsupported,
    /// 1007: a text that is not UTF-8.
    InvalidText,
    /// 1008: too many events.
    TooManyEvents,
    /// 1009: a message over the limit.
    TooBig,
    /// 1011: a defect of ours.
    Defect,
    /// 1013: the peer reads too slowly; its queue is full.
    TooSlow,
    /// 4401: the session has ended, or its account may not act any more.
    SignedOut,
    /// 4403: a participant has lost access.
    Barred,
}

impl Closing {
    /// The code of the close frame; `None` for a frame without one.
    pub const fn code(self) -> Option<u16> {
        match self {
            Self::ByPeer(code) => code,
            Self::Lost => None,
            Self::GoingAway => Some(1001),
            Self::ProtocolError => Some(1002),
            Self::Unsupported => Some(1003),
            Self::InvalidText => Some(1007),
            Self::TooManyEvents => Some(1008),
            Self::TooBig => Some(1009),
            Self::Defect => Some(1011),
            Self::TooSlow => Some(1013),
            Self::SignedOut => Some(4401),
            Self::Barred => Some(4403),
        }
    }

    /// The reason in a word, for the metrics; what a peer says as its code is none.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::ByPeer(_) => "peer",
            Self::Lost => "lost",
            Self::GoingAway => "going_away",
            Self::ProtocolError => "protocol_error",
            Self::Unsupported => "unsupported",
            Self::InvalidText => "invalid_text",
            Self::TooManyEvents => "too_many_events",
            Self::TooBig => "too_big",
            Self::Defect => "defect",
            Self::TooSlow => "too_slow",
            Self::SignedOut => "signed_out",
            Self::Barred => "barred",
        }
    }

    /// Whether what waits in the queue is sent before the close frame: the answers to what the
    /// peer sent before it closed or erred are. Who may not act any more gets nothing further,
    /// and who reads too slowly would not read it.
    pub(super) const fn empties_the_queue(self) -> bool {
        match self {
            Self::ByPeer(_)
            | Self::GoingAway
            | Self::ProtocolError
            | Self::Unsupported
            | Self::InvalidText
            | Self::TooManyEvents
            | Self::TooBig => true,
            Self::Lost | Self::Defect | Self::TooSlow | Self::SignedOut | Self::Barred => false,
        }
    }

    /// The content of the close frame.
    pub(super) fn reason(self) -> Option<CloseReason> {
        self.code().map(|code| CloseCode::from(code).into())
    }
}
