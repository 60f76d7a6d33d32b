//! The contract of `Practitioners`.
use huntzen_booking::{
    BookingError,
    availability::ConsultationType,
    ids::PractitionerId,
    practitioner::{DirectoryFilter, DirectoryOrder, Practitioner, Profession},
};
use huntzen_tenancy::{Job, Origin, Page, PageRequest, Scope, StoreError, policy::Role};
use jiff::SignedDuration;

use super::{at_once, booking_undone, is_booking_refused};
use crate::{
    cast::{Cast, Person, account, added, listed, new_practitioner, operator},
    world::World,
};

const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

fn found(world: &World, scope: &Scope, id: PractitionerId) -> Option<Practitioner> {
    world.booking.run(scope, |tx| Ok(tx.practitioner(id)?)).unwrap()
}

fn change(world: &World, by: &Person, entry: &Practitioner) -> Result<(), BookingError> {
    world.booking.run(&by.scope(), |tx| tx.update_practitioner(entry))
}

fn first_names(page: Page<Practitioner>) -> (Vec<String>, u64) {
    (page.items.into_iter().map(|entry| entry.first_name).collect(), page.total)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What was added is found by id and by account, field by field; nobody is None.
pub fn an_added_practitioner_is_found(world: &World) {
    let cast = Cast::new(world);
    let (person, entry) = &cast.practitioner;
    let ways = world
        .booking
        .run(&person.scope(), |tx| {
            Ok([tx.practitioner(entry.id)?, tx.practitioner_for_update(entry.id)?, tx.practitioner_of(person.id())?])
        })
        .unwrap();
    for way in ways {
        assert_eq!(way.as_ref(), Some(entry));
    }
    assert_eq!(found(world, &person.scope(), PractitionerId(world.randomness.uuid_v4())), None);
    let nobody = world.booking.run(&person.scope(), |tx| Ok(tx.practitioner_of(cast.hr.id())?)).unwrap();
    assert_eq!(nobody, None);
}

/// Everything but id, account, creation and ratings can change; the account's names follow.
pub fn a_practitioner_changes(world: &World) {
    let cast = Cast::new(world);
    let (person, before) = &cast.practitioner;
    world.clock.advance(SignedDuration::from_hours(1));
    let mut asked = new_practitioner(world, &cast.other_practitioner.0.user, "Anne-Sophie");
    asked.id = before.id;
    asked.last_name = "Lefèvre".to_owned();
    asked.title = None;
    asked.profession = Profession::Coach;
    asked.registration_number = None;
    asked.specialties = Vec::new();
    asked.languages = vec!["de".to_owned()];
    asked.bio = Some("Bonjour.".to_owned());
    asked.years_of_experience = None;
    (asked.offers_video, asked.offers_audio, asked.offers_phone, asked.offers_chat) = (false, false, true, false);
    asked.accepting_new_clients = false;
    asked.timezone = "Europe/Berlin".to_owned();
    asked.documents_verified = false;
    asked.rating_sum = 500;
    asked.review_count = 100;
    change(world, &cast.administrator, &asked).unwrap();
    let expected = Practitioner {
        user: before.user,
        created_at: before.created_at,
        rating_sum: 0,
        review_count: 0,
        avatar: None,
        ..asked.clone()
    };
    assert_eq!(found(world, &person.scope(), before.id), Some(expected));
    let user = world.booking.run(&person.scope(), |tx| Ok(tx.user(person.id())?)).unwrap().unwrap();
    assert_eq!((user.first_name, user.last_name), (asked.first_name, asked.last_name));
    assert_eq!(user.updated_at, asked.updated_at);
}

/// Each changes its own entry, administrators all, nobody else any.
pub fn nobody_changes_anothers_entry(world: &World) {
    let cast = Cast::new(world);
    let entry = &cast.practitioner.1;
    change(world, &cast.practitioner.0, entry).unwrap();
    for person in [&cast.other_practitioner.0, &cast.employee.0, &cast.hr, &cast.operator] {
        let refused = change(world, person, entry);
        assert!(matches!(refused, Err(BookingError::NotFound)), "{}: {refused:?}", person.user.role);
    }
    let absent = Practitioner { id: PractitionerId(world.randomness.uuid_v4()), ..entry.clone() };
    assert!(matches!(change(world, &cast.administrator, &absent), Err(BookingError::NotFound)));
    let user = added(world, &cast.administrator, "new@huntzen.example", Role::Practitioner, None).user;
    let entry = new_practitioner(world, &user, "Nouvelle");
    for person in [&cast.other_practitioner.0, &cast.employee.0, &cast.hr, &cast.operator] {
        let refused = world.booking.run(&person.scope(), |tx| tx.add_practitioner(&entry));
        assert!(is_booking_refused(&refused), "{}: {refused:?}", person.user.role);
    }
}

/// A failed unit of work leaves no practitioner, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_practitioner(world: &World) {
    let operator = operator(world);
    let administrator = added(world, &operator, "admin@huntzen.example", Role::AdminHuntzen, None);
    let user = account(world, "new@huntzen.example", Role::Practitioner, None);
    let entry = new_practitioner(world, &user, "Nouvelle");
    booking_undone(world, &administrator, entry.id, |tx| {
        tx.add_user(&user)?;
        tx.add_practitioner(&entry)
    });
    assert_eq!(found(world, &administrator.scope(), entry.id), None);
}

