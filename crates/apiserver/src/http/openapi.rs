//! OpenAPI documents, made from the table of kinds: version 3, one a group and version, and what version 2 shares.

use std::collections::BTreeSet;

use http::Response;
use serde_json::{Map, Value, json};

use super::answer::{self, Body};
use super::discovery::groups;
use crate::Api;
use crate::catalog::Resource;
use crate::schema::{Field, Shape, Strategy, Topology, Type, TypeId, schema};

pub(super) const REFERENCE: &str = "#/components/schemas/";

/// `/openapi/v3`: where the documents are.
pub(super) fn index(api: &Api) -> Response<Body> {
    let mut paths = Map::new();
    for (group, versions) in groups(api) {
        for (version, resources) in versions {
            let of = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            // FNV-1a over what the document is made from: clients keep documents by this.
            let seed = resources.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, resource| {
                let text = format!("{} {} {:?}", env!("CARGO_PKG_VERSION"), resource.id, resource.subresources);
                text.bytes().fold(hash, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
            });
            paths.insert(of.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{of}?hash={seed:016X}")}));
        }
    }
    answer::json(200, &json!({ "paths": paths }))
}

/// The document of `api/v1` or `apis/group/version`.
pub(super) fn document(api: &Api, of: &str) -> Option<Response<Body>> {
    let steps: Vec<&str> = of.split('/').collect();
    let (group, version) = match steps.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return None,
    };
    let groups = groups(api);
    let resources = groups.get(group)?.get(version)?;
    let (mut paths, mut roots) = (Map::new(), BTreeSet::new());
    for resource in resources {
        add_paths(resource, &mut paths, true);
        roots.extend(resource.schema());
        let package =
            resource.schema().and_then(|of| schema().get(of).name.rsplit_once('.').map(|(p, _)| p.to_owned()));
        roots.extend(package.and_then(|p| schema().by_name(&format!("{p}.{}", resource.list_kind))));
        for part in &resource.subresources {
            roots.extend(schema().of_kind(&part.group, &part.version, &part.kind));
        }
    }
    for name in ["meta.v1.DeleteOptions", "meta.v1.Status"] {
        roots.extend(schema().by_name(name));
    }
    let mut schemas = Map::new();
    for id in closure(roots) {
        let of = schema().get(id);
        schemas.insert(published(&of.name), of_type(of, REFERENCE, resources.iter().map(|r| &**r)));
    }
    for resource in resources {
        if let Some(custom) = &resource.custom {
            let gvk = json!([{"group": resource.id.group, "version": resource.version, "kind": resource.kind}]);
            let mut schema = custom.schema.clone();
            if !schema.is_object() {
                schema = json!({"type": "object"});
            }
            schema["x-kubernetes-group-version-kind"] = gvk;
            schemas.insert(custom_name(resource), schema);
        }
    }
    for (name, value) in scalars(true) {
        schemas.insert(name.to_owned(), value);
    }
    let document = json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths, "components": {"schemas": schemas}});
    Some(answer::json(200, &document))
}

/// The types and all that they are made of.
pub(super) fn closure(roots: BTreeSet<TypeId>) -> BTreeSet<TypeId> {
    let (mut all, mut open) = (roots.clone(), roots.into_iter().collect::<Vec<_>>());
    fn inner(shape: &Shape) -> Option<TypeId> {
        match shape {
            Shape::Struct(of) => Some(*of),
            Shape::List(item) | Shape::Items(item) | Shape::Map(item) => inner(item),
            _ => None,
        }
    }
    while let Some(id) = open.pop() {
        for field in &schema().get(id).fields {
            open.extend(inner(&field.shape).filter(|of| all.insert(*of)));
        }
    }
    all
}

/// `core.v1.Pod` → `io.k8s.api.core.v1.Pod`
pub(super) fn published(name: &str) -> String {
    match name.split_once('.') {
        Some(("meta", rest)) => format!("io.k8s.apimachinery.pkg.apis.meta.{rest}"),
        Some(("apiextensions", rest)) => format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{rest}"),
        _ => format!("io.k8s.api.{name}"),
    }
}

/// `example.com/v1 Foo` → `com.example.v1.Foo`
fn custom_name(resource: &Resource) -> String {
    let mut group: Vec<&str> = resource.id.group.split('.').collect();
    group.reverse();
    format!("{}.{}.{}", group.join("."), resource.version, resource.kind)
}

