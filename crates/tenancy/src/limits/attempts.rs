//! The limit on guessing: failed attempts at a password, a code or a token, whether it exists or not; and that on
//! letters to somebody who may not have asked for them.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Bound, Network, SharedTallies, Standing, Taken, TallyKeys};
use crate::{
    clock::Clock,
    email::Email,
    error::{FieldError, TenancyError},
    ids::UserId,
    token::TokenDigest,
};

/// How many attempts may fail in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRules {
    /// From one network at one account or token.
    pub per_account_network: u32,
    /// At one account or token, from everywhere together.
    pub per_account: u32,
    /// From one network, at all of them together.
    pub per_network: u32,
    /// The window.
    pub window: SignedDuration,
}

/// What is being guessed. Each is counted apart from the others: who guesses passwords from a network, or
/// at an account, must not keep the people there from staying signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secret {
    /// A password, with its code, of whoever is not signed in.
    SignIn,
    /// The same of whoever is, and has to prove to be there.
    Proof,
    /// A refresh token.
    RefreshToken,
    /// A token of a letter.
    OneTimeToken,
    /// Which addresses have accounts.
    Registration,
    /// A ticket that opens a socket.
    Ticket,
}

/// What keeps the tallies of letters apart from those of secrets.
const LETTERS: u8 = b'L';

/// Letters that somebody else than their recipient may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedLetter {
    /// The link to choose another password.
    NewPassword,
    /// That to confirm an address, once more.
    Confirmation,
    /// Those that come of registering: to confirm the address, or an invitation.
    Registration,
    /// The one that a new address of an account gets.
    NewAddress,
}

impl AskedLetter {
    const fn mark(self) -> u8 {
        match self {
            Self::NewPassword => b'P',
            Self::Confirmation => b'C',
            Self::Registration => b'R',
            Self::NewAddress => b'N',
        }
    }

    /// Whether nobody gets it but who has an account with that very address. Other spellings of a mailbox must not
    /// count for its owner then: nothing would have been sent.
    const fn goes_to_accounts_alone(self) -> bool {
        match self {
            Self::NewPassword | Self::Confirmation => true,
            Self::Registration | Self::NewAddress => false,
        }
    }
}

impl Secret {
    /// What keeps its tallies apart.
    const fn mark(self) -> u8 {
        match self {
            Self::SignIn => b'S',
            Self::Proof => b'P',
            Self::RefreshToken => b'R',
            Self::OneTimeToken => b'O',
            Self::Registration => b'A',
            Self::Ticket => b'T',
        }
    }

    /// Whether an attempt costs whoever makes it something: the time of a hash, or a session.
    const fn is_dear(self) -> bool {
        match self {
            Self::SignIn | Self::Proof => true,
            Self::RefreshToken | Self::OneTimeToken | Self::Registration | Self::Ticket => false,
        }
    }

    /// Whether the attempt was a wrong guess. Whoever knows the secret and is refused for another reason
    /// has not failed, and whoever sent nonsense has not tried.
    fn is_missed(self, refusal: &TenancyError) -> bool {
        match self {
            Self::SignIn => is_wrong_proof(refusal),
            Self::Proof => {
                let wrong = FieldError::new("currentPassword", "wrong_password");
                is_wrong_proof(refusal) || matches!(refusal, TenancyError::Invalid(fields) if fields.contains(&wrong))
            }
            Self::RefreshToken => {
                matches!(refusal, TenancyError::InvalidRefreshToken | TenancyError::RefreshReused(_))
            }
            Self::OneTimeToken | Self::Ticket => matches!(refusal, TenancyError::NotFound),
            Self::Registration => matches!(refusal, TenancyError::EmailTaken | TenancyError::NoEligibleCompany),
        }
    }
}

fn is_wrong_proof(refusal: &TenancyError) -> bool {
    matches!(refusal, TenancyError::InvalidCredentials | TenancyError::InvalidCode)
}

