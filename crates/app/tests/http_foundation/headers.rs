//! Headers, languages, compression, and what failures and the log give away.
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use actix_web::{
    http::{Method, StatusCode},
    test::TestRequest,
};
use huntzen_tenancy::policy::Role;
use tracing_subscriber::fmt::MakeWriter;

use crate::house::{House, signed, user_of, with_json};

#[actix_web::test]
async fn every_answer_has_the_security_headers() {
    let house = House::new();
    for path in ["/books", "/nowhere", "/books/defect", "/books?x=1", "/books/x"] {
        let answer = house.get(path).await;
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {path}");
        }
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
        assert_eq!(answer.header("server"), None);
    }
}

#[actix_web::test]
async fn nobody_keeps_private_answers() {
    let house = House::new();
    let private = signed(Role::Employee, Method::GET, "/books/00000000-0000-0000-0000-000000000007");
    assert_eq!(house.send(private).await.header("cache-control"), Some("no-store"));
    let sign_in = TestRequest::with_uri("/auth/long").method(Method::POST);
    assert_eq!(house.send(sign_in).await.header("cache-control"), Some("no-store"));
    assert_eq!(house.get("/books").await.header("cache-control"), None);
}

#[actix_web::test]
async fn a_safe_request_id_comes_back() {
    let house = House::new();
    let with_id = |id: &'static str| TestRequest::with_uri("/books/newest").insert_header(("x-request-id", id));
    let answer = house.send(with_id("abc.1-2_3")).await;
    assert_eq!(answer.header("x-request-id"), Some("abc.1-2_3"));
    assert_eq!(answer.json()["said"], "newest abc.1-2_3");
    assert_eq!(house.send(with_id("a b<script>")).await.header("x-request-id").unwrap().len(), 36);
}

#[actix_web::test]
async fn texts_follow_the_client() {
    let house = House::new();
    let wrong = |language: &'static str| {
        house.send(TestRequest::with_uri("/books?page=0").insert_header(("accept-language", language)))
    };
    let french = wrong("fr-FR").await;
    assert_eq!(french.json()["title"], "Données refusées");
    assert_eq!(french.json()["errors"][0]["message"], "Cette valeur est hors des limites permises.");
    assert_eq!(french.header("content-language"), Some("fr"));
    let english = wrong("de, en;q=0.5").await;
    assert_eq!(english.json()["title"], "Invalid values");
    assert_eq!(english.json()["errors"][0]["message"], "This value is outside the allowed range.");
    assert_eq!(english.header("content-language"), Some("en"));
}

