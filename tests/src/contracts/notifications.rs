//! The contract of `Notifications`.
use huntzen_tenancy::{
    Cursor, Job, Origin, Scope,
    clock::Clock,
    ids::{NotificationId, UserId},
    notifications::{Notification, NotificationFilter, NotificationType},
};
use jiff::SignedDuration;
use serde_json::json;

use super::{at_once, is_refused, undone};
use crate::{
    cast::{Cast, Person, operator},
    world::World,
};

/// A notification to `to` that nobody has written yet.
pub fn new_notification(world: &World, to: &Person, kind: NotificationType) -> Notification {
    let now = world.clock.now();
    Notification {
        id: NotificationId(world.randomness.uuid_v7(now)),
        user: to.id(),
        kind,
        data: json!({ "at": "2027-01-04T08:00:00Z", "deep": { "list": [1, 2] } }),
        read_at: None,
        created_at: now,
    }
}

/// One that is in the inbox of `to`.
pub fn notified(world: &World, to: &Person, kind: NotificationType) -> Notification {
    let notification = new_notification(world, to, kind);
    world.tenancy.run(&to.scope(), |tx| Ok(tx.notify(&notification)?)).unwrap();
    notification
}

/// The ids of an inbox, walked through `limit` at a time.
pub fn inbox(
    world: &World,
    scope: &Scope,
    user: UserId,
    filter: NotificationFilter,
    limit: u32,
) -> Vec<NotificationId> {
    let mut ids = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let part = world.tenancy.run(scope, |tx| Ok(tx.inbox(user, filter, cursor, limit)?)).unwrap();
        assert!(part.items.len() <= limit as usize);
        ids.extend(part.items.iter().map(|one| one.id));
        cursor = part.next;
        if cursor.is_none() {
            return ids;
        }
    }
}

fn unread(world: &World, scope: &Scope, user: UserId) -> u64 {
    world.tenancy.run(scope, |tx| Ok(tx.unread(user)?)).unwrap()
}

/// What was written is found as it was; nothing is None.
pub fn a_notification_is_found(world: &World) {
    let reader = operator(world);
    let written = notified(world, &reader, NotificationType::AccountSecurity);
    let find = |id| world.tenancy.run(&reader.scope(), |tx| Ok(tx.notification(reader.id(), id)?)).unwrap();
    assert_eq!(find(written.id), Some(written.clone()));
    assert_eq!(find(NotificationId(world.randomness.uuid_v4())), None);
    let part =
        world.tenancy.run(&reader.scope(), |tx| Ok(tx.inbox(reader.id(), NotificationFilter::default(), None, 10)?));
    let part = part.unwrap();
    assert_eq!((part.items, part.next), (vec![written], None));
}

/// The newest comes first, of one instant the greater id; a walk meets each exactly once.
pub fn an_inbox_is_walked_newest_first(world: &World) {
    let reader = operator(world);
    let mut written = Vec::new();
    for number in 0..7 {
        // Three instants: some notifications share theirs.
        if number % 3 == 0 {
            world.clock.advance(SignedDuration::from_secs(1));
        }
        let one = notified(world, &reader, NotificationType::NewsPublished);
        written.push((one.created_at, one.id));
    }
    written.sort_unstable_by(|one, other| other.cmp(one));
    let expected: Vec<_> = written.into_iter().map(|(_, id)| id).collect();
    for limit in [1, 2, 3, 7, 10] {
        let walked = inbox(world, &reader.scope(), reader.id(), NotificationFilter::default(), limit);
        assert_eq!(walked, expected, "{limit} at a time");
    }
    let all =
        world.tenancy.run(&reader.scope(), |tx| Ok(tx.inbox(reader.id(), NotificationFilter::default(), None, 7)?));
    assert_eq!(all.unwrap().next, None);
}

/// Reading marks one or all; a second time changes nothing; filters follow.
pub fn reading_is_kept(world: &World) {
    let reader = operator(world);
    let (scope, user) = (reader.scope(), reader.id());
    let news = notified(world, &reader, NotificationType::NewsPublished);
    let safety = notified(world, &reader, NotificationType::AccountSecurity);
    let more = notified(world, &reader, NotificationType::AccountSecurity);
    let mark = |id| {
        let now = world.clock.now();
        world.tenancy.run(&scope, |tx| Ok(tx.mark_read(user, id, now)?)).unwrap()
    };
    assert_eq!(unread(world, &scope, user), 3);
    let first_read = world.clock.now();
    assert!(mark(news.id));
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(mark(news.id));
    assert!(!mark(NotificationId(world.randomness.uuid_v4())));
    let read = world.tenancy.run(&scope, |tx| Ok(tx.notification(user, news.id)?)).unwrap().unwrap();
    assert_eq!(read.read_at, Some(first_read));
    assert_eq!(unread(world, &scope, user), 2);
    let filtered = |unread, kind| {
        let mut ids = inbox(world, &scope, user, NotificationFilter { unread, kind }, 10);
        ids.sort_unstable();
        ids
    };
    let mut waiting = [safety.id, more.id];
    waiting.sort_unstable();
    assert_eq!(filtered(Some(true), None), waiting);
    assert_eq!(filtered(Some(false), None), [news.id]);
    assert_eq!(filtered(None, Some(NotificationType::AccountSecurity)), waiting);
    assert_eq!(filtered(Some(false), Some(NotificationType::AccountSecurity)), []);
    let now = world.clock.now();
    let mark_all = || world.tenancy.run(&scope, |tx| Ok(tx.mark_all_read(user, now)?)).unwrap();
    assert_eq!((mark_all(), mark_all()), (2, 0));
    assert_eq!(unread(world, &scope, user), 0);
    let kept = world.tenancy.run(&scope, |tx| Ok(tx.notification(user, news.id)?)).unwrap().unwrap();
    assert_eq!(kept.read_at, Some(first_read));
}

