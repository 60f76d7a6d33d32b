//! The contracts of `Files` and `Attending`.
use std::sync::Arc;

use huntzen_booking::consultation::Consultation;
use huntzen_tenancy::{
    Caller, Job, Origin, Scope, TenancyError,
    clock::Clock,
    files::{
        FileId, FileKeeping, FileName, FilePorts, FileRules, FileType, MediaType, ObjectName, PendingUpload, Received,
        Related, RelatedResource, StoredFile,
    },
    sealing::{KeySubject, Sealer},
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{at_once, is_refused, undone};
use crate::{
    appointments::booked,
    cast::{Cast, Person},
    clock::TestClock,
    world::World,
};

/// The use cases of files over this world, by these rules.
pub fn keeping(world: &World, rules: FileRules) -> FileKeeping {
    let ports = FilePorts {
        store: Arc::clone(&world.tenancy),
        sealer: Sealer::new(Arc::clone(&world.vault), Arc::clone(&world.randomness)),
        clock: Arc::<TestClock>::clone(&world.clock),
        randomness: Arc::clone(&world.randomness),
    };
    FileKeeping::new(ports, rules)
}

/// A file of `owner` that nobody has added.
pub fn unsent(world: &World, owner: &Person, kind: FileType) -> StoredFile {
    let media = if kind == FileType::Avatar { MediaType::Png } else { MediaType::Pdf };
    StoredFile {
        id: FileId(world.randomness.uuid_v4()),
        owner: owner.id(),
        kind,
        name: FileName::of("Diplôme", media),
        media,
        size: 1_000,
        sha256: [7; 32],
        related: None,
        object: ObjectName(world.randomness.uuid_v4()),
        participants: None,
        is_public: false,
        created_at: world.clock.now(),
    }
}

/// The same, attached to a consultation.
pub fn attached(world: &World, owner: &Person, consultation: &Consultation) -> StoredFile {
    let related = Related { resource: RelatedResource::Consultation, id: consultation.id.0 };
    StoredFile { related: Some(related), ..unsent(world, owner, FileType::Attachment) }
}

/// Adds a file within `scope`.
///
/// # Errors
/// Those of the store.
pub fn add(world: &World, scope: &Scope, file: &StoredFile) -> Result<(), TenancyError> {
    world.tenancy.run(scope, |tx| Ok(tx.add_file(file)?))
}

/// Adds a file of `owner`'s own.
pub fn sent(world: &World, owner: &Person, kind: FileType) -> StoredFile {
    let file = unsent(world, owner, kind);
    add(world, &owner.scope(), &file).unwrap();
    file
}

/// Begins an upload of `owner`'s, of an object that nothing else has.
pub fn begun(world: &World, owner: &Person) -> ObjectName {
    let object = ObjectName(world.randomness.uuid_v4());
    let upload = PendingUpload { object, owner: owner.id(), begun_at: world.clock.now() };
    world.tenancy.run(&owner.scope(), |tx| Ok(tx.add_upload(&upload)?)).unwrap();
    object
}

fn found(world: &World, scope: &Scope, id: FileId) -> Option<StoredFile> {
    world.tenancy.run(scope, |tx| Ok(tx.file(id)?)).unwrap()
}

fn remove(world: &World, by: &Person, id: FileId) -> bool {
    world.tenancy.run(&by.scope(), |tx| Ok(tx.remove_file(id)?)).unwrap()
}

/// The objects that are to be removed.
pub fn removals(world: &World) -> Vec<ObjectName> {
    let now = world.clock.now();
    world.tenancy.run(&Scope::worker(Job::Files), |tx| Ok(tx.removals(now, 100)?)).unwrap()
}

fn caller(who: &Person) -> Caller {
    Caller { actor: who.actor(), origin: Origin::default() }
}

fn anonymous() -> Scope {
    Scope::anonymous(Origin::default())
}

fn received(kind: FileType, size: u64) -> Received {
    let media = if kind == FileType::Avatar { MediaType::Png } else { MediaType::Pdf };
    Received { kind, related: None, name: FileName::of("a", media), media, size, sha256: [1; 32] }
}

/// A file is found as it was added; one that is absent is not.
pub fn a_file_is_found(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let related = Some(Related { resource: RelatedResource::User, id: marc.id().0 });
    let file = StoredFile { related, ..unsent(world, marc, FileType::Document) };
    add(world, &marc.scope(), &file).unwrap();
    assert_eq!(found(world, &marc.scope(), file.id), Some(file));
    assert_eq!(found(world, &marc.scope(), FileId(Uuid::nil())), None);
}

/// Each type is seen by its owner and by those it is for, and by nobody else.
pub fn files_are_seen_by_whom_they_are_for(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let document = sent(world, marc, FileType::Document).id;
    let certificate = sent(world, sophie, FileType::Certificate).id;
    let attachment = attached(world, sophie, &consultation);
    add(world, &sophie.scope(), &attachment).unwrap();
    let picture = sent(world, marc, FileType::Avatar).id;
    let people = [
        marc,
        &cast.colleague.0,
        &cast.stranger.0,
        &cast.hr,
        sophie,
        &cast.other_practitioner.0,
        &cast.administrator,
        &cast.operator,
    ];
    let seers = |id| people.map(|person| u8::from(found(world, &person.scope(), id).is_some()));
    assert_eq!(seers(document), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(seers(certificate), [0, 0, 0, 0, 1, 0, 1, 0]);
    assert_eq!(seers(attachment.id), [1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(seers(picture), [1; 8]);
    for id in [document, certificate, attachment.id, picture] {
        assert_eq!(found(world, &anonymous(), id), None);
    }
    let both = found(world, &marc.scope(), attachment.id).unwrap().participants.unwrap();
    assert_eq!((both.employee, both.practitioner), (marc.id(), sophie.id()), "the store knows who meets");
}

/// The picture of a practitioner is as public as they are, whatever is said when it is added.
pub fn a_picture_follows_its_practitioner(world: &World) {
    let cast = Cast::new(world);
    let (marc, (sophie, entry)) = (&cast.employee.0, &cast.practitioner);
    let hers = sent(world, sophie, FileType::Avatar).id;
    let his = StoredFile { is_public: true, ..unsent(world, marc, FileType::Avatar) };
    add(world, &marc.scope(), &his).unwrap();
    let is_public = |id| found(world, &anonymous(), id).is_some();
    assert!(is_public(hers) && !is_public(his.id));
    let mut entry = entry.clone();
    for (suspended, public) in [(true, false), (false, true)] {
        entry.suspended_at = suspended.then(|| world.clock.now());
        world.booking.run(&cast.administrator.scope(), |tx| tx.update_practitioner(&entry)).unwrap();
        assert_eq!(is_public(hers), public);
        assert!(found(world, &marc.scope(), hers).is_some(), "whoever is signed in sees it all the while");
    }
}

/// The account and the practitioner's entry say which picture is theirs; nobody has two.
pub fn a_picture_is_shown_where_its_owner_is(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let shown = || {
        world
            .booking
            .run(&sophie.scope(), |tx| {
                let account = tx.user(sophie.id())?.unwrap().avatar;
                assert_eq!(account, tx.practitioner_of(sophie.id())?.unwrap().avatar);
                Ok(account)
            })
            .unwrap()
    };
    assert_eq!(shown(), None);
    let first = sent(world, sophie, FileType::Avatar).id;
    assert_eq!(shown(), Some(first));
    let own = world.tenancy.run(&sophie.scope(), |tx| Ok(tx.avatar_of(sophie.id())?)).unwrap();
    assert_eq!(own, Some(first));
    assert!(is_refused(&add(world, &sophie.scope(), &unsent(world, sophie, FileType::Avatar))));
    // Whatever else is written of them leaves it alone.
    world
        .booking
        .run(&sophie.scope(), |tx| {
            let mut account = tx.user(sophie.id())?.unwrap();
            account.avatar = None;
            tx.update_user(&account)?;
            let mut entry = tx.practitioner_of(sophie.id())?.unwrap();
            entry.avatar = None;
            tx.update_practitioner(&entry)
        })
        .unwrap();
    assert_eq!(shown(), Some(first));
    assert!(remove(world, sophie, first));
    assert_eq!(shown(), None);
}

/// Nobody sends in another's name, a certificate without being a practitioner, or an attachment to a
/// consultation of others.
pub fn nobody_sends_what_is_not_theirs_to_send(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let refused = |by: &Person, file: &StoredFile| is_refused(&add(world, &by.scope(), file));
    for other in [&cast.colleague.0, &cast.hr, sophie, &cast.administrator, &cast.operator] {
        assert!(refused(other, &unsent(world, marc, FileType::Document)), "{}", other.user.role);
    }
    for other in [marc, &cast.hr, &cast.administrator, &cast.operator] {
        assert!(refused(other, &unsent(world, other, FileType::Certificate)), "{}", other.user.role);
    }
    for other in [&cast.colleague.0, &cast.hr, &cast.other_practitioner.0, &cast.administrator] {
        assert!(refused(other, &attached(world, other, &consultation)), "{}", other.user.role);
    }
    assert!(refused(marc, &unsent(world, marc, FileType::Attachment)), "attached to nothing");
    let upload = PendingUpload { object: ObjectName(Uuid::nil()), owner: marc.id(), begun_at: world.clock.now() };
    assert!(is_refused(&world.tenancy.run(&sophie.scope(), |tx| Ok(tx.add_upload(&upload)?))));
}

/// An owner deletes, nobody else; the object is queued once.
pub fn what_is_deleted_is_queued(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.0;
    let file = sent(world, sophie, FileType::Certificate);
    for other in [&cast.administrator, &cast.employee.0, &cast.other_practitioner.0, &cast.operator] {
        assert!(!remove(world, other, file.id));
    }
    assert_eq!(removals(world), []);
    assert!(remove(world, sophie, file.id));
    assert!(!remove(world, sophie, file.id));
    assert_eq!(found(world, &sophie.scope(), file.id), None);
    assert_eq!(removals(world), [file.object]);
}

/// An upload that ends with a file leaves nothing; one that ends without leaves its object.
pub fn an_upload_ends_one_way_or_the_other(world: &World) {
    let cast = Cast::new(world);
    let (marc, claire) = (&cast.employee.0, &cast.colleague.0);
    let drop_by = |who: &Person, object| world.tenancy.run(&who.scope(), |tx| Ok(tx.drop_upload(object)?)).unwrap();
    let (kept, given_up) = (begun(world, marc), begun(world, marc));
    add(world, &marc.scope(), &StoredFile { object: kept, ..unsent(world, marc, FileType::Document) }).unwrap();
    assert!(!drop_by(claire, kept), "nobody ends another's");
    assert!(drop_by(marc, kept) && drop_by(marc, given_up));
    assert!(!drop_by(marc, given_up), "once");
    assert_eq!(removals(world), [given_up]);
}

/// Uploads that began long ago are given up by the job; nobody else does.
pub fn stale_uploads_are_given_up(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let old = [begun(world, marc), begun(world, &cast.practitioner.0)];
    world.clock.advance(SignedDuration::from_hours(1));
    let since = world.clock.now();
    let fresh = begun(world, marc);
    let give_up =
        |scope: &Scope, limit| world.tenancy.run(scope, |tx| Ok(tx.drop_stale_uploads(since, limit)?)).unwrap();
    assert_eq!(give_up(&marc.scope(), 10), 0);
    assert_eq!(give_up(&Scope::worker(Job::Outbox), 10), 0);
    assert_eq!(give_up(&Scope::worker(Job::Files), 1), 1);
    assert_eq!(give_up(&Scope::worker(Job::Files), 10), 1);
    let mut queued = removals(world);
    queued.sort_unstable();
    let mut expected = old.to_vec();
    expected.sort_unstable();
    assert_eq!(queued, expected);
    assert!(!queued.contains(&fresh));
}

/// Removals are the job's alone; what failed comes again after its pause.
pub fn removals_are_done_or_put_off(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let files = [(); 3].map(|()| sent(world, marc, FileType::Document));
    for file in &files {
        assert!(remove(world, marc, file.id));
    }
    let [gone, later, _] = files.map(|file| file.object);
    let now = world.clock.now();
    let until = now + SignedDuration::from_mins(5);
    let note = |scope: &Scope| {
        world.tenancy.run(scope, |tx| {
            tx.removed(&[gone])?;
            Ok(tx.put_off_removals(&[later], until)?)
        })
    };
    for other in [marc, &cast.administrator] {
        note(&other.scope()).unwrap();
        let seen = world.tenancy.run(&other.scope(), |tx| Ok(tx.removals(now, 10)?)).unwrap();
        assert_eq!(seen, []);
    }
    assert_eq!(removals(world).len(), 3);
    note(&Scope::worker(Job::Files)).unwrap();
    assert_eq!(removals(world).len(), 1);
    world.clock.set(until);
    assert_eq!(removals(world).last(), Some(&later), "what never failed comes first");
}

/// The key of a file is handed to whoever may read it; the owner's keys are nobody else's otherwise.
pub fn the_key_comes_with_the_file(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let subject = KeySubject::Files(sophie.id());
    let key = world.vault.generate(world.randomness.uuid_v4(), subject).unwrap();
    let theirs = std::slice::from_ref(&key);
    assert!(is_refused(&world.tenancy.run(&marc.scope(), |tx| Ok(tx.add_data_keys(theirs)?))));
    world.tenancy.run(&sophie.scope(), |tx| Ok(tx.add_data_keys(theirs)?)).unwrap();
    let certificate = sent(world, sophie, FileType::Certificate).id;
    let document = sent(world, sophie, FileType::Document).id;
    let picture = sent(world, sophie, FileType::Avatar).id;
    let attachment = attached(world, sophie, &consultation);
    add(world, &sophie.scope(), &attachment).unwrap();
    let handed = |who: &Person, id| {
        let found = world.tenancy.run(&who.scope(), |tx| Ok(tx.file_key(id)?)).unwrap();
        assert!(found.as_ref().is_none_or(|found| *found == key));
        found.is_some()
    };
    let files = [certificate, document, attachment.id, picture];
    for (who, expected) in [
        (sophie, [true, true, true, false]),
        (marc, [false, false, true, false]),
        (&cast.administrator, [true, false, false, false]),
        (&cast.colleague.0, [false; 4]),
        (&cast.other_practitioner.0, [false; 4]),
        (&cast.hr, [false; 4]),
        (&cast.operator, [false; 4]),
    ] {
        assert_eq!(files.map(|id| handed(who, id)), expected, "{}", who.user.role);
        let own = world.tenancy.run(&who.scope(), |tx| Ok(tx.data_keys(&[subject])?)).unwrap();
        assert_eq!(own.is_empty(), who.id() != sophie.id());
    }
    let stranger = world.tenancy.run(&anonymous(), |tx| Ok(tx.file_key(certificate)?)).unwrap();
    assert_eq!(stranger, None);
}

/// What one keeps is counted, uploads since an instant too; others' are not among it.
pub fn what_one_keeps_is_counted(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    sent(world, sophie, FileType::Document);
    sent(world, marc, FileType::Document);
    sent(world, marc, FileType::Avatar);
    begun(world, marc);
    let since = world.clock.now();
    world.clock.advance(SignedDuration::from_mins(1));
    begun(world, marc);
    let used = world.tenancy.run(&marc.scope(), |tx| Ok(tx.file_usage(marc.id(), since)?)).unwrap();
    assert_eq!((used.files, used.bytes, used.uploads), (2, 2_000, 1));
}

/// A participant sees whom they meet and when; nobody else does.
pub fn a_meeting_is_its_participants(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let seen = |who: &Person| world.tenancy.run(&who.scope(), |tx| Ok(tx.meeting(consultation.id.0)?)).unwrap();
    for who in [&cast.employee.0, &cast.practitioner.0] {
        let meeting = seen(who).unwrap();
        assert_eq!(meeting.participants.employee, cast.employee.0.id());
        assert_eq!(meeting.participants.practitioner, cast.practitioner.0.id());
        assert_eq!((meeting.scheduled_at, meeting.ends_at), (consultation.scheduled_at, consultation.ends_at));
        assert!(!meeting.is_cancelled);
    }
    for who in [&cast.colleague.0, &cast.other_practitioner.0, &cast.hr, &cast.administrator, &cast.operator] {
        assert_eq!(seen(who), None, "{}", who.user.role);
    }
}

/// A failed unit of work leaves no file, and no removal.
pub fn a_failed_unit_of_work_leaves_no_file(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let (kept, file) = (sent(world, marc, FileType::Document), unsent(world, marc, FileType::Avatar));
    undone(world, marc, file.id, |tx| {
        tx.add_file(&file)?;
        tx.remove_file(kept.id)?;
        Ok(())
    });
    assert_eq!(found(world, &marc.scope(), file.id), None);
    assert_eq!(found(world, &marc.scope(), kept.id), Some(kept));
    assert_eq!(removals(world), []);
    let account = world.tenancy.run(&marc.scope(), |tx| Ok(tx.user(marc.id())?)).unwrap().unwrap();
    assert_eq!(account.avatar, None);
}

/// Of many that end at once no more are taken than there is room for, in number and in bytes.
pub fn many_at_once_stay_within_the_share(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let rules = FileRules { most_files: 3, most_bytes: 2_500, most_uploads: 20, ..FileRules::default() };
    let (keeping, caller) = (keeping(world, rules), self::caller(marc));
    let begun: Vec<_> = (0..8).map(|_| keeping.begin(&caller, None).unwrap()).collect();
    let ended = at_once(begun.len(), |number| {
        let upload = &begun[number];
        keeping.finish(&caller, (upload.id, upload.object), &received(FileType::Document, 1_000))
    });
    let refused = |one: &&Result<StoredFile, TenancyError>| matches!(one, Err(TenancyError::QuotaExceeded));
    assert_eq!(ended.iter().filter(|one| one.is_ok()).count(), 2, "{ended:?}");
    assert_eq!(ended.iter().filter(refused).count(), 6, "{ended:?}");
    // A small one fits still, and then there are as many as there may be.
    let last = keeping.begin(&caller, Some(FileType::Document)).unwrap();
    keeping.finish(&caller, (last.id, last.object), &received(FileType::Document, 500)).unwrap();
    assert!(matches!(keeping.begin(&caller, Some(FileType::Document)), Err(TenancyError::QuotaExceeded)));
    // A picture has no room either, until another is deleted; from then on one replaces the other.
    let picture = || {
        let upload = keeping.begin(&caller, Some(FileType::Avatar))?;
        keeping.finish(&caller, (upload.id, upload.object), &received(FileType::Avatar, 500))
    };
    assert!(matches!(picture(), Err(TenancyError::QuotaExceeded)));
    keeping.delete(&caller, last.id).unwrap();
    let first = picture().unwrap();
    let second = picture().unwrap();
    assert_eq!(found(world, &marc.scope(), first.id), None);
    assert_eq!(found(world, &marc.scope(), second.id).unwrap().kind, FileType::Avatar);
}

/// So many uploads go on at once and no more; what was given up makes room again.
pub fn uploads_are_bounded(world: &World) {
    let cast = Cast::new(world);
    let rules = FileRules { most_uploads: 2, ..FileRules::default() };
    let (keeping, caller) = (keeping(world, rules), self::caller(&cast.employee.0));
    let begun = [(); 2].map(|()| keeping.begin(&caller, None).unwrap());
    assert!(matches!(keeping.begin(&caller, None), Err(TenancyError::QuotaExceeded)));
    keeping.abandon(&caller, begun[0].object).unwrap();
    keeping.begin(&caller, None).unwrap();
    assert!(keeping.begin(&self::caller(&cast.colleague.0), None).is_ok());
    // An upload that was given up becomes no file any more.
    let late = keeping.finish(&caller, (begun[0].id, begun[0].object), &received(FileType::Document, 1));
    assert!(is_refused(&late), "{late:?}");
    assert_eq!(found(world, &cast.employee.0.scope(), begun[0].id), None);
}
