//! One-time tokens, and whom a token of any kind belongs to.
use diesel::{
    dsl::{insert_into, update},
    prelude::*,
    sql_types::{self, Bytea, Nullable, Text},
};
use huntzen_tenancy::{
    StoreError,
    email::Email,
    identity::{OneTimePurpose, OneTimeToken, OneTimeTokens, TokenOwner},
    ids::{CompanyId, SessionId, UserId},
    token::TokenDigest,
    words::Words,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    schema::one_time_tokens,
    statement::{Both, statement},
    stored::{ToDiesel, email, readable, word},
    unit_of_work::PgTx,
};

/// The digest in `column`.
pub(super) fn digest(bytes: Vec<u8>, column: &'static str) -> Result<TokenDigest, StoreError> {
    readable(bytes.try_into().ok().map(TokenDigest), column)
}

statement! {
    /// The owner of the token that the scope names; the function answers for no other.
    FindOwner { digest: Vec<u8> } -> (sql_types::Uuid, Nullable<sql_types::Uuid>, Text, Nullable<sql_types::Uuid>);
    "SELECT user_id, company_id, role, session_id FROM token_owner(", digest as Bytea; ")"
}

type OwnerRow = (Uuid, Option<Uuid>, String, Option<Uuid>);

impl OneTimeTokens for PgTx {
    fn token_owner(&mut self, digest: TokenDigest) -> Result<Option<TokenOwner>, StoreError> {
        let query = FindOwner { digest: digest.0.to_vec() };
        let row = self.run(|connection| query.get_result::<OwnerRow>(connection).optional())?;
        row.map(|(user, company, role, session)| {
            Ok(TokenOwner {
                user: UserId(user),
                role: word(&role, "users.role")?,
                company: company.map(CompanyId),
                session: session.map(SessionId),
            })
        })
        .transpose()
    }

    fn add_one_time_token(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        let earlier = one_time_tokens::table
            .filter(one_time_tokens::user_id.eq(token.user.0))
            .filter(one_time_tokens::purpose.eq(token.purpose.as_str()))
            .filter(one_time_tokens::used_at.is_null());
        let statement = Both {
            main: insert_into(one_time_tokens::table).values((
                one_time_tokens::sha256.eq(token.digest.0.to_vec()),
                one_time_tokens::user_id.eq(token.user.0),
                one_time_tokens::purpose.eq(token.purpose.as_str()),
                one_time_tokens::email.eq(token.email.as_ref().map(Email::as_str)),
                one_time_tokens::created_at.eq(token.created_at.to_diesel()),
                one_time_tokens::expires_at.eq(token.expires_at.to_diesel()),
            )),
            also: update(earlier).set(one_time_tokens::used_at.eq(token.created_at.to_diesel())),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn token_email(&mut self, digest: TokenDigest) -> Result<Option<Email>, StoreError> {
        let query = one_time_tokens::table.find(digest.0.to_vec()).select(one_time_tokens::email);
        let found = self.run(|connection| query.first::<Option<String>>(connection).optional())?;
        found.flatten().map(|address| email(&address, "one_time_tokens.email")).transpose()
    }

    fn void_one_time_tokens(
        &mut self,
        user: UserId,
        purposes: &[OneTimePurpose],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let words: Vec<&str> = purposes.iter().map(|purpose| purpose.as_str()).collect();
        let open = one_time_tokens::table
            .filter(one_time_tokens::user_id.eq(user.0))
            .filter(one_time_tokens::purpose.eq_any(words))
            .filter(one_time_tokens::used_at.is_null());
        let change = update(open).set(one_time_tokens::used_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(drop)
    }

    fn use_one_time_token(
        &mut self,
        digest: TokenDigest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let usable = one_time_tokens::table
            .filter(one_time_tokens::sha256.eq(digest.0.to_vec()))
            .filter(one_time_tokens::purpose.eq(purpose.as_str()))
            .filter(one_time_tokens::used_at.is_null())
            .filter(one_time_tokens::expires_at.gt(now.to_diesel()));
        let change = update(usable).set(one_time_tokens::used_at.eq(now.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|used| used == 1)
    }
}
