//! How a run behaves.

use std::time::Duration;

/// How a run behaves. Durations of zero mean "for ever" where the server knows that meaning.
#[derive(Clone, Debug)]
pub struct Options {
    /// Version table, maybe with its schema.
    pub table: Table,
    /// Apply files below the database's version that were never applied.
    pub allow_missing: bool,
    /// Run files without looking at or writing the version table.
    pub no_versioning: bool,
    /// How long a server that is not there is waited for.
    pub connect_deadline: Duration,
    /// How long another migration is waited for.
    pub lock_deadline: Duration,
    /// How long a statement waits for a lock on a table before it gives way (`lock_timeout`).
    pub lock_timeout: Duration,
    /// How often a statement that gave way is tried again.
    pub lock_retries: u32,
    /// How long one statement may take (`statement_timeout`).
    pub statement_timeout: Duration,
    /// Shell command to run before anything is changed, while the lock is held. It finds the address in `DATABASE_URL`.
    pub before: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            table: Table::default(),
            allow_missing: false,
            no_versioning: false,
            connect_deadline: Duration::from_secs(30),
            lock_deadline: Duration::from_secs(300),
            lock_timeout: Duration::from_secs(5),
            lock_retries: 10,
            statement_timeout: Duration::ZERO,
            before: None,
        }
    }
}

/// Name of the version table; the side tables' names follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table(String);

impl Default for Table {
    fn default() -> Self {
        Self("goose_db_version".to_owned())
    }
}

impl Table {
    /// A name, or `schema.name`, of letters, digits and underscores: goose puts it into its statements as it is.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn new(name: &str) -> Result<Self, String> {
        let word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() <= 2 && parts.iter().all(|part| word(part)) {
            Ok(Self(name.to_owned()))
        } else {
            Err(format!("'{name}' is no table name of letters, digits and underscores, maybe with its schema"))
        }
    }

    /// The version table.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The side table with the checksums of applied files.
    pub fn checksums(&self) -> String {
        format!("{}_checksum", self.0)
    }

    /// The side table with the progress of files without a transaction.
    pub fn journal(&self) -> String {
        format!("{}_journal", self.0)
    }
}
