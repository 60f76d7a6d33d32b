//! Invitations.
use std::collections::BTreeSet;

use huntzen_tenancy::{
    StoreError,
    identity::{Invitation, Invitations},
    ids::{CompanyId, UserId},
    token::TokenDigest,
};
use jiff::Timestamp;

use crate::{
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Invitations for MemoryTx {
    fn add_invitation(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            withdraw(viewer, state, invitation.user);
            allow(viewer.handles_invitation(invitation))?;
            require(!state.invitations.contains(&invitation.id), "invitations_pkey")?;
            let is_fresh = state.invitations.rows().all(|held| held.digest != invitation.digest);
            require(is_fresh, "invitations_sha256_key")?;
            let Some(user) = state.users.get(&invitation.user) else {
                return require(false, "invitations_user_id_fkey");
            };
            require(state.users.contains(&invitation.invited_by), "invitations_invited_by_fkey")?;
            let is_theirs = invitation.company.is_none() || invitation.company == user.company;
            require(is_theirs, "invitations_company_user_fkey")?;
            let stored = Invitation {
                created_at: micros(invitation.created_at),
                expires_at: micros(invitation.expires_at),
                accepted_at: invitation.accepted_at.map(micros),
                ..invitation.clone()
            };
            state.invitations.put(invitation.id, stored);
            Ok(())
        })
    }

    fn invitation(&mut self, digest: TokenDigest) -> Result<Option<Invitation>, StoreError> {
        self.read(|viewer, state| {
            let mut invitations = state.invitations.rows();
            invitations.find(|held| held.digest == digest && viewer.handles_invitation(held)).cloned()
        })
    }

    fn is_invited(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.read(|viewer, state| state.invitations.rows().any(|held| is_open_for(viewer, held, user)))
    }

    fn invited_employees(&mut self, company: CompanyId) -> Result<Vec<UserId>, StoreError> {
        self.read(|viewer, state| {
            let invited: BTreeSet<UserId> = state
                .invitations
                .rows()
                .filter(|held| {
                    held.company == Some(company) && held.accepted_at.is_none() && viewer.handles_invitation(held)
                })
                .map(|held| held.user)
                .collect();
            let employees = state.employees.rows().filter(|row| row.company == company && viewer.sees_employee(row));
            let listed: BTreeSet<UserId> = employees.map(|row| row.user).collect();
            invited.intersection(&listed).copied().collect()
        })
    }

    fn accept_invitation(&mut self, digest: TokenDigest, now: Timestamp) -> Result<bool, StoreError> {
        let now = micros(now);
        self.write(|viewer, state| {
            let is_open = |held: &Invitation| {
                held.digest == digest
                    && held.accepted_at.is_none()
                    && held.expires_at > now
                    && viewer.handles_invitation(held)
            };
            Ok(state.invitations.change(is_open, |held| held.accepted_at = Some(now)) == 1)
        })
    }

    fn withdraw_invitations(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.write(|viewer, state| Ok(withdraw(viewer, state, user) > 0))
    }
}

fn withdraw(viewer: &Viewer, state: &mut State, user: UserId) -> u64 {
    state.invitations.remove_where(|held| is_open_for(viewer, held, user))
}

fn is_open_for(viewer: &Viewer, held: &Invitation, user: UserId) -> bool {
    held.user == user && held.accepted_at.is_none() && viewer.handles_invitation(held)
}
