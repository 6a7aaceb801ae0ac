//! The migrations that a rollback takes back: which, in which order, what is lost by it, and the running of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_app::App;
use bowline_clock::Random;
use bowline_cluster::Cluster;
use bowline_engine::{SchemaDowns, SchemaRecord, SchemaVerdict};
use bowline_migrate::tree::MigrationTree;
use bowline_migrate::{Event, FileState, Options, Runner, Status, Table, Target};
use bowline_migrate_lint::{LintOptions, Summary, lint};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::args::Downs;
use crate::databases;
use crate::exit::Exit;
use crate::failure::Failure;

/// One file to take back.
#[derive(Clone, Debug)]
struct File {
    version: i64,
    name: String,
    /// What is lost by it, in words.
    loses: Vec<String>,
}

/// The files of one database to take back, in the order of their versions.
#[derive(Clone, Debug)]
struct Database {
    name: String,
    wave: i32,
    target: Target,
    folder: PathBuf,
    table: Table,
    /// What is applied to it beyond what the earlier revision was built with.
    applied: Vec<i64>,
    /// What the earlier revision cannot run with, and what came after that.
    before: Vec<File>,
    /// What only the later revision needed.
    after: Vec<File>,
}

/// Everything that a rollback takes back.
pub(crate) struct TakesBack {
    databases: Vec<Database>,
}

impl TakesBack {
    /// Asks the databases what is applied to them beyond what `records`, those of the earlier revision, have.
    ///
    /// # Errors
    /// Where a database cannot be asked, or has something that cannot be taken back; before anything is changed.
    pub(crate) async fn find(
        app: &App,
        placeholders: Option<&BTreeMap<String, String>>,
        (cluster, namespace): (&Cluster, &str),
        records: &[SchemaRecord],
        verdicts: &[SchemaVerdict],
        which: Downs,
    ) -> Result<Self, Failure> {
        let mut found = Vec::new();
        for verdict in verdicts.iter().filter(|verdict| !verdict.since.is_empty()) {
            let name = verdict.database.as_str();
            let needed = verdict.breaking().next().map(|migration| migration.version.clone());
            if which == Downs::Needed && needed.is_none() {
                continue;
            }
            let wrong = |why: String| Failure::new(Exit::Usage, format!("database {name}: {why}"));
            let Some(record) = records.iter().find(|record| record.database == name) else {
                return Err(wrong("it is not recorded what the earlier revision was built with".into())
                    .hint("bowline migrate down-to VERSION"));
            };
            let database = app.databases.get(name).ok_or_else(|| {
                wrong(format!("there is no databases.{name} in {}", bowline_app::FILE_NAME))
                    .hint("bowline rollback --app PATH   names the folder with the bowline.yaml")
            })?;
            let variables = |variable: &str| std::env::var(variable).ok();
            let known = databases::address(app, (name, database), placeholders, &variables)?;
            let known = known.ok_or_else(|| {
                wrong("there is no address of it".into())
                    .hint(format!("export {}=postgres://USER:PASSWORD@HOST/NAME", database.variable(name)))
            })?;
            let target = known.target(cluster, namespace).await.map_err(wrong)?;
            let table = match &database.table {
                Some(table) => Table::new(table).map_err(wrong)?,
                None => Table::default(),
            };
            let mut entry = Database {
                name: name.to_owned(),
                wave: database.wave,
                target,
                folder: database.migrations.clone(),
                table,
                applied: Vec::new(),
                before: Vec::new(),
                after: Vec::new(),
            };
            entry.look(record, needed.as_deref(), which).await?;
            if !entry.before.is_empty() || !entry.after.is_empty() {
                found.push(entry);
            }
        }
        // Who was migrated last goes back first.
        found.sort_by(|a, b| (b.wave, &b.name).cmp(&(a.wave, &a.name)));
        Ok(Self { databases: found })
    }

    /// How many files that are.
    pub(crate) fn count(&self) -> usize {
        self.databases.iter().map(|database| database.before.len() + database.after.len()).sum()
    }

    /// Every file, with what is lost, in the order in which they are taken back.
    pub(crate) fn list(&self, revision: u32) -> String {
        let mut text = String::new();
        let parts =
            [(format!("before revision {revision} comes"), true), (format!("when revision {revision} runs"), false)];
        for (when, is_before) in parts {
            let files = self.databases.iter().flat_map(|database| {
                let files = if is_before { &database.before } else { &database.after };
                files.iter().rev().map(|file| (database.name.as_str(), file))
            });
            for (index, (database, file)) in files.enumerate() {
                if index == 0 {
                    let _ = writeln!(text, "taken back {when}:");
                }
                let loses = match file.loses.as_slice() {
                    [] => "nothing is lost".to_owned(),
                    loses => format!("LOST: {}", loses.join("; ")),
                };
                let _ = writeln!(text, "  {database}: {}   {loses}", file.name);
            }
        }
        text
    }

