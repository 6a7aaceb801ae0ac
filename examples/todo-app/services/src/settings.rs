//! What the environment says.

use std::env;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A variable that is missing or wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingsError {
    variable: &'static str,
    problem: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {}: {}", self.variable, self.problem)
    }
}

impl std::error::Error for SettingsError {}

/// Errors and delays on purpose, for rehearsing what a deployment does about them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of API requests to answer with 500, 0 to 1 (`FAULT_ERROR_RATE`).
    pub error_rate: f64,
    /// Added to every API request (`FAULT_LATENCY_MS`).
    pub latency: Duration,
    /// Never ready (`FAULT_READY=fail`).
    pub never_ready: bool,
    /// End with exit code 1 at once (`CRASH_ON_START`, unless empty, `0` or `false`).
    pub crash_on_start: bool,
}

/// What both servers are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Address to listen on (`HOST`).
    pub host: String,
    /// Port to listen on (`PORT`); 0 takes a free one.
    pub port: u16,
    /// How long to go on answering, not ready, after the signal to stop (`SHUTDOWN_DELAY_MS`).
    pub shutdown_delay: Duration,
    /// How long requests under way may take after that (`SHUTDOWN_GRACE_MS`).
    pub shutdown_grace: Duration,
    /// Origins whose pages may call the API (`ALLOWED_ORIGINS`, comma-separated; `*` for all).
    pub allowed_origins: Vec<String>,
    /// Errors and delays on purpose.
    pub faults: Faults,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// Where a variable is there and makes no sense.
    pub fn from_env(default_port: u16) -> Result<Self, SettingsError> {
        Self::from(&|name| env::var(name).ok(), default_port)
    }

    fn from(get: &dyn Fn(&'static str) -> Option<String>, default_port: u16) -> Result<Self, SettingsError> {
        let millis = |name, default| parse(get, name, default).map(Duration::from_millis);
        let error_rate = parse(get, "FAULT_ERROR_RATE", 0.0)?;
        if !(0.0..=1.0).contains(&error_rate) {
            let problem = format!("'{error_rate}' is not between 0 and 1");
            return Err(SettingsError { variable: "FAULT_ERROR_RATE", problem });
        }
        let origins = get("ALLOWED_ORIGINS").unwrap_or_default();
        Ok(Self {
            host: get("HOST").filter(|host| !host.is_empty()).unwrap_or_else(|| "0.0.0.0".to_owned()),
            port: parse(get, "PORT", default_port)?,
            shutdown_delay: millis("SHUTDOWN_DELAY_MS", 0)?,
            shutdown_grace: millis("SHUTDOWN_GRACE_MS", 10_000)?,
            allowed_origins: origins.split(',').map(str::trim).filter(|o| !o.is_empty()).map(str::to_owned).collect(),
            faults: Faults {
                error_rate,
                latency: millis("FAULT_LATENCY_MS", 0)?,
                never_ready: get("FAULT_READY").as_deref() == Some("fail"),
                crash_on_start: get("CRASH_ON_START").is_some_and(|v| !matches!(v.as_str(), "" | "0" | "false")),
            },
        })
    }
}

/// A variable that has to be there.
///
/// # Errors
/// Where it is missing or empty.
pub fn required(variable: &'static str) -> Result<String, SettingsError> {
    let missing = || SettingsError { variable, problem: "is not set".to_owned() };
    env::var(variable).ok().filter(|value| !value.is_empty()).ok_or_else(missing)
}

fn parse<T: FromStr>(
    get: &dyn Fn(&'static str) -> Option<String>,
    variable: &'static str,
    default: T,
) -> Result<T, SettingsError> {
    match get(variable).filter(|value| !value.is_empty()) {
        None => Ok(default),
        Some(value) => {
            let wrong = |_| SettingsError { variable, problem: format!("'{value}' is not a number that fits") };
            value.trim().parse().map_err(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_environment_and_names_what_is_wrong() {
        let of = |pairs: &'static [(&str, &str)]| {
            Settings::from(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()), 7860)
        };
        let defaults = of(&[]).unwrap();
        assert_eq!((defaults.port, defaults.host.as_str(), defaults.faults), (7860, "0.0.0.0", Faults::default()));
        let set = of(&[
            ("PORT", "81"),
            ("FAULT_ERROR_RATE", "0.25"),
            ("FAULT_LATENCY_MS", "20"),
            ("FAULT_READY", "fail"),
            ("CRASH_ON_START", "1"),
            ("ALLOWED_ORIGINS", "http://a, http://b"),
        ]);
        let set = set.unwrap();
        assert_eq!((set.port, set.faults.error_rate, set.faults.latency.as_millis()), (81, 0.25, 20));
        assert!(set.faults.never_ready && set.faults.crash_on_start);
        assert_eq!(set.allowed_origins, ["http://a", "http://b"]);
        let message = of(&[("PORT", "x")]).unwrap_err().to_string();
        assert_eq!(message, "environment variable PORT: 'x' is not a number that fits");
        assert!(of(&[("FAULT_ERROR_RATE", "2")]).is_err());
    }
}
