//! The contracts of `DeletionRequests` and `Erasures`.
use huntzen_booking::{BookingError, consultation::ConsultationStatus, ids::ReviewId, review::ReviewStatus};
use huntzen_clinical::{
    ClinicalError,
    conversation::{ConversationRules, MessageRange, MessageWriter},
};
use huntzen_tenancy::{
    Job, Origin, PageRequest, Scope, StoreError, TenancyError, TenancyTx,
    backups::PendingErasure,
    clock::Clock,
    employee::{Employee, EmployeeFilter},
    erasure::{DeletionRequest, DeletionStatus, Erased, GRACE},
    files::FileType,
    identity::OneTimePurpose,
    notifications::{NotificationFilter, NotificationType},
    own_data::OwnPart,
    policy::Role,
    preferences::{Alias, PreferenceSet, QuietHours},
    sealing::KeySubject,
};
use jiff::{
    SignedDuration,
    civil::{date, time},
};
use uuid::Uuid;

use super::{
    at_once,
    conversations::{said, write},
    files,
    invitations::invited,
    is_refused, journal, letters, notes,
    notifications::notified,
    preferences, releases,
    reviews::new_review,
    second_factors,
    sessions::signed_in,
    timetables,
    tokens::mailed,
    undone,
};
use crate::{
    appointments::{booked, carried_out, found, sealed},
    cast::{Cast, Person, added},
    clock::at,
    world::World,
};

const PAGE: PageRequest = PageRequest { page: 1, per_page: 100 };

/// A request that nobody has made yet.
pub fn unasked(world: &World, who: &Person) -> DeletionRequest {
    let now = world.clock.now();
    DeletionRequest {
        id: world.randomness.uuid_v7(now),
        user: who.id(),
        status: DeletionStatus::Pending,
        reason: Some(sealed("Je pars.")),
        created_at: now,
        deletion_date: now + GRACE,
        cancelled_at: None,
        erased: None,
    }
}

/// Has somebody ask to be erased.
///
/// # Errors
/// Those of the store.
pub fn ask(world: &World, by: &Person, request: &DeletionRequest) -> Result<(), TenancyError> {
    world.tenancy.run(&by.scope(), |tx| tx.add_deletion_request(request))
}

/// The request of somebody who has asked to be erased.
pub fn asked(world: &World, who: &Person) -> DeletionRequest {
    let request = unasked(world, who);
    ask(world, who, &request).unwrap();
    request
}

fn pending(world: &World, scope: &Scope, of: &Person) -> Option<DeletionRequest> {
    world.tenancy.run(scope, |tx| Ok(tx.pending_deletion(of.id())?)).unwrap()
}

fn all(world: &World, scope: &Scope, of: &Person) -> Vec<DeletionRequest> {
    world.tenancy.run(scope, |tx| Ok(tx.deletion_requests(of.id())?)).unwrap()
}

fn cancel(world: &World, scope: &Scope, id: Uuid) -> bool {
    let now = world.clock.now();
    world.tenancy.run(scope, |tx| Ok(tx.cancel_deletion(id, now)?)).unwrap()
}

fn job() -> Scope {
    Scope::worker(Job::Erasure)
}

fn due(world: &World) -> Option<Uuid> {
    let now = world.clock.now();
    world.tenancy.run(&job(), |tx| Ok(tx.take_due_erasure(now, &[])?)).unwrap().map(|due| due.request)
}

fn erased_now(world: &World) -> Erased {
    Erased { at: world.clock.now(), certificate: world.randomness.uuid_v4(), keys_gone_on: date(2027, 3, 5) }
}

fn erase(world: &World, scope: &Scope, request: Uuid) -> bool {
    let erased = erased_now(world);
    world.tenancy.run(scope, |tx| Ok(tx.erase_person(request, &erased)?)).unwrap()
}

/// A request is found once it is made, newest first; taken back, it is pending no more.
pub fn a_request_is_found_and_taken_back(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    assert_eq!((pending(world, &marc.scope(), marc), all(world, &marc.scope(), marc)), (None, Vec::new()));
    let first = asked(world, marc);
    assert_eq!(pending(world, &marc.scope(), marc), Some(first.clone()));
    world.clock.advance(SignedDuration::from_hours(1));
    assert!(cancel(world, &marc.scope(), first.id));
    assert!(!cancel(world, &marc.scope(), first.id), "it is taken back once");
    assert_eq!(pending(world, &marc.scope(), marc), None);
    let cancelled_at = Some(world.clock.now());
    let taken_back = DeletionRequest { status: DeletionStatus::Cancelled, cancelled_at, ..first };
    let second = asked(world, marc);
    assert_eq!(all(world, &marc.scope(), marc), [second, taken_back]);
}

