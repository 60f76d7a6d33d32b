//! Invitations: how everybody but self-registering employees gets an account.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::account::{NewAccount, User, Users};
use crate::{
    audit::{Action, AuditEntry, AuditLog, Resource},
    clock::{Clock, Randomness},
    error::TenancyError,
    ids::{CompanyId, UserId},
    outbox::{Letter, Outbox, write_letter},
    policy::Role,
    scope::Scope,
    sealing::{DataKeys, Sealer},
    store::StoreError,
    token::{TokenDigest, fresh_token},
};

mod acceptance;
pub use acceptance::InvitationAcceptance;
pub(super) use acceptance::Registrant;

/// How long an invitation can be accepted.
const VALIDITY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation to complete an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// The account that it completes.
    pub user: UserId,
    /// The account's company.
    pub company: Option<CompanyId>,
    /// The mailed token's digest.
    pub digest: TokenDigest,
    /// Who invited; the invited person when they asked for the letter again.
    pub invited_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
}

/// Invitations. A user scope sees its own; HR and administrators those that they may make.
pub trait Invitations {
    /// Adds an invitation and voids the earlier ones of the same account that were not accepted.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), StoreError>;

    /// The invitation with this token.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn invitation(&mut self, digest: TokenDigest) -> Result<Option<Invitation>, StoreError>;

    /// Whether the account has an invitation that was not accepted, expired ones included.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn is_invited(&mut self, user: UserId) -> Result<bool, StoreError>;

    /// The accounts of `company`'s employees with an invitation that was not accepted.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn invited_employees(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError>;

    /// Uses an invitation up at `now`: exactly one caller of many gets `true`.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn accept_invitation(&mut self, digest: TokenDigest, now: Timestamp) -> Result<bool, StoreError>;

    /// Deletes the invitations of `user` that were not accepted; answers whether there were any.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn withdraw_invitations(&mut self, user: UserId) -> Result<bool, StoreError>;
}

/// The ports that inviting takes.
pub trait Inviting: Users + Invitations + Outbox + DataKeys + AuditLog {}
impl<T: Users + Invitations + Outbox + DataKeys + AuditLog> Inviting for T {}

/// Makes invitations, inside the unit of work of whoever invites.
#[derive(Clone)]
pub struct Inviter {
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    sealer: Sealer,
}

impl Inviter {
    /// Over this clock and randomness; letters are sealed by `sealer`.
    pub fn new(clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>, sealer: Sealer) -> Self {
        Self { clock, randomness, sealer }
    }

    /// Adds the account, without a password, and invites it.
    ///
    /// # Errors
    /// `EmailTaken` when the address has an account.
    pub fn add_and_invite(
        &self,
        tx: &mut dyn Inviting,
        scope: &Scope,
        account: NewAccount,
    ) -> Result<UserId, TenancyError> {
        Ok(self.add_and_invite_account(tx, scope, account)?.id)
    }

    /// The same, answering the account.
    ///
    /// # Errors
    /// `EmailTaken` when the address has an account.
    pub fn add_and_invite_account(
        &self,
        tx: &mut dyn Inviting,
        scope: &Scope,
        account: NewAccount,
    ) -> Result<User, TenancyError> {
        let user = account.into_user(self.clock.now());
        tx.add_user(&user)?;
        self.invite(tx, scope, user.id, user.role, user.company)?;
        Ok(user)
    }

    /// Mails an account without a password a fresh invitation; earlier ones are void.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn invite(
        &self,
        tx: &mut dyn Inviting,
        scope: &Scope,
        user: UserId,
        role: Role,
        company: Option<CompanyId>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let token = fresh_token(self.randomness.as_ref());
        let invitation = Invitation {
            id: self.randomness.uuid_v7(now),
            user,
            company,
            digest: TokenDigest::of(&token),
            invited_by: scope.actor().map_or(user, |actor| actor.user),
            created_at: now,
            expires_at: now + VALIDITY,
            accepted_at: None,
        };
        tx.add_invitation(&invitation)?;
        let letter = if role == Role::Practitioner { Letter::PractitionerInvitation } else { Letter::Invitation };
        let named = (self.randomness.uuid_v7(now), now);
        write_letter(&self.sealer, tx, named, (user, letter), &json!({ "token": token }))?;
        let entry = AuditEntry::new(scope, self.randomness.as_ref(), now, Action::Invite, Resource::User);
        tx.record(&entry.on(user).about(user).within(company))
    }
}
