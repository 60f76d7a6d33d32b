//! Feedback after a consultation, and what administrators make of it.
use std::collections::BTreeMap;

use huntzen_tenancy::{
    Caller, Cursor, Page, PageRequest, Slice,
    audit::{Action, Resource},
    error::Checks,
    fields,
    policy::Permission,
    sealing::{DataKey, KeySubject, Sealed, SecretText, key_of},
};

use super::{NewReview, OpenReview, OwnReview, Review, ReviewStatus};
use crate::{
    BookingError, BookingPorts, BookingTx,
    consultation::{ConsultationStatus, own},
    ids::{ConsultationId, ReviewId},
};

type Keys = BTreeMap<KeySubject, DataKey>;

/// The most characters of a comment.
const COMMENT: usize = 2000;

/// What an employee says of a consultation; the comment as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFeedback {
    /// From 1 to 5.
    pub rating: u8,
    /// In the employee's words.
    pub comment: Option<SecretText>,
}

/// The review use cases.
#[derive(Clone)]
pub struct Feedback {
    ports: BookingPorts,
}

impl Feedback {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// Gives feedback on one's own completed consultation, once.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` for a rating that is not from 1 to 5 and for a comment that is too
    /// long; `NotFound`; `NotCompleted`; `AlreadyReviewed`.
    pub fn give(
        &self,
        caller: &Caller,
        id: ConsultationId,
        feedback: &GivenFeedback,
    ) -> Result<OpenReview, BookingError> {
        caller.actor.require(Permission::FeedbackGive)?;
        let mut checks = Checks::default();
        let rating = feedback.rating;
        checks.require((1..=5).contains(&rating), "rating", "out_of_range");
        let comment = feedback.comment.as_ref().map(SecretText::expose);
        let comment = fields::optional(&mut checks, comment, "comment", COMMENT).map(SecretText::new);
        checks.finish()?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let consultation = own(tx, caller, id)?;
            if consultation.status != ConsultationStatus::Completed {
                return Err(BookingError::NotCompleted);
            }
            // Random, as the consultation's: it tells nobody when it was given.
            let review_id = ReviewId(self.ports.randomness.uuid_v4());
            let seal = |comment: &SecretText| {
                let subject = (KeySubject::Review(review_id.0), now);
                self.ports.sealer.seal_alone(tx, subject, &review_id.comment(), comment)
            };
            let review = NewReview {
                id: review_id,
                consultation: id,
                company: consultation.company,
                employee_user: caller.actor.user,
                practitioner: consultation.practitioner,
                rating,
                comment: comment.as_ref().map(seal).transpose()?,
                month: now.strftime("%Y-%m").to_string(),
                created_at: now,
            };
            tx.add_review(&review)?;
            // The trail names the consultation and not the review: nothing may say whose it is.
            let entry = self.ports.entry(&scope, now, Action::GiveFeedback, Resource::Consultation);
            tx.record(&entry.on(id).about(caller.actor.user))?;
            Ok(Review {
                id: review.id,
                practitioner: review.practitioner,
                rating,
                comment,
                month: review.month,
                status: ReviewStatus::Pending,
            })
        })
    }

    /// A page of the reviews that wait for moderation, oldest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn pending(&self, caller: &Caller, page: PageRequest) -> Result<Page<OpenReview>, BookingError> {
        caller.actor.require(Permission::ReviewsModerate)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let Page { items, total } = tx.pending_reviews(page)?;
            let keys = self.keys(tx, &items)?;
            let items = items.into_iter().map(|review| self.opened(&keys, review));
            Ok(Page { items: items.collect::<Result<_, _>>()?, total })
        })
    }

    /// Shows a review, also one that was rejected before. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn publish(&self, caller: &Caller, id: ReviewId) -> Result<OpenReview, BookingError> {
        self.moderate(caller, id, ReviewStatus::Published, Action::Publish)
    }

    /// Keeps a review from being shown, also one that was: what turns out to be unlawful must be
    /// taken down. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn reject(&self, caller: &Caller, id: ReviewId) -> Result<OpenReview, BookingError> {
        self.moderate(caller, id, ReviewStatus::Rejected, Action::Reject)
    }

    fn moderate(
        &self,
        caller: &Caller,
        id: ReviewId,
        status: ReviewStatus,
        action: Action,
    ) -> Result<OpenReview, BookingError> {
        caller.actor.require(Permission::ReviewsModerate)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let review = tx.review(id)?.ok_or(BookingError::NotFound)?;
            let keys = self.keys(tx, std::slice::from_ref(&review))?;
            let review = self.opened(&keys, review)?;
            if review.status == status {
                return Ok(review);
            }
            let published = review.comment.as_ref().filter(|_| status == ReviewStatus::Published);
            if !tx.moderate(id, (status, published.map(SecretText::expose)), now)? {
                return Err(BookingError::NotFound);
            }
            let entry = self.ports.entry(&scope, now, action, Resource::Review);
            tx.record(&entry.on(id))?;
            Ok(Review { status, ..review })
        })
    }

    /// A part of the reviews that the caller has given, newest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn own(
        &self,
        caller: &Caller,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<OwnReview<SecretText>>, BookingError> {
        caller.actor.require(Permission::FeedbackGive)?;
        self.ports.store.run(&caller.scope(), |tx| {
            let Slice { items, next } = tx.own_reviews(cursor, limit)?;
            let (reviews, own): (Vec<_>, Vec<_>) = items.into_iter().unzip();
            let mut keys: Keys = own.into_iter().flatten().map(|key| (key.subject, key)).collect();
            let is_older = |review: &OwnReview<Sealed>| {
                review.comment.as_ref().is_some_and(|sealed| key_of(&keys, sealed).is_none())
            };
            if reviews.iter().any(is_older) {
                // Under which older releases sealed comments.
                keys.extend(self.ports.sealer.known_keys(tx, &[KeySubject::Platform])?);
            }
            let open = |review: OwnReview<Sealed>| {
                let OwnReview { id, consultation, rating, comment, status, created_at } = review;
                let comment = self.comment(&keys, id, comment.as_ref())?;
                Ok::<_, BookingError>(OwnReview { id, consultation, rating, comment, status, created_at })
            };
            Ok(Slice { items: reviews.into_iter().map(open).collect::<Result<_, _>>()?, next })
        })
    }

    /// The keys that open the comments of these reviews, asked for when there are any.
    fn keys(&self, tx: &mut dyn BookingTx, reviews: &[Review<Sealed>]) -> Result<Keys, BookingError> {
        let commented = reviews.iter().filter(|review| review.comment.is_some());
        let mut subjects: Vec<KeySubject> = commented.map(|review| KeySubject::Review(review.id.0)).collect();
        if !subjects.is_empty() {
            subjects.push(KeySubject::Platform);
        }
        Ok(self.ports.sealer.known_keys(tx, &subjects)?)
    }

    fn opened(&self, keys: &Keys, review: Review<Sealed>) -> Result<OpenReview, BookingError> {
        let Review { id, practitioner, rating, comment, month, status } = review;
        let comment = self.comment(keys, id, comment.as_ref())?;
        Ok(Review { id, practitioner, rating, comment, month, status })
    }

    /// The comment, opened; `None` once its key was destroyed.
    fn comment(&self, keys: &Keys, id: ReviewId, sealed: Option<&Sealed>) -> Result<Option<SecretText>, BookingError> {
        let both = sealed.and_then(|sealed| Some((key_of(keys, sealed)?, sealed)));
        Ok(both.map(|(key, sealed)| self.ports.sealer.open(key, &id.comment(), sealed)).transpose()?)
    }
}