/// Of many requests at once, one is pending.
pub fn of_many_at_once_one_is_pending(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let outcomes = at_once(8, |_| ask(world, marc, &unasked(world, marc)));
    let refused = |outcome: &Result<(), TenancyError>| matches!(outcome, Err(TenancyError::DeletionPending));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| refused(outcome)).count(), 7, "{outcomes:?}");
    assert_eq!(all(world, &marc.scope(), marc).len(), 1);
}

/// Nobody sees another's request, makes one for them or takes it back.
pub fn requests_are_ones_own_alone(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let request = asked(world, marc);
    for other in [&cast.colleague.0, &cast.hr, &cast.stranger.0, &cast.administrator, &cast.operator] {
        let scope = other.scope();
        assert_eq!((pending(world, &scope, marc), all(world, &scope, marc)), (None, Vec::new()));
        assert!(!cancel(world, &scope, request.id));
        assert!(is_refused(&ask(world, other, &unasked(world, &cast.practitioner.0))));
    }
    assert_eq!(pending(world, &job(), marc), None, "the job takes what is due");
    assert_eq!(pending(world, &marc.scope(), marc), Some(request));
}

/// A failed unit of work leaves no request.
pub fn a_failed_unit_of_work_leaves_no_request(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let request = unasked(world, marc);
    undone(world, marc, marc.id(), |tx| tx.add_deletion_request(&request));
    assert_eq!(all(world, &marc.scope(), marc), []);
}

/// Between the asking and the day lie thirty days, whatever the program says.
pub fn nobody_is_due_before_thirty_days(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    let request = unasked(world, marc);
    let hasty = DeletionRequest { deletion_date: request.deletion_date - SignedDuration::from_secs(1), ..request };
    assert!(is_refused(&ask(world, marc, &hasty)));
    assert_eq!(pending(world, &marc.scope(), marc), None);
}

/// Nobody is due before the day, nor after a request was taken back; then the oldest is.
pub fn the_oldest_request_is_due_on_its_day(world: &World) {
    let cast = Cast::new(world);
    let first = asked(world, &cast.colleague.0);
    world.clock.advance(SignedDuration::from_secs(1));
    let second = asked(world, &cast.employee.0);
    let other = asked(world, &cast.hr);
    assert!(cancel(world, &cast.hr.scope(), other.id));
    world.clock.set(first.deletion_date - SignedDuration::from_secs(1));
    assert_eq!(due(world), None);
    assert!(!erase(world, &job(), first.id), "not before its day, whoever asks for it");
    world.clock.set(second.deletion_date);
    assert_eq!(due(world), Some(first.id));
    for scope in [cast.colleague.0.scope(), cast.operator.scope(), Scope::worker(Job::Outbox)] {
        let now = world.clock.now();
        assert_eq!(world.tenancy.run(&scope, |tx| Ok(tx.take_due_erasure(now, &[])?)).unwrap(), None);
        assert!(!erase(world, &scope, first.id), "{scope:?}");
    }
    assert!(erase(world, &job(), first.id));
    assert_eq!(due(world), Some(second.id));
    assert!(!erase(world, &job(), other.id), "what was taken back is not due");
}

