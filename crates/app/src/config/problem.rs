//! What is wrong with a configuration: names keys, never values.

use std::fmt;

use figment::error::Kind;

use super::short_names::shown_name;

/// The configuration cannot be used; every problem found is listed.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The key, the file or the variable that is wrong.
    pub place: String,
    /// What is expected there; never holds the value.
    pub reason: String,
}

impl Problem {
    /// A problem with the key `section.key`.
    pub(super) fn with_key(key: &str, reason: impl Into<String>) -> Self {
        Self { place: format!("{key} ({})", shown_name(key)), reason: reason.into() }
    }

    /// A problem with a file or a variable as a whole.
    pub(super) fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

impl ConfigError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// What is wrong, in no particular order.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.problems {
            write!(f, "\n  {}: {}", problem.place, problem.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl From<figment::Error> for ConfigError {
    fn from(error: figment::Error) -> Self {
        Self::new(error.into_iter().map(|one| problem_of(&one)).collect())
    }
}

/// Leaves out the value: a password typed into the wrong key must not reach a terminal or a log.
fn problem_of(error: &figment::Error) -> Problem {
    let key = error.path.join(".");
    let reason = match &error.kind {
        // Written by this crate's own field readers and by serde, neither of which quote.
        Kind::Message(message) => message.clone(),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("{expected} is expected")
        }
        Kind::InvalidLength(_, expected) => format!("has a wrong length, {expected} is expected"),
        Kind::UnknownVariant(_, accepted) => format!("one of {} is expected", accepted.join(", ")),
        Kind::UnknownField(_, accepted) => {
            format!("is no known key; known here are {}", accepted.join(", "))
        }
        Kind::MissingField(field) => {
            let key = if key.is_empty() { field.to_string() } else { format!("{key}.{field}") };
            return Problem::with_key(&key, "is required");
        }
        Kind::DuplicateField(_) => "is given twice".to_owned(),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        Kind::Unsupported(_) | Kind::UnsupportedKey(..) => "has a form that is not read".to_owned(),
    };
    Problem::with_key(&key, reason)
}
