//! The contract of `AuditChains`, and of the use cases that stand on it.
use huntzen_tenancy::{
    Job, Scope, StoreError, TenancyError,
    audit::{Broken, ChainId, ChainLinking, ChainVerification, Depth, EntryRecord, Head, Signing, Verdict},
    ids::CompanyId,
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::at_once;
use crate::{
    cast::{Cast, entry},
    world::World,
};

fn scope() -> Scope {
    Scope::worker(Job::Audit)
}

/// Links all that waits, and answers how much that was.
pub fn link_all(world: &World) -> u32 {
    let linking = ChainLinking::new(world.chain_ports());
    let mut all = 0;
    loop {
        let linked = linking.link(100).unwrap();
        all += linked;
        if linked == 0 {
            return all;
        }
    }
}

/// Records so many entries of HR's in its company.
pub fn recorded(world: &World, cast: &Cast, count: usize) -> Vec<Uuid> {
    let lines: Vec<_> = (0..count)
        .map(|_| {
            world.clock.advance(SignedDuration::from_millis(1));
            entry(world, &cast.hr.scope(), cast.company.id)
        })
        .collect();
    world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.record_all(&lines)?)).unwrap();
    lines.into_iter().map(|line| line.id).collect()
}

/// Records so many entries in two companies and in neither, in turn.
pub fn recorded_everywhere(world: &World, cast: &Cast, count: usize) {
    let companies = [Some(cast.company.id), Some(cast.other_company.id), None];
    let lines: Vec<_> = companies
        .into_iter()
        .cycle()
        .take(count)
        .map(|company| {
            world.clock.advance(SignedDuration::from_millis(1));
            entry(world, &cast.operator.scope(), cast.operator.id()).about(cast.employee.0.id()).within(company)
        })
        .collect();
    world.tenancy.run(&cast.operator.scope(), |tx| Ok(tx.record_all(&lines)?)).unwrap();
}

fn verified(world: &World) -> Verdict {
    ChainVerification::new(world.chain_ports()).verify(Depth::Whole).unwrap()
}

fn heads(world: &World) -> Vec<Head> {
    world.tenancy.run(&scope(), |tx| Ok(tx.heads_from(ChainId(Uuid::nil()), 100)?)).unwrap()
}

fn waiting(world: &World, by: &Scope) -> Option<Vec<EntryRecord>> {
    world.tenancy.run(by, |tx| Ok(tx.unlinked(1000)?)).unwrap()
}

fn count_waiting(world: &World, by: &Scope) -> u64 {
    world.tenancy.run(by, |tx| Ok(tx.count_unlinked()?)).unwrap()
}

/// What is recorded waits, and is linked once: each company's in a chain of its own, oldest first.
pub fn what_is_recorded_is_linked_once(world: &World) {
    let cast = Cast::new(world);
    link_all(world);
    let chain = |company: CompanyId| ChainId(company.0);
    let of = |chain: ChainId| heads(world).into_iter().find(|head| head.chain == chain).map_or(0, |head| head.seq);
    let (before, platform) = (of(chain(cast.company.id)), of(ChainId(Uuid::nil())));
    let ids = recorded(world, &cast, 5);
    let line = entry(world, &cast.operator.scope(), cast.operator.id()).within(None);
    world.tenancy.run(&cast.operator.scope(), |tx| Ok(tx.record(&line)?)).unwrap();
    let waits: Vec<Uuid> = waiting(world, &scope()).unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!((waits.len(), count_waiting(world, &scope())), (6, 6));
    assert!(ids.iter().all(|id| waits.contains(id)));
    assert_eq!(link_all(world), 6);
    assert_eq!((waiting(world, &scope()), count_waiting(world, &scope())), (Some(vec![]), 0));
    assert_eq!(link_all(world), 0);
    assert_eq!((of(chain(cast.company.id)), of(ChainId(Uuid::nil()))), (before + 5, platform + 1));
    let links = world.tenancy.run(&scope(), |tx| Ok(tx.links_from(chain(cast.company.id), before + 1, 10)?)).unwrap();
    let linked: Vec<Uuid> = links.iter().map(|(link, _)| link.entry).collect();
    assert_eq!(linked, ids);
    assert!(links.iter().all(|(link, record)| record.as_ref().is_some_and(|record| record.id == link.entry)));
    let known = world.tenancy.run(&scope(), |tx| Ok(tx.heads_of(&[chain(cast.company.id), ChainId(Uuid::max())])?));
    assert_eq!(known.unwrap().len(), 1);
    assert_eq!(verified(world).broken, None);
}

