//! Companies over HTTP.
use actix_web::{Responder, http::Method};
use huntzen_tenancy::{
    company::{CompanyChange, CompanyFilter, CompanyView, HrReporting, NewCompany, NewHr},
    ids::CompanyId,
    policy::Permission,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, OpenApi, ToSchema,
    openapi::{
        ObjectBuilder,
        schema::{Array, ArrayBuilder, SchemaType, Type},
    },
};
use uuid::Uuid;
use validator::Validate;

use super::{
    Created, Json, Operations, PageBody, PageNumber, Patch, Path, PerPage, Problem, Query, Signed,
    openapi::words_schema, paging::page_request, patch, super_admin::InvitedBody,
};
use crate::state::App;

/// What a company is made from. The use case trims and checks every text.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewCompanyBody {
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// The registered name; the name when absent.
    #[schema(max_length = 200)]
    legal_name: Option<String>,
    /// 14 digits; spaces between them are left out.
    #[schema(min_length = 14, max_length = 20)]
    siret: String,
    /// The e-mail domains of its people.
    #[schema(schema_with = domains_schema)]
    email_domains: Vec<String>,
    #[schema(max_length = 120)]
    sector: Option<String>,
    /// How many people it employs.
    #[schema(minimum = 1, maximum = 10_000_000)]
    size: Option<u32>,
    /// An IANA zone; `Europe/Paris` when absent.
    #[schema(min_length = 1, max_length = 64)]
    timezone: Option<String>,
    #[schema(max_length = 120)]
    contact_name: Option<String>,
    #[schema(format = "email", min_length = 0, max_length = 254)]
    contact_email: Option<String>,
    #[schema(max_length = 32)]
    phone: Option<String>,
    #[schema(max_length = 500)]
    address: Option<String>,
}

impl From<NewCompanyBody> for NewCompany {
    fn from(body: NewCompanyBody) -> Self {
        Self {
            name: body.name,
            legal_name: body.legal_name,
            siret: body.siret,
            email_domains: body.email_domains,
            sector: body.sector,
            size: body.size,
            timezone: body.timezone,
            contact_name: body.contact_name,
            contact_email: body.contact_email,
            phone: body.phone,
            address: body.address,
        }
    }
}

/// What changes about a company: absent fields stay, null clears. HR may change `timezone`,
/// `contactName`, `contactEmail`, `phone` and `address` alone.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CompanyPatch {
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 120)]
    name: Option<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    legal_name: Option<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 14, max_length = 20)]
    siret: Option<String>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = domains_schema, required = false)]
    email_domains: Option<Vec<String>>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    sector: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 10_000_000)]
    size: Patch<u32>,
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 64)]
    timezone: Option<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    contact_name: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, format = "email", min_length = 0, max_length = 254)]
    contact_email: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 32)]
    phone: Patch<String>,
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    address: Patch<String>,
    /// How usage is reported to HR from the first day of the next month on; every employee is told.
    #[serde(default, deserialize_with = "patch::required")]
    #[schema(schema_with = words_schema::<HrReporting>, required = false)]
    hr_reporting: Option<HrReporting>,
}

impl From<CompanyPatch> for CompanyChange {
    fn from(patch: CompanyPatch) -> Self {
        Self {
            name: patch.name,
            legal_name: patch.legal_name,
            siret: patch.siret,
            email_domains: patch.email_domains,
            sector: patch.sector,
            size: patch.size,
            timezone: patch.timezone,
            contact_name: patch.contact_name,
            contact_email: patch.contact_email,
            phone: patch.phone,
            address: patch.address,
            hr_reporting: patch.hr_reporting,
        }
    }
}

/// An HR colleague to invite.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewHrBody {
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 100)]
    first_name: String,
    #[schema(min_length = 1, max_length = 100)]
    last_name: String,
}

/// Which companies are asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct CompanyQuery {
    /// Only active (`true`) or inactive ones (`false`).
    active: Option<bool>,
    /// Only those whose name or slug contains this.
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

