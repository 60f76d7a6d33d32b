//! The public directory: who takes bookings, and what is said of them.
use huntzen_tenancy::{Origin, Page, PageRequest, Scope, TenancyError, error::Checks, fields, words};

use super::{DirectoryFilter, DirectoryOrder, Practitioner, language_tag};
use crate::{BookingError, BookingPorts, ids::PractitionerId, review::Review, slots::first_free, timetable::Span};

/// How many published reviews a profile shows.
const REVIEWS_SHOWN: u32 = 50;

words! {
    /// The orders of the public directory that may be asked for; by name when none is.
    DirectorySort {
        /// Best average first; those without one last.
        Rating = "RATING",
        /// Longest practice first; those who do not say last.
        Experience = "EXPERIENCE",
        /// Earliest free slot first; those without one last.
        Availability = "AVAILABILITY",
    }
}

/// What everybody may know of a practitioner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicProfile {
    /// The entry.
    pub practitioner: Practitioner,
    /// The latest published reviews, newest first.
    pub reviews: Vec<Review<String>>,
}

/// The use cases of the public directory; nobody needs to be signed in.
#[derive(Clone)]
pub struct Directory {
    ports: BookingPorts,
}

impl Directory {
    /// Over these ports.
    pub fn new(ports: BookingPorts) -> Self {
        Self { ports }
    }

    /// A page of the practitioners who take bookings; ties by id.
    ///
    /// # Errors
    /// `Invalid` for texts that no entry can contain and for what is no language.
    pub fn search(
        &self,
        origin: &Origin,
        filter: &DirectoryFilter,
        sort: Option<DirectorySort>,
        page: PageRequest,
    ) -> Result<Page<Practitioner>, BookingError> {
        let filter = filter.accept()?;
        let scope = Scope::anonymous(origin.clone());
        let order = match sort {
            None => DirectoryOrder::Name,
            Some(DirectorySort::Rating) => DirectoryOrder::Rating,
            Some(DirectorySort::Experience) => DirectoryOrder::Experience,
            Some(DirectorySort::Availability) => {
                return self.by_availability(&scope, &filter, page);
            }
        };
        self.ports.store.run(&scope, |tx| Ok(tx.directory(&filter, order, page)?))
    }

    /// One practitioner who takes bookings, with what was said of them.
    ///
    /// # Errors
    /// `NotFound`, also for one who is not validated or is suspended.
    pub fn profile(&self, origin: &Origin, id: PractitionerId) -> Result<PublicProfile, BookingError> {
        self.ports.store.run(&Scope::anonymous(origin.clone()), |tx| {
            let practitioner = tx.practitioner(id)?.filter(Practitioner::is_public).ok_or(BookingError::NotFound)?;
            let reviews = tx.published_reviews(id, REVIEWS_SHOWN)?;
            Ok(PublicProfile { practitioner, reviews })
        })
    }

    /// The slots are computed between two units of work, so that none is held meanwhile.
    fn by_availability(
        &self,
        scope: &Scope,
        filter: &DirectoryFilter,
        page: PageRequest,
    ) -> Result<Page<Practitioner>, BookingError> {
        let window = self.ports.rules.window(self.ports.clock.now());
        let span = Span::deciding(window.now, window.latest());
        let times = self.ports.store.run(scope, |tx| Ok(tx.times(filter, span)?))?;
        let mut ranked = Vec::with_capacity(times.len());
        for time in &times {
            let zone = time.zone()?;
            let first = first_free(time.timetable(&zone), None, window.now, &window);
            let start = first.map(|slot| slot.starts_at);
            ranked.push((start.is_none(), start, time.practitioner));
        }
        ranked.sort_unstable();
        let total = ranked.len() as u64;
        let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let ids: Vec<_> = ranked.into_iter().skip(skipped).take(page.per_page as usize).map(|(_, _, id)| id).collect();
        let mut entries = match ids.as_slice() {
            [] => Vec::new(),
            ids => self.ports.store.run(scope, |tx| Ok(tx.public_practitioners(ids)?))?,
        };
        entries.sort_by_key(|entry| ids.iter().position(|id| *id == entry.id));
        Ok(Page { items: entries, total })
    }
}

impl DirectoryFilter {
    /// Cleans the filter and refuses what no entry can contain.
    pub(crate) fn accept(&self) -> Result<Self, TenancyError> {
        let mut checks = Checks::default();
        fields::searched(&mut checks, self.specialty.as_deref(), "specialty");
        fields::searched(&mut checks, self.text.as_deref(), "q");
        let language = self
            .language
            .as_deref()
            .and_then(|raw| checks.parsed(language_tag::parse(raw), "language", "invalid_language"));
        checks.finish()?;
        // A blank text asks for nothing in particular.
        let asked = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Ok(Self { specialty: asked(&self.specialty), text: asked(&self.text), language, ..self.clone() })
    }
}