/// Only the job of the trail sees or writes the chains.
pub fn the_chains_are_the_jobs_alone(world: &World) {
    let cast = Cast::new(world);
    recorded(world, &cast, 2);
    link_all(world);
    recorded(world, &cast, 2);
    let chain = ChainId(cast.company.id.0);
    let link = Head::origin(ChainId(Uuid::max())).next(waiting(world, &scope()).unwrap().first().unwrap());
    let people = [&cast.hr, &cast.employee.0, &cast.practitioner.0, &cast.administrator, &cast.operator];
    let scopes = people.iter().map(|person| person.scope()).chain([Scope::worker(Job::Chat)]);
    for by in scopes {
        assert_eq!((waiting(world, &by), count_waiting(world, &by)), (None, 0), "{by:?}");
        let seen = world.tenancy.run(&by, |tx| {
            let heads = tx.heads_from(ChainId(Uuid::nil()), 10)?.len() + tx.heads_of(&[chain])?.len();
            Ok(heads + tx.links_from(chain, 1, 10)?.len())
        });
        assert_eq!(seen.unwrap(), 0, "{by:?}");
        assert_eq!(world.tenancy.run(&by, |tx| Ok(tx.stray(None)?)).unwrap(), None, "{by:?}");
        let refused = world.tenancy.run(&by, |tx| Ok(tx.add_links(std::slice::from_ref(&link))?));
        assert!(matches!(refused, Err(TenancyError::Store(StoreError::Refused(_)))), "{by:?}: {refused:?}");
    }
    link_all(world);
    assert_eq!(verified(world).broken, None);
}

/// A number of a chain is taken once, an entry is linked once; a failed unit of work links nothing.
pub fn nothing_is_linked_twice(world: &World) {
    let cast = Cast::new(world);
    recorded(world, &cast, 1);
    link_all(world);
    recorded(world, &cast, 2);
    let records = waiting(world, &scope()).unwrap();
    let [first, second] = records.as_slice() else { panic!("{records:?}") };
    let head = heads(world).into_iter().find(|head| head.chain == first.chain()).unwrap();
    let link = head.next(first);
    let failed = world.tenancy.run(&scope(), |tx| {
        tx.add_links(std::slice::from_ref(&link))?;
        Err::<(), _>(TenancyError::NotFound)
    });
    assert!(matches!(failed, Err(TenancyError::NotFound)));
    assert_eq!(waiting(world, &scope()).unwrap().len(), 2);
    let add = |link| world.tenancy.run(&scope(), |tx| Ok(tx.add_links(&[link])?));
    add(link.clone()).unwrap();
    for again in [head.next(second), link.head().next(first)] {
        let refused = add(again);
        assert!(matches!(refused, Err(TenancyError::Store(StoreError::Refused(_)))), "{refused:?}");
    }
    link_all(world);
    assert_eq!(verified(world).broken, None);
}

/// Many record and many link at once: nothing is left out, nothing is linked twice, all is as written.
pub fn many_record_and_link_at_once(world: &World) {
    let cast = Cast::new(world);
    let linking = ChainLinking::new(world.chain_ports());
    at_once(4, |number| {
        for _ in 0..10 {
            if number < 2 {
                let line = entry(world, &cast.hr.scope(), cast.company.id);
                world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.record(&line)?)).unwrap();
            } else {
                linking.link(3).unwrap();
                assert_eq!(verified(world).broken, None);
            }
        }
    });
    link_all(world);
    let verdict = verified(world);
    assert_eq!(verdict.broken, None);
    let links: i64 = heads(world).iter().map(|head| head.seq).sum();
    assert_eq!(i64::try_from(verdict.checked).unwrap(), links);
    assert!(verdict.checked >= 20);
}

