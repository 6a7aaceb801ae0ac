//! Who owns which field: `managedFields`, and server-side apply on top of it.
//!
//! Every write leaves in `metadata.managedFields` which manager set which fields. An apply says all that its manager
//! wants: what it wanted before and no longer names is removed where nobody else owns it, and what another manager set
//! to something else is a conflict, unless forced.

mod set;
mod typed;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::set::{Set, written};
use self::typed::{Comparison, View, fields, merge, with_named_fields, without};
use crate::catalog::Resource;
use crate::metadata;
use crate::{Cause, Details, Status};

/// Fields of `metadata` that nobody owns.
const UNOWNED: [&str; 9] = [
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:clusterName",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
];

/// Who writes, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Manager {
    /// `Apply` or `Update`.
    operation: String,
    name: String,
    /// Of an update; an applier is the same in every version.
    api_version: String,
    subresource: String,
}

/// What a manager owns.
#[derive(Clone, Debug)]
struct Owned {
    set: Set,
    api_version: String,
    time: String,
}

type Managers = BTreeMap<Manager, Owned>;

/// What a write is about.
pub(crate) struct Context<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) manager: &'a str,
    pub(crate) subresource: Option<&'a str>,
    /// The present time.
    pub(crate) now: String,
}

impl Context<'_> {
    fn view(&self) -> View<'_> {
        View::of(self.resource)
    }

    fn manager(&self, operation: &str) -> Manager {
        Manager {
            operation: operation.to_owned(),
            name: if self.manager.is_empty() { "unknown".to_owned() } else { self.manager.to_owned() },
            api_version: if operation == "Apply" { String::new() } else { self.resource.api_version() },
            subresource: self.subresource.filter(|s| *s != "binding").unwrap_or_default().to_owned(),
        }
    }

    /// Takes away what cannot be owned, and what this write does not reach.
    fn owned(&self, mut set: Set) -> Set {
        for field in ["f:apiVersion", "f:kind"] {
            set.remove(&[field]);
        }
        set.remove_member("f:metadata");
        for field in UNOWNED {
            set.remove(&["f:metadata", field]);
        }
        match self.subresource {
            Some("status") => set.remove(&["f:spec"]),
            None if self.resource.subresource("status").is_some() => set.remove(&["f:status"]),
            _ => {}
        }
        set
    }
}

fn read(object: &Value) -> Managers {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut managers = Managers::new();
    for entry in entries.into_iter().flatten() {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let operation = text("operation");
        let api_version = if operation == "Apply" { String::new() } else { text("apiVersion") };
        let manager = Manager { operation, name: text("manager"), api_version, subresource: text("subresource") };
        let set = Set::parse(entry.get("fieldsV1").unwrap_or(&Value::Null));
        managers.insert(manager, Owned { set, api_version: text("apiVersion"), time: text("time") });
    }
    managers
}

fn write(object: &mut Value, managers: &Managers) {
    let mut entries: Vec<(&Manager, &Owned)> = managers.iter().filter(|(_, owned)| !owned.set.is_empty()).collect();
    entries.sort_by_key(|(manager, owned)| (&manager.operation, &owned.time, &manager.name, &manager.subresource));
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(manager, owned)| {
            let mut entry = json!({"manager": manager.name, "operation": manager.operation,
                "apiVersion": owned.api_version, "fieldsType": "FieldsV1", "fieldsV1": owned.set.to_value()});
            if !owned.time.is_empty() {
                entry["time"] = Value::from(owned.time.as_str());
            }
            if !manager.subresource.is_empty() {
                entry["subresource"] = Value::from(manager.subresource.as_str());
            }
            entry
        })
        .collect();
    metadata::set(object, "managedFields", if entries.is_empty() { Value::Null } else { Value::from(entries) });
}

/// The object without its `managedFields`, to compare.
fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    metadata::set(&mut bare, "managedFields", Value::Null);
    bare
}

/// Takes what differs from the others. Gives the comparison, or who disagrees.
fn take_over(
    managers: &mut Managers,
    own: &Manager,
    comparison: &Comparison,
    force: bool,
) -> Result<(), Vec<(Manager, Owned)>> {
    let changed = comparison.modified.clone().union(&comparison.added);
    let others = managers.iter().filter(|(manager, _)| *manager != own);
    let conflicts: Vec<(Manager, Owned)> = others
        .map(|(manager, owned)| {
            let set = owned.set.intersection(&changed);
            (manager.clone(), Owned { set, ..owned.clone() })
        })
        .filter(|(_, owned)| !owned.set.is_empty())
        .collect();
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    for (_, owned) in managers.iter_mut().filter(|(manager, _)| *manager != own) {
        owned.set = owned.set.difference(&changed).difference(&comparison.removed);
    }
    managers.retain(|manager, owned| manager == own || !owned.set.is_empty());
    Ok(())
}

