//! The contract of `Users`.
use huntzen_tenancy::{
    Job, Origin, Scope, StoreError, TenancyError, clock::Clock, email::Email, identity::HashedPassword, policy::Role,
};

use super::{at_once, is_refused};
use crate::{
    cast::{Cast, Person, account, added, email, entry, operator},
    world::World,
};

fn seen(world: &World, scope: &Scope, person: &Person) -> bool {
    world.tenancy.run(scope, |tx| Ok(tx.user(person.id())?)).unwrap().is_some()
}

/// What was added is found by its owner, field by field; nobody is None.
pub fn an_added_account_is_found(world: &World) {
    let operator = operator(world);
    let found = world.tenancy.run(&operator.scope(), |tx| Ok(tx.user(operator.id())?)).unwrap();
    assert_eq!(found, Some(operator.user.clone()));
    let unknown = account(world, "nobody@huntzen.example", Role::SuperAdmin, None);
    assert_eq!(world.tenancy.run(&operator.scope(), |tx| Ok(tx.user(unknown.id)?)).unwrap(), None);
}

/// Every field but the fixed ones can change.
pub fn an_account_changes(world: &World) {
    let mut operator = operator(world);
    let now = world.clock.now();
    operator.user.password = Some(HashedPassword::from_stored("$2b$04$hash".to_owned()));
    operator.user.first_name = "Ada".to_owned();
    operator.user.blocked_at = Some(now);
    operator.user.signed_out_before = Some(now);
    operator.user.last_login_at = Some(now);
    operator.user.language = "en".to_owned();
    operator.user.email = email("ada@huntzen.example");
    world.tenancy.run(&operator.scope(), |tx| tx.update_user(&operator.user)).unwrap();
    let found = world.tenancy.run(&operator.scope(), |tx| Ok(tx.user(operator.id())?)).unwrap();
    assert_eq!(found, Some(operator.user.clone()));
}

/// A failed unit of work leaves nothing, its audit and outbox included.
pub fn a_failed_unit_of_work_leaves_nothing(world: &World) {
    let operator = operator(world);
    let user = account(world, "new@huntzen.example", Role::AdminHuntzen, None);
    let line = entry(world, &operator.scope(), user.id);
    let undone: Result<(), _> = world.tenancy.run(&operator.scope(), |tx| {
        tx.add_user(&user)?;
        tx.record(&line)?;
        tx.enqueue(&super::letters::letter(world, user.id))?;
        Err(TenancyError::NotFound)
    });
    assert!(matches!(undone, Err(TenancyError::NotFound)));
    assert_eq!(world.tenancy.run(&operator.scope(), |tx| Ok(tx.user(user.id)?)).unwrap(), None);
    let trail = world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(user.id.0)?)).unwrap();
    assert_eq!(trail, []);
    let waiting = world.tenancy.run(&Scope::worker(Job::Outbox), |tx| Ok(tx.backlog(world.clock.now())?)).unwrap();
    assert_eq!(waiting.waiting, 0);
}

/// An address is one account's, even one that the scope cannot see.
pub fn an_address_is_taken_once(world: &World) {
    let cast = Cast::new(world);
    let twin = account(world, "lea@beta.example", Role::Employee, cast.hr.user.company);
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.add_user(&twin));
    assert!(matches!(refused, Err(TenancyError::EmailTaken)), "{refused:?}");
    let mut moved = cast.employee.0.user.clone();
    moved.email = email("lea@beta.example");
    let refused = world.tenancy.run(&cast.employee.0.scope(), |tx| tx.update_user(&moved));
    assert!(matches!(refused, Err(TenancyError::EmailTaken)), "{refused:?}");
}

