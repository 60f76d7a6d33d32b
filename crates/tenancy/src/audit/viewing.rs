//! Reading the trail: operators with everybody who consults hidden, a person what concerns them.
use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{Action, AuditEntry, Outcome, Resource, checkpoint::CheckpointSigner};
use crate::{
    TenancyError, TenancyStore, TenancyTx,
    clock::{Clock, Randomness},
    error::Checks,
    ids::{CompanyId, UserId},
    policy::{Permission, Role},
    scope::{Caller, Job, Scope},
    store::{Cursor, Slice, StoreError},
};

/// Days that one request looks at. What lies before is a further part.
const DAYS: u16 = 31;

impl Resource {
    /// Whether an entry on it tells that somebody consults.
    pub fn is_about_care(self) -> bool {
        match self {
            Self::Consultation
            | Self::Review
            | Self::ClinicalNote
            | Self::JournalEntry
            | Self::Conversation
            | Self::Call
            | Self::Preferences
            | Self::Metrics
            // Who exchanges attachments consults.
            | Self::File => true,
            Self::User
            | Self::Session
            | Self::Company
            | Self::Employee
            | Self::Practitioner
            | Self::Availability
            | Self::AvailabilityException
            | Self::Article
            | Self::News
            | Self::DataKey
            | Self::AuditTrail
            | Self::Backup
            | Self::Route => false,
        }
    }
}

/// Which entries an operator asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this.
    pub action: Option<Action>,
    /// Only on this.
    pub resource: Option<Resource>,
    /// Only by this account, and on accounts and administration alone.
    pub actor: Option<UserId>,
    /// Only in this tenant, and on accounts and administration alone.
    pub company: Option<CompanyId>,
}

impl AuditFilter {
    /// Whether entries about care can be among what is asked for: never those of one account or of
    /// one company, whose numbers alone would tell who consults.
    fn includes_care(&self) -> bool {
        self.actor.is_none() && self.company.is_none() && self.resource.is_none_or(Resource::is_about_care)
    }

    fn includes_others(&self) -> bool {
        self.resource.is_none_or(|resource| !resource.is_about_care())
    }
}

/// Who did something, as far as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenActor {
    /// An account.
    Account(UserId),
    /// Somebody who consults, or whom somebody consults: the same within a day.
    Pseudonym(String),
}

/// An entry as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEntry {
    /// Its id; another one when it is about care.
    pub id: Uuid,
    /// When; the day's beginning when it is about care.
    pub at: Timestamp,
    /// Who; `None` for the system and for strangers.
    pub actor: Option<SeenActor>,
    /// The actor's role then.
    pub actor_role: Option<Role>,
    /// What was done.
    pub action: Action,
    /// To what kind of thing.
    pub resource: Resource,
    /// To which one; `None` when it is about care.
    pub resource_id: Option<Uuid>,
    /// In which tenant; `None` when it is about care.
    pub company: Option<CompanyId>,
    /// How it ended.
    pub outcome: Outcome,
    /// In which request; `None` when it is about care.
    pub request_id: Option<String>,
    /// From where; `None` when it is about care.
    pub ip: Option<String>,
}

/// An entry as the person whose data it touched sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The role of who did it; `None` for the system.
    pub role: Option<Role>,
    /// The name of who did it: one's own, or a practitioner's. Administrators are told by their role.
    pub name: Option<String>,
    /// What was done.
    pub action: Action,
    /// To what kind of thing.
    pub resource: Resource,
}

/// Reading the trail.
pub trait AuditView {
    /// Entries on accounts and administration from the first of these instants to before the second,
    /// newest first. `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn entries_on_others(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Entries about care within the same bounds, after so many of them, in an order that tells nothing
    /// of when they were written: by their ids read backwards. `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn entries_about_care(
        &mut self,
        filter: &AuditFilter,
        bounds: (Timestamp, Timestamp),
        after: u32,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// When the last entry before this instant was written. `Job::Audit` alone.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn last_entry_before(&mut self, at: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// A part of the entries that touched the acting account's data, newest first.
    ///
    /// # Errors
    /// `StoreError` alone.
    fn access_log(&mut self, cursor: Option<Cursor>, limit: u32) -> Result<Slice<AccessLine>, StoreError>;
}

