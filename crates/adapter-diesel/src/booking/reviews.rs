//! Reviews. Who gave one, and on which consultation, is written and never read.
use diesel::{
    dsl::{case_when, insert_into, update},
    prelude::*,
    sql_types::{BigInt, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use huntzen_booking::{
    BookingError,
    ids::{ConsultationId, PractitionerId, ReviewId},
    review::{KeptReview, NewReview, OwnReview, Review, ReviewStatus, Reviews},
};
use huntzen_tenancy::{
    Cursor, Page, PageRequest, Slice, StoreError,
    sealing::{DataKey, KeySubject, MasterKeyId, Sealed},
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::booking_error,
    schema::reviews,
    statement::statement,
    stored::{StoredTimestamp, ToDiesel, number, slice, word},
    tenancy::own_data::place,
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

statement! {
    /// A part of the reviews that the scope has given.
    Own { before: StoredTimestamp, before_id: Uuid, limit: i64 } -> (
        SqlUuid, Timestamptz, SqlUuid, SmallInt, Text, Nullable<Binary>, Nullable<SqlUuid>, Nullable<BigInt>,
        Nullable<Binary>,
    );
    "SELECT id, at, consultation_id, rating, status, comment, key_id, master_key_id, wrapped FROM own_reviews(",
        before as Timestamptz;
    ", ", before_id as SqlUuid;
    ", ", limit as BigInt;
    ")"
}

#[derive(Queryable)]
struct OwnRow {
    id: Uuid,
    at: StoredTimestamp,
    consultation_id: Uuid,
    rating: i16,
    status: String,
    comment: Option<Vec<u8>>,
    key_id: Option<Uuid>,
    master_key_id: Option<i64>,
    wrapped: Option<Vec<u8>>,
}

/// The review as its author reads it, with its key.
fn own(row: OwnRow) -> Result<KeptReview, StoreError> {
    let key = match (row.key_id, row.master_key_id, row.wrapped) {
        (Some(id), Some(master), Some(wrapped)) => {
            let master = MasterKeyId(number(master, "data_keys.master_key_id")?);
            Some(DataKey { id, subject: KeySubject::Review(row.id), master, wrapped })
        }
        _ => None,
    };
    let review = OwnReview {
        id: ReviewId(row.id),
        consultation: ConsultationId(row.consultation_id),
        rating: number(row.rating, "reviews.rating")?,
        comment: row.comment.map(Sealed),
        status: word(&row.status, "reviews.status")?,
        created_at: row.at.to_jiff(),
    };
    Ok((review, key))
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
            // Not what an erasure has taken away since it was read.
            reviews::published_comment
                .eq(case_when(reviews::comment.is_not_null(), shown.into_sql::<Nullable<Text>>())),
            reviews::moderated_at.eq(at.to_diesel()),
        );
        let change = update(reviews::table.find(id.0)).set(moderated);
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn own_reviews(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<KeptReview>, StoreError> {
        let (before, before_id) = place(cursor);
        let statement = Own { before, before_id, limit: i64::from(limit) + 1 };
        let rows = self.run(|connection| statement.load::<OwnRow>(connection))?;
        let items = rows.into_iter().map(own).collect::<Result<Vec<_>, _>>()?;
        Ok(slice(items, limit, |(review, _)| Cursor { at: review.created_at, id: review.id.0 }))
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
