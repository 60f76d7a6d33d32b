//! The second factor of one's own account, and proving that it is still you.
use actix_web::{HttpResponse, Responder, http::Method};
use huntzen_tenancy::{
    identity::{Proof, STEP_UP, TwoFactorSetup},
    limits::Guess,
    policy::Permission,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        ObjectBuilder,
        schema::{Array, ArrayBuilder, SchemaType, Type},
    },
};
use validator::Validate;

use super::{FieldProblem, Json, Operations, Problem, Signed};
use crate::{qr, state::App};

/// A code that the device counts.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CodeBody {
    #[validate(length(min = 1, max = 16))]
    #[schema(min_length = 1, max_length = 16)]
    code: String,
}

/// What turns the second factor off.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DisableBody {
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    password: String,
    /// A code of the second factor, or a backup code.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    code: String,
}

/// Either of the two.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StepUpBody {
    #[validate(length(min = 1, max = 1024))]
    #[schema(min_length = 1, max_length = 1024)]
    password: Option<String>,
    /// A code of the second factor, or a backup code.
    #[validate(length(min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    code: Option<String>,
}

impl StepUpBody {
    fn proof(self) -> Result<Proof, Problem> {
        match (self.password, self.code) {
            (Some(password), None) => Ok(Proof::Password(password.into())),
            (None, Some(code)) => Ok(Proof::Code(code.into())),
            (None, None) => Err(Problem::invalid(vec![FieldProblem::new("password", "required")])),
            (Some(_), Some(_)) => Err(Problem::invalid(vec![FieldProblem::new("code", "not_allowed")])),
        }
    }
}

/// What a device needs to count codes, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SetupBody {
    /// In Base32 (RFC 4648).
    #[schema(min_length = 32, max_length = 32)]
    secret: String,
    /// The same for a device to read.
    #[schema(max_length = 1024)]
    otpauth_url: String,
    /// The same as a picture: a `data:` URL of a PNG.
    #[schema(max_length = 65_536)]
    qr_code_url: String,
    /// For whoever has lost the device; each is good once.
    #[schema(schema_with = backup_codes_schema)]
    backup_codes: Vec<String>,
}

impl TryFrom<TwoFactorSetup> for SetupBody {
    type Error = Problem;

    fn try_from(setup: TwoFactorSetup) -> Result<Self, Problem> {
        let qr_code_url = qr::data_url(setup.url.expose()).map_err(Problem::internal)?;
        Ok(Self {
            secret: setup.secret.expose().to_owned(),
            otpauth_url: setup.url.expose().to_owned(),
            qr_code_url,
            backup_codes: setup.backup_codes,
        })
    }
}

/// Ten codes of four groups.
fn backup_codes_schema() -> Array {
    let code =
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).min_length(Some(19)).max_length(Some(19));
    ArrayBuilder::new().items(code).min_items(Some(10)).max_items(Some(10)).build()
}

/// For how long a proof is good.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SteppedUpBody {
    /// In seconds.
    #[schema(minimum = 300, maximum = 300)]
    expires_in: i64,
}

/// Prepares a second factor; it counts once it is verified.
#[utoipa::path(post, path = "/auth/2fa/setup", tag = "auth", responses((status = 200, body = SetupBody)))]
async fn set_up_two_factor(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let setup = app.run(move |s| s.two_factor.set_up(&signed.caller)).await?;
    Ok(Json(SetupBody::try_from(setup)?))
}

/// Turns the second factor on by a first code.
#[utoipa::path(post, path = "/auth/2fa/verify", tag = "auth", request_body = CodeBody,
    responses((status = 200), (status = 401, description = "The code is not valid")))]
async fn verify_two_factor(app: App, signed: Signed, Json(body): Json<CodeBody>) -> Result<impl Responder, Problem> {
    let user = signed.caller.actor.user;
    let guess = Guess::at_proof(user, app.context().network());
    app.run_guess(guess, move |s| s.two_factor.verify(&signed.caller, &body.code)).await?;
    app.sessions().forget_user(user);
    Ok(HttpResponse::Ok().finish())
}

/// Turns the second factor off, soon after a step-up.
#[utoipa::path(post, path = "/auth/2fa/disable", tag = "auth", request_body = DisableBody,
    responses((status = 200), (status = 401, description = "Refused; `code` says why")))]
async fn disable_two_factor(
    app: App,
    signed: Signed,
    Json(body): Json<DisableBody>,
) -> Result<impl Responder, Problem> {
    let (user, password) = (signed.caller.actor.user, SecretString::from(body.password));
    let guess = Guess::at_proof(user, app.context().network());
    app.run_hashing_guess(guess, move |s| s.two_factor.disable(&signed.caller, &password, &body.code)).await?;
    app.sessions().forget_user(user);
    Ok(HttpResponse::Ok().finish())
}

/// Proves that it is still you, for five minutes of this session.
#[utoipa::path(post, path = "/auth/step-up", tag = "auth", request_body = StepUpBody,
    responses((status = 200, body = SteppedUpBody), (status = 401, description = "Refused; `code` says why")))]
async fn step_up(app: App, signed: Signed, Json(body): Json<StepUpBody>) -> Result<impl Responder, Problem> {
    let proof = body.proof()?;
    let guess = Guess::at_proof(signed.caller.actor.user, app.context().network());
    app.run_hashing_guess(guess, move |s| s.two_factor.step_up(&signed.caller, &proof)).await?;
    Ok(Json(SteppedUpBody { expires_in: STEP_UP.as_secs() }))
}

#[derive(OpenApi)]
#[openapi(paths(set_up_two_factor, verify_two_factor, disable_two_factor, step_up))]
struct Document;

/// Adds the operations on second factors.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let own = Permission::AccountOwn;
    ops.route(Method::POST, "/auth/2fa/setup", own, set_up_two_factor);
    ops.route(Method::POST, "/auth/2fa/verify", own, verify_two_factor);
    ops.route(Method::POST, "/auth/2fa/disable", own, disable_two_factor);
    ops.route(Method::POST, "/auth/step-up", own, step_up);
}
