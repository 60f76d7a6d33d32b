//! The general limit: whose requests are counted together, what answers say of it, what stands outside.
use actix_web::{http::Method, test::TestRequest};
use huntzen_app::config::Config;
use huntzen_tests::{
    api::{Answer, Front, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    an_account_has_its_requests_wherever_it_is,
    strangers_share_those_of_their_network,
    a_limit_ends_with_its_window,
    people_behind_one_address_do_not_share_what_is_public,
    whoever_is_in_need_is_answered,
    a_request_that_nothing_takes_counts,
    an_address_is_believed_from_proxies_alone,
    only_what_fails_counts_where_a_secret_is_tried,
    whoever_is_not_let_in_where_a_secret_is_tried_counts,
    a_limit_that_refuses_is_the_one_that_is_told,
    documents_count,
    who_floods_is_refused_without_asking_anybody,
    this_node_counts_while_the_tallies_are_out_of_reach,
    nothing_is_counted_where_nothing_is_limited,
}

/// Somewhere, and somewhere else.
const HERE: &str = "198.51.100.7";
const THERE: &str = "198.51.100.8";

async fn limited(play: &Played, most: u32) -> Front {
    play.front(|config| limit(config, most)).await
}

fn limit(config: &mut Config, most: u32) {
    config.rate_limit.enabled = true;
    config.rate_limit.general_limit = most;
}

/// `RateLimit-Limit`, `-Remaining`, `-Reset`.
fn told(answer: &Answer) -> [Option<&str>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| answer.header(name))
}

#[track_caller]
fn refused(answer: &Answer, seconds: &str) {
    answer.refused(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), Some(seconds), "{}", answer.asked);
    assert_eq!(told(answer)[1..], [Some("0"), Some(seconds)], "{}", answer.asked);
}

async fn an_account_has_its_requests_wherever_it_is(play: &Played) {
    let (marc, claire) = (play.token_of(Played::MARC).await, play.token_of(Played::CLAIRE).await);
    let front = limited(play, 3).await;
    for (from, left) in [(HERE, "2"), (THERE, "1"), ("2001:db8::1", "0")] {
        let answer = front.get(from, &marc, "/auth/me").await;
        answer.expect(200);
        assert_eq!(told(&answer), [Some("3"), Some(left), Some("60")]);
    }
    refused(&front.get(HERE, &marc, "/auth/me").await, "60");
    // Before the permission, before what is asked for, and whatever the method.
    refused(&front.get(HERE, &marc, "/super-admin/audit-logs").await, "60");
    refused(&front.get(HERE, &marc, "/consultations/none?nonsense=1").await, "60");
    refused(&front.post(HERE, &marc, "/consultations", &json!([])).await, "60");
    // A neighbour is somebody else, signed in or not; and so is another session of theirs the same.
    front.get(HERE, &claire, "/auth/me").await.expect(200);
    front.get(HERE, "", "/practitioners/search").await.expect(200);
    play.forget_tokens();
    let again = play.token_of(Played::MARC).await;
    refused(&front.get(HERE, &again, "/auth/me").await, "60");
    // Refusals are told in the reader's language, as all are.
    let english = TestRequest::with_uri("/auth/me")
        .insert_header(("authorization", format!("Bearer {marc}")))
        .insert_header(("accept-language", "en"));
    assert_eq!(front.send(HERE, english).await.text_at("/title"), "Too many requests");
}

async fn strangers_share_those_of_their_network(play: &Played) {
    let front = limited(play, 2).await;
    let search = "/practitioners/search";
    for (network, others) in [
        ([HERE, HERE, "::ffff:198.51.100.7"], THERE),
        // A device changes its address within its /64.
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:1:2:3:4"], "2001:db8:1:3::1"),
    ] {
        let [first, second, third] = network;
        assert_eq!(told(&front.get(first, "", search).await), [Some("2"), Some("1"), Some("60")]);
        front.get(second, "", search).await.expect(200);
        refused(&front.get(third, "", search).await, "60");
        front.get(others, "", search).await.expect(200);
    }
    // Whoever shows no good token is a stranger, and is told so until there were too many.
    let elsewhere = "203.0.113.77";
    front.get(elsewhere, "", "/auth/me").await.refused(401, "unauthenticated");
    front.get(elsewhere, "nonsense", "/auth/me").await.refused(401, "invalid_token");
    refused(&front.get(elsewhere, "nonsense", "/auth/me").await, "60");
    refused(&front.get(elsewhere, "", "/auth/me").await, "60");
    refused(&front.get(elsewhere, "", "/files/00000000-0000-4000-8000-000000000000").await, "60");
    // Making an account is no guess, and asking for a letter neither.
    let address = json!({ "email": Played::MARC });
    for path in ["/auth/register", "/auth/forgot-password", "/auth/resend-verification"] {
        refused(&front.post(elsewhere, "", path, &address).await, "60");
    }
}

