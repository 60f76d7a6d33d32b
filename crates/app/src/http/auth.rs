//! Signing in and out, and one's own sessions.
use actix_web::{HttpRequest, Responder, http::Method, http::header::USER_AGENT};
use huntzen_tenancy::{
    TenancyError,
    files::FileId,
    identity::{Credentials, Device, Session, SignedIn, User},
    ids::SessionId,
    limits::Guess,
    policy::{Permission, Role},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Items, Json, NoContent, Operations, OptionalJson, Path, Problem, Signed, access::Access, context::Context,
    openapi::words_schema,
};
use crate::{services::Services, state::App};

/// The most characters of a `User-Agent` that a session keeps.
const USER_AGENT_CHARACTERS: usize = 256;

/// An address and a password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LoginBody {
    #[validate(length(min = 1, max = 320))]
    #[schema(min_length = 1, max_length = 320)]
    email: String,
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    password: String,
    /// The code of a second factor, when the account has one.
    #[validate(length(max = 16))]
    #[schema(max_length = 16)]
    code: Option<String>,
    /// A backup code instead.
    #[validate(length(max = 64))]
    #[schema(max_length = 64)]
    backup_code: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefreshBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    refresh_token: String,
}

/// Which session to end; all of one's own when it names none.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogoutBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    refresh_token: Option<String>,
}

/// A signed-in account, in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountBody {
    id: Uuid,
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    #[schema(schema_with = words_schema::<Role>)]
    role: Role,
    company_id: Option<Uuid>,
}

impl From<User> for AccountBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into(),
            email: user.email.as_str().to_owned(),
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role,
            company_id: user.company.map(Into::into),
        }
    }
}

/// A fresh pair of tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SignedInBody {
    /// A JWT for `Authorization: Bearer`.
    #[schema(max_length = 4096)]
    access_token: String,
    /// Opaque; good for one exchange.
    #[schema(max_length = 256)]
    refresh_token: String,
    /// For how many seconds the access token is valid.
    #[schema(minimum = 1, maximum = 86_400)]
    expires_in: i64,
    user: AccountBody,
}

impl From<SignedIn> for SignedInBody {
    fn from(signed: SignedIn) -> Self {
        Self {
            access_token: signed.access_token,
            refresh_token: signed.refresh_token,
            expires_in: signed.expires_in,
            user: signed.user.into(),
        }
    }
}

/// One's own account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MeBody<'a> {
    id: Uuid,
    #[schema(format = "email", max_length = 254)]
    email: &'a str,
    #[schema(max_length = 100)]
    first_name: &'a str,
    #[schema(max_length = 100)]
    last_name: &'a str,
    #[schema(schema_with = words_schema::<Role>)]
    role: Role,
    company_id: Option<Uuid>,
    /// Where one's picture is; null without one.
    #[schema(max_length = 2048)]
    avatar_url: Option<String>,
    is_active: bool,
    email_verified: bool,
    two_factor_enabled: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
}

/// One sign-in on one device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    #[schema(max_length = 256)]
    user_agent: Option<String>,
    /// The device's truncated address.
    #[schema(max_length = 64)]
    ip: Option<String>,
    /// Whether it is the session of this request.
    current: bool,
}

impl SessionBody {
    fn present(session: Session, current: Option<SessionId>) -> Self {
        Self {
            current: Some(session.id) == current,
            id: session.id.into(),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            user_agent: session.device.user_agent,
            ip: session.device.ip,
        }
    }
}

fn device(request: &HttpRequest, context: &Context) -> Device {
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    Device {
        user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_CHARACTERS).collect()),
        ip: context.0.origin.ip.clone(),
    }
}

/// Signs in.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = SignedInBody), (status = 401, description = "Refused; `code` says why")))]
async fn login(
    app: App,
    request: HttpRequest,
    context: Context,
    Json(body): Json<LoginBody>,
) -> Result<impl Responder, Problem> {
    let guess = Guess::at_sign_in(&body.email, context.network());
    let credentials = Credentials {
        email: body.email,
        password: SecretString::from(body.password),
        code: body.code.map(SecretString::from),
        backup_code: body.backup_code.map(SecretString::from),
        device: device(&request, &context),
    };
    let origin = context.origin();
    let signed = app.run_hashing_guess(guess, move |s| s.sign_in.login(&origin, &credentials)).await?;
    Ok(Json(SignedInBody::from(signed)))
}

