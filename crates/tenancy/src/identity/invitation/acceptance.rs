//! Accepting an invitation: the invited person chooses a password and the account is complete.
use secrecy::SecretString;

use super::Invitation;
use crate::{
    TenancyTx,
    audit::Action,
    clock::Clock,
    email::Email,
    error::{Checks, TenancyError},
    identity::{IdentityPorts, User},
    policy::Role,
    scope::{Origin, Scope},
    store::StoreError,
    token::TokenDigest,
};

/// How a person who registers with an invitation calls themself.
pub(in crate::identity) struct Registrant {
    /// The address, which must be the invited one.
    pub email: Email,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

/// The use case of the invited person; it hashes.
#[derive(Clone)]
pub struct InvitationAcceptance {
    ports: IdentityPorts,
}

impl InvitationAcceptance {
    /// Over these ports.
    pub fn new(ports: IdentityPorts) -> Self {
        Self { ports }
    }

    /// Completes the invited account, of whatever role: it has a password, is active and verified.
    ///
    /// # Errors
    /// `Invalid` for `password`; `NotFound` when the token is unknown, used or expired.
    pub fn accept(&self, origin: &Origin, token: &str, password: &SecretString) -> Result<User, TenancyError> {
        self.complete(origin, token, password, None)
    }

    /// The same, for somebody who came through registration.
    ///
    /// # Errors
    /// As `accept`, and `Invalid` for `email` when it is not the invited one.
    pub(in crate::identity) fn complete(
        &self,
        origin: &Origin,
        token: &str,
        password: &SecretString,
        registrant: Option<&Registrant>,
    ) -> Result<User, TenancyError> {
        let mut checks = Checks::default();
        self.ports.check_password(&mut checks, password, None, "password");
        checks.finish()?;

        let digest = TokenDigest::of(token);
        let owner = self.ports.mailed_token_owner(digest, origin)?.ok_or(TenancyError::NotFound)?;
        let scope = Scope::user(owner.actor(), origin.clone());
        let invited = self.ports.store.run(&scope, |tx| {
            let open = tx.invitation(digest)?.is_some_and(|invitation| invitation.is_open(self.ports.clock.as_ref()));
            let user = tx.user(owner.user)?.filter(|user| open && user.password.is_none());
            user.ok_or(TenancyError::NotFound)
        })?;

        let mut checks = Checks::default();
        let same_address = registrant.is_none_or(|registrant| registrant.email == invited.email);
        checks.require(same_address, "email", "invitation_mismatch");
        self.ports.check_password(&mut checks, password, Some(&invited.email), "password");
        checks.finish()?;
        let hashed = self.ports.hasher.hash(password)?;

        let now = self.ports.clock.now();
        self.ports.store.run(&scope, |tx| {
            if !tx.accept_invitation(digest, now)? {
                return Err(TenancyError::NotFound);
            }
            // An invitation completes an account; it never replaces a password.
            let user = tx.user_for_update(owner.user)?.filter(|user| user.password.is_none());
            let mut user = user.ok_or(TenancyError::NotFound)?;
            user.password = Some(hashed);
            user.is_active = true;
            user.email_verified = true;
            user.updated_at = now;
            if let Some(registrant) = registrant {
                rename(tx, &mut user, registrant)?;
            }
            tx.update_user(&user)?;
            tx.record(&self.ports.entry(&scope, now, Action::AcceptInvitation, &user))?;
            Ok(user)
        })
    }
}

/// Takes over the names that the person gave. Practitioners keep those of their profile, which
/// has its own.
fn rename(tx: &mut dyn TenancyTx, user: &mut User, registrant: &Registrant) -> Result<(), TenancyError> {
    if user.role == Role::Practitioner {
        return Ok(());
    }
    user.first_name.clone_from(&registrant.first_name);
    user.last_name.clone_from(&registrant.last_name);
    if user.role != Role::Employee {
        return Ok(());
    }
    if let Some(mut employee) = own_entry(tx, user)? {
        employee.first_name.clone_from(&registrant.first_name);
        employee.last_name.clone_from(&registrant.last_name);
        employee.updated_at = user.updated_at;
        tx.update_employee(&employee)?;
    }
    Ok(())
}

fn own_entry(tx: &mut dyn TenancyTx, user: &User) -> Result<Option<crate::employee::Employee>, StoreError> {
    match tx.employee_of(user.id)? {
        Some(entry) => tx.employee_for_update(entry.id),
        None => Ok(None),
    }
}

impl Invitation {
    /// Whether it can still be accepted.
    fn is_open(&self, clock: &dyn Clock) -> bool {
        self.accepted_at.is_none() && self.expires_at > clock.now()
    }
}
