//! Reading stored values back: words, numbers and instants as the domains know them.
use huntzen_tenancy::{Cursor, Slice, StoreError, email::Email, words::Words};
use jiff::{Timestamp, civil::Time};

pub(crate) use jiff_diesel::{Date as StoredDate, Timestamp as StoredTimestamp, ToDiesel};

/// A column holds what no release of this program wrote there.
#[derive(Debug, thiserror::Error)]
#[error("{0} holds a value that cannot be read")]
pub(crate) struct Unreadable(&'static str);

/// `value`, which a row of `column` must have.
pub(crate) fn readable<T>(value: Option<T>, column: &'static str) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Defect(Box::new(Unreadable(column))))
}

/// The value of a closed vocabulary that `column` names.
pub(crate) fn word<W: Words>(text: &str, column: &'static str) -> Result<W, StoreError> {
    readable(W::parse(text), column)
}

/// The address in `column`.
pub(crate) fn email(text: &str, column: &'static str) -> Result<Email, StoreError> {
    readable(Email::parse(text), column)
}

/// The number in `column`, in the width and sign that the domain gives it.
pub(crate) fn number<N, M: TryFrom<N>>(value: N, column: &'static str) -> Result<M, StoreError> {
    readable(M::try_from(value).ok(), column)
}

/// The same of a column that may be empty.
pub(crate) fn optional_number<N, M: TryFrom<N>>(
    value: Option<N>,
    column: &'static str,
) -> Result<Option<M>, StoreError> {
    value.map(|value| number(value, column)).transpose()
}

/// The wall time of a minute of the day, as `column` counts it.
pub(crate) fn wall_time(minute: i16, column: &'static str) -> Result<Time, StoreError> {
    let parts = i8::try_from(minute / 60).ok().zip(i8::try_from(minute % 60).ok());
    readable(parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok()), column)
}

/// The minute of the day of a wall time.
pub(crate) fn minute_of(time: Time) -> i16 {
    i16::from(time.hour()) * 60 + i16::from(time.minute())
}

/// The instant, when there is one.
pub(crate) fn instant(stored: Option<StoredTimestamp>) -> Option<Timestamp> {
    stored.map(StoredTimestamp::to_jiff)
}

/// An instant that somebody asks about. PostgreSQL cannot tell all that `Timestamp` can, and
/// nothing here is older than 1970.
pub(crate) fn tellable(instant: Timestamp) -> StoredTimestamp {
    instant.max(Timestamp::UNIX_EPOCH).to_diesel()
}

/// Reads each row into its domain type.
pub(crate) fn all<Row, T: TryFrom<Row, Error = StoreError>>(rows: Vec<Row>) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(T::try_from).collect()
}

/// Reads a row, when there is one, into its domain type.
pub(crate) fn one<Row, T: TryFrom<Row, Error = StoreError>>(row: Option<Row>) -> Result<Option<T>, StoreError> {
    row.map(T::try_from).transpose()
}

/// The first `limit` of `items`, which holds one more when the list goes on.
pub(crate) fn slice<T>(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> Cursor) -> Slice<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let goes_on = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| goes_on).map(place);
    Slice { items, next }
}

/// A pattern that finds a search key anywhere. A key is made of `a-z`, `0-9` and `-`, so that no
/// character of it is a wildcard.
pub(crate) fn containing(key: &str) -> String {
    format!("%{key}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_says_whether_the_list_goes_on() {
        let place = |id: &u128| Cursor { at: Timestamp::UNIX_EPOCH, id: uuid::Uuid::from_u128(*id) };
        assert_eq!(slice(vec![1, 2], 2, place), Slice { items: vec![1, 2], next: None });
        assert_eq!(slice(vec![1, 2, 3], 2, place), Slice { items: vec![1, 2], next: Some(place(&2)) });
    }
}
