//! Employees over HTTP: HR's list of beneficiaries, and a person's own entry in it.
use actix_web::{HttpResponse, Responder, http::Method};
use huntzen_tenancy::{
    employee::{Employee, EmployeeChange, EmployeeFilter, EmployeeStatus, NewEmployee},
    ids::EmployeeId,
    policy::Permission,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Json, Operations, PageBody, PageNumber, Patch, Path, PerPage, Problem, Query, Signed,
    openapi::words_schema, paging::page_request, patch,
};
use crate::state::App;

/// Whom HR lists. The use case trims and checks every text.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewEmployeeBody {
    /// Of one of the company's domains.
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 100)]
    first_name: String,
    #[schema(min_length = 1, max_length = 100)]
    last_name: String,
    #[schema(max_length = 120)]
    department: Option<String>,
    #[schema(max_length = 120)]
    position: Option<String>,
}

impl From<NewEmployeeBody> for NewEmployee {
    fn from(body: NewEmployeeBody) -> Self {
        let NewEmployeeBody { email, first_name, last_name, department, position } = body;
        Self { email, first_name, last_name, department, position }
    }
}

/// What changes about an employee: absent fields stay, null clears. HR changes names, department
/// and position; employees their own names and telephone number.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmployeePatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 32)]
    phone: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    department: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    position: Patch<String>,
}

impl From<EmployeePatch> for EmployeeChange {
    fn from(patch: EmployeePatch) -> Self {
        let EmployeePatch { first_name, last_name, phone, department, position } = patch;
        Self { first_name, last_name, phone, department, position }
    }
}

/// Which employees are asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct EmployeeQuery {
    /// Only those of this department, by its exact name.
    #[validate(length(max = 200))]
    #[param(max_length = 200)]
    department: Option<String>,
    /// Only those with this status.
    #[param(schema_with = words_schema::<EmployeeStatus>)]
    status: Option<EmployeeStatus>,
    /// Only those whose name or address contains this.
    #[validate(length(max = 200))]
    #[param(max_length = 200)]
    q: Option<String>,
    #[serde(default)]
    #[param(inline)]
    page: PageNumber,
    #[serde(default)]
    #[param(inline)]
    per_page: PerPage,
}

/// An entry in a company's list of beneficiaries. Nothing in it tells about use.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EmployeeBody {
    id: Uuid,
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(max_length = 100)]
    first_name: String,
    #[schema(max_length = 100)]
    last_name: String,
    /// Shown to the employee alone.
    #[schema(max_length = 32)]
    phone: Option<String>,
    #[schema(max_length = 120)]
    department: Option<String>,
    #[schema(max_length = 120)]
    position: Option<String>,
    #[schema(schema_with = words_schema::<EmployeeStatus>)]
    status: EmployeeStatus,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Employee> for EmployeeBody {
    fn from(employee: Employee) -> Self {
        Self {
            id: employee.id.into(),
            email: employee.email.as_str().to_owned(),
            first_name: employee.first_name,
            last_name: employee.last_name,
            phone: employee.phone,
            department: employee.department,
            position: employee.position,
            status: employee.status,
            created_at: employee.created_at,
        }
    }
}

/// A filter's text, unless it filters nothing.
fn wanted(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Lists a person and invites them; an address listed before answers with its entry.
#[utoipa::path(post, path = "/employees", tag = "employees", request_body = NewEmployeeBody,
    responses((status = 201, body = EmployeeBody)))]
async fn create_employee(
    app: App,
    signed: Signed,
    Json(body): Json<NewEmployeeBody>,
) -> Result<impl Responder, Problem> {
    let invited = app.run(move |s| s.workforce.create(&signed.caller, &body.into())).await?;
    let employee = invited.employee;
    Ok(Created::at(format!("/employees/{}", employee.id), EmployeeBody::from(employee)))
}

/// Lists the company's employees by name.
#[utoipa::path(get, path = "/employees", tag = "employees", params(EmployeeQuery),
    responses((status = 200, body = PageBody<EmployeeBody>)))]
async fn list_employees(
    app: App,
    signed: Signed,
    Query(query): Query<EmployeeQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let filter = EmployeeFilter { department: wanted(query.department), status: query.status, text: wanted(query.q) };
    let page = app.run(move |s| s.workforce.list(&signed.caller, &filter, request)).await?;
    Ok(Json(PageBody::<EmployeeBody>::present(page, request)))
}

/// Shows one's own entry.
#[utoipa::path(get, path = "/employees/me", tag = "employees",
    responses((status = 200, body = EmployeeBody), (status = 404, description = "The account has no entry")))]
async fn own_employee(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.me(&signed.caller)).await?;
    Ok(Json(EmployeeBody::from(employee)))
}

/// Changes one's own entry.
#[utoipa::path(patch, path = "/employees/me", tag = "employees", request_body = EmployeePatch,
    responses((status = 200, body = EmployeeBody), (status = 404, description = "The account has no entry")))]
