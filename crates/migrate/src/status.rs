//! What a database's state is, without writing anything to it.

use crate::error::MigrateError;
use crate::file::ParsedFile;
use crate::folder::Migration;
use crate::report::{FileState, Status, StatusLine};
use crate::run::{Runner, digest, read};
use crate::server::Session;
use crate::tables::{State, VersionRow};
use crate::target::Dialect;

/// What `validate` found.
#[derive(Debug)]
pub struct Validation {
    /// The files with both their directions.
    pub files: Vec<(String, ParsedFile)>,
    /// What is wrong, by file.
    pub errors: Vec<MigrateError>,
}

/// Parses every file of a folder in both directions, and does not stop at the first mistake.
///
/// # Errors
/// Where the folder itself cannot be read or its files' names are wrong.
pub fn validate(folder: &std::path::Path, variables: crate::envsub::Variables<'_>) -> Result<Validation, MigrateError> {
    let folder = crate::folder::Folder::open(folder)?;
    let mut validation = Validation { files: Vec::new(), errors: Vec::new() };
    for file in &folder.migrations {
        let parsed = read(&file.path).and_then(|content| Ok(ParsedFile::parse(&file.path, &content, variables)?));
        match parsed {
            Ok(parsed) => validation.files.push((file.name(), parsed)),
            Err(error) => validation.errors.push(error),
        }
    }
    Ok(validation)
}

impl Runner<'_> {
    /// Every file and every version that the database knows. Works on a replica too.
    ///
    /// # Errors
    /// Where the folder or the server cannot be read.
    pub async fn status(&self) -> Result<Status, MigrateError> {
        let folder = self.files()?;
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        let state = self.tables().read(&mut session).await?;
        let latest = state.latest();
        let mut migrations = Vec::new();
        for file in &folder.migrations {
            let row = latest.get(&file.version).filter(|row| row.applied);
            let mut line = StatusLine {
                version: file.version,
                name: Some(file.name()),
                state: if row.is_some() { FileState::Applied } else { FileState::Pending },
                applied_at: row.map(|row| row.at.clone()),
                changed: false,
                notes: Vec::new(),
            };
            if let Some(row) = row
                && has_changed(file, row, &state)?
            {
                line.changed = true;
                line.notes.push("changed since it was applied".to_owned());
            }
            if let Some(stopped) = state.journal.iter().find(|row| row.version == file.version) {
                line.state = FileState::Stopped;
                let why = match (&stopped.error, stopped.running) {
                    (Some(error), _) => format!(": {error}"),
                    (None, true) => ", which was not seen to end".to_owned(),
                    (None, false) => String::new(),
                };
                let way = stopped.direction.as_str();
                line.notes
                    .push(format!("stopped on its way {way} at statement {} of {}{why}", stopped.next, stopped.of));
            }
            migrations.push(line);
        }
        for (version, row) in latest {
            if version != 0 && row.applied && folder.find(version).is_none() {
                migrations.push(StatusLine {
                    version,
                    name: None,
                    state: FileState::Applied,
                    applied_at: Some(row.at.clone()),
                    changed: false,
                    notes: vec!["applied, but its file is not there".to_owned()],
                });
            }
        }
        migrations.sort_by_key(|line| line.version);
        let invalid_indexes = match session.dialect() {
            Dialect::Postgres => invalid_indexes(&mut session).await?,
            Dialect::Mysql | Dialect::Sqlite => Vec::new(),
        };
        Ok(Status { version: state.current(), migrations, invalid_indexes })
    }
}

/// Whether a file is another than when it was applied. A row that goose wrote has no checksum to tell that by.
pub(crate) fn has_changed(file: &Migration, row: &VersionRow, state: &State) -> Result<bool, MigrateError> {
    match state.checksums.get(&file.version) {
        Some((id, recorded)) if *id == row.id => Ok(digest(&read(&file.path)?) != *recorded),
        _ => Ok(false),
    }
}

async fn invalid_indexes(session: &mut Session) -> Result<Vec<String>, MigrateError> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname NOT LIKE 'pg\\_%' \
               AND c.relkind = 'i' ORDER BY 1";
    let rows = session.query(sql).await;
    let rows =
        rows.map_err(|source| MigrateError::Bookkeeping { doing: "look for invalid indexes".to_owned(), source })?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}
