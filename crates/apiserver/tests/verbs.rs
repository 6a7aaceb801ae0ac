//! The verbs, in process.

#![allow(clippy::unwrap_used, clippy::panic)]

use bowline_apiserver::{
    Api, DeleteOptions, ListOptions, Patch, WatchEventKind, WatchOptions, WriteOptions, resources,
};
use bowline_clock::{Clock, Random};
use serde_json::{Value, json};

fn api() -> Api {
    Api::new(Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap()), Random::seeded(1))
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": name}}, "data": {"a": "1"}})
}

#[tokio::test(start_paused = true)]
async fn objects_live_and_die_and_watchers_see_it() {
    let api = api();
    let by = WriteOptions::by("test");
    let list = api.list(&resources::CONFIG_MAPS, Some("default"), &ListOptions::default()).unwrap();
    let options = WatchOptions { resource_version: Some(list.resource_version), ..WatchOptions::default() };
    let mut watch = api.watch(&resources::CONFIG_MAPS, Some("default"), &options).unwrap();
    let made = api.create(&resources::CONFIG_MAPS, "default", config_map("a"), &by).unwrap();
    assert_eq!(made["metadata"]["creationTimestamp"], "2026-01-31T12:00:00Z");
    let taken = api.create(&resources::CONFIG_MAPS, "default", config_map("a"), &by).unwrap_err();
    assert_eq!((taken.code, taken.to_string().as_str()), (409, "configmaps \"a\" already exists"));

    let patch = Patch::Merge(json!({"data": {"b": "2"}}));
    let patched = api.patch(&resources::CONFIG_MAPS, "default", "a", None, &patch, &by).unwrap();
    assert_eq!(patched["data"], json!({"a": "1", "b": "2"}));
    let again = api.patch(&resources::CONFIG_MAPS, "default", "a", None, &patch, &by).unwrap();
    assert_eq!(again["metadata"]["resourceVersion"], patched["metadata"]["resourceVersion"], "no change, no write");
    let stale = api.update(&resources::CONFIG_MAPS, "default", "a", None, Value::clone(&made), &by).unwrap_err();
    assert!(stale.is_conflict(), "{stale}");

    assert!(api.delete(&resources::CONFIG_MAPS, "default", "a", &DeleteOptions::default()).unwrap().gone);
    assert!(api.get(&resources::CONFIG_MAPS, "default", "a").unwrap_err().is_not_found());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(watch.next().await.unwrap().kind);
    }
    assert_eq!(seen, [WatchEventKind::Added, WatchEventKind::Modified, WatchEventKind::Deleted]);
}

#[tokio::test]
async fn a_missing_namespace_is_named() {
    let error =
        api().create(&resources::CONFIG_MAPS, "nowhere", config_map("a"), &WriteOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "namespaces \"nowhere\" not found");
}

#[tokio::test]
async fn finalizers_keep_an_object_until_the_last_is_gone() {
    let (api, by) = (api(), WriteOptions::default());
    let mut object = config_map("a");
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.create(&resources::CONFIG_MAPS, "default", object, &by).unwrap();
    assert!(!api.delete(&resources::CONFIG_MAPS, "default", "a", &DeleteOptions::default()).unwrap().gone);
    let held = api.get(&resources::CONFIG_MAPS, "default", "a").unwrap();
    assert!(held["metadata"]["deletionTimestamp"].is_string());
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch(&resources::CONFIG_MAPS, "default", "a", None, &release, &by).unwrap();
    assert!(api.get(&resources::CONFIG_MAPS, "default", "a").unwrap_err().is_not_found());
}
