//! Reviews. Who gave one, and on which consultation, is written and never read.
use diesel::{
    dsl::{insert_into, update},
    prelude::*,
};
use huntzen_booking::{
    BookingError,
    ids::{PractitionerId, ReviewId},
    review::{NewReview, Review, ReviewStatus, Reviews},
};
use huntzen_tenancy::{Page, PageRequest, StoreError, words::Words};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::booking_error,
    schema::reviews,
    stored::{ToDiesel, all, number, one, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = reviews)]
struct ReviewRow {
    id: Uuid,
    practitioner_id: Uuid,
    rating: i16,
    comment: Option<String>,
    published_comment: Option<String>,
    month: String,
    status: String,
}

impl TryFrom<ReviewRow> for Review {
    type Error = StoreError;

    fn try_from(row: ReviewRow) -> Result<Self, StoreError> {
        let status = word(&row.status, "reviews.status")?;
        let comment = match status {
            ReviewStatus::Published => row.published_comment,
            ReviewStatus::Pending | ReviewStatus::Rejected => row.comment,
        };
        Ok(Self {
            id: ReviewId(row.id),
            practitioner: PractitionerId(row.practitioner_id),
            rating: number(row.rating, "reviews.rating")?,
            comment,
            month: row.month,
            status,
        })
    }
}

impl Reviews for PgTx {
    fn add_review(&mut self, review: &NewReview) -> Result<(), BookingError> {
        let row = (
            reviews::id.eq(review.id.0),
            reviews::consultation_id.eq(review.consultation.0),
            reviews::company_id.eq(review.company.0),
            reviews::employee_user_id.eq(review.employee_user.0),
            reviews::practitioner_id.eq(review.practitioner.0),
            reviews::rating.eq(i16::from(review.rating)),
            reviews::comment.eq(review.comment.as_deref()),
            reviews::month.eq(&review.month),
            reviews::status.eq(ReviewStatus::Pending.as_str()),
            reviews::created_at.eq(review.created_at.to_diesel()),
        );
        self.run(|connection| insert_into(reviews::table).values(row).execute(connection))
            .map(drop)
            .map_err(booking_error)
    }

    fn pending_reviews(&mut self, page: PageRequest) -> Result<Page<Review>, StoreError> {
        let pending = || reviews::table.filter(reviews::status.eq(ReviewStatus::Pending.as_str()));
        let total: i64 = self.run(|connection| pending().count().get_result(connection))?;
        let query = pending()
            .select(ReviewRow::as_select())
            .order((reviews::created_at, reviews::id))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: all(rows)?, total: number(total, "count")? })
    }

    fn review(&mut self, id: ReviewId) -> Result<Option<Review>, StoreError> {
        let query = reviews::table.find(id.0).select(ReviewRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn moderate(&mut self, id: ReviewId, status: ReviewStatus, at: Timestamp) -> Result<bool, StoreError> {
        let review = reviews::table.find(id.0);
        let moderated = (reviews::status.eq(status.as_str()), reviews::moderated_at.eq(at.to_diesel()));
        self.run(|connection| match status {
            ReviewStatus::Published => {
                update(review).set((moderated, reviews::published_comment.eq(reviews::comment))).execute(connection)
            }
            ReviewStatus::Pending | ReviewStatus::Rejected => {
                update(review).set((moderated, reviews::published_comment.eq(None::<String>))).execute(connection)
            }
        })
        .map(|changed| changed > 0)
    }

    fn published_reviews(&mut self, practitioner: PractitionerId, limit: u32) -> Result<Vec<Review>, StoreError> {
        let query = reviews::table
            .filter(reviews::practitioner_id.eq(practitioner.0))
            .filter(reviews::status.eq(ReviewStatus::Published.as_str()))
            .select(ReviewRow::as_select())
            .order((reviews::created_at.desc(), reviews::id.desc()))
            .limit(limit.into());
        all(self.run(|connection| query.load(connection))?)
    }
}