/// A checkpoint holds the heads that have moved; the file itself is a chain, and what it says binds.
pub fn checkpoints_bind(world: &World) {
    let cast = Cast::new(world);
    let linking = ChainLinking::new(world.chain_ports());
    recorded_everywhere(world, &cast, 6);
    link_all(world);
    assert!(linking.checkpoint().unwrap());
    assert!(!linking.checkpoint().unwrap());
    recorded(world, &cast, 3);
    link_all(world);
    assert!(linking.checkpoint().unwrap());
    world.checkpoints.tamper(|lines| {
        let heads = |place: usize| lines.get(place).unwrap().as_ref().unwrap().heads.len();
        assert_eq!((heads(0), heads(1)), (3, 1));
    });
    assert_eq!(verified(world).broken, None);
    let broken = |change: &dyn Fn(&mut Vec<Option<huntzen_tenancy::audit::Checkpoint>>)| {
        let mut kept = Vec::new();
        world.checkpoints.tamper(|lines| {
            kept.clone_from(lines);
            change(lines);
        });
        let broken = verified(world).broken;
        world.checkpoints.tamper(|lines| *lines = kept);
        broken
    };
    let line = |line, what| Some(Broken::Checkpoint { line, what });
    assert_eq!(broken(&|lines| drop(lines.remove(0))), line(1, "does not follow the one before it"));
    assert_eq!(broken(&|lines| lines[0] = None), line(1, "cannot be read"));
    let unsigned = "was not signed as it is";
    assert_eq!(broken(&|lines| lines[1].as_mut().unwrap().at += SignedDuration::from_secs(1)), line(2, unsigned));
    assert_eq!(broken(&|lines| lines[1].as_mut().unwrap().heads[0].seq -= 1), line(2, unsigned));
    assert_eq!(broken(&|lines| lines[0].as_mut().unwrap().heads[0].hash[0] ^= 1), line(1, unsigned));
    assert_eq!(broken(&|lines| lines[0].as_mut().unwrap().signature.0[0] ^= 1), line(1, unsigned));
    assert_eq!(verified(world).broken, None);
}

/// How many links no checkpoint covers is what the chains say, whoever has added them and since when it runs.
pub fn a_checkpoint_comes_after_so_many_links(world: &World) {
    let cast = Cast::new(world);
    // Each is another node, or the same one after a restart.
    let checkpoint_from = |least| ChainLinking::new(world.chain_ports()).checkpoint_from(least).unwrap();
    link_all(world);
    checkpoint_from(0);
    assert_eq!(checkpoint_from(0), Signing { is_signed: false, unsigned: 0 }, "nothing is not signed");
    for count in [4, 3, 2] {
        recorded_everywhere(world, &cast, count);
        link_all(world);
        let signing = checkpoint_from(9);
        let expected = [(4, false, 4), (3, false, 7), (2, true, 0)].into_iter().find(|(known, _, _)| *known == count);
        assert_eq!(expected, Some((count, signing.is_signed, signing.unsigned)));
    }
    assert_eq!(verified(world).broken, None);
}

/// Hashes that nobody has signed prove nothing: a trail that is older than two days has a checkpoint.
pub fn an_old_trail_without_checkpoints_is_a_finding(world: &World) {
    let cast = Cast::new(world);
    recorded(world, &cast, 3);
    link_all(world);
    let verdict = verified(world);
    assert_eq!((verdict.broken, verdict.checkpoints, verdict.last_signed), (None, 0, None));
    world.clock.advance(SignedDuration::from_hours(49));
    assert_eq!(verified(world).broken, Some(Broken::Checkpoint { line: 1, what: "is missing" }));
    assert!(ChainLinking::new(world.chain_ports()).checkpoint().unwrap());
    let verdict = verified(world);
    assert_eq!((verdict.broken, verdict.checkpoints), (None, 1));
    assert!(verdict.last_signed.is_some());
}
