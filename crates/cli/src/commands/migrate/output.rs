use std::fmt::Write as _;
use std::time::Duration;

use bowline_migrate::{Direction, Event, FileState, MigrateError, Outcome, Status, Validation};
use serde_json::json;

use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::{Printer, table};

/// A line of progress, worded as goose words what it says too. Lines of several databases begin with their names.
pub(crate) fn event(event: &Event, database: Option<&str>, printer: Printer) {
    let label = database.map(|database| format!("[{database}] ")).unwrap_or_default();
    let progress = |line: String| printer.progress(&format!("{label}{line}"));
    let warn = |line: String| printer.warn(&format!("{label}{line}"));
    match event {
        Event::Migrated { name, statements, direction, took, .. } => {
            let word = if *statements == 0 { "EMPTY" } else { "OK  " };
            // goose leaves the direction to the reader; of several databases nobody would know
            let back = if database.is_some() && *direction == Direction::Down { ", down" } else { "" };
            progress(format!("{word} {name} ({}{back})", duration(*took)));
        }
        Event::WaitingForServer { why, limit } => {
            progress(format!("waiting up to {} for the server: {why}", duration(*limit)));
        }
        Event::LockHeld { holder, limit } => {
            let who = holder.as_ref().map_or_else(|| "another session".to_owned(), ToString::to_string);
            progress(format!("waiting up to {}: {who} migrates this database", duration(*limit)));
        }
        Event::LockTaken { waited } => progress(format!("the lock is free after {}", duration(*waited))),
        Event::Resumed { name, statement, of, .. } => {
            progress(format!("going on with {name} at statement {statement} of {of}"));
        }
        Event::IndexDropped { index } => warn(format!("dropped the half-built index {index}")),
        Event::FoundDone { version, statement } => {
            warn(format!("statement {statement} of version {version} turned out to be done already"));
        }
        Event::Blocked { blocker } => progress(format!("in the way: {blocker}")),
        Event::Retry { name, why, attempt, after } => {
            progress(format!("{name}: {why}; attempt {attempt} in {}", duration(*after)));
        }
        Event::Before { command } => progress(format!("before: {command}")),
        Event::Changed { names } => {
            let (first, more) =
                (names.iter().take(8).cloned().collect::<Vec<_>>().join(", "), names.len().saturating_sub(8));
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            warn(format!(
                "{first}{more}: changed since it was applied, and not applied again; write a new migration for the change"
            ));
        }
        Event::Note { text } => warn(text.clone()),
    }
}

pub(crate) fn outcome(outcome: &Outcome, format: Output, printer: Printer) {
    match format {
        Output::Json => printer.json(outcome),
        Output::Text if outcome.applied.is_empty() => {
            printer.progress(&format!("bowline: no migrations to run. current version: {}", outcome.version));
        }
        Output::Text => {
            let version = outcome.version;
            printer.progress(&format!("bowline: successfully migrated database to version: {version}"));
        }
    }
}

pub(crate) fn version(version: i64, format: Output, printer: Printer) {
    match format {
        Output::Json => printer.json(&json!({ "version": version })),
        Output::Text => printer.data(&format!("bowline: version {version}\n")),
    }
}

/// goose's table, with what it does not know behind it.
pub(crate) fn status(status: &Status, format: Output, printer: Printer) {
    if matches!(format, Output::Json) {
        printer.json(status);
        return;
    }
    let mut text =
        String::from("    Applied At                  Migration\n    =======================================\n");
    for line in &status.migrations {
        let when = match line.state {
            FileState::Applied => line.applied_at.as_deref().map_or_else(|| "Applied".to_owned(), ansi),
            FileState::Pending => "Pending".to_owned(),
            FileState::Stopped => "Stopped".to_owned(),
        };
        let name = line.name.clone().unwrap_or_else(|| format!("version {}", line.version));
        let _ = write!(text, "    {when:<24} -- {name}");
        if !line.notes.is_empty() {
            let _ = write!(text, " ({})", line.notes.join("; "));
        }
        text.push('\n');
    }
    for index in &status.invalid_indexes {
        let _ = writeln!(text, "    {:<24} -- index {index}: a build did not finish", "INVALID");
    }
    printer.data(&text);
}

