//! Practitioners' entries.
use diesel::{
    dsl::{insert_into, update},
    prelude::*,
};
use huntzen_booking::{
    BookingError,
    ids::PractitionerId,
    practitioner::{DirectoryFilter, DirectoryOrder, Practitioner, Practitioners},
};
use huntzen_tenancy::{Page, PageRequest, StoreError, files::FileId, ids::UserId, words::Words};
use uuid::Uuid;

use super::directory;
use crate::{
    error::booking_error,
    schema::practitioners,
    stored::{StoredTimestamp, ToDiesel, all, instant, number, one, optional_number, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = practitioners)]
#[expect(clippy::struct_excessive_bools, reason = "a row has the columns of its table")]
pub(super) struct PractitionerRow {
    id: Uuid,
    user_id: Uuid,
    first_name: String,
    last_name: String,
    title: Option<String>,
    profession: String,
    registration_number: Option<String>,
    specialties: Vec<String>,
    languages: Vec<String>,
    bio: Option<String>,
    years_of_experience: Option<i32>,
    offers_video: bool,
    offers_audio: bool,
    offers_phone: bool,
    offers_chat: bool,
    accepting_new_clients: bool,
    timezone: String,
    is_validated: bool,
    validated_at: Option<StoredTimestamp>,
    suspended_at: Option<StoredTimestamp>,
    documents_verified: bool,
    rating_sum: i32,
    review_count: i32,
    avatar_id: Option<Uuid>,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<PractitionerRow> for Practitioner {
    type Error = StoreError;

    fn try_from(row: PractitionerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: PractitionerId(row.id),
            user: UserId(row.user_id),
            first_name: row.first_name,
            last_name: row.last_name,
            title: row.title,
            profession: word(&row.profession, "practitioners.profession")?,
            registration_number: row.registration_number,
            specialties: row.specialties,
            languages: row.languages,
            bio: row.bio,
            years_of_experience: optional_number(row.years_of_experience, "practitioners.years_of_experience")?,
            offers_video: row.offers_video,
            offers_audio: row.offers_audio,
            offers_phone: row.offers_phone,
            offers_chat: row.offers_chat,
            accepting_new_clients: row.accepting_new_clients,
            timezone: row.timezone,
            is_validated: row.is_validated,
            validated_at: instant(row.validated_at),
            suspended_at: instant(row.suspended_at),
            documents_verified: row.documents_verified,
            rating_sum: number(row.rating_sum, "practitioners.rating_sum")?,
            review_count: number(row.review_count, "practitioners.review_count")?,
            avatar: row.avatar_id.map(FileId),
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// What can change of a practitioner by hand; ratings follow the reviews by trigger.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = practitioners, treat_none_as_default_value = false, treat_none_as_null = true)]
#[expect(clippy::struct_excessive_bools, reason = "a row has the columns of its table")]
struct PractitionerState<'a> {
    first_name: &'a str,
    last_name: &'a str,
    title: Option<&'a str>,
    profession: &'static str,
    registration_number: Option<&'a str>,
    specialties: &'a [String],
    languages: &'a [String],
    bio: Option<&'a str>,
    years_of_experience: Option<i32>,
    offers_video: bool,
    offers_audio: bool,
    offers_phone: bool,
    offers_chat: bool,
    accepting_new_clients: bool,
    timezone: &'a str,
    is_validated: bool,
    validated_at: Option<StoredTimestamp>,
    suspended_at: Option<StoredTimestamp>,
    documents_verified: bool,
    search_text: String,
    updated_at: StoredTimestamp,
}

impl<'a> TryFrom<&'a Practitioner> for PractitionerState<'a> {
    type Error = StoreError;

    fn try_from(practitioner: &'a Practitioner) -> Result<Self, StoreError> {
        Ok(Self {
            first_name: &practitioner.first_name,
            last_name: &practitioner.last_name,
            title: practitioner.title.as_deref(),
            profession: practitioner.profession.as_str(),
            registration_number: practitioner.registration_number.as_deref(),
            specialties: &practitioner.specialties,
            languages: &practitioner.languages,
            bio: practitioner.bio.as_deref(),
            years_of_experience: optional_number(
                practitioner.years_of_experience,
                "practitioners.years_of_experience",
            )?,
            offers_video: practitioner.offers_video,
            offers_audio: practitioner.offers_audio,
            offers_phone: practitioner.offers_phone,
            offers_chat: practitioner.offers_chat,
            accepting_new_clients: practitioner.accepting_new_clients,
            timezone: &practitioner.timezone,
            is_validated: practitioner.is_validated,
            validated_at: practitioner.validated_at.map(ToDiesel::to_diesel),
            suspended_at: practitioner.suspended_at.map(ToDiesel::to_diesel),
            documents_verified: practitioner.documents_verified,
            search_text: directory::search_text(practitioner),
            updated_at: practitioner.updated_at.to_diesel(),
        })
    }
}

impl Practitioners for PgTx {
    fn add_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError> {
        let row = (
            practitioners::id.eq(practitioner.id.0),
            practitioners::user_id.eq(practitioner.user.0),
            practitioners::created_at.eq(practitioner.created_at.to_diesel()),
            PractitionerState::try_from(practitioner)?,
        );
        self.run(|connection| insert_into(practitioners::table).values(row).execute(connection))
            .map(drop)
            .map_err(booking_error)
    }

    fn update_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError> {
        let change =
            update(practitioners::table.find(practitioner.id.0)).set(PractitionerState::try_from(practitioner)?);
        match self.run(|connection| change.execute(connection)).map_err(booking_error)? {
            0 => Err(BookingError::NotFound),
            _ => Ok(()),
        }
    }

    fn practitioner(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError> {
        let query = practitioners::table.find(id.0).select(PractitionerRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn practitioner_for_update(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError> {
        let query = practitioners::table.find(id.0).select(PractitionerRow::as_select()).for_no_key_update();
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn practitioner_of(&mut self, user: UserId) -> Result<Option<Practitioner>, StoreError> {
        let query = practitioners::table.filter(practitioners::user_id.eq(user.0)).select(PractitionerRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn practitioners(&mut self, pending: bool, page: PageRequest) -> Result<Page<Practitioner>, StoreError> {
        let listed = || {
            let query = practitioners::table.into_boxed();
            if pending { query.filter(practitioners::validated_at.is_null()) } else { query }
        };
        let total: i64 = self.run(|connection| listed().count().get_result(connection))?;
        let query = listed()
            .select(PractitionerRow::as_select())
            .order((practitioners::last_name, practitioners::first_name, practitioners::id))
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: all(rows)?, total: number(total, "count")? })
    }

    fn directory(
        &mut self,
        filter: &DirectoryFilter,
        order: DirectoryOrder,
        page: PageRequest,
    ) -> Result<Page<Practitioner>, StoreError> {
        let total: i64 = self.run(|connection| directory::matching(filter).count().get_result(connection))?;
        let query = directory::ordered(directory::matching(filter), order)
            .select(PractitionerRow::as_select())
            .limit(page.per_page.into())
            .offset(number(page.offset(), "offset")?);
        let rows = self.run(|connection| query.load(connection))?;
        Ok(Page { items: all(rows)?, total: number(total, "count")? })
    }

    fn public_practitioners(&mut self, ids: &[PractitionerId]) -> Result<Vec<Practitioner>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let query = directory::public().filter(practitioners::id.eq_any(ids)).select(PractitionerRow::as_select());
        all(self.run(|connection| query.load(connection))?)
    }
}
