//! The directory of practitioners.
use std::cmp::Reverse;

use huntzen_booking::{
    BookingError,
    ids::PractitionerId,
    practitioner::{DirectoryFilter, DirectoryOrder, Practitioner, Practitioners},
};
use huntzen_tenancy::{
    Page, PageRequest, StoreError,
    files::{FileType, StoredFile},
    ids::UserId,
    policy::Role,
    search::{search_key, searched_key},
};

use crate::{
    paging::page,
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Practitioners for MemoryTx {
    fn add_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError> {
        self.write(|viewer, state| {
            allow(viewer.writes_practitioner(practitioner))?;
            require(!state.practitioners.contains(&practitioner.id), "practitioners_pkey")?;
            let is_new = state.practitioners.rows().all(|held| held.user != practitioner.user);
            require(is_new, "practitioners_user_id_key")?;
            require(state.users.contains(&practitioner.user), "practitioners_user_id_fkey")?;
            let row = Practitioner { rating_sum: 0, review_count: 0, avatar: None, ..stored(practitioner) };
            state.practitioners.put(row.id, row);
            Ok(())
        })
    }

    fn update_practitioner(&mut self, practitioner: &Practitioner) -> Result<(), BookingError> {
        let is_found = self.write(|viewer, state| {
            let held = state.practitioners.get(&practitioner.id);
            let Some(held) =
                held.filter(|held| viewer.writes_practitioner(held) && !state.erased.contains(&held.user)).cloned()
            else {
                return Ok(false);
            };
            let changed = Practitioner {
                user: held.user,
                rating_sum: held.rating_sum,
                review_count: held.review_count,
                avatar: held.avatar,
                created_at: held.created_at,
                ..stored(practitioner)
            };
            if (&held.first_name, &held.last_name) != (&changed.first_name, &changed.last_name) {
                let names = (&changed.first_name, &changed.last_name);
                state.name_account(changed.user, names, changed.updated_at);
            }
            spread_standing(state, &changed);
            state.practitioners.put(changed.id, changed);
            Ok::<_, BookingError>(true)
        })?;
        if is_found { Ok(()) } else { Err(BookingError::NotFound) }
    }

    fn practitioner(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError> {
        self.read(|viewer, state| {
            state
                .practitioners
                .get(&id)
                .filter(|row| viewer.sees_practitioner(row) && !is_hidden(viewer, state, row))
                .cloned()
        })
    }

    fn practitioner_for_update(&mut self, id: PractitionerId) -> Result<Option<Practitioner>, StoreError> {
        self.read(|viewer, state| {
            state
                .practitioners
                .get(&id)
                .filter(|row| viewer.writes_practitioner(row) && !state.erased.contains(&row.user))
                .cloned()
        })
    }

    fn practitioner_of(&mut self, user: UserId) -> Result<Option<Practitioner>, StoreError> {
        self.read(|viewer, state| {
            state
                .practitioners
                .rows()
                .find(|row| row.user == user && viewer.sees_practitioner(row) && !is_hidden(viewer, state, row))
                .cloned()
        })
    }

    fn practitioners(&mut self, pending: bool, request: PageRequest) -> Result<Page<Practitioner>, StoreError> {
        self.read(|viewer, state| {
            let is_wanted = |row: &&Practitioner| {
                viewer.sees_practitioner(row)
                    && !is_hidden(viewer, state, row)
                    && (!pending || row.validated_at.is_none())
            };
            let mut rows: Vec<&Practitioner> = state.practitioners.rows().filter(is_wanted).collect();
            rows.sort_by_key(|row| (&row.last_name, &row.first_name, row.id));
            cloned(page(rows, request))
        })
    }

    fn directory(
        &mut self,
        filter: &DirectoryFilter,
        order: DirectoryOrder,
        request: PageRequest,
    ) -> Result<Page<Practitioner>, StoreError> {
        let wanted = Wanted::of(filter);
        self.read(|_, state| {
            let mut rows: Vec<&Practitioner> = state.practitioners.rows().filter(|row| wanted.takes(row)).collect();
            match order {
                DirectoryOrder::Rating => rows.sort_by_key(|row| (Reverse(row.average_rating_hundredths()), row.id)),
                DirectoryOrder::Experience => rows.sort_by_key(|row| (Reverse(row.years_of_experience), row.id)),
                DirectoryOrder::Name => rows.sort_by_key(|row| (&row.last_name, &row.first_name, row.id)),
            }
            cloned(page(rows, request))
        })
    }

    fn public_practitioners(&mut self, ids: &[PractitionerId]) -> Result<Vec<Practitioner>, StoreError> {
        self.read(|_, state| {
            let public = state.practitioners.rows().filter(|row| row.is_public() && ids.contains(&row.id));
            public.cloned().collect()
        })
    }
}

/// Whoever was erased is out of administrators' sight.
fn is_hidden(viewer: &Viewer, state: &State, row: &Practitioner) -> bool {
    viewer.is(Role::AdminHuntzen) && state.erased.contains(&row.user)
}

/// A filter of the public directory, with its texts as they are compared.
pub(crate) struct Wanted<'a> {
    filter: &'a DirectoryFilter,
    specialty: Option<String>,
    text: Option<String>,
}

impl<'a> Wanted<'a> {
    /// What `filter` asks for.
    pub(crate) fn of(filter: &'a DirectoryFilter) -> Self {
        let key = |text: &Option<String>| text.as_deref().map(searched_key);
        Self { filter, specialty: key(&filter.specialty), text: key(&filter.text) }
    }

    /// Whether the entry is public and matches.
    pub(crate) fn takes(&self, row: &Practitioner) -> bool {
        let filter = self.filter;
        row.is_public()
            && filter.profession.is_none_or(|profession| row.profession == profession)
            && filter.offers.iter().all(|kind| row.offers(*kind))
            && filter.accepting_new_clients.is_none_or(|accepting| row.accepting_new_clients == accepting)
            && filter.language.as_ref().is_none_or(|asked| row.languages.iter().any(|spoken| speaks(spoken, asked)))
            && self.specialty.as_ref().is_none_or(|key| row.specialties.iter().any(|own| search_key(&[own]) == *key))
            && self.text.as_ref().is_none_or(|key| found_under(row).contains(key))
    }
}

/// Whether a language (BCP 47) is the one asked for, or a regional form of it.
fn speaks(spoken: &str, asked: &str) -> bool {
    let (spoken, asked) = (spoken.to_ascii_lowercase(), asked.to_ascii_lowercase());
    spoken.strip_prefix(&asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn found_under(row: &Practitioner) -> String {
    let mut parts = vec![row.first_name.as_str(), row.last_name.as_str()];
    parts.extend(row.title.as_deref());
    parts.extend(row.specialties.iter().map(String::as_str));
    search_key(&parts)
}

/// Rules, exceptions and the picture are as public as their practitioner.
fn spread_standing(state: &mut State, practitioner: &Practitioner) {
    let (id, standing) = (practitioner.id.0, practitioner.is_public());
    let is_other = |row_id, is_public: bool| row_id == id && is_public != standing;
    state.rules.change(|row| is_other(row.rule.practitioner_id(), row.is_public), |row| row.is_public = standing);
    state.exceptions.change(|row| is_other(row.own.practitioner_id(), row.is_public), |row| row.is_public = standing);
    let is_picture = |file: &StoredFile| file.owner == practitioner.user && file.kind == FileType::Avatar;
    state.files.change(is_picture, |file| file.is_public = standing);
}

fn cloned(page: Page<&Practitioner>) -> Page<Practitioner> {
    Page { items: page.items.into_iter().cloned().collect(), total: page.total }
}

fn stored(practitioner: &Practitioner) -> Practitioner {
    Practitioner {
        validated_at: practitioner.validated_at.map(micros),
        suspended_at: practitioner.suspended_at.map(micros),
        created_at: micros(practitioner.created_at),
        updated_at: micros(practitioner.updated_at),
        ..practitioner.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_language_matches_its_regions() {
        assert!(speaks("fr", "FR"));
        assert!(speaks("fr-CA", "fr"));
        assert!(!speaks("fr", "fr-CA"));
        assert!(!speaks("fra", "fr"));
    }
}
