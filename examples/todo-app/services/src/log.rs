//! Log lines on standard output: JSON where `LOG_FORMAT=json`, else plain text.

use std::env;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// How much a line matters; what matters more compares greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For looking into the service.
    Debug,
    /// What it does.
    Info,
    /// What should not last.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Writes the lines of one service.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    service: &'static str,
    json: bool,
    least: Level,
}

impl Log {
    /// As `LOG_FORMAT` (`json`) and `LOG_LEVEL` (`debug`, `info`, `warn`, `error`) say.
    pub fn from_env(service: &'static str) -> Self {
        let least = match env::var("LOG_LEVEL").unwrap_or_default().to_lowercase().as_str() {
            "debug" | "trace" => Level::Debug,
            "warn" | "warning" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Info,
        };
        Self { service, json: env::var("LOG_FORMAT").as_deref() == Ok("json"), least }
    }

    /// Writes one line. A reader that went away is no reason to stop serving.
    pub fn line(&self, level: Level, message: &str, fields: &[(&str, Value)]) {
        if level < self.least {
            return;
        }
        let line = if self.json { self.as_json(level, message, fields) } else { as_text(level, message, fields) };
        _ = std::io::stdout().lock().write_all(line.as_bytes());
    }

    /// Writes one line of level info.
    pub fn info(&self, message: &str, fields: &[(&str, Value)]) {
        self.line(Level::Info, message, fields);
    }

    fn as_json(&self, level: Level, message: &str, fields: &[(&str, Value)]) -> String {
        let mut line = Map::new();
        line.insert("time".into(), now().into());
        line.insert("level".into(), level.as_str().into());
        line.insert("service".into(), self.service.into());
        line.insert("message".into(), message.into());
        line.extend(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        format!("{}\n", Value::Object(line))
    }
}

fn as_text(level: Level, message: &str, fields: &[(&str, Value)]) -> String {
    let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    format!("{} {:5} {message}{fields}\n", now(), level.as_str())
}

/// The error as a field.
pub(crate) fn because(error: &dyn std::error::Error) -> (&'static str, Value) {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    ("error", json!(text))
}

/// Now, as RFC 3339 in UTC with milliseconds.
// A service of its own that runs in real time only, not a part of Bowline.
#[allow(clippy::disallowed_methods)]
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    timestamp(since.as_secs(), since.subsec_millis())
}

fn timestamp(seconds: u64, millis: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // the civil date of a day number, counted in eras of 400 years that start on the 1st of March
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest % 3600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_as_rfc_3339() {
        assert_eq!(timestamp(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_782_399, 5), "2000-02-28T23:59:59.005Z");
        assert_eq!(timestamp(951_782_400, 0), "2000-02-29T00:00:00.000Z");
        assert_eq!(timestamp(1_785_456_000, 0), "2026-07-31T00:00:00.000Z");
        assert_eq!(timestamp(4_102_444_799, 999), "2099-12-31T23:59:59.999Z");
    }

    #[test]
    fn json_lines_carry_their_fields() {
        let log = Log { service: "s", json: true, least: Level::Info };
        let line: Value = serde_json::from_str(&log.as_json(Level::Warn, "a \"b\"\n", &[("n", json!(1))])).unwrap();
        assert_eq!((&line["level"], &line["message"], &line["n"]), (&json!("warn"), &json!("a \"b\"\n"), &json!(1)));
    }
}
