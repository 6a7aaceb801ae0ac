//! Writes the table of kinds (`crates/apiserver/src/schema/kinds.txt`) from two sources of facts: what a real API
//! server publishes (`/openapi/v3`: required fields, list types, merge keys, defaults, enumerations) and the tags of
//! the Go types (protobuf numbers, `omitempty`, pointers). No prose is taken over.
//!
//! ```text
//! for p in api/v1 apis/apps/v1 …; do kubectl get --raw /openapi/v3/$p > openapi/$(echo $p | tr / _).json; done
//! cargo run -p xtask --bin kinds -- openapi "$(go env GOMODCACHE)" 0.36.3 > crates/apiserver/src/schema/kinds.txt
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A Go package: what the names in it stand for.
#[derive(Default)]
struct Package {
    structs: BTreeMap<String, Vec<Field>>,
    aliases: BTreeMap<String, String>,
}

/// A field of a Go struct.
struct Field {
    json: String,
    inline: bool,
    omitted: bool,
    number: Option<u32>,
    /// As written, with the package of every name: `[]*core.v1.EnvVar`.
    go: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [openapi, modules, version] = arguments.as_slice() else {
        return Err("usage: kinds OPENAPI-FOLDER GO-MODULE-CACHE VERSION".into());
    };
    let mut schemas = BTreeMap::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(openapi)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let document: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        for (name, schema) in document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten() {
            if let Some(name) = short(name) {
                schemas.insert(name, schema.clone());
            }
        }
    }
    let mut packages = BTreeMap::new();
    let names: BTreeSet<String> =
        schemas.keys().filter_map(|n| n.rsplit_once('.')).map(|(p, _)| p.to_owned()).collect();
    for name in names {
        let package = read_package(&folder(Path::new(modules), version, &name), &name)?;
        packages.insert(name, package);
    }
    let mut table = String::new();
    for (name, schema) in &schemas {
        write_type(&mut table, &packages, name, schema)?;
    }
    use std::io::Write as _;
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}

/// `io.k8s.api.core.v1.Pod` → `core.v1.Pod`; `None` for the types that have no fields of their own here.
fn short(name: &str) -> Option<String> {
    for (prefix, stands_for) in [
        ("io.k8s.apimachinery.pkg.apis.meta.v1.", "meta.v1."),
        ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.", "apiextensions.v1."),
        ("io.k8s.api.", ""),
    ] {
        if let Some(rest) = name.strip_prefix(prefix) {
            let special = ["Time", "MicroTime", "FieldsV1", "Patch", "Duration", "WatchEvent"];
            let special = stands_for == "meta.v1." && special.contains(&rest);
            let free = stands_for == "apiextensions.v1." && rest.starts_with("JSON");
            return (!special && !free).then(|| format!("{stands_for}{rest}"));
        }
    }
    None
}

fn folder(modules: &Path, version: &str, package: &str) -> PathBuf {
    let k8s = modules.join("k8s.io");
    match package {
        "meta.v1" => k8s.join(format!("apimachinery@v{version}/pkg/apis/meta/v1")),
        "apiextensions.v1" => k8s.join(format!("apiextensions-apiserver@v{version}/pkg/apis/apiextensions/v1")),
        other => k8s.join(format!("api@v{version}")).join(other.replace('.', "/")),
    }
}

fn read_package(folder: &Path, name: &str) -> Result<Package, Box<dyn Error>> {
    let mut package = Package::default();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if file.ends_with(".go") && !file.ends_with("_test.go") && !file.contains("generated") {
            read_file(&std::fs::read_to_string(&path)?, name, &mut package);
        }
    }
    Ok(package)
}

fn read_file(text: &str, own: &str, package: &mut Package) {
    let mut imports = BTreeMap::new();
    let mut inside: Option<(String, Vec<Field>)> = None;
    for line in text.lines() {
        if let Some((alias, path)) = import(line) {
            imports.insert(alias, path);
        } else if let Some(rest) = line.strip_prefix("type ") {
            if let Some(name) = rest.strip_suffix(" struct {") {
                inside = Some((name.to_owned(), Vec::new()));
            } else if let Some(name) = rest.strip_suffix(" struct{}") {
                package.structs.insert(name.to_owned(), Vec::new());
            } else if let Some((name, stands_for)) = rest.split_once(' ') {
                package.aliases.insert(name.to_owned(), qualify(stands_for, own, &imports));
            }
        } else if line == "}" {
            if let Some((name, fields)) = inside.take() {
                package.structs.insert(name, fields);
            }
        } else if let (Some((_, fields)), Some(line)) = (&mut inside, line.strip_prefix('\t')) {
            fields.extend(field(line, own, &imports));
        }
    }
}

