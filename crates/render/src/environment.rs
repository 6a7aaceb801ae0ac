use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What templates may learn about the world outside: nothing of it comes from anywhere else.
///
/// Every method has an answer for rendering without a world, so that a plain `impl Environment for X {}` renders as
/// `helm template` does, at the epoch.
pub trait Environment {
    /// The present time, for `now` and `ago`.
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    /// The time zone that `date` shows times in.
    fn time_zone(&self) -> TimeZone {
        TimeZone::UTC
    }

    /// The time zone of that name, such as `Europe/Berlin`.
    fn named_time_zone(&self, name: &str) -> Option<TimeZone> {
        match name {
            "UTC" | "" => Some(TimeZone::UTC),
            "Local" => Some(self.time_zone()),
            _ => None,
        }
    }

    /// Fills `bytes` for `randAlphaNum`, `uuidv4`, keys and certificates.
    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    /// The object that `lookup` asks for, or a list of them where `name` is empty; an empty map where there is none.
    ///
    /// # Errors
    /// Why the cluster could not be asked.
    fn lookup(&self, query: &Lookup<'_>) -> Result<bowline_yaml::Value, String> {
        let _ = query;
        Ok(bowline_yaml::Value::Map(bowline_yaml::Map::new()))
    }

    /// Rendering for `lint` came past `required` or `fail`, with their message.
    fn let_pass(&self, what: LetPass, message: &str) {
        let _ = (what, message);
    }

    /// An address of the host, for `getHostByName`; `None` where name resolution is not allowed.
    fn resolve(&self, host: &str) -> Option<String> {
        let _ = host;
        None
    }
}

/// What `lint` lets pass that would end a rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetPass {
    /// `required` got nothing.
    Missing,
    /// `required` got an empty text.
    Empty,
    /// `fail` was called.
    Fail,
}

/// What a template's `lookup` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// `v1`, `apps/v1` …
    pub api_version: &'a str,
    /// `Secret`, `Deployment` …
    pub kind: &'a str,
    /// The namespace, or empty for all.
    pub namespace: &'a str,
    /// The name, or empty for a list.
    pub name: &'a str,
}

/// No cluster, no clock, no randomness: the same text every time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Environment for Nowhere {}
