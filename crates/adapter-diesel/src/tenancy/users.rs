//! Accounts.
use diesel::prelude::*;
use huntzen_tenancy::{
    StoreError, TenancyError,
    email::Email,
    identity::{HashedPassword, User, Users},
    ids::{CompanyId, UserId},
    policy::Role,
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::tenancy_error,
    schema::users,
    stored::{StoredTimestamp, ToDiesel, email, instant, one, word},
    unit_of_work::PgTx,
};

/// An account as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    id: Uuid,
    company_id: Option<Uuid>,
    email: String,
    password_hash: Option<String>,
    role: String,
    first_name: String,
    last_name: String,
    is_active: bool,
    email_verified: bool,
    blocked_at: Option<StoredTimestamp>,
    signed_out_before: Option<StoredTimestamp>,
    last_login_at: Option<StoredTimestamp>,
    two_factor_enabled_at: Option<StoredTimestamp>,
    language: String,
    created_at: StoredTimestamp,
    updated_at: StoredTimestamp,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(row.id),
            company: row.company_id.map(CompanyId),
            email: email(&row.email, "users.email")?,
            password: row.password_hash.map(HashedPassword::from_stored),
            role: word(&row.role, "users.role")?,
            first_name: row.first_name,
            last_name: row.last_name,
            is_active: row.is_active,
            email_verified: row.email_verified,
            blocked_at: instant(row.blocked_at),
            signed_out_before: instant(row.signed_out_before),
            last_login_at: instant(row.last_login_at),
            two_factor_enabled_at: instant(row.two_factor_enabled_at),
            language: row.language,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        })
    }
}

/// What can change of an account.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_default_value = false, treat_none_as_null = true)]
struct UserState<'a> {
    email: &'a str,
    password_hash: Option<&'a str>,
    first_name: &'a str,
    last_name: &'a str,
    is_active: bool,
    email_verified: bool,
    blocked_at: Option<StoredTimestamp>,
    signed_out_before: Option<StoredTimestamp>,
    last_login_at: Option<StoredTimestamp>,
    two_factor_enabled_at: Option<StoredTimestamp>,
    language: &'a str,
    updated_at: StoredTimestamp,
}

impl<'a> From<&'a User> for UserState<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            email: user.email.as_str(),
            password_hash: user.password.as_ref().map(HashedPassword::as_str),
            first_name: &user.first_name,
            last_name: &user.last_name,
            is_active: user.is_active,
            email_verified: user.email_verified,
            blocked_at: user.blocked_at.map(ToDiesel::to_diesel),
            signed_out_before: user.signed_out_before.map(ToDiesel::to_diesel),
            last_login_at: user.last_login_at.map(ToDiesel::to_diesel),
            two_factor_enabled_at: user.two_factor_enabled_at.map(ToDiesel::to_diesel),
            language: &user.language,
            updated_at: user.updated_at.to_diesel(),
        }
    }
}

impl Users for PgTx {
    fn add_user(&mut self, user: &User) -> Result<(), TenancyError> {
        let row = (
            users::id.eq(user.id.0),
            users::company_id.eq(user.company.map(|company| company.0)),
            users::role.eq(user.role.as_str()),
            users::created_at.eq(user.created_at.to_diesel()),
            UserState::from(user),
        );
        self.run(|connection| diesel::insert_into(users::table).values(row).execute(connection))
            .map(drop)
            .map_err(tenancy_error)
    }

    fn update_user(&mut self, user: &User) -> Result<(), TenancyError> {
        let change = diesel::update(users::table.find(user.id.0)).set(UserState::from(user));
        match self.run(|connection| change.execute(connection)).map_err(tenancy_error)? {
            0 => Err(TenancyError::NotFound),
            _ => Ok(()),
        }
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let query = users::table.find(id.0).select(UserRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn user_for_update(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let query = users::table.find(id.0).select(UserRow::as_select()).for_no_key_update();
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn user_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        let query = users::table.filter(users::email.eq(email.as_str())).select(UserRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn sign_out_hr(&mut self, company: CompanyId, before: Timestamp) -> Result<(), StoreError> {
        let hr = users::table.filter(users::company_id.eq(company.0)).filter(users::role.eq(Role::AdminRh.as_str()));
        let change = diesel::update(hr).set(users::signed_out_before.eq(before.to_diesel()));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn hr_of(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError> {
        let query = users::table
            .filter(users::company_id.eq(company.0))
            .filter(users::role.eq(Role::AdminRh.as_str()))
            .filter(users::is_active)
            .select(users::id)
            .order(users::id);
        let ids = self.run(|connection| query.load::<Uuid>(connection))?;
        Ok(ids.into_iter().map(UserId).collect())
    }
}
