//! Feedback after a consultation, and what administrators make of it.
use huntzen_tenancy::{
    Caller, Page, PageRequest,
    audit::{Action, Resource},
    error::Checks,
    fields,
    policy::Permission,
};

use super::{NewReview, Review, ReviewStatus};
use crate::{
    BookingError, BookingPorts,
    consultation::{ConsultationStatus, own},
    ids::{ConsultationId, ReviewId},
};

/// The most characters of a comment.
const COMMENT: usize = 2000;

/// What an employee says of a consultation; the comment as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFeedback {
    /// From 1 to 5.
    pub rating: u8,
    /// In the employee's words.
    pub comment: Option<String>,
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
    pub fn give(&self, caller: &Caller, id: ConsultationId, feedback: &GivenFeedback) -> Result<Review, BookingError> {
        caller.actor.require(Permission::FeedbackGive)?;
        let mut checks = Checks::default();
        let rating = feedback.rating;
        checks.require((1..=5).contains(&rating), "rating", "out_of_range");
        let comment = fields::optional(&mut checks, feedback.comment.as_deref(), "comment", COMMENT);
        checks.finish()?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let consultation = own(tx, caller, id)?;
            if consultation.status != ConsultationStatus::Completed {
                return Err(BookingError::NotCompleted);
            }
            let review = NewReview {
                // Random, as the consultation's: it tells nobody when it was given.
                id: ReviewId(self.ports.randomness.uuid_v4()),
                consultation: id,
                company: consultation.company,
                employee_user: caller.actor.user,
                practitioner: consultation.practitioner,
                rating,
                comment,
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
                comment: review.comment,
                month: review.month,
                status: ReviewStatus::Pending,
            })
        })
    }

    /// A page of the reviews that wait for moderation, oldest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn pending(&self, caller: &Caller, page: PageRequest) -> Result<Page<Review>, BookingError> {
        caller.actor.require(Permission::ReviewsModerate)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.pending_reviews(page)?))
    }

    /// Shows a review, also one that was rejected before. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn publish(&self, caller: &Caller, id: ReviewId) -> Result<Review, BookingError> {
        self.moderate(caller, id, ReviewStatus::Published, Action::Publish)
    }

    /// Keeps a review from being shown, also one that was: what turns out to be unlawful must be
    /// taken down. Repeating changes nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn reject(&self, caller: &Caller, id: ReviewId) -> Result<Review, BookingError> {
        self.moderate(caller, id, ReviewStatus::Rejected, Action::Reject)
    }

    fn moderate(
        &self,
        caller: &Caller,
        id: ReviewId,
        status: ReviewStatus,
        action: Action,
    ) -> Result<Review, BookingError> {
        caller.actor.require(Permission::ReviewsModerate)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            let review = tx.review(id)?.ok_or(BookingError::NotFound)?;
            if review.status == status {
                return Ok(review);
            }
            if !tx.moderate(id, status, now)? {
                return Err(BookingError::NotFound);
            }
            let entry = self.ports.entry(&scope, now, action, Resource::Review);
            tx.record(&entry.on(id))?;
            Ok(Review { status, ..review })
        })
    }
}
