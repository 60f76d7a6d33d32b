//! The guard of every route: who may come in, decided before anything of the request is parsed.
use std::{
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::{StatusCode, header::AUTHORIZATION},
    rt,
    web::Data,
};
use huntzen_tenancy::{
    Actor, Caller, Scope, TenancyError, TenancyStore,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    identity::{SessionState, User},
    ids::{SessionId, UserId},
    limits::{Guess, Requester},
    policy::Permission,
};
use tokio::sync::Semaphore;

use super::{
    context::Context,
    limits::{self, Counted},
    problem::{Code, Problem},
};
use crate::{
    offload::{Lane, Patience, offload},
    state::Edge,
};

/// A token longer than this is none of ours.
const LONGEST_TOKEN: usize = 4096;

/// How many refusals may wait for their trace at once, of strangers and of accounts: a flood of bad
/// tokens must not take the store from those who have good ones, nor their trace from refused accounts.
const TRACES_AT_ONCE: [usize; 2] = [2, 2];

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a token is not looked at.
    Public,
    /// Everybody. Whoever shows a token is known to the route, which may show them more; a token that is
    /// shown must be good.
    PublicKnowing,
    /// Signed-in accounts whose role holds this permission.
    Permission(Permission),
    /// The same, and strangers, who are asked to sign in for whatever is not public. A token that is
    /// shown must be good.
    Optional(Permission),
}

impl From<Permission> for Access {
    fn from(permission: Permission) -> Self {
        Self::Permission(permission)
    }
}

/// The signed-in account, handed to handlers of protected routes.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Who asks, and from where: what use cases take.
    pub caller: Caller,
    /// The session with its account, at most a minute old.
    pub session: Arc<SessionState>,
}

impl Signed {
    /// The account, at most a minute old, without its password.
    pub fn account(&self) -> &User {
        &self.session.user
    }
}

impl FromRequest for Signed {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let signed = request.extensions().get::<Self>().cloned();
        ready(signed.ok_or_else(|| Problem::internal("a public route asks who is signed in")))
    }
}

/// In which scope a route for everybody reads: that of whoever is known, or of nobody.
#[derive(Clone, Debug)]
pub struct Reader(pub Scope);

/// Whoever has shown a good token to a route for everybody. Not `Signed`: the log names users, and who
/// reads what is nobody's business.
#[derive(Clone)]
struct Known(Signed);

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Known>().map(|Known(signed)| signed.caller.scope());
        ready(match known {
            Some(scope) => Ok(Self(scope)),
            None => Context::of(request).map(|context| Self(Scope::anonymous(context.origin()))),
        })
    }
}

/// Lets a request in or refuses it: 429 where requests are counted and there were too many, 401 without a
/// valid token, 403 without the permission.
///
/// # Errors
/// `too_many_requests`, `unauthenticated`, `invalid_token`, `session_ended`, `forbidden`; 503 when the
/// session cannot be read.
pub async fn admit(request: &HttpRequest, access: Access, counted: Counted) -> Result<(), Problem> {
    let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
    let context = Context::of(request)?;
    let is_stranger = !request.headers().contains_key(AUTHORIZATION);
    let signed = match access {
        Access::Permission(_) | Access::Optional(_) | Access::PublicKnowing if !is_stranger => {
            match sign_in(request, edge, &context).await {
                // Nobody knows whose request it is: their neighbours shall not pay for it.
                Err(problem) if problem.code().status() != StatusCode::UNAUTHORIZED => return Err(problem),
                signed => Some(signed),
            }
        }
        Access::Permission(_) | Access::Optional(_) | Access::PublicKnowing | Access::Public => None,
    };
    let known = signed.as_ref().and_then(|signed| signed.as_ref().ok());
    let is_counted = match counted {
        Counted::Every => true,
        Counted::Strays => access != Access::Public && known.is_none(),
        Counted::None => false,
    };
    if is_counted {
        let claimed = || named(request, edge).filter(|_| access == Access::Public);
        let account = known.map(|signed| signed.caller.actor.user).or_else(claimed);
        let requester = account.map_or_else(|| Requester::Stranger(context.network()), Requester::Account);
        if let Err(problem) = limits::count(request, edge, &context, requester).await {
            note_refused(request, access, signed);
            return Err(problem);
        }
    }
    match (access, signed) {
        (Access::Permission(permission) | Access::Optional(permission), Some(signed)) => {
            let_in(request, edge, &context, permission, signed).map(drop)
        }
        (Access::Permission(_), None) => Err(Problem::new(Code::Unauthenticated)),
        (Access::PublicKnowing, Some(signed)) => {
            // Noted for the route, as the token tells that is shown.
            let signed = signed.inspect_err(|problem| trace_stranger(edge, &context, problem))?;
            request.extensions_mut().insert(Known(signed));
            Ok(())
        }
        (Access::Public | Access::PublicKnowing | Access::Optional(_), _) => Ok(()),
    }
}

