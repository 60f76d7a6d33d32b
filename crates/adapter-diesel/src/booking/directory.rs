//! The public directory: how practitioners are found and in which order they are shown.
use diesel::{dsl::case_when, pg::Pg, prelude::*};
use huntzen_booking::{
    availability::ConsultationType,
    practitioner::{DirectoryFilter, DirectoryOrder, Practitioner},
};
use huntzen_tenancy::{
    search::{search_key, searched_key},
    words::Words,
};

use crate::{
    schema::{practitioners, speaks},
    stored::containing,
};

/// Reviews that an average takes before it counts in the order.
const REVIEWS_FOR_AN_AVERAGE: i32 = 5;

/// What an entry is found by: names, title and specialties in one key, then each specialty by
/// itself between bars, which no key contains.
pub(super) fn search_text(practitioner: &Practitioner) -> String {
    let mut parts = vec![practitioner.first_name.as_str(), practitioner.last_name.as_str()];
    parts.extend(practitioner.title.as_deref());
    parts.extend(practitioner.specialties.iter().map(String::as_str));
    let mut text = search_key(&parts);
    text.push_str(" |");
    for specialty in &practitioner.specialties {
        text.push_str(&search_key(&[specialty]));
        text.push('|');
    }
    text
}

/// The practitioners that everybody sees.
pub(super) fn public<'a>() -> practitioners::BoxedQuery<'a, Pg> {
    practitioners::table.filter(practitioners::is_validated).filter(practitioners::suspended_at.is_null()).into_boxed()
}

/// Those of them that match.
pub(super) fn matching(filter: &DirectoryFilter) -> practitioners::BoxedQuery<'_, Pg> {
    let mut query = public();
    if let Some(specialty) = &filter.specialty {
        query = query.filter(practitioners::search_text.like(containing(&format!("|{}|", searched_key(specialty)))));
    }
    if let Some(text) = &filter.text {
        query = query.filter(practitioners::search_text.like(containing(&searched_key(text))));
    }
    if let Some(language) = &filter.language {
        query = query.filter(speaks(practitioners::languages, language.as_str()));
    }
    if let Some(profession) = filter.profession {
        query = query.filter(practitioners::profession.eq(profession.as_str()));
    }
    if let Some(accepting) = filter.accepting_new_clients {
        query = query.filter(practitioners::accepting_new_clients.eq(accepting));
    }
    for kind in &filter.offers {
        query = match kind {
            ConsultationType::Video => query.filter(practitioners::offers_video),
            ConsultationType::Audio => query.filter(practitioners::offers_audio),
            ConsultationType::Phone => query.filter(practitioners::offers_phone),
            ConsultationType::Chat => query.filter(practitioners::offers_chat),
        };
    }
    query
}

/// The same in the order that was asked for; ties by id.
pub(super) fn ordered(
    query: practitioners::BoxedQuery<'_, Pg>,
    order: DirectoryOrder,
) -> practitioners::BoxedQuery<'_, Pg> {
    match order {
        DirectoryOrder::Rating => {
            let hundredths = case_when(
                practitioners::review_count.ge(REVIEWS_FOR_AN_AVERAGE),
                practitioners::rating_sum * 100 / practitioners::review_count,
            );
            query.order((hundredths.desc().nulls_last(), practitioners::id))
        }
        DirectoryOrder::Experience => {
            query.order((practitioners::years_of_experience.desc().nulls_last(), practitioners::id))
        }
        DirectoryOrder::Name => query.order((practitioners::last_name, practitioners::first_name, practitioners::id)),
    }
}