/// An attempt at a secret: of whom, and from where. It holds a digest of the account's address, or of the
/// token, and neither itself.
#[derive(Clone, Copy, Debug)]
pub struct Guess {
    secret: Secret,
    of: TokenDigest,
    from: Network,
}

impl Guess {
    /// At the password of the account with this address, as it was typed.
    pub fn at_sign_in(email: &str, from: Network) -> Self {
        Self { secret: Secret::SignIn, of: address(email), from }
    }

    /// At whether the address, as it was typed, has an account.
    pub fn at_registration(email: &str, from: Network) -> Self {
        Self { secret: Secret::Registration, of: address(email), from }
    }

    /// At the password or a code of the account that is signed in.
    pub fn at_proof(user: UserId, from: Network) -> Self {
        Self { secret: Secret::Proof, of: TokenDigest::of(&user.0.to_string()), from }
    }

    /// At a refresh token. Nobody knows whose one is that does not exist, so the token stands for its account.
    pub fn at_refresh_token(token: &str, from: Network) -> Self {
        Self { secret: Secret::RefreshToken, of: TokenDigest::of(token), from }
    }

    /// At the token of a letter; the same.
    pub fn at_one_time_token(token: &str, from: Network) -> Self {
        Self { secret: Secret::OneTimeToken, of: TokenDigest::of(token), from }
    }

    /// At a ticket; the same.
    pub fn at_ticket(ticket: &str, from: Network) -> Self {
        Self { secret: Secret::Ticket, of: TokenDigest::of(ticket), from }
    }
}

/// The digest of an address in the one spelling that accounts have, or as it is when it is none.
fn address(typed: &str) -> TokenDigest {
    Email::parse(typed).map_or_else(|| TokenDigest::of(typed), |email| TokenDigest::of(email.as_str()))
}

/// The digest of the mailbox behind an address: many servers deliver `name+anything` to `name`.
fn mailbox(typed: &str) -> TokenDigest {
    let Some(email) = Email::parse(typed) else { return TokenDigest::of(typed) };
    let name = email.local_part().split('+').next().unwrap_or_default();
    TokenDigest::of(&format!("{name}@{}", email.domain()))
}

/// What failed attempts are counted with.
#[derive(Clone)]
pub struct AttemptPorts {
    /// Tallies of guesses that are dear: at a password, which is compared by hashing, or by whoever is signed in.
    pub passwords: SharedTallies,
    /// Those of guesses that cost nothing, each at another token or address if its sender likes. Apart: there may be
    /// no end of these, and they must not push the others out.
    pub tokens: SharedTallies,
    /// Makes their keys.
    pub keys: Arc<dyn TallyKeys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Stands in front of every use case in which a secret can be guessed.
#[derive(Clone)]
pub struct FailedAttempts {
    ports: AttemptPorts,
    rules: Option<AttemptRules>,
}

impl FailedAttempts {
    /// Over these ports; without rules nothing is limited.
    pub fn new(ports: AttemptPorts, rules: Option<AttemptRules>) -> Self {
        Self { ports, rules }
    }

    /// Whether `refuse_if_full` answers without waiting for anything.
    pub fn is_at_hand(&self) -> bool {
        let AttemptPorts { passwords, tokens, .. } = &self.ports;
        self.rules.is_none() || (passwords.is_at_hand() && tokens.is_at_hand())
    }

