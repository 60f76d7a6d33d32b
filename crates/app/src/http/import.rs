//! Employees from a file: HR sends one, hears line by line what came of it, and may send it again.
use actix_web::{http::Method, web::Bytes};
use huntzen_tenancy::{
    Caller, StoreError, TenancyError,
    employee::{Import, ImportReport, ImportedLine, LINES_TOGETHER, LineError, MOST_LINES, Present},
    idempotency::{Answer, Answered, RequestDigest},
    policy::Permission,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, OpenApi, ToSchema};
use validator::Validate;

use super::{
    Operations, Problem, Query, Signed,
    extract::{CsvForm, CsvText, CsvUpload},
    idempotency::{Going, Keyed, Reply, Start, answer},
    language::Language,
    texts::field_text,
};
use crate::state::App;

mod columns;
mod records;

use columns::{EmployeeFile, Place};

/// How the file is taken.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Whether nothing is to be written: the report is the same.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// What came of the lines.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImportBody {
    /// Lines whose people are listed and invited now.
    #[schema(minimum = 0, maximum = 10_000)]
    created: u32,
    /// Lines whose people the company listed before; they are left as they are.
    #[schema(minimum = 0, maximum = 10_000)]
    skipped: u32,
    /// Lines that list nobody.
    #[schema(minimum = 0, maximum = 10_000)]
    failed: u32,
    /// Why, in the order of the lines: up to five reasons for each that failed, its first ones.
    #[schema(max_items = 50_000)]
    errors: Vec<LineErrorBody>,
}

/// What is wrong with a line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LineErrorBody {
    /// The line of the file on which it begins, the header's being 1.
    #[schema(minimum = 1, maximum = 10_485_760)]
    line: u32,
    /// The column; empty when it is about the whole line.
    #[schema(max_length = 40)]
    field: &'static str,
    #[schema(max_length = 40)]
    code: &'static str,
    #[schema(max_length = 200)]
    message: &'static str,
}

impl ImportBody {
    fn present(report: ImportReport, language: Language) -> Self {
        let ImportReport { created, skipped, failed, errors } = report;
        let told = |LineError { line, error }: LineError| LineErrorBody {
            line,
            field: error.field,
            code: error.code,
            message: field_text(error.code, language),
        };
        Self { created, skipped, failed, errors: errors.into_iter().map(told).collect() }
    }
}

/// Lists and invites the people of a file of at most 10 MiB and 10,000 lines behind its header, which
/// names the columns `email`, `firstName`, `lastName` and, if they are there, `department` and
/// `position`, in any order. Separated by commas or semicolons; UTF-8 or Windows-1252. What is wrong
/// with a line does not stop the others; people who are listed already are skipped, so that the same
/// file may be sent again. Nothing is written when the file as a whole is refused. An answer of 503
/// may come after some of the lines were taken: send the file again. With `dryRun`, an `Idempotency-Key` is of no
/// effect.
#[utoipa::path(post, path = "/employees/import", tag = "employees", params(ImportQuery),
    request_body(content((CsvForm = "multipart/form-data"), (CsvText = "text/csv"))),
    responses((status = 200, body = ImportBody)))]
async fn import_employees(
    app: App,
    signed: Signed,
    Query(query): Query<ImportQuery>,
    Keyed(asked): Keyed,
    CsvUpload(file): CsvUpload,
) -> Result<Reply, Problem> {
    // What writes nothing may be asked for as often as one likes; its report is long, and not kept.
    let asked = asked.filter(|_| !query.dry_run);
    // Reading takes time as well, so the file is read where use cases run, part by part.
    let (bytes, key) = (file.clone(), asked.clone());
    let opened = app.run(move |_| {
        let opened = EmployeeFile::open(&bytes).map_err(Problem::invalid)?;
        if opened.has_more_than(MOST_LINES) {
            return Err(Problem::invalid_field("file", "too_many_lines"));
        }
        Ok((opened.place(), key.map(|key| key.digest(&Sha256::digest(&bytes)))))
    });
    let (place, digest) = opened.await?;
    let import = Import::new(query.dry_run);
    let Some((asked, digest)) = asked.zip(digest) else {
        return import_all(&app, &signed.caller, import, (file, place)).await;
    };
    match Going::begin(&app, &signed.caller, asked).await? {
        Start::Kept(kept) => Ok(Reply(Answered::again(kept.to(&digest)?))),
        Start::Going(going) => match import_once(&app, &signed.caller, import, (file, place), (&going, digest)).await {
            Ok(answer) => Ok(going.done(answer)),
            Err(problem) => Err(going.refuse(Some(digest), problem).await),
        },
    }
}

async fn import_all(
    app: &App,
    caller: &Caller,
    mut import: Import,
    (file, place): (Bytes, Place),
) -> Result<Reply, Problem> {
    let mut place = Some(place);
    while let Some(from) = place {
        let (bytes, caller) = (file.clone(), caller.clone());
        let part = app.run_step(move |s| {
            let mut opened = EmployeeFile::resumed(&bytes, from);
            let lines: Vec<ImportedLine> = opened.lines().take(LINES_TOGETHER).collect();
            if lines.is_empty() {
                return Ok((import, None));
            }
            s.workforce.import(&caller, &mut import, lines)?;
            Ok::<_, TenancyError>((import, Some(opened.place())))
        });
        (import, place) = part.await?;
    }
    Ok(Reply(Answered::first(reported(import.into_report(), app.context().0.language)?)))
}

/// The same, each part saying that the request goes on; the last one keeps the answer.
async fn import_once(
    app: &App,
    caller: &Caller,
    mut import: Import,
    (file, mut place): (Bytes, Place),
    (going, digest): (&Going, RequestDigest),
) -> Result<Answer, Problem> {
    let language = app.context().0.language;
    loop {
        let (bytes, caller, held) = (file.clone(), caller.clone(), going.held()?);
        let part = app.run_step(move |s| {
            let mut opened = EmployeeFile::resumed(&bytes, place);
            let lines: Vec<ImportedLine> = opened.lines().take(LINES_TOGETHER).collect();
            let is_last = lines.len() < LINES_TOGETHER;
            let present = |report: &ImportReport| reported(report.clone(), language);
            let end: Option<(&RequestDigest, &Present<'_>)> = is_last.then_some((&digest, &present));
            let answer = s.workforce.import_once(&caller, &mut import, lines, &held, end)?;
            Ok::<_, TenancyError>((import, opened.place(), answer))
        });
        let (so_far, next, answer) = part.await?;
        if let Some(answer) = answer {
            return Ok(answer);
        }
        (import, place) = (so_far, next);
    }
}

fn reported(report: ImportReport, language: Language) -> Result<Answer, StoreError> {
    answer(None, &ImportBody::present(report, language))
}

#[derive(OpenApi)]
#[openapi(paths(import_employees))]
struct Document;

/// Adds the operation.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    drop(ops.route(Method::POST, "/employees/import", Permission::EmployeesManage, import_employees).repeatable());
}
