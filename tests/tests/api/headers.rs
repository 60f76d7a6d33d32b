//! Headers of every answer: security, request ids, sharing with front ends, compression, what is not kept.
use actix_web::{http::Method, test::TestRequest};
use huntzen_tests::{
    api::{Answer, ApiWorld, NOBODY, PASSWORD, Played},
    api_suite,
};
use serde_json::{Value, json};

api_suite! {
    every_answer_has_the_security_headers,
    private_answers_are_never_kept,
    request_ids_come_back_when_they_are_safe,
    configured_front_ends_alone_share_answers,
    long_answers_are_compressed_except_where_secrets_travel,
    head_answers_as_get_does,
}

const FRONT_END: &str = "http://localhost:5173";

async fn signed(play: &Played, who: &str, path: &str) -> TestRequest {
    TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {}", play.token_of(who).await)))
}

async fn every_answer_has_the_security_headers(play: &Played) {
    let mut answers = Vec::new();
    for (method, who, path) in [
        (Method::GET, NOBODY, "/health"),
        (Method::GET, NOBODY, "/nowhere"),
        (Method::GET, NOBODY, "/auth/me"),
        (Method::GET, Played::MARC, "/auth/me"),
        (Method::GET, Played::MARC, "/companies"),
        (Method::GET, NOBODY, "/practitioners/search?x=1"),
        (Method::PUT, NOBODY, "/health"),
        (Method::POST, NOBODY, "/auth/login"),
        (Method::GET, NOBODY, "/api/openapi.json"),
        (Method::POST, Played::MARC, "/auth/logout"),
    ] {
        answers.push(play.request(method, who, path, Value::Null).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 404, 401, 200, 403, 400, 405, 400, 200, 204]);
    for answer in answers {
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {}", answer.asked);
        }
        assert_eq!(answer.header("server"), None, "{}", answer.asked);
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{}", answer.asked);
    }
}

async fn private_answers_are_never_kept(play: &Played) {
    let kept = |answer: Answer| answer.header("cache-control").map(str::to_owned);
    for answer in [
        play.get(Played::MARC, "/auth/me").await,
        play.get(Played::MARC, "/companies").await,
        play.get_with("nonsense", "/auth/me").await,
        play.sign_in(Played::MARC).await,
        play.post(NOBODY, "/auth/login", json!({ "email": Played::MARC, "password": "x" })).await,
        play.post(NOBODY, "/auth/forgot-password", json!({ "email": Played::MARC })).await,
        play.post(NOBODY, "/employees/activate", json!({ "token": "x", "password": PASSWORD })).await,
    ] {
        let asked = answer.asked.clone();
        assert_eq!(kept(answer).as_deref(), Some("no-store"), "{asked}");
    }
}

async fn request_ids_come_back_when_they_are_safe(play: &Played) {
    let ask = |path: &'static str, id: &str| {
        play.send(TestRequest::with_uri(path).insert_header(("x-request-id", id.to_owned())))
    };
    let longest = "x".repeat(64);
    for safe in ["a", "trace.7_of-9", longest.as_str()] {
        assert_eq!(ask("/health/live", safe).await.header("x-request-id"), Some(safe));
        let refused = ask("/auth/me", safe).await;
        assert_eq!(refused.refused(401, "unauthenticated")["requestId"], safe);
    }
    for unsafe_one in ["", "a b", "<script>", "a\"b", "x\\y", &"x".repeat(65)] {
        let answer = ask("/nowhere", unsafe_one).await;
        answer.refused(404, "not_found");
        assert_eq!(answer.json["requestId"].as_str().unwrap().len(), 36, "{unsafe_one}");
    }
    let ids = [ask("/health/live", "").await, ask("/health/live", "").await];
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
    // The audit trail can be followed from it.
    let request = signed(play, Played::MARC, "/auth/change-password").await.method(Method::POST);
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "un tout autre mot" });
    let request = request.insert_header(("x-request-id", "trail-1")).set_json(body);
    play.send(request).await.expect(200);
    let trail = play.trail(&play.account(Played::MARC).id.to_string());
    let changed = trail.iter().find(|entry| entry.action.to_string() == "CHANGE_PASSWORD");
    assert_eq!(changed.unwrap().request_id, "trail-1");
}

