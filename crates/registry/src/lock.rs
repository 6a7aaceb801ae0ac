//! `Chart.lock`: which version of each dependency was taken.

use std::fs;
use std::path::Path;

use bowline_chart::{Dependency, Metadata};
use bowline_yaml::{Decoder, Target, Value, parse_first};

use crate::encode::{self, Ordered};
use crate::error::Error;
use crate::provenance::digest;
use crate::repositories::NO_TIME;
use crate::time::{check_time, time};

/// A lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// When it was made; RFC 3339.
    pub generated: String,
    /// `sha256:` and the checksum of what was asked for and what was found.
    pub digest: String,
    /// What was found.
    pub dependencies: Vec<Dependency>,
}

impl Lock {
    /// Reads a lock's text.
    ///
    /// # Errors
    /// It is no lock.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |error: bowline_yaml::Error| Error::Invalid(format!("cannot load Chart.lock: {error}"));
        let mut lock = Self::default();
        let Some(node) = parse_first(text).map_err(invalid)? else { return Ok(lock) };
        let mut decoder = Decoder::new();
        for (key, value) in decoder.root(&node, "v2.Lock") {
            let at = |path| Target { structure: "Lock", path };
            match key.to_ascii_lowercase().as_str() {
                "generated" => lock.generated = time(&decoder.string(value, at("generated"))),
                "digest" => lock.digest = decoder.string(value, at("digest")),
                "dependencies" if !value.is_null() => {
                    let items = decoder.items(value, at("dependencies"), "[]*v2.Dependency");
                    lock.dependencies = items.iter().map(|item| Dependency::read(&mut decoder, item)).collect();
                }
                _ => {}
            }
        }
        let lock = decoder.finish(lock).map_err(invalid)?;
        if !lock.generated.is_empty() {
            let doing = "cannot load Chart.lock: error unmarshaling JSON: while decoding JSON";
            check_time(&lock.generated).map_err(|why| Error::Invalid(format!("{doing}: {why}")))?;
        }
        Ok(lock)
    }

    /// The lock's text.
    ///
    /// # Errors
    /// Text in it that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let generated = if self.generated.is_empty() { NO_TIME } else { &self.generated };
        let dependencies = if self.dependencies.is_empty() {
            Ordered::Plain(Value::Seq(Vec::new()))
        } else {
            Ordered::List(self.dependencies.iter().map(encode::dependency).collect())
        };
        let fields = vec![
            ("generated", generated.into()),
            ("digest", self.digest.as_str().into()),
            ("dependencies", dependencies),
        ];
        Ordered::Object(fields).to_yaml().map_err(|error| Error::Invalid(error.to_string()))
    }

    /// Writes the lock of a chart: `Chart.lock`, for charts of version 1 `requirements.lock`.
    ///
    /// # Errors
    /// It cannot be written, or a symbolic link is in its place.
    pub(crate) fn write(&self, chart: &Path, metadata: &Metadata) -> Result<(), Error> {
        let name = if metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
        let path = chart.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            let link = fs::read_link(&path).map_err(|error| Error::io("readlink", &path, &error))?;
            let link = bowline_yaml::quote(&link.to_string_lossy());
            return Err(Error::Invalid(format!("the {name} file is a symlink to {link}")));
        }
        fs::write(&path, self.to_yaml()?).map_err(|error| Error::io("open", &path, &error))
    }
}

fn list(dependencies: &[Dependency]) -> Ordered {
    Ordered::List(dependencies.iter().map(encode::dependency).collect())
}

/// The checksum of a lock: over what was asked for and what was found.
pub fn lock_digest(asked: &[Dependency], found: &[Dependency]) -> String {
    format!("sha256:{}", digest(Ordered::List(vec![list(asked), list(found)]).to_json().as_bytes()))
}

/// The checksum that Helm 2 wrote: over what was asked for alone.
pub(crate) fn old_lock_digest(asked: &[Dependency]) -> String {
    format!("sha256:{}", digest(Ordered::Object(vec![("dependencies", list(asked))]).to_json().as_bytes()))
}
