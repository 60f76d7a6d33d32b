//! Invitations.
use diesel::{
    dsl::{delete, exists, insert_into, select, update},
    prelude::*,
};
use huntzen_tenancy::{
    StoreError,
    identity::{Invitation, Invitations},
    ids::{CompanyId, UserId},
    token::TokenDigest,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::tokens::digest;
use crate::{
    schema::{employees, invitations},
    statement::{Both, MOST_ROWS},
    stored::{StoredTimestamp, ToDiesel, instant, one},
    unit_of_work::PgTx,
};

diesel::allow_tables_to_appear_in_same_query!(employees, invitations);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations, treat_none_as_default_value = false)]
struct InvitationRow {
    id: Uuid,
    user_id: Uuid,
    company_id: Option<Uuid>,
    sha256: Vec<u8>,
    invited_by: Uuid,
    created_at: StoredTimestamp,
    expires_at: StoredTimestamp,
    accepted_at: Option<StoredTimestamp>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;

    fn try_from(row: InvitationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            user: UserId(row.user_id),
            company: row.company_id.map(CompanyId),
            digest: digest(row.sha256, "invitations.sha256")?,
            invited_by: UserId(row.invited_by),
            created_at: row.created_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            accepted_at: instant(row.accepted_at),
        })
    }
}

impl From<&Invitation> for InvitationRow {
    fn from(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            user_id: invitation.user.0,
            company_id: invitation.company.map(|company| company.0),
            sha256: invitation.digest.0.to_vec(),
            invited_by: invitation.invited_by.0,
            created_at: invitation.created_at.to_diesel(),
            expires_at: invitation.expires_at.to_diesel(),
            accepted_at: invitation.accepted_at.map(ToDiesel::to_diesel),
        }
    }
}

impl Invitations for PgTx {
    fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        let earlier = invitations::table
            .filter(invitations::user_id.eq(invitation.user.0))
            .filter(invitations::accepted_at.is_null());
        let statement = Both {
            main: insert_into(invitations::table).values(InvitationRow::from(invitation)),
            also: delete(earlier),
        };
        self.run(|connection| statement.execute(connection)).map(drop)
    }

    fn add_invitations(&mut self, invitations: &[Invitation]) -> Result<(), StoreError> {
        for invitations in invitations.chunks(MOST_ROWS) {
            let rows: Vec<InvitationRow> = invitations.iter().map(InvitationRow::from).collect();
            self.run(|connection| insert_into(invitations::table).values(rows).execute(connection))?;
        }
        Ok(())
    }

    fn invitation(&mut self, digest: TokenDigest) -> Result<Option<Invitation>, StoreError> {
        let query =
            invitations::table.filter(invitations::sha256.eq(digest.0.to_vec())).select(InvitationRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn is_invited(&mut self, user: UserId) -> Result<bool, StoreError> {
        let open =
            invitations::table.filter(invitations::user_id.eq(user.0)).filter(invitations::accepted_at.is_null());
        self.run(|connection| select(exists(open)).get_result(connection))
    }

    fn invited_employees(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError> {
        let beneficiaries = employees::table.filter(employees::company_id.eq(company.0)).select(employees::user_id);
        let query = invitations::table
            .filter(invitations::company_id.eq(company.0))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::user_id.eq_any(beneficiaries))
            .select(invitations::user_id)
            .distinct()
            .order(invitations::user_id);
        let ids = self.run(|connection| query.load::<Uuid>(connection))?;
        Ok(ids.into_iter().map(UserId).collect())
    }

    fn accept_invitation(&mut self, digest: TokenDigest, now: Timestamp) -> Result<bool, StoreError> {
        let usable = invitations::table
            .filter(invitations::sha256.eq(digest.0.to_vec()))
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::expires_at.gt(now.to_diesel()));
        let change = update(usable).set(invitations::accepted_at.eq(now.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|accepted| accepted == 1)
    }

    fn withdraw_invitations(&mut self, user: UserId) -> Result<bool, StoreError> {
        let open =
            invitations::table.filter(invitations::user_id.eq(user.0)).filter(invitations::accepted_at.is_null());
        self.run(|connection| delete(open).execute(connection)).map(|withdrawn| withdrawn > 0)
    }
}