/// Definitions of what is no struct of the table.
pub(super) fn scalars(v3: bool) -> Vec<(&'static str, Value)> {
    let either = |other: &str, format: Option<&str>| {
        let mut of =
            if v3 { json!({"oneOf": [{"type": "string"}, {"type": other}]}) } else { json!({"type": "string"}) };
        if let Some(format) = format {
            of["format"] = Value::from(format);
        }
        of
    };
    let time = json!({"type": "string", "format": "date-time"});
    vec![
        ("io.k8s.apimachinery.pkg.api.resource.Quantity", either("number", None)),
        ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", either("integer", Some("int-or-string"))),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", time.clone()),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", time),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Duration", json!({"type": "string"})),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", json!({"type": "object"})),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Patch", json!({"type": "object"})),
        ("io.k8s.apimachinery.pkg.runtime.RawExtension", json!({"type": "object"})),
    ]
}

/// The schema of a type; `reference` is where the other types are.
pub(super) fn of_type<'a>(of: &Type, reference: &str, resources: impl Iterator<Item = &'a Resource>) -> Value {
    let mut properties = Map::new();
    for field in &of.fields {
        properties.insert(field.name.clone(), property(field, reference));
    }
    let mut schema = json!({"type": "object", "properties": properties});
    let required: Vec<&str> = of.fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if of.atomic {
        schema["x-kubernetes-map-type"] = Value::from("atomic");
    }
    let mut kinds = Vec::new();
    for resource in resources {
        let id = resource.schema().map(|id| crate::schema::schema().get(id));
        let Some(own) = id else { continue };
        let gvk = |kind: &str| json!({"group": resource.id.group, "version": resource.version, "kind": kind});
        if own.name == of.name {
            kinds.push(gvk(&resource.kind));
        } else if of.name.strip_suffix("List") == Some(&own.name) {
            kinds.push(gvk(&resource.list_kind));
        }
    }
    match of.name.as_str() {
        "autoscaling.v1.Scale" | "policy.v1.Eviction" | "authentication.v1.TokenRequest" => {
            let (group, kind) = match of.name.as_str() {
                "autoscaling.v1.Scale" => ("autoscaling", "Scale"),
                "policy.v1.Eviction" => ("policy", "Eviction"),
                _ => ("authentication.k8s.io", "TokenRequest"),
            };
            kinds.push(json!({"group": group, "version": "v1", "kind": kind}));
        }
        "meta.v1.DeleteOptions" | "meta.v1.Status" => {
            kinds.push(json!({"group": "", "version": "v1", "kind": of.go_name()}));
        }
        _ => {}
    }
    if !kinds.is_empty() {
        schema["x-kubernetes-group-version-kind"] = Value::from(kinds);
    }
    schema
}

fn property(field: &Field, reference: &str) -> Value {
    let mut schema = of_shape(&field.shape, reference);
    let decorated = field.default.is_some() || field.topology != Topology::Usual || field.strategy != Strategy::Usual;
    if decorated && schema.get("$ref").is_some() && reference == REFERENCE {
        schema = json!({ "allOf": [schema] });
    }
    let is_map = matches!(field.shape, Shape::Map(_) | Shape::Struct(_));
    match &field.topology {
        Topology::Usual => {}
        Topology::Atomic if is_map => schema["x-kubernetes-map-type"] = Value::from("atomic"),
        Topology::Atomic => schema["x-kubernetes-list-type"] = Value::from("atomic"),
        Topology::Set => schema["x-kubernetes-list-type"] = Value::from("set"),
        Topology::Keyed(keys) => {
            schema["x-kubernetes-list-type"] = Value::from("map");
            schema["x-kubernetes-list-map-keys"] = json!(keys);
        }
    }
    let mut strategies = Vec::new();
    match &field.strategy {
        Strategy::Usual => {}
        Strategy::Merge => strategies.push("merge"),
        Strategy::Replace => strategies.push("replace"),
        Strategy::MergeBy(key) => {
            strategies.push("merge");
            schema["x-kubernetes-patch-merge-key"] = Value::from(key.as_str());
        }
    }
    if field.retain_keys {
        strategies.push("retainKeys");
    }
    if !strategies.is_empty() {
        schema["x-kubernetes-patch-strategy"] = Value::from(strategies.join(","));
    }
    if let Some(default) = &field.default {
        schema["default"] = default.clone();
    }
    if !field.values.is_empty() {
        schema["enum"] = json!(field.values);
    }
    schema
}

