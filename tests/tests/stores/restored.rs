//! What a restored backup must not bring back: people who were erased since, whoever was signed in, links
//! that were used, what was discarded with its keys, and a trail that forgets what was signed.
use std::sync::Arc;

use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Text};
use huntzen_adapter_diesel::migrate;
use huntzen_clinical::retention::{CareDiscarding, CarePeriods};
use huntzen_tenancy::{
    audit::{ChainLinking, ChainPruning, ChainRestoring, ChainVerification, CheckpointLog, Depth, Verdict},
    clock::Clock,
};
use huntzen_tests::{
    api::{ApiWorld, NOBODY, PASSWORD, Played, consultation_at},
    cast::Cast,
    contracts::audit_chains::{link_all, recorded_everywhere},
    world::World,
};
use jiff::SignedDuration;
use serde_json::json;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn told(owner: &mut PgConnection, query: &str) -> String {
    sql_query(format!("SELECT coalesce(({query})::text, '') AS text")).get_result::<Line>(owner).unwrap().text
}

fn id_of(owner: &mut PgConnection, email: &str) -> String {
    told(owner, &format!("SELECT id FROM users WHERE email = '{email}'"))
}

/// The ledger of the keys' backup knows somebody whom the main backup brings back, with an appointment ahead.
#[actix_web::test]
async fn who_was_erased_is_erased_again_and_nobody_else() {
    let play = Played::new(ApiWorld::postgres().await).await;
    let world = play.world.database.as_ref().unwrap();
    let mut owner = world.owner();
    let (who, stays) = ("zaunkoenig@alpha.example", Played::CLAIRE);
    play.employee(Played::HR, who, "Zaunkoenig", "Waldvogel").await;
    let entry = json!({ "content": "Nuit blanche.", "mood": 2, "tags": [] });
    play.post(who, "/journal", entry).await.expect(201);
    let ahead = consultation_at(&play.sophie, "2027-01-20T08:00:00Z");
    let ahead = play.post(who, "/consultations", ahead).await.text_at("/id");
    let agrees = json!({ "shareUsageWithEmployer": true });
    play.patch(stays, "/users/me/preferences", agrees).await.expect(200);
    // Another one asks, and may have taken it back after the backup.
    play.post(stays, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    play.post(stays, "/users/me/delete-request", json!({})).await.expect(201);
    play.post(NOBODY, "/auth/forgot-password", json!({ "email": stays })).await.expect(202);
    let person = id_of(&mut owner, who);
    let certificate = "5d2b7a10-0000-4000-8000-000000000001";
    owner
        .batch_execute(&format!(
            "INSERT INTO keys.erased VALUES ('{person}', '2027-01-03', '{certificate}', '2027-02-02');
             DELETE FROM keys.data_keys WHERE kind = 'PERSON' AND subject_id = '{person}'"
        ))
        .unwrap();

    let now = play.now().parse().unwrap();
    let until = now + SignedDuration::from_hours(24 * 40);
    let settled = migrate::settle_restored(&world.owner_url(), now, until).unwrap();
    assert_eq!((settled.erased, settled.put_off, settled.consents), (1, 1, 1));
    assert!(settled.sessions > 3 && settled.tokens >= 1 && settled.letters >= 1, "{settled:?}");
    assert_eq!(told(&mut owner, "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"), "0");
    assert_eq!(told(&mut owner, "SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL"), "0");
    let agreeing = "SELECT count(*) FROM preferences WHERE share_usage_with_employer";
    assert_eq!(told(&mut owner, agreeing), "0", "consent is not presumed");
    let waiting = "SELECT count(*) FROM outbox WHERE letter = 'PASSWORD_RESET' AND sent_at IS NULL AND NOT given_up";
    assert_eq!(told(&mut owner, waiting), "0");
    assert_eq!(migrate::not_erased_again(&world.owner_url()).unwrap(), 1);

    assert_eq!(play.services.jobs.cancel_departing(100).unwrap(), 1);
    let run = play.services.erasing.run(100);
    assert_eq!((run.erased.len(), run.failures.len()), (1, 0), "{:?}", run.failures);
    assert_eq!(run.erased[0].0.to_string(), person);
    assert_eq!(migrate::not_erased_again(&world.owner_url()).unwrap(), 0);
    let certified =
        format!("SELECT certificate_id || ' ' || keys_gone_on FROM deletion_requests WHERE user_id = '{person}'");
    assert_eq!(told(&mut owner, &certified), format!("{certificate} 2027-02-02"), "what was mailed stays true");
    let letters = format!("SELECT count(*) FROM outbox WHERE recipient_user_id = '{person}'");
    assert_eq!(told(&mut owner, &letters), "0", "nobody is mailed twice");
    assert_eq!(told(&mut owner, &format!("SELECT status FROM consultations WHERE id = '{ahead}'")), "CANCELLED");
    assert_eq!(
        told(&mut owner, &format!("SELECT email FROM users WHERE id = '{person}'")),
        format!("deleted-{person}@huntzen.care")
    );
    assert_eq!(told(&mut owner, "SELECT count(*) FROM journal_entries"), "0");
    let entries = format!("SELECT count(*) FROM audit_entries WHERE action = 'ERASE' AND subject_user_id = '{person}'");
    assert_eq!(told(&mut owner, &entries), "1");

    // Whoever may have taken it back is told, once a restore, and not erased before.
    let claire = id_of(&mut owner, stays);
    let told_so =
        format!("SELECT count(*) FROM outbox WHERE recipient_user_id = '{claire}' AND letter = 'DELETION_REQUESTED'");
    assert_eq!(told(&mut owner, &told_so), "1", "the one that she asked for");
    let backup = "5d2b7a10-0000-4000-8000-000000000002".parse().unwrap();
    assert_eq!(play.services.backups.restored(backup).unwrap(), 1);
    assert_eq!(told(&mut owner, &told_so), "2");
    assert_eq!(told(&mut owner, "SELECT resource_id FROM audit_entries WHERE action = 'RESTORE'"), backup.to_string());
    let day = format!("SELECT deletion_date = '{until}' FROM deletion_requests WHERE user_id = '{claire}'");
    assert_eq!(told(&mut owner, &day), "true");
    play.advance(SignedDuration::from_hours(24 * 39));
    assert_eq!(play.services.erasing.run(100).erased, []);

    // Once more settles nothing more.
    let again = migrate::settle_restored(&world.owner_url(), now, until).unwrap();
    assert_eq!((again.erased, again.put_off, again.sessions, again.tokens), (0, 0, 0, 0));
    assert_eq!(play.services.erasing.run(100).erased, []);
}

/// What was discarded with its keys comes back with a main backup alone, and is discarded again.
#[actix_web::test]
async fn what_has_no_key_any_more_is_discarded_in_its_time() {
    let play = Played::new(ApiWorld::postgres().await).await;
    let mut owner = play.world.database.as_ref().unwrap().owner();
    let mut asked = consultation_at(&play.sophie, "2027-01-05T08:00:00Z");
    asked["reason"] = "Je dors mal.".into();
    let held = play.post(Played::CLAIRE, "/consultations", asked).await.text_at("/id");
    let mut silent = consultation_at(&play.sophie, "2027-01-06T08:00:00Z");
    silent["reason"] = "Je dors mal.".into();
    play.post(Played::CLAIRE, "/consultations", silent).await.expect(201);
    play.set_clock("2027-01-05T08:00:00Z");
    play.conduct(&held, "start").await;
    play.set_clock("2027-01-05T08:45:00Z");
    play.conduct(&held, "end").await;
    play.post(Played::CLAIRE, &format!("/chat/{held}/messages"), json!({ "content": "Merci." })).await.expect(201);
    let note = json!({ "consultationId": held, "content": "Insomnie." });
    play.post(Played::SOPHIE, "/medical/clinical-notes", note).await.expect(201);
    let said = "SELECT concat_ws(' ', (SELECT count(*) FROM messages), (SELECT count(*) FROM conversations),
        (SELECT count(*) FROM clinical_notes), (SELECT count(*) FROM consultations WHERE reason IS NOT NULL))";
    assert_eq!(told(&mut owner, said), "1 1 1 2");
    owner.batch_execute("DELETE FROM keys.data_keys WHERE kind IN ('CONSULTATION', 'NOTES')").unwrap();

    let discarding = CareDiscarding::new(play.world.clinical_ports(), CarePeriods::default());
    let all = || while discarding.run(10).unwrap() > 0 {};
    all();
    assert_eq!(told(&mut owner, said), "1 1 1 2", "their time has not come");
    play.advance(SignedDuration::from_hours(24 * 370 * 2));
    all();
    assert_eq!(told(&mut owner, said), "0 0 1 0", "notes are kept longer");
    play.advance(SignedDuration::from_hours(24 * 366 * 19));
    all();
    assert_eq!(told(&mut owner, said), "0 0 0 0");
    assert_eq!(discarding.run(10).unwrap(), 0);
}