/// Who has a consultation ahead, or is in one, waits; what lies ahead of them is found.
pub fn who_is_expected_waits(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let request = asked(world, marc);
    world.clock.advance(SignedDuration::from_secs(1));
    let of_sophie = asked(world, sophie);
    let ahead = booked(world, &cast.employee, &cast.practitioner, "2027-02-10T09:00:00Z");
    let other = booked(world, &cast.colleague, &cast.other_practitioner, "2027-02-10T09:00:00Z");
    let departing = |now: &str, limit| {
        let found = world.booking.run(&job(), |tx| Ok(tx.of_departing(at(now), limit)?)).unwrap();
        found.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(departing("2027-02-01T00:00:00Z", 10), [], "nobody is due");
    world.clock.set(request.deletion_date);
    assert_eq!(due(world), None);
    assert_eq!(departing("2027-02-05T00:00:00Z", 10), [ahead.id]);
    assert_eq!(departing("2027-02-11T00:00:00Z", 10), [], "it no longer lies ahead");
    let mut called_off = found(world, &job(), ahead.id).unwrap();
    called_off.status = ConsultationStatus::Cancelled;
    called_off.cancelled_at = Some(world.clock.now());
    world.booking.run(&job(), |tx| tx.update_consultation(&called_off, None)).unwrap();
    assert_eq!(due(world), Some(request.id));
    assert!(erase(world, &job(), request.id));
    world.clock.set(of_sophie.deletion_date);
    assert!(erase(world, &job(), of_sophie.id));
    assert_eq!(due(world), None);
    assert!(found(world, &cast.colleague.0.scope(), other.id).unwrap().is_live());
}

/// The last operator is not erased until there is another.
pub fn the_last_operator_waits(world: &World) {
    let cast = Cast::new(world);
    let others = |who: &Person| world.tenancy.run(&who.scope(), |tx| Ok(tx.has_other_operator(who.id())?)).unwrap();
    assert!(!others(&cast.operator));
    let request = asked(world, &cast.operator);
    world.clock.set(request.deletion_date);
    assert_eq!(due(world), None);
    let mut second = added(world, &cast.operator, "second@huntzen.example", Role::SuperAdmin, None);
    assert!(!others(&cast.operator), "who was only invited operates nothing");
    second.user.is_active = true;
    world.tenancy.run(&cast.operator.scope(), |tx| tx.update_user(&second.user)).unwrap();
    assert!(others(&cast.operator));
    assert_eq!(due(world), Some(request.id));
}

/// Of many nodes at once, exactly one erases; the next time there is nothing to do.
pub fn of_many_nodes_one_erases(world: &World) {
    let cast = Cast::new(world);
    let request = asked(world, &cast.employee.0);
    world.clock.set(request.deletion_date);
    let outcomes = at_once(4, |_| {
        let erased = erased_now(world);
        let erase = world.tenancy.run(&job(), |tx| {
            let Some(due) = tx.take_due_erasure(erased.at, &[])? else { return Ok(false) };
            Ok(tx.erase_person(due.request, &erased)?)
        });
        erase.unwrap()
    });
    assert_eq!(outcomes.into_iter().filter(|done| *done).count(), 1);
    assert!(!erase(world, &job(), request.id));
}

/// Everything that an employee can leave behind.
fn lived_in(
    world: &World,
    cast: &Cast,
) -> (huntzen_booking::consultation::Consultation, huntzen_clinical::ids::NoteId, ReviewId) {
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let past = booked(world, &cast.employee, &cast.practitioner, "2027-01-04T09:00:00Z");
    let past = carried_out(world, sophie, past, "2027-01-04T09:00:00Z", "2027-01-04T09:45:00Z");
    let review = new_review(world, &past, 5);
    world.booking.run(&marc.scope(), |tx| tx.add_review(&review)).unwrap();
    let publish = world.booking.run(&cast.administrator.scope(), |tx| {
        Ok(tx.moderate(review.id, (ReviewStatus::Published, Some("Bien.")), at("2027-01-05T00:00:00Z"))?)
    });
    assert!(publish.unwrap());
    assert!(write(world, &[said(marc, past.id.0.into(), "Bonjour.")]).iter().all(Result::is_ok));
    let note = notes::unwritten(world, cast, past.id.0.into(), "Insomnie.");
    notes::add(world, sophie, &note).unwrap();
    journal::add(world, marc, &journal::unwritten(world, marc, "Nuit blanche.")).unwrap();
    signed_in(world, marc);
    second_factors::set(world, &marc.scope(), marc, &["un"]).unwrap();
    mailed(world, marc, OneTimePurpose::ResetPassword);
    invited(world, &cast.hr, marc);
    notified(world, marc, NotificationType::AccountSecurity);
    let chosen = PreferenceSet {
        language: "fr".to_owned(),
        alias: Alias::parse("Le renard"),
        share_usage_with_employer: true,
        quiet_hours: QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0), "Europe/Paris"),
    };
    preferences::decide(world, &marc.scope(), marc, &chosen).unwrap();
    files::sent(world, marc, FileType::Document);
    files::sent(world, marc, FileType::Avatar);
    files::begun(world, marc);
    files::sent(world, sophie, FileType::Certificate);
    for who in [marc, sophie] {
        files::add(world, &who.scope(), &files::attached(world, who, &past)).unwrap();
    }
    releases::released(world, cast, "2027-01", &[&cast.employee]);
    let letter = letters::letter(world, marc.id());
    let files_key = world.vault.generate(world.randomness.uuid_v4(), KeySubject::Files(sophie.id())).unwrap();
    world.tenancy.run(&sophie.scope(), |tx| Ok(tx.add_data_keys(&[files_key])?)).unwrap();
    for subject in [
        KeySubject::Person(marc.id()),
        KeySubject::Files(marc.id()),
        KeySubject::Letter(letter.id),
        KeySubject::Review(review.id.0),
    ] {
        let key = world.vault.generate(world.randomness.uuid_v4(), subject).unwrap();
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.add_data_keys(&[key])?)).unwrap();
    }
    let notes_key = KeySubject::Notes { author: sophie.id(), patient: marc.id() };
    let key = world.vault.generate(world.randomness.uuid_v4(), notes_key).unwrap();
    world.tenancy.run(&sophie.scope(), |tx| Ok(tx.add_data_keys(&[key])?)).unwrap();
    world.tenancy.run(&marc.scope(), |tx| Ok(tx.enqueue(&letter)?)).unwrap();
    (past, note.id, review.id)
}