/// Has the log name whom the limit refused, and nobody where it is about care.
fn note_refused(request: &HttpRequest, access: Access, signed: Option<Result<Signed, Problem>>) {
    if let Access::Permission(permission) | Access::Optional(permission) = access {
        request.extensions_mut().insert(permission);
        if let Some(Ok(signed)) = signed {
            request.extensions_mut().insert(signed);
        }
    }
}

/// Whose request it is, as far as it is counted: people who share an address are not to share its requests.
/// Nothing else comes of that token, whose session may have ended.
pub(super) fn named(request: &HttpRequest, edge: &Edge) -> Option<UserId> {
    let token = bearer(request)?;
    edge.access_tokens.verify(token, edge.clock.now()).ok().map(|claims| claims.user)
}

/// Records that a route was refused to somebody whose token is no good.
fn trace_stranger(edge: &Data<Edge>, context: &Context, problem: &Problem) {
    if problem.code().status() == StatusCode::UNAUTHORIZED {
        leave_trace(edge, Scope::anonymous(context.origin()));
    }
}

/// What a stranger is told who was refused where strangers may come in: to sign in, whether what was
/// asked for exists or not, or could be understood; `None` when that is no matter of signing in.
pub fn stranger_refused(request: &HttpRequest, access: Access, refusal: StatusCode) -> Option<Problem> {
    let is_stranger = matches!(access, Access::Optional(_)) && !request.headers().contains_key(AUTHORIZATION);
    let is_answer = refusal.is_client_error() && refusal != StatusCode::TOO_MANY_REQUESTS;
    (is_stranger && is_answer).then(|| Problem::new(Code::Unauthenticated))
}

/// The same for the upgrade to a socket, whose caller shows a ticket or a token.
///
/// # Errors
/// The same.
pub async fn admit_socket(
    request: &HttpRequest,
    permission: Permission,
    ticket: Option<String>,
) -> Result<Signed, Problem> {
    let edge = request.app_data::<Data<Edge>>().ok_or_else(|| Problem::internal("the edge has no state"))?;
    let context = Context::of(request)?;
    let signed = match ticket {
        Some(ticket) => redeem(edge, &context, ticket).await,
        None if request.headers().contains_key(AUTHORIZATION) => sign_in(request, edge, &context).await,
        None => return Err(Problem::new(Code::Unauthenticated)),
    };
    let_in(request, edge, &context, permission, signed)
}

/// Lets a caller in whose role holds `permission`. Every refusal leaves a trace.
fn let_in(
    request: &HttpRequest,
    edge: &Data<Edge>,
    context: &Context,
    permission: Permission,
    signed: Result<Signed, Problem>,
) -> Result<Signed, Problem> {
    let signed = signed.inspect_err(|problem| trace_stranger(edge, context, problem))?;
    let permitted = signed.caller.actor.require(permission);
    if permitted.is_err() {
        leave_trace(edge, signed.caller.scope());
    }
    // Kept for a refused caller as well: the log names whom it refused.
    request.extensions_mut().insert(signed.clone());
    request.extensions_mut().insert(permission);
    permitted?;
    Ok(signed)
}

async fn sign_in(request: &HttpRequest, edge: &Data<Edge>, context: &Context) -> Result<Signed, Problem> {
    let token = bearer(request).ok_or_else(|| Problem::new(Code::InvalidToken))?;
    let claims = edge
        .access_tokens
        .verify(token, edge.clock.now())
        .map_err(|error| Problem::new(Code::InvalidToken).because(error))?;
    signed(edge, context, claims.actor(), claims.session).await
}

/// Uses a ticket up; the session that it was issued to must still live.
async fn redeem(edge: &Data<Edge>, context: &Context, ticket: String) -> Result<Signed, Problem> {
    if ticket.len() > LONGEST_TOKEN {
        return Err(Problem::new(Code::InvalidToken));
    }
    let (tickets, attempts) = (edge.tickets.clone(), edge.attempts.clone());
    let guess = Guess::at_ticket(&ticket, context.network());
    let redeem = move || attempts.guard(guess, || tickets.redeem(&ticket)?.ok_or(TenancyError::NotFound));
    let taken = offload(&edge.lanes, Lane::General, &context.0.patience, redeem).await;
    let is_unknown = |problem: &Problem| problem.code() == Code::NotFound;
    let actor =
        taken.map_err(|problem| if is_unknown(&problem) { Problem::new(Code::InvalidToken) } else { problem })?;
    let session = actor.session.ok_or_else(|| Problem::new(Code::InvalidToken))?;
    signed(edge, context, actor, session).await
}