fn of_shape(shape: &Shape, reference: &str) -> Value {
    let to = |name: &str| json!({"$ref": format!("{reference}{name}")});
    match shape {
        Shape::String => json!({"type": "string"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Int32 => json!({"type": "integer", "format": "int32"}),
        Shape::Int64 => json!({"type": "integer", "format": "int64"}),
        Shape::Double => json!({"type": "number", "format": "double"}),
        Shape::Bytes => json!({"type": "string", "format": "byte"}),
        Shape::Time => to("io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
        Shape::MicroTime => to("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"),
        Shape::Duration => to("io.k8s.apimachinery.pkg.apis.meta.v1.Duration"),
        Shape::Quantity => to("io.k8s.apimachinery.pkg.api.resource.Quantity"),
        Shape::IntOrString => to("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
        Shape::Raw => to("io.k8s.apimachinery.pkg.runtime.RawExtension"),
        Shape::Fields => to("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"),
        Shape::Any => json!({"type": "object"}),
        Shape::Struct(of) => to(&published(&schema().get(*of).name)),
        Shape::List(item) | Shape::Items(item) => json!({"type": "array", "items": of_shape(item, reference)}),
        Shape::Map(item) => json!({"type": "object", "additionalProperties": of_shape(item, reference)}),
    }
}

/// The paths of a resource with the operations and parameters that clients look for.
pub(super) fn add_paths(resource: &Resource, paths: &mut Map<String, Value>, v3: bool) {
    let id = &resource.id;
    let base = if id.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}/{}", id.group, resource.version)
    };
    let can = |verb: &str| resource.verbs.iter().any(|v| v == verb);
    let gvk = json!({"group": id.group, "version": resource.version, "kind": resource.kind});
    let operation = |method: &str, action: &str| operation(resource, &gvk, method, action, v3);
    let all = |pairs: &[(&str, &str, &str)]| {
        let mut item = Map::new();
        for (method, _, action) in pairs.iter().filter(|(_, verb, _)| can(verb)) {
            item.insert((*method).to_owned(), operation(method, action));
        }
        Value::Object(item)
    };
    let collection =
        all(&[("get", "list", "list"), ("post", "create", "post"), ("delete", "deletecollection", "deletecollection")]);
    let one = all(&[
        ("get", "get", "get"),
        ("put", "update", "put"),
        ("patch", "patch", "patch"),
        ("delete", "delete", "delete"),
    ]);
    let plural = &id.plural;
    let own = if resource.namespaced {
        if can("list") {
            let mut across = Map::new();
            across.insert("get".to_owned(), operation("get", "list"));
            paths.insert(format!("{base}/{plural}"), Value::Object(across));
        }
        format!("{base}/namespaces/{{namespace}}/{plural}")
    } else {
        format!("{base}/{plural}")
    };
    paths.insert(own.clone(), collection);
    if can("get") {
        paths.insert(format!("{own}/{{name}}"), one);
    }
}

fn operation(resource: &Resource, gvk: &Value, method: &str, action: &str, v3: bool) -> Value {
    let text = |name: &str| {
        if v3 {
            json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}})
        } else {
            json!({"name": name, "in": "query", "type": "string", "uniqueItems": true})
        }
    };
    let names: &[&str] = match method {
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        _ if action == "list" => &["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "watch"],
        _ => &[],
    };
    let parameters: Vec<Value> = names.iter().map(|name| text(name)).collect();
    let name = match resource.schema() {
        Some(of) => published(&schema().get(of).name),
        None => custom_name(resource),
    };
    let answer = if v3 {
        json!({"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": format!("{REFERENCE}{name}")}}}}})
    } else {
        json!({"200": {"description": "OK", "schema": {"$ref": format!("#/definitions/{name}")}}})
    };
    let scope = if resource.namespaced { "Namespaced" } else { "" };
    json!({"operationId": format!("{action}{scope}{}", resource.kind), "parameters": parameters, "responses": answer,
        "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk})
}
