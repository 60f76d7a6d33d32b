//! Tenants mixed over a few connections, with units of work that fail, are refused and panic:
//! none ever sees what another's scope left behind.
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
};

use huntzen_tenancy::{
    Origin, PageRequest, Scope, TenancyError, TenancyTx,
    clock::Clock,
    company::CompanyFilter,
    employee::{Employee, EmployeeFilter},
    ids::{CompanyId, NotificationId},
    notifications::{Notification, NotificationFilter, NotificationType},
    policy::Role,
};
use huntzen_tests::{
    cast::{Person, added, company, employee, operator, siret},
    sequence::Sequence,
    world::World,
};
use serde_json::json;

const THREADS: usize = 8;
const PAGE: PageRequest = PageRequest { page: 1, per_page: 100 };

/// A company and its people.
struct Tenant {
    company: CompanyId,
    hr: Person,
    employees: Vec<(Person, Employee)>,
    /// How many notifications each employee keeps.
    kept: Vec<AtomicU64>,
}

fn tenants(world: &World) -> Vec<Tenant> {
    let administrator = added(world, &operator(world), "admin@huntzen.example", Role::AdminHuntzen, None);
    (1..=4)
        .map(|number| {
            let domain = format!("tenant{number}.example");
            let company = company(world, &administrator, &format!("Tenant{number}"), &domain, &siret(number)).id;
            let hr = added(world, &administrator, &format!("rh@{domain}"), Role::AdminRh, Some(company));
            let employees: Vec<_> =
                (0..3).map(|n| employee(world, &hr, &format!("e{n}@{domain}"), "Personne")).collect();
            let kept = employees.iter().map(|_| AtomicU64::new(0)).collect();
            Tenant { company, hr, employees, kept }
        })
        .collect()
}

/// How a request ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Kept,
    Failed,
    Refused,
    Panicked,
}

/// Reads what the scope may see of every tenant and answers how many rows were not its own.
fn foreign_rows(
    tx: &mut dyn TenancyTx,
    tenants: &[Tenant],
    own: Option<CompanyId>,
    me: Option<&Person>,
) -> Result<usize, TenancyError> {
    let mut foreign =
        tx.companies(&CompanyFilter::default(), PAGE)?.items.iter().filter(|one| Some(one.id) != own).count();
    for tenant in tenants {
        let seen = tx.employees(tenant.company, &EmployeeFilter::default(), PAGE)?.items;
        let is_own = |one: &&Employee| {
            Some(one.company) == own && me.is_some_and(|me| me.user.role == Role::AdminRh || me.id() == one.user)
        };
        let own_seen = seen.iter().filter(is_own).count();
        // That nothing foreign is seen says something only because what is one's own is.
        let expected = match me.filter(|_| own == Some(tenant.company)) {
            Some(me) if me.user.role == Role::AdminRh => tenant.employees.len(),
            Some(_) => 1,
            None => 0,
        };
        assert_eq!(own_seen, expected);
        foreign += seen.len() - own_seen;
        if let Some((person, entry)) =
            tenant.employees.first().filter(|(person, _)| me.is_none_or(|me| me.id() != person.id()))
        {
            foreign += tx.inbox(person.id(), NotificationFilter::default(), None, 5)?.items.len();
            foreign += usize::from(tx.user(person.id())?.is_some());
            let is_hr = Some(entry.company) == own && me.is_some_and(|me| me.user.role == Role::AdminRh);
            foreign += usize::from(!is_hr && tx.employee(entry.id)?.is_some());
        }
    }
    Ok(foreign)
}

fn notification(world: &World, to: &Person) -> Notification {
    let now = world.clock.now();
    Notification {
        id: NotificationId(world.randomness.uuid_v7(now)),
        user: to.id(),
        kind: NotificationType::NewsPublished,
        data: json!({}),
        read_at: None,
        created_at: now,
    }
}

/// One request of anybody; adds how many foreign rows it saw to `seen`.
fn request(world: &World, tenants: &[Tenant], sequence: &mut Sequence, seen: &AtomicUsize) {
    let tenant = &tenants[sequence.below(tenants.len())];
    let place = sequence.below(tenant.employees.len());
    let ending = match sequence.below(50) {
        0 => Ending::Panicked,
        1..10 => Ending::Failed,
        10..16 => Ending::Refused,
        _ => Ending::Kept,
    };
    let (scope, me) = match sequence.below(6) {
        0 => (Scope::anonymous(Origin::default()), None),
        1 => (tenant.hr.scope(), Some(&tenant.hr)),
        _ => (tenant.employees[place].0.scope(), Some(&tenant.employees[place].0)),
    };
    let own = me.map(|_| tenant.company);
    let writes = me.is_some_and(|me| me.user.role == Role::Employee);
    let work = |tx: &mut dyn TenancyTx| {
        seen.fetch_add(foreign_rows(tx, tenants, own, me)?, Ordering::Relaxed);
        if let Some(me) = me.filter(|_| writes) {
            tx.notify(&notification(world, me))?;
        }
        match ending {
            Ending::Kept => Ok(()),
            Ending::Failed => Err(TenancyError::NotFound),
            // The transaction is aborted by the server, not by us.
            Ending::Refused => Ok(tx.notify(&notification(world, &tenants[0].hr))?),
            // Without a message: nobody should take it for a failure.
            Ending::Panicked => resume_unwind(Box::new(())),
        }
    };
    let done: Result<Result<(), TenancyError>, Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(|| world.tenancy.run(&scope, work)));
    let is_kept = matches!(done, Ok(Ok(())));
    let refused_itself = ending == Ending::Refused && me.is_some_and(|me| me.id() == tenants[0].hr.id());
    assert_eq!(is_kept, ending == Ending::Kept || refused_itself, "{done:?}");
    if is_kept && writes {
        tenant.kept[place].fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn nothing_leaks_from_one_unit_of_work_into_another() {
    let world = World::postgres();
    let tenants = tenants(&world);
    let requests = if huntzen_tests::scale::is_full() { 100_000 } else { 2_000 };
    let seen = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (world, tenants, seen) = (&world, &tenants, &seen);
            scope.spawn(move || {
                let mut sequence = Sequence::new(0x9E37_79B9 + number as u64);
                for _ in 0..requests / THREADS {
                    request(world, tenants, &mut sequence, seen);
                }
            });
        }
    });
    assert_eq!(seen.into_inner(), 0, "rows of others were seen");
    for tenant in &tenants {
        for ((person, _), kept) in tenant.employees.iter().zip(&tenant.kept) {
            let unread = world.tenancy.run(&person.scope(), |tx| Ok(tx.unread(person.id())?)).unwrap();
            assert_eq!(unread, kept.load(Ordering::Relaxed));
        }
    }
}
