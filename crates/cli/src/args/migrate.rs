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

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply all files that are not applied
    Up {
        /// Migrate all databases of a bowline.yaml, in waves
        #[arg(long, value_name = "PATH")]
        app: Option<PathBuf>,
        /// Where one of several databases fails, take back what this run applied, the last wave first
        #[arg(long, requires = "app")]
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
