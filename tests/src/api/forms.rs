//! Forms with files, as browsers send them (RFC 7578).
use actix_web::test::TestRequest;

use super::{Answer, ApiWorld, NOBODY};

/// What parts the parts: in no file of the tests.
const BOUNDARY: &str = "----huntzen-part-7d1f";

/// A form to send.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// One that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes())
    }

    /// The same with a file, called `name`, declared as `media`.
    #[must_use]
    pub fn file(self, name: &str, media: &str, bytes: &[u8]) -> Self {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        let head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media}");
        self.part(&head, bytes)
    }

    /// The same with a part that has this head.
    #[must_use]
    pub fn part(mut self, head: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Its media type.
    pub fn media() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// As it travels.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.0, format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }
}

/// A document of this type, called `a.pdf`.
pub fn document(kind: &str, bytes: &[u8]) -> Form {
    Form::new().text("fileType", kind).file("a.pdf", "application/pdf", bytes)
}

impl ApiWorld {
    /// Sends a form to `/files/upload` as `who`.
    pub async fn upload(&self, who: &str, form: &Form) -> Answer {
        self.upload_bytes(who, form.bytes()).await
    }

    /// The same, with the form as it travels.
    pub async fn upload_bytes(&self, who: &str, bytes: Vec<u8>) -> Answer {
        let mut request = TestRequest::post().uri("/files/upload");
        if who != NOBODY {
            request = request.insert_header(("authorization", format!("Bearer {}", self.token_of(who).await)));
        }
        self.send(request.insert_header(("content-type", Form::media())).set_payload(bytes)).await
    }
}