/// The use cases of reading the trail.
#[derive(Clone)]
pub struct AuditReading {
    store: Arc<dyn TenancyStore>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    signer: Arc<dyn CheckpointSigner>,
}

impl AuditReading {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn TenancyStore>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        signer: Arc<dyn CheckpointSigner>,
    ) -> Self {
        Self { store, clock, randomness, signer }
    }

    /// A part of the trail, newest day first; within a day what is about accounts and
    /// administration, newest first, and behind it what is about care, which has no instant but the
    /// day and is shown once the day is over (UTC): whoever looked again and again would see it come.
    /// A part looks at 31 days at most and may hold less than `limit`, or nothing, before the end.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` when the last day comes before the first.
    pub fn entries(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        days: (Option<Date>, Option<Date>),
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<SeenEntry>, TenancyError> {
        caller.actor.require(Permission::AuditLogsRead)?;
        let mut checks = Checks::default();
        let ordered = days.0.zip(days.1).is_none_or(|(from, to)| from <= to);
        checks.require(ordered, "endDate", "before_from");
        checks.finish()?;
        self.trace(caller)?;
        let from = days.0.map_or(Timestamp::UNIX_EPOCH, |day| starts(day).max(Timestamp::UNIX_EPOCH));
        let until = days.1.and_then(|day| day.tomorrow().ok()).map_or(Timestamp::MAX, starts);
        self.store.run(&Scope::worker(Job::Audit), |tx| {
            let today = day_of(self.clock.now());
            let signer = self.signer.as_ref();
            let mut part = Part { filter, signer, today, limit: limit as usize, items: Vec::new() };
            let mut place = Place::of(cursor, until);
            for _ in 0..DAYS {
                let Some(day) = place.day(tx, from)? else {
                    return Ok(Slice { items: part.items, next: None });
                };
                if let Some(next) = part.take_day(tx, day, (from, until), &place)? {
                    return Ok(Slice { items: part.items, next: Some(next) });
                }
                place = Place { before: starts(day), within: None };
            }
            let next = Cursor { at: place.before, id: Uuid::max() };
            Ok(Slice { items: part.items, next: Some(next) })
        })
    }

    /// A part of what was done to the caller's data, newest first.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn own_access(
        &self,
        caller: &Caller,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<AccessLine>, TenancyError> {
        caller.actor.require(Permission::AccessLogOwn)?;
        self.store.run(&caller.scope(), |tx| Ok(tx.access_log(cursor, limit)?))
    }

    /// Leaves a line of its own about whoever reads the trail, or has it verified.
    ///
    /// # Errors
    /// `Forbidden`; those of the store.
    pub fn trace(&self, caller: &Caller) -> Result<(), TenancyError> {
        caller.actor.require(Permission::AuditLogsRead)?;
        let (now, scope) = (self.clock.now(), caller.scope());
        let entry = AuditEntry::new(&scope, self.randomness.as_ref(), now, Action::Read, Resource::AuditTrail);
        self.store.run(&scope, |tx| Ok(tx.record(&entry)?))
    }
}

/// Where a part goes on.
struct Place {
    /// On the day of the last entry before this instant, or within that day.
    before: Timestamp,
    /// Within the day of `before`.
    within: Option<Within>,
}

enum Within {
    /// After this entry on accounts or administration.
    Others(Cursor),
    /// After so many entries about care.
    Care(u32),
}

