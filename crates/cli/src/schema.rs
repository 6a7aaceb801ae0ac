//! What a release expects of its databases: its folders of migrations, linted and recorded with the revision.

use std::path::PathBuf;

use bowline_engine::{Engine, SchemaMigration, SchemaRecord};
use bowline_migrate::tree::MigrationTree;
use bowline_migrate_lint::{LintOptions, Live, Report, lint};
use bowline_release::Status;

use crate::exit::Exit;
use crate::failure::Failure;

/// A folder of migrations, and the database that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Migrations {
    /// A name.
    pub(crate) database: String,
    pub(crate) folder: PathBuf,
}

impl std::str::FromStr for Migrations {
    type Err = String;

    /// `FOLDER`, or `DATABASE=FOLDER`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (database, folder) = text.split_once('=').unwrap_or(("default", text));
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if database.is_empty() || folder.is_empty() || !database.chars().all(is_word) {
            return Err(format!("{text:?} is neither FOLDER nor DATABASE=FOLDER"));
        }
        Ok(Self { database: database.to_owned(), folder: PathBuf::from(folder) })
    }
}

/// Reads the folders, looks whether what runs now bears them, and returns what is recorded with the revision.
///
/// # Errors
/// Where a folder cannot be read; where a step takes what a live revision needs, unless that is `accepted`.
pub(crate) async fn prepare(
    engine: &Engine,
    (release, namespace): (&str, &str),
    folders: &[Migrations],
    accepted: bool,
) -> Result<Vec<SchemaRecord>, Failure> {
    let mut records = Vec::new();
    for Migrations { database, folder } in folders {
        let doing = || format!("read the migrations of database {database}");
        let tree = MigrationTree::read(folder, None).map_err(|e| Failure::because(Exit::Usage, doing(), &e))?;
        let live = live(engine, (release, namespace), database).await?;
        let report = lint(&tree, &LintOptions { live, ..LintOptions::default() });
        let early: Vec<String> =
            report.findings.iter().filter(|f| f.rule == "contract-too-early").map(ToString::to_string).collect();
        if !early.is_empty() && !accepted {
            return Err(Failure::new(
                Exit::Pending,
                format!("database {database}: the migrations take what a live revision needs"),
            )
            .details(early.join("\n"))
            .hint(format!("bowline migrate lint --dir {}", folder.display()))
            .hint("--accept-schema deploys all the same"));
        }
        records.push(record(database, &report));
    }
    Ok(records)
}

/// What is recorded of a folder.
fn record(database: &str, report: &Report) -> SchemaRecord {
    let migration = |summary: &bowline_migrate_lint::Summary| SchemaMigration {
        version: summary.version.clone(),
        file: summary.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        phase: summary.phase.map(|phase| phase.to_string()),
        takes: summary.takes.clone(),
        down: summary.down,
        restores: summary.restores,
    };
    SchemaRecord { database: database.to_owned(), migrations: report.migrations.iter().map(migration).collect() }
}

/// The revision that is deployed, and the migrations that it was built with; nothing where that is not recorded.
pub(crate) async fn live(
    engine: &Engine,
    (release, namespace): (&str, &str),
    database: &str,
) -> Result<Vec<Live>, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::because(Exit::Failed, "read what is live", error);
    let history = engine.releases(namespace).history(release).await.map_err(|error| failed(&error))?;
    let deployed = history.iter().rev().find(|r| r.info.status == Status::Deployed).map(|r| r.version);
    let records = engine.schemas(namespace, release).await.map_err(|error| failed(&error))?;
    let is_live =
        |(revision, record): &&(u32, SchemaRecord)| Some(*revision) == deployed && record.database == database;
    let live = records.iter().filter(is_live).map(|(revision, record)| Live {
        name: format!("revision {revision} of {release}"),
        versions: record.migrations.iter().map(|migration| migration.version.clone()).collect(),
    });
    Ok(live.collect())
}