/// Nothing of an erased employee is left but what is billed and what the practitioner noted.
pub fn an_employee_is_forgotten(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    let (past, note, review) = lived_in(world, &cast);
    let before = found(world, &sophie.scope(), past.id).unwrap();
    let request = asked(world, marc);
    world.clock.set(request.deletion_date);
    assert!(erase(world, &job(), request.id));

    let account = world.tenancy.run(&marc.scope(), |tx| Ok(tx.user(marc.id())?)).unwrap().unwrap();
    assert_eq!((account.first_name.as_str(), account.last_name.as_str()), ("Utilisateur", "supprimé"));
    assert_eq!(account.email.as_str(), format!("deleted-{}@huntzen.care", marc.id()));
    assert!(!account.is_active && account.password.is_none() && account.last_login_at.is_none());
    assert_eq!(account.company, Some(cast.company.id));
    for part in <OwnPart as huntzen_tenancy::words::Words>::ALL {
        let kept = matches!(part, OwnPart::Employment | OwnPart::Events | OwnPart::Activity);
        let own = world.tenancy.run(&marc.scope(), |tx| Ok(tx.own_records(*part, None, 10)?)).unwrap();
        assert_eq!(own.items.is_empty(), !kept, "{part}: {own:?}");
    }
    let own = [KeySubject::Person(marc.id()), KeySubject::Files(marc.id())];
    let subjects = [own[0], own[1], KeySubject::Consultation(past.id.0)];
    assert_eq!(world.tenancy.run(&marc.scope(), |tx| Ok(tx.data_keys(&subjects)?)).unwrap(), []);
    for subject in own {
        let again = world.vault.generate(world.randomness.uuid_v4(), subject).unwrap();
        let added = world.tenancy.run(&marc.scope(), |tx| Ok(tx.add_data_keys(std::slice::from_ref(&again))?));
        assert!(is_refused(&added), "a session that is still known somewhere writes nothing: {added:?}");
    }
    assert_eq!(files::removals(world).len(), 5, "two documents, two attachments, one upload");
    let certificates =
        world.tenancy.run(&sophie.scope(), |tx| Ok(tx.file_usage(sophie.id(), at("2027-01-01T00:00:00Z"))?));
    assert_eq!(certificates.unwrap().files, 1, "what the practitioner sent to him is gone, the rest is not his");
    assert_eq!(account.avatar, None);
    let left = world.clinical.run(&marc.scope(), |tx| {
        let entries = tx.entries(huntzen_clinical::journal::Written::default(), None, 10)?;
        Ok((entries.items.len(), tx.messages(past.id.0.into(), MessageRange::Last, 10)?.len()))
    });
    assert_eq!(left.unwrap(), (0, 0));
    let kept =
        world.tenancy.run(&marc.scope(), |tx| Ok((tx.preferences(marc.id())?, tx.deletion_requests(marc.id())?)));
    let (chosen, requests) = kept.unwrap();
    let nothing =
        PreferenceSet { language: "fr".to_owned(), alias: None, share_usage_with_employer: false, quiet_hours: None };
    assert_eq!(chosen, Some(nothing));
    assert_eq!((requests[0].status, &requests[0].reason), (DeletionStatus::Completed, &None));

    // What is billed stays, without a word; so does the practitioner's note, with its key.
    let after = found(world, &sophie.scope(), past.id).unwrap();
    assert_eq!((after.status, after.duration_seconds, after.reason), (before.status, before.duration_seconds, None));
    let noted = world.clinical.run(&sophie.scope(), |tx| Ok(tx.note(note, false)?)).unwrap();
    assert!(noted.is_some());
    let notes_key = KeySubject::Notes { author: sophie.id(), patient: marc.id() };
    assert_eq!(world.tenancy.run(&sophie.scope(), |tx| Ok(tx.data_keys(&[notes_key])?)).unwrap().len(), 1);
    let view = world.booking.run(&sophie.scope(), |tx| Ok(tx.consultation_view(past.id)?)).unwrap().unwrap();
    assert_eq!(view.names.employee, Some(("Utilisateur".to_owned(), "supprimé".to_owned())));
    let shown = world
        .booking
        .run(&Scope::anonymous(Origin::default()), |tx| Ok(tx.published_reviews(cast.practitioner.1.id, 10)?));
    let shown: Vec<_> = shown.unwrap().into_iter().map(|review| (review.rating, review.comment)).collect();
    assert_eq!(shown, [(5, None)], "the rating counts on, the words are gone");
    // A moderator who read the words before does not bring them back.
    let (status, now) = ((ReviewStatus::Published, Some("Bien.")), world.clock.now());
    let moderated = world.booking.run(&cast.administrator.scope(), |tx| Ok(tx.moderate(review, status, now)?));
    assert!(moderated.unwrap());
    let shown = world
        .booking
        .run(&Scope::anonymous(Origin::default()), |tx| Ok(tx.published_reviews(cast.practitioner.1.id, 10)?));
    assert_eq!(shown.unwrap()[0].comment, None);

    // A conversation with nobody does not begin again.
    let rules = ConversationRules { closes_after: SignedDuration::from_hours(24 * 365), ..Default::default() };
    let again = MessageWriter::new(world.clinical_ports(), rules)
        .write(&[said(sophie, past.id.0.into(), "Allô ?")], &|_, _| false);
    assert!(again.iter().all(Result::is_err), "{again:?}");
}