/// After a create, update or patch: the writer owns what it changed. `old` is the empty object of the kind for a create.
pub(crate) fn update(context: &Context<'_>, old: &Value, new: &mut Value) {
    // A client may clear the list, and hand back the one it read; nothing else that it says about it counts.
    let cleared = new.pointer("/metadata/managedFields").is_some_and(|m| {
        m.as_array().is_some_and(|list| {
            list.is_empty() || list.iter().all(|entry| entry.as_object().is_some_and(serde_json::Map::is_empty))
        })
    });
    let mut managers = if cleared { Managers::new() } else { read(old) };
    let own = context.manager("Update");
    let comparison = Comparison::of(context.view(), &bare(old), &bare(new));
    // With force nobody can disagree.
    let _ = take_over(&mut managers, &own, &comparison, true);
    let before = managers.get(&own).cloned();
    let had = before.as_ref().map(|owned| owned.set.clone()).unwrap_or_default();
    let set = had.difference(&comparison.removed).union(&comparison.modified).union(&comparison.added);
    let set = context.owned(set);
    let time = match &before {
        Some(owned) if owned.set == set => owned.time.clone(),
        // The real server forgets the time of what came through `scale`.
        _ if context.subresource == Some("scale") => String::new(),
        _ => context.now.clone(),
    };
    managers.insert(own, Owned { set, api_version: context.resource.api_version(), time });
    write(new, &managers);
}

/// The object after an apply of `config`; `live` is the empty object of the kind where it does not exist yet.
///
/// # Errors
/// 409 where another manager set a field of `config` to something else and `force` is not given.
pub(crate) fn apply(context: &Context<'_>, live: &Value, config: &Value, force: bool) -> Result<Value, Status> {
    let view = context.view();
    let mut managers = read(live);
    let own = context.manager("Apply");
    let (live_bare, config) = (bare(live), bare(config));
    let before = managers.get(&own).cloned();
    let set = context.owned(fields(view, &config));
    let time = match &before {
        Some(owned) if owned.set == set => owned.time.clone(),
        _ => context.now.clone(),
    };
    let merged = merge(view, Some(&live_bare), &config);
    managers.insert(own.clone(), Owned { set, api_version: context.resource.api_version(), time });
    let pruned = match &before {
        Some(owned) if !owned.set.is_empty() => prune(view, &merged, &managers, &owned.set),
        _ => merged,
    };
    let comparison = Comparison::of(view, &live_bare, &pruned);
    take_over(&mut managers, &own, &comparison, force).map_err(|conflicts| conflict(&conflicts))?;
    let mut pruned = pruned;
    write(&mut pruned, &managers);
    Ok(pruned)
}

/// Removes what this manager owned, unless somebody owns it now.
fn prune(view: View<'_>, merged: &Value, managers: &Managers, last: &Set) -> Value {
    let named = |set: &Set| with_named_fields(view, set);
    let pruned = without(view, merged, &named(last));
    let owned = managers.values().fold(Set::default(), |all, owned| all.union(&owned.set));
    let everything = named(&fields(view, merged));
    let kept = named(&fields(view, &pruned)).union(&named(&owned));
    let pruned = without(view, merged, &everything.difference(&kept));
    // What fell away without having been this manager's stays.
    let lost = everything.difference(&named(&fields(view, &pruned)));
    without(view, merged, &lost.intersection(&named(last)))
}

fn conflict(conflicts: &[(Manager, Owned)]) -> Status {
    let who = |manager: &Manager, owned: &Owned| {
        let mut text = format!("{:?}", manager.name);
        if !manager.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", manager.subresource));
        }
        if manager.operation == "Update" {
            text.push_str(&format!(" using {}", owned.api_version));
        }
        text
    };
    let mut causes = Vec::new();
    let mut lines = Vec::new();
    for (manager, owned) in conflicts {
        let who = who(manager, owned);
        lines.push(format!("conflicts with {who}:"));
        for path in owned.set.paths() {
            let path = written(&path);
            lines.push(format!("- {path}"));
            causes.push(Cause::new("FieldManagerConflict", path, format!("conflict with {who}")));
        }
    }
    let message = match causes.as_slice() {
        [one] => format!("Apply failed with 1 conflict: {}: {}", one.message, one.field),
        several => format!("Apply failed with {} conflicts: {}", several.len(), lines.join("\n")),
    };
    let details = Details { causes, ..Details::default() };
    Status { details: Some(Box::new(details)), ..Status::new(409, "Conflict", message) }
}

