//! Documents that are not one object with a name.

use bowline_cluster::{Metadata, ObjectRef};
use bowline_manifest::{Manifest, ManifestSet};
use bowline_release::Status;
use serde_json::{Value, json};

use super::{Stage, World, config_map, manifests};
use crate::{Cancel, EngineError, RollbackRequest, UninstallRequest};

/// Comments alone are skipped, the items of a list are deployed, upgraded and removed as helm 4 does it, and an object
/// without a name of its own is refused before anything is touched; helm 4 fails at it half way.
pub async fn odd_documents(world: &World, namespace: &str) {
    let stage = Stage::new(world, namespace);
    let set = |color: &str, more: Vec<Value>| {
        let mut items = vec![config_map("one", color)];
        items.extend(more);
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let mut set = manifests(vec![config_map("plain", color), list], vec![]);
        set.manifests.push(comments());
        set
    };
    let mut unnamed = config_map("x", "x");
    unnamed["metadata"] = json!({"generateName": "some-"});
    let error = stage.deploy_fails(stage.request(set("red", vec![unnamed.clone()]))).await;
    assert!(matches!(&error, EngineError::Incomplete { problems } if problems.len() == 1), "{error}");
    assert!(error.to_string().contains("ConfigMap has metadata.generateName and no metadata.name"), "{error}");
    let there = ObjectRef::new("v1", "Namespace", "", namespace);
    assert!(world.cluster.get(&there).await.unwrap().is_none(), "not even the namespace was made");

    let first = stage.deploy(set("red", vec![config_map("two", "red")])).await;
    assert!(first.manifest.contains("\"kind\":\"List\""), "helm's record has the list: {}", first.manifest);
    let one = stage.map("one").await.unwrap();
    assert_eq!(one.annotation("meta.helm.sh/release-name"), Some("web"));
    assert!(stage.map("two").await.is_some() && stage.map("plain").await.is_some());

    let plan = stage.engine.plan(&stage.request(set("blue", vec![]))).await.unwrap();
    assert_eq!((plan.summary().update, plan.summary().delete), (2, 1), "{plan:#?}");
    stage.deploy(set("blue", vec![])).await;
    assert_eq!(stage.map("one").await.unwrap()["data"]["v"], "blue");
    assert!(stage.map("two").await.is_none());
    stage.engine.rollback(RollbackRequest::new("web", namespace, None), &Cancel::never()).await.unwrap();
    assert!(stage.map("two").await.is_some());
    let (_, objects) = stage.engine.status("web", namespace).await.unwrap();
    assert_eq!(objects.len(), 3, "{objects:?}");
    assert_eq!(stage.statuses().await.last(), Some(&(3, Status::Deployed)));
    stage.engine.uninstall(UninstallRequest::new("web", namespace), &Cancel::never()).await.unwrap();
    assert!(stage.map("one").await.is_none() && stage.map("two").await.is_none());
}

/// As rendered from a template whose every line is a comment.
fn comments() -> Manifest {
    let ManifestSet { mut manifests, .. } = manifests(vec![Value::Null], vec![]);
    let mut only = manifests.remove(0);
    only.text = "# nothing\n# at all".into();
    only
}