/// Everybody sees public entries; others are seen by administrators, themselves and employees,
/// and stand in no directory.
pub fn entries_that_are_not_public_are_seen_by_few(world: &World) {
    let cast = Cast::new(world);
    let hidden = listed(world, &cast.administrator, "new@huntzen.example", "Nouvelle", |entry| {
        entry.is_validated = false;
        entry.validated_at = None;
    });
    let suspended = listed(world, &cast.administrator, "old@huntzen.example", "Ancienne", |entry| {
        entry.suspended_at = Some(entry.created_at);
    });
    let public = &cast.practitioner.1;
    let everyone = [hidden.1.id, suspended.1.id, public.id];
    for (scope, sees) in [
        (cast.administrator.scope(), true),
        (cast.employee.0.scope(), true),
        (cast.stranger.0.scope(), true),
        (cast.other_practitioner.0.scope(), false),
        (cast.hr.scope(), false),
        (cast.operator.scope(), false),
        (Scope::anonymous(Origin::default()), false),
        (Scope::worker(Job::Reminders), false),
    ] {
        assert_eq!(found(world, &scope, hidden.1.id).is_some(), sees, "{scope:?}");
        assert_eq!(found(world, &scope, suspended.1.id).is_some(), sees, "{scope:?}");
        assert_eq!(found(world, &scope, public.id).as_ref(), Some(public), "{scope:?}");
        let (directory, by_id) = world
            .booking
            .run(&scope, |tx| {
                let page = tx.directory(&DirectoryFilter::default(), DirectoryOrder::Name, ALL)?;
                Ok((page, tx.public_practitioners(&everyone)?))
            })
            .unwrap();
        assert_eq!(first_names(directory), (names(&["Paul", "Sophie"]), 2), "{scope:?}");
        assert_eq!(by_id, std::slice::from_ref(public), "{scope:?}");
    }
    assert!(found(world, &hidden.0.scope(), hidden.1.id).is_some());
    assert!(found(world, &hidden.0.scope(), suspended.1.id).is_none());
    let none = world.booking.run(&cast.employee.0.scope(), |tx| Ok(tx.public_practitioners(&[])?)).unwrap();
    assert_eq!(none, []);
}

/// Administrators page through all entries, or through those never validated.
pub fn administrators_page_through_all(world: &World) {
    let cast = Cast::new(world);
    listed(world, &cast.administrator, "zoe@huntzen.example", "Zoé", |entry| {
        entry.last_name = "Adam".to_owned();
        entry.is_validated = false;
        entry.validated_at = None;
    });
    listed(world, &cast.administrator, "luc@huntzen.example", "Luc", |entry| {
        entry.suspended_at = Some(entry.created_at);
    });
    let list = |pending, page| {
        let request = PageRequest { page, per_page: 3 };
        let page = world.booking.run(&cast.administrator.scope(), |tx| Ok(tx.practitioners(pending, request)?));
        first_names(page.unwrap())
    };
    assert_eq!(list(false, 1), (names(&["Zoé", "Luc", "Paul"]), 4));
    assert_eq!(list(false, 2), (names(&["Sophie"]), 4));
    assert_eq!(list(true, 1), (names(&["Zoé"]), 1));
    assert_eq!(list(true, 2), (names(&[]), 1));
}