/// HR adds many people at once; those whose addresses have accounts are left out and named.
pub fn many_are_added_but_those_whose_addresses_are_taken(world: &World) {
    let cast = Cast::new(world);
    let company = cast.hr.user.company;
    let named = || {
        let addresses = ["a@alpha.example", "lea@beta.example", "marc@alpha.example", "z@alpha.example"];
        addresses.map(|address| account(world, address, Role::Employee, company))
    };
    let people = named();
    let taken = |by: &Person| {
        let addresses = people.clone().map(|user| user.email);
        world.tenancy.run(&by.scope(), |tx| Ok(tx.taken_emails(&addresses)?))
    };
    let sorted = |mut emails: Vec<Email>| {
        emails.sort();
        emails
    };
    let before = sorted(taken(&cast.hr).unwrap());
    assert_eq!(before, ["lea@beta.example", "marc@alpha.example"].map(email));
    let added = world.tenancy.run(&cast.hr.scope(), |tx| tx.add_users(&people)).unwrap();
    assert_eq!(added, [people[0].id, people[3].id]);
    assert_eq!(sorted(taken(&cast.hr).unwrap()).len(), 4);
    for user in [&people[0], &people[3]] {
        let found = world.tenancy.run(&cast.operator.scope(), |tx| Ok(tx.user(user.id)?)).unwrap();
        assert_eq!(found.as_ref(), Some(user));
    }
    for nobody_new in [named().as_slice(), &[]] {
        assert_eq!(world.tenancy.run(&cast.hr.scope(), |tx| tx.add_users(nobody_new)).unwrap(), []);
    }

    for by in [&cast.administrator, &cast.operator, &cast.employee.0, &cast.practitioner.0] {
        let refused = |outcome: Result<(), TenancyError>| {
            assert!(is_refused(&outcome), "{}: {outcome:?}", by.user.role);
        };
        refused(taken(by).map(drop));
        let role = if by.user.role == Role::SuperAdmin { Role::AdminHuntzen } else { Role::AdminRh };
        let company = company.filter(|_| role == Role::AdminRh);
        let user = account(world, "new@alpha.example", role, company);
        refused(world.tenancy.run(&by.scope(), |tx| tx.add_users(&[user])).map(drop));
    }
    let elsewhere = account(world, "new@alpha.example", Role::Employee, cast.other_hr.user.company);
    let refused = world.tenancy.run(&cast.hr.scope(), |tx| tx.add_users(&[elsewhere])).map(drop);
    assert!(is_refused(&refused), "{refused:?}");
}

/// A work address stays an employee's when their account takes another; whoever may invite hears of it.
pub fn a_work_address_is_known_to_whoever_invites(world: &World) {
    let cast = Cast::new(world);
    let mut moved = cast.employee.0.user.clone();
    moved.email = email("marc@home.example");
    world.tenancy.run(&cast.employee.0.scope(), |tx| tx.update_user(&moved)).unwrap();
    let addresses = ["marc@alpha.example", "lea@beta.example", "marc@home.example", "rh@alpha.example"].map(email);
    let asked = |by: &Person| world.tenancy.run(&by.scope(), |tx| Ok(tx.work_addresses(&addresses)?));
    for by in [&cast.hr, &cast.administrator, &cast.operator] {
        let mut found = asked(by).unwrap();
        found.sort();
        assert_eq!(found, ["lea@beta.example", "marc@alpha.example"].map(email), "{}", by.user.role);
        assert_eq!(world.tenancy.run(&by.scope(), |tx| Ok(tx.work_addresses(&[])?)).unwrap(), []);
    }
    for by in [&cast.employee.0, &cast.practitioner.0] {
        let refused = asked(by).map(drop);
        assert!(is_refused(&refused), "{}: {refused:?}", by.user.role);
    }
}

/// Many who add the same addresses at once add each exactly once.
pub fn of_many_at_once_each_address_is_added_once(world: &World) {
    let cast = Cast::new(world);
    let outcomes = at_once(4, |_| {
        let people: Vec<_> = (0..50)
            .map(|number| account(world, &format!("p{number:02}@alpha.example"), Role::Employee, cast.hr.user.company))
            .collect();
        world.tenancy.run(&cast.hr.scope(), |tx| tx.add_users(&people)).unwrap().len()
    });
    assert_eq!(outcomes.into_iter().sum::<usize>(), 50);
}

/// Signing in sees the one account with the address, and nothing else.
pub fn signing_in_sees_one_account(world: &World) {
    let cast = Cast::new(world);
    let scope = Scope::sign_in(email("marc@alpha.example"), Origin::default());
    let (found, other) = world
        .tenancy
        .run(&scope, |tx| {
            Ok((tx.user_by_email(&email("marc@alpha.example"))?, tx.user_by_email(&email("claire@alpha.example"))?))
        })
        .unwrap();
    assert_eq!(found, Some(cast.employee.0.user.clone()));
    assert_eq!(other, None);
    assert!(!seen(world, &scope, &cast.colleague.0));
}

