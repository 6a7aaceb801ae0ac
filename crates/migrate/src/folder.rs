//! A folder of migrations, by version.

use std::path::{Path, PathBuf};

use crate::error::MigrateError;

/// A migration file, found but not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The number before the first underscore of its name.
    pub version: i64,
    /// The file.
    pub path: PathBuf,
}

impl Migration {
    /// The file's name, as goose prints it.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// The migrations of a folder in the order of their versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// Its migrations, none twice.
    pub migrations: Vec<Migration>,
}

impl Folder {
    /// Lists the folder's own files, not those of folders within it. Files are read later.
    ///
    /// # Errors
    /// Where the folder cannot be read, a `.sql` file has no version, two files have the same, or a numbered `.go` file
    /// stands there.
    pub fn open(path: &Path) -> Result<Self, MigrateError> {
        let failed = |source| MigrateError::Folder { path: path.to_owned(), source };
        let mut migrations = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            let extension = file.extension().and_then(|extension| extension.to_str());
            match extension {
                Some("sql") => {
                    let version = version(&file).map_err(|why| MigrateError::Name { path: file.clone(), why })?;
                    migrations.push(Migration { version, path: file });
                }
                // goose leaves those without a version, and tests, alone
                Some("go") if version(&file).is_ok() && !file.to_string_lossy().ends_with("_test.go") => {
                    return Err(MigrateError::Go { path: file });
                }
                _ => {}
            }
        }
        migrations.sort_by(|a, b| (a.version, &a.path).cmp(&(b.version, &b.path)));
        if let Some(pair) = migrations.windows(2).find(|pair| pair[0].version == pair[1].version) {
            return Err(MigrateError::Duplicate {
                version: pair[0].version,
                first: pair[0].path.clone(),
                second: pair[1].path.clone(),
            });
        }
        Ok(Self { path: path.to_owned(), migrations })
    }

    /// The migration with this version.
    pub fn find(&self, version: i64) -> Option<&Migration> {
        let at = self.migrations.binary_search_by_key(&version, |migration| migration.version).ok()?;
        self.migrations.get(at)
    }
}

/// The version in a file's name: the number before its first underscore, at least 1.
fn version(path: &Path) -> Result<i64, &'static str> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (number, _) = name.split_once('_').ok_or("there is no '_' in it")?;
    match number.parse::<i64>() {
        Ok(version) if version >= 1 => Ok(version),
        Ok(_) => Err("the version must be at least 1"),
        Err(_) => Err("what stands before the first '_' is no number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> Result<Folder, MigrateError> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "-- +goose Up\n").unwrap();
        }
        std::fs::create_dir(folder.path().join("deeper")).unwrap();
        std::fs::write(folder.path().join("deeper/9_x.sql"), "").unwrap();
        Folder::open(folder.path())
    }

    #[test]
    fn sorted_by_number() {
        let folder = folder(&["10_b.sql", "00009_a.sql", "README.md", "notes.go", "2_x_test.go"]).unwrap();
        let versions: Vec<i64> = folder.migrations.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, [9, 10]);
        assert_eq!(folder.find(10).unwrap().name(), "10_b.sql");
        assert!(folder.find(11).is_none());
    }

    #[test]
    fn odd_names_are_refused_with_why() {
        let said = |names: &[&str]| folder(names).unwrap_err().to_string();
        assert!(said(&["x.sql"]).ends_with("x.sql is not named like a migration: there is no '_' in it"));
        assert!(said(&["x_y.sql"]).ends_with("is no number"));
        assert!(said(&["0_y.sql"]).ends_with("at least 1"));
        assert!(said(&["1_a.sql", "001_b.sql"]).contains("version 1 is there twice"));
        assert!(said(&["1_a.go"]).contains("written in Go"));
    }
}
