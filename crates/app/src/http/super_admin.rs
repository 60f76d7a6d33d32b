//! What operators do to accounts: invite operators and administrators, block, unblock.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    identity::{NewOperator, User},
    ids::UserId,
    policy::{Permission, Role},
    words::Words,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        ObjectBuilder,
        schema::{Object, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{Created, Json, Operations, Path, Problem, Signed, openapi::words_schema};
use crate::state::App;

/// Whom to invite, as what.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewOperatorBody {
    #[validate(length(min = 1, max = 320))]
    #[schema(format = "email", min_length = 1, max_length = 320)]
    email: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    first_name: String,
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100)]
    last_name: String,
    #[schema(schema_with = operator_roles)]
    role: Role,
}

/// The roles of operators, who belong to no company and see nobody.
fn operator_roles() -> Object {
    let words = [Role::SuperAdmin, Role::AdminHuntzen].map(Role::as_str);
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(words)).build()
}

/// An account as operators see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvitedBody {
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
    is_active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    blocked_at: Option<Timestamp>,
}

impl From<User> for InvitedBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.into(),
            email: user.email.as_str().to_owned(),
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role,
            company_id: user.company.map(Into::into),
            is_active: user.is_active,
            blocked_at: user.blocked_at,
        }
    }
}

/// Invites an operator or an administrator.
#[utoipa::path(post, path = "/super-admin/admins", tag = "operations", request_body = NewOperatorBody,
    responses((status = 201, body = InvitedBody)))]
async fn invite_operator(
    app: App,
    signed: Signed,
    Json(body): Json<NewOperatorBody>,
) -> Result<impl Responder, Problem> {
    let NewOperatorBody { email, first_name, last_name, role } = body;
    let new = NewOperator { email, first_name, last_name, role };
    let user = app.run(move |s| s.super_administration.invite(&signed.caller, &new)).await?;
    Ok(Created::at("/super-admin/admins", InvitedBody::from(user)))
}

/// Blocks an account: it is signed out everywhere and cannot sign in.
#[utoipa::path(post, path = "/super-admin/users/{id}/block", tag = "operations", params(("id" = Uuid, Path)),
    responses((status = 200, body = InvitedBody)))]
async fn block_user(app: App, signed: Signed, Path(id): Path<UserId>) -> Result<impl Responder, Problem> {
    let user = app.run(move |s| s.super_administration.block(&signed.caller, id)).await?;
    app.sessions().forget_user(id);
    Ok(Json(InvitedBody::from(user)))
}

/// Unblocks an account.
#[utoipa::path(post, path = "/super-admin/users/{id}/unblock", tag = "operations", params(("id" = Uuid, Path)),
    responses((status = 200, body = InvitedBody)))]
async fn unblock_user(app: App, signed: Signed, Path(id): Path<UserId>) -> Result<impl Responder, Problem> {
    let user = app.run(move |s| s.super_administration.unblock(&signed.caller, id)).await?;
    app.sessions().forget_user(id);
    Ok(Json(InvitedBody::from(user)))
}

#[derive(OpenApi)]
#[openapi(paths(invite_operator, block_user, unblock_user))]
struct Document;

/// Adds the operations of operators.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/super-admin/admins", Permission::AdminsInvite, invite_operator);
    ops.route(Method::POST, "/super-admin/users/{id}/block", Permission::UsersBlock, block_user).or_put();
    ops.route(Method::POST, "/super-admin/users/{id}/unblock", Permission::UsersBlock, unblock_user).or_put();
}
