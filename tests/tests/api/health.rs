//! Health: what load balancers and operators are told, with the store there and cut off.
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use serde_json::json;

api_suite! {
    a_service_that_works_says_so_to_everybody,
    a_store_that_is_cut_off_is_told_with_503,
}

async fn a_service_that_works_says_so_to_everybody(play: &Played) {
    let answer = play.get(NOBODY, "/health").await;
    let expected = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"),
        "checks": { "database": "ok", "disk": "ok", "outbox": "ok", "reconciliation": "ok" },
    });
    assert_eq!(*answer.expect(200), expected);
    assert_eq!(answer.header("retry-after"), None);
    assert_eq!(*play.get(NOBODY, "/health/live").await.expect(200), json!({ "status": "ok" }));
    // A token is neither needed nor looked at.
    play.get_with("nonsense", "/health").await.expect(200);
}

async fn a_store_that_is_cut_off_is_told_with_503(play: &Played) {
    play.watched.cut_off();
    let answer = play.get(NOBODY, "/health").await;
    let expected = json!({
        "status": "down", "version": env!("CARGO_PKG_VERSION"),
        "checks": { "database": "down", "disk": "ok", "outbox": "degraded", "reconciliation": "degraded" },
    });
    assert_eq!(*answer.expect(503), expected);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.must_not_tell("cut off");
    // The process itself is well.
    assert_eq!(*play.get(NOBODY, "/health/live").await.expect(200), json!({ "status": "ok" }));
}
