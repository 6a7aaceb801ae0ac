//! Writing migration files: a new one, and new numbers for those that are numbered by time.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::MigrateError;
use crate::folder::Folder;

const TEMPLATE: &str = "-- +goose Up\nSELECT 'up SQL query';\n\n-- +goose Down\nSELECT 'down SQL query';\n";

/// Writes a new file `NUMBER_NAME.sql` and returns its path. Without a number it comes after the highest in the folder.
///
/// # Errors
/// Where the folder's files are not in order, or the file cannot be written or exists.
pub fn create(folder: &Path, name: &str, number: Option<i64>) -> Result<PathBuf, MigrateError> {
    let number = match number {
        Some(number) => number.to_string(),
        None => {
            let files = Folder::open(folder)?;
            let last = files.migrations.iter().rev().find(|file| !is_time(file.version));
            format!("{:05}", last.map_or(1, |file| file.version + 1))
        }
    };
    let path = folder.join(format!("{number}_{}.sql", snake_case(name)));
    let written = OpenOptions::new().write(true).create_new(true).open(&path);
    let written = written.and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    written.map_err(|source| MigrateError::Write { path: path.clone(), source })?;
    Ok(path)
}

/// Renames the files that are numbered by time so that they follow the others, in their order. Returns old and new names.
///
/// # Errors
/// Where the folder's files are not in order, or one cannot be renamed; those before it are renamed then.
pub fn fix(folder: &Path) -> Result<Vec<(String, String)>, MigrateError> {
    let files = Folder::open(folder)?.migrations;
    let last = files.iter().rev().find(|file| !is_time(file.version));
    let first = last.map_or(1, |file| file.version + 1);
    let mut renamed = Vec::new();
    for (next, file) in (first..).zip(files.iter().filter(|file| is_time(file.version))) {
        let old = file.name();
        let new = old.replacen(&file.version.to_string(), &format!("{next:05}"), 1);
        let path = file.path.with_file_name(&new);
        std::fs::rename(&file.path, &path).map_err(|source| MigrateError::Write { path, source })?;
        renamed.push((old, new));
    }
    Ok(renamed)
}

/// Whether a version is a time of day as `YYYYMMDDhhmmss`, after 1970.
fn is_time(version: i64) -> bool {
    let text = version.to_string();
    text.len() == 14 && version > 19_700_101_000_000 && jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text).is_ok()
}

/// Words of letters and digits in lower case, joined by underscores.
fn snake_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_and_new_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name(create(folder.path(), "Add  users-table!", None).unwrap()), "00001_add_users_table.sql");
        assert_eq!(name(create(folder.path(), "next", None).unwrap()), "00002_next.sql");
        let timed = create(folder.path(), "by time", Some(20_261_124_221_500)).unwrap();
        assert_eq!(name(timed), "20261124221500_by_time.sql");
        assert!(matches!(create(folder.path(), "by time", Some(20_261_124_221_500)), Err(MigrateError::Write { .. })));
        let renamed = fix(folder.path()).unwrap();
        assert_eq!(renamed, [("20261124221500_by_time.sql".to_owned(), "00003_by_time.sql".to_owned())]);
        assert!(fix(folder.path()).unwrap().is_empty());
        assert!(!is_time(99_999_999_999_999));
    }
}
