//! Arguments of `bowline migrate`. Names and environment variables are goose's where goose has them.

use std::path::PathBuf;
use std::time::Duration;

use bowline_migrate::tree::Layout;
use clap::{Args, Subcommand};

use super::{Output, duration};

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) settings: MigrateSettings,
    #[command(subcommand)]
    pub(crate) command: MigrateCommand,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MigrateSettings {
    /// Folder with the migration files [default: .]
    #[arg(long, global = true, value_name = "FOLDER", env = "GOOSE_MIGRATION_DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// URL of the database: postgres://, mysql:// or sqlite:
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// goose's driver: postgres, mysql or sqlite3
    #[arg(long, global = true, value_name = "DRIVER", env = "GOOSE_DRIVER")]
    pub(crate) driver: Option<String>,
    /// Connection string of that driver; wins over DATABASE_URL
    #[arg(long, global = true, value_name = "STRING", env = "GOOSE_DBSTRING", hide_env_values = true)]
    pub(crate) dbstring: Option<String>,
    /// Version table [default: goose_db_version]
    #[arg(long, global = true, value_name = "NAME", env = "GOOSE_TABLE")]
    pub(crate) table: Option<String>,
    /// File with more environment variables, or none [default: .env where it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env: Option<PathBuf>,
    /// Apply files below the database's version that were never applied
    #[arg(long, global = true)]
    pub(crate) allow_missing: bool,
    /// Run the files without the version table
    #[arg(long, global = true)]
    pub(crate) no_versioning: bool,
    /// Time to wait for a server that is not there yet
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub(crate) connect_timeout: Duration,
    /// Time to wait for another migration to end
    #[arg(long, global = true, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) lock_wait: Duration,
    /// Time a statement waits for a table's lock before it gives way and is tried again; 0 for ever
    #[arg(long, global = true, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// How often a statement that gave way is tried again
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 10)]
    pub(crate) lock_retries: u32,
    /// Time one statement may take; 0 for ever
    #[arg(long, global = true, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub(crate) statement_timeout: Duration,
    /// Shell command to run before anything is changed, such as a backup; its failure stops the migration
    #[arg(long, global = true, value_name = "COMMAND")]
    pub(crate) before: Option<String>,
    /// Result as text or JSON
    #[arg(short, long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

/// One of several databases, named by a flag. The flag is read when the command runs: an error of the argument parser would
/// show it, with the password that it may hold.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) wave: i32,
    pub(crate) env: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) url: Option<String>,
}

impl std::str::FromStr for Each {
    type Err = String;

