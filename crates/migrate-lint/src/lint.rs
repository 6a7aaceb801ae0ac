use std::collections::{BTreeMap, BTreeSet};

use bowline_migrate::tree::{Migration, MigrationTree};
use serde::Serialize;

use crate::file::File;
use crate::finding::Finding;
use crate::locks::LockUse;
use crate::phase::Phase;
use crate::rules;

/// Code that runs, and what it knows of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// In words: `origin/main`, `revision 4 of shop`.
    pub name: String,
    /// The migrations that it was built with.
    pub versions: BTreeSet<String>,
}

/// How large tables are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// By `schema.table` and, where it can be found without its schema, by `table`.
    pub tables: BTreeMap<String, TableSize>,
}

/// How large a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// Rows, as the planner estimates.
    pub rows: u64,
    /// Bytes with indexes.
    pub bytes: u64,
}

/// What is known beside the files, and which rules count.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    /// The server's version, for rules that depend on it: `16`, `15.4`.
    pub postgres: Option<String>,
    /// Rules that do not count.
    pub exclude: BTreeSet<String>,
    /// Rules of squawk that count although they do not by themselves.
    pub include: BTreeSet<String>,
    /// What runs while the migrations run. Those that all of it was built with are not looked at again.
    pub live: Vec<Live>,
    /// The folder as it was where this one comes from: a branch's base.
    pub base: Option<MigrationTree>,
    /// How large tables are.
    pub sizes: Option<Sizes>,
}

/// What one migration is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its version.
    pub version: String,
    /// Its file.
    pub file: std::path::PathBuf,
    /// Whether code of before it runs after it; absent where it is not SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The file says so itself.
    pub declared: bool,
    /// Whether there is a way back.
    pub down: bool,
    /// Whether going back brings back what it took.
    pub restores: bool,
    /// What going back takes with the data in it, in words.
    pub loses: Vec<String>,
    /// Whether everything that is live was built with it.
    pub applied: bool,
    /// The locks that it takes on tables which were there before it.
    pub locks: Vec<LockUse>,
    /// What it takes from code that does not know it, in words.
    pub takes: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By file and place.
    pub findings: Vec<Finding>,
    /// In order.
    pub migrations: Vec<Summary>,
}

/// What rules look at.
pub(crate) struct Look<'a> {
    pub(crate) tree: &'a MigrationTree,
    pub(crate) files: Vec<File<'a>>,
    pub(crate) options: &'a LintOptions,
    /// Tables that migrations create which run together with others: nobody uses them yet.
    pub(crate) new_tables: BTreeSet<String>,
}

impl Look<'_> {
    pub(crate) fn is_applied(&self, migration: &Migration) -> bool {
        is_applied(self.options, migration)
    }

    /// Whether nobody uses a table yet: it is created by the file itself, or by one that runs together with it.
    pub(crate) fn is_new(&self, file: &File<'_>, table: &str) -> bool {
        let bare = bare(table);
        file.creates.contains(bare) || self.new_tables.contains(bare)
    }
}

fn is_applied(options: &LintOptions, migration: &Migration) -> bool {
    !options.live.is_empty() && options.live.iter().all(|live| live.versions.contains(&migration.version))
}

/// A table's name without its schema.
pub(crate) fn bare(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}

/// Looks at a folder of migrations.
pub fn lint(tree: &MigrationTree, options: &LintOptions) -> Report {
    let files: Vec<File<'_>> = tree.migrations.iter().map(|migration| File::of(tree, migration, options)).collect();
    let mut new_tables = BTreeSet::new();
    if !options.live.is_empty() {
        for file in files.iter().filter(|file| !is_applied(options, file.migration)) {
            new_tables.extend(file.creates.iter().cloned());
        }
    }
    let look = Look { tree, files, options, new_tables };
    let mut findings = Vec::new();
    for rule in rules::ALL {
        rule(&look, &mut findings);
    }
    let ignored: BTreeMap<_, _> = look.files.iter().map(|f| (&f.migration.path, &f.notes.ignored)).collect();
    findings.retain(|finding| {
        let of_file = ignored.get(&finding.file).is_some_and(|ignored| ignored.contains(&finding.rule));
        let excluded = options.exclude.contains(&finding.rule)
            || (!finding.also.is_empty() && finding.also.iter().all(|rule| options.exclude.contains(rule)));
        !of_file && !excluded
    });
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.file.clone(), f.line, f.column, f.severity, f.rule.clone());
        key(a).cmp(&key(b))
    });
    findings.dedup();
    let migrations = look.files.iter().map(|file| summary(&look, file)).collect();
    Report { findings, migrations }
}

fn summary(look: &Look<'_>, file: &File<'_>) -> Summary {
    let up = file.up.as_ref();
    Summary {
        version: file.migration.version.clone(),
        file: file.migration.path.clone(),
        phase: file.phase(look),
        declared: file.notes.phase.is_some(),
        down: file.down.as_ref().is_some_and(|down| !down.changes.is_empty()),
        restores: rules::restores(file),
        loses: rules::loses(file),
        applied: look.is_applied(file.migration),
        locks: up.map_or_else(Vec::new, |up| up.locks().filter(|lock| !look.is_new(file, &lock.table)).collect()),
        takes: file.contracts(look).map(crate::describe::of).collect(),
    }
}
