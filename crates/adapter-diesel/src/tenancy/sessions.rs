//! Sessions and their families of refresh tokens.
use diesel::{
    dsl::{exists, insert_into, update},
    prelude::*,
    sql_query,
    sql_types::{Array, Timestamptz, Uuid as SqlUuid},
};
use huntzen_tenancy::{
    StoreError,
    identity::{Device, RefreshRow, Session, SessionState, Sessions},
    ids::{SessionId, UserId},
    token::TokenDigest,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{tokens::digest, users::UserRow};
use crate::{
    schema::{companies, refresh_tokens, sessions, users},
    statement::{Both, HoldingSessions},
    stored::{StoredTimestamp, ToDiesel, instant, one},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    created_at: StoredTimestamp,
    last_used_at: StoredTimestamp,
    expires_at: StoredTimestamp,
    revoked_at: Option<StoredTimestamp>,
    stepped_up_at: Option<StoredTimestamp>,
    user_agent: Option<String>,
    ip: Option<String>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            created_at: row.created_at.to_jiff(),
            last_used_at: row.last_used_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            revoked_at: instant(row.revoked_at),
            stepped_up_at: instant(row.stepped_up_at),
            device: Device { user_agent: row.user_agent, ip: row.ip },
        }
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.0,
            user_id: session.user.0,
            created_at: session.created_at.to_diesel(),
            last_used_at: session.last_used_at.to_diesel(),
            expires_at: session.expires_at.to_diesel(),
            revoked_at: session.revoked_at.map(ToDiesel::to_diesel),
            stepped_up_at: session.stepped_up_at.map(ToDiesel::to_diesel),
            user_agent: session.device.user_agent.clone(),
            ip: session.device.ip.clone(),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
struct RefreshTokenRow {
    sha256: Vec<u8>,
    session_id: Uuid,
    user_id: Uuid,
    issued_at: StoredTimestamp,
    rotated_at: Option<StoredTimestamp>,
}

impl TryFrom<RefreshTokenRow> for RefreshRow {
    type Error = StoreError;

    fn try_from(row: RefreshTokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: digest(row.sha256, "refresh_tokens.sha256")?,
            session: SessionId(row.session_id),
            user: UserId(row.user_id),
            issued_at: row.issued_at.to_jiff(),
            rotated_at: instant(row.rotated_at),
        })
    }
}

impl From<&RefreshRow> for RefreshTokenRow {
    fn from(token: &RefreshRow) -> Self {
        Self {
            sha256: token.digest.0.to_vec(),
            session_id: token.session.0,
            user_id: token.user.0,
            issued_at: token.issued_at.to_diesel(),
            rotated_at: token.rotated_at.map(ToDiesel::to_diesel),
        }
    }
}

/// A session that may not act any more, as the definer function `ended_sessions` tells it.
#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

type StateRow = (SessionRow, UserRow, bool);

fn state((session, user, company_active): StateRow) -> Result<SessionState, StoreError> {
    Ok(SessionState { session: session.into(), user: user.try_into()?, company_active })
}

impl Sessions for PgTx {
    fn add_session(&mut self, session: &Session, token: &RefreshRow) -> Result<(), StoreError> {
        let statement = Both {
            main: insert_into(sessions::table).values(SessionRow::from(session)),
            also: insert_into(refresh_tokens::table).values(RefreshTokenRow::from(token)),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn session(&mut self, id: SessionId, for_update: bool) -> Result<Option<SessionState>, StoreError> {
        let company =
            companies::table.filter(companies::id.nullable().eq(users::company_id)).filter(companies::is_active);
        let query = sessions::table.inner_join(users::table).filter(sessions::id.eq(id.0)).select((
            SessionRow::as_select(),
            UserRow::as_select(),
            users::company_id.is_null().or(exists(company)),
        ));
        let row = self.run(|connection| {
            if for_update {
                // Not the account: whoever writes both holds the account first.
                HoldingSessions(query).get_result::<StateRow>(connection).optional()
            } else {
                query.first::<StateRow>(connection).optional()
            }
        })?;
        row.map(state).transpose()
    }

    fn sessions_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let not_signed_out = users::signed_out_before
            .is_null()
            .or(sessions::created_at.nullable().ge(users::signed_out_before).assume_not_null());
        let query = sessions::table
            .inner_join(users::table)
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(now.to_diesel()))
            .filter(not_signed_out)
            .select(SessionRow::as_select())
            .order((sessions::created_at.desc(), sessions::id.desc()));
        let rows = self.run(|connection| query.load(connection))?;
        Ok(rows.into_iter().map(Session::from).collect())
    }

    fn is_new_device(&mut self, user: UserId, device: &Device) -> Result<bool, StoreError> {
        let same = sessions::user_agent.is_not_distinct_from(device.user_agent.as_deref());
        let query = sessions::table.filter(sessions::user_id.eq(user.0)).select(same).distinct();
        let seen = self.run(|connection| query.load::<bool>(connection))?;
        Ok(!seen.is_empty() && !seen.contains(&true))
    }

    fn step_up(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let live = sessions::table
            .filter(sessions::id.eq(id.0))
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(at.to_diesel()));
        let change = update(live).set(sessions::stepped_up_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|changed| changed > 0)
    }

    fn revoke_session(&mut self, user: UserId, id: SessionId, at: Timestamp) -> Result<bool, StoreError> {
        let live = sessions::table
            .filter(sessions::id.eq(id.0))
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(at.to_diesel()));
        let change = update(live).set(sessions::revoked_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|ended| ended > 0)
    }

    fn revoke_sessions(&mut self, user: UserId, kept: Option<SessionId>, at: Timestamp) -> Result<u64, StoreError> {
        let live = sessions::table
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(at.to_diesel()))
            .filter(sessions::id.nullable().is_distinct_from(kept.map(|kept| kept.0)));
        let change = update(live).set(sessions::revoked_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|ended| ended as u64)
    }

    fn ended_sessions(&mut self, sessions: &[SessionId], now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let asked: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
        let query = sql_query("SELECT id FROM ended_sessions($1, $2)")
            .bind::<Array<SqlUuid>, _>(asked)
            .bind::<Timestamptz, _>(now.to_diesel());
        let rows: Vec<EndedRow> = self.run(|connection| query.load(connection))?;
        Ok(rows.into_iter().map(|row| SessionId(row.id)).collect())
    }

    fn refresh_token(&mut self, digest: TokenDigest) -> Result<Option<RefreshRow>, StoreError> {
        let query = refresh_tokens::table.find(digest.0.to_vec()).select(RefreshTokenRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn rotate_refresh_token(
        &mut self,
        old: TokenDigest,
        new: &RefreshRow,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let at = new.issued_at.to_diesel();
        let prolonged = update(sessions::table.find(new.session.0))
            .set((sessions::last_used_at.eq(at), sessions::expires_at.eq(expires_at.to_diesel())));
        let rotated = update(refresh_tokens::table.find(old.0.to_vec())).set(refresh_tokens::rotated_at.eq(at));
        let issued = insert_into(refresh_tokens::table).values(RefreshTokenRow::from(new));
        self.run(|connection| {
            Both { main: prolonged, also: rotated }.execute(connection)?;
            issued.execute(connection)
        })
        .map(drop)
    }
}
