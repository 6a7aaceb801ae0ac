//! What is kept beside a revision's record: it goes when the record goes, whoever removes that.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bowline_cluster::{Apply, Metadata, ObjectRef, Selection};
use bowline_manifest::GroupVersionKind;
use serde_json::{Value, json};

use crate::{ReleaseError, ReleaseStore};

/// The label that says what is kept in it.
const KIND: &str = "bowline.dev/record";

/// What is kept beside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideKind {
    /// How a migration went: logs, exit codes.
    Migration,
    /// The migrations that a revision was built with.
    Schema,
}

impl SideKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Migration => "migration",
            Self::Schema => "schema",
        }
    }
}

impl ReleaseStore {
    /// Keeps something beside a revision's record, in a Secret of which that record is the owner, so that the garbage
    /// collector removes both. `name` tells several of one kind apart; it may be empty. Returns the Secret's name.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`], also where there is no such record.
    pub async fn keep(
        &self,
        kind: SideKind,
        (release, revision): (&str, u32),
        name: &str,
        content: &Value,
    ) -> Result<String, ReleaseError> {
        let doing = format!("keep the {} of revision {revision} of release {release}", kind.as_str());
        let record = self.cluster().get(&self.secret(release, revision)).await;
        let record = record.map_err(ReleaseError::cluster(doing.clone()))?;
        let dot = if name.is_empty() { "" } else { "." };
        let secret = format!("bowline.{}.v1.{release}.v{revision}{dot}{name}", kind.as_str());
        let mut body = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret,
                "namespace": self.namespace(),
                "labels": {"owner": "bowline", "name": release, "version": revision.to_string(), KIND: kind.as_str()},
            },
            "type": "bowline.dev/record.v1",
            "data": {"content": STANDARD.encode(content.to_string())},
        });
        if let Some(record) = record {
            body["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": "Secret", "name": record.name(), "uid": record.uid()}]);
        }
        let object = ObjectRef::new("v1", "Secret", self.namespace(), &secret);
        let how = Apply { field_manager: "bowline".to_owned(), force: true, dry_run: false };
        self.cluster().apply(&object, &body, &how).await.map_err(ReleaseError::cluster(doing))?;
        Ok(secret)
    }

    /// What is kept beside the revisions of a release, oldest revision first. What cannot be read is passed over, with a
    /// warning in the trace.
    ///
    /// # Errors
    /// [`ReleaseError::Cluster`]
    pub async fn kept(&self, kind: SideKind, release: &str) -> Result<Vec<(u32, Value)>, ReleaseError> {
        let doing = format!("read the {} records of release {release}", kind.as_str());
        let secrets = self.cluster().resource(&GroupVersionKind::new("v1", "Secret")).await;
        let secrets = secrets.map_err(ReleaseError::cluster(doing.clone()))?;
        let labels = [("owner", "bowline"), ("name", release), (KIND, kind.as_str())];
        let labels: BTreeMap<String, String> = labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let selection = Selection::namespace(self.namespace()).with_labels(&labels);
        let found = self.cluster().list(&secrets, &selection).await.map_err(ReleaseError::cluster(doing))?;
        let mut all: Vec<(u32, Value)> = found.iter().filter_map(read).collect();
        all.sort_by_key(|(revision, _)| *revision);
        Ok(all)
    }
}

fn read(secret: &Value) -> Option<(u32, Value)> {
    let content = STANDARD.decode(secret["data"]["content"].as_str()?).ok();
    let content = content.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if content.is_none() {
        tracing::warn!(secret = secret.name(), "a record beside a revision is passed over: it cannot be read");
    }
    Some((secret.label("version")?.parse().ok()?, content?))
}