/// A way of reporting that is about to begin.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlannedReportingBody {
    #[schema(schema_with = words_schema::<HrReporting>)]
    mode: HrReporting,
    /// Its first day, where the company is.
    #[schema(value_type = String, format = Date)]
    from: Date,
}

/// A company.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompanyBody {
    id: Uuid,
    #[schema(max_length = 120)]
    name: String,
    #[schema(max_length = 200)]
    legal_name: String,
    #[schema(min_length = 14, max_length = 14)]
    siret: String,
    #[schema(schema_with = domains_schema)]
    email_domains: Vec<String>,
    #[schema(max_length = 120)]
    sector: Option<String>,
    #[schema(minimum = 1, maximum = 10_000_000)]
    size: Option<u32>,
    /// An IANA zone.
    #[schema(max_length = 64)]
    timezone: String,
    #[schema(max_length = 100)]
    slug: String,
    #[schema(max_length = 120)]
    contact_name: Option<String>,
    #[schema(format = "email", max_length = 254)]
    contact_email: Option<String>,
    #[schema(max_length = 32)]
    phone: Option<String>,
    #[schema(max_length = 500)]
    address: Option<String>,
    /// Whether its people are eligible.
    is_active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    validated_at: Option<Timestamp>,
    validated_by: Option<Uuid>,
    /// How its usage is reported to its HR.
    #[schema(schema_with = words_schema::<HrReporting>)]
    hr_reporting: HrReporting,
    /// How it is about to be; null when nothing changes.
    hr_reporting_next: Option<PlannedReportingBody>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<CompanyView> for CompanyBody {
    fn from(view: CompanyView) -> Self {
        let CompanyView { company, hr_reporting, hr_reporting_next } = view;
        Self {
            id: company.id.into(),
            name: company.name,
            legal_name: company.legal_name,
            siret: company.siret.as_str().to_owned(),
            email_domains: company.email_domains.iter().map(|domain| domain.as_str().to_owned()).collect(),
            sector: company.sector,
            size: company.size,
            timezone: company.timezone,
            slug: company.slug,
            contact_name: company.contact_name,
            contact_email: company.contact_email.map(|email| email.as_str().to_owned()),
            phone: company.phone,
            address: company.address,
            is_active: company.is_active,
            validated_at: company.validated_at,
            validated_by: company.validated_by.map(Into::into),
            hr_reporting,
            hr_reporting_next: hr_reporting_next.map(|(from, mode)| PlannedReportingBody { mode, from }),
            created_at: company.created_at,
        }
    }
}

/// 1 to 20 host names of at least two labels.
fn domains_schema() -> Array {
    let domain =
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).min_length(Some(3)).max_length(Some(253));
    ArrayBuilder::new().items(domain).min_items(Some(1)).max_items(Some(20)).build()
}

/// Adds a company, inactive until it is validated.
#[utoipa::path(post, path = "/companies", tag = "companies", request_body = NewCompanyBody,
    responses((status = 201, body = CompanyBody)))]
async fn create_company(app: App, signed: Signed, Json(body): Json<NewCompanyBody>) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.create(&signed.caller, &body.into())).await?;
    Ok(Created::at(format!("/companies/{}", company.company.id), CompanyBody::from(company)))
}

/// Lists companies by name.
#[utoipa::path(get, path = "/companies", tag = "companies", params(CompanyQuery),
    responses((status = 200, body = PageBody<CompanyBody>)))]
async fn list_companies(
    app: App,
    signed: Signed,
    Query(query): Query<CompanyQuery>,
) -> Result<impl Responder, Problem> {
    let request = page_request(query.page, query.per_page);
    let text = query.q.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = CompanyFilter { active: query.active, text };
    let page = app.run(move |s| s.companies.list(&signed.caller, &filter, request)).await?;
    Ok(Json(PageBody::<CompanyBody>::present(page, request)))
}

/// Shows one's own company.
#[utoipa::path(get, path = "/companies/me", tag = "companies",
    responses((status = 200, body = CompanyBody), (status = 404, description = "The account has no company")))]
