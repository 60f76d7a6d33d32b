//! The contract of `AuditLog`.
use huntzen_tenancy::{Job, Origin, Scope, clock::Clock};

use crate::{
    cast::{Cast, entry},
    world::World,
};

/// What was recorded is found by the audit job, oldest first, as it was written.
pub fn entries_are_kept_in_order(world: &World) {
    let cast = Cast::new(world);
    let on = cast.company.id;
    let first = entry(world, &cast.hr.scope(), on).about(cast.employee.0.id());
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    let mut second =
        entry(world, &Scope::anonymous(Origin { request_id: "r-1".into(), ip: Some("192.0.2.0".into()) }), on);
    second = second.refused();
    world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.record(&first)?)).unwrap();
    world.tenancy.run(&Scope::anonymous(Origin::default()), |tx| Ok(tx.record(&second)?)).unwrap();
    let trail = world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(on.0)?)).unwrap();
    assert_eq!(trail, [first, second]);
}

/// Nobody else reads the trail, not even whoever wrote it.
pub fn the_trail_is_closed_to_all_others(world: &World) {
    let cast = Cast::new(world);
    let line = entry(world, &cast.hr.scope(), cast.company.id);
    world.tenancy.run(&cast.hr.scope(), |tx| Ok(tx.record(&line)?)).unwrap();
    for scope in [
        cast.hr.scope(),
        cast.operator.scope(),
        cast.administrator.scope(),
        cast.practitioner.0.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
    ] {
        let trail = world.tenancy.run(&scope, |tx| Ok(tx.trail(cast.company.id.0)?)).unwrap();
        assert_eq!(trail, [], "{scope:?}");
    }
    let _ = world.clock.now();
}