async fn a_limit_ends_with_its_window(play: &Played) {
    let front = play
        .front(|config| {
            limit(config, 2);
            config.rate_limit.general_window_seconds = 10;
        })
        .await;
    let marc = play.token_of(Played::MARC).await;
    let ask = async || front.get(HERE, &marc, "/auth/me").await;
    assert_eq!(told(&ask().await), [Some("2"), Some("1"), Some("10")]);
    play.advance(SignedDuration::from_millis(3_500));
    assert_eq!(told(&ask().await), [Some("2"), Some("0"), Some("7")], "waiting so long suffices");
    refused(&ask().await, "7");
    play.advance(SignedDuration::from_millis(6_499));
    refused(&ask().await, "1");
    play.advance(SignedDuration::from_millis(1));
    assert_eq!(told(&ask().await), [Some("2"), Some("1"), Some("10")]);
}

async fn people_behind_one_address_do_not_share_what_is_public(play: &Played) {
    let (marc, claire) = (play.token_of(Played::MARC).await, play.token_of(Played::CLAIRE).await);
    let front = limited(play, 2).await;
    let search = "/practitioners/search";
    // A route that looks at no token, one that does, and one that asks for one.
    for path in [search, "/articles"] {
        front.get(HERE, &marc, path).await.expect(200);
    }
    for path in [search, "/articles", "/auth/me"] {
        refused(&front.get(HERE, &marc, path).await, "60");
    }
    front.get(HERE, &claire, search).await.expect(200);
    // A token that is none of ours makes nobody somebody else.
    for token in ["nonsense", "", "more nonsense"] {
        let answer = front.get(HERE, token, search).await;
        if token.starts_with("more") {
            refused(&answer, "60");
        } else {
            answer.expect(200);
        }
    }
}

async fn whoever_is_in_need_is_answered(play: &Played) {
    let front = limited(play, 1).await;
    front.get(HERE, "", "/practitioners/search").await.expect(200);
    for path in ["/crisis", "/health", "/health/live"] {
        for _ in 0..5 {
            let answer = front.get(HERE, "", path).await;
            answer.expect(200);
            assert_eq!(told(&answer), [None; 3], "{path}");
        }
        let wrong = front.post(HERE, "", path, &json!({})).await;
        wrong.refused(405, "method_not_allowed");
        assert_eq!(told(&wrong), [None; 3], "{path}");
    }
    // Browsers ask before they ask.
    for _ in 0..5 {
        let preflight = TestRequest::with_uri("/auth/login")
            .method(Method::OPTIONS)
            .insert_header(("origin", "http://localhost:5173"))
            .insert_header(("access-control-request-method", "POST"));
        let answer = front.send(HERE, preflight).await;
        assert_eq!((answer.status, told(&answer)), (200, [None; 3]));
    }
    // An upgrade is refused for reasons of its own, or not at all.
    let marc = play.token_of(Played::MARC).await;
    for _ in 0..5 {
        let upgrade = TestRequest::with_uri("/chat").insert_header(("upgrade", "websocket"));
        let answer = front.send(HERE, upgrade).await;
        answer.refused(401, "unauthenticated");
        assert_eq!(told(&answer), [None; 3]);
    }
    front.get(HERE, &marc, "/auth/me").await.expect(200);
    // What asks for no upgrade is a request like any other.
    refused(&front.get(HERE, "", "/chat").await, "60");
    refused(&front.get(HERE, &marc, "/notifications/live").await, "60");
    let claire = play.token_of(Played::CLAIRE).await;
    let answer = front.get(HERE, &claire, "/notifications/live").await;
    answer.refused(426, "upgrade_required");
    assert_eq!(told(&answer)[1], Some("0"));
    // A front end may read what is left.
    let shared = TestRequest::with_uri("/practitioners/search").insert_header(("origin", "http://localhost:5173"));
    let answer = front.send(THERE, shared).await;
    let exposed = answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"] {
        assert!(exposed.contains(name), "{name} in {exposed}");
    }
}