/// Checks an apply's body for what it must not say.
///
/// # Errors
/// 400 where it has `managedFields`.
pub(crate) fn check_config(config: &Value) -> Result<(), Status> {
    let field = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (field("apiVersion"), field("kind"));
    if api_version.is_empty() || kind.is_empty() {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        return Err(Status::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")));
    }
    if config.pointer("/metadata/managedFields").is_some_and(|m| !m.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, ResourceId, resources};

    struct Cluster {
        resource: std::sync::Arc<Resource>,
        object: Value,
    }

    impl Cluster {
        fn new(id: &ResourceId, object: Value) -> Self {
            Self { resource: Catalog::built_in().get(id).unwrap().clone(), object }
        }

        fn context<'a>(&'a self, manager: &'a str) -> Context<'a> {
            Context { resource: &self.resource, manager, subresource: None, now: "2026-01-31T12:00:00Z".into() }
        }

        fn apply(&mut self, manager: &str, config: &Value, force: bool) -> Result<(), Status> {
            self.object = apply(&self.context(manager), &self.object, config, force)?;
            Ok(())
        }

        fn update(&mut self, manager: &str, change: impl FnOnce(&mut Value)) {
            let mut new = self.object.clone();
            change(&mut new);
            update(&self.context(manager), &self.object, &mut new);
            self.object = new;
        }

        fn owner(&self, manager: &str) -> Value {
            let entries = self.object["metadata"]["managedFields"].as_array().into_iter().flatten();
            entries.filter(|e| e["manager"] == manager).map(|e| e["fieldsV1"].clone()).next().unwrap_or(Value::Null)
        }
    }

    fn config_map(data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
    }

    #[test]
    fn an_update_owns_what_it_changed() {
        let mut cluster = Cluster::new(&resources::CONFIG_MAPS, json!({"metadata": {}}));
        cluster.update("curl", |o| *o = config_map(&json!({"x": "1", "y": "1"})));
        assert_eq!(cluster.owner("curl"), json!({"f:data": {".": {}, "f:x": {}, "f:y": {}}}));
        cluster.update("other", |o| o["data"]["x"] = json!("2"));
        assert_eq!(cluster.owner("curl"), json!({"f:data": {".": {}, "f:y": {}}}));
        assert_eq!(cluster.owner("other"), json!({"f:data": {"f:x": {}}}));
    }

    #[test]
    fn what_an_applier_no_longer_names_is_removed() {
        let mut cluster = Cluster::new(&resources::CONFIG_MAPS, json!({"metadata": {}}));
        cluster.apply("helm", &config_map(&json!({"x": "1", "y": "1"})), false).unwrap();
        assert_eq!(cluster.owner("helm"), json!({"f:data": {"f:x": {}, "f:y": {}}}));
        cluster.apply("other", &config_map(&json!({"y": "1", "z": "1"})), false).unwrap();
        cluster.apply("helm", &config_map(&json!({})), false).unwrap();
        assert_eq!(cluster.object["data"], json!({"y": "1", "z": "1"}), "y is still wanted by the other");
        cluster.apply("other", &config_map(&json!({"z": "1"})), false).unwrap();
        assert_eq!(cluster.object["data"], json!({"z": "1"}));
    }

    #[test]
    fn a_disagreement_is_a_conflict_unless_forced() {
        let mut cluster = Cluster::new(&resources::CONFIG_MAPS, json!({"metadata": {}}));
        cluster.update("curl", |o| *o = config_map(&json!({"x": "1", "y": "1"})));
        let error = cluster.apply("helm", &config_map(&json!({"x": "2"})), false).unwrap_err();
        assert_eq!(error.to_string(), "Apply failed with 1 conflict: conflict with \"curl\" using v1: .data.x");
        cluster.apply("helm", &config_map(&json!({"y": "1"})), false).unwrap();
        cluster.apply("helm", &config_map(&json!({"x": "2"})), true).unwrap();
        assert_eq!(cluster.owner("curl"), json!({"f:data": {".": {}, "f:y": {}}}));
        assert_eq!(cluster.object["data"], json!({"x": "2", "y": "1"}));
    }

    #[test]
    fn list_items_are_owned_by_their_keys() {
        let service = |ports: &Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}});
        let mut cluster = Cluster::new(&resources::SERVICES, json!({"metadata": {}, "spec": {}}));
        cluster.apply("a", &service(&json!([{"port": 80, "name": "http"}])), false).unwrap();
        cluster.apply("b", &service(&json!([{"port": 443, "protocol": "TCP", "name": "https"}])), false).unwrap();
        let key = "k:{\"port\":443,\"protocol\":\"TCP\"}";
        assert_eq!(cluster.owner("b")["f:spec"]["f:ports"][key][".".to_owned()], json!({}));
        assert_eq!(cluster.object["spec"]["ports"].as_array().unwrap().len(), 2);
        cluster.apply("a", &service(&json!([])), false).unwrap();
        assert_eq!(cluster.object["spec"]["ports"], json!([{"port": 443, "protocol": "TCP", "name": "https"}]));
    }

    #[test]
    fn lists_merge_in_the_order_of_the_applier() {
        let pod = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|n| json!({"name": n, "image": "i"})).collect();
            json!({"metadata": {"name": "p"}, "spec": {"containers": containers}})
        };
        let mut cluster = Cluster::new(&resources::PODS, pod(&["a", "x", "b"]));
        cluster.apply("m", &pod(&["b", "a", "c"]), false).unwrap();
        let names: Vec<&str> = cluster.object["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["x", "b", "a", "c"]);
    }
}
