//! Problem details (RFC 9457): what a client is told when a request fails, and the only mapping
//! from the domains' errors to HTTP.
use std::{borrow::Cow, error::Error, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use huntzen_booking::error::BookingError;
use huntzen_clinical::ClinicalError;
use huntzen_metrics::MetricsError;
use huntzen_tenancy::{
    FieldError, StoreError, TenancyError, files::StorageError, idempotency::Answer, policy::Forbidden,
    sealing::SecretText,
};
use serde::Serialize;

pub use super::texts::Code;
use super::texts::field_text;
use super::{language::Language, limits};
use crate::files::{self, Unfit};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// When to come back with a key of which too many are kept, in seconds: they are kept for a day, and every hour
/// some are over.
const ANSWERS_LAST: u32 = 3_600;

/// One refused field or parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// Its JSON name, with a path when it is nested (`items[2].email`); empty for the whole body.
    pub field: Cow<'static, str>,
    /// Why, as a stable `snake_case` word.
    pub code: Cow<'static, str>,
}

impl FieldProblem {
    /// `field` is refused because of `code`.
    pub fn new(field: impl Into<Cow<'static, str>>, code: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), code: code.into() }
    }
}

/// Why a request failed. The edge adds the language and the request's id when it renders it.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    errors: Vec<FieldProblem>,
    retry_after: Option<u32>,
    /// The most of the limit that refused.
    limit: Option<u32>,
    allow: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code) -> Self {
        let retry_after = match code.status() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some(1),
            _ => None,
        };
        Self { code, errors: Vec::new(), retry_after, limit: None, allow: None, source: None }
    }

    /// Refused fields or parameters.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        Self { errors, ..Self::new(Code::ValidationFailed) }
    }

    /// One refused field or parameter.
    pub fn invalid_field(field: impl Into<Cow<'static, str>>, code: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(vec![FieldProblem::new(field, code)])
    }

    /// A defect; its cause is logged and never shown.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal).because(cause)
    }

    /// The same, with a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The same, worth trying again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// More attempts have failed than `most`; another is made after so many seconds.
    fn too_many_attempts(most: u32, seconds: u32) -> Self {
        Self { limit: Some(most), ..Self::new(Code::TooManyRequests).retry_after(seconds) }
    }

    /// A path that is known, but not with this method; `methods` go into `Allow`.
    pub fn method_not_allowed(methods: String) -> Self {
        Self { allow: Some(methods), ..Self::new(Code::MethodNotAllowed) }
    }

    /// The kind of problem.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The refused fields.
    pub fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }

    /// The nearest kind for a status that was answered without a problem of its own.
    pub fn for_status(status: StatusCode) -> Self {
        Self::new(match status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::Forbidden,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
            StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
            StatusCode::CONFLICT => Code::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            StatusCode::UPGRADE_REQUIRED => Code::UpgradeRequired,
            StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            other if other.is_server_error() => Code::Internal,
            _ => Code::BadRequest,
        })
    }

    /// The answer, in `language`, to the request with this id.
    pub fn render(&self, language: Language, request_id: &str) -> HttpResponse {
        let body = self.body(language, request_id);
        let mut answer = self.headers();
        answer.insert_header((header::CONTENT_LANGUAGE, language.tag()));
        answer.append_header((header::VARY, "accept-language"));
        let mut answer = answer.json(body);
        // `json` keeps a type that is set, but this one must win whatever was set before.
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        answer
    }

    /// The same answer, to be kept.
    ///
    /// # Errors
    /// `internal` when it has no JSON.
    pub fn answer(&self, language: Language, request_id: &str) -> Result<Answer, Self> {
        let body = serde_json::to_string(&self.body(language, request_id)).map_err(Self::internal)?;
        Ok(Answer {
            status: self.code.status().as_u16(),
            content_type: MEDIA_TYPE.to_owned(),
            language: Some(language.tag().to_owned()),
            location: None,
            body: SecretText::new(body),
        })
    }

    fn body<'a>(&'a self, language: Language, request_id: &'a str) -> ProblemBody<'a> {
        let (title, detail) = self.code.texts(language);
        let errors = self.errors.iter().map(|error| ErrorBody {
            field: &error.field,
            code: &error.code,
            message: field_text(&error.code, language),
        });
        ProblemBody {
            kind: format!("urn:huntzen:problem:{}", self.code.as_str()),
            title,
            status: self.code.status().as_u16(),
            detail,
            code: self.code.as_str(),
            request_id,
            errors: errors.collect(),
        }
    }

    fn headers(&self) -> actix_web::HttpResponseBuilder {
        let mut answer = HttpResponse::build(self.code.status());
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds));
            if let Some(limit) = self.limit {
                limits::refused_by(&mut answer, limit, seconds);
            }
        }
        if let Some(methods) = &self.allow {
            answer.insert_header((header::ALLOW, methods.as_str()));
        }
        if self.code.status() == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110 §15.5.22 and RFC 6455 §4.4.
            answer.insert_header((header::UPGRADE, "websocket"));
            answer.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            let of_a_token = matches!(self.code, Code::InvalidToken | Code::SessionEnded);
            let challenge = if of_a_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
            answer.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        answer
    }

    /// The causes, outermost first, for the log.
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&(dyn Error + 'static)> = self.source();
        while let Some(cause) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    field: &'a str,
    code: &'a str,
    message: &'static str,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// Without a body: the edge, which knows the language, renders it.
    fn error_response(&self) -> HttpResponse {
        self.headers().finish()
    }
}

