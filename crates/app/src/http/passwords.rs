//! Making an account, confirming an address, and choosing passwords.
use actix_web::{HttpResponse, Responder, http::Method};
use huntzen_tenancy::{
    TenancyError,
    identity::NewRegistration,
    limits::{AskedLetter, Guess},
    policy::Permission,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant, sleep_until};
use utoipa::{OpenApi, ToSchema};
use validator::Validate;

use super::{
    Created, Json, Operations, Problem, Signed, access::Access, auth::AccountBody, context::Context, language::Language,
};
use crate::{services::Services, state::App, telemetry::meters::Refusal};

/// When whoever asks for a letter is answered, whether there is an account to write to or not: later
/// than either takes.
pub(super) const SAME_TIME: Duration = Duration::from_millis(100);

/// A new account.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RegisterBody {
    #[validate(length(min = 1, max = 320))]
    #[schema(format = "email", min_length = 1, max_length = 320)]
    email: String,
    /// 12 to 72 bytes of any characters.
    #[validate(length(max = 1024))]
    #[schema(min_length = 1, max_length = 72)]
    password: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    first_name: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    last_name: String,
    /// The token of an invitation letter.
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    invitation_token: Option<String>,
}

/// What became of a registration.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RegisteredBody {
    user: AccountBody,
    /// What to do next, in the request's language.
    #[schema(max_length = 400)]
    message: &'static str,
}

/// A token of a letter.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    token: String,
}

/// An address.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailBody {
    #[validate(length(min = 1, max = 320))]
    #[schema(format = "email", min_length = 1, max_length = 320)]
    email: String,
}

/// A token of a letter and a new password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResetBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    token: String,
    /// 12 to 72 bytes of any characters.
    #[validate(length(max = 1024))]
    #[schema(min_length = 1, max_length = 72)]
    new_password: String,
}

/// The present password and a new one.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangePasswordBody {
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    current_password: String,
    /// 12 to 72 bytes of any characters.
    #[validate(length(max = 1024))]
    #[schema(min_length = 1, max_length = 72)]
    new_password: String,
}

/// The token of an invitation and a password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ActivateBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    token: String,
    /// 12 to 72 bytes of any characters.
    #[validate(length(max = 1024))]
    #[schema(min_length = 1, max_length = 72)]
    password: String,
}

/// The account after a step of its sign-up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserBody {
    user: AccountBody,
}

/// Makes an account: of an employee by the domain of the address, of anybody by an invitation.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterBody,
    responses((status = 201, body = RegisteredBody), (status = 404, description = "The invitation is not valid")))]
async fn register_account(
    app: App,
    context: Context,
    Json(body): Json<RegisterBody>,
) -> Result<impl Responder, Problem> {
    let (origin, language) = (context.origin(), context.0.language);
    let guess = match &body.invitation_token {
        Some(token) => Guess::at_one_time_token(token, context.network()),
        None => Guess::at_registration(&body.email, context.network()),
    };
    let registration = NewRegistration {
        email: body.email,
        password: SecretString::from(body.password),
        first_name: body.first_name,
        last_name: body.last_name,
        invitation_token: body.invitation_token,
    };
    let register = move |s: &Services| {
        let register = || s.registration.register(&origin, &registration);
        // An invitation's token proves whose the address is.
        if registration.invitation_token.is_some() {
            return register();
        }
        s.attempts.letter(AskedLetter::Registration, &registration.email, register)
    };
    let user = app.run_hashing_guess(guess, register).await?;
    let message = match (user.is_active, language) {
        (true, Language::French) => "Votre compte est prêt : vous pouvez vous connecter.",
        (true, Language::English) => "Your account is ready: you can sign in.",
        (false, Language::French) => "Un courriel vient de vous être envoyé : suivez son lien pour continuer.",
        (false, Language::English) => "A letter was just sent to you: follow its link to go on.",
    };
    Ok(Created::at("/auth/me", RegisteredBody { user: user.into(), message }))
}

/// Confirms an address.
#[utoipa::path(post, path = "/auth/verify-email", tag = "auth", request_body = TokenBody,
    responses((status = 200, body = UserBody), (status = 404, description = "The token is not valid")))]
async fn verify_email(app: App, context: Context, Json(body): Json<TokenBody>) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let guess = Guess::at_one_time_token(&body.token, context.network());
    let user = app.run_guess(guess, move |s| s.registration.verify_email(&origin, &body.token)).await?;
    Ok(Json(UserBody { user: user.into() }))
}

/// Sends the verification letter again, if there is an account that waits for it.
#[utoipa::path(post, path = "/auth/resend-verification", tag = "auth", request_body = EmailBody,
    responses((status = 202)))]
