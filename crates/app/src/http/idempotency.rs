//! `Idempotency-Key`: what a client sends again is answered as before, and done once.
use std::{
    cell::Cell,
    future::{Ready, ready},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    dev::Payload,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
    rt,
    web::Data,
};
use huntzen_tenancy::{
    Caller, StoreError,
    idempotency::{
        Answer, Answered, Beginning, Held, IdempotencyKey, KeptAnswer, LONGEST_KEY, Repeatable, RequestDigest,
        RequestName,
    },
    sealing::SecretText,
};
use jiff::SignedDuration;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    context::Context,
    problem::{Code, Problem},
};
use crate::{
    services::Services,
    state::{App, Edge},
};

/// What a client calls its request.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that nothing was done for this answer: it was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How the header is called where it is refused, and in the document.
pub const KEY_NAME: &str = "Idempotency-Key";

/// How long a request waits for one of the same name that is being done.
const WAIT: Duration = Duration::from_secs(3);
/// The first pause between two looks at it, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(320));
/// How often a long request says that it goes on: more often than it can be taken over.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// A request that its client may send again: its key, and where it goes.
#[derive(Clone)]
pub struct Asked {
    key: IdempotencyKey,
    method: String,
    target: String,
    kept_for: SignedDuration,
}

impl Asked {
    /// The key of `request`, when it has one.
    ///
    /// # Errors
    /// `validation_failed` for a key that is no key, and for more than one.
    pub fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let mut values = request.headers().get_all(KEY);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Problem::invalid_field(KEY_NAME, "repeated"));
        }
        let too_long = value.len() > LONGEST_KEY;
        let code = if too_long { "too_long" } else { "invalid" };
        let key = value.to_str().ok().and_then(IdempotencyKey::parse);
        let key = key.ok_or_else(|| Problem::invalid_field(KEY_NAME, code))?;
        let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
        let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        Ok(Some(Self { key, method: request.method().to_string(), target, kept_for: edge.answers_kept }))
    }

    /// What `caller` calls it.
    pub fn name(&self, caller: &Caller) -> RequestName {
        RequestName::new(caller.actor.user, &self.key, self.kept_for)
    }

    /// What it asks for, with this content.
    pub fn digest(&self, content: &[u8]) -> RequestDigest {
        RequestDigest::of(&[b"huntzen request 1", self.method.as_bytes(), self.target.as_bytes(), content])
    }
}

/// The key of a request whose content is not JSON, when it has one.
pub struct Keyed(pub Option<Asked>);

impl FromRequest for Keyed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Asked::of(request).map(Self))
    }
}

/// An answer that may be kept, as the client gets it.
pub struct Reply(pub Answered);

impl Responder for Reply {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let Answered { answer: Answer { status, content_type, language, location, body }, is_repeat } = self.0;
        let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
        response.content_type(content_type);
        if let Some(location) = location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(language) = language {
            response.insert_header((header::CONTENT_LANGUAGE, language));
            response.append_header((header::VARY, "accept-language"));
        }
        if is_repeat {
            response.insert_header((REPLAYED, "true"));
        }
        response.body(body.expose().to_owned())
    }
}

/// An answer in JSON: what was made, at `location`, or what became of something.
///
/// # Errors
/// `Defect` when `body` has no JSON.
pub fn answer(location: Option<String>, body: &impl Serialize) -> Result<Answer, StoreError> {
    let status = if location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let body = serde_json::to_string(body).map_err(|error| StoreError::Defect(Box::new(error)))?;
    Ok(Answer {
        status: status.as_u16(),
        content_type: "application/json".to_owned(),
        language: None,
        location,
        body: SecretText::new(body),
    })
}

/// Asks again while the request is being done elsewhere: every use case in between is over, so that
/// nothing is held while this waits. All of it together takes no longer than the request has left.
///
/// # Errors
/// Those of `attempt`; `request_in_progress` when that takes too long; `overloaded` when the request's time is up
/// otherwise.
pub async fn patiently<T, F: Future<Output = Result<T, Problem>>>(
    context: &Context,
    attempt: impl Fn() -> F,
) -> Result<T, Problem> {
    let (patience, begun) = (&context.0.patience, Instant::now());
    let (mut pause, longest) = PAUSES;
    let mut is_in_progress = false;
    loop {
        match attempt().await {
            Err(problem) if problem.code() == Code::RequestInProgress => {
                is_in_progress = true;
                let left = WAIT.saturating_sub(begun.elapsed()).min(patience.left());
                if left.is_zero() {
                    return Err(problem.retry_after(1));
                }
                patience.wait_for(sleep(pause.min(left))).await;
                pause = (pause * 2).min(longest);
            }
            // What was waited for is why the time is up.
            Err(problem) if is_in_progress && problem.code() == Code::Overloaded && patience.left().is_zero() => {
                return Err(Problem::new(Code::RequestInProgress).retry_after(1));
            }
            outcome => return outcome,
        }
    }
}

/// Runs a use case that does a request once, and keeps its refusal.
///
/// # Errors
/// The use case's refusal as a problem; `idempotency_key_reused`, `request_in_progress`.
pub async fn once<E, F>(app: &App, caller: Caller, request: Repeatable, use_case: F) -> Result<Reply, Problem>
where
    E: Send + 'static,
    Problem: From<E>,
    F: Fn(&Services, &Caller, &Repeatable) -> Result<Answered, E> + Clone + Send + 'static,
{
    let outcome = patiently(app.context(), || {
        let (caller, use_case) = (caller.clone(), use_case.clone());
        app.run(move |s| use_case(s, &caller, &request))
    });
    match outcome.await {
        Ok(answered) => Ok(Reply(answered)),
        Err(problem) => refused(app, caller, request, problem).await,
    }
}