/// `metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"` → its alias and our name for the package.
fn import(line: &str) -> Option<(String, String)> {
    let (alias, path) = line.trim().trim_start_matches("import ").split_once('"')?;
    let path = path.strip_suffix('"')?;
    let alias = match alias.trim() {
        "" => path.rsplit('/').next()?.to_owned(),
        alias => alias.to_owned(),
    };
    let stands_for = match path.strip_prefix("k8s.io/")? {
        "apimachinery/pkg/apis/meta/v1" => "meta.v1".to_owned(),
        "apimachinery/pkg/api/resource" => "resource".to_owned(),
        "apimachinery/pkg/util/intstr" => "intstr".to_owned(),
        "apimachinery/pkg/runtime" => "runtime".to_owned(),
        "apimachinery/pkg/types" => "types".to_owned(),
        other => other.strip_prefix("api/")?.replace('/', "."),
    };
    Some((alias, stands_for))
}

fn field(line: &str, own: &str, imports: &BTreeMap<String, String>) -> Option<Field> {
    let (head, tags) = line.trim_end().strip_suffix('`')?.split_once('`')?;
    let mut words = head.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    if first.starts_with("//") {
        return None;
    }
    let tag = |name: &str| {
        let (_, rest) = tags.split_once(&format!("{name}:\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let json = tag("json")?;
    let (name, options) = json.split_once(',').unwrap_or((json, ""));
    let number = tag("protobuf").and_then(|p| p.split(',').nth(1)).and_then(|n| n.parse().ok());
    Some(Field {
        json: name.to_owned(),
        inline: options.split(',').any(|o| o == "inline"),
        omitted: options.split(',').any(|o| o == "omitempty" || o == "omitzero"),
        number,
        go: qualify(second.unwrap_or(first), own, imports) + if options.contains("omitzero") { "?" } else { "" },
    })
}

/// Puts the package before every name of a Go type.
fn qualify(go: &str, own: &str, imports: &BTreeMap<String, String>) -> String {
    let go = go.trim_start_matches("= ");
    let at = go.rfind([']', '*']).map_or(0, |at| at + 1);
    let (head, name) = go.split_at(at);
    let name = match name.split_once('.') {
        Some((alias, name)) => format!("{}.{name}", imports.get(alias).map_or(alias, String::as_str)),
        None if matches!(name, "string" | "bool" | "byte" | "int" | "int32" | "int64" | "float64") => name.to_owned(),
        None => format!("{own}.{name}"),
    };
    format!("{head}{name}")
}

/// The fields of a struct with those of its embedded structs, which have the numbers of both.
fn flatten(
    packages: &BTreeMap<String, Package>,
    package: &str,
    name: &str,
    path: &str,
    fields: &mut BTreeMap<String, (String, String, bool)>,
) -> Result<(), Box<dyn Error>> {
    let own = packages.get(package).and_then(|p| p.structs.get(name)).ok_or(format!("no struct {package}.{name}"))?;
    for field in own {
        let number = field.number.map(|n| n.to_string()).unwrap_or_default();
        if field.inline {
            let inner = if number.is_empty() { path.to_owned() } else { format!("{path}{number}.") };
            let (package, name) = field.go.trim_start_matches('*').rsplit_once('.').ok_or("embedded builtin")?;
            let mut embedded = BTreeMap::new();
            flatten(packages, package, name, &inner, &mut embedded)?;
            for (json, (inner, go, omitted)) in embedded {
                // Without a number the embedded fields travel outside the message (`apiVersion`, `kind`).
                let number = if number.is_empty() { "-".to_owned() } else { inner };
                fields.insert(json, (number, go, omitted));
            }
        } else if !field.json.is_empty() && field.json != "-" {
            let number = if number.is_empty() { "-".to_owned() } else { format!("{path}{number}") };
            fields.insert(field.json.clone(), (number, field.go.clone(), field.omitted));
        }
    }
    Ok(())
}

/// Our name for a Go type.
fn shape(packages: &BTreeMap<String, Package>, go: &str) -> Result<String, Box<dyn Error>> {
    let go = go.trim_start_matches('*');
    if let Some(inner) = go.strip_prefix("[]") {
        return Ok(if inner == "byte" { "bytes".to_owned() } else { format!("[{}]", shape(packages, inner)?) });
    }
    if let Some(rest) = go.strip_prefix("map[") {
        let (_, value) = rest.split_once(']').ok_or("map without key")?;
        return Ok(format!("{{{}}}", shape(packages, value)?));
    }
    Ok(match go {
        "string" | "bool" | "int32" | "int64" => go.to_owned(),
        "int" => "int64".to_owned(),
        "float64" => "double".to_owned(),
        "types.UID" | "types.NodeName" | "types.NamespacedName" => "string".to_owned(),
        "meta.v1.Time" => "time".to_owned(),
        "meta.v1.MicroTime" => "microtime".to_owned(),
        "meta.v1.Duration" => "duration".to_owned(),
        "meta.v1.FieldsV1" => "fields".to_owned(),
        "resource.Quantity" => "quantity".to_owned(),
        "intstr.IntOrString" => "intorstring".to_owned(),
        "runtime.RawExtension" | "runtime.Object" => "raw".to_owned(),
        other => {
            let (package, name) = other.rsplit_once('.').ok_or(format!("unknown Go type {other}"))?;
            let known = packages.get(package).ok_or(format!("no package of {other}"))?;
            if package == "apiextensions.v1" && name.starts_with("JSON") {
                "any".to_owned()
            } else if known.structs.contains_key(name) {
                other.to_owned()
            } else if let Some(alias) = known.aliases.get(name) {
                // A named list is a message of its own on the wire.
                match alias.strip_prefix("[]") {
                    Some(inner) => format!("[{}]items", shape(packages, inner)?),
                    None => shape(packages, alias)?,
                }
            } else {
                return Err(format!("unknown Go type {other}").into());
            }
        }
    })
}

fn write_type(
    table: &mut String,
    packages: &BTreeMap<String, Package>,
    name: &str,
    schema: &Value,
) -> Result<(), Box<dyn Error>> {
    let (package, own) = name.rsplit_once('.').ok_or("type without package")?;
    let mut fields = BTreeMap::new();
    if packages.get(package).is_some_and(|p| p.structs.contains_key(own)) {
        flatten(packages, package, own, "", &mut fields)?;
    } else {
        return Ok(());
    }
    write!(table, "{name}")?;
    if schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic") {
        table.push_str(" atomic");
    }
    table.push('\n');
    let required: BTreeSet<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (json, (number, go, omitted)) in &fields {
        let zero_omitted = go.ends_with('?');
        let go = go.trim_end_matches('?');
        let Some(published) = properties.and_then(|p| p.get(json)) else {
            continue;
        };
        write!(table, "\t{json} {number} {}", shape(packages, go)?)?;
        let text = |key: &str| published.get(key).and_then(Value::as_str);
        let mut flag = |flag: &str| write!(table, " {flag}");
        if go.starts_with('*') {
            flag("pointer")?;
        }
        if zero_omitted {
            flag("omitzero")?;
        } else if !omitted {
            flag("always")?;
        }
        if required.contains(json.as_str()) {
            flag("required")?;
        }
        let keys = published.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        let keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
        match (text("x-kubernetes-list-type"), text("x-kubernetes-map-type")) {
            (Some("map"), _) => flag(&format!("map={}", keys.join(",")))?,
            (Some(other), _) | (None, Some(other)) => flag(other)?,
            _ => {}
        }
        for strategy in text("x-kubernetes-patch-strategy").into_iter().flat_map(|s| s.split(',')) {
            match (strategy, text("x-kubernetes-patch-merge-key")) {
                ("merge", Some(key)) => flag(&format!("merge={key}"))?,
                (other, _) => flag(other)?,
            }
        }
        if let Some(default) = published.get("default") {
            let zero = match default {
                Value::String(text) => text.is_empty(),
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::Object(map) => map.is_empty(),
                other => *other == Value::Bool(false) || other.is_null(),
            };
            if !zero {
                flag(&format!("default={default}"))?;
            }
        }
        let values = published.get("enum").and_then(Value::as_array);
        let values: Vec<&str> = values.into_iter().flatten().filter_map(Value::as_str).collect();
        if !values.is_empty() {
            flag(&format!("enum={}", values.join(",")))?;
        }
        table.push('\n');
    }
    Ok(())
}