/// HR finds nobody where an erased employee was, and lists the address anew; the colleague stays.
pub fn the_company_never_learns(world: &World) {
    let cast = Cast::new(world);
    let (marc, entry) = (&cast.employee.0, &cast.employee.1);
    let request = asked(world, marc);
    world.clock.set(request.deletion_date);
    assert!(erase(world, &job(), request.id));
    let hr = cast.hr.scope();
    let listed = world.tenancy.run(&hr, |tx| Ok(tx.employees(cast.company.id, &EmployeeFilter::default(), PAGE)?));
    let listed = listed.unwrap();
    let names: Vec<_> = listed.items.iter().map(|one| one.first_name.as_str()).collect();
    assert_eq!((listed.total, names), (1, vec!["Claire"]));
    let seen = world.tenancy.run(&hr, |tx| Ok((tx.employee(entry.id)?, tx.employee_for_update(entry.id)?))).unwrap();
    assert_eq!(seen, (None, None));
    let renamed = world.tenancy.run(&hr, |tx| tx.update_employee(entry));
    assert!(matches!(renamed, Err(TenancyError::NotFound)), "{renamed:?}");
    let by_address = world.tenancy.run(&hr, |tx| Ok(tx.employee_by_email(cast.company.id, &entry.email)?)).unwrap();
    assert_eq!(by_address, None);
    // The address is free: whoever has it is another person now.
    let (again, _) = crate::cast::employee(world, &cast.hr, entry.email.as_str(), "Marc");
    assert_ne!(again.id(), marc.id());
    let own = world.tenancy.run(&cast.colleague.0.scope(), |tx| Ok(tx.employee_of(cast.colleague.0.id())?));
    assert_eq!(own.unwrap().unwrap(), cast.colleague.1);
}

