//! Which files to run, by goose's rules; pure.

use std::collections::BTreeSet;

use crate::error::MigrateError;
use crate::folder::Migration;
use crate::tables::State;

/// The files to apply up to `target`, in order. A version counts as known where the table has any row of it.
pub(crate) fn up<'a>(
    files: &'a [Migration],
    state: &State,
    target: i64,
    allow_missing: bool,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let files: Vec<&Migration> = files.iter().filter(|file| file.version <= target).collect();
    let known: BTreeSet<i64> = state.rows.iter().map(|row| row.version).collect();
    let highest = known.last().copied().unwrap_or(0);
    let unknown = files.into_iter().filter(|file| !known.contains(&file.version));
    // A file that stopped halfway is not missing: it is where to go on.
    let stopped = |file: &Migration| state.journal.iter().any(|row| row.version == file.version);
    let (missing, next): (Vec<_>, Vec<_>) = unknown.partition(|file| file.version < highest && !stopped(file));
    if missing.is_empty() {
        return Ok(next);
    }
    if !allow_missing {
        return Err(MigrateError::Missing {
            current: highest,
            files: missing.iter().map(|file| file.path.clone()).collect(),
        });
    }
    Ok(missing.into_iter().chain(next).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::VersionRow;

    fn state(versions: &[(i64, bool)]) -> State {
        let row = |(id, (version, applied)): (usize, &(i64, bool))| VersionRow {
            id: id as i64,
            version: *version,
            applied: *applied,
            at: String::new(),
        };
        State { rows: versions.iter().enumerate().map(row).rev().collect(), ..State::default() }
    }

    fn files(versions: &[i64]) -> Vec<Migration> {
        let file = |version: &i64| Migration { version: *version, path: format!("{version}_x.sql").into() };
        versions.iter().map(file).collect()
    }

    fn planned(known: &[(i64, bool)], there: &[i64], target: i64, allow: bool) -> Result<Vec<i64>, String> {
        let files = files(there);
        let planned = up(&files, &state(known), target, allow).map_err(|error| error.to_string())?;
        Ok(planned.into_iter().map(|file| file.version).collect())
    }

    #[test]
    fn what_is_above_the_highest_and_within_the_target() {
        assert_eq!(planned(&[(0, true)], &[1, 2, 3], i64::MAX, false), Ok(vec![1, 2, 3]));
        assert_eq!(planned(&[(0, true), (1, true)], &[1, 2, 3], 2, false), Ok(vec![2]));
        assert_eq!(planned(&[], &[1], i64::MAX, false), Ok(vec![1]));
    }

    #[test]
    fn missing_ones_are_an_error_unless_allowed() {
        let error = planned(&[(0, true), (3, true)], &[1, 2, 3, 4], i64::MAX, false).unwrap_err();
        assert!(
            error.contains("2 missing migrations before current version 3") && error.contains("1_x.sql"),
            "{error}"
        );
        assert_eq!(planned(&[(0, true), (3, true)], &[1, 3, 4], i64::MAX, true), Ok(vec![1, 4]));
        assert!(planned(&[(0, true), (3, true)], &[1, 3], 2, false).unwrap_err().contains("1 missing"));
    }

    #[test]
    fn the_latest_row_of_a_version_decides_what_is_current() {
        assert_eq!(state(&[(0, true), (1, true), (2, true), (2, false)]).current(), 1);
        assert_eq!(state(&[]).current(), 0);
    }
}
