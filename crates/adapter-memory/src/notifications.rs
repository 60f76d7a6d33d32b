//! In-app inboxes.
use std::cmp::Reverse;

use huntzen_tenancy::{
    Cursor, Job, Slice, StoreError,
    ids::{NotificationId, UserId},
    live::News,
    notifications::{Notification, NotificationFilter, Notifications},
};
use jiff::Timestamp;

use crate::{
    paging::slice,
    refusal::{allow, require},
    state::State,
    store::MemoryTx,
    time::micros,
    visibility::Viewer,
};

impl Notifications for MemoryTx {
    fn notify(&mut self, notification: &Notification) -> Result<(), StoreError> {
        self.write(|viewer, state| {
            allow(viewer.is_user(notification.user))?;
            state.add_notification(notification.clone())
        })
    }

    fn inbox(
        &mut self,
        user: UserId,
        filter: NotificationFilter,
        cursor: Option<Cursor>,
        limit: u32,
    ) -> Result<Slice<Notification>, StoreError> {
        let before = cursor.map(|cursor| (micros(cursor.at), NotificationId(cursor.id)));
        self.read(|viewer, state| {
            let is_wanted = |row: &&Notification| {
                is_theirs(viewer, row, user)
                    && filter.unread.is_none_or(|unread| row.read_at.is_none() == unread)
                    && filter.kind.is_none_or(|kind| row.kind == kind)
                    && before.is_none_or(|before| (row.created_at, row.id) < before)
            };
            let mut rows: Vec<Notification> = state.notifications.rows().filter(is_wanted).cloned().collect();
            rows.sort_by_key(|row| Reverse((row.created_at, row.id)));
            slice(rows, limit, |row| Cursor { at: row.created_at, id: row.id.0 })
        })
    }

    fn unread(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.read(|viewer, state| {
            let theirs = state.notifications.rows().filter(|row| is_theirs(viewer, row, user));
            theirs.filter(|row| row.read_at.is_none()).count() as u64
        })
    }

    fn mark_read(&mut self, user: UserId, id: NotificationId, at: Timestamp) -> Result<bool, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_meant = |row: &Notification| row.id == id && is_theirs(viewer, row, user);
            Ok(state.notifications.change(is_meant, |row| row.read_at = row.read_at.or(Some(at))) == 1)
        })
    }

    fn mark_all_read(&mut self, user: UserId, at: Timestamp) -> Result<u64, StoreError> {
        let at = micros(at);
        self.write(|viewer, state| {
            let is_meant = |row: &Notification| row.read_at.is_none() && is_theirs(viewer, row, user);
            Ok(state.notifications.change(is_meant, |row| row.read_at = Some(at)))
        })
    }

    fn notification(&mut self, user: UserId, id: NotificationId) -> Result<Option<Notification>, StoreError> {
        self.read(|viewer, state| state.notifications.get(&id).filter(|row| is_theirs(viewer, row, user)).cloned())
    }

    fn news(&mut self, users: &[UserId], since: Timestamp) -> Result<Vec<News>, StoreError> {
        let since = micros(since);
        self.read(|viewer, state| {
            let is_new =
                |row: &&Notification| viewer.is_job(Job::Live) && row.created_at >= since && users.contains(&row.user);
            let mut rows: Vec<Notification> = state.notifications.rows().filter(is_new).cloned().collect();
            rows.sort_by_key(|row| (row.created_at, row.id));
            let with_count = |notification: Notification| {
                let theirs = state.notifications.rows().filter(|row| row.user == notification.user);
                let unread = theirs.filter(|row| row.read_at.is_none()).count() as u64;
                News { notification, unread }
            };
            rows.into_iter().map(with_count).collect()
        })
    }

    fn remove_notification(&mut self, user: UserId, id: NotificationId) -> Result<bool, StoreError> {
        self.write(|viewer, state| {
            Ok(state.notifications.remove_where(|row| row.id == id && is_theirs(viewer, row, user)) == 1)
        })
    }
}

impl State {
    /// Adds a line to an inbox, whoever writes it.
    pub(crate) fn add_notification(&mut self, mut notification: Notification) -> Result<(), StoreError> {
        require(!self.notifications.contains(&notification.id), "notifications_pkey")?;
        require(self.users.contains(&notification.user), "notifications_user_id_fkey")?;
        notification.created_at = micros(notification.created_at);
        notification.read_at = notification.read_at.map(micros);
        self.notifications.put(notification.id, notification);
        Ok(())
    }
}

fn is_theirs(viewer: &Viewer, row: &Notification, user: UserId) -> bool {
    row.user == user && viewer.is_user(user)
}
