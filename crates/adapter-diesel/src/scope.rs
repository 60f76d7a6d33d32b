//! How a scope becomes the settings that row security reads.
use huntzen_tenancy::scope::ScopeKind;

/// The text that begins a transaction and confines it. All five settings are local to the
/// transaction, so that a pooled connection never carries them on; each is a word of ours, a UUID
/// or hexadecimal. An e-mail is somebody else's text and is set by a bound parameter instead.
pub(crate) fn beginning(kind: &ScopeKind) -> String {
    let (role, user, company, token) = match kind {
        ScopeKind::Anonymous => ("ANONYMOUS".to_owned(), String::new(), String::new(), String::new()),
        ScopeKind::SignIn(_) => ("SIGN_IN".to_owned(), String::new(), String::new(), String::new()),
        ScopeKind::Token(digest) => ("TOKEN".to_owned(), String::new(), String::new(), digest.to_hex()),
        ScopeKind::User(actor) => {
            let company = actor.company.map(|company| company.to_string()).unwrap_or_default();
            (actor.role.to_string(), actor.user.to_string(), company, String::new())
        }
        ScopeKind::Worker(job) => (format!("worker:{job}"), String::new(), String::new(), String::new()),
    };
    format!(
        "BEGIN; SELECT set_config('huntzen.role', '{role}', true), set_config('huntzen.user', '{user}', true), \
         set_config('huntzen.company', '{company}', true), set_config('huntzen.token', '{token}', true), \
         set_config('huntzen.email', '', true)"
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::{
        Actor, Job,
        email::Email,
        ids::{CompanyId, UserId},
        policy::Role,
        token::TokenDigest,
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_scope_sets_all_five() {
        let actor = Actor {
            user: UserId(Uuid::from_u128(1)),
            role: Role::Employee,
            company: Some(CompanyId(Uuid::from_u128(2))),
            session: None,
        };
        for (kind, role) in [
            (ScopeKind::Anonymous, "'ANONYMOUS'"),
            (ScopeKind::SignIn(Email::parse("a@b.example").unwrap()), "'SIGN_IN'"),
            (ScopeKind::Token(TokenDigest([7; 32])), "'TOKEN'"),
            (ScopeKind::User(actor), "'EMPLOYEE'"),
            (ScopeKind::Worker(Job::EndForgotten), "'worker:end-forgotten'"),
        ] {
            let text = beginning(&kind);
            assert!(text.starts_with("BEGIN; ") && text.contains(&format!("'huntzen.role', {role}, true")), "{text}");
            assert_eq!(text.matches("set_config('huntzen.").count(), 5);
            assert_eq!(text.matches(", true)").count(), 5, "a setting would outlive its transaction: {text}");
        }
    }

    #[test]
    fn an_address_never_enters_the_text() {
        let kind = ScopeKind::SignIn(Email::parse("o'neil@b.example").unwrap());
        assert!(!beginning(&kind).contains("neil"));
    }
}
