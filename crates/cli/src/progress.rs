//! The engine's events as lines for people, or as NDJSON for programs.

use std::sync::{Arc, Mutex, PoisonError};

use bowline_engine::{Change, Event, EventSink, Happening};

use crate::args::EventOutput;
use crate::printer::Printer;

/// A sink that prints events in the wanted form.
pub(crate) fn sink(output: EventOutput, printer: Printer) -> Arc<dyn EventSink> {
    match output {
        EventOutput::Ndjson => Arc::new(move |event: &Event| {
            if let Ok(line) = serde_json::to_string(event) {
                printer.data(&(line + "\n"));
            }
        }),
        EventOutput::Text => Arc::new(Lines { printer, last: Mutex::new(String::new()) }),
    }
}

/// Prints a line for each event that says something new.
struct Lines {
    printer: Printer,
    last: Mutex<String>,
}

impl EventSink for Lines {
    fn event(&self, event: &Event) {
        let Some(line) = line(&event.what) else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // A wait is told again whenever the time left changes: once is enough.
        if *last != line {
            self.printer.progress(&format!("  {line}"));
            *last = line;
        }
    }
}

/// One line about what happened; `None` for what people need not read.
pub(crate) fn line(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::LockAwaited { holder, doing, silent_seconds, seconds_left } => format!(
            "waiting for the lock of {holder} ({doing}), last heard of {silent_seconds}s ago: \
             taken over in {seconds_left}s unless it is heard of again"
        ),
        Happening::ReleaseLocked { taken_over_from: Some(dead), .. } => format!("lock taken over from {dead}"),
        Happening::Planned { summary, .. } => format!("plan: {summary}"),
        Happening::HookStarted { hook, object, .. } => format!("{hook} hook {object} started"),
        Happening::HookSucceeded { hook, object } => format!("{hook} hook {object} succeeded"),
        Happening::HookFailed { hook, object, .. } => format!("{hook} hook {object} failed"),
        Happening::HookLog { object, lines } => format!("{object} wrote:\n    {}", lines.join("\n    ")),
        Happening::MigrationStarted { object, tool, database } if tool == "declared" => {
            format!("{object} migrates {database}")
        }
        Happening::MigrationStarted { object, tool, database } => format!("{object} migrates {database} with {tool}"),
        Happening::MigrationLog { object, line } => format!("{object} | {line}"),
        Happening::MigrationFinished { object, database, succeeded, exit_code, seconds, .. } => {
            let end = if *succeeded { "migrated".to_owned() } else { "not migrated".to_owned() };
            let code = exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
            format!("{object}: {database} {end} after {seconds}s{code}")
        }
        Happening::SchemaChecked { message } | Happening::SchemaTakenBack { message } => message.clone(),
        Happening::ObjectApplied { change: Change::Unchanged, .. } => return None,
        Happening::ObjectApplied { object, change } => format!("{object} {}", change.as_str()),
        Happening::ObjectDeleted { object, reason } => format!("{object} deleted: {reason}"),
        Happening::ObjectKept { object, reason } => format!("{object} kept: {reason}"),
        Happening::Waiting(waiting) => {
            let message = if waiting.message.is_empty() { &waiting.reason } else { &waiting.message };
            format!("waiting for {} ({}/{} ready): {message}", waiting.object, waiting.ready, waiting.of)
        }
        Happening::RevisionRecorded { recorded, status, .. } => format!("revision {recorded}: {}", status.as_str()),
        Happening::RollingBack { to: Some(revision) } => format!("going back to revision {revision}"),
        Happening::RollingBack { to: None } => "removing the failed install".to_owned(),
        Happening::RolledBack { to: Some(revision) } => format!("back at revision {revision}"),
        Happening::RolledBack { to: None } => "the failed install is removed".to_owned(),
        Happening::Interrupted { message } => format!("connection lost: {message}"),
        Happening::ReleaseLocked { taken_over_from: None, .. }
        | Happening::PhaseStarted { .. }
        | Happening::PhaseFinished { .. }
        | Happening::OperationStarted { .. }
        | Happening::OperationFinished { .. }
        | Happening::Finished { .. } => return None,
    })
}