/// An erased practitioner has no profile, name or hours; what was said and noted stays.
pub fn a_practitioner_is_forgotten(world: &World) {
    let cast = Cast::new(world);
    let (marc, sophie) = (&cast.employee.0, &cast.practitioner.0);
    timetables::ruled(world, &cast.practitioner, 1, 8);
    let (past, note, _) = lived_in(world, &cast);
    let request = asked(world, sophie);
    world.clock.set(request.deletion_date);
    assert!(erase(world, &job(), request.id));
    let id = cast.practitioner.1.id;
    for scope in [Scope::anonymous(Origin::default()), cast.administrator.scope()] {
        assert_eq!(world.booking.run(&scope, |tx| Ok(tx.practitioner(id)?)).unwrap(), None, "{scope:?}");
    }
    let own = world.booking.run(&sophie.scope(), |tx| Ok(tx.practitioner_of(sophie.id())?)).unwrap().unwrap();
    assert_eq!((own.first_name.as_str(), own.last_name.as_str(), own.title), ("Utilisateur", "supprimé", None));
    assert!(!own.is_validated && own.specialties.is_empty() && own.registration_number.is_none());
    assert_eq!((own.review_count, own.rating_sum), (1, 5));
    assert_eq!(files::removals(world).len(), 1, "the certificate");
    let attachments = world.tenancy.run(&marc.scope(), |tx| Ok(tx.own_records(OwnPart::Files, None, 10)?)).unwrap();
    let sent_by_me: Vec<_> = attachments.items.iter().map(|one| &one.fields["sentByMe"]).collect();
    assert_eq!(sent_by_me.iter().filter(|mine| **mine == &serde_json::Value::Bool(false)).count(), 1);
    let files_key = KeySubject::Files(sophie.id());
    let keys = |wanted| world.tenancy.run(&sophie.scope(), |tx| Ok(tx.data_keys(&[wanted])?)).unwrap().len();
    assert_eq!(keys(files_key), 1, "what was sent to him stays readable");
    let rules = world.booking.run(&sophie.scope(), |tx| Ok(tx.rules_of(sophie.id())?)).unwrap();
    assert_eq!(rules, []);
    let messages = world.clinical.run(&marc.scope(), |tx| Ok(tx.messages(past.id.0.into(), MessageRange::Last, 10)?));
    assert_eq!(messages.unwrap().len(), 1);
    let noted = world.clinical.run(&sophie.scope(), |tx| Ok(tx.note(note, false)?)).unwrap();
    assert!(noted.is_some(), "notes wait for their retention");
    let shared = KeySubject::Consultation(past.id.0);
    assert_eq!(world.tenancy.run(&marc.scope(), |tx| Ok(tx.data_keys(&[shared])?)).unwrap().len(), 1);

    // Until the conversation has been kept for long enough, which takes the last of it along.
    let retention = Scope::worker(Job::Retention);
    let later = world.clock.now() + SignedDuration::from_hours(24 * 365);
    assert_eq!(world.clinical.run(&retention, |tx| Ok(tx.discard_conversations(later, 10)?)).unwrap(), 1);
    assert_eq!((keys(files_key), files::removals(world).len()), (0, 3));
}

/// A failed unit of work erases nobody.
pub fn a_failed_unit_of_work_erases_nobody(world: &World) {
    let cast = Cast::new(world);
    let marc = &cast.employee.0;
    lived_in(world, &cast);
    let request = asked(world, marc);
    world.clock.set(request.deletion_date);
    let erased = erased_now(world);
    let failed: Result<(), _> = world.tenancy.run(&job(), |tx| {
        assert!(tx.erase_person(request.id, &erased)?);
        Err(TenancyError::NotFound)
    });
    assert!(failed.is_err());
    let account = world.tenancy.run(&marc.scope(), |tx| Ok(tx.user(marc.id())?)).unwrap().unwrap();
    assert_eq!(account.email, marc.user.email);
    let inbox =
        world.tenancy.run(&marc.scope(), |tx| Ok(tx.inbox(marc.id(), NotificationFilter::default(), None, 10)?));
    assert!(!inbox.unwrap().items.is_empty());
    assert_eq!(pending(world, &marc.scope(), marc), Some(request));
}

