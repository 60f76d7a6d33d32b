//! Reviews: what people say of a consultation, shown without a trace of who said it.
use huntzen_tenancy::{
    Cursor, Page, PageRequest, Slice, StoreError,
    ids::{CompanyId, UserId},
    sealing::{DataKey, Place, Sealed, SecretText},
    words,
};
use jiff::Timestamp;

use crate::{
    BookingError,
    ids::{ConsultationId, PractitionerId, ReviewId},
};

mod feedback;
pub use feedback::{Feedback, GivenFeedback};

words! {
    /// Whether a review is shown.
    ReviewStatus {
        /// An administrator has not looked yet.
        Pending = "PENDING",
        /// Shown.
        Published = "PUBLISHED",
        /// Not shown.
        Rejected = "REJECTED",
    }
}

/// A review as its author gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReview {
    /// Its id.
    pub id: ReviewId,
    /// Of which consultation.
    pub consultation: ConsultationId,
    /// The tenant.
    pub company: CompanyId,
    /// Who gives it.
    pub employee_user: UserId,
    /// Of whom.
    pub practitioner: PractitionerId,
    /// From 1 to 5.
    pub rating: u8,
    /// In the author's words, sealed under a key of the review's own.
    pub comment: Option<Sealed>,
    /// The month in which it was given, `YYYY-MM`.
    pub month: String,
    /// When it was given.
    pub created_at: Timestamp,
}

/// A review as everybody else sees it: never who, never which consultation. Its comment is sealed
/// where it is stored, secret until it is published, and a plain text then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review<Comment> {
    /// Its id.
    pub id: ReviewId,
    /// Of whom.
    pub practitioner: PractitionerId,
    /// From 1 to 5.
    pub rating: u8,
    /// In the author's words.
    pub comment: Option<Comment>,
    /// The month in which it was given, `YYYY-MM`.
    pub month: String,
    /// Whether it is shown.
    pub status: ReviewStatus,
}

/// A review as its author takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReview<Comment> {
    /// Its id.
    pub id: ReviewId,
    /// Of which consultation.
    pub consultation: ConsultationId,
    /// From 1 to 5.
    pub rating: u8,
    /// In the author's words.
    pub comment: Option<Comment>,
    /// Whether it is shown.
    pub status: ReviewStatus,
    /// When it was given.
    pub created_at: Timestamp,
}

/// The same as it is kept, with the key of its comment where that has one of its own.
pub type KeptReview = (OwnReview<Sealed>, Option<DataKey>);

/// What moderators read.
pub type OpenReview = Review<SecretText>;

impl ReviewId {
    /// Where the comment of the review with this id stands.
    pub fn comment(self) -> Place {
        Place::new("reviews", "comment", self.0)
    }
}

/// Reviews. Employees add, administrators moderate, everybody reads the published ones.
pub trait Reviews {
    /// Adds a review, to be moderated.
    ///
    /// # Errors
    /// `AlreadyReviewed` when the consultation has one.
    fn add_review(&mut self, review: &NewReview) -> Result<(), BookingError>;

    /// A page of the reviews that wait for moderation, oldest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn pending_reviews(&mut self, page: PageRequest) -> Result<Page<Review<Sealed>>, StoreError>;

    /// One review; administrators any, others a published one.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn review(&mut self, id: ReviewId) -> Result<Option<Review<Sealed>>, StoreError>;

    /// Publishes or rejects at `at`; the practitioner's rating follows the published ones. The
    /// outcome's text is kept in clear from now on as what everybody reads of the comment, and nothing
    /// without one. `false` when the review is not in sight.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn moderate(
        &mut self,
        id: ReviewId,
        outcome: (ReviewStatus, Option<&str>),
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// A part of the reviews that the acting account has given, newest first, each with the key of its
    /// comment, where it has one of its own.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn own_reviews(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<KeptReview>, StoreError>;

    /// The latest published reviews of a practitioner, newest first, at most `limit`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn published_reviews(
        &mut self,
        practitioner: PractitionerId,
        limit: u32,
    ) -> Result<Vec<Review<String>>, StoreError>;
}