/// The directory filters by specialty, language, profession, types, acceptance and text.
pub fn the_directory_is_filtered(world: &World) {
    let cast = Cast::new(world);
    listed(world, &cast.administrator, "eva@huntzen.example", "Éva", |entry| {
        entry.last_name = "Óbrien".to_owned();
        entry.title = Some("Professeure".to_owned());
        entry.profession = Profession::Coach;
        entry.specialties = vec!["Épuisement".to_owned()];
        entry.languages = vec!["de-CH".to_owned(), "en".to_owned()];
        entry.offers_phone = true;
        entry.offers_chat = false;
        entry.accepting_new_clients = false;
    });
    let find = |filter: DirectoryFilter| {
        let page =
            world.booking.run(&cast.employee.0.scope(), |tx| Ok(tx.directory(&filter, DirectoryOrder::Name, ALL)?));
        first_names(page.unwrap()).0
    };
    let by = DirectoryFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(find(by()), names(&["Paul", "Sophie", "Éva"]));
    assert_eq!(find(DirectoryFilter { specialty: text("EPUISEMENT"), ..by() }), names(&["Éva"]));
    assert_eq!(find(DirectoryFilter { specialty: text("puise"), ..by() }), names(&[]));
    assert_eq!(find(DirectoryFilter { language: text("en"), ..by() }), names(&["Paul", "Sophie", "Éva"]));
    assert_eq!(find(DirectoryFilter { language: text("en-GB"), ..by() }), names(&["Paul", "Sophie"]));
    assert_eq!(find(DirectoryFilter { language: text("DE"), ..by() }), names(&["Éva"]));
    assert_eq!(find(DirectoryFilter { language: text("d"), ..by() }), names(&[]));
    assert_eq!(find(DirectoryFilter { profession: Some(Profession::Coach), ..by() }), names(&["Éva"]));
    let offers = |offers: &[ConsultationType]| find(DirectoryFilter { offers: offers.to_vec(), ..by() });
    assert_eq!(offers(&[ConsultationType::Video, ConsultationType::Phone]), names(&["Éva"]));
    assert_eq!(offers(&[ConsultationType::Chat]), names(&["Paul", "Sophie"]));
    assert_eq!(offers(&[ConsultationType::Chat, ConsultationType::Phone]), names(&[]));
    assert_eq!(find(DirectoryFilter { accepting_new_clients: Some(false), ..by() }), names(&["Éva"]));
    assert_eq!(find(DirectoryFilter { accepting_new_clients: Some(true), ..by() }), names(&["Paul", "Sophie"]));
    assert_eq!(find(DirectoryFilter { text: text("obrien"), ..by() }), names(&["Éva"]));
    assert_eq!(find(DirectoryFilter { text: text("professeure"), ..by() }), names(&["Éva"]));
    assert_eq!(find(DirectoryFilter { text: text("SOMMEIL"), ..by() }), names(&["Paul", "Sophie"]));
    assert_eq!(
        find(DirectoryFilter {
            text: text("%"),
            accepting_new_clients: Some(false),
            profession: Some(Profession::Psychiatrist),
            ..by()
        }),
        names(&[])
    );
}

/// The directory is by name or by experience, the silent last, ties by id, in pages.
pub fn the_directory_is_ordered(world: &World) {
    let cast = Cast::new(world);
    let by_years = |address: &str, name: &str, years| {
        listed(world, &cast.administrator, address, name, |entry| entry.years_of_experience = years).1
    };
    by_years("a@huntzen.example", "Muette", None);
    by_years("b@huntzen.example", "Ancienne", Some(40));
    let twins = [by_years("c@huntzen.example", "Jumelle", Some(3)), by_years("d@huntzen.example", "Jumelle", Some(3))];
    let list = |order, page, per_page| {
        let request = PageRequest { page, per_page };
        let scope = Scope::anonymous(Origin::default());
        world.booking.run(&scope, |tx| Ok(tx.directory(&DirectoryFilter::default(), order, request)?)).unwrap()
    };
    let by_name = list(DirectoryOrder::Name, 1, 10);
    let mut twin_ids: Vec<_> = twins.iter().map(|twin| twin.id).collect();
    twin_ids.sort_unstable();
    let ids = |page: &Page<Practitioner>, name: &str| {
        page.items.iter().filter(|one| one.first_name == name).map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&by_name, "Jumelle"), twin_ids);
    assert_eq!(first_names(by_name), (names(&["Ancienne", "Jumelle", "Jumelle", "Muette", "Paul", "Sophie"]), 6));
    let mut equals = [(cast.practitioner.1.id, "Sophie"), (cast.other_practitioner.1.id, "Paul")];
    equals.sort_unstable();
    let expected = ["Ancienne", equals[0].1, equals[1].1, "Jumelle", "Jumelle", "Muette"];
    let by_experience = list(DirectoryOrder::Experience, 1, 10);
    assert_eq!(ids(&by_experience, "Jumelle"), twin_ids);
    assert_eq!(first_names(by_experience), (names(&expected), 6));
    assert_eq!(first_names(list(DirectoryOrder::Experience, 2, 4)), (names(&["Jumelle", "Muette"]), 6));
}

/// Of many entries of one account at once, exactly one is made.
pub fn of_many_at_once_one_entry_is_made(world: &World) {
    let cast = Cast::new(world);
    let user = added(world, &cast.administrator, "race@huntzen.example", Role::Practitioner, None).user;
    let outcomes = at_once(6, |_| {
        let entry = new_practitioner(world, &user, "Course");
        world.booking.run(&cast.administrator.scope(), |tx| tx.add_practitioner(&entry))
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refusal = |outcome: &Result<(), BookingError>| match outcome {
        Err(BookingError::Store(StoreError::Refused(rule))) => rule == "practitioners_user_id_key",
        other => other.is_ok(),
    };
    assert!(outcomes.iter().all(refusal), "{outcomes:?}");
}

/// An entry that is held while it is changed loses no change of anybody's.
pub fn a_held_practitioner_loses_no_change(world: &World) {
    let cast = Cast::new(world);
    let id = cast.practitioner.1.id;
    at_once(6, |_| {
        let change = world.booking.run(&cast.administrator.scope(), |tx| {
            let mut entry = tx.practitioner_for_update(id)?.unwrap();
            entry.years_of_experience = entry.years_of_experience.map(|years| years + 1);
            tx.update_practitioner(&entry)
        });
        change.unwrap();
    });
    assert_eq!(found(world, &cast.administrator.scope(), id).unwrap().years_of_experience, Some(18));
}
