//! What practitioners do with their own entry.
use huntzen_tenancy::{
    Caller,
    audit::{Action, Resource},
    policy::Permission,
};

use super::{Practitioner, ProfileChange};
use crate::{BookingError, BookingPorts};

/// The use cases of practitioners over their own entry.
#[derive(Clone)]
pub struct OwnProfile {
    ports: BookingPorts,
}

impl OwnProfile {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// The caller's entry.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn get(&self, caller: &Caller) -> Result<Practitioner, BookingError> {
        caller.actor.require(Permission::PractitionerOwn)?;
        self.ports.store.run(&caller.scope(), |tx| tx.practitioner_of(caller.actor.user)?.ok_or(BookingError::NotFound))
    }

    /// Changes the caller's entry.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`.
    pub fn change(&self, caller: &Caller, change: &ProfileChange) -> Result<Practitioner, BookingError> {
        caller.actor.require(Permission::PractitionerOwn)?;
        let change = change.accept()?;
        let (now, scope, user) = (self.ports.clock.now(), caller.scope(), caller.actor.user);
        self.ports.store.run(&scope, |tx| {
            let id = tx.practitioner_of(user)?.ok_or(BookingError::NotFound)?.id;
            // Another zone moves every slot, and whether new clients are taken decides about
            // bookings: nobody may be booking meanwhile.
            tx.hold_calendar(id)?;
            let mut practitioner = tx.practitioner_for_update(id)?.ok_or(BookingError::NotFound)?;
            change.apply(&mut practitioner, now);
            tx.update_practitioner(&practitioner)?;
            let entry = self.ports.entry(&scope, now, Action::Update, Resource::Practitioner);
            tx.record(&entry.on(id).about(user))?;
            Ok(practitioner)
        })
    }
}
