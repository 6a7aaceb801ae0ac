//! `lint`: what is dangerous in migrations, and which locks they really take.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bowline_clock::Random;
use bowline_migrate::tree::{Layout, MigrationTree};
use bowline_migrate::{MigrateError, Target};
use bowline_migrate_lint::{Explained, LintOptions, Live, Report, explain, is_rule, lint, read_sizes};
use serde_json::json;

use super::output;
use super::settings::Settings;
use crate::args::{Lint, MigrateSettings, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt;
use crate::printer::Printer;

/// Looks at the folder, and at the server where there is one. Findings make the exit code [`Exit::Pending`].
pub(super) async fn run(
    settings: &Settings,
    arguments: &MigrateSettings,
    how: &Lint,
    printer: Printer,
) -> Result<Exit, Failure> {
    let unknown = how.exclude.iter().chain(&how.include).find(|rule| !is_rule(rule));
    if let Some(rule) = unknown {
        return Err(Failure::new(Exit::Usage, format!("there is no rule {rule:?}")));
    }
    let read = |error| Failure::because(Exit::Usage, "read the migrations", &error);
    let tree = MigrationTree::read(&settings.folder, how.tool).map_err(read)?;
    let mut options = LintOptions {
        postgres: how.postgres.clone(),
        exclude: how.exclude.iter().cloned().collect::<BTreeSet<_>>(),
        include: how.include.iter().cloned().collect::<BTreeSet<_>>(),
        ..LintOptions::default()
    };
    if let Some(revision) = &how.base {
        let base = base(&settings.folder, revision, tree.layout)?;
        let versions = base.iter().flat_map(|base| &base.migrations).map(|migration| migration.version.clone());
        options.live.push(Live { name: revision.clone(), versions: versions.collect() });
        options.base = base;
    }
    let target = if settings.has_target() { Some(settings.target()?) } else { None };
    if let Some(target) = &target {
        match ask(target, &mut options).await {
            Ok(()) => {}
            // Whoever's environment has an address need not mean the linter by it.
            Err(error) if !settings.is_target_given() && !how.explain => {
                printer.warn(&format!("how large tables are is not known, and counts for nothing here: {error}"));
            }
            Err(error) => return Err(output::failure("read the sizes of tables", &error)),
        }
    }
    let report = lint(&tree, &options);
    let explained = match (how.explain, &target) {
        (false, _) => Vec::new(),
        (true, Some(target)) => on_scratch(&tree, settings, target).await?,
        (true, None) => {
            return Err(Failure::new(Exit::Usage, "which server? --explain needs one for its scratch database")
                .hint("bowline migrate lint --explain --database postgres://USER@HOST/postgres"));
        }
    };
    let (findings, migrations) = (&report.findings, &report.migrations);
    match arguments.output {
        Output::Json => {
            printer.json(&json!({"findings": findings, "migrations": migrations, "explained": explained}));
        }
        Output::Text => printer.data(&text(&report, &explained)),
    }
    Ok(if report.findings.is_empty() { Exit::Ok } else { Exit::Pending })
}

/// The folder as a revision of its Git repository has it; `None` where it is not there.
fn base(folder: &Path, revision: &str, layout: Layout) -> Result<Option<MigrationTree>, Failure> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
        let output = output.map_err(|error| Failure::because(Exit::Failed, "run git", &error))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let mut failure = Failure::new(Exit::Usage, format!("read the migrations of {revision}"));
        failure.causes.push(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        Err(failure)
    };
    let commit = format!("{revision}^{{commit}}");
    git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|failure| {
        if failure.causes.iter().all(String::is_empty) {
            Failure::new(Exit::Usage, format!("{revision:?} is no revision of the repository")).hint("git fetch")
        } else {
            failure
        }
    })?;
    let names = git(&["ls-tree", "-r", "-z", "--name-only", revision])?;
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "sql" || extension == "py") {
            let content = git(&["show", &format!("{revision}:./{name}")])?;
            files.push((folder.join(name), content));
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    let read = |error| Failure::because(Exit::Usage, format!("read the migrations of {revision}"), &error);
    MigrationTree::of_files(folder, files, Some(layout)).map(Some).map_err(read)
}

/// What the server knows: its version, and how large tables are.
async fn ask(target: &Target, options: &mut LintOptions) -> Result<(), MigrateError> {
    let client = target.postgres(None, "how large its tables are").await?;
    let failed = |error: tokio_postgres::Error| MigrateError::of_postgres(target, &error);
    let version = client.query_one("SHOW server_version", &[]).await.map_err(failed)?;
    let version: String = version.try_get(0).map_err(failed)?;
    let number: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    options.postgres.get_or_insert(number);
    options.sizes = Some(read_sizes(&client).await.map_err(failed)?);
    Ok(())
}

async fn on_scratch(tree: &MigrationTree, settings: &Settings, target: &Target) -> Result<Vec<Explained>, Failure> {
    let scratch = format!("bowline_scratch_{:016x}", Random::from_entropy().next_u64());
    let variables = |name: &str| settings.variable(name);
    let connect = async |database: Option<&str>| target.postgres(database, "which locks migrations take").await;
    let explained = explain(tree, &scratch, &variables, connect, interrupt::requested()).await;
    explained.map_err(|error| {
        let interrupted = matches!(error, bowline_migrate_lint::ExplainError::Interrupted);
        let exit = if interrupted { Exit::Interrupted } else { Exit::Failed };
        Failure::because(exit, "run the migrations on a scratch database", &error)
    })
}

fn text(report: &Report, explained: &[Explained]) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let _ = writeln!(text, "{finding}\n");
    }
    for migration in explained {
        let _ = writeln!(text, "{}: {:.1} ms", migration.file.display(), migration.milliseconds);
        for lock in &migration.locks {
            let _ = writeln!(
                text,
                "    {} on {} for {:.1} ms, by line {}: stops {}",
                lock.mode,
                lock.table,
                lock.milliseconds,
                lock.line,
                lock.mode.stops()
            );
        }
    }
    if !explained.is_empty() {
        text.push_str("(on a scratch database, whose tables have only the rows that the migrations put in)\n\n");
    }
    let _ = match report.findings.len() {
        0 => writeln!(text, "no findings in {} migrations", report.migrations.len()),
        1 => writeln!(text, "1 finding in {} migrations", report.migrations.len()),
        count => writeln!(text, "{count} findings in {} migrations", report.migrations.len()),
    };
    text
}