/// Deleting says whether there was one.
pub fn a_notification_is_deleted(world: &World) {
    let reader = operator(world);
    let one = notified(world, &reader, NotificationType::NewsPublished);
    let other = notified(world, &reader, NotificationType::NewsPublished);
    let remove = || world.tenancy.run(&reader.scope(), |tx| Ok(tx.remove_notification(reader.id(), one.id)?)).unwrap();
    assert_eq!((remove(), remove()), (true, false));
    assert_eq!(inbox(world, &reader.scope(), reader.id(), NotificationFilter::default(), 10), [other.id]);
}

/// A failed unit of work leaves no notification, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_notification(world: &World) {
    let reader = operator(world);
    let one = new_notification(world, &reader, NotificationType::NewsPublished);
    undone(world, &reader, one.id.0, |tx| Ok(tx.notify(&one)?));
    assert_eq!(unread(world, &reader.scope(), reader.id()), 0);
    world.tenancy.run(&reader.scope(), |tx| Ok(tx.notify(&one)?)).unwrap();
    undone(world, &reader, one.id.0, |tx| {
        assert!(tx.remove_notification(reader.id(), one.id)?);
        Ok(())
    });
    undone(world, &reader, one.id.0, |tx| {
        let now = world.clock.now();
        assert_eq!(tx.mark_all_read(reader.id(), now)?, 1);
        Ok(())
    });
    assert_eq!(unread(world, &reader.scope(), reader.id()), 1);
}

/// An inbox is its owner's alone, even to read; nobody writes into another's.
pub fn an_inbox_is_its_owners_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let one = notified(world, marc, NotificationType::AccountSecurity);
    let now = world.clock.now();
    for scope in [
        cast.colleague.0.scope(),
        cast.stranger.0.scope(),
        cast.hr.scope(),
        cast.other_hr.scope(),
        cast.practitioner.0.scope(),
        cast.administrator.scope(),
        cast.operator.scope(),
        Scope::anonymous(Origin::default()),
        Scope::worker(Job::Outbox),
    ] {
        assert_eq!(inbox(world, &scope, marc.id(), NotificationFilter::default(), 10), [], "{scope:?}");
        let touched = world
            .tenancy
            .run(&scope, |tx| {
                Ok((
                    tx.notification(marc.id(), one.id)?.is_some(),
                    tx.unread(marc.id())?,
                    tx.mark_read(marc.id(), one.id, now)?,
                    tx.mark_all_read(marc.id(), now)?,
                    tx.remove_notification(marc.id(), one.id)?,
                ))
            })
            .unwrap();
        assert_eq!(touched, (false, 0, false, 0, false), "{scope:?}");
        let foreign = new_notification(world, marc, NotificationType::AccountSecurity);
        let refused = world.tenancy.run(&scope, |tx| Ok(tx.notify(&foreign)?));
        assert!(is_refused(&refused), "{scope:?}: {refused:?}");
    }
    // Nor does one reach another's through one's own name.
    let touched = world.tenancy.run(&cast.colleague.0.scope(), |tx| {
        Ok(tx.mark_read(cast.colleague.0.id(), one.id, now)?
            || tx.remove_notification(cast.colleague.0.id(), one.id)?)
    });
    assert!(!touched.unwrap());
    assert_eq!(unread(world, &marc.scope(), marc.id()), 1);
}

/// Of many who read or delete at once, each notification is counted for exactly one.
pub fn of_many_at_once_one_counts(world: &World) {
    let reader = operator(world);
    let one = notified(world, &reader, NotificationType::NewsPublished);
    let now = world.clock.now();
    let read =
        at_once(6, |_| world.tenancy.run(&reader.scope(), |tx| Ok(tx.mark_all_read(reader.id(), now)?)).unwrap());
    assert_eq!(read.into_iter().sum::<u64>(), 1);
    let removed = at_once(6, |_| {
        world.tenancy.run(&reader.scope(), |tx| Ok(tx.remove_notification(reader.id(), one.id)?)).unwrap()
    });
    assert_eq!(removed.into_iter().filter(|removed| *removed).count(), 1);
}
