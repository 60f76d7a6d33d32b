//! Reviews of consultations.
use std::cmp::Reverse;

use huntzen_booking::{
    BookingError,
    ids::{PractitionerId, ReviewId},
    review::{KeptReview, NewReview, OwnReview, Review, ReviewStatus, Reviews},
};
use huntzen_tenancy::{
    Cursor, Page, PageRequest, Slice, StoreError,
    sealing::{KeySubject, Sealed},
};
use jiff::Timestamp;

use crate::{
    paging::{page, slice},
    refusal::{allow, require},
    state::{ReviewRow, State},
    store::MemoryTx,
    time::micros,
};

impl Reviews for MemoryTx {
    fn add_review(&mut self, review: &NewReview) -> Result<(), BookingError> {
        self.write(|viewer, state| {
            allow(viewer.books_for(review.employee_user, review.company))?;
            require(!state.reviews.contains(&review.id), "reviews_pkey")?;
            if state.reviews.rows().any(|held| held.review.consultation == review.consultation) {
                return Err(BookingError::AlreadyReviewed);
            }
            let consultation = state.consultations.get(&review.consultation);
            let is_known = consultation.is_some_and(|row| row.consultation.company == review.company);
            require(is_known, "reviews_consultation_fkey")?;
            let are_its_own = consultation.is_some_and(|row| {
                row.employee_user == review.employee_user && row.consultation.practitioner == review.practitioner
            });
            require(are_its_own, "reviews_participants")?;
            let review = NewReview { created_at: micros(review.created_at), ..review.clone() };
            let row = ReviewRow { review, status: ReviewStatus::Pending, published_comment: None };
            state.reviews.put(row.review.id, row);
            Ok(())
        })
    }

    fn pending_reviews(&mut self, request: PageRequest) -> Result<Page<Review<Sealed>>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |row: &&ReviewRow| row.status == ReviewStatus::Pending && viewer.moderates_reviews();
            let mut rows: Vec<&ReviewRow> = state.reviews.rows().filter(is_wanted).collect();
            rows.sort_by_key(|row| (row.review.created_at, row.review.id));
            let Page { items, total } = page(rows, request);
            Page { items: items.into_iter().map(|row| row.with(row.review.comment.clone())).collect(), total }
        })
    }

    fn review(&mut self, id: ReviewId) -> Result<Option<Review<Sealed>>, StoreError> {
        self.read(|viewer, state| {
            let row = state.reviews.get(&id)?;
            (row.status == ReviewStatus::Published || viewer.moderates_reviews())
                .then(|| row.with(row.review.comment.clone()))
        })
    }

    fn moderate(
        &mut self,
        id: ReviewId,
        (status, shown): (ReviewStatus, Option<&str>),
        _at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            let held = state.reviews.get(&id).filter(|_| viewer.moderates_reviews()).cloned();
            let Some(held) = held else {
                return Ok(false);
            };
            let is_published = status == ReviewStatus::Published;
            count(state, &held, is_published);
            // Not what an erasure has taken away since it was read.
            let published_comment = shown.filter(|_| held.review.comment.is_some()).map(str::to_owned);
            state.reviews.put(id, ReviewRow { status, published_comment, ..held });
            Ok(true)
        })
    }

    fn own_reviews(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<KeptReview>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |row: &&ReviewRow| {
                viewer.is_user(row.review.employee_user)
                    && cursor.is_none_or(|after| (row.review.created_at, row.review.id.0) < (after.at, after.id))
            };
            let mut rows: Vec<&ReviewRow> = state.reviews.rows().filter(is_wanted).collect();
            rows.sort_by_key(|row| Reverse((row.review.created_at, row.review.id)));
            let key = |id: ReviewId| {
                let subject = KeySubject::Review(id.0);
                state.data_keys.rows().find(|row| row.key.subject == subject).map(|row| row.key.clone())
            };
            let part = slice(rows, limit, |row| Cursor { at: row.review.created_at, id: row.review.id.0 });
            let items = part.items.into_iter().map(|row| (row.own(), key(row.review.id))).collect();
            Slice { items, next: part.next }
        })
    }

    fn published_reviews(
        &mut self,
        practitioner: PractitionerId,
        limit: u32,
    ) -> Result<Vec<Review<String>>, StoreError> {
        self.read(|_, state| {
            let is_wanted =
                |row: &&ReviewRow| row.review.practitioner == practitioner && row.status == ReviewStatus::Published;
            let mut rows: Vec<&ReviewRow> = state.reviews.rows().filter(is_wanted).collect();
            rows.sort_by_key(|row| Reverse((row.review.created_at, row.review.id)));
            rows.into_iter().take(limit as usize).map(|row| row.with(row.published_comment.clone())).collect()
        })
    }
}

impl ReviewRow {
    /// As its author sees it.
    fn own(&self) -> OwnReview<Sealed> {
        OwnReview {
            id: self.review.id,
            consultation: self.review.consultation,
            rating: self.review.rating,
            comment: self.review.comment.clone(),
            status: self.status,
            created_at: self.review.created_at,
        }
    }

    /// As others see it, with this comment.
    fn with<Comment>(&self, comment: Option<Comment>) -> Review<Comment> {
        Review {
            id: self.review.id,
            practitioner: self.review.practitioner,
            rating: self.review.rating,
            comment,
            month: self.review.month.clone(),
            status: self.status,
        }
    }
}

/// A review counts in its practitioner's rating while it is published.
fn count(state: &mut State, held: &ReviewRow, is_published: bool) {
    let was_published = held.status == ReviewStatus::Published;
    let rating = u32::from(held.review.rating);
    if is_published != was_published {
        state.practitioners.change(
            |row| row.id == held.review.practitioner,
            |row| {
                let step = |value: u32, by: u32| {
                    if is_published { value.saturating_add(by) } else { value.saturating_sub(by) }
                };
                row.rating_sum = step(row.rating_sum, rating);
                row.review_count = step(row.review_count, 1);
            },
        );
    }
}