async fn a_request_that_nothing_takes_counts(play: &Played) {
    let front = limited(play, 2).await;
    front.get(HERE, "", "/nowhere").await.refused(404, "not_found");
    let answer = front.post(HERE, "", "/auth/me", &json!({})).await;
    answer.refused(405, "method_not_allowed");
    assert_eq!(told(&answer)[1], Some("0"));
    refused(&front.get(HERE, "", "/nowhere").await, "60");
    refused(&front.post(HERE, "", "/auth/me", &json!({})).await, "60");
    refused(&front.get(HERE, "", "/practitioners/search").await, "60");
    // It counts for whoever asks, not for their neighbours.
    let (marc, claire) = (play.token_of(Played::MARC).await, play.token_of(Played::CLAIRE).await);
    front.get(THERE, &marc, "/nowhere").await.refused(404, "not_found");
    front.post(THERE, &marc, "/auth/me", &json!({})).await.refused(405, "method_not_allowed");
    refused(&front.get(THERE, &marc, "/nowhere").await, "60");
    refused(&front.get(THERE, &marc, "/auth/me").await, "60");
    front.get(THERE, &claire, "/auth/me").await.expect(200);
    front.get(THERE, "", "/practitioners/search").await.expect(200);
}

async fn only_what_fails_counts_where_a_secret_is_tried(play: &Played) {
    let front = limited(play, 2).await;
    let ask = async |path: &str, body: Value| front.post(HERE, "", path, &body).await;
    let credentials = json!({ "email": Played::MARC, "password": PASSWORD });
    let mut session = ask("/auth/login", credentials.clone()).await;
    for _ in 0..9 {
        let answer = ask("/auth/login", credentials.clone()).await;
        answer.expect(200);
        assert_eq!(told(&answer), [None; 3]);
        session = ask("/auth/refresh", json!({ "refreshToken": session.text_at("/refreshToken") })).await;
        session.expect(200);
        let token = session.text_at("/accessToken");
        front.post(HERE, &token, "/auth/step-up", &json!({ "password": PASSWORD })).await.expect(200);
        // What cannot be read is no attempt.
        ask("/auth/login", json!({})).await.expect(400);
        ask("/auth/verify-email", json!({ "token": 1 })).await.expect(400);
    }
    // Nothing of that was counted; other methods are no attempts.
    front.get(HERE, "", "/practitioners/search").await.expect(200);
    front.get(HERE, "", "/auth/login").await.refused(405, "method_not_allowed");
    refused(&front.get(HERE, "", "/auth/login").await, "60");
    ask("/auth/login", credentials).await.expect(200);
}

async fn whoever_is_not_let_in_where_a_secret_is_tried_counts(play: &Played) {
    let front = limited(play, 2).await;
    let proof = json!({ "password": PASSWORD });
    front.post(HERE, "", "/auth/step-up", &proof).await.refused(401, "unauthenticated");
    front.post(HERE, "nonsense", "/auth/2fa/verify", &json!({})).await.refused(401, "invalid_token");
    refused(&front.post(HERE, "", "/auth/step-up", &proof).await, "60");
    let marc = play.token_of(Played::MARC).await;
    front.post(HERE, &marc, "/auth/step-up", &proof).await.expect(200);
}

async fn a_limit_that_refuses_is_the_one_that_is_told(play: &Played) {
    let front = limited(play, 50).await;
    let wrong = json!({ "email": Played::MARC, "password": "not the password" });
    for _ in 0..5 {
        let answer = front.post(HERE, "", "/auth/login", &wrong).await;
        answer.refused(401, "invalid_credentials");
        assert_eq!(told(&answer), [None; 3]);
    }
    let answer = front.post(HERE, "", "/auth/login", &wrong).await;
    refused(&answer, "900");
    assert_eq!(told(&answer)[0], Some("5"));
    // Also where both limits hold.
    let taken = json!({ "email": Played::MARC, "password": PASSWORD, "firstName": "A", "lastName": "B" });
    for left in (45..50).rev() {
        let answer = front.post(HERE, "", "/auth/register", &taken).await;
        answer.refused(409, "email_taken");
        assert_eq!(told(&answer)[..2], [Some("50"), Some(left.to_string().as_str())]);
    }
    let answer = front.post(HERE, "", "/auth/register", &taken).await;
    refused(&answer, "900");
    assert_eq!(told(&answer)[0], Some("5"));
}

