//! Pages of catalogues and parts of lists that grow for ever.
use huntzen_tenancy::{Cursor, Page, PageRequest, Slice};

/// The page of `rows`, which stand in the list's order.
pub(crate) fn page<T>(rows: Vec<T>, request: PageRequest) -> Page<T> {
    let total = rows.len() as u64;
    let before = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    let items = rows.into_iter().skip(before).take(request.per_page as usize).collect();
    Page { items, total }
}

/// The first `limit` of `rows`, which stand in the list's order strictly after where it goes on,
/// and the place of the last of them when more follow.
pub(crate) fn slice<T>(mut rows: Vec<T>, limit: u32, place: impl Fn(&T) -> Cursor) -> Slice<T> {
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(place);
    Slice { items: rows, next }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn place(id: &u128) -> Cursor {
        Cursor { at: Timestamp::UNIX_EPOCH, id: Uuid::from_u128(*id) }
    }

    #[test]
    fn a_page_counts_all_and_holds_its_own() {
        let second = page(vec!['a', 'b', 'c'], PageRequest { page: 2, per_page: 2 });
        assert_eq!(second, Page { items: vec!['c'], total: 3 });
        let beyond = page(vec!['a'], PageRequest { page: 9, per_page: 2 });
        assert_eq!(beyond, Page { items: vec![], total: 1 });
    }

    #[test]
    fn a_part_says_where_to_go_on_when_there_is_more() {
        assert_eq!(slice(vec![1, 2, 3], 2, place), Slice { items: vec![1, 2], next: Some(place(&2)) });
        assert_eq!(slice(vec![1, 2], 2, place), Slice { items: vec![1, 2], next: None });
        assert_eq!(slice(vec![], 2, place), Slice { items: vec![], next: None });
    }
}
