//! Another address for one's own account, over HTTP.
use actix_web::{HttpResponse, Responder, http::Method};
use huntzen_tenancy::{
    limits::{AskedLetter, Guess},
    policy::Permission,
};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use utoipa::{OpenApi, ToSchema};
use validator::Validate;

use super::{Json, Operations, Problem, Signed, access::Access, context::Context, passwords::SAME_TIME};
use crate::{services::Services, state::App};

/// The address that one would like to have.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEmailBody {
    /// Of any domain.
    #[validate(length(min = 1, max = 320))]
    #[schema(format = "email", min_length = 1, max_length = 320)]
    new_email: String,
}

/// The token of a letter.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailTokenBody {
    #[validate(length(min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    token: String,
}

/// Asks for another address, soon after a step-up; the new one gets a letter to confirm it. The answer is
/// the same when another account has the address: its owner gets a letter then.
#[utoipa::path(post, path = "/users/me/email", tag = "users", request_body = NewEmailBody,
    responses((status = 202), (status = 401, description = "A step-up is required")))]
async fn ask_email_change(app: App, signed: Signed, Json(body): Json<NewEmailBody>) -> Result<impl Responder, Problem> {
    let answer_at = Instant::now() + SAME_TIME;
    let ask = move |s: &Services| {
        let ask = || s.email_change.ask(&signed.caller, &body.new_email);
        s.attempts.letter(AskedLetter::NewAddress, &body.new_email, ask)
    };
    app.run(ask).await?;
    sleep_until(answer_at).await;
    Ok(HttpResponse::Accepted().finish())
}

/// Changes the address by the token of a letter; the old one is told.
#[utoipa::path(post, path = "/users/me/email/confirm", tag = "users", request_body = EmailTokenBody,
    responses((status = 200), (status = 404, description = "The token is not valid"),
              (status = 409, description = "Another account took the address meanwhile")))]
async fn confirm_email_change(
    app: App,
    context: Context,
    Json(body): Json<EmailTokenBody>,
) -> Result<impl Responder, Problem> {
    let origin = context.origin();
    let guess = Guess::at_one_time_token(&body.token, context.network());
    let user = app.run_guess(guess, move |s| s.email_change.confirm(&origin, &body.token)).await?;
    app.sessions().forget_user(user);
    Ok(HttpResponse::Ok().finish())
}

#[derive(OpenApi)]
#[openapi(paths(ask_email_change, confirm_email_change))]
struct Document;

/// Adds the operations on addresses.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/users/me/email", Permission::AccountOwn, ask_email_change);
    ops.route(Method::POST, "/users/me/email/confirm", Access::Public, confirm_email_change);
}