impl From<Forbidden> for Problem {
    fn from(_: Forbidden) -> Self {
        Self::new(Code::Forbidden)
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors.into_iter().map(|error| FieldProblem::new(error.field, error.code)).collect())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Refused(_) => Code::Conflict,
            StoreError::Unavailable(_) => Code::Unavailable,
            StoreError::Defect(_) => Code::Internal,
        };
        Self::new(code).because(error)
    }
}

impl From<TenancyError> for Problem {
    fn from(error: TenancyError) -> Self {
        match error {
            TenancyError::Forbidden(forbidden) => forbidden.into(),
            TenancyError::Invalid(errors) => errors.into(),
            TenancyError::NotFound => Self::new(Code::NotFound),
            TenancyError::NoEligibleCompany => Self::new(Code::NoEligibleCompany),
            TenancyError::EmailTaken => Self::new(Code::EmailTaken),
            TenancyError::DomainTaken => Self::new(Code::DomainTaken),
            TenancyError::SiretTaken => Self::new(Code::SiretTaken),
            TenancyError::NamedReportingOff => Self::new(Code::NamedReportingOff),
            TenancyError::TooManyAnswers => Self::new(Code::TooManyRequests).retry_after(ANSWERS_LAST),
            TenancyError::TooManyAttempts { most, seconds } => Self::too_many_attempts(most, seconds),
            TenancyError::InvalidCredentials => Self::new(Code::InvalidCredentials),
            TenancyError::AccountInactive => Self::new(Code::AccountInactive),
            TenancyError::EmailNotVerified => Self::new(Code::EmailNotVerified),
            TenancyError::TwoFactorRequired => Self::new(Code::TwoFactorRequired),
            TenancyError::InvalidCode => Self::new(Code::InvalidCode),
            TenancyError::TwoFactorEnabled => Self::new(Code::TwoFactorEnabled),
            TenancyError::TwoFactorOff => Self::new(Code::TwoFactorOff),
            TenancyError::IdempotencyKeyReused => Self::new(Code::IdempotencyKeyReused),
            TenancyError::RequestInProgress => Self::new(Code::RequestInProgress),
            TenancyError::StepUpRequired => Self::new(Code::StepUpRequired),
            TenancyError::QuotaExceeded => Self::new(Code::QuotaExceeded),
            TenancyError::ConversationClosed => Self::new(Code::ChatClosed),
            TenancyError::DeletionPending => Self::new(Code::DeletionPending),
            TenancyError::NoPendingDeletion => Self::new(Code::NoPendingDeletion),
            TenancyError::LastOperator => Self::new(Code::LastOperator),
            TenancyError::CompanyInactive => Self::new(Code::CompanyInactive),
            TenancyError::InvalidRefreshToken | TenancyError::RefreshReused(_) => Self::new(Code::InvalidRefreshToken),
            TenancyError::SessionEnded => Self::new(Code::SessionEnded),
            TenancyError::Hashing(_) | TenancyError::Signing(_) => Self::internal(error),
            TenancyError::Store(error) => error.into(),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self::new(Code::Unavailable).because(error)
    }
}

impl From<files::Refusal> for Problem {
    fn from(refusal: files::Refusal) -> Self {
        match refusal {
            files::Refusal::Unfit(Unfit::Unsupported) => Self::new(Code::UnsupportedFile),
            files::Refusal::Unfit(Unfit::Damaged) => Self::invalid_field("file", "damaged"),
            files::Refusal::Unfit(Unfit::TooManyPixels) => Self::invalid_field("file", "too_many_pixels"),
            files::Refusal::Unfit(Unfit::Empty) => Self::invalid_field("file", "required"),
            files::Refusal::Storage(error) => error.into(),
            files::Refusal::Sealing(error) => Self::internal(error),
        }
    }
}

impl From<files::Broken> for Problem {
    fn from(broken: files::Broken) -> Self {
        match broken {
            files::Broken::Storage(error) => error.into(),
            files::Broken::Sealing(_) | files::Broken::Changed => Self::internal(broken),
        }
    }
}

impl From<BookingError> for Problem {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Forbidden(forbidden) => forbidden.into(),
            BookingError::Invalid(errors) => errors.into(),
            BookingError::NotFound => Self::new(Code::NotFound),
            BookingError::EmailTaken => Self::new(Code::EmailTaken),
            BookingError::NotEligible => Self::new(Code::NotEligible),
            BookingError::PractitionerUnavailable => Self::new(Code::PractitionerUnavailable),
            BookingError::NotASlot => Self::new(Code::NotASlot),
            BookingError::SlotTaken => Self::new(Code::SlotTaken),
            BookingError::AlreadyBooked => Self::new(Code::AlreadyBooked),
            BookingError::InvalidTransition(_) => Self::new(Code::InvalidTransition),
            BookingError::TooEarly => Self::new(Code::TooEarly),
            BookingError::RoomClosed => Self::new(Code::RoomClosed),
            BookingError::AlreadyReviewed => Self::new(Code::AlreadyReviewed),
            BookingError::NotCompleted => Self::new(Code::NotCompleted),
            BookingError::Signing(_) => Self::internal(error),
            BookingError::Tenancy(error) => error.into(),
            BookingError::Store(error) => error.into(),
        }
    }
}

impl From<ClinicalError> for Problem {
    fn from(error: ClinicalError) -> Self {
        match error {
            ClinicalError::Forbidden(forbidden) => forbidden.into(),
            ClinicalError::Invalid(errors) => errors.into(),
            ClinicalError::NotFound => Self::new(Code::NotFound),
            ClinicalError::RequestInProgress => Self::new(Code::RequestInProgress),
            ClinicalError::NoteLocked => Self::new(Code::NoteLocked),
            ClinicalError::CallClosed => Self::new(Code::CallClosed),
            ClinicalError::CallInProgress => Self::new(Code::CallInProgress),
            ClinicalError::ChatClosed => Self::new(Code::ChatClosed),
            ClinicalError::Store(error) => error.into(),
        }
    }
}

impl From<MetricsError> for Problem {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Forbidden(forbidden) => forbidden.into(),
            MetricsError::Invalid(errors) => errors.into(),
            MetricsError::WholeMonthsOnly(errors) => Self { code: Code::WholeMonthsOnly, ..errors.into() },
            MetricsError::AggregatedOnly => Self::new(Code::AggregatedOnly),
            MetricsError::NotFound => Self::new(Code::NotFound),
            MetricsError::Store(error) => error.into(),
        }
    }
}