/// Exchanges a refresh token for a fresh pair of tokens.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshBody,
    responses((status = 200, body = SignedInBody), (status = 401, description = "Not valid, or used before")))]
async fn refresh(app: App, context: Context, Json(body): Json<RefreshBody>) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let guess = Guess::at_refresh_token(&body.refresh_token, context.network());
    let exchange = move |s: &Services| s.attempts.guard(guess, || s.sign_in.refresh(&origin, &body.refresh_token));
    let refreshed = app.run(move |s| Ok::<_, Problem>(exchange(s))).await?;
    if let Err(TenancyError::RefreshReused(ended)) = &refreshed {
        app.sessions().forget(*ended);
    }
    Ok(Json(SignedInBody::from(refreshed?)))
}

/// Ends one session, or all when the body names none.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", request_body(content = Option<LogoutBody>),
    responses((status = 204)))]
async fn logout(
    app: App,
    signed: Signed,
    OptionalJson(body): OptionalJson<LogoutBody>,
) -> Result<impl Responder, Problem> {
    let token = body.unwrap_or_default().refresh_token;
    let ended = app.run(move |s| s.sign_in.logout(&signed.caller, token.as_deref())).await?;
    for session in ended {
        app.sessions().forget(session);
    }
    Ok(NoContent)
}

/// A ticket that opens a socket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketBody {
    /// 256 random bits in hexadecimal; works once, as `?ticket=` of the upgrade.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    ticket: String,
    /// For how many seconds it works.
    #[schema(minimum = 30, maximum = 30)]
    expires_in: i64,
}

/// Issues a ticket that opens one WebSocket from a browser, which can send no token with an upgrade.
#[utoipa::path(post, path = "/auth/ws-ticket", tag = "auth", responses((status = 200, body = TicketBody)))]
async fn issue_ticket(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let issued = app.run(move |s| s.tickets.issue(&signed.caller)).await?;
    Ok(Json(TicketBody { ticket: issued.ticket.expose_secret().to_owned(), expires_in: issued.expires_in.as_secs() }))
}

/// Tells who is signed in.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = MeBody)))]
async fn me(signed: Signed) -> impl Responder {
    let user = signed.account();
    actix_web::HttpResponse::Ok().json(MeBody {
        id: user.id.into(),
        email: user.email.as_str(),
        first_name: &user.first_name,
        last_name: &user.last_name,
        role: user.role,
        company_id: user.company.map(Into::into),
        avatar_url: user.avatar.map(FileId::url),
        is_active: user.is_active,
        email_verified: user.email_verified,
        two_factor_enabled: user.two_factor_enabled_at.is_some(),
        last_login_at: user.last_login_at,
    })
}

/// Lists one's own live sessions, newest first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", responses((status = 200, body = Items<SessionBody>)))]
async fn list_sessions(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let current = signed.caller.actor.session;
    let sessions = app.run(move |s| s.sign_in.sessions(&signed.caller)).await?;
    let items = sessions.into_iter().map(|session| SessionBody::present(session, current)).collect();
    Ok(Json(Items { items }))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn revoke_session(app: App, signed: Signed, Path(id): Path<SessionId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.sign_in.revoke(&signed.caller, id)).await?;
    app.sessions().forget(id);
    Ok(NoContent)
}

#[derive(OpenApi)]
#[openapi(paths(login, refresh, logout, issue_ticket, me, list_sessions, revoke_session))]
struct Document;

/// Adds the operations on sign-in and sessions.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/auth/login", Access::Public, login);
    ops.route(Method::POST, "/auth/refresh", Access::Public, refresh);
    ops.route(Method::POST, "/auth/logout", Permission::AccountOwn, logout);
    ops.route(Method::POST, "/auth/ws-ticket", Permission::AccountOwn, issue_ticket);
    ops.route(Method::GET, "/auth/me", Permission::AccountOwn, me);
    ops.route(Method::GET, "/auth/sessions", Permission::AccountOwn, list_sessions);
    ops.route(Method::DELETE, "/auth/sessions/{id}", Permission::AccountOwn, revoke_session);
}