pub(crate) fn validation(validation: &Validation, verbose: bool, format: Output, printer: Printer) {
    if matches!(format, Output::Json) {
        let files: Vec<_> = validation
            .files
            .iter()
            .map(|(name, file)| {
                json!({
                    "name": name, "transaction": file.up.transaction,
                    "up": file.up.statements.len(), "down": file.down.statements.len(),
                })
            })
            .collect();
        let errors: Vec<String> = validation.errors.iter().map(ToString::to_string).collect();
        printer.json(&json!({ "files": files, "errors": errors }));
        return;
    }
    for (name, file) in &validation.files {
        for note in &file.up.notes {
            printer.warn(&format!("{name}:{}: {}", note.line, note.message));
        }
    }
    if verbose {
        let row = |(name, file): &(String, bowline_migrate::ParsedFile)| {
            let mark = if file.up.transaction { "✔" } else { "✘" };
            let (up, down) = (file.up.statements.len(), file.down.statements.len());
            vec!["sql".to_owned(), mark.to_owned(), up.to_string(), down.to_string(), name.clone()]
        };
        let rows: Vec<_> = validation.files.iter().map(row).collect();
        printer.data(&table(&["Type", "Txn", "Up", "Down", "Name"], &rows));
    }
}

/// What failed, with what the server added and what to do about it.
pub(crate) fn failure(doing: &str, error: &MigrateError) -> Failure {
    let exit = match error {
        _ if error.is_timed_out() => Exit::TimedOut,
        MigrateError::Folder { .. } | MigrateError::NoFiles { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    let mut failure = Failure::new(exit, doing);
    failure.causes.push(error.to_string());
    failure.causes.extend(error.detail().map(str::to_owned));
    match error {
        MigrateError::Statement { undone: true, source, .. } | MigrateError::Commit { source, .. }
            if source.disconnected =>
        {
            failure
                .causes
                .push("the connection is gone, and whether the file was committed is not known here".to_owned());
            failure.hints.push("bowline migrate status".to_owned());
            failure.hints.push("bowline migrate up goes on with what is not applied".to_owned());
        }
        MigrateError::ReadOnly { .. } => {
            failure.hints.push(
                "bowline migrate up --database 'postgres://USER@HOST,HOST/NAME?target_session_attrs=read-write' finds the \
                 primary of several servers"
                    .to_owned(),
            );
        }
        MigrateError::Statement { undone: true, .. } => {
            failure.causes.push("nothing of this file is left; the files before it are applied".to_owned());
        }
        MigrateError::Statement { undone: false, statement, of, .. } => {
            failure
                .causes
                .push(format!("the file runs without a transaction: it stopped at statement {statement} of {of}"));
            failure.hints.push("bowline migrate up goes on at that statement".to_owned());
        }
        MigrateError::Missing { .. } => failure.hints.push("bowline migrate up --allow-missing".to_owned()),
        MigrateError::NoFiles { .. } | MigrateError::Folder { .. } => {
            failure.hints.push("bowline migrate --dir FOLDER status".to_owned());
        }
        MigrateError::Locked { .. } => failure.hints.push("bowline migrate up --lock-wait 30m".to_owned()),
        MigrateError::Stopped { direction: Direction::Up, .. } => {
            failure.hints.push("bowline migrate up".to_owned());
        }
        MigrateError::Duplicate { .. } => failure.hints.push("bowline migrate fix".to_owned()),
        _ => {}
    }
    if let MigrateError::Statement { source, .. } = error {
        if let Some(blocker) = &source.blocker {
            failure.causes.push(format!("in the way: {blocker}"));
        }
        // disk_full
        if source.code.as_deref() == Some("53100") {
            failure.hints.push("make room on the server's disk, then bowline migrate up".to_owned());
        }
        // active_sql_transaction: such as CREATE INDEX CONCURRENTLY
        if source.code.as_deref() == Some("25001") {
            failure
                .hints
                .push("put `-- +goose NO TRANSACTION` into the file, best with this statement alone".to_owned());
        }
    }
    failure
}

/// As Go's `time.ANSIC` has it, which goose prints; what is no time stays as it is.
fn ansi(time: &str) -> String {
    let parsed = time.parse::<jiff::civil::DateTime>();
    parsed.map_or_else(|_| time.to_owned(), |time| time.strftime("%a %b %e %H:%M:%S %Y").to_string())
}

/// `1.23ms`, as goose rounds it.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2}s")
    } else if seconds >= 0.001 {
        format!("{:.2}ms", seconds * 1000.0)
    } else {
        format!("{:.2}µs", seconds * 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_goose_prints_them() {
        assert_eq!(ansi("2026-11-04 21:53:07.123456"), "Wed Nov  4 21:53:07 2026");
        assert_eq!(ansi("soon"), "soon");
        assert_eq!(duration(Duration::from_micros(3210)), "3.21ms");
    }
}
