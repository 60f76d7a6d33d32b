//! Invitations: how everybody but self-registering employees gets an account.
use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::account::{NewAccount, User, Users};
use crate::{
    audit::{Action, AuditEntry, AuditLog, Resource},
    clock::{Clock, Randomness},
    error::TenancyError,
    ids::{CompanyId, UserId},
    outbox::{Letter, Outbox, sealed_letter, write_letter},
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

    /// Adds the invitations of accounts that have none yet. A store behind a network does it in few
    /// round trips.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn add_invitations(&mut self, invitations: &[Invitation]) -> Result<(), StoreError> {
        invitations.iter().try_for_each(|invitation| self.add_invitation(invitation))
    }

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
    /// `EmailTaken` when the address has an account, or is an employee's work address.
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
    /// `EmailTaken` when the address has an account, or is an employee's work address.
    pub fn add_and_invite_account(
        &self,
        tx: &mut dyn Inviting,
        scope: &Scope,
        account: NewAccount,
    ) -> Result<User, TenancyError> {
        if !tx.work_addresses(std::slice::from_ref(&account.email))?.is_empty() {
            return Err(TenancyError::EmailTaken);
        }
        let user = account.into_user(self.clock.now());
        tx.add_user(&user)?;
        self.invite(tx, scope, user.id, user.role, user.company)?;
        Ok(user)
    }

    /// Adds the accounts whose addresses have none, without passwords, and invites them; answers
    /// which those are.
    ///
    /// # Errors
    /// `Refused` when the scope is not HR's.
    pub fn add_and_invite_all(
        &self,
        tx: &mut dyn Inviting,
        scope: &Scope,
        accounts: Vec<NewAccount>,
    ) -> Result<BTreeSet<UserId>, TenancyError> {
        let now = self.clock.now();
        let users: Vec<User> = accounts.into_iter().map(|account| account.into_user(now)).collect();
        let added: BTreeSet<UserId> = tx.add_users(&users)?.into_iter().collect();
        if added.is_empty() {
            return Ok(added);
        }
        let (mut invitations, mut letters, mut keys, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for user in users.iter().filter(|user| added.contains(&user.id)) {
            let Draft { invitation, token } = self.draft(scope, user.id, user.company, now);
            let named = (self.randomness.uuid_v7(now), now);
            let what = (user.id, letter_to(user.role));
            let (letter, key) = sealed_letter(&self.sealer, named, what, &json!({ "token": token }))?;
            letters.push(letter);
            keys.push(key);
            entries.push(self.entry(scope, &invitation));
            invitations.push(invitation);
        }
        tx.add_invitations(&invitations)?;
        tx.add_data_keys(&keys)?;
        tx.enqueue_all(&letters)?;
        tx.record_all(&entries)?;
        Ok(added)
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
        let Draft { invitation, token } = self.draft(scope, user, company, now);
        tx.add_invitation(&invitation)?;
        let named = (self.randomness.uuid_v7(now), now);
        write_letter(&self.sealer, tx, named, (user, letter_to(role)), &json!({ "token": token }))?;
        tx.record(&self.entry(scope, &invitation))
    }

    fn draft(&self, scope: &Scope, user: UserId, company: Option<CompanyId>, now: Timestamp) -> Draft {
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
        Draft { invitation, token }
    }

    fn entry(&self, scope: &Scope, invitation: &Invitation) -> AuditEntry {
        let (randomness, at) = (self.randomness.as_ref(), invitation.created_at);
        AuditEntry::new(scope, randomness, at, Action::Invite, Resource::User)
            .on(invitation.user)
            .about(invitation.user)
            .within(invitation.company)
    }
}

/// An invitation, with the token that its letter brings.
struct Draft {
    invitation: Invitation,
    token: String,
}

fn letter_to(role: Role) -> Letter {
    if role == Role::Practitioner { Letter::PractitionerInvitation } else { Letter::Invitation }
}