impl Place {
    /// A cursor holds the instant and the id of an entry, or the beginning of a day with a count, or
    /// with the greatest id for all of that day.
    fn of(cursor: Option<Cursor>, until: Timestamp) -> Self {
        let Some(cursor) = cursor else { return Self { before: until, within: None } };
        let number = cursor.id.as_u128();
        match u32::try_from(number) {
            Ok(count) => Self { before: cursor.at, within: Some(Within::Care(count)) },
            // Of a whole day: an instant within it would be a question that a client made up.
            Err(_) if number == u128::MAX => Self { before: starts(day_of(cursor.at)).min(until), within: None },
            Err(_) => Self { before: cursor.at, within: Some(Within::Others(cursor)) },
        }
    }

    fn day(&self, tx: &mut dyn TenancyTx, from: Timestamp) -> Result<Option<Date>, StoreError> {
        if self.within.is_some() {
            return Ok(Some(day_of(self.before)));
        }
        Ok(tx.last_entry_before(self.before)?.filter(|at| *at >= from).map(day_of))
    }
}

/// What has been found so far.
struct Part<'a> {
    filter: &'a AuditFilter,
    signer: &'a dyn CheckpointSigner,
    today: Date,
    limit: usize,
    items: Vec<SeenEntry>,
}

impl Part<'_> {
    /// Takes what fits of a day; answers where to go on when it is full.
    fn take_day(
        &mut self,
        tx: &mut dyn TenancyTx,
        day: Date,
        (from, until): (Timestamp, Timestamp),
        place: &Place,
    ) -> Result<Option<Cursor>, StoreError> {
        let begins = starts(day);
        let ends = day.tomorrow().map_or(Timestamp::MAX, starts);
        let bounds = (begins.max(from), ends.min(until));
        let (before, mut after) = match place.within {
            Some(Within::Others(cursor)) => (Some(cursor), 0),
            Some(Within::Care(count)) => (None, count),
            None => (None, 0),
        };
        let is_past_others = matches!(place.within, Some(Within::Care(_)));
        if self.filter.includes_others() && !is_past_others {
            let found = tx.entries_on_others(self.filter, bounds, before, self.room())?;
            for entry in found {
                if self.items.len() == self.limit {
                    return Ok(self.items.last().map(|last| Cursor { at: last.at, id: last.id }));
                }
                self.items.push(in_full(entry));
            }
        }
        if self.filter.includes_care() && day < self.today {
            let found = tx.entries_about_care(self.filter, bounds, after, self.room())?;
            for entry in found {
                if self.items.len() == self.limit {
                    return Ok(Some(Cursor { at: begins, id: Uuid::from_u128(after.into()) }));
                }
                self.items.push(self.hidden(&entry, day));
                after += 1;
            }
        }
        Ok(None)
    }

    /// How many fit, and one more to tell whether there are more.
    fn room(&self) -> u32 {
        u32::try_from(self.limit - self.items.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn hidden(&self, entry: &AuditEntry, day: Date) -> SeenEntry {
        let pseudonym = |user| SeenActor::Pseudonym(self.signer.pseudonym(user, &day.to_string()));
        SeenEntry {
            id: self.signer.entry_pseudonym(entry.id),
            at: starts(day),
            actor: entry.actor.map(pseudonym),
            actor_role: entry.actor_role,
            action: entry.action,
            resource: entry.resource,
            resource_id: None,
            company: None,
            outcome: entry.outcome,
            request_id: None,
            ip: None,
        }
    }
}

fn in_full(entry: AuditEntry) -> SeenEntry {
    SeenEntry {
        id: entry.id,
        at: entry.at,
        actor: entry.actor.map(SeenActor::Account),
        actor_role: entry.actor_role,
        action: entry.action,
        resource: entry.resource,
        resource_id: entry.resource_id,
        company: entry.company,
        outcome: entry.outcome,
        request_id: Some(entry.request_id),
        ip: entry.ip,
    }
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a day begins, in UTC.
fn starts(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |start| start.timestamp())
}