#[actix_web::test]
async fn only_configured_front_ends_share_answers() {
    let house = House::new();
    let from = |origin: &'static str| house.send(TestRequest::with_uri("/books?x=1").insert_header(("origin", origin)));
    let ours = from("https://care.example").await;
    assert_eq!(ours.header("access-control-allow-origin"), Some("https://care.example"));
    assert_eq!(ours.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(from("https://evil.example").await.header("access-control-allow-origin"), None);
    let preflight = |origin: &'static str| {
        let request = TestRequest::with_uri("/books").method(Method::OPTIONS);
        let request =
            request.insert_header(("origin", origin)).insert_header(("access-control-request-method", "POST"));
        house.send(request.insert_header(("access-control-request-headers", "authorization, content-type")))
    };
    let ours = preflight("https://care.example").await;
    assert_eq!(ours.status, StatusCode::OK);
    assert_eq!(ours.header("access-control-allow-origin"), Some("https://care.example"));
    let theirs = preflight("https://evil.example").await;
    assert_eq!((theirs.status, theirs.code().as_str()), (StatusCode::BAD_REQUEST, "bad_request"));
    assert_eq!(theirs.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn long_answers_are_compressed_except_where_secrets_travel() {
    let house = House::new();
    let asked = |method: Method, path: &str| {
        house.send(TestRequest::with_uri(path).method(method).insert_header(("accept-encoding", "br, gzip")))
    };
    let long = asked(Method::GET, "/books/long").await;
    assert_eq!(long.header("content-encoding"), Some("br"));
    assert!(long.body.len() < 1000);
    for (method, path) in [(Method::GET, "/books/newest"), (Method::POST, "/auth/long")] {
        assert_eq!(asked(method, path).await.header("content-encoding"), None, "{path}");
    }
    assert_eq!(house.get("/books/long").await.header("content-encoding"), None);
}

#[actix_web::test]
async fn failures_tell_clients_nothing_of_their_cause() {
    let house = House::new();
    let defect = house.get("/books/defect").await;
    assert_eq!((defect.status, defect.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(!String::from_utf8_lossy(&defect.body).contains("defect"));
    let down = house.get("/books/unavailable").await;
    assert_eq!((down.status, down.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(down.header("retry-after"), Some("1"));
    assert!(!String::from_utf8_lossy(&down.body).contains("db.internal"));
}

/// Collects log lines of every test of this program.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The lines about one request.
    fn about(&self, request_id: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(request_id)).map(str::to_owned).collect()
    }
}

#[actix_web::test]
async fn one_line_a_request_names_no_person_and_no_content() {
    let house = House::new();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let id = "00000000-0000-0000-0000-000000000007";
    let body = r#"{"title":"a secret title","pageCount":-1}"#;
    let request = signed(Role::Practitioner, Method::PATCH, &format!("/books/{id}?secret=1"));
    house.send(with_json(request.insert_header(("x-request-id", "log-of-refusal")), body)).await;
    house.send(TestRequest::with_uri("/books/defect").insert_header(("x-request-id", "log-of-defect"))).await;
    let refusal = lines.about("log-of-refusal");
    assert_eq!(refusal.len(), 1, "{refusal:?}");
    let line: serde_json::Value = serde_json::from_str(&refusal[0]).unwrap();
    let fields = &line["fields"];
    assert_eq!((&fields["route"], &fields["status"]), (&"/books/{id}".into(), &400.into()));
    assert_eq!(fields["user"].as_str().unwrap().len(), 16);
    for secret in ["secret", id, "PRACTITIONER", &user_of(Role::Practitioner).to_string()] {
        assert!(!refusal[0].contains(secret), "{secret} in {}", refusal[0]);
    }
    // A line about care names neither the user nor the id that the client sends along elsewhere too.
    let request = signed(Role::Practitioner, Method::GET, &format!("/books/{id}"));
    house.send(request.insert_header(("x-request-id", "log-of-care"))).await;
    assert!(lines.about("log-of-care").is_empty());
    let care = lines.about("\"method\":\"GET\",\"route\":\"/books/{id}\"");
    // Other tests ask the same meanwhile, without an id of their own: this one's is hidden.
    let care: Vec<serde_json::Value> = care.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(care.iter().all(|line| line["fields"]["user"].is_null()), "{care:?}");
    assert!(care.iter().any(|line| line["fields"]["request_id"].as_str().unwrap().len() == 16), "{care:?}");
    // Nor does one that was one request too many; where it is about nothing of the kind, it names the user.
    let limited = House::limited(1);
    let ask = |method: Method, word: &'static str| {
        let request = signed(Role::Practitioner, method, &format!("/books/{id}"));
        limited.send(request.insert_header(("x-request-id", word)))
    };
    ask(Method::GET, "log-of-first").await;
    for (method, word, named) in [(Method::GET, "log-of-limit-on-care", false), (Method::DELETE, "log-of-limit", true)]
    {
        assert_eq!(ask(method.clone(), word).await.code(), "too_many_requests");
        let line = lines.about(&format!("\"method\":\"{method}\",\"route\":\"/books/{{id}}\",\"status\":429"));
        let line: serde_json::Value = serde_json::from_str(&line[0]).unwrap();
        assert_eq!(line["fields"]["user"].is_string(), named, "{line}");
        assert_eq!(line["fields"]["request_id"] == word, named, "{line}");
    }
    let defect = lines.about("log-of-defect");
    assert_eq!(defect.len(), 1, "{defect:?}");
    let line: serde_json::Value = serde_json::from_str(&defect[0]).unwrap();
    assert_eq!((&line["level"], &line["fields"]["causes"]), (&"ERROR".into(), &"store failed: defect".into()));
    // Too much to do is no defect, and what is out of reach is.
    for (path, level) in [("busy", "INFO"), ("unavailable", "ERROR")] {
        let request = TestRequest::with_uri(&format!("/books/{path}")).insert_header(("x-request-id", path));
        assert_eq!(house.send(request).await.status, StatusCode::SERVICE_UNAVAILABLE);
        let line: serde_json::Value =
            serde_json::from_str(&lines.about(&format!("\"request_id\":\"{path}\""))[0]).unwrap();
        assert_eq!(line["level"], level, "{line}");
    }
}
