//! The in-app inbox.
use diesel::{
    alias,
    dsl::{case_when, delete, insert_into, update},
    prelude::*,
    sql_types::{Nullable, Timestamptz},
};
use huntzen_tenancy::{
    Cursor, Slice, StoreError,
    ids::{NotificationId, UserId},
    live::News,
    notifications::{Notification, NotificationFilter, Notifications},
    words::Words,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    schema::notifications,
    stored::{StoredTimestamp, ToDiesel, all, instant, number, one, slice, tellable, word},
    unit_of_work::PgTx,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications)]
struct NotificationRow {
    id: Uuid,
    user_id: Uuid,
    kind: String,
    data: Value,
    read_at: Option<StoredTimestamp>,
    created_at: StoredTimestamp,
}

impl TryFrom<NotificationRow> for Notification {
    type Error = StoreError;

    fn try_from(row: NotificationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: NotificationId(row.id),
            user: UserId(row.user_id),
            kind: word(&row.kind, "notifications.type")?,
            data: row.data,
            read_at: instant(row.read_at),
            created_at: row.created_at.to_jiff(),
        })
    }
}

impl Notifications for PgTx {
    fn notify(&mut self, notification: &Notification) -> Result<(), StoreError> {
        let row = (
            notifications::id.eq(notification.id.0),
            notifications::user_id.eq(notification.user.0),
            notifications::kind.eq(notification.kind.as_str()),
            notifications::data.eq(&notification.data),
            notifications::read_at.eq(notification.read_at.map(StoredTimestamp::from)),
            notifications::created_at.eq(notification.created_at.to_diesel()),
        );
        self.run(|connection| insert_into(notifications::table).values(row).execute(connection)).map(drop)
    }

    fn inbox(
        &mut self,
        user: UserId,
        filter: NotificationFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<Notification>, StoreError> {
        let mut query = notifications::table
            .filter(notifications::user_id.eq(user.0))
            .select(NotificationRow::as_select())
            .order((notifications::created_at.desc(), notifications::id.desc()))
            .limit(i64::from(limit) + 1)
            .into_boxed();
        match filter.unread {
            Some(true) => query = query.filter(notifications::read_at.is_null()),
            Some(false) => query = query.filter(notifications::read_at.is_not_null()),
            None => {}
        }
        if let Some(kind) = filter.kind {
            query = query.filter(notifications::kind.eq(kind.as_str()));
        }
        if let Some(Cursor { at, id }) = cursor {
            let at = tellable(at);
            query = query
                .filter(notifications::created_at.le(at))
                .filter(notifications::created_at.lt(at).or(notifications::id.lt(id)));
        }
        let rows = self.run(|connection| query.load(connection))?;
        Ok(slice(all(rows)?, limit, |one: &Notification| Cursor { at: one.created_at, id: one.id.0 }))
    }

    fn unread(&mut self, user: UserId) -> Result<u64, StoreError> {
        let query = notifications::table
            .filter(notifications::user_id.eq(user.0))
            .filter(notifications::read_at.is_null())
            .count();
        number(self.run(|connection| query.get_result::<i64>(connection))?, "count")
    }

    fn mark_read(&mut self, user: UserId, id: NotificationId, at: Timestamp) -> Result<bool, StoreError> {
        let one = notifications::table.filter(notifications::id.eq(id.0)).filter(notifications::user_id.eq(user.0));
        let first = case_when(notifications::read_at.is_null(), at.to_diesel().into_sql::<Nullable<Timestamptz>>())
            .otherwise(notifications::read_at);
        let change = update(one).set(notifications::read_at.eq(first));
        self.run(|connection| change.execute(connection)).map(|read| read > 0)
    }

    fn mark_all_read(&mut self, user: UserId, at: Timestamp) -> Result<u64, StoreError> {
        let unread =
            notifications::table.filter(notifications::user_id.eq(user.0)).filter(notifications::read_at.is_null());
        let change = update(unread).set(notifications::read_at.eq(at.to_diesel()));
        self.run(|connection| change.execute(connection)).map(|read| read as u64)
    }

    fn notification(&mut self, user: UserId, id: NotificationId) -> Result<Option<Notification>, StoreError> {
        let query = notifications::table
            .filter(notifications::id.eq(id.0))
            .filter(notifications::user_id.eq(user.0))
            .select(NotificationRow::as_select());
        one(self.run(|connection| query.first(connection).optional())?)
    }

    fn news(&mut self, users: &[UserId], since: Timestamp) -> Result<Vec<News>, StoreError> {
        let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let own = alias!(notifications as own);
        let unread = own
            .filter(own.field(notifications::user_id).eq(notifications::user_id))
            .filter(own.field(notifications::read_at).is_null())
            .count()
            .single_value()
            .assume_not_null();
        let query = notifications::table
            .filter(notifications::user_id.eq_any(users))
            .filter(notifications::created_at.ge(since.to_diesel()))
            .select((NotificationRow::as_select(), unread))
            .order((notifications::created_at, notifications::id));
        let rows: Vec<(NotificationRow, i64)> = self.run(|connection| query.load(connection))?;
        let told = rows
            .into_iter()
            .map(|(row, unread)| Ok(News { notification: row.try_into()?, unread: number(unread, "count")? }));
        told.collect()
    }

    fn remove_notification(&mut self, user: UserId, id: NotificationId) -> Result<bool, StoreError> {
        let one = notifications::table.filter(notifications::id.eq(id.0)).filter(notifications::user_id.eq(user.0));
        self.run(|connection| delete(one).execute(connection)).map(|removed| removed > 0)
    }
}
