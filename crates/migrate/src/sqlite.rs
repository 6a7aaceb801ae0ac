//! A session with SQLite. The lock is a file beside the database, held with the operating system's file lock: it ends
//! with its process, and it also covers files without a transaction.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, OpenFlags};

use crate::event::Holder;
use crate::options::Options;
use crate::server::{BatchError, ConnectError, Rows, ServerError, ServerFault};

pub(crate) struct Sqlite {
    connection: Connection,
    /// Beside the database; absent for one in memory.
    lock_path: Option<PathBuf>,
    lock: Option<File>,
}

impl Sqlite {
    pub(crate) fn open(path: &str, options: &Options) -> Result<Self, ConnectError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| ConnectError::Refused(of_driver(&error)))?;
        // how long another program's transaction is waited for
        connection.busy_timeout(options.lock_timeout).map_err(|error| ConnectError::Refused(of_driver(&error)))?;
        let lock_path =
            connection.path().filter(|path| !path.is_empty()).map(|path| PathBuf::from(format!("{path}-migrate-lock")));
        Ok(Self { connection, lock_path, lock: None })
    }

    pub(crate) fn query(&mut self, sql: &str) -> Result<Rows, ServerError> {
        let mut statement = self.connection.prepare(sql).map_err(|error| of_driver(&error))?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get_ref(at).map(text)).collect());
        let rows: Result<Rows, Error> = rows.and_then(Iterator::collect);
        rows.map_err(|error| of_driver(&error))
    }

    pub(crate) fn execute(&mut self, sql: &str) -> Result<(), ServerError> {
        self.connection.execute_batch(sql).map_err(|error| of_driver(&error))
    }

    pub(crate) fn transaction(&mut self, statements: &[&str]) -> Result<(), BatchError> {
        self.execute("BEGIN IMMEDIATE").map_err(|error| (0, error))?;
        for (index, sql) in statements.iter().enumerate() {
            if let Err(error) = self.execute(sql) {
                _ = self.execute("ROLLBACK");
                return Err((index, error));
            }
        }
        self.execute("COMMIT").map_err(|error| {
            _ = self.execute("ROLLBACK");
            (statements.len(), error)
        })
    }

    pub(crate) fn try_lock(&mut self) -> Result<Result<(), Option<Holder>>, ServerError> {
        let Some(path) = self.lock_path.clone() else { return Ok(Ok(())) };
        let failed = |error: std::io::Error| ServerError::new(format!("lock {}: {error}", path.display()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                _ = file.read_to_string(&mut text);
                return Ok(Err(holder(&text)));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The one before may have removed the file between our opening and our locking it.
        let ours = file.metadata().map_err(failed)?;
        let same = std::fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
        if !same {
            return Ok(Err(None));
        }
        let now = self.query("SELECT datetime('now') || ' UTC'").ok();
        let now = now.and_then(|rows| rows.into_iter().next()?.into_iter().next()?).unwrap_or_default();
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}\nbowline migrate\n{now}\n", std::process::id()));
        written.map_err(failed)?;
        self.lock = Some(file);
        Ok(Ok(()))
    }

    pub(crate) fn unlock(&mut self) -> Result<(), ServerError> {
        if let (Some(lock), Some(path)) = (self.lock.take(), &self.lock_path) {
            _ = std::fs::remove_file(path);
            drop(lock);
        }
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        _ = self.unlock();
    }
}

fn holder(text: &str) -> Option<Holder> {
    let mut lines = text.lines();
    let process = lines.next()?.parse().ok()?;
    let name = lines.next().unwrap_or_default().to_owned();
    let since = lines.next().unwrap_or_default().to_owned();
    Some(Holder { process, name, address: String::new(), since })
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn of_driver(error: &Error) -> ServerError {
    match error {
        Error::SqliteFailure(code, message) => ServerFault {
            code: Some((code.extended_code & 0xff).to_string()),
            ..ServerFault::new(message.clone().unwrap_or_else(|| code.to_string()))
        }
        .into(),
        Error::SqlInputError { error, msg, offset, .. } => ServerFault {
            code: Some((error.extended_code & 0xff).to_string()),
            position: usize::try_from(*offset).ok().map(|offset| offset + 1),
            ..ServerFault::new(msg.clone())
        }
        .into(),
        other => ServerError::new(other.to_string()),
    }
}
