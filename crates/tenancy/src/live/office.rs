//! Issuing and redeeming the single-use tickets that open a socket from a browser.
use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};

use super::Tickets;
use crate::{
    TenancyStore,
    audit::{Action, AuditEntry, Resource},
    clock::{Clock, Randomness},
    error::TenancyError,
    policy::Permission,
    scope::{Actor, Caller},
    token::{TokenDigest, fresh_token},
};

/// How long a ticket can be used.
pub const TICKET_VALIDITY: SignedDuration = SignedDuration::from_secs(30);

/// A ticket as its holder gets it, once.
#[derive(Debug)]
pub struct IssuedTicket {
    /// 256 random bits in lower-case hexadecimal.
    pub ticket: SecretString,
    /// How long it can be used.
    pub expires_in: SignedDuration,
}

/// The ticket use cases.
#[derive(Clone)]
pub struct TicketOffice {
    store: Arc<dyn TenancyStore>,
    tickets: Arc<dyn Tickets>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl TicketOffice {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        tickets: Arc<dyn Tickets>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self { store, tickets, clock, randomness }
    }

    /// A ticket for the caller's session. The trail has its line before the ticket is good.
    ///
    /// # Errors
    /// `Forbidden`, or `StoreError`.
    pub fn issue(&self, caller: &Caller) -> Result<IssuedTicket, TenancyError> {
        caller.actor.require(Permission::AccountOwn)?;
        let (scope, now) = (caller.scope(), self.clock.now());
        let ticket = SecretString::from(fresh_token(self.randomness.as_ref()));
        let entry = AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::IssueTicket, Resource::Session);
        let entry = entry.about(caller.actor.user).within(caller.actor.company);
        let entry = match caller.actor.session {
            Some(session) => entry.on(session),
            None => entry,
        };
        self.store.run(&scope, |tx| Ok(tx.record(&entry)?))?;
        self.tickets.issue(TokenDigest::of(ticket.expose_secret()), caller.actor, now, now + TICKET_VALIDITY)?;
        Ok(IssuedTicket { ticket, expires_in: TICKET_VALIDITY })
    }

    /// Uses a ticket up and tells whose it was: exactly one caller of many gets `Some`. Unknown,
    /// used and expired ones are `None`. Whether the session still lives is another question.
    ///
    /// # Errors
    /// `StoreError` alone.
    pub fn redeem(&self, ticket: &str) -> Result<Option<Actor>, TenancyError> {
        Ok(self.tickets.take(TokenDigest::of(ticket), self.clock.now())?)
    }
}