/// A session that another node still knows leaves nothing behind, and nobody writes into what is left.
pub fn nothing_is_written_after_an_erasure(world: &World) {
    let cast = Cast::new(world);
    let (marc, entry) = (&cast.employee.0, &cast.employee.1);
    let (sophie, profile) = (&cast.practitioner.0, &cast.practitioner.1);
    let first = asked(world, marc);
    world.clock.advance(SignedDuration::from_secs(1));
    let second = asked(world, sophie);
    world.clock.set(second.deletion_date);
    assert!(erase(world, &job(), first.id) && erase(world, &job(), second.id));

    let own = |who: &Person, write: &mut dyn FnMut(&mut dyn TenancyTx) -> Result<(), TenancyError>| {
        world.tenancy.run(&who.scope(), |tx| write(tx))
    };
    let renamed = Employee { first_name: "Marc".to_owned(), phone: Some("+33 6".to_owned()), ..entry.clone() };
    assert!(matches!(own(marc, &mut |tx| tx.update_employee(&renamed)), Err(TenancyError::NotFound)));
    for who in [marc, sophie] {
        assert!(matches!(own(who, &mut |tx| tx.update_user(&who.user)), Err(TenancyError::NotFound)));
        let locked = world.tenancy.run(&who.scope(), |tx| Ok(tx.user_for_update(who.id())?)).unwrap();
        assert_eq!(locked, None);
        let chosen = PreferenceSet {
            language: "fr".to_owned(),
            alias: Alias::parse("Le renard"),
            share_usage_with_employer: false,
            quiet_hours: None,
        };
        assert!(is_refused(&preferences::decide(world, &who.scope(), who, &chosen)));
        let picture = files::unsent(world, who, FileType::Avatar);
        assert!(is_refused(&files::add(world, &who.scope(), &picture)));
    }
    let again = world.booking.run(&sophie.scope(), |tx| tx.update_practitioner(profile));
    assert!(matches!(again, Err(BookingError::NotFound)), "{again:?}");
    let added = journal::add(world, marc, &journal::unwritten(world, marc, "Nuit blanche."));
    let is_kept_out = matches!(&added, Err(ClinicalError::Store(StoreError::Refused(_))));
    assert!(is_kept_out, "{added:?}");
}

/// Every pending request is told by its day, to the job and to nobody else.
pub fn who_is_pending_is_told_to_the_job_alone(world: &World) {
    let cast = Cast::new(world);
    let pending = |scope: &Scope| world.tenancy.run(scope, |tx| Ok(tx.pending_erasures()?)).unwrap();
    assert_eq!(pending(&job()), []);
    let later = asked(world, &cast.colleague.0);
    let mut sooner = unasked(world, &cast.employee.0);
    sooner.created_at -= SignedDuration::from_hours(24);
    sooner.deletion_date -= SignedDuration::from_hours(24);
    ask(world, &cast.employee.0, &sooner).unwrap();
    let taken_back = asked(world, &cast.practitioner.0);
    let now = world.clock.now();
    let cancelled = world.tenancy.run(&cast.practitioner.0.scope(), |tx| Ok(tx.cancel_deletion(taken_back.id, now)?));
    assert!(cancelled.unwrap());
    let told = |request: &DeletionRequest| PendingErasure { user: request.user, deletion_date: request.deletion_date };
    assert_eq!(pending(&job()), [told(&sooner), told(&later)]);
    for scope in [cast.employee.0.scope(), cast.operator.scope(), Scope::worker(Job::Backup)] {
        assert_eq!(pending(&scope), [], "{scope:?}");
    }
}

/// Whom it fails for waits behind the others.
pub fn who_is_passed_over_is_not_taken(world: &World) {
    let cast = Cast::new(world);
    let first = asked(world, &cast.employee.0);
    world.clock.advance(SignedDuration::from_secs(1));
    let second = asked(world, &cast.colleague.0);
    world.clock.set(second.deletion_date);
    let taken = |passed_over: &[Uuid]| {
        let now = world.clock.now();
        world.tenancy.run(&job(), |tx| Ok(tx.take_due_erasure(now, passed_over)?)).unwrap().map(|due| due.request)
    };
    assert_eq!(taken(&[]), Some(first.id));
    assert_eq!(taken(&[first.id]), Some(second.id));
    assert_eq!(taken(&[first.id, second.id]), None);
}
