//! Keeping a journal.
use huntzen_tenancy::{
    Caller, Cursor, Slice, StoreError,
    audit::{Action, Resource},
    error::Checks,
    policy::Permission,
    sealing::{Keeper, KeySubject, Sealed, SecretText},
};
use jiff::{civil::Date, tz::TimeZone};

use super::{JournalEntry, Mood, StoredEntry, Tags, Written};
use crate::{
    ClinicalError, ClinicalPorts, ClinicalTx,
    content::{self, LONG},
    guard,
    ids::JournalEntryId,
    trace::Trace,
};

/// Entries that one search for a tag reads at a time, and altogether. Tags are sealed: no database
/// finds them.
const SEARCHED: u32 = 250;
const SEARCHED_AT_MOST: u32 = 2_000;

/// What an employee writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// What it says: up to 64 KiB in UTF-8.
    pub content: SecretText,
    /// How they feel.
    pub mood: Option<Mood>,
    /// What it is about, as typed.
    pub tags: Vec<SecretText>,
}

/// What changes of an entry; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryChange {
    /// What it says.
    pub content: Option<SecretText>,
    /// How they felt; `Some(None)` forgets it.
    pub mood: Option<Option<Mood>>,
    /// What it is about, as typed.
    pub tags: Option<Vec<SecretText>>,
}

/// The civil days on which the entries asked for were written, both included, in the company's zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// Only on this day or later.
    pub from: Option<Date>,
    /// Only on this day or earlier.
    pub to: Option<Date>,
}

/// The use cases of a journal, for its owner alone. Each leaves a trace without a word of it.
#[derive(Clone)]
pub struct JournalKeeping {
    ports: ClinicalPorts,
}

/// What an entry says, opened.
struct Opened {
    content: Option<SecretText>,
    mood: Option<Mood>,
    tags: Tags,
}