/// Who sees whom: oneself; operators all; administrators HR and practitioners; nobody else.
pub fn accounts_are_seen_by_whom_they_concern(world: &World) {
    let cast = Cast::new(world);
    let employee = &cast.employee.0;
    for (scope, expected) in [
        (employee.scope(), true),
        (cast.operator.scope(), true),
        (cast.colleague.0.scope(), false),
        (cast.hr.scope(), false),
        (cast.stranger.0.scope(), false),
        (cast.administrator.scope(), false),
        (cast.practitioner.0.scope(), false),
        (Scope::anonymous(Origin::default()), false),
        (Scope::worker(Job::Reminders), false),
        (Scope::worker(Job::Outbox), true),
    ] {
        assert_eq!(seen(world, &scope, employee), expected, "{scope:?}");
    }
    assert!(seen(world, &cast.administrator.scope(), &cast.hr));
    assert!(seen(world, &cast.administrator.scope(), &cast.practitioner.0));
    assert!(!seen(world, &cast.hr.scope(), &cast.other_hr));
}

/// An account that the scope may not make or change is refused.
pub fn nobody_makes_accounts_beyond_their_reach(world: &World) {
    let cast = Cast::new(world);
    for (by, role, company) in [
        (&cast.hr, Role::Employee, cast.other_hr.user.company),
        (&cast.hr, Role::Practitioner, None),
        (&cast.administrator, Role::Employee, cast.hr.user.company),
        (&cast.administrator, Role::SuperAdmin, None),
        (&cast.operator, Role::Practitioner, None),
        (&cast.practitioner.0, Role::Practitioner, None),
        (&cast.employee.0, Role::Employee, cast.hr.user.company),
    ] {
        let user = account(world, "intruder@alpha.example", role, company);
        let refused = world.tenancy.run(&by.scope(), |tx| tx.add_user(&user));
        assert!(
            matches!(refused, Err(TenancyError::Store(StoreError::Refused(_)))),
            "{} made {role}: {refused:?}",
            by.user.role
        );
    }
    let mut victim = cast.stranger.0.user.clone();
    victim.first_name = "Autre".to_owned();
    let refused = world.tenancy.run(&cast.employee.0.scope(), |tx| tx.update_user(&victim));
    assert!(matches!(refused, Err(TenancyError::NotFound)), "{refused:?}");
}

/// Suspending a company signs its HR out, and nobody else.
pub fn hr_is_signed_out_together(world: &World) {
    let cast = Cast::new(world);
    let second = added(world, &cast.administrator, "rh2@alpha.example", Role::AdminRh, cast.hr.user.company);
    let now = world.clock.now();
    world.tenancy.run(&cast.administrator.scope(), |tx| Ok(tx.sign_out_hr(cast.company.id, now)?)).unwrap();
    let signed_out = |person: &Person| {
        let user = world.tenancy.run(&person.scope(), |tx| Ok(tx.user(person.id())?)).unwrap();
        user.unwrap().signed_out_before
    };
    assert_eq!((signed_out(&cast.hr), signed_out(&second)), (Some(now), Some(now)));
    assert_eq!((signed_out(&cast.other_hr), signed_out(&cast.employee.0)), (None, None));
}

/// The active HR accounts of a company are those who can read a letter about it.
pub fn hr_of_a_company_is_known_to_administrators(world: &World) {
    let cast = Cast::new(world);
    let mut active = cast.hr.user.clone();
    active.is_active = true;
    world.tenancy.run(&cast.hr.scope(), |tx| tx.update_user(&active)).unwrap();
    added(world, &cast.administrator, "rh2@alpha.example", Role::AdminRh, cast.hr.user.company);
    let hr = world.tenancy.run(&cast.administrator.scope(), |tx| Ok(tx.hr_of(cast.company.id)?)).unwrap();
    assert_eq!(hr, [cast.hr.id()]);
}

/// Of many accounts with one address at once, exactly one is made.
pub fn of_many_at_once_one_address_wins(world: &World) {
    let operator = operator(world);
    let outcomes = at_once(6, |_| {
        let user = account(world, "race@huntzen.example", Role::AdminHuntzen, None);
        world.tenancy.run(&operator.scope(), |tx| tx.add_user(&user))
    });
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(TenancyError::EmailTaken))));
}
