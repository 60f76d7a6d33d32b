//! The contract of `Reviews`.
use huntzen_booking::{
    BookingError,
    consultation::Consultation,
    ids::ReviewId,
    practitioner::{DirectoryFilter, DirectoryOrder, Practitioner},
    review::{NewReview, Review, ReviewStatus},
};
use huntzen_tenancy::{Job, Origin, PageRequest, Scope, clock::Clock, employee::Employee, sealing::Sealed};
use jiff::SignedDuration;

use super::{at_once, booking_undone, is_booking_refused};
use crate::{
    appointments::{booked, sealed},
    cast::{Cast, Person},
    world::World,
};

const SHOWN: &str = "Très à l’écoute.";
const ALL: PageRequest = PageRequest { page: 1, per_page: 100 };

/// A review that nobody has given yet.
pub fn new_review(world: &World, of: &Consultation, rating: u8) -> NewReview {
    let now = world.clock.now();
    NewReview {
        id: ReviewId(world.randomness.uuid_v4()),
        consultation: of.id,
        company: of.company,
        employee_user: of.employee_user.unwrap(),
        practitioner: of.practitioner,
        rating,
        comment: Some(sealed(SHOWN)),
        month: "2027-01".to_owned(),
        created_at: now,
    }
}

fn give(world: &World, by: &Person, review: &NewReview) -> Result<(), BookingError> {
    world.booking.run(&by.scope(), |tx| tx.add_review(review))
}

/// A review of a consultation of its own that starts at `start`.
fn given(world: &World, who: &(Person, Employee), with: &(Person, Practitioner), start: &str, rating: u8) -> NewReview {
    let review = new_review(world, &booked(world, who, with, start), rating);
    give(world, &who.0, &review).unwrap();
    review
}

fn seen_as(review: &NewReview, status: ReviewStatus) -> Review<Sealed> {
    Review {
        id: review.id,
        practitioner: review.practitioner,
        rating: review.rating,
        comment: review.comment.clone(),
        month: review.month.clone(),
        status,
    }
}

fn found(world: &World, scope: &Scope, id: ReviewId) -> Option<Review<Sealed>> {
    world.booking.run(scope, |tx| Ok(tx.review(id)?)).unwrap()
}

fn moderate(world: &World, by: &Person, id: ReviewId, status: ReviewStatus) -> bool {
    let now = world.clock.now();
    world.booking.run(&by.scope(), |tx| Ok(tx.moderate(id, (status, shown(status)), now)?)).unwrap()
}

/// What a moderator shows of a comment.
fn shown(status: ReviewStatus) -> Option<&'static str> {
    (status == ReviewStatus::Published).then_some(SHOWN)
}

fn published(world: &World, scope: &Scope, of: &Practitioner, limit: u32) -> Vec<ReviewId> {
    let reviews = world.booking.run(scope, |tx| Ok(tx.published_reviews(of.id, limit)?)).unwrap();
    assert!(reviews.iter().all(|review| review.status == ReviewStatus::Published));
    assert!(reviews.iter().all(|review| review.comment.as_deref() == Some(SHOWN)));
    reviews.into_iter().map(|review| review.id).collect()
}

fn rating(world: &World, of: &Practitioner) -> (u32, u32) {
    let scope = Scope::anonymous(Origin::default());
    let entry = world.booking.run(&scope, |tx| Ok(tx.practitioner(of.id)?)).unwrap().unwrap();
    (entry.rating_sum, entry.review_count)
}