/// Keeps a refusal that is worth it.
///
/// # Errors
/// The refusal itself.
pub async fn refused(app: &App, caller: Caller, request: Repeatable, problem: Problem) -> Result<Reply, Problem> {
    let Some(refusal) = kept_refusal(app, &problem)? else { return Err(problem) };
    let answered = patiently(app.context(), || {
        let (caller, refusal) = (caller.clone(), refusal.clone());
        app.run(move |s| s.repeating.refuse(&caller, &request, &refusal))
    });
    let answered = answered.await?;
    if answered.is_repeat { Ok(Reply(answered)) } else { Err(problem) }
}

/// The refusal as it is kept, when it is worth it.
fn kept_refusal(app: &App, problem: &Problem) -> Result<Option<Answer>, Problem> {
    let context = &app.context().0;
    let kept = is_kept(problem.code()).then(|| problem.answer(context.language, &context.origin.request_id));
    kept.transpose()
}

/// Whoever was told that something did not happen must not find it happen later, when the same request
/// comes again; what the request itself could not help is tried anew.
fn is_kept(code: Code) -> bool {
    let about_the_key = matches!(code, Code::IdempotencyKeyReused | Code::RequestInProgress);
    // What the store refused without a reason that the client could know: somebody else was faster.
    let by_chance = code == Code::Conflict;
    !about_the_key
        && !by_chance
        && matches!(code.status(), StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT)
}

/// A request of several units of work while it goes on. It is left when this goes without an answer,
/// also when the client goes away in the middle.
pub struct Going {
    app: App,
    caller: Caller,
    asked: Asked,
    held: Option<Arc<Held>>,
    last_sign: Cell<Instant>,
}

/// What becomes of a request of several units of work.
pub enum Start {
    /// It is to be done.
    Going(Going),
    /// It was answered before, to whoever asks for the same.
    Kept(KeptAnswer),
}

impl Going {
    /// Begins a request of several units of work, unless it was answered before.
    ///
    /// # Errors
    /// `request_in_progress`.
    pub async fn begin(app: &App, caller: &Caller, asked: Asked) -> Result<Start, Problem> {
        let name = asked.name(caller);
        let beginning = patiently(app.context(), || {
            let caller = caller.clone();
            app.run(move |s| s.repeating.begin(&caller, &name))
        });
        Ok(match beginning.await? {
            Beginning::Kept(kept) => Start::Kept(kept),
            Beginning::Begun(held) => Start::Going(Self {
                app: app.clone(),
                caller: caller.clone(),
                asked,
                held: Some(Arc::new(held)),
                last_sign: Cell::new(Instant::now()),
            }),
        })
    }

    /// What holds the request.
    ///
    /// # Errors
    /// `internal` once it was answered.
    pub fn held(&self) -> Result<Arc<Held>, Problem> {
        self.held.clone().ok_or_else(|| Problem::internal("a request was ended before"))
    }

    /// What the request asks for, with this content.
    pub fn digest(&self, content: &[u8]) -> RequestDigest {
        self.asked.digest(content)
    }

    /// Says that the request goes on, where that was not said for long.
    ///
    /// # Errors
    /// `request_in_progress` when somebody else took it over.
    pub async fn go_on(&self) -> Result<(), Problem> {
        if self.last_sign.get().elapsed() < SIGN_OF_LIFE {
            return Ok(());
        }
        let (caller, held) = (self.caller.clone(), self.held()?);
        self.app.run_step(move |s| s.repeating.go_on(&caller, &held)).await?;
        self.last_sign.set(Instant::now());
        Ok(())
    }

    /// The request was answered, and the answer is kept.
    pub fn done(mut self, answer: Answer) -> Reply {
        self.held = None;
        Reply(Answered::first(answer))
    }

    /// Keeps a refusal that is worth it, and leaves the request otherwise.
    pub async fn refuse(mut self, asked: Option<RequestDigest>, problem: Problem) -> Problem {
        let refusal = match kept_refusal(&self.app, &problem) {
            Ok(refusal) => refusal,
            Err(problem) => return problem,
        };
        let (Some((asked, refusal)), Ok(held)) = (asked.zip(refusal), self.held()) else { return problem };
        let caller = self.caller.clone();
        match self.app.run(move |s| s.repeating.refuse_held(&caller, &held, &asked, &refusal)).await {
            Ok(()) => {
                self.held = None;
                problem
            }
            Err(problem) => problem,
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            drop(rt::spawn(leave(self.app.clone(), self.caller.clone(), held)));
        }
    }
}

/// What fails here is taken over after a while.
async fn leave(app: App, caller: Caller, held: Arc<Held>) {
    if let Err(problem) = app.run_beside(move |s| s.repeating.leave(&caller, &held)).await {
        tracing::warn!(causes = problem.causes(), "a request could not be left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_cannot_help_is_not_kept() {
        for code in Code::ALL {
            let status = code.status();
            let passes = status.is_server_error() || [401, 403, 408, 413, 415, 429].contains(&status.as_u16());
            assert!(!(passes && is_kept(*code)), "{}", code.as_str());
        }
        let chances = [Code::Conflict, Code::Overloaded, Code::Unavailable];
        for code in [Code::IdempotencyKeyReused, Code::RequestInProgress].into_iter().chain(chances) {
            assert!(!is_kept(code), "{}", code.as_str());
        }
        for code in [Code::SlotTaken, Code::NotFound, Code::NotASlot, Code::QuotaExceeded, Code::ChatClosed] {
            assert!(is_kept(code), "{}", code.as_str());
        }
    }
}
