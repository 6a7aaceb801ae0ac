//! What the cluster has of a release, before anything is done.

use std::collections::BTreeMap;

use bowline_cluster::{ClusterError, ObjectRef};
use bowline_graph::{Graph, Section};
use bowline_manifest::{GroupKind, GroupVersionKind, ObjectKey};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::ownership::Owner;
use crate::{Engine, EngineError};

/// How many objects are asked for at once.
const AT_ONCE: usize = 8;

impl Engine {
    /// The objects of `graph` and of `previous` that are in the cluster, and the release's namespace.
    ///
    /// A kind that nobody serves is an error for what is to be deployed, unless a definition of it comes with it.
    pub(crate) async fn live_objects(
        &self,
        graph: &Graph,
        previous: &[Value],
    ) -> Result<BTreeMap<ObjectKey, Value>, EngineError> {
        let namespace = graph.release_namespace();
        let mut wanted: BTreeMap<ObjectKey, (GroupVersionKind, bool)> = BTreeMap::new();
        for object in previous {
            if let (Some(key), Some(gvk)) = (graph.keys().object(object), GroupVersionKind::of(object)) {
                wanted.insert(key, (gvk, false));
            }
        }
        for node in graph.nodes() {
            if let Some(gvk) = GroupVersionKind::of(&node.manifest.object) {
                wanted.insert(node.key.clone(), (gvk, true));
            }
        }
        let own = ObjectKey {
            group: String::new(),
            kind: "Namespace".into(),
            namespace: String::new(),
            name: namespace.into(),
        };
        wanted.entry(own).or_insert((GroupVersionKind::new("v1", "Namespace"), true));
        let brought = kinds_brought(graph);
        let found = stream::iter(wanted)
            .map(|(key, (gvk, deployed))| {
                let tolerated = !deployed || brought.contains(&gvk.group_kind());
                async move { self.live_object(namespace, key, gvk, tolerated).await }
            })
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn live_object(
        &self,
        namespace: &str,
        key: ObjectKey,
        gvk: GroupVersionKind,
        tolerated: bool,
    ) -> Result<Option<(ObjectKey, Value)>, EngineError> {
        let failed = EngineError::cluster("see what is in the cluster");
        let resource = match self.cluster.resource(&gvk).await {
            Ok(resource) => resource,
            Err(ClusterError::UnknownKind { .. }) if tolerated => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let place = match (resource.namespaced, key.namespace.as_str()) {
            (false, _) => "",
            (true, "") => namespace,
            (true, given) => given,
        };
        let object = ObjectRef { gvk, namespace: place.to_owned(), name: key.name.clone() };
        Ok(self.cluster.get(&object).await.map_err(failed)?.map(|live| (key, live)))
    }

    /// Refuses objects that are to be created and exist already without being the release's, in Helm's words.
    pub(crate) fn refuse_foreign(
        &self,
        graph: &Graph,
        previous: &[Value],
        live: &BTreeMap<ObjectKey, Value>,
        owner: Owner<'_>,
        doing: &'static str,
    ) -> Result<(), EngineError> {
        let ours: Vec<ObjectKey> = previous.iter().filter_map(|object| graph.keys().object(object)).collect();
        let conflicts: Vec<String> = graph
            .nodes()
            .iter()
            .filter(|node| node.place.section == Section::Manifests && !ours.contains(&node.key))
            .filter_map(|node| {
                let found = live.get(&node.key)?;
                owner.conflict(&ObjectRef::of(found).ok()?, found)
            })
            .collect();
        if conflicts.is_empty() { Ok(()) } else { Err(EngineError::Foreign { doing, conflicts }) }
    }
}

/// Kinds whose definitions are among the manifests.
fn kinds_brought(graph: &Graph) -> Vec<GroupKind> {
    let definitions = graph.nodes().iter().filter(|node| node.key.kind == "CustomResourceDefinition");
    let kind = |object: &Value| {
        let spec = &object["spec"];
        let (group, kind) = (spec["group"].as_str()?, spec["names"]["kind"].as_str()?);
        Some(GroupKind { group: group.to_owned(), kind: kind.to_owned() })
    };
    definitions.filter_map(|node| kind(&node.manifest.object)).collect()
}
