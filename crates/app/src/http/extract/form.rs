//! Forms as browsers send files with them (`multipart/form-data`, RFC 7578), read part by part.
use std::{
    cell::{Cell, RefCell},
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context as Task, Poll},
    time::Duration,
};

use actix_multipart::{Field, Multipart};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    web::{Bytes, Data},
};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::body::declared_length;
use crate::{
    http::problem::{Code, FieldProblem, Problem},
    state::Edge,
};

/// What a form has around its file: boundaries, heads, the other fields.
const AROUND_THE_FILE: usize = 16 * 1024;

/// The longest text of a field beside the file, in bytes.
const LONGEST_TEXT: usize = 256;

/// How long a refused client may go on sending, so that it hears why it was refused.
const PARTING: Duration = Duration::from_secs(5);

/// A form that arrives.
pub struct Form {
    parts: Multipart,
    source: Rc<Source>,
}

/// The bytes of the request.
struct Source {
    payload: RefCell<Payload>,
    left: Cell<usize>,
    is_over: Cell<bool>,
}

/// Hands them to the parser.
struct Portions(Rc<Source>);

impl Stream for Portions {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        let source = &self.0;
        let next = Pin::new(&mut *source.payload.borrow_mut()).poll_next(task);
        let Poll::Ready(Some(Ok(portion))) = &next else { return next };
        let Some(left) = source.left.get().checked_sub(portion.len()) else {
            source.is_over.set(true);
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        };
        source.left.set(left);
        next
    }
}

impl Form {
    fn of(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        if !request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
        Self::with_a_file(request, payload, edge.max_file_bytes)
    }

    /// A form whose file has at most so many bytes.
    ///
    /// # Errors
    /// `payload_too_large` when more is declared.
    pub(super) fn with_a_file(request: &HttpRequest, payload: &mut Payload, most: usize) -> Result<Self, Problem> {
        let most = most.saturating_add(AROUND_THE_FILE);
        declared_length(request, most)?;
        let source =
            Rc::new(Source { payload: RefCell::new(payload.take()), left: Cell::new(most), is_over: Cell::new(false) });
        Ok(Self { parts: Multipart::new(request.headers(), Portions(Rc::clone(&source))), source })
    }

    /// The next part; the one before must have been read.
    ///
    /// # Errors
    /// `malformed_form`, `payload_too_large`.
    pub async fn next(&mut self) -> Result<Option<Field>, Problem> {
        let next = self.parts.next().await.transpose();
        next.map_err(|error| self.refused(error.to_string()))
    }

    /// What is said of a part that the form does not have.
    pub fn unknown(part: &Field) -> Problem {
        let name = part.name().unwrap_or_default().chars().filter(|letter| !letter.is_control());
        Problem::invalid_field(name.take(64).collect::<String>(), "unknown_field")
    }

    /// The next bytes of a part.
    ///
    /// # Errors
    /// The same.
    pub async fn bytes_of(&self, part: &mut Field) -> Result<Option<Bytes>, Problem> {
        let next = part.next().await.transpose();
        next.map_err(|error| self.refused(error.to_string()))
    }

    /// The short text of a part.
    ///
    /// # Errors
    /// The same; `too_long`, `invalid_characters` of this field.
    pub async fn text_of(&self, part: &mut Field, name: &'static str) -> Result<Result<String, FieldProblem>, Problem> {
        let mut text = Vec::new();
        let mut is_long = false;
        while let Some(bytes) = self.bytes_of(part).await? {
            is_long |= text.len() + bytes.len() > LONGEST_TEXT;
            if !is_long {
                text.extend_from_slice(&bytes);
            }
        }
        if is_long {
            return Ok(Err(FieldProblem::new(name, "too_long")));
        }
        Ok(String::from_utf8(text).or(Err(FieldProblem::new(name, "invalid_characters"))))
    }

    /// Lets what still comes pass by, within its bounds.
    pub async fn let_pass(&mut self) {
        let mut portions = Portions(Rc::clone(&self.source));
        let passing = async { while let Some(Ok(_)) = portions.next().await {} };
        // Whoever takes longer is cut off.
        drop(timeout(PARTING, passing).await);
    }

    fn refused(&self, cause: String) -> Problem {
        let code = if self.source.is_over.get() { Code::PayloadTooLarge } else { Code::MalformedForm };
        Problem::new(code).because(cause)
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Self::of(request, payload))
    }
}