fn lines(world: &World) -> usize {
    world.checkpoints.history().unwrap().lines.len()
}

fn verified(world: &World) -> Verdict {
    ChainVerification::new(world.chain_ports()).verify(Depth::Whole).unwrap()
}

/// A database that is older than its last checkpoint says nothing false once that was signed: what is lost
/// is counted, the trail goes on, and nobody who cannot sign does the same.
#[test]
fn a_trail_that_was_put_back_is_whole_once_that_is_signed() {
    let world = World::postgres();
    let cast = Cast::new(&world);
    let linking = ChainLinking::new(world.chain_ports());
    let mut owner = world.database.as_ref().unwrap().owner();
    let grow = |count| {
        recorded_everywhere(&world, &cast, count);
        link_all(&world);
    };
    grow(12);
    assert!(linking.checkpoint().unwrap());
    grow(3);
    owner
        .batch_execute(
            "SET session_replication_role = replica;
             CREATE TABLE kept_entries AS SELECT * FROM audit_entries;
             CREATE TABLE kept_links AS SELECT * FROM audit_links;",
        )
        .unwrap();
    let mut restore = || {
        owner
            .batch_execute(
                "TRUNCATE audit_entries, audit_links, audit_unlinked;
                 INSERT INTO audit_entries SELECT * FROM kept_entries;
                 INSERT INTO audit_links SELECT * FROM kept_links;",
            )
            .unwrap();
    };
    let restoring = ChainRestoring::new(world.chain_ports());
    assert_eq!(restoring.settle().unwrap(), 0, "nothing is lost");
    let signed = lines(&world);
    grow(9);
    assert!(linking.checkpoint().unwrap());
    assert_eq!(verified(&world).broken, None);
    restore();
    let broken = verified(&world).broken;
    assert!(broken.is_some_and(|broken| broken.to_string().ends_with("is missing")));
    let lost = restoring.settle().unwrap();
    assert_eq!(lost, 9);
    assert_eq!(restoring.settle().unwrap(), 0, "it is signed once");
    assert_eq!(lines(&world), signed + 2);
    let verdict = verified(&world);
    assert_eq!((verdict.broken, verdict.lost), (None, 9));

    // It goes on, can be signed, cut, and put back again.
    grow(6);
    assert!(linking.checkpoint().unwrap());
    assert_eq!((verified(&world).broken, verified(&world).lost), (None, 9));
    restore();
    assert!(verified(&world).broken.is_some());
    assert_eq!(restoring.settle().unwrap(), 6);
    grow(6);
    assert!(linking.checkpoint().unwrap());
    world.clock.advance(SignedDuration::from_hours(1));
    let pruning = ChainPruning::new(world.chain_ports(), Arc::clone(&world.randomness));
    let cut = pruning.prepare(world.clock.now()).unwrap();
    assert!(!cut.is_empty());
    migrate::prune_audit(&world.database.as_ref().unwrap().owner_url(), &cut).unwrap();
    link_all(&world);
    let verdict = verified(&world);
    assert_eq!((verdict.broken, verdict.lost), (None, 15));
    // Put back to before the cut.
    restore();
    assert!(restoring.settle().unwrap() > 0);
    assert_eq!(verified(&world).broken, None);
}
