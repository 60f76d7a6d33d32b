//! Every cell of the matrix, asked.
use std::collections::{BTreeMap, BTreeSet};

use actix_web::test::TestRequest;
use huntzen_app::http::{Access, Operations, openapi::assemble, operations, route::Operation};
use huntzen_tests::api::{Answer, ApiWorld, forms::Form};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    requests::Content,
    table::{AGGREGATED_ONLY, COLUMNS, Row, Who, rows},
    troupe::{Member, Stage, Troupe},
};

type Name = (String, String);

/// An id that nothing has.
pub const UNKNOWN: Uuid = Uuid::from_u128(0x01a2_0000_0000_7000_8000_0000_0000_0001);

/// For each operation the one that its handler was registered with first.
fn originals(operations: &Operations) -> BTreeMap<Name, Name> {
    let name = |method: &actix_web::http::Method, path: &str| (method.to_string(), path.to_owned());
    let named = operations.operations().into_iter().map(|one| {
        let first = one.alias_of.as_ref().map(|(method, path)| name(method, path));
        let own = name(&one.method, one.path);
        (own.clone(), first.unwrap_or(own))
    });
    named.collect()
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let operations = operations();
    let registered: BTreeSet<Name> = originals(&operations).into_keys().collect();
    let listed: BTreeSet<Name> = rows().iter().map(|row| (row.method.to_owned(), row.path.to_owned())).collect();
    let missing: Vec<_> = registered.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&registered).collect();
    assert!(missing.is_empty() && idle.is_empty(), "without a row: {missing:?}; without an operation: {idle:?}");
    let document: Value = serde_json::from_str(&assemble(&operations).to_string()).unwrap();
    let documented: BTreeSet<Name> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    assert_eq!(documented, registered);
}

#[test]
fn whatever_is_asked_of_ones_own_is_asked_of_somebody_elses() {
    for row in rows() {
        let same = rows().into_iter().filter(|other| (other.method, other.path) == (row.method, row.path));
        let is_open = same.flat_map(|other| other.expected).any(|status| status < 300);
        assert!(is_open, "{} {} is open to nobody", row.method, row.path);
        if let Some(thing) = row.subject.strip_prefix("own ") {
            let of_another = rows()
                .into_iter()
                .find(|other| (other.method, other.path, other.subject) == (row.method, row.path, thing));
            let refused = of_another.is_some_and(|other| other.expected.contains(&404));
            assert!(refused, "{} {} of another's {thing} has no row", row.method, row.path);
        }
    }
}

#[actix_web::test]
async fn every_cell_holds_in_memory() {
    hold(ApiWorld::memory().await).await;
}

#[actix_web::test]
async fn every_cell_holds_over_postgres() {
    hold(ApiWorld::postgres().await).await;
}

async fn hold(api: ApiWorld) {
    let stage = Stage::new(api);
    let originals = originals(&operations());
    let mut wrong = Vec::new();
    let mut asked = 0;
    for row in rows() {
        let Some((method, path)) = originals.get(&(row.method.to_owned(), row.path.to_owned())) else {
            wrong.push(format!("{} {} is no operation", row.method, row.path));
            continue;
        };
        let checked = Checked { stage: &stage, row: &row, operation: format!("{method} {path}") };
        asked += checked.hold(&mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} of {asked} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(asked, rows().len() * COLUMNS.len());
}

/// A row under test.
struct Checked<'a> {
    stage: &'a Stage,
    row: &'a Row,
    operation: String,
}