    /// Takes files back, on a thread of its own: a session of a database stays where it began.
    fn take(&self, is_before: bool) -> BoxFuture<'_, Result<Vec<String>, String>> {
        let databases = self.databases.clone();
        async move {
            let work = tokio::task::spawn_blocking(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| format!("start the runtime: {error}"))?;
                runtime.block_on(async {
                    let mut said = Vec::new();
                    for database in &databases {
                        if let Err(why) = database.take(is_before, &mut said).await {
                            let done =
                                if said.is_empty() { String::new() } else { format!("; done: {}", said.join("; ")) };
                            return Err(format!("database {}: {why}{done}", database.name));
                        }
                    }
                    Ok(said)
                })
            });
            work.await.map_err(|error| error.to_string())?
        }
        .boxed()
    }
}

impl SchemaDowns for TakesBack {
    fn before(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        self.take(true)
    }

    fn after(&self) -> BoxFuture<'_, Result<Vec<String>, String>> {
        self.take(false)
    }
}

impl Database {
    fn runner(&self) -> Runner<'static> {
        let options = Options { table: self.table.clone(), ..Options::default() };
        let variables: &'static dyn Fn(&str) -> Option<String> = &|name| std::env::var(name).ok();
        let silent = Arc::new(|_: Event| {});
        Runner::new(self.target.clone(), &self.folder, options, variables, Random::from_entropy(), silent)
    }

    /// Parts what is applied into what goes before the earlier revision comes and what goes after.
    async fn look(&mut self, record: &SchemaRecord, needed: Option<&str>, which: Downs) -> Result<(), Failure> {
        let name = self.name.clone();
        let doing = || format!("database {name}: read the state of its migrations");
        let status = self.runner().status().await.map_err(|e| Failure::because(Exit::Failed, doing(), &e))?;
        let wrong = |why: String, hint: &str| Failure::new(Exit::Failed, format!("database {name}: {why}")).hint(hint);
        let own: BTreeSet<i64> = record.migrations.iter().filter_map(|m| m.version.parse().ok()).collect();
        if let Some(line) = status.migrations.iter().find(|line| line.state == FileState::Stopped) {
            let why = format!("version {} stopped halfway, and cannot be taken back", line.version);
            return Err(wrong(why, "bowline migrate up   goes on with it"));
        }
        self.applied = beyond(&status, &own);
        let tree = MigrationTree::read(&self.folder, None);
        let tree = tree.map_err(|e| Failure::because(Exit::Usage, format!("database {name}: read its files"), &e))?;
        let files: BTreeMap<i64, Summary> = lint(&tree, &LintOptions::default())
            .migrations
            .into_iter()
            .filter_map(|summary| Some((summary.version.parse().ok()?, summary)))
            .collect();
        let needed = needed.and_then(|version| version.parse::<i64>().ok());
        for &version in &self.applied {
            let goes_before = needed.is_some_and(|needed| version >= needed);
            if !goes_before && which == Downs::Needed {
                continue;
            }
            let summary = files.get(&version).ok_or_else(|| {
                let why = format!("version {version} is applied, and its file is not in {}", self.folder.display());
                wrong(why, "bowline rollback --app PATH   with the newest files")
            })?;
            let file = of_summary(version, summary);
            if !summary.down {
                let why = format!("there is no way back from {}", file.name);
                return Err(wrong(why, "bowline rollback --accept-schema   leaves the database as it is"));
            }
            if goes_before { self.before.push(file) } else { self.after.push(file) }
        }
        Ok(())
    }

    async fn take(&self, is_before: bool, said: &mut Vec<String>) -> Result<(), String> {
        let files = if is_before { &self.before } else { &self.after };
        if files.is_empty() {
            return Ok(());
        }
        let runner = self.runner();
        // Somebody may have migrated since it was asked about: what was not seen then is not touched.
        let now = runner.applied().await.map_err(|error| error.to_string())?;
        let seen: BTreeSet<i64> = self.applied.iter().copied().collect();
        let last = seen.last().copied().unwrap_or_default();
        if let Some(new) = now.iter().find(|version| **version > last) {
            return Err(format!("version {new} was applied meanwhile; nothing more is taken back"));
        }
        let versions: Vec<i64> = files.iter().map(|file| file.version).collect();
        let outcome = runner.take_back(&versions).await.map_err(|error| error.to_string())?;
        let taken = outcome.applied.iter().map(|file| format!("database {}: {} is taken back", self.name, file.name));
        said.extend(taken);
        Ok(())
    }
}

/// The versions that are applied and not among `own`.
fn beyond(status: &Status, own: &BTreeSet<i64>) -> Vec<i64> {
    let applied = status.migrations.iter().filter(|line| line.state == FileState::Applied && line.version > 0);
    applied.map(|line| line.version).filter(|version| !own.contains(version)).collect()
}

fn of_summary(version: i64, summary: &Summary) -> File {
    let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut loses = summary.loses.clone();
    if !summary.restores {
        let takes = summary.takes.iter().map(|takes| format!("{takes}, and its data does not come back"));
        loses.extend(takes);
    }
    File { version, name: file_name(&summary.file).unwrap_or_default(), loses }
}
