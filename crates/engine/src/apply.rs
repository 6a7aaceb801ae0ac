//! Puts one object into the cluster, or takes it out.

use std::time::Duration;

use bowline_cluster::{Apply, ClusterError, Delete, Metadata, ObjectRef, Patch};
use serde_json::{Value, json};

use crate::managed_fields::handover;
use crate::run::{Run, Trouble};
use crate::{Change, FIELD_MANAGER, Happening};

/// How often a write is tried that lost a race.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

impl Run {
    /// Applies a manifest server-side, marked as the release's where `owned`. `live` is what was there before.
    pub(crate) async fn apply(
        &mut self,
        object: &ObjectRef,
        manifest: &Value,
        live: Option<&Value>,
        owned: bool,
    ) -> Result<Change, Trouble> {
        let doing = format!("apply {object}");
        let mut body = manifest.clone();
        if object.namespace.is_empty() {
            if let Some(metadata) = body["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
        } else {
            body["metadata"]["namespace"] = json!(object.namespace);
        }
        // What a rendered manifest says here is the server's to say; server-side apply refuses the second.
        body.as_object_mut().map(|fields| fields.remove("status"));
        if let Some(metadata) = body["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        if owned {
            self.owner().sign(&mut body);
        }
        let before = match live {
            Some(live) => Some(self.hand_over(object, live).await.map_err(|e| Trouble::cluster(&doing, &e))?),
            None => None,
        };
        let how =
            Apply { field_manager: FIELD_MANAGER.to_owned(), force: self.options.force_conflicts, dry_run: false };
        let mut tries = 0;
        let after = loop {
            tries += 1;
            match self.engine.cluster.apply(object, &body, &how).await {
                Ok(after) => break after,
                Err(error) if tries < TRIES && is_race(&error) => tokio::time::sleep(PAUSE * tries).await,
                Err(error) => {
                    let mut trouble = Trouble::cluster(&doing, &error);
                    if let Some(step) = trouble.steps.first_mut() {
                        step.object = object.to_string();
                    }
                    if error.is_conflict() {
                        let kind = object.gvk.kind.to_lowercase();
                        trouble.hint = Some(format!(
                            "kubectl --namespace {} get {kind} {} -o yaml --show-managed-fields",
                            self.namespace, object.name
                        ));
                    }
                    return Err(trouble);
                }
            }
        };
        self.applied.insert(object.key());
        Ok(match before {
            None => Change::Created,
            Some(version) if version == after.resource_version() => Change::Unchanged,
            Some(_) => Change::Configured,
        })
    }

    /// Hands fields that helm owns client-side over to server-side apply; gives the resource version that this left.
    async fn hand_over(&self, object: &ObjectRef, live: &Value) -> Result<String, ClusterError> {
        let mut live = live.clone();
        for _ in 0..TRIES {
            let Some(patch) = handover(&live, FIELD_MANAGER) else { break };
            match self.engine.cluster.patch(object, "", &Patch::Json(patch)).await {
                Ok(patched) => live = patched,
                Err(error) if error.is_conflict() || error.code() == Some(422) => {
                    match self.engine.cluster.get(object).await? {
                        Some(newer) => live = newer,
                        None => break,
                    }
                }
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(live.resource_version().to_owned())
    }

    /// Deletes an object if it is the release's; says so, or says why not. Gone already is fine.
    pub(crate) async fn delete_owned(&mut self, object: &ObjectRef, reason: &str) -> Result<bool, Trouble> {
        let doing = format!("delete {object}");
        let failed = |error: ClusterError| Trouble::cluster(&doing, &error);
        let live = match self.engine.cluster.get(object).await {
            Ok(Some(live)) => live,
            // Its kind left with its definition.
            Ok(None) | Err(ClusterError::UnknownKind { .. }) => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        if let Some(objection) = self.owner().objection(&live) {
            self.keep(object, &format!("it is not owned by this release: {objection}"));
            return Ok(false);
        }
        let how = Delete { uid: live.uid().to_owned(), ..Delete::default() };
        match self.engine.cluster.delete(object, &how).await {
            Ok(_) => {}
            // Somebody replaced it in this very moment: not ours any more.
            Err(error) if error.is_conflict() => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        self.applied.remove(&object.key());
        self.say(Happening::ObjectDeleted { object: self.name_of(object), reason: reason.to_owned() });
        Ok(true)
    }

    /// Notes that an object stays.
    pub(crate) fn keep(&mut self, object: &ObjectRef, reason: &str) {
        let name = self.name_of(object);
        self.kept.push(format!("{name}: {reason}"));
        self.say(Happening::ObjectKept { object: name, reason: reason.to_owned() });
    }
}

/// Admission counts quota optimistically and asks the client to come again.
fn is_race(error: &ClusterError) -> bool {
    let text = error.to_string();
    error.is_conflict() && text.contains("resourcequotas") && text.contains("the object has been modified")
}
