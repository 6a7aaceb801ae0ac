//! Discovery: which groups, versions and resources there are, in the old form and in the aggregated one.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::answer::{self, Body};
use crate::Api;
use crate::catalog::Resource;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Resources by group and version.
type Groups = BTreeMap<String, BTreeMap<String, Vec<Arc<Resource>>>>;

pub(super) fn groups(api: &Api) -> Groups {
    let mut groups = Groups::new();
    for resource in api.catalog().served() {
        let group = groups.entry(resource.id.group.to_string()).or_default();
        group.entry(resource.version.clone()).or_default().push(Arc::clone(resource));
    }
    groups
}

/// The answer to a discovery path; `None` for every other.
pub(super) fn answer(api: &Api, path: &str, accept: &str) -> Option<Response<Body>> {
    let steps: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let groups = groups(api);
    let aggregated = accept.split(',').any(|wish| {
        ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"]
            .iter()
            .all(|part| wish.split(';').any(|p| p.trim() == *part))
    });
    match steps.as_slice() {
        [] => {
            let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
            for (group, versions) in groups.iter().filter(|(group, _)| !group.is_empty()) {
                paths.push(format!("/apis/{group}"));
                paths.extend(versions.keys().map(|version| format!("/apis/{group}/{version}")));
            }
            paths.extend(["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"].map(String::from));
            Some(answer::json(200, &json!({ "paths": paths })))
        }
        ["api"] if aggregated => Some(list(groups.iter().filter(|(group, _)| group.is_empty()))),
        ["apis"] if aggregated => Some(list(groups.iter().filter(|(group, _)| !group.is_empty()))),
        ["api"] => Some(answer::json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        )),
        ["apis"] => {
            let groups: Vec<Value> =
                groups.iter().filter(|(group, _)| !group.is_empty()).map(|(g, versions)| group(g, versions)).collect();
            Some(answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        ["apis", name] => {
            let mut found = group(name, groups.get(*name)?);
            found["kind"] = Value::from("APIGroup");
            found["apiVersion"] = Value::from("v1");
            Some(answer::json(200, &found))
        }
        ["api", version] => Some(resource_list("", version, groups.get("")?.get(*version)?)),
        ["apis", group, version] => Some(resource_list(group, version, groups.get(*group)?.get(*version)?)),
        _ => None,
    }
}

fn group(name: &str, versions: &BTreeMap<String, Vec<Arc<Resource>>>) -> Value {
    // The newest version is preferred.
    let versions: Vec<Value> =
        versions.keys().rev().map(|v| json!({"groupVersion": format!("{name}/{v}"), "version": v})).collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

fn resource_list(group: &str, version: &str, resources: &[Arc<Resource>]) -> Response<Body> {
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut list = Vec::new();
    for resource in resources {
        let mut entry = json!({"name": resource.id.plural, "singularName": resource.singular,
            "namespaced": resource.namespaced, "kind": resource.kind, "verbs": resource.verbs});
        for (key, words) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
            if !words.is_empty() {
                entry[key] = json!(words);
            }
        }
        list.push(entry);
        for part in &resource.subresources {
            let mut entry = json!({"name": format!("{}/{}", resource.id.plural, part.name), "singularName": "",
                "namespaced": resource.namespaced, "kind": part.kind, "verbs": part.verbs});
            if (part.group.as_str(), part.version.as_str()) != (group, version) {
                if !part.group.is_empty() {
                    entry["group"] = Value::from(part.group.as_str());
                }
                entry["version"] = Value::from(part.version.as_str());
            }
            list.push(entry);
        }
    }
    answer::json(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list}),
    )
}

fn list<'a>(groups: impl Iterator<Item = (&'a String, &'a BTreeMap<String, Vec<Arc<Resource>>>)>) -> Response<Body> {
    let items: Vec<Value> = groups
        .map(|(name, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .rev()
                .map(|(version, resources)| {
                    let resources: Vec<Value> = resources.iter().map(|r| entry(r)).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    answer::json_as(200, AGGREGATED, &list)
}

fn entry(resource: &Resource) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    let mut entry = json!({"resource": resource.id.plural,
        "responseKind": kind(&resource.id.group, &resource.version, &resource.kind),
        "scope": scope, "singularResource": resource.singular, "verbs": resource.verbs});
    for (key, words) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !words.is_empty() {
            entry[key] = json!(words);
        }
    }
    if !resource.subresources.is_empty() {
        let parts = resource.subresources.iter();
        let parts: Vec<Value> = parts
            .map(|p| json!({"subresource": p.name, "responseKind": kind(&p.group, &p.version, &p.kind), "verbs": p.verbs}))
            .collect();
        entry["subresources"] = Value::from(parts);
    }
    entry
}
