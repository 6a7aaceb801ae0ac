use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bowline_migrate::{Options, Table, Target, TargetError};

use crate::args::MigrateSettings;
use crate::exit::Exit;
use crate::failure::Failure;

/// Flags over environment over `.env`.
pub(crate) struct Settings {
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    database: Option<String>,
    driver: Option<String>,
    dbstring: Option<String>,
    file: BTreeMap<String, String>,
    is_given: bool,
}

impl Settings {
    pub(crate) fn read(arguments: &MigrateSettings) -> Result<Self, Failure> {
        let file = environment_file(arguments.env.as_deref())?;
        let given = |value: &Option<String>, name: &str| {
            value.clone().or_else(|| file.get(name).cloned()).filter(|value| !value.is_empty())
        };
        let flag = |value: &Option<String>, name: &str| value.is_some() && *value != std::env::var(name).ok();
        let is_given = flag(&arguments.database, "DATABASE_URL") || flag(&arguments.dbstring, "GOOSE_DBSTRING");
        let folder = arguments.dir.clone().or_else(|| file.get("GOOSE_MIGRATION_DIR").map(PathBuf::from));
        let table = match given(&arguments.table, "GOOSE_TABLE") {
            Some(name) => Table::new(&name).map_err(|why| Failure::new(Exit::Usage, why))?,
            None => Table::default(),
        };
        let options = Options {
            table,
            allow_missing: arguments.allow_missing,
            no_versioning: arguments.no_versioning,
            connect_deadline: arguments.connect_timeout,
            lock_deadline: arguments.lock_wait,
            lock_timeout: arguments.lock_timeout,
            lock_retries: arguments.lock_retries,
            statement_timeout: arguments.statement_timeout,
            before: arguments.before.clone(),
        };
        Ok(Self {
            folder: folder.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| PathBuf::from(".")),
            options,
            database: given(&arguments.database, "DATABASE_URL"),
            driver: given(&arguments.driver, "GOOSE_DRIVER"),
            dbstring: given(&arguments.dbstring, "GOOSE_DBSTRING"),
            file,
            is_given,
        })
    }

    /// What `ENVSUB` may ask for.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().or_else(|| self.file.get(name).cloned())
    }

    /// Whether there is an address.
    pub(crate) fn has_target(&self) -> bool {
        self.database.is_some() || self.dbstring.is_some()
    }

    /// Whether the address was given for this run: by a flag, and not by what the environment says anyway.
    pub(crate) fn is_target_given(&self) -> bool {
        self.is_given
    }

    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let target = match (&self.driver, &self.dbstring, &self.database) {
            (Some(driver), Some(address), _) | (Some(driver), None, Some(address)) => Target::new(driver, address),
            (None, Some(url), _) | (None, None, Some(url)) => Target::from_url(url),
            (_, None, None) => {
                return Err(Failure::new(Exit::Usage, "which database? there is no address")
                    .hint("bowline migrate --database postgres://USER:PASSWORD@HOST/NAME status")
                    .hint("set DATABASE_URL, or GOOSE_DRIVER and GOOSE_DBSTRING as for goose"));
            }
        };
        target.map_err(|error: TargetError| Failure::because(Exit::Usage, "read the database's address", &error))
    }
}

/// goose reads `.env` where it is there, another file where it is asked to, and nothing with `none`.
fn environment_file(given: Option<&Path>) -> Result<BTreeMap<String, String>, Failure> {
    let text = match given {
        Some(path) if path == Path::new("none") => return Ok(BTreeMap::new()),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::because(Exit::Usage, format!("read {}", path.display()), &error))?,
        None => std::fs::read_to_string(".env").unwrap_or_default(),
    };
    let mut variables = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = value.trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        let plain = value.split(" #").next().unwrap_or_default().trim_end();
        variables.insert(name.trim().to_owned(), quoted.unwrap_or(plain).to_owned());
    }
    Ok(variables)
}