impl Checked<'_> {
    /// Asks every cell, refusals first and all about one and the same thing: that it can still be
    /// had afterwards shows that the refusals were not for want of it. Answers how many.
    async fn hold(&self, wrong: &mut Vec<String>) -> usize {
        let cells = || COLUMNS.into_iter().zip(self.row.expected.iter().copied());
        let shared = self.stage.troupe();
        let only = self.stage.subject(&shared, Who::Nobody, self.row.subject).await;
        let per_caller = self.row.subject.starts_with("own ");
        for (who, expected) in cells().filter(|(_, expected)| *expected >= 300) {
            self.refuse(&shared, who, only, expected, wrong).await;
        }
        let mut shared_is_fresh = true;
        for (who, expected) in cells().filter(|(_, expected)| *expected < 300) {
            let reads = self.row.method == "GET" && !self.row.path.ends_with("/room");
            let fresh;
            let (troupe, id) = if (reads || shared_is_fresh) && !per_caller {
                (&shared, only)
            } else {
                fresh = self.stage.troupe();
                let id = self.stage.subject(&fresh, who, self.row.subject).await;
                (&fresh, id)
            };
            shared_is_fresh = false;
            let content = self.stage.content(troupe, who, (&self.operation, id));
            self.check_path(troupe.find(who), id, &content, who, wrong).await;
            let answer = self.ask(troupe.find(who), id, &content).await;
            self.check(who, expected, &answer, wrong);
        }
        COLUMNS.len()
    }

    /// A refusal, and the same one for whatever else is sent.
    async fn refuse(&self, troupe: &Troupe, who: Who, id: Option<Uuid>, expected: u16, wrong: &mut Vec<String>) {
        let caller = troupe.find(who);
        let content = self.stage.content(troupe, who, (&self.operation, id));
        let answer = self.ask(caller, id, &content).await;
        let (expected, code) = match expected {
            AGGREGATED_ONLY => (403, "aggregated_only"),
            401 => (401, "unauthenticated"),
            403 => (403, "forbidden"),
            other => (other, "not_found"),
        };
        self.check(who, expected, &answer, wrong);
        if answer.status == expected && answer.json["code"] != code {
            wrong.push(format!("{who:?} {}: {} instead of {code}", answer.asked, answer.json["code"]));
        }
        if matches!(code, "not_found" | "aggregated_only") {
            let unknown = self.ask(caller, Some(UNKNOWN), &content).await;
            if told(&unknown) != told(&answer) {
                wrong.push(format!("{who:?} {}: told apart from an unknown id", answer.asked));
            }
            return self.check_path(caller, id, &content, who, wrong).await;
        }
        for id in [UNKNOWN.to_string(), "not-an-id".to_owned()] {
            let path = format!("{}?nonsense=1&nonsense=2", self.row.about(&id));
            let garbage = request(caller, self.row.method, &path);
            let garbage = garbage.insert_header(("content-type", "application/json")).set_payload("{\"nonsense\":");
            self.check(who, expected, &self.stage.api.send(garbage).await, wrong);
        }
    }

    /// What is no id is found by nobody who may ask.
    async fn check_path(
        &self,
        caller: Option<&Member>,
        id: Option<Uuid>,
        content: &Content,
        who: Who,
        wrong: &mut Vec<String>,
    ) {
        if id.is_none() || !self.row.names_a_thing() {
            return;
        }
        // A stranger is asked to sign in, where strangers may come in, for whatever there is not.
        let is_optional = |one: &Operation| {
            let is_this = one.path == self.row.path && one.method.as_str() == self.row.method;
            is_this && matches!(one.access, Access::Optional(_))
        };
        let sent_to_sign_in = who == Who::Nobody && operations().operations().iter().any(is_optional);
        let expected = if sent_to_sign_in { 401 } else { 404 };
        for no_id in ["not-an-id", "%00", "1"] {
            let path = format!("{}{}", self.row.about(no_id), content.query);
            self.check(who, expected, &self.stage.ask(caller, self.row.method, &path, &content.body).await, wrong);
        }
    }

    async fn ask(&self, caller: Option<&Member>, id: Option<Uuid>, content: &Content) -> Answer {
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        let path = format!("{}{}", self.row.about(&id), content.query);
        self.stage.ask(caller, self.row.method, &path, &content.body).await
    }

    fn check(&self, who: Who, expected: u16, answer: &Answer, wrong: &mut Vec<String>) {
        if answer.status != expected {
            let (row, body) = (self.row.subject, String::from_utf8_lossy(&answer.bytes));
            wrong.push(format!(
                "{who:?} {} ({row}): {} instead of {expected}: {body:.300}",
                answer.asked, answer.status
            ));
        }
    }
}

/// What a refusal says beside the ids of the one request.
fn told(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("requestId");
        fields.remove("instance");
    }
    (answer.status, body)
}

/// A request of `caller`, of nobody without one.
fn request(caller: Option<&Member>, method: &str, path: &str) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method.parse().unwrap());
    match caller {
        Some(member) => request.insert_header(("authorization", format!("Bearer {}", member.token))),
        None => request,
    }
}

impl Stage {
    /// Sends a request of `caller` with a body unless it is null; a text is a form or else a file of
    /// separated values.
    pub async fn ask(&self, caller: Option<&Member>, method: &str, path: &str, body: &Value) -> Answer {
        let request = request(caller, method, path);
        let request = match body {
            Value::Null => request,
            Value::String(text) => {
                let media = if text.starts_with("--") { Form::media() } else { "text/csv".to_owned() };
                request.insert_header(("content-type", media)).set_payload(text.clone())
            }
            body @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                request.insert_header(("content-type", "application/json")).set_payload(body.to_string())
            }
        };
        self.api.send(request).await
    }
}