async fn update_own_employee(
    app: App,
    signed: Signed,
    Json(patch): Json<EmployeePatch>,
) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.change_me(&signed.caller, &patch.into())).await?;
    // The account carries the names as well.
    app.sessions().forget_user(employee.user);
    Ok(Json(EmployeeBody::from(employee)))
}

/// Shows an employee: of one's own company to HR, oneself to an employee.
#[utoipa::path(get, path = "/employees/{id}", tag = "employees", params(("id" = Uuid, Path)),
    responses((status = 200, body = EmployeeBody)))]
async fn get_employee(app: App, signed: Signed, Path(id): Path<EmployeeId>) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.get(&signed.caller, id)).await?;
    Ok(Json(EmployeeBody::from(employee)))
}

/// Changes an employee.
#[utoipa::path(patch, path = "/employees/{id}", tag = "employees", params(("id" = Uuid, Path)),
    request_body = EmployeePatch, responses((status = 200, body = EmployeeBody)))]
async fn update_employee(
    app: App,
    signed: Signed,
    Path(id): Path<EmployeeId>,
    Json(patch): Json<EmployeePatch>,
) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.change(&signed.caller, id, &patch.into())).await?;
    app.sessions().forget_user(employee.user);
    Ok(Json(EmployeeBody::from(employee)))
}

/// Makes an employee eligible again.
#[utoipa::path(post, path = "/employees/{id}/activate", tag = "employees", params(("id" = Uuid, Path)),
    responses((status = 200, body = EmployeeBody)))]
async fn activate_employee(app: App, signed: Signed, Path(id): Path<EmployeeId>) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.activate(&signed.caller, id)).await?;
    Ok(Json(EmployeeBody::from(employee)))
}

/// Ends an employee's eligibility; the account stays theirs.
#[utoipa::path(post, path = "/employees/{id}/deactivate", tag = "employees", params(("id" = Uuid, Path)),
    responses((status = 200, body = EmployeeBody)))]
async fn deactivate_employee(app: App, signed: Signed, Path(id): Path<EmployeeId>) -> Result<impl Responder, Problem> {
    let employee = app.run(move |s| s.workforce.deactivate(&signed.caller, id)).await?;
    Ok(Json(EmployeeBody::from(employee)))
}

/// Mails an invitation again, if it still waits to be accepted.
#[utoipa::path(post, path = "/employees/{id}/resend-invitation", tag = "employees", params(("id" = Uuid, Path)),
    responses((status = 202)))]
async fn resend_invitation(app: App, signed: Signed, Path(id): Path<EmployeeId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.workforce.resend(&signed.caller, id)).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Mails every invitation again that still waits to be accepted.
#[utoipa::path(post, path = "/employees/resend-invitations", tag = "employees", responses((status = 202)))]
async fn resend_invitations(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    app.run(move |s| s.workforce.resend_all(&signed.caller)).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Takes an invitation back, if it still waits to be accepted; the employee stays.
#[utoipa::path(delete, path = "/employees/{id}/invitation", tag = "employees", params(("id" = Uuid, Path)),
    responses((status = 202)))]
async fn withdraw_invitation(app: App, signed: Signed, Path(id): Path<EmployeeId>) -> Result<impl Responder, Problem> {
    app.run(move |s| s.workforce.withdraw(&signed.caller, id)).await?;
    Ok(HttpResponse::Accepted().finish())
}

#[derive(OpenApi)]
#[openapi(paths(
    create_employee,
    list_employees,
    own_employee,
    update_own_employee,
    get_employee,
    update_employee,
    activate_employee,
    deactivate_employee,
    resend_invitation,
    resend_invitations,
    withdraw_invitation
))]
struct Document;

/// Adds the operations on employees.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    let manage = Permission::EmployeesManage;
    ops.route(Method::POST, "/employees", manage, create_employee);
    ops.route(Method::GET, "/employees", manage, list_employees);
    ops.route(Method::GET, "/employees/me", Permission::EmployeeOwn, own_employee);
    ops.route(Method::PATCH, "/employees/me", Permission::EmployeeOwn, update_own_employee).or_put();
    ops.route(Method::GET, "/employees/{id}", Permission::EmployeeEdit, get_employee);
    ops.route(Method::PATCH, "/employees/{id}", Permission::EmployeeEdit, update_employee).or_put();
    ops.route(Method::POST, "/employees/{id}/activate", manage, activate_employee).or_put();
    ops.route(Method::POST, "/employees/{id}/deactivate", manage, deactivate_employee).or_put();
    ops.route(Method::POST, "/employees/{id}/resend-invitation", manage, resend_invitation);
    ops.route(Method::POST, "/employees/resend-invitations", manage, resend_invitations);
    ops.route(Method::DELETE, "/employees/{id}/invitation", manage, withdraw_invitation);
}