    /// `NAME=FOLDER,wave=-5,env=VARIABLE,table=NAME,url=URL`; what comes after `url=` is the address, commas and all. An error
    /// does not repeat it: it may hold a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (settings, url) = match text.split_once(",url=") {
            Some((settings, url)) => (settings, Some(url.to_owned())),
            None => (text, None),
        };
        let mut parts = settings.split(',');
        let (name, folder) = parts.next().and_then(|first| first.split_once('=')).unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || folder.is_empty() || !name.chars().all(is_word) {
            return Err("it has to begin with NAME=FOLDER, as in identity=services/identity/migrations,wave=-5".into());
        }
        let (name, folder) = (name.to_owned(), PathBuf::from(folder));
        let mut each = Self { name, folder, wave: 0, env: None, table: None, url };
        for part in parts {
            match part.split_once('=') {
                Some(("wave", wave)) => {
                    each.wave = wave.parse().map_err(|_| format!("wave={wave} is no whole number"))?;
                }
                Some(("env", variable)) if !variable.is_empty() => each.env = Some(variable.to_owned()),
                Some(("table", table)) if !table.is_empty() => each.table = Some(table.to_owned()),
                _ => return Err(format!("{part:?} is none of wave=NUMBER, env=VARIABLE, table=NAME, url=URL")),
            }
        }
        Ok(each)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply all files that are not applied
    #[command(group = clap::ArgGroup::new("several").multiple(true))]
    Up {
        /// Migrate all databases of a bowline.yaml, in waves
        #[arg(long, value_name = "PATH", group = "several")]
        app: Option<PathBuf>,
        /// One of several databases, as an entry of bowline.yaml has it: its folder, and wave=NUMBER, env=VARIABLE, table=NAME or,
        /// last, url=URL
        #[arg(long, value_name = "NAME=FOLDER[,KEY=VALUE]", group = "several")]
        each: Vec<String>,
        /// Where one of several databases fails, take back what this run applied, the last wave first
        #[arg(long, requires = "several")]
        take_back: bool,
    },
    /// Apply the next one; fails where there is none
    UpByOne,
    /// Apply all up to a version
    UpTo {
        /// The version
        #[arg(id = "to", value_name = "VERSION", allow_negative_numbers = true)]
        version: i64,
    },
    /// Take the current version back
    Down,
    /// Take back all above a version
    DownTo {
        /// The version; 0 takes everything back
        #[arg(id = "to", value_name = "VERSION", allow_negative_numbers = true)]
        version: i64,
    },
    /// Take the current version back and apply it again
    Redo,
    /// Take everything back
    Reset,
    /// Say which files are applied and since when
    Status,
    /// Print the database's version
    Version,
    /// Write a new, empty migration file
    Create {
        /// What it does
        #[arg(value_name = "NAME")]
        name: String,
        /// goose's second argument; only sql
        #[arg(value_name = "TYPE", default_value = "sql")]
        kind: String,
        /// Number it after the highest instead of by the time
        #[arg(short, long)]
        sequential: bool,
    },
    /// Number the files that are numbered by time after the others
    Fix,
    /// Check every file in both directions without running anything
    Validate {
        /// List the files with their statements
        #[arg(short, long)]
        verbose: bool,
    },
    /// Find what is dangerous in the files before they run: locks, steps that old code does not survive, order
    Lint(Lint),
    /// Print the Jobs that migrate the databases of a bowline.yaml before an install, an upgrade or a sync
    Job {
        /// Only these databases [default: all that have an image]
        #[arg(value_name = "DATABASE")]
        databases: Vec<String>,
        /// Folder with the bowline.yaml
        #[arg(long, value_name = "PATH", default_value = ".")]
        app: PathBuf,
        /// As hooks of Argo CD instead of Helm's
        #[arg(long)]
        argo: bool,
    },
    /// Print the init containers that hold pods until the databases of a bowline.yaml are migrated
    Gate {
        /// Only these databases [default: all that have an image]
        #[arg(value_name = "DATABASE")]
        databases: Vec<String>,
        /// Folder with the bowline.yaml
        #[arg(long, value_name = "PATH", default_value = ".")]
        app: PathBuf,
    },
    /// Ask whether everything in the folder is applied, by the version table of whichever tool
    Verify {
        #[command(flatten)]
        required: Required,
    },
    /// Wait until everything that a program needs is applied: for init containers
    Wait {
        #[command(flatten)]
        required: Required,
        /// Time to wait
        #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
        timeout: Duration,
        /// Time between two looks
        #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
        interval: Duration,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Required {
    /// Versions that must be applied, in place of all of the folder
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub(crate) require: Vec<String>,
    /// Tool that the folder is of [default: told by its files]
    #[arg(long, value_name = "TOOL")]
    pub(crate) tool: Option<Layout>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Lint {
    /// Git commit or branch that this one goes into: what it has is taken for live
    #[arg(long, value_name = "REVISION")]
    pub(crate) base: Option<String>,
    /// Rules that do not count
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Rules of squawk that count although they do not by themselves
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) include: Vec<String>,
    /// Version of the server, where no database is given
    #[arg(long, value_name = "VERSION")]
    pub(crate) postgres: Option<String>,
    /// Run the files on a scratch database of the server and say which locks they really take
    #[arg(long)]
    pub(crate) explain: bool,
    /// Tool that the folder is of [default: told by its files]
    #[arg(long, value_name = "TOOL")]
    pub(crate) tool: Option<Layout>,
}