async fn documents_count(play: &Played) {
    let front = limited(play, 4).await;
    for (path, status) in [("/api/openapi.json", 200), ("/api/asyncapi.yaml", 200), ("/api/docs", 308)] {
        front.get(HERE, "", path).await.expect(status);
    }
    front.post(HERE, "", "/api/openapi.json", &json!({})).await.refused(405, "method_not_allowed");
    for path in ["/api/openapi.json", "/api/asyncapi.yaml", "/api/docs", "/api/docs/"] {
        refused(&front.get(HERE, "", path).await, "60");
    }
}

async fn who_floods_is_refused_without_asking_anybody(play: &Played) {
    let marc = play.token_of(Played::MARC).await;
    let front = limited(play, 2).await;
    front.tallies.move_away();
    for _ in 0..2 {
        front.get(HERE, &marc, "/auth/me").await.expect(200);
    }
    refused(&front.get(HERE, &marc, "/auth/me").await, "60");
    let asked = front.tallies.asked();
    for _ in 0..5 {
        refused(&front.get(HERE, &marc, "/auth/me").await, "60");
    }
    assert_eq!(front.tallies.asked(), asked);
    // Others are asked for, and so is the next window.
    front.get(HERE, "", "/practitioners/search").await.expect(200);
    assert_eq!(front.tallies.asked(), asked + 1);
    play.advance(SignedDuration::from_secs(60));
    let answer = front.get(HERE, &marc, "/auth/me").await;
    assert_eq!(told(&answer), [Some("2"), Some("1"), Some("60")]);
}

async fn an_address_is_believed_from_proxies_alone(play: &Played) {
    let ask = |forwarded: &str| {
        TestRequest::with_uri("/practitioners/search").insert_header(("x-forwarded-for", forwarded.to_owned()))
    };
    let front = play
        .front(|config| {
            limit(config, 2);
            config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        })
        .await;
    // Whoever comes on their own is whoever they are, whatever they say.
    for number in 0..3 {
        let answer = front.send(HERE, ask(&format!("203.0.113.{number}"))).await;
        if number == 2 {
            refused(&answer, "60");
        } else {
            answer.expect(200);
        }
    }
    // Behind a proxy it is the nearest that is none; what stands before that anybody may have written.
    for number in 0..3 {
        let answer = front.send("10.0.0.1", ask(&format!("203.0.113.{number}, 192.0.2.1, 10.0.0.2"))).await;
        if number == 2 {
            refused(&answer, "60");
        } else {
            answer.expect(200);
        }
    }
    front.send("10.0.0.1", ask("192.0.2.2")).await.expect(200);
    // Without proxies the same header means nothing.
    let bare = limited(play, 2).await;
    for number in 0..3 {
        let answer = bare.send("10.0.0.1", ask(&format!("192.0.2.{number}"))).await;
        if number == 2 {
            refused(&answer, "60");
        } else {
            answer.expect(200);
        }
    }
}

async fn this_node_counts_while_the_tallies_are_out_of_reach(play: &Played) {
    let (marc, claire) = (play.token_of(Played::MARC).await, play.token_of(Played::CLAIRE).await);
    let front = limited(play, 1).await;
    // Where they have to be waited for, they count the same.
    front.tallies.move_away();
    assert_eq!(told(&front.get(HERE, &marc, "/auth/me").await), [Some("1"), Some("0"), Some("60")]);
    refused(&front.get(HERE, &marc, "/auth/me").await, "60");
    front.tallies.cut_off(true);
    refused(&front.get(HERE, &marc, "/auth/me").await, "60");
    assert_eq!(told(&front.get(HERE, &claire, "/auth/me").await), [Some("1"), Some("0"), Some("60")]);
    refused(&front.get(HERE, &claire, "/auth/me").await, "60");
    front.tallies.cut_off(false);
    refused(&front.get(HERE, &marc, "/auth/me").await, "60");
}

async fn nothing_is_counted_where_nothing_is_limited(play: &Played) {
    let front = play.front(|config| config.rate_limit.general_limit = 1).await;
    let marc = play.token_of(Played::MARC).await;
    for _ in 0..5 {
        let answer = front.get(HERE, &marc, "/auth/me").await;
        answer.expect(200);
        assert_eq!(told(&answer), [None; 3]);
    }
    let wrong = json!({ "email": Played::MARC, "password": "not the password" });
    for _ in 0..7 {
        front.post(HERE, "", "/auth/login", &wrong).await.refused(401, "invalid_credentials");
    }
}