    /// Makes an attempt, unless too many have failed. It counts before it begins, so that of any number at
    /// once no more can fail than may, and is given back when it does not fail. Success makes forget what
    /// failed before from the same network at the same account.
    ///
    /// # Errors
    /// `TooManyAttempts` without making the attempt; else what it refuses with.
    pub fn guard<T>(&self, guess: Guess, attempt: impl FnOnce() -> Result<T, TenancyError>) -> Result<T, TenancyError> {
        let Some(rules) = self.rules else { return attempt() };
        let now = self.ports.clock.now();
        let bounds = self.bounds(rules, guess);
        let (tallies, taken) = self.tallies(guess).take(&bounds, rules.window, now)?;
        let portions = match taken {
            Taken::Granted(_, portions) => portions,
            Taken::Refused(standing) => return Err(refusal(standing, now)),
        };
        let outcome = attempt();
        let [Bound { key: both, .. }, ..] = bounds;
        let given_back = match &outcome {
            Ok(_) => tallies.give_back(portions.get(1..).unwrap_or_default(), Some(both)),
            Err(refusal) if guess.secret.is_missed(refusal) => Ok(()),
            Err(_) => tallies.give_back(&portions, None),
        };
        // What could not be given back is over with its window; the attempt itself is not undone by it.
        drop(given_back);
        outcome
    }

    /// Has a letter sent to an address that whoever asks has not proved to own, unless as many of its kind went there
    /// as may fail from one network at one account. Each counts, whoever asks from wherever, and whether or not anybody
    /// has the address. Strangers cannot fill a mailbox, and the link of the last letter stays good for the rest of the
    /// window. Each kind is counted apart, or asking for one that is never sent would keep its owner from another.
    /// What goes to any address counts for the mailbox behind it.
    ///
    /// # Errors
    /// `TooManyAttempts` without sending it; else what it refuses with, and then it does not count.
    pub fn letter<T>(
        &self,
        kind: AskedLetter,
        to: &str,
        send: impl FnOnce() -> Result<T, TenancyError>,
    ) -> Result<T, TenancyError> {
        let Some(rules) = self.rules else { return send() };
        let now = self.ports.clock.now();
        let to = if kind.goes_to_accounts_alone() { address(to) } else { mailbox(to) };
        let spelt = [&[LETTERS, kind.mark()], to.0.as_slice()].concat();
        let key = self.ports.keys.key(&spelt);
        let bound = Bound { key, most: rules.per_account_network };
        let (tallies, taken) = self.ports.tokens.take(&[bound], rules.window, now)?;
        let portions = match taken {
            Taken::Granted(_, portions) => portions,
            Taken::Refused(standing) => return Err(refusal(standing, now)),
        };
        send().inspect_err(|_| {
            // What could not be given back is over with its window.
            drop(tallies.give_back(&portions, None));
        })
    }

    /// Refuses what `guard` would refuse anyway, before the attempt waits for its turn.
    ///
    /// # Errors
    /// `TooManyAttempts`.
    pub fn refuse_if_full(&self, guess: Guess) -> Result<(), TenancyError> {
        let Some(rules) = self.rules else { return Ok(()) };
        let now = self.ports.clock.now();
        let bounds = self.bounds(rules, guess);
        self.tallies(guess).full(&bounds, now)?.map_or(Ok(()), |standing| Err(refusal(standing, now)))
    }

    /// The tallies that a guess is counted with.
    fn tallies(&self, guess: Guess) -> &SharedTallies {
        if guess.secret.is_dear() { &self.ports.passwords } else { &self.ports.tokens }
    }

    /// The tallies of a guess: of account and network together, of the account, of the network.
    fn bounds(&self, rules: AttemptRules, guess: Guess) -> [Bound; 3] {
        let Network(from) = guess.from;
        let mark = [guess.secret.mark()];
        // Every spelling has a length of its own, so that no two mean the same.
        let bound = |account: &[u8], network: &[u8], most| {
            let spelt = [mark.as_slice(), account, network].concat();
            Bound { key: self.ports.keys.key(&spelt), most }
        };
        [
            bound(&guess.of.0, &from, rules.per_account_network),
            bound(&guess.of.0, &[], rules.per_account),
            bound(&[], &from, rules.per_network),
        ]
    }
}

fn refusal(standing: Standing, now: Timestamp) -> TenancyError {
    TenancyError::TooManyAttempts { most: standing.most, seconds: standing.wait(now) }
}
