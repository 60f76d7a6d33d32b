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
use huntzen_tenancy::{Page, PageRequest, StoreError, sealing::Sealed, words::Words};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::booking_error,
    schema::reviews,
    stored::{ToDiesel, number, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = reviews)]
struct ReviewRow {
    id: Uuid,
    practitioner_id: Uuid,
    rating: i16,
    month: String,
    status: String,
}

impl ReviewRow {
    /// The review with this comment.
    fn with<Comment>(self, comment: Option<Comment>) -> Result<Review<Comment>, StoreError> {
        Ok(Review {
            id: ReviewId(self.id),
            practitioner: PractitionerId(self.practitioner_id),
            rating: number(self.rating, "reviews.rating")?,
            comment,
            month: self.month,
            status: word(&self.status, "reviews.status")?,
        })
    }
}

/// The review as moderators read it.
fn sealed((row, comment): (ReviewRow, Option<Vec<u8>>)) -> Result<Review<Sealed>, StoreError> {
    row.with(comment.map(Sealed))
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
            reviews::comment.eq(review.comment.as_ref().map(|sealed| sealed.0.as_slice())),
            reviews::month.eq(&review.month),
            reviews::status.eq(ReviewStatus::Pending.as_str()),
            reviews::created_at.eq(review.created_at.to_diesel()),
        );
        self.run(|connection| insert_into(reviews::table).values(row).execute(connection))
            .map(drop)
            .map_err(booking_error)
    }

    fn pending_reviews(&mut self, page: PageRequest) -> Result<Page<Review<Sealed>>, StoreError> {
        let pending = || reviews::table.filter(reviews::status.eq(ReviewStatus::Pending.as_str()));
        let total: i64 = self.run(|connection| pending().count().get_result(connection))?;
        let query = pending()
            .select((ReviewRow::as_select(), reviews::comment))
            .order((reviews::created_at, reviews::id))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        let items = rows.into_iter().map(sealed).collect::<Result<_, _>>()?;
        Ok(Page { items, total: number(total, "count")? })
    }

    fn review(&mut self, id: ReviewId) -> Result<Option<Review<Sealed>>, StoreError> {
        let query = reviews::table.find(id.0).select((ReviewRow::as_select(), reviews::comment));
        self.run(|connection| query.first(connection).optional())?.map(sealed).transpose()
    }

    fn moderate(
        &mut self,
        id: ReviewId,
        (status, shown): (ReviewStatus, Option<&str>),
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let moderated = (
            reviews::status.eq(status.as_str()),
            reviews::published_comment.eq(shown),
            reviews::moderated_at.eq(at.to_diesel()),
        );
        let change = update(reviews::table.find(id.0)).set(moderated);
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn published_reviews(
        &mut self,
        practitioner: PractitionerId,
        limit: u32,
    ) -> Result<Vec<Review<String>>, StoreError> {
        let query = reviews::table
            .filter(reviews::practitioner_id.eq(practitioner.0))
            .filter(reviews::status.eq(ReviewStatus::Published.as_str()))
            .select((ReviewRow::as_select(), reviews::published_comment))
            .order((reviews::created_at.desc(), reviews::id.desc()))
            .limit(limit.into());
        let rows = self.run(|connection| query.load::<(ReviewRow, Option<String>)>(connection))?;
        rows.into_iter().map(|(row, comment)| row.with(comment)).collect()
    }
}