impl JournalKeeping {
    /// Over these ports.
    pub fn new(ports: ClinicalPorts) -> Self {
        Self { ports }
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`.
    pub fn write(&self, caller: &Caller, new: &NewEntry) -> Result<JournalEntry, ClinicalError> {
        guard::require(&caller.actor, Permission::JournalOwnWrite)?;
        let mut checks = Checks::default();
        content::add(&mut checks, &new.content, LONG);
        let tags = Tags::checked(&mut checks, &new.tags);
        checks.finish()?;
        let company = caller.actor.company.ok_or(ClinicalError::NotFound)?;
        self.ports.traced(caller, (Action::Create, Resource::JournalEntry), |tx, trace, now| {
            let mut entry = StoredEntry {
                id: JournalEntryId(self.ports.randomness.uuid_v4()),
                owner: caller.actor.user,
                company,
                version: 1,
                content: Sealed(Vec::new()),
                mood: Sealed(Vec::new()),
                tags: Sealed(Vec::new()),
                created_at: now,
                updated_at: now,
            };
            trace.on(entry.id);
            trace.about(entry.owner, company);
            let key = self.ports.sealer.key(tx, KeySubject::Person(entry.owner), now)?;
            let opened = Opened { content: Some(new.content.clone()), mood: new.mood, tags };
            seal(&self.ports.sealer.keeper(&key)?, &mut entry, &opened)?;
            tx.add_entry(&entry)?;
            Ok(presented(&entry, opened))
        })
    }

    /// One entry.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn one(&self, caller: &Caller, id: JournalEntryId) -> Result<JournalEntry, ClinicalError> {
        guard::require(&caller.actor, Permission::JournalOwnRead)?;
        self.ports.traced(caller, (Action::Read, Resource::JournalEntry), |tx, trace, _| {
            let entry = found(tx, trace, id, false)?;
            let key = self.key(tx, caller)?;
            let opened = open(key.as_ref(), &entry)?;
            Ok(presented(&entry, opened))
        })
    }

    /// A part of the caller's journal, newest first. With a `tag` it may hold fewer entries than
    /// `limit` although there are more: the search stops after 2,000 and says where to go on.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid` when `to` comes before `from`.
    pub fn list(
        &self,
        caller: &Caller,
        days: Days,
        tag: Option<&SecretText>,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<JournalEntry>, ClinicalError> {
        guard::require(&caller.actor, Permission::JournalOwnRead)?;
        let mut checks = Checks::default();
        let ordered = days.from.zip(days.to).is_none_or(|(from, to)| from <= to);
        checks.require(ordered, "to", "before_from");
        checks.finish()?;
        self.ports.traced(caller, (Action::Read, Resource::JournalEntry), |tx, trace, _| {
            if let Some(company) = caller.actor.company {
                trace.about(caller.actor.user, company);
            }
            let written = match days {
                Days { from: None, to: None } => Written::default(),
                bounded => bounded.within(&zone_of(tx, caller)?),
            };
            let key = self.key(tx, caller)?;
            match tag {
                None => {
                    let part = tx.entries(written, cursor, limit)?;
                    let shown = |entry: StoredEntry| Ok(presented(&entry, open(key.as_ref(), &entry)?));
                    let items = part.items.into_iter().map(shown).collect::<Result<_, ClinicalError>>()?;
                    Ok(Slice { items, next: part.next })
                }
                Some(tag) => search(tx, key.as_ref(), (written, tag), cursor, limit),
            }
        })
    }

    /// Changes an entry; an empty change leaves it as it is.
    ///
    /// # Errors
    /// `Forbidden`; `Invalid`; `NotFound`.
    pub fn change(
        &self,
        caller: &Caller,
        id: JournalEntryId,
        change: &EntryChange,
    ) -> Result<JournalEntry, ClinicalError> {
        guard::require(&caller.actor, Permission::JournalOwnWrite)?;
        let mut checks = Checks::default();
        if let Some(content) = &change.content {
            content::add(&mut checks, content, LONG);
        }
        let tags = change.tags.as_ref().map(|tags| Tags::checked(&mut checks, tags));
        checks.finish()?;
        self.ports.traced(caller, (Action::Update, Resource::JournalEntry), |tx, trace, now| {
            let mut entry = found(tx, trace, id, true)?;
            let key = self.ports.sealer.key(tx, KeySubject::Person(entry.owner), now)?;
            let key = self.ports.sealer.keeper(&key)?;
            let mut opened = open(Some(&key), &entry)?;
            if *change == EntryChange::default() {
                return Ok(presented(&entry, opened));
            }
            opened.content = change.content.clone().or(opened.content);
            opened.mood = change.mood.unwrap_or(opened.mood);
            opened.tags = tags.unwrap_or(opened.tags);
            entry.version += 1;
            entry.updated_at = now;
            seal(&key, &mut entry, &opened)?;
            tx.update_entry(&entry)?;
            Ok(presented(&entry, opened))
        })
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub fn delete(&self, caller: &Caller, id: JournalEntryId) -> Result<(), ClinicalError> {
        guard::require(&caller.actor, Permission::JournalOwnWrite)?;
        self.ports.traced(caller, (Action::Delete, Resource::JournalEntry), |tx, trace, _| {
            found(tx, trace, id, true)?;
            tx.delete_entry(id)?.then_some(()).ok_or(ClinicalError::NotFound)
        })
    }

    /// The caller's key; none before the first entry and after the owner's erasure.
    fn key(&self, tx: &mut dyn ClinicalTx, caller: &Caller) -> Result<Option<Keeper>, ClinicalError> {
        let subject = KeySubject::Person(caller.actor.user);
        let key = self.ports.sealer.known_keys(tx, &[subject])?.into_values().next();
        Ok(key.map(|key| self.ports.sealer.keeper(&key)).transpose()?)
    }
}

/// Entries with a tag.
fn search(
    tx: &mut dyn ClinicalTx,
    key: Option<&Keeper>,
    (written, tag): (Written, &SecretText),
    mut cursor: Option<Cursor>,
    limit: u32,
) -> Result<Slice<JournalEntry>, ClinicalError> {
    let mut items = Vec::new();
    for _ in 0..SEARCHED_AT_MOST / SEARCHED {
        let part = tx.entries(written, cursor, SEARCHED)?;
        for entry in part.items {
            let is_wanted = tags(key, &entry)?.contain(tag);
            if is_wanted && items.len() == limit as usize {
                // There is one more: the next part begins with it.
                return Ok(Slice { items, next: cursor });
            }
            cursor = Some(Cursor { at: entry.created_at, id: entry.id.0 });
            if is_wanted {
                items.push(presented(&entry, open(key, &entry)?));
            }
        }
        if part.next.is_none() {
            return Ok(Slice { items, next: None });
        }
    }
    Ok(Slice { items, next: cursor })
}

fn seal(key: &Keeper, entry: &mut StoredEntry, opened: &Opened) -> Result<(), StoreError> {
    let seal = |column, text: &SecretText| key.seal(&entry.place(column), text);
    let content = opened.content.clone().unwrap_or_default();
    let (content, mood, tags) =
        (seal("content", &content)?, seal("mood", &Mood::write(opened.mood))?, seal("tags", &opened.tags.write())?);
    (entry.content, entry.mood, entry.tags) = (content, mood, tags);
    Ok(())
}

fn open(key: Option<&Keeper>, entry: &StoredEntry) -> Result<Opened, StoreError> {
    let open = |column, sealed| key.map(|key| key.open(&entry.place(column), sealed)).transpose();
    let content = open("content", &entry.content)?;
    let mood = open("mood", &entry.mood)?;
    Ok(Opened { content, mood: mood.as_ref().and_then(Mood::read), tags: tags(key, entry)? })
}

fn tags(key: Option<&Keeper>, entry: &StoredEntry) -> Result<Tags, StoreError> {
    let open = |key: &Keeper| key.open(&entry.place("tags"), &entry.tags);
    Ok(key.map(open).transpose()?.as_ref().map(Tags::read).unwrap_or_default())
}

impl Days {
    fn within(self, zone: &TimeZone) -> Written {
        let starts = |day: Date| day.to_zoned(zone.clone()).ok().map(|start| start.timestamp());
        Written {
            from: self.from.and_then(starts),
            until: self.to.and_then(|last| last.tomorrow().ok()).and_then(starts),
        }
    }
}

/// The zone of the caller's company.
fn zone_of(tx: &mut dyn ClinicalTx, caller: &Caller) -> Result<TimeZone, ClinicalError> {
    let employee = tx.eligibility(caller.actor.user)?;
    Ok(employee.and_then(|one| TimeZone::get(&one.timezone).ok()).unwrap_or(TimeZone::UTC))
}

/// The caller's entry with this id; the trace names it either way.
fn found(
    tx: &mut dyn ClinicalTx,
    trace: &mut Trace,
    id: JournalEntryId,
    for_update: bool,
) -> Result<StoredEntry, ClinicalError> {
    trace.on(id);
    let entry = tx.entry(id, for_update)?.ok_or(ClinicalError::NotFound)?;
    trace.about(entry.owner, entry.company);
    Ok(entry)
}

fn presented(entry: &StoredEntry, opened: Opened) -> JournalEntry {
    let StoredEntry { id, created_at, updated_at, .. } = *entry;
    let Opened { content, mood, tags } = opened;
    JournalEntry { id, content, mood, tags, created_at, updated_at }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::{Timestamp, civil::date};

    use super::*;

    #[test]
    fn days_are_those_of_the_company_with_both_ends() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let one = Days { from: Some(date(2027, 3, 28)), to: Some(date(2027, 3, 28)) }.within(&paris);
        let instant = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!((one.from, one.until), (instant("2027-03-27T23:00:00Z"), instant("2027-03-28T22:00:00Z")));
        assert_eq!(Days { from: None, to: Some(Date::MAX) }.within(&paris), Written::default());
    }
}
