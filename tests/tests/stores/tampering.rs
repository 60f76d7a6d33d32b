//! Whoever may write everything in the database cannot change the audit trail unnoticed.
use std::fmt::Write;

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use huntzen_tenancy::audit::{
    Broken, ChainId, ChainLinking, ChainPruning, ChainVerification, Depth, EntryRecord, LinkedRecord, hash,
};
use huntzen_tenancy::{Job, Scope, clock::Clock};
use huntzen_tests::{
    cast::Cast,
    contracts::audit_chains::{link_all, recorded, recorded_everywhere},
    scale::rounds,
    sequence::Sequence,
    world::World,
};
use uuid::Uuid;

/// A trail of several chains with two checkpoints, and with links behind the last of them.
struct Trail {
    world: World,
    owner: PgConnection,
    /// Every link with its entry, chain by chain.
    chains: Vec<(ChainId, Vec<LinkedRecord>)>,
    /// The last number of each chain that was signed, as in `chains`, at either checkpoint.
    signed: Vec<[i64; 2]>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    chain: Uuid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Whoever writes past every trigger, as a superuser can.
const UNHINDERED: &str = "
    SET session_replication_role = replica;
    CREATE TABLE kept_entries AS SELECT * FROM audit_entries;
    CREATE TABLE kept_links AS SELECT * FROM audit_links;
    CREATE TABLE kept_waiting AS SELECT * FROM audit_unlinked;";
const RESTORE: &str = "
    TRUNCATE audit_entries, audit_links, audit_unlinked;
    INSERT INTO audit_entries SELECT * FROM kept_entries;
    INSERT INTO audit_links SELECT * FROM kept_links;
    INSERT INTO audit_unlinked SELECT * FROM kept_waiting;";

impl Trail {
    fn new() -> Self {
        let world = World::postgres();
        let cast = Cast::new(&world);
        let linking = ChainLinking::new(world.chain_ports());
        let mut owner = world.database.as_ref().unwrap().owner();
        let mut heads = Vec::new();
        for _ in 0..2 {
            recorded_everywhere(&world, &cast, 12);
            link_all(&world);
            assert!(linking.checkpoint().unwrap());
            let query = "SELECT chain, max(seq) AS seq FROM audit_links GROUP BY chain ORDER BY chain";
            heads.push(sql_query(query).load::<Found>(&mut owner).unwrap());
        }
        recorded_everywhere(&world, &cast, 6);
        link_all(&world);
        owner.batch_execute(UNHINDERED).unwrap();
        let ids: Vec<ChainId> = heads[1].iter().map(|found| ChainId(found.chain)).collect();
        let links = |chain: &ChainId| {
            world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.links_from(*chain, 1, 1000)?)).unwrap()
        };
        let chains: Vec<_> = ids.iter().map(|chain| (*chain, links(chain))).collect();
        let at = |place: usize, chain: &ChainId| {
            heads[place].iter().find(|found| found.chain == chain.0).map_or(0, |found| found.seq)
        };
        let signed = ids.iter().map(|chain| [at(0, chain), at(1, chain)]).collect();
        Self { world, owner, chains, signed }
    }

    fn verify(&self) -> Option<Broken> {
        ChainVerification::new(self.world.chain_ports()).verify(Depth::Whole).unwrap().broken
    }

    fn run(&mut self, statement: &str) {
        self.owner.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// Where a tampering has to be found.
#[derive(Debug, PartialEq)]
enum Place {
    Link(ChainId, i64),
    Entry(Uuid),
}

fn place(broken: Option<Broken>) -> Option<Place> {
    match broken? {
        Broken::Link { chain, seq, .. } => Some(Place::Link(chain, seq)),
        Broken::Entry { id, .. } => Some(Place::Entry(id)),
        Broken::Checkpoint { .. } => None,
    }
}

fn bytes(hash: &[u8]) -> String {
    hash.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Every kind of tampering, at a random place: the statements, and where they must be found.
fn tampering(trail: &Trail, sequence: &mut Sequence) -> (String, Place) {
    let number = sequence.below(trail.chains.len());
    let (chain, links) = &trail.chains[number];
    let signed = trail.signed[number];
    let at = sequence.below(links.len());
    let (link, record) = &links[at];
    let record = record.as_ref().unwrap();
    let here = Place::Link(*chain, link.seq);
    let last = links.len() - 1;
    let of_link = format!("WHERE chain = '{}' AND seq = {}", chain.0, link.seq);
    let of_entry = format!("WHERE id = '{}'", record.id);
    let fresh = Uuid::from_u128(u128::from(sequence.number()) << 64 | u128::from(sequence.number()));
    let (other, _) = &links[sequence.below(links.len())];
    match sequence.below(20) {
        // A column of an entry.
        0 => (format!("UPDATE audit_entries SET actor_user_id = '{fresh}' {of_entry}"), here),
        1 => (format!("UPDATE audit_entries SET actor_role = coalesce(actor_role, '') || 'X' {of_entry}"), here),
        2 => (format!("UPDATE audit_entries SET subject_user_id = '{fresh}' {of_entry}"), here),
        3 => (format!("UPDATE audit_entries SET action = action || ' ' {of_entry}"), here),
        4 => (format!("UPDATE audit_entries SET resource = lower(resource) {of_entry}"), here),
        5 => (format!("UPDATE audit_entries SET resource_id = '{fresh}' {of_entry}"), here),
        6 => (format!("UPDATE audit_entries SET company_id = '{fresh}' {of_entry}"), here),
        7 => (format!("UPDATE audit_entries SET ip = coalesce(ip, '') || '1' {of_entry}"), here),
        8 => (format!("UPDATE audit_entries SET request_id = request_id || '0' {of_entry}"), here),
        9 => {
            let turned = "CASE outcome WHEN 'SUCCESS' THEN 'REFUSED' ELSE 'SUCCESS' END";
            (format!("UPDATE audit_entries SET outcome = {turned} {of_entry}"), here)
        }
        10 => (format!("UPDATE audit_entries SET at = at + interval '1 microsecond' {of_entry}"), here),
        11 => (format!("UPDATE audit_entries SET id = '{fresh}' {of_entry}"), here),
        // A byte of a link.
        12 => {
            let column = ["hash", "prev_hash"][sequence.below(2)];
            let byte = sequence.below(32);
            let flipped = format!("set_byte({column}, {byte}, get_byte({column}, {byte}) # 1)");
            (format!("UPDATE audit_links SET {column} = {flipped} {of_link}"), here)
        }
        // A row less.
        13 => (format!("DELETE FROM audit_entries {of_entry}"), here),
        14 => {
            let is_noticed_by_its_entry = at == last && link.seq > signed[1];
            let found = if is_noticed_by_its_entry { Place::Entry(record.id) } else { here };
            (format!("DELETE FROM audit_links {of_link}"), found)
        }
        // A row more.
        15 => {
            let columns = "at, actor_user_id, actor_role, subject_user_id, action, resource, resource_id, company_id, \
                           ip, request_id, outcome";
            let insert = format!(
                "INSERT INTO audit_entries (id, {columns}) SELECT '{fresh}', {columns} FROM audit_entries {of_entry}"
            );
            (insert, Place::Entry(fresh))
        }
        16 => {
            let seq = links[last].0.seq + 1;
            let values = format!("'{}', {seq}, '{fresh}', hash, hash", chain.0);
            let end = format!("WHERE chain = '{}' AND seq = {}", chain.0, seq - 1);
            (format!("INSERT INTO audit_links SELECT {values} FROM audit_links {end}"), Place::Link(*chain, seq))
        }
        // Two change places.
        17 if other.seq != link.seq => {
            let first = link.seq.min(other.seq);
            let swap = format!(
                "UPDATE audit_links SET seq = -1 {of_link}; UPDATE audit_links SET seq = {} WHERE chain = '{2}' AND seq = {1};
                 UPDATE audit_links SET seq = {1} WHERE chain = '{2}' AND seq = -1",
                link.seq, other.seq, chain.0
            );
            // The constraint that forbids such a number goes first.
            let open = "ALTER TABLE audit_links DROP CONSTRAINT IF EXISTS audit_links_seq_check";
            (format!("{open}; {swap}"), Place::Link(*chain, first))
        }
        // The end is cut, at or before the last checkpoint.
        18 if signed[1] > 0 => {
            let from = 1 + i64::try_from(sequence.below(usize::try_from(signed[1]).unwrap())).unwrap();
            let cut = format!("chain = '{}' AND seq >= {from}", chain.0);
            let entries =
                format!("DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_links WHERE {cut})");
            (format!("{entries}; DELETE FROM audit_links WHERE {cut}"), Place::Link(*chain, from))
        }
        // All is written anew from there on, with hashes that fit.
        _ => {
            let from = 1 + i64::try_from(sequence.below(usize::try_from(signed[1]).unwrap())).unwrap();
            let found = if from <= signed[0] { signed[0] } else { signed[1] };
            (rewritten(links, from), Place::Link(*chain, found))
        }
    }
}

/// Changes the entry of one link and computes every hash from there on again.
fn rewritten(links: &[LinkedRecord], from: i64) -> String {
    let mut text = String::new();
    let mut previous = None;
    for (link, record) in links.iter().filter(|(link, _)| link.seq >= from) {
        let mut record: EntryRecord = record.clone().unwrap();
        let before = previous.unwrap_or_else(|| link.previous.clone());
        if link.seq == from {
            record.request_id = String::from("forged");
            write!(text, "UPDATE audit_entries SET request_id = 'forged' WHERE id = '{}';", record.id).unwrap();
        }
        let forged = hash(link.chain, link.seq, &before, &record).to_vec();
        let (was, is) = (bytes(&before), bytes(&forged));
        let place = format!("chain = '{}' AND seq = {}", link.chain.0, link.seq);
        write!(text, "UPDATE audit_links SET prev_hash = '{was}', hash = '{is}' WHERE {place};").unwrap();
        previous = Some(forged);
    }
    text
}

#[test]
fn every_tampering_is_found_and_its_first_place_is_named() {
    let mut trail = Trail::new();
    assert!(trail.chains.len() >= 3);
    assert_eq!(trail.verify(), None);
    let mut sequence = Sequence::new(0x5EED);
    for round in 0..rounds(10_000) {
        let (statement, expected) = tampering(&trail, &mut sequence);
        trail.run(&statement);
        let found = place(trail.verify());
        assert_eq!(found, Some(expected), "round {round}: {statement}");
        trail.run(RESTORE);
    }
    assert_eq!(trail.verify(), None);
}

#[test]
fn an_entry_that_is_kept_from_its_chain_is_found() {
    let mut trail = Trail::new();
    let cast_company = trail.chains.iter().max_by_key(|(_, links)| links.len()).unwrap().0;
    trail.run("SET session_replication_role = origin");
    let write = |at: &str| {
        format!(
            "INSERT INTO audit_entries (id, at, action, resource, company_id, request_id, outcome)
             VALUES (uuid_v7(now()), {at}, 'READ', 'USER', '{}', 'r', 'SUCCESS')",
            cast_company.0
        )
    };
    // It waits while nothing later is linked; that is as it should be.
    trail.run(&write("'2027-02-01T00:00:00Z'"));
    assert_eq!(trail.verify(), None);
    trail.run("CREATE TABLE held AS SELECT * FROM audit_unlinked; DELETE FROM audit_unlinked");
    assert!(matches!(trail.verify(), Some(Broken::Entry { .. })));
    trail.run(&write("'2027-02-01T00:11:00Z'"));
    link_all(&trail.world);
    trail.run("INSERT INTO audit_unlinked SELECT * FROM held");
    let found = trail.verify();
    assert!(matches!(found, Some(Broken::Entry { what, .. }) if what.contains("later")), "{found:?}");
    link_all(&trail.world);
    assert_eq!(trail.verify(), None);
    trail.run("INSERT INTO audit_unlinked SELECT * FROM held");
    assert!(matches!(trail.verify(), Some(Broken::Entry { what, .. }) if what.contains("twice")));
}

#[test]
fn what_is_pruned_leaves_a_trail_that_is_proven_from_there_on() {
    let world = World::postgres();
    let cast = Cast::new(&world);
    let linking = ChainLinking::new(world.chain_ports());
    recorded(&world, &cast, 10);
    link_all(&world);
    linking.checkpoint().unwrap();
    let before = world.clock.now();
    recorded(&world, &cast, 10);
    link_all(&world);
    linking.checkpoint().unwrap();
    let verify = || ChainVerification::new(world.chain_ports()).verify(Depth::Whole).unwrap();
    let whole = verify();
    assert_eq!(whole.broken, None);
    let pruning = || ChainPruning::new(world.chain_ports(), std::sync::Arc::clone(&world.randomness));
    assert_eq!(pruning().prepare(before).unwrap(), [], "nothing was signed before that instant");
    let cut = pruning().prepare(before + jiff::SignedDuration::from_micros(1)).unwrap();
    // What was signed and is not removed yet breaks nothing: a crash may come between.
    assert_eq!(verify().broken, None);
    let url = world.database.as_ref().unwrap().owner_url();
    let removed = huntzen_adapter_diesel::migrate::prune_audit(&url, &cut).unwrap();
    assert_eq!(i64::try_from(removed).unwrap(), cut.iter().map(|head| head.seq - 1).sum::<i64>());
    assert_eq!(huntzen_adapter_diesel::migrate::prune_audit(&url, &cut).unwrap(), 0);
    link_all(&world);
    let left = verify();
    assert_eq!(left.broken, None);
    // The entry of the pruning itself came to it.
    assert_eq!(left.checked, whole.checked - u64::try_from(removed).unwrap() + 1);
    // Further on, more goes; asked for less than went already, nothing is said anew.
    linking.checkpoint().unwrap();
    let lines = || {
        let mut count = 0;
        world.checkpoints.tamper(|lines| count = lines.len());
        count
    };
    let later = world.clock.now() + jiff::SignedDuration::from_secs(1);
    let cut = pruning().prepare(later).unwrap();
    assert!(huntzen_adapter_diesel::migrate::prune_audit(&url, &cut).unwrap() > 0);
    link_all(&world);
    assert_eq!(verify().broken, None);
    let said = lines();
    assert_eq!(pruning().prepare(before + jiff::SignedDuration::from_micros(1)).unwrap(), cut);
    assert_eq!(lines(), said);
    assert_eq!(verify().broken, None);
    // And no checkpoint is signed over what has not moved.
    assert!(linking.checkpoint().unwrap(), "the entries of the prunings");
    assert!(!linking.checkpoint().unwrap());
    let mut owner = world.database.as_ref().unwrap().owner();
    let seq = cut.first().unwrap().seq;
    let first = cut.first().unwrap().chain.0;
    owner.batch_execute("SET session_replication_role = replica").unwrap();
    owner.batch_execute(&format!("DELETE FROM audit_links WHERE chain = '{first}' AND seq = {seq}")).unwrap();
    assert!(matches!(verify().broken, Some(Broken::Link { seq: broken, .. }) if broken == seq));
}

#[test]
fn no_role_changes_the_trail() {
    let world = World::postgres();
    let cast = Cast::new(&world);
    recorded(&world, &cast, 2);
    link_all(&world);
    let mut owner = world.database.as_ref().unwrap().owner();
    for role in ["huntzen_app", "huntzen_internal", "CURRENT_USER"] {
        for table in ["audit_entries", "audit_links"] {
            for statement in [
                format!("UPDATE {table} SET {} WHERE true", if table == "audit_links" { "seq = 9" } else { "ip = ''" }),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
            ] {
                let enter = if role == "CURRENT_USER" { String::new() } else { format!("SET LOCAL ROLE {role};") };
                let scope = "SELECT set_config('huntzen.role', 'worker:audit', true)";
                let done = owner.batch_execute(&format!("BEGIN; {enter} {scope}; {statement}; COMMIT"));
                owner.batch_execute("ROLLBACK").unwrap();
                let refused = done.unwrap_err().to_string();
                let told = refused.contains("append-only") || refused.contains("permission denied");
                assert!(told, "{role} {statement}: {refused}");
            }
        }
    }
    assert_eq!(ChainVerification::new(world.chain_ports()).verify(Depth::Whole).unwrap().broken, None);
}
