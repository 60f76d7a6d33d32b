//! What administrators do with practitioners: invite, list, validate, suspend.
use huntzen_tenancy::{
    Caller, Page, PageRequest, TenancyError,
    audit::{Action, Resource},
    error::Checks,
    fields,
    identity::{Inviter, NewAccount},
    ids::UserId,
    policy::{Permission, Role},
};
use jiff::Timestamp;

use super::{
    Practitioner, Profession,
    change::{TITLE, languages, specialties, timezone},
};
use crate::{BookingError, BookingPorts, ids::PractitionerId};

const REGISTRATION_NUMBER: usize = 40;
/// Where most practitioners of the service work.
const USUAL_ZONE: &str = "Europe/Paris";

/// Whom an administrator invites; texts as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPractitioner {
    /// The address that they will sign in with.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// What they are by training.
    pub profession: Profession,
    /// How they are addressed.
    pub title: Option<String>,
    /// Their number in the professional register.
    pub registration_number: Option<String>,
    /// What they know best; at most 20.
    pub specialties: Vec<String>,
    /// Languages of consultation (BCP 47); at most 10.
    pub languages: Vec<String>,
    /// Their IANA zone; `Europe/Paris` when absent.
    pub timezone: Option<String>,
}

/// The use cases of administrators over practitioners.
#[derive(Clone)]
pub struct PractitionerAdministration {
    ports: BookingPorts,
    inviter: Inviter,
}

impl PractitionerAdministration {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        let inviter = Inviter::new(ports.clock.clone(), ports.randomness.clone(), ports.sealer.clone());
        Self { ports, inviter }
    }

    /// Makes an account and an entry, and invites. The entry is public once it is validated.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `EmailTaken`.
    pub fn invite(&self, caller: &Caller, new: &NewPractitioner) -> Result<Practitioner, BookingError> {
        caller.actor.require(Permission::PractitionersManage)?;
        let (account, practitioner) = self.accept(new)?;
        let scope = caller.scope();
        self.ports.store.run(&scope, |tx| {
            self.inviter.add_and_invite(tx, &scope, account)?;
            tx.add_practitioner(&practitioner)?;
            let at = practitioner.created_at;
            let entry = self.ports.entry(&scope, at, Action::Create, Resource::Practitioner);
            tx.record(&entry.on(practitioner.id).about(practitioner.user))?;
            Ok(practitioner)
        })
    }

    /// A page of all practitioners, by name.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn list(&self, caller: &Caller, page: PageRequest) -> Result<Page<Practitioner>, BookingError> {
        self.page(caller, false, page)
    }

    /// A page of those who were never validated, by name.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn pending(&self, caller: &Caller, page: PageRequest) -> Result<Page<Practitioner>, BookingError> {
        self.page(caller, true, page)
    }

    /// Lets a practitioner take bookings, and lifts a suspension. Repeating changes nothing but
    /// whether the documents were checked.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn validate(
        &self,
        caller: &Caller,
        id: PractitionerId,
        documents_verified: bool,
    ) -> Result<Practitioner, BookingError> {
        self.edit(caller, id, Action::Validate, |practitioner, now| {
            practitioner.is_validated = true;
            practitioner.validated_at = practitioner.validated_at.or(Some(now));
            practitioner.suspended_at = None;
            practitioner.documents_verified = documents_verified;
        })
    }

    /// Keeps a practitioner from taking anything new; what is booked stands. Repeating changes
    /// nothing.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn suspend(&self, caller: &Caller, id: PractitionerId) -> Result<Practitioner, BookingError> {
        self.edit(caller, id, Action::Suspend, |practitioner, now| {
            practitioner.suspended_at = practitioner.suspended_at.or(Some(now));
        })
    }

    fn page(&self, caller: &Caller, pending: bool, page: PageRequest) -> Result<Page<Practitioner>, BookingError> {
        caller.actor.require(Permission::PractitionersManage)?;
        self.ports.store.run(&caller.scope(), |tx| Ok(tx.practitioners(pending, page)?))
    }

    /// Writes an entry when `edit` changes it. The calendar is held: whoever is booking then is
    /// either done, or sees the new standing.
    fn edit(
        &self,
        caller: &Caller,
        id: PractitionerId,
        action: Action,
        edit: impl FnOnce(&mut Practitioner, Timestamp),
    ) -> Result<Practitioner, BookingError> {
        caller.actor.require(Permission::PractitionersManage)?;
        let (now, scope) = (self.ports.clock.now(), caller.scope());
        self.ports.store.run(&scope, |tx| {
            tx.hold_calendar(id)?;
            let before = tx.practitioner_for_update(id)?.ok_or(BookingError::NotFound)?;
            let mut practitioner = before.clone();
            edit(&mut practitioner, now);
            if practitioner != before {
                practitioner.updated_at = now;
                tx.update_practitioner(&practitioner)?;
                let entry = self.ports.entry(&scope, now, action, Resource::Practitioner);
                tx.record(&entry.on(id).about(practitioner.user))?;
            }
            Ok(practitioner)
        })
    }

    /// The account and the entry that `new` asks for, once its every field is valid.
    fn accept(&self, new: &NewPractitioner) -> Result<(NewAccount, Practitioner), TenancyError> {
        let mut checks = Checks::default();
        let to = &mut checks;
        let email = fields::email(to, &new.email, "email");
        let first_name = fields::name(to, &new.first_name, "firstName");
        let last_name = fields::name(to, &new.last_name, "lastName");
        let title = fields::optional(to, new.title.as_deref(), "title", TITLE);
        let number = new.registration_number.as_deref();
        let registration_number = fields::optional(to, number, "registrationNumber", REGISTRATION_NUMBER);
        let specialties = specialties(to, &new.specialties);
        let languages = languages(to, &new.languages);
        let timezone = timezone(to, new.timezone.as_deref().unwrap_or(USUAL_ZONE));
        let email = checks.pass(email)?;
        let now = self.ports.clock.now();
        let user = UserId(self.ports.randomness.uuid_v7(now));
        let account = NewAccount {
            id: user,
            company: None,
            email,
            role: Role::Practitioner,
            first_name: first_name.clone(),
            last_name: last_name.clone(),
        };
        let practitioner = Practitioner {
            id: PractitionerId(self.ports.randomness.uuid_v7(now)),
            user,
            first_name,
            last_name,
            title,
            profession: new.profession,
            registration_number,
            specialties,
            languages,
            bio: None,
            years_of_experience: None,
            offers_video: true,
            offers_audio: true,
            offers_phone: true,
            offers_chat: true,
            accepting_new_clients: true,
            timezone,
            is_validated: false,
            validated_at: None,
            suspended_at: None,
            documents_verified: false,
            rating_sum: 0,
            review_count: 0,
            avatar: None,
            created_at: now,
            updated_at: now,
        };
        Ok((account, practitioner))
    }
}
