//! How a scope becomes the settings that row security reads.
use huntzen_tenancy::{Job, scope::ScopeKind};

/// The text that begins a transaction and confines it. `SET LOCAL` ends with the transaction, so
/// that a pooled connection never carries a scope on; unlike a `SELECT set_config(…)` of the same
/// effect it needs no planning. Each value is a word of ours, a UUID or hexadecimal. An e-mail is
/// somebody else's text and is set by a bound parameter instead.
pub(crate) fn beginning(kind: &ScopeKind) -> String {
    let (role, user, company, token) = match kind {
        ScopeKind::Anonymous => ("ANONYMOUS".to_owned(), String::new(), String::new(), String::new()),
        ScopeKind::SignIn(_) => ("SIGN_IN".to_owned(), String::new(), String::new(), String::new()),
        ScopeKind::Token(digest) => ("TOKEN".to_owned(), String::new(), String::new(), digest.to_hex()),
        ScopeKind::User(actor) => {
            let company = actor.company.map(|company| company.to_string()).unwrap_or_default();
            (actor.role.to_string(), actor.user.to_string(), company, String::new())
        }
        ScopeKind::Worker(job) => (role_of(*job), String::new(), String::new(), String::new()),
    };
    let planning = planning(kind);
    format!(
        "BEGIN; SET LOCAL huntzen.role = '{role}'; SET LOCAL huntzen.\"user\" = '{user}'; \
         SET LOCAL huntzen.company = '{company}'; SET LOCAL huntzen.token = '{token}'; \
         SET LOCAL huntzen.email = ''; SET LOCAL jit = off{planning}"
    )
}

/// The role as which a job works. What is a job's alone asks for it, since the policies show the
/// same rows to others as well.
pub(crate) fn role_of(job: Job) -> String {
    format!("worker:{job}")
}

/// How PostgreSQL plans. What requests ask reaches an index whatever the values, so that one plan
/// a statement serves all of them: left to itself, the server would plan some anew each time, which
/// costs more than running them. Jobs sweep by status through partial indexes, which only a plan
/// for the values at hand can use.
fn planning(kind: &ScopeKind) -> &'static str {
    match kind {
        ScopeKind::Anonymous | ScopeKind::SignIn(_) | ScopeKind::Token(_) | ScopeKind::User(_) => {
            "; SET LOCAL plan_cache_mode = force_generic_plan"
        }
        ScopeKind::Worker(_) => "",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use huntzen_tenancy::{
        Actor,
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
            assert!(text.starts_with("BEGIN; ") && text.contains(&format!("huntzen.role = {role};")), "{text}");
            assert_eq!(text.matches("SET LOCAL huntzen.").count(), 5, "{text}");
            assert_eq!(text.matches("SET ").count(), text.matches("SET LOCAL ").count(), "one would outlive: {text}");
        }
    }

    #[test]
    fn an_address_never_enters_the_text() {
        let kind = ScopeKind::SignIn(Email::parse("o'neil@b.example").unwrap());
        assert!(!beginning(&kind).contains("neil"));
    }
}