async fn resend_verification(
    app: App,
    context: Context,
    Json(body): Json<EmailBody>,
) -> Result<impl Responder, Problem> {
    let (origin, answer_at) = (context.origin(), Instant::now() + SAME_TIME);
    let send = move |s: &Services| {
        let send = || s.registration.resend_verification(&origin, &body.email);
        unless_too_many(s.attempts.letter(AskedLetter::Confirmation, &body.email, send))
    };
    note_if_too_many(&app, app.run(send).await?);
    sleep_until(answer_at).await;
    Ok(HttpResponse::Accepted().finish())
}

/// Sends a letter to choose a new password with, if there is such an account.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "auth", request_body = EmailBody,
    responses((status = 202)))]
async fn forgot_password(app: App, context: Context, Json(body): Json<EmailBody>) -> Result<impl Responder, Problem> {
    let (origin, answer_at) = (context.origin(), Instant::now() + SAME_TIME);
    let send = move |s: &Services| {
        let send = || s.recovery.forgot(&origin, &body.email);
        unless_too_many(s.attempts.letter(AskedLetter::NewPassword, &body.email, send))
    };
    note_if_too_many(&app, app.run(send).await?);
    sleep_until(answer_at).await;
    Ok(HttpResponse::Accepted().finish())
}

/// The answer says nothing of the letters that went to an address, not even that there were too many: `false` then.
fn unless_too_many(sent: Result<(), TenancyError>) -> Result<bool, TenancyError> {
    match sent {
        Err(TenancyError::TooManyAttempts { .. }) => Ok(false),
        sent => sent.map(|()| true),
    }
}

/// Whoever watches over the service is told all the same.
fn note_if_too_many(app: &App, was_sent: bool) {
    if !was_sent {
        app.meters().refuse(Refusal::Attempts);
    }
}

/// Chooses a new password with the token of a letter; every session ends.
#[utoipa::path(post, path = "/auth/reset-password", tag = "auth", request_body = ResetBody,
    responses((status = 200), (status = 404, description = "The token is not valid")))]
async fn reset_password(app: App, context: Context, Json(body): Json<ResetBody>) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let password = SecretString::from(body.new_password);
    let guess = Guess::at_one_time_token(&body.token, context.network());
    let ended = app.run_hashing_guess(guess, move |s| s.recovery.reset(&origin, &body.token, &password)).await?;
    for session in ended {
        app.sessions().forget(session);
    }
    Ok(HttpResponse::Ok().finish())
}

/// Changes one's password; the other sessions end.
#[utoipa::path(post, path = "/auth/change-password", tag = "auth", request_body = ChangePasswordBody,
    responses((status = 200)))]
async fn change_password(
    app: App,
    signed: Signed,
    Json(body): Json<ChangePasswordBody>,
) -> Result<impl Responder, Problem> {
    let current = SecretString::from(body.current_password);
    let new = SecretString::from(body.new_password);
    let guess = Guess::at_proof(signed.caller.actor.user, app.context().network());
    let change = move |s: &Services| s.recovery.change_password(&signed.caller, &current, &new);
    let ended = app.run_hashing_guess(guess, change).await?;
    for session in ended {
        app.sessions().forget(session);
    }
    Ok(HttpResponse::Ok().finish())
}

/// Accepts an invitation of any kind.
#[utoipa::path(post, path = "/employees/activate", tag = "employees", request_body = ActivateBody,
    responses((status = 200, body = UserBody), (status = 404, description = "The invitation is not valid")))]
async fn accept_invitation(
    app: App,
    context: Context,
    Json(body): Json<ActivateBody>,
) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let password = SecretString::from(body.password);
    let guess = Guess::at_one_time_token(&body.token, context.network());
    let user = app.run_hashing_guess(guess, move |s| s.acceptance.accept(&origin, &body.token, &password)).await?;
    Ok(Json(UserBody { user: user.into() }))
}

#[derive(OpenApi)]
#[openapi(paths(
    register_account,
    verify_email,
    resend_verification,
    forgot_password,
    reset_password,
    change_password,
    accept_invitation
))]
struct Document;

/// Adds the operations on registration and passwords.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/auth/register", Access::Public, register_account);
    ops.route(Method::POST, "/auth/verify-email", Access::Public, verify_email);
    ops.route(Method::POST, "/auth/resend-verification", Access::Public, resend_verification);
    ops.route(Method::POST, "/auth/forgot-password", Access::Public, forgot_password);
    ops.route(Method::POST, "/auth/reset-password", Access::Public, reset_password);
    ops.route(Method::POST, "/auth/change-password", Permission::AccountOwn, change_password);
    ops.route(Method::POST, "/employees/activate", Access::Public, accept_invitation);
}
