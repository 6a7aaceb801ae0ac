use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bowline_clock::Clock;
use bowline_cluster::{Cluster, Delete, Metadata, ObjectRef, Resource, Selection};
use bowline_manifest::GroupVersionKind;
use serde_json::{Value, json};

use crate::{Release, ReleaseError, Status, decode, encode};

/// How many revisions Helm keeps of a release.
pub const DEFAULT_HISTORY_LIMIT: usize = 10;

/// What the API server lets a Secret's data be.
const SECRET_LIMIT: usize = 1024 * 1024;
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
/// Says on a record which Bowline run wrote it last. helm replaces the Secret whole, so a record of its own has none.
const WRITER: &str = "bowline.dev/writer";

/// The release records of one namespace, or of all.
#[derive(Clone, Debug)]
pub struct ReleaseStore {
    cluster: Cluster,
    clock: Clock,
    namespace: String,
}

impl ReleaseStore {
    /// The records in `namespace`; empty for those of every namespace, which can then only be listed.
    pub fn new(cluster: Cluster, clock: Clock, namespace: &str) -> Self {
        Self { cluster, clock, namespace: namespace.to_owned() }
    }

    /// All revisions of a release, oldest first; empty where there is none. Records that cannot be read are passed over,
    /// as Helm does, with a warning in the trace.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`]
    pub async fn history(&self, name: &str) -> Result<Vec<Release>, ReleaseError> {
        let labels = BTreeMap::from([("name", name), ("owner", "helm")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        let mut found = self.query(&format!("read the history of release {name}"), &labels).await?;
        found.sort_by_key(|r| r.version);
        Ok(found)
    }

    /// The newest revision of every release, by namespace and name.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`]
    pub async fn list(&self) -> Result<Vec<Release>, ReleaseError> {
        let labels = BTreeMap::from([("owner".to_owned(), "helm".to_owned())]);
        let mut newest: BTreeMap<(String, String), Release> = BTreeMap::new();
        for release in self.query("list releases", &labels).await? {
            let key = (release.namespace.clone(), release.name.clone());
            if newest.get(&key).is_none_or(|other| other.version < release.version) {
                newest.insert(key, release);
            }
        }
        Ok(newest.into_values().collect())
    }

    /// One revision.
    ///
    /// # Errors
    /// [`ReleaseError::Corrupt`] where its record cannot be read.
    pub async fn get(&self, name: &str, revision: u32) -> Result<Option<Release>, ReleaseError> {
        let secret = self.secret(name, revision);
        let doing = format!("read revision {revision} of release {name}");
        let found = self.cluster.get(&secret).await.map_err(ReleaseError::cluster(doing))?;
        found.as_ref().map(read).transpose()
    }

    /// Writes a new revision, after old ones beyond `limit` were removed (0 for no limit). The one deployed is never.
    ///
    /// # Errors
    /// [`ReleaseError::RevisionExists`] where another program was faster.
    pub async fn create(&self, release: &mut Release, limit: usize) -> Result<(), ReleaseError> {
        if let Some(label) = release.labels.keys().find(|label| SYSTEM_LABELS.contains(&label.as_str())) {
            let (release, label) = (release.name.clone(), label.clone());
            return Err(ReleaseError::ReservedLabel { release, label });
        }
        if limit > 0 {
            self.prune(&release.name, limit - 1).await?;
        }
        release.created_at = Some(self.clock.now().as_second());
        let body = self.write(release, None)?;
        let doing = format!("record revision {} of release {}", release.version, release.name);
        match self.cluster.create(&body).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_already_exists() => {
                Err(ReleaseError::RevisionExists { release: release.name.clone(), revision: release.version })
            }
            Err(error) => Err(ReleaseError::cluster(doing)(error)),
        }
    }

    /// Writes a revision over its record.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`], also where the record is gone.
    pub async fn update(&self, release: &Release) -> Result<(), ReleaseError> {
        let body = self.write(release, Some(self.clock.now().as_second()))?;
        let doing = format!("record revision {} of release {}", release.version, release.name);
        self.cluster.update(&body).await.map_err(ReleaseError::cluster(doing))?;
        Ok(())
    }

    /// Removes a revision's record; one that is gone already is fine.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`]
    pub async fn delete(&self, name: &str, revision: u32) -> Result<(), ReleaseError> {
        let doing = format!("remove the record of revision {revision} of release {name}");
        let secret = self.secret(name, revision);
        self.cluster.delete(&secret, &Delete::default()).await.map_err(ReleaseError::cluster(doing))?;
        Ok(())
    }

    /// Removes the oldest records until `keep` are left, but never the newest deployed one.
    async fn prune(&self, name: &str, keep: usize) -> Result<(), ReleaseError> {
        let history = self.history(name).await?;
        let deployed = history.iter().rev().find(|r| r.info.status == Status::Deployed).map(|r| r.version);
        let excess = history.len().saturating_sub(keep);
        for old in history.iter().filter(|r| Some(r.version) != deployed).take(excess) {
            self.delete(name, old.version).await?;
        }
        Ok(())
    }

    async fn query(&self, doing: &str, labels: &BTreeMap<String, String>) -> Result<Vec<Release>, ReleaseError> {
        let kind = self.secrets(doing).await?;
        let selection = Selection::namespace(&self.namespace).with_labels(labels);
        let secrets = self.cluster.list(&kind, &selection).await.map_err(ReleaseError::cluster(doing))?;
        let readable = secrets.iter().filter_map(|secret| {
            read(secret).inspect_err(|error| tracing::warn!(%error, "a release record is passed over")).ok()
        });
        Ok(readable.collect())
    }

    async fn secrets(&self, doing: &str) -> Result<Resource, ReleaseError> {
        let gvk = GroupVersionKind::new("v1", "Secret");
        self.cluster.resource(&gvk).await.map_err(ReleaseError::cluster(doing))
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn secret(&self, name: &str, revision: u32) -> ObjectRef {
        ObjectRef::new("v1", "Secret", &self.namespace, &secret_name(name, revision))
    }

    fn write(&self, release: &Release, modified_at: Option<i64>) -> Result<Value, ReleaseError> {
        let name = secret_name(&release.name, release.version);
        let data = encode(release).map_err(|cause| ReleaseError::Corrupt { secret: name.clone(), cause })?;
        if data.len() > SECRET_LIMIT {
            return Err(ReleaseError::TooLarge {
                release: release.name.clone(),
                revision: release.version,
                size: data.len(),
                limit: SECRET_LIMIT,
            });
        }
        let mut labels = release.labels.clone();
        let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
        set("name", release.name.clone());
        set("owner", "helm".to_owned());
        set("status", release.info.status.to_string());
        set("version", release.version.to_string());
        if let Some(created) = release.created_at {
            set("createdAt", created.to_string());
        }
        if let Some(modified) = modified_at {
            set("modifiedAt", modified.to_string());
        }
        let mut body = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "type": "helm.sh/release.v1",
            "data": {"release": STANDARD.encode(data)},
        });
        if let Some(writer) = &release.writer {
            body["metadata"]["annotations"] = json!({WRITER: writer});
        }
        Ok(body)
    }
}

fn secret_name(name: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{name}.v{revision}")
}

fn read(secret: &Value) -> Result<Release, ReleaseError> {
    let corrupt = |cause: String| ReleaseError::Corrupt { secret: secret.name().to_owned(), cause };
    let data = secret["data"]["release"].as_str().ok_or_else(|| corrupt("it has no data.release".to_owned()))?;
    let text = STANDARD.decode(data).map_err(|e| corrupt(format!("not base64: {e}")))?;
    let mut release = decode(&String::from_utf8_lossy(&text)).map_err(corrupt)?;
    let mut labels = secret.labels();
    release.created_at = labels.get("createdAt").and_then(|seconds| seconds.parse().ok());
    labels.retain(|label, _| !SYSTEM_LABELS.contains(&label.as_str()));
    release.labels = labels;
    release.writer = secret.annotation(WRITER).map(str::to_owned);
    // Records of very old releases do not say where they are.
    if release.namespace.is_empty() {
        secret.namespace().clone_into(&mut release.namespace);
    }
    Ok(release)
}
