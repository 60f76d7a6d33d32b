//! Accounts.
use std::collections::BTreeSet;

use diesel::{
    prelude::*,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError, TenancyError,
    email::Email,
    files::FileId,
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
    statement::{MOST_ROWS, statement},
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
    avatar_id: Option<Uuid>,
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
            avatar: row.avatar_id.map(FileId),
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

/// A new account.
#[derive(Insertable)]
#[diesel(table_name = users)]
struct NewUserRow<'a> {
    id: Uuid,
    company_id: Option<Uuid>,
    role: &'a str,
    created_at: StoredTimestamp,
    #[diesel(embed)]
    state: UserState<'a>,
}

impl<'a> From<&'a User> for NewUserRow<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.0,
            company_id: user.company.map(|company| company.0),
            role: user.role.as_str(),
            created_at: user.created_at.to_diesel(),
            state: UserState::from(user),
        }
    }
}

statement! {
    /// Asks the definer function which addresses have an account other than one of `own`.
    TakenEmails { wanted: Vec<String>, own: Vec<Uuid> } -> (Text,);
    "SELECT email FROM taken_emails(", wanted as Array<Text>; ", ", own as Array<SqlUuid>; ")"
}

statement! {
    /// Asks the definer function which of these are work addresses.
    WorkAddresses { wanted: Vec<String> } -> (Text,);
    "SELECT address FROM unnest(", wanted as Array<Text>; ") AS address WHERE is_work_address(address)"
}

impl PgTx {
    fn taken(&mut self, wanted: Vec<String>, own: Vec<Uuid>) -> Result<Vec<String>, StoreError> {
        let taken = self.run(|connection| TakenEmails { wanted, own }.load::<(String,)>(connection))?;
        Ok(taken.into_iter().map(|(email,)| email).collect())
    }
}

impl Users for PgTx {
    fn add_user(&mut self, user: &User) -> Result<(), TenancyError> {
        let row = NewUserRow::from(user);
        self.run(|connection| diesel::insert_into(users::table).values(row).execute(connection))
            .map(drop)
            .map_err(tenancy_error)
    }

    fn add_users(&mut self, users: &[User]) -> Result<Vec<UserId>, TenancyError> {
        for users in users.chunks(MOST_ROWS) {
            let rows: Vec<NewUserRow<'_>> = users.iter().map(NewUserRow::from).collect();
            // It waits for whoever adds one of the addresses right now, and then leaves it out.
            let insert = diesel::insert_into(users::table).values(rows).on_conflict_do_nothing();
            self.run(|connection| insert.execute(connection))?;
        }
        // No RETURNING: HR may not read accounts. A statement of its own sees what others added meanwhile.
        let addresses = users.iter().map(|user| user.email.as_str().to_owned()).collect();
        let left_out = self.taken(addresses, users.iter().map(|user| user.id.0).collect())?;
        let left_out: BTreeSet<String> = left_out.into_iter().collect();
        let added = users.iter().filter(|user| !left_out.contains(user.email.as_str()));
        Ok(added.map(|user| user.id).collect())
    }

    fn taken_emails(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        let wanted = emails.iter().map(|email| email.as_str().to_owned()).collect();
        let taken = self.taken(wanted, Vec::new())?;
        taken.iter().map(|address| email(address, "users.email")).collect()
    }

    fn work_addresses(&mut self, emails: &[Email]) -> Result<Vec<Email>, StoreError> {
        let wanted = emails.iter().map(|email| email.as_str().to_owned()).collect();
        let found = self.run(|connection| WorkAddresses { wanted }.load::<(String,)>(connection))?;
        found.iter().map(|(address,)| email(address, "employees.email")).collect()
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
