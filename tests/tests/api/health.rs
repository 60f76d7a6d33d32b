//! Health: what load balancers and operators are told, with the store and Redis there and cut off.
use huntzen_tenancy::{Job, Scope};
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
    contracts::backups,
};
use jiff::SignedDuration;
use serde_json::json;

api_suite! {
    a_service_that_works_says_so_to_everybody,
    a_store_that_is_cut_off_is_told_with_503,
    redis_that_is_cut_off_degrades_the_service,
    counters_that_differ_are_told_to_operators_alone,
    operators_are_told_how_everything_does,
    operators_are_told_what_is_left_when_the_store_is_cut_off,
}

const WHOLE: &str = "/super-admin/health";

async fn a_service_that_works_says_so_to_everybody(play: &Played) {
    let answer = play.get(NOBODY, "/health").await;
    let expected = json!({
        "status": "ok", "version": env!("CARGO_PKG_VERSION"),
        "checks": { "database": "ok", "disk": "ok", "outbox": "ok" },
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
        "checks": { "database": "down", "disk": "ok", "outbox": "degraded" },
    });
    assert_eq!(*answer.expect(503), expected);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.must_not_tell("cut off");
    // The process itself is well.
    assert_eq!(*play.get(NOBODY, "/health/live").await.expect(200), json!({ "status": "ok" }));
}

async fn redis_that_is_cut_off_degrades_the_service(play: &Played) {
    play.watched.configure_redis(false);
    let answer = play.get(NOBODY, "/health").await;
    let expected = json!({
        "status": "degraded", "version": env!("CARGO_PKG_VERSION"),
        "checks": { "database": "ok", "disk": "ok", "outbox": "ok", "redis": "degraded" },
    });
    assert_eq!(*answer.expect(200), expected);
    answer.must_not_tell("cut off");
    let whole = play.get(Played::OPERATOR, WHOLE).await;
    assert_eq!(whole.expect(200)["services"], json!({ "postgres": "ok", "redis": "degraded", "disk": "ok" }));
    assert_eq!(whole.json["status"], "degraded");
}

async fn counters_that_differ_are_told_to_operators_alone(play: &Played) {
    play.services.reconciling.run().unwrap();
    // Nobody has compared them for more than a day.
    play.advance(SignedDuration::from_hours(26));
    let answer = play.get(NOBODY, "/health").await;
    assert_eq!(answer.expect(200)["checks"].get("reconciliation"), None);
    let whole = play.get(Played::OPERATOR, WHOLE).await;
    assert_eq!(
        (&whole.json["status"], &whole.json["reconciliation"]["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
}

async fn operators_are_told_how_everything_does(play: &Played) {
    play.services.reconciling.run().unwrap();
    let made = backups::unrecorded(&play.world);
    backups::keep(&play.world, &Scope::worker(Job::Backup), &made).unwrap();
    let answer = play.get(Played::OPERATOR, WHOLE).await;
    let told = answer.expect(200);
    let keys: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "status",
        "timestamp",
        "uptime",
        "services",
        "server",
        "pool",
        "queues",
        "tzdata",
        "lastBackup",
        "reconciliation",
    ];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!((&told["status"], &told["timestamp"]), (&json!("ok"), &json!(play.now())));
    assert!(told["uptime"].as_u64().unwrap() < 3_600);
    assert_eq!(told["services"], json!({ "postgres": "ok", "redis": null, "disk": "ok" }));
    let (used, total) =
        (told["server"]["memoryUsage"].as_u64().unwrap(), told["server"]["memoryTotal"].as_u64().unwrap());
    assert!(used > 1 << 20 && used < total, "{told}");
    let cpu = told["server"]["cpuUsage"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&cpu), "{told}");
    assert_eq!(told["pool"], json!({ "size": 4, "inUse": 1, "idle": 2, "waiting": 0 }));
    let queues = &told["queues"];
    for lane in ["general", "password"] {
        assert_eq!(queues[lane], json!({ "running": 0, "waiting": 0 }));
    }
    assert_eq!(queues["chat"], json!({ "waiting": 0 }));
    // Nobody sends letters or links the trail here, and nothing of either is late.
    assert_eq!(queues["outbox"]["oldestSeconds"], 0);
    assert!(queues["outbox"]["waiting"].is_u64() && queues["audit"]["waiting"].as_u64().unwrap() > 0, "{told}");
    assert!(["system", "bundled"].contains(&told["tzdata"]["source"].as_str().unwrap()), "{told}");
    let reconciliation = &told["reconciliation"];
    assert_eq!((&reconciliation["status"], &reconciliation["differing"]), (&json!("ok"), &json!(0)));
    assert_eq!(reconciliation["at"], json!(play.now()));
    assert_eq!(told["lastBackup"], json!(made.at));
    // It names nobody, not even who asks.
    for word in ["@", &play.account(Played::OPERATOR).id.to_string()] {
        answer.must_not_tell(word);
    }
    // A question in the query is refused as everywhere.
    play.get(Played::OPERATOR, "/super-admin/health?verbose=1").await.refused(400, "validation_failed");
    play.get(Played::ADMIN, WHOLE).await.refused(403, "forbidden");
}

async fn operators_are_told_what_is_left_when_the_store_is_cut_off(play: &Played) {
    play.token_of(Played::OPERATOR).await;
    play.watched.cut_off();
    let answer = play.get(Played::OPERATOR, WHOLE).await;
    let told = answer.expect(200);
    assert_eq!((&told["status"], &told["services"]["postgres"]), (&json!("down"), &json!("down")));
    assert_eq!((&told["services"]["disk"], &told["services"]["redis"]), (&json!("ok"), &json!(null)));
    assert_eq!(told["queues"]["outbox"], json!({ "waiting": null, "oldestSeconds": null }));
    assert_eq!(told["queues"]["audit"], json!({ "waiting": null }));
    let unknown = json!({ "status": "degraded", "at": null, "checked": null, "differing": null });
    assert_eq!((&told["reconciliation"], &told["lastBackup"]), (&unknown, &json!(null)));
    assert!(told["server"]["memoryUsage"].is_u64() && told["pool"]["size"].is_u64(), "{told}");
    answer.must_not_tell("cut off");
}
