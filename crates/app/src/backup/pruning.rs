//! Deleting the backups that are kept no longer.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::error::BackupError;
use super::manifest::{Kind, Named, within};
use super::writing::{flush, remove_folder};

/// What the folder of a backup is called that is not whole yet.
pub(super) const UNFINISHED: &str = ".unfinished-";
/// What it is called once it is being deleted.
const REMOVING: &str = ".removing-";

/// Deletes the backups of a kind that are kept no longer at `now`; answers their names. What is no such
/// backup is left alone. What is named as one goes by its name, also when its manifest cannot be read.
///
/// Days count, not hours: what was made on one day is gone on the day so many days later, whenever the
/// scheduler comes round, since that is the day that a certificate of erasure names.
pub(super) fn prune(folder: &Path, kind: Kind, days: u16, now: Timestamp) -> Result<Vec<String>, BackupError> {
    let today = day(now);
    let mut removed = Vec::new();
    for Named { path, at, .. } in within(folder, kind)? {
        let gone_on = day(at).saturating_add(i64::from(days).days());
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|_| gone_on <= today) else { continue };
        // Renamed first: half a folder is never taken for a backup.
        let aside = folder.join(format!("{REMOVING}{name}"));
        fs::rename(&path, &aside).map_err(BackupError::io(&path))?;
        remove_folder(&aside)?;
        removed.push(name.to_owned());
    }
    flush(folder)?;
    Ok(removed)
}

/// Removes what a run that was killed has left: the caller holds the lock, so nobody works on it.
pub(super) fn remove_left_overs(folder: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(folder).map_err(BackupError::io(folder))? {
        let path = entry.map_err(BackupError::io(folder))?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with(UNFINISHED) || name.starts_with(REMOVING) {
            remove_folder(&path)?;
        }
    }
    Ok(())
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use uuid::Uuid;

    use super::super::manifest::{Facts, Manifest, Objects};
    use super::*;

    fn made(folder: &Path, kind: Kind, at: &str) -> String {
        let at = at.parse().unwrap();
        let installation = "of this test".to_owned();
        let facts = Facts { id: Uuid::nil(), at, schema: "1".to_owned(), postgresql: 15, pg_dump: 15, installation };
        let name = Manifest::folder_name(at);
        fs::create_dir_all(folder.join(&name)).unwrap();
        Manifest::new(kind, &facts, Objects::LeftOut, Vec::new()).write(&folder.join(&name)).unwrap();
        name
    }

    #[test]
    fn what_is_older_goes_by_its_day_and_nothing_else_does() {
        let folder = std::env::temp_dir().join(format!("huntzen-pruning-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let old = made(&folder, Kind::Keys, "2027-01-01T23:59:59.999Z");
        let younger = made(&folder, Kind::Keys, "2027-01-02T00:00:00Z");
        let other_kind = made(&folder, Kind::Main, "2026-12-01T00:00:00Z");
        let renamed = made(&folder, Kind::Keys, "2026-11-01T00:00:00Z");
        fs::rename(folder.join(renamed), folder.join("kept for the court")).unwrap();
        fs::create_dir(folder.join("something else")).unwrap();
        let damaged = made(&folder, Kind::Keys, "2026-12-31T02:00:00Z");
        fs::write(folder.join(&damaged).join("manifest.json"), "{").unwrap();
        fs::write(folder.join("20261101T000000.000Z"), "a file").unwrap();
        fs::create_dir(folder.join(".unfinished-20261101T000000.000Z")).unwrap();
        let now = "2027-01-31T00:00:01Z".parse().unwrap();
        assert_eq!(prune(&folder, Kind::Keys, 30, now).unwrap(), [damaged, old]);
        assert_eq!(prune(&folder, Kind::Keys, 30, now).unwrap(), [""; 0]);
        remove_left_overs(&folder).unwrap();
        let mut left: Vec<String> =
            fs::read_dir(&folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let file = "20261101T000000.000Z".to_owned();
        assert_eq!(left, [file, other_kind, younger, "kept for the court".to_owned(), "something else".to_owned()]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
