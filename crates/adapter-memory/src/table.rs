//! A table that remembers what it held before the present unit of work.
use std::collections::BTreeMap;

/// Rows by key. Beginning a unit of work costs nothing, and undoing it no more than it wrote.
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    /// What stood under each key before each write, oldest first.
    before: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Copy + Ord, V: Clone> Table<K, V> {
    /// The row under `key`.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Whether there is a row under `key`.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    /// Every row, by key.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    /// Every row with its key, by key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    /// Writes the row under `key`, in place of any that stood there.
    pub(crate) fn put(&mut self, key: K, row: V) {
        let replaced = self.rows.insert(key, row);
        self.before.push((key, replaced));
    }

    /// Writes the row under `key`, or deletes the one that stands there.
    pub(crate) fn set(&mut self, key: K, row: Option<V>) {
        match row {
            Some(row) => self.put(key, row),
            None => drop(self.remove(&key)),
        }
    }

    /// Deletes the row under `key`; `false` when there is none.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        let Some(removed) = self.rows.remove(key) else {
            return false;
        };
        self.before.push((*key, Some(removed)));
        true
    }

    /// Changes every row for which `chosen` holds; answers how many.
    pub(crate) fn change(&mut self, chosen: impl Fn(&V) -> bool, change: impl Fn(&mut V)) -> u64 {
        let mut changed = 0;
        for (key, row) in self.rows.iter_mut().filter(|(_, row)| chosen(row)) {
            self.before.push((*key, Some(row.clone())));
            change(row);
            changed += 1;
        }
        changed
    }

    /// Deletes every row for which `chosen` holds; answers how many.
    pub(crate) fn remove_where(&mut self, chosen: impl Fn(&V) -> bool) -> u64 {
        let keys: Vec<K> = self.rows.iter().filter(|(_, row)| chosen(row)).map(|(key, _)| *key).collect();
        keys.iter().map(|key| u64::from(self.remove(key))).sum()
    }
}

/// The two ends of a unit of work, for a table.
pub(crate) trait Undo {
    /// Keeps what was written.
    fn keep(&mut self);
    /// Takes back what was written since the last end.
    fn undo(&mut self);
}

impl<K: Copy + Ord, V> Undo for Table<K, V> {
    fn keep(&mut self) {
        self.before.clear();
    }

    fn undo(&mut self) {
        while let Some((key, row)) = self.before.pop() {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<u8, &'static str> {
        let mut table = Table::default();
        table.put(1, "one");
        table.put(2, "two");
        table.keep();
        table
    }

    #[test]
    fn undoing_takes_back_every_kind_of_write() {
        let mut table = table();
        table.put(3, "three");
        table.put(3, "drei");
        assert_eq!(table.change(|row| *row == "one", |row| *row = "un"), 1);
        assert!(table.remove(&1));
        table.put(1, "uno");
        assert_eq!(table.remove_where(|row| *row == "two"), 1);
        table.undo();
        assert_eq!(table.entries().collect::<Vec<_>>(), [(&1, &"one"), (&2, &"two")]);
    }

    #[test]
    fn what_was_kept_is_not_undone() {
        let mut table = table();
        table.put(3, "three");
        table.keep();
        table.undo();
        assert!(table.contains(&3));
        assert!(!table.remove(&4));
    }
}
