//! What goes past the API: the audit trail, accounts as they are stored, and the language of one that
//! cannot sign in yet.
use huntzen_tenancy::{
    Job, Origin, Scope,
    audit::{AuditEntry, Outcome},
    email::Email,
    identity::User,
    words::Words,
};
use uuid::Uuid;

use super::ApiWorld;

impl ApiWorld {
    /// Every entry of the audit trail about the resource with this id, oldest first.
    pub fn trail(&self, resource: &str) -> Vec<AuditEntry> {
        let resource: Uuid = resource.parse().unwrap();
        self.world.tenancy.run(&Scope::worker(Job::Audit), |tx| Ok(tx.trail(resource)?)).unwrap()
    }

    /// What was done to the resource with this id, oldest first; a refusal has an exclamation mark.
    pub fn done_to(&self, resource: &str) -> Vec<String> {
        let told = |entry: AuditEntry| match entry.outcome {
            Outcome::Success => entry.action.as_str().to_owned(),
            Outcome::Refused => format!("{}!", entry.action.as_str()),
        };
        self.trail(resource).into_iter().map(told).collect()
    }

    /// The account with this address, as it is stored.
    pub fn account(&self, address: &str) -> User {
        let email = Email::parse(address).unwrap();
        let scope = Scope::sign_in(email.clone(), Origin::default());
        self.world.tenancy.run(&scope, |tx| Ok(tx.user_by_email(&email)?)).unwrap().unwrap()
    }

    /// Has somebody prefer another language for their letters.
    pub fn prefers(&self, address: &str, language: &str) {
        let user = User { language: language.to_owned(), ..self.account(address) };
        let scope = Scope::user(user.actor(None), Origin::default());
        self.world.tenancy.run(&scope, |tx| tx.update_user(&user)).unwrap();
    }
}
