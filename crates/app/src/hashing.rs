//! Passwords hashed on threads that give way to every other: a storm of sign-ins takes idle time first.
use std::{
    io,
    panic::resume_unwind,
    thread::{Builder, scope},
};

use huntzen_tenancy::{
    TenancyError,
    identity::{HashedPassword, PasswordHasher},
};
#[cfg(target_os = "linux")]
use rustix::process::{getpriority_process, setpriority_process};
use secrecy::SecretString;

/// How far hashing gives way (POSIX `nice`). Against a busy thread of the usual weight it still gets a quarter
/// of a core on Linux, so that people can sign in to a server that has all hands full.
const NICENESS: i32 = 5;
/// What a thread needs that only hashes: bcrypt keeps 4 KiB of state.
const STACK: usize = 128 * 1024;

/// A hasher whose work gives way to everything else that the process does.
///
/// How many work at once is the business of the lane that the use case runs in.
pub struct GivingWay<H>(pub H);

impl<H: PasswordHasher> PasswordHasher for GivingWay<H> {
    fn hash(&self, password: &SecretString) -> Result<HashedPassword, TenancyError> {
        apart(|| self.0.hash(password))
    }

    fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
        apart(|| self.0.matches(password, hash))
    }
}

/// Works on a thread of its own, since one that has given way may not come back without a privilege: the
/// use case's own thread asks the database next, and must not hold a connection for long.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, TenancyError> + Send) -> Result<T, TenancyError> {
    scope(|scope| {
        let thread = Builder::new()
            .name("hashing".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || {
                if let Err(error) = give_way() {
                    tracing::debug!(error = &error as &dyn std::error::Error, "hashing at the usual priority");
                }
                work()
            })
            .map_err(|error| TenancyError::Hashing(Box::new(error)))?;
        thread.join().unwrap_or_else(|panicked| resume_unwind(panicked))
    })
}

/// Lowers the priority of this thread alone, which is what Linux does for `who` 0, unlike POSIX.
#[cfg(target_os = "linux")]
fn give_way() -> io::Result<()> {
    if getpriority_process(None)? < NICENESS {
        setpriority_process(None, NICENESS)?;
    }
    Ok(())
}

/// Elsewhere the call is for the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::{panic::catch_unwind, sync::Mutex, thread::current};

    use super::*;

    /// Remembers the name and the niceness of the thread that it is asked on.
    #[derive(Default)]
    struct Watched(Mutex<Vec<(Option<String>, i32)>>);

    impl Watched {
        fn look(&self) {
            let niceness = getpriority_process(None).unwrap();
            self.0.lock().unwrap().push((current().name().map(str::to_owned), niceness));
        }
    }

    impl PasswordHasher for Watched {
        fn hash(&self, _: &SecretString) -> Result<HashedPassword, TenancyError> {
            self.look();
            Ok(HashedPassword::from_stored("hashed".to_owned()))
        }

        fn matches(&self, password: &SecretString, hash: Option<&HashedPassword>) -> Result<bool, TenancyError> {
            self.look();
            assert!(hash.is_some(), "on purpose");
            Ok(secrecy::ExposeSecret::expose_secret(password) == hash.map_or("", HashedPassword::as_str))
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn hashing_gives_way_and_the_caller_does_not() {
        let before = getpriority_process(None).unwrap();
        let hasher = GivingWay(Watched::default());
        let hash = hasher.hash(&SecretString::from("word")).unwrap();
        assert!(hasher.matches(&SecretString::from("hashed"), Some(&hash)).unwrap());
        assert!(!hasher.matches(&SecretString::from("other"), Some(&hash)).unwrap());
        // A process that is nicer than that already stays so.
        let lowered = (Some("hashing".to_owned()), before.max(NICENESS));
        assert_eq!(*hasher.0.0.lock().unwrap(), vec![lowered; 3]);
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let hasher = GivingWay(Watched::default());
        let panicked = catch_unwind(std::panic::AssertUnwindSafe(|| hasher.matches(&SecretString::from("word"), None)));
        assert!(panicked.is_err());
    }
}
