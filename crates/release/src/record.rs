use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::Status;

/// One revision of a release, as Helm stores it. Fields this crate does not know are kept as they were read.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Release {
    /// The release's name.
    #[serde(default)]
    pub name: String,
    /// When, how and with what outcome.
    #[serde(default)]
    pub info: Info,
    /// The chart it was made from.
    #[serde(default)]
    pub chart: ChartRecord,
    /// The values the user gave, without the chart's own.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "null_as_default")]
    pub config: Map<String, Value>,
    /// The rendered objects, hooks and CRDs left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The rendered hooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub hooks: Vec<HookRecord>,
    /// The revision, from 1.
    #[serde(default)]
    pub version: u32,
    /// The release's namespace.
    #[serde(default)]
    pub namespace: String,
    /// How its objects were written; absent in records of helm 3, which wrote them client-side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply_method: Option<ApplyMethod>,
    /// The user's own labels of the record. Stored with the Secret, not in the JSON.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// When the record was first written, seconds since 1970 (label `createdAt`).
    #[serde(skip)]
    pub created_at: Option<i64>,
    /// Which Bowline run wrote a pending record: its lock's holder. Helm neither writes nor keeps it.
    #[serde(skip)]
    pub writer: Option<String>,
    /// What else the record holds.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Release {
    /// Sets status and description together, as Helm does.
    pub fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }

    /// Whether its objects were applied server-side.
    pub fn is_server_side(&self) -> bool {
        self.apply_method == Some(ApplyMethod::ServerSide)
    }
}

/// Who writes the objects' fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplyMethod {
    /// Server-side apply.
    #[serde(rename = "ssa")]
    ServerSide,
    /// Client-side three-way merge.
    #[serde(rename = "csa")]
    ClientSide,
    /// Something this program does not know.
    #[serde(other, rename = "")]
    Unknown,
}

/// The chart of a revision: an object with `metadata`, `lock`, `templates`, `values`, `schema`, `files`, files' contents
/// in base64. Only the few fields that lists show are read here.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChartRecord(pub Value);

impl ChartRecord {
    fn metadata(&self, field: &str) -> &str {
        self.0["metadata"][field].as_str().unwrap_or_default()
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        self.metadata("name")
    }

    /// The chart's version.
    pub fn version(&self) -> &str {
        self.metadata("version")
    }

    /// The version of what it installs.
    pub fn app_version(&self) -> &str {
        self.metadata("appVersion")
    }

    /// `name-version`, as Helm lists it.
    pub fn title(&self) -> String {
        format!("{}-{}", self.name(), self.version())
    }
}

/// When, how and with what outcome a revision was made.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Info {
    /// When the release was installed first.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "go_time")]
    pub first_deployed: Option<Timestamp>,
    /// When this revision was made.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "go_time")]
    pub last_deployed: Option<Timestamp>,
    /// When the release was removed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "go_time")]
    pub deleted: Option<Timestamp>,
    /// What happened, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What became of it.
    #[serde(default)]
    pub status: Status,
    /// For a rollback, the revision whose manifests it has.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rollback_revision: u32,
    /// The rendered `NOTES.txt`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// What else is there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A rendered hook and its last run.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct HookRecord {
    /// `metadata.name`
    #[serde(default)]
    pub name: String,
    /// `kind`
    #[serde(default)]
    pub kind: String,
    /// Template path, `todo-app/templates/migrate.yaml`.
    #[serde(default)]
    pub path: String,
    /// The document.
    #[serde(default)]
    pub manifest: String,
    /// The moments at which it runs: `pre-install`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub events: Vec<String>,
    /// What became of it last.
    #[serde(default)]
    pub last_run: HookExecution,
    /// Lower runs first.
    #[serde(default, skip_serializing_if = "is_zero_weight")]
    pub weight: i64,
    /// When its object is deleted: `before-hook-creation`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub delete_policies: Vec<String>,
    /// When its output is shown: `hook-succeeded`, `hook-failed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub output_log_policies: Vec<String>,
    /// What else is there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One run of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HookExecution {
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "go_time")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "go_time")]
    pub completed_at: Option<Timestamp>,
    /// What became of it.
    #[serde(default)]
    pub phase: HookPhase,
}

/// State of a hook's run, in Helm's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum HookPhase {
    /// It never ran.
    #[default]
    #[serde(rename = "")]
    Never,
    /// It is running.
    Running,
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed,
    /// Nobody knows.
    #[serde(other)]
    Unknown,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_zero_weight(weight: &i64) -> bool {
    *weight == 0
}

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// helm 3 writes `""` for a time that is not set, and Go's zero time means the same.
fn go_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let time: Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    Ok((!text.starts_with("0001-01-01T00:00:00Z")).then_some(time))
}
