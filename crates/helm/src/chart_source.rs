//! What the commands that fetch have in common: where things are kept, what servers are shown, where words go.

use std::path::PathBuf;

use bowline_registry::{Access, Console, Error, Places, Tls};
use jiff::Timestamp;

use crate::console;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::settings::Settings;

/// Words of the libraries below on standard output, the log on standard error.
pub(crate) struct Terminal {
    /// Whether `--debug` was said.
    pub(crate) debug: bool,
    /// Whether what is told goes to standard error: standard output is the chart's.
    pub(crate) aside: bool,
    /// Whether nothing is told.
    pub(crate) quiet: bool,
}

impl Console for Terminal {
    fn out(&self, text: &str) {
        if self.aside {
            console::error(text);
        } else if !self.quiet {
            console::data(text);
        }
    }

    fn warn(&self, message: &str, facts: &[(&str, &str)]) {
        console::warn(message, facts);
    }

    fn log(&self, text: &str) {
        console::log("INFO", text, &[]);
    }

    fn debug(&self, message: &str, facts: &[(&str, &str)]) {
        if self.debug {
            console::log("DEBUG", message, facts);
        }
    }
}

/// A terminal whose standard output is for what the libraries tell.
pub(crate) fn terminal(invocation: &Invocation<'_>) -> Terminal {
    Terminal { debug: invocation.settings.debug, aside: false, quiet: false }
}

/// Helm's files.
pub(crate) fn places(settings: &Settings) -> Places {
    Places {
        repository_config: PathBuf::from(&settings.repository_config),
        repository_cache: PathBuf::from(&settings.repository_cache),
        content_cache: PathBuf::from(&settings.content_cache),
        registry_config: PathBuf::from(&settings.registry_config),
    }
}

/// Certificates that the flags name; `insecure` is the flag that does without.
pub(crate) fn tls(invocation: &Invocation<'_>, insecure: &str) -> Tls {
    Tls {
        certificate: invocation.text("cert-file"),
        key: invocation.text("key-file"),
        authority: invocation.text("ca-file"),
        insecure: invocation.bool(insecure),
    }
}

/// What the flags of commands that fetch say.
pub(crate) fn access(invocation: &Invocation<'_>, pass_credentials: bool) -> Access {
    Access {
        username: invocation.text("username"),
        password: invocation.text("password"),
        pass_credentials,
        tls: tls(invocation, "insecure-skip-tls-verify"),
        plain_http: invocation.bool("plain-http"),
    }
}

/// Certificates are read before anything else is done; what is wrong with them is told in these words.
pub(crate) fn check_access(access: &Access, places: &Places) -> Result<(), Failure> {
    let made = access.registry_client(places).map(|_| ());
    made.map_err(|error| Failure::new(format!("missing registry client: {error}")))
}

/// The present time.
pub(crate) fn now() -> Timestamp {
    bowline_clock::Clock::system().now()
}

/// The version that was asked for; `--devel` asks for any.
pub(crate) fn version(invocation: &Invocation<'_>) -> String {
    let version = invocation.text("version");
    if version.is_empty() && invocation.bool("devel") { ">0.0.0-0".to_owned() } else { version }
}

/// `SOURCE_DATE_EPOCH`: the time that files in archives get.
pub(crate) fn source_date_epoch() -> Result<Option<Timestamp>, Failure> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else { return Ok(None) };
    let text = text.to_string_lossy();
    let invalid = |why: String| Failure::new(format!("invalid SOURCE_DATE_EPOCH: {why}"));
    let seconds: i64 = text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        invalid(format!("strconv.ParseInt: parsing {}: {why}", bowline_yaml::quote(&text)))
    })?;
    if seconds < 0 {
        return Err(invalid("must not be negative".to_owned()));
    }
    Timestamp::from_second(seconds).map(Some).map_err(|error| invalid(error.to_string()))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(error)
    }
}