/// A given review waits, seen by administrators alone, who never see whose it is.
pub fn a_given_review_waits_for_moderation(world: &World) {
    let cast = Cast::new(world);
    let review = given(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z", 4);
    let expected = seen_as(&review, ReviewStatus::Pending);
    for (scope, sees) in [
        (cast.administrator.scope(), true),
        (cast.employee.0.scope(), false),
        (cast.stranger.0.scope(), false),
        (cast.practitioner.0.scope(), false),
        (cast.hr.scope(), false),
        (cast.operator.scope(), false),
        (Scope::anonymous(Origin::default()), false),
        (Scope::worker(Job::Reminders), false),
    ] {
        assert_eq!(found(world, &scope, review.id), sees.then(|| expected.clone()), "{scope:?}");
        let pending = world.booking.run(&scope, |tx| Ok(tx.pending_reviews(ALL)?)).unwrap();
        assert_eq!((pending.items.contains(&expected), pending.total), (sees, u64::from(sees)), "{scope:?}");
        assert_eq!(published(world, &scope, &cast.practitioner.1, 10), [], "{scope:?}");
    }
    assert_eq!(found(world, &cast.administrator.scope(), ReviewId(world.randomness.uuid_v4())), None);
    assert_eq!(rating(world, &cast.practitioner.1), (0, 0));
}

/// A consultation is reviewed once, by its employee, in its company.
pub fn a_consultation_is_reviewed_once(world: &World) {
    let cast = Cast::new(world);
    let review = given(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z", 4);
    let again = NewReview { id: ReviewId(world.randomness.uuid_v4()), ..review.clone() };
    let refused = give(world, &cast.employee.0, &again);
    assert!(matches!(refused, Err(BookingError::AlreadyReviewed)), "{refused:?}");
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-06T14:00:00Z");
    let of_marc = new_review(world, &consultation, 1);
    let elsewhere = NewReview { company: cast.other_company.id, ..of_marc.clone() };
    for (person, review) in [
        (&cast.colleague.0, &of_marc),
        (&cast.stranger.0, &of_marc),
        (&cast.practitioner.0, &of_marc),
        (&cast.hr, &of_marc),
        (&cast.administrator, &of_marc),
        (&cast.employee.0, &elsewhere),
    ] {
        let refused = give(world, person, review);
        assert!(is_booking_refused(&refused), "{}: {refused:?}", person.user.role);
    }
}

/// Publishing shows a review to everybody and counts it; rejecting takes both back.
pub fn moderation_decides_what_is_shown_and_counted(world: &World) {
    let cast = Cast::new(world);
    let sophie = &cast.practitioner.1;
    let first = given(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z", 5);
    let second = given(world, &cast.stranger, &cast.practitioner, "2027-01-06T14:00:00Z", 2);
    let administrator = &cast.administrator;
    assert!(moderate(world, administrator, first.id, ReviewStatus::Published));
    assert!(moderate(world, administrator, second.id, ReviewStatus::Rejected));
    assert_eq!(rating(world, sophie), (5, 1));
    for scope in [cast.colleague.0.scope(), cast.practitioner.0.scope(), Scope::anonymous(Origin::default())] {
        assert_eq!(published(world, &scope, sophie, 10), [first.id], "{scope:?}");
        assert_eq!(found(world, &scope, first.id), Some(seen_as(&first, ReviewStatus::Published)), "{scope:?}");
        assert_eq!(found(world, &scope, second.id), None, "{scope:?}");
    }
    assert!(moderate(world, administrator, first.id, ReviewStatus::Published));
    assert_eq!(rating(world, sophie), (5, 1));
    assert!(moderate(world, administrator, second.id, ReviewStatus::Published));
    assert_eq!(rating(world, sophie), (7, 2));
    assert!(moderate(world, administrator, first.id, ReviewStatus::Rejected));
    assert_eq!(rating(world, sophie), (2, 1));
    assert_eq!(published(world, &cast.stranger.0.scope(), sophie, 10), [second.id]);
    assert_eq!(rating(world, &cast.other_practitioner.1), (0, 0));
    assert!(!moderate(world, administrator, ReviewId(world.randomness.uuid_v4()), ReviewStatus::Published));
}

/// Nobody but administrators moderates.
pub fn nobody_else_moderates(world: &World) {
    let cast = Cast::new(world);
    let review = given(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z", 5);
    for person in [&cast.employee.0, &cast.practitioner.0, &cast.hr, &cast.operator] {
        assert!(!moderate(world, person, review.id, ReviewStatus::Published), "{}", person.user.role);
    }
    assert!(moderate(world, &cast.administrator, review.id, ReviewStatus::Published));
    // Not even what everybody sees.
    for person in [&cast.employee.0, &cast.practitioner.0, &cast.hr, &cast.operator] {
        assert!(!moderate(world, person, review.id, ReviewStatus::Rejected), "{}", person.user.role);
    }
    assert_eq!(rating(world, &cast.practitioner.1), (5, 1));
}

/// Those that wait come oldest first in pages, those that are shown newest first up to a limit.
pub fn reviews_are_listed(world: &World) {
    let cast = Cast::new(world);
    let reviews: Vec<_> = (0..5)
        .map(|number| {
            world.clock.advance(SignedDuration::from_mins(1));
            given(world, &cast.employee, &cast.practitioner, &format!("2027-01-05T{:02}:00:00Z", 10 + number), 4)
        })
        .collect();
    let ids: Vec<_> = reviews.iter().map(|review| review.id).collect();
    let pending = |page| {
        let request = PageRequest { page, per_page: 2 };
        let page = world.booking.run(&cast.administrator.scope(), |tx| Ok(tx.pending_reviews(request)?)).unwrap();
        (page.items.into_iter().map(|review| review.id).collect::<Vec<_>>(), page.total)
    };
    assert_eq!(pending(1), (vec![ids[0], ids[1]], 5));
    assert_eq!(pending(3), (vec![ids[4]], 5));
    for id in &ids {
        assert!(moderate(world, &cast.administrator, *id, ReviewStatus::Published));
    }
    assert_eq!(pending(1), (vec![], 0));
    let anonymous = Scope::anonymous(Origin::default());
    assert_eq!(published(world, &anonymous, &cast.practitioner.1, 3), [ids[4], ids[3], ids[2]]);
    assert_eq!(published(world, &anonymous, &cast.practitioner.1, 10).len(), 5);
    assert_eq!(published(world, &anonymous, &cast.other_practitioner.1, 10), []);
}

/// The directory puts the best average first, and those with too few reviews last, by id.
pub fn the_directory_is_ordered_by_rating(world: &World) {
    let cast = Cast::new(world);
    let third = crate::cast::practitioner(world, &cast.administrator, "eva@huntzen.example", "Éva");
    let fourth = crate::cast::practitioner(world, &cast.administrator, "ana@huntzen.example", "Ana");
    for (day, with, ratings) in [
        (5, &cast.practitioner, &[4, 4, 4, 4, 5][..]),
        (6, &cast.other_practitioner, &[5, 5, 4, 4, 4]),
        (7, &third, &[5, 5, 5, 5]),
    ] {
        for (number, rating) in ratings.iter().enumerate() {
            let start = format!("2027-01-{day:02}T{:02}:00:00Z", 10 + number);
            let review = given(world, &cast.employee, with, &start, *rating);
            assert!(moderate(world, &cast.administrator, review.id, ReviewStatus::Published));
        }
    }
    let scope = Scope::anonymous(Origin::default());
    let page =
        world.booking.run(&scope, |tx| Ok(tx.directory(&DirectoryFilter::default(), DirectoryOrder::Rating, ALL)?));
    let ids: Vec<_> = page.unwrap().items.into_iter().map(|entry| entry.id).collect();
    let mut unrated = [third.1.id, fourth.1.id];
    unrated.sort_unstable();
    assert_eq!(ids, [cast.other_practitioner.1.id, cast.practitioner.1.id, unrated[0], unrated[1]]);
}

/// A failed unit of work leaves no review, no count, no audit entry and no letter.
pub fn a_failed_unit_of_work_leaves_no_review(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    let review = new_review(world, &consultation, 3);
    booking_undone(world, &cast.employee.0, review.id, |tx| tx.add_review(&review));
    assert_eq!(found(world, &cast.administrator.scope(), review.id), None);
    give(world, &cast.employee.0, &review).unwrap();
    let now = world.clock.now();
    booking_undone(world, &cast.administrator, review.id, |tx| {
        assert!(tx.moderate(review.id, (ReviewStatus::Published, Some(SHOWN)), now)?);
        Ok(())
    });
    assert_eq!(rating(world, &cast.practitioner.1), (0, 0));
}

/// Of many reviews of one consultation at once, exactly one is given; many published at once all
/// count.
pub fn of_many_at_once_one_review_is_given(world: &World) {
    let cast = Cast::new(world);
    let consultation = booked(world, &cast.employee, &cast.practitioner, "2027-01-05T14:00:00Z");
    let outcomes = at_once(6, |_| give(world, &cast.employee.0, &new_review(world, &consultation, 4)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let expected = |outcome: &Result<(), BookingError>| matches!(outcome, Ok(()) | Err(BookingError::AlreadyReviewed));
    assert!(outcomes.iter().all(expected), "{outcomes:?}");
    let reviews: Vec<_> = (0..5)
        .map(|number| {
            given(world, &cast.employee, &cast.practitioner, &format!("2027-01-06T{:02}:00:00Z", 10 + number), 4)
        })
        .collect();
    at_once(reviews.len(), |number| {
        assert!(moderate(world, &cast.administrator, reviews.get(number).unwrap().id, ReviewStatus::Published));
    });
    assert_eq!(rating(world, &cast.practitioner.1), (20, 5));
}
