//! The guard that bars administrators from everything clinical, whatever their permissions.
use huntzen_tenancy::{
    Actor,
    policy::{Forbidden, Permission, Role},
};

/// Passes the roles that may stand inside the clinical scope at all. It asks no permission table,
/// so that no entry of one can open it (defence in depth; Code de la santé publique L1110-4).
///
/// # Errors
/// `Forbidden` for operators, administrators and HR.
pub fn admit(actor: &Actor) -> Result<(), Forbidden> {
    match actor.role {
        Role::Practitioner | Role::Employee => Ok(()),
        Role::SuperAdmin | Role::AdminHuntzen | Role::AdminRh => Err(Forbidden),
    }
}

/// Passes whoever stands inside the clinical scope and has this permission besides.
///
/// # Errors
/// `Forbidden`.
pub fn require(actor: &Actor, permission: Permission) -> Result<(), Forbidden> {
    admit(actor)?;
    actor.require(permission)
}

#[cfg(test)]
mod tests {
    use huntzen_tenancy::{ids::UserId, words::Words};

    use super::*;

    #[test]
    fn only_participants_roles_pass() {
        let passes =
            |role| admit(&Actor { user: UserId(uuid::Uuid::nil()), role, company: None, session: None }).is_ok();
        let admitted: Vec<Role> = Role::ALL.iter().copied().filter(|role| passes(*role)).collect();
        assert_eq!(admitted, [Role::Practitioner, Role::Employee]);
    }
}