/// The account behind `session`, which must be that of `actor`.
async fn signed(edge: &Data<Edge>, context: &Context, actor: Actor, session: SessionId) -> Result<Signed, Problem> {
    let state = match edge.sessions.get(session, edge.clock.now()) {
        Some(state) => state,
        None => read_session(edge, context, actor, session).await?,
    };
    let user = &state.user;
    if user.id != actor.user || user.role != actor.role {
        return Err(Problem::new(Code::InvalidToken));
    }
    let actor = Actor { user: user.id, role: user.role, company: user.company, session: Some(session) };
    Ok(Signed { caller: Caller { actor, origin: context.origin() }, session: state })
}

async fn read_session(
    edge: &Data<Edge>,
    context: &Context,
    actor: Actor,
    session: SessionId,
) -> Result<Arc<SessionState>, Problem> {
    if edge.sessions.has_ended(session, edge.clock.now()) {
        return Err(Problem::new(Code::SessionEnded));
    }
    let reading = edge.sessions.reading(session);
    let (source, origin) = (Arc::clone(&edge.session_source), context.origin());
    let read = move || source.live_session(&origin, actor, session);
    let reads = offload(&edge.lanes, Lane::General, &context.0.patience, read);
    let state = reads.await.inspect_err(|problem| {
        if problem.code() == Code::SessionEnded {
            edge.sessions.keep_ended(reading, edge.clock.now());
        }
    })?;
    Ok(edge.sessions.keep(reading, state, edge.clock.now()))
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let usable = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN;
    usable.then_some(token)
}

/// Keeps a refusal in the audit trail.
pub trait Refusals: Send + Sync {
    /// Records that a route was refused to `scope`.
    ///
    /// # Errors
    /// Those of the store.
    fn record(&self, scope: &Scope) -> Result<(), TenancyError>;
}

/// The audit trail of a store, each refusal in a unit of work of its own.
pub struct AuditedRefusals {
    /// The store.
    pub store: Arc<dyn TenancyStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes the entries' ids.
    pub randomness: Arc<dyn Randomness>,
}

impl Refusals for AuditedRefusals {
    fn record(&self, scope: &Scope) -> Result<(), TenancyError> {
        let randomness = self.randomness.as_ref();
        let entry = AuditEntry::new(scope, randomness, self.clock.now(), Action::Refuse, Resource::Route).refused();
        self.store.run(scope, |tx| Ok(tx.record(&entry)?))
    }
}

/// Writes refusals down as far as there is room.
pub struct RefusalTrail {
    refusals: Arc<dyn Refusals>,
    for_strangers: Arc<Semaphore>,
    for_accounts: Arc<Semaphore>,
    untold: AtomicU64,
}

impl RefusalTrail {
    /// A trail kept by `refusals`.
    pub fn new(refusals: Arc<dyn Refusals>) -> Self {
        let [for_strangers, for_accounts] = TRACES_AT_ONCE.map(|room| Arc::new(Semaphore::new(room)));
        Self { refusals, for_strangers, for_accounts, untold: AtomicU64::new(0) }
    }
}

/// Records that a route was refused to somebody who is signed in.
pub(crate) fn trace_refusal(edge: &Data<Edge>, signed: &Signed) {
    leave_trace(edge, signed.caller.scope());
}

/// Records a refusal beside the answer, which neither waits for it nor depends on it.
fn leave_trace(edge: &Data<Edge>, scope: Scope) {
    let trail = &edge.refusals;
    let room = if scope.actor().is_some() { &trail.for_accounts } else { &trail.for_strangers };
    let Ok(room) = Arc::clone(room).try_acquire_owned() else {
        let untold = trail.untold.fetch_add(1, Ordering::Relaxed) + 1;
        // Now and then: whoever floods the trail shall not flood the log.
        if untold.is_power_of_two() {
            tracing::warn!(untold, "refusals left no trace: too many came at once");
        }
        return;
    };
    let refusals = Arc::clone(&edge.refusals.refusals);
    let edge = edge.clone();
    rt::spawn(async move {
        let record = move || {
            let _room = room;
            refusals.record(&scope)
        };
        if let Err(problem) = offload(&edge.lanes, Lane::General, &Patience::default(), record).await {
            tracing::warn!(causes = problem.causes(), "a refusal left no trace");
        }
    });
}