async fn configured_front_ends_alone_share_answers(play: &Played) {
    let ask = |path: &'static str, origin: &str| {
        play.send(TestRequest::with_uri(path).insert_header(("origin", origin.to_owned())))
    };
    for path in ["/health", "/nowhere", "/auth/me", "/practitioners/search?x=1"] {
        let ours = ask(path, FRONT_END).await;
        assert_eq!(ours.header("access-control-allow-origin"), Some(FRONT_END), "{path}");
        assert_eq!(ours.header("access-control-allow-credentials"), Some("true"), "{path}");
        let vary: Vec<_> = ours.headers.get_all("vary").filter_map(|value| value.to_str().ok()).collect();
        assert!(vary.join(",").to_ascii_lowercase().contains("origin"), "{path}: {vary:?}");
        for stranger in ["https://evil.example", "null", "http://localhost:5173.evil.example", "https://localhost:5173"]
        {
            let theirs = ask(path, stranger).await;
            assert_eq!(theirs.header("access-control-allow-origin"), None, "{path} {stranger}");
        }
    }
    let preflight = |origin: &str, method: &'static str| {
        let request = TestRequest::with_uri("/consultations/x/cancel")
            .method(Method::OPTIONS)
            .insert_header(("origin", origin.to_owned()))
            .insert_header(("access-control-request-method", method))
            .insert_header(("access-control-request-headers", "authorization,content-type,idempotency-key"));
        play.send(request)
    };
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let ours = preflight(FRONT_END, method).await;
        assert_eq!((ours.status, ours.header("access-control-allow-origin")), (200, Some(FRONT_END)));
        assert_eq!(ours.header("access-control-allow-credentials"), Some("true"));
        assert!(ours.header("access-control-allow-methods").unwrap().contains(method));
        let allowed = ours.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(allowed.contains("authorization") && !allowed.contains('*'), "{allowed}");
        let theirs = preflight("https://evil.example", method).await;
        assert_eq!((theirs.status, theirs.header("access-control-allow-origin")), (400, None));
    }
    let several = ["https://one.example", "https://two.example"].map(str::to_owned).to_vec();
    let api = ApiWorld::memory_with(move |config| config.http.frontend_urls = several).await;
    for (origin, shared) in [("https://one.example", true), ("https://two.example", true), (FRONT_END, false)] {
        let answer = api.send(TestRequest::with_uri("/health").insert_header(("origin", origin))).await;
        assert_eq!(answer.header("access-control-allow-origin").is_some(), shared, "{origin}");
    }
}

async fn long_answers_are_compressed_except_where_secrets_travel(play: &Played) {
    for _ in 0..8 {
        play.sign_in(Played::SOPHIE).await.expect(200);
    }
    for (path, encoding, expected) in [
        ("/availability", "gzip", Some("gzip")),
        ("/availability", "br, gzip", Some("br")),
        ("/availability", "identity", None),
        ("/health", "gzip", None),
        ("/auth/sessions", "br, gzip", None),
    ] {
        let plain = play.send(signed(play, Played::SOPHIE, path).await).await;
        let answer =
            play.send(signed(play, Played::SOPHIE, path).await.insert_header(("accept-encoding", encoding))).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, expected), "{path} {encoding}");
        assert_eq!(plain.header("content-encoding"), None);
        if expected.is_some() {
            assert!(answer.bytes.len() < plain.bytes.len() / 2, "{path} {encoding}");
        } else {
            assert_eq!(answer.bytes.len(), plain.bytes.len(), "{path} {encoding}");
        }
        if path == "/auth/sessions" {
            assert!(plain.bytes.len() > 1024, "it would have been worth it");
        }
    }
}

async fn head_answers_as_get_does(play: &Played) {
    for (who, path) in [
        (NOBODY, "/health/live"),
        (NOBODY, "/practitioners/search"),
        (NOBODY, "/auth/me"),
        (Played::MARC, "/auth/me"),
        (Played::MARC, "/companies"),
        (NOBODY, "/nowhere"),
        (NOBODY, "/practitioners/search?page=0"),
    ] {
        let get = play.get(who, path).await;
        let head = play.request(Method::HEAD, who, path, Value::Null).await;
        assert_eq!(head.status, get.status, "{path}");
        for name in ["content-type", "cache-control", "content-security-policy", "www-authenticate"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    // Nothing that writes answers to it.
    play.request(Method::HEAD, NOBODY, "/auth/login", Value::Null).await.expect(405);
}