async fn own_company(app: App, signed: Signed) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.own(&signed.caller)).await?;
    Ok(Json(CompanyBody::from(company)))
}

/// Shows a company: any to administrators, one's own to HR.
#[utoipa::path(get, path = "/companies/{id}", tag = "companies", params(("id" = Uuid, Path)),
    responses((status = 200, body = CompanyBody)))]
async fn get_company(app: App, signed: Signed, Path(id): Path<CompanyId>) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.get(&signed.caller, id)).await?;
    Ok(Json(CompanyBody::from(company)))
}

/// Changes a company.
#[utoipa::path(patch, path = "/companies/{id}", tag = "companies", params(("id" = Uuid, Path)),
    request_body = CompanyPatch, responses((status = 200, body = CompanyBody)))]
async fn update_company(
    app: App,
    signed: Signed,
    Path(id): Path<CompanyId>,
    Json(patch): Json<CompanyPatch>,
) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.change(&signed.caller, id, &patch.into())).await?;
    Ok(Json(CompanyBody::from(company)))
}

/// Makes a company's people eligible.
#[utoipa::path(post, path = "/companies/{id}/validate", tag = "companies", params(("id" = Uuid, Path)),
    responses((status = 200, body = CompanyBody)))]
async fn validate_company(app: App, signed: Signed, Path(id): Path<CompanyId>) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.validate(&signed.caller, id)).await?;
    Ok(Json(CompanyBody::from(company)))
}

/// Ends the eligibility of a company's people and signs its HR out.
#[utoipa::path(post, path = "/companies/{id}/suspend", tag = "companies", params(("id" = Uuid, Path)),
    responses((status = 200, body = CompanyBody)))]
async fn suspend_company(app: App, signed: Signed, Path(id): Path<CompanyId>) -> Result<impl Responder, Problem> {
    let company = app.run(move |s| s.companies.suspend(&signed.caller, id)).await?;
    app.sessions().forget_company(id);
    Ok(Json(CompanyBody::from(company)))
}

/// Invites an HR colleague: administrators to any company, HR to its own.
#[utoipa::path(post, path = "/companies/{id}/admins", tag = "companies", params(("id" = Uuid, Path)),
    request_body = NewHrBody, responses((status = 201, body = InvitedBody)))]
async fn invite_hr(
    app: App,
    signed: Signed,
    Path(id): Path<CompanyId>,
    Json(body): Json<NewHrBody>,
) -> Result<impl Responder, Problem> {
    let NewHrBody { email, first_name, last_name } = body;
    let colleague = NewHr { email, first_name, last_name };
    let user = app.run(move |s| s.companies.invite_hr(&signed.caller, id, &colleague)).await?;
    Ok(Created::at(format!("/companies/{id}"), InvitedBody::from(user)))
}

#[derive(OpenApi)]
#[openapi(paths(
    create_company,
    list_companies,
    own_company,
    get_company,
    update_company,
    validate_company,
    suspend_company,
    invite_hr
))]
struct Document;

/// Adds the operations on companies.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::POST, "/companies", Permission::CompaniesManage, create_company);
    ops.route(Method::GET, "/companies", Permission::CompaniesManage, list_companies);
    ops.route(Method::GET, "/companies/me", Permission::CompanyOwnRead, own_company);
    ops.route(Method::GET, "/companies/{id}", Permission::CompanyEdit, get_company);
    ops.route(Method::PATCH, "/companies/{id}", Permission::CompanyEdit, update_company).or_put();
    ops.route(Method::POST, "/companies/{id}/validate", Permission::CompaniesManage, validate_company)
        .alias(Method::POST, "/companies/{id}/activate")
        .alias(Method::PUT, "/companies/{id}/activate")
        .or_put();
    ops.route(Method::POST, "/companies/{id}/suspend", Permission::CompaniesManage, suspend_company).or_put();
    ops.route(Method::POST, "/companies/{id}/admins", Permission::CompanyAdminsInvite, invite_hr);
}
