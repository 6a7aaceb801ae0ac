//! What Helm asks of a server about the objects that a chart came to, before it would send them: `Build` of `pkg/kube`,
//! and `existingResourceConflict` of `pkg/action/validate.go`.

use bowline_cluster::{ClusterError, Metadata, ObjectRef, Resource};
use bowline_manifest::{GroupVersionKind, to_json};
use bowline_yaml::quote;
use serde_json::Value;

use super::Server;

/// The labels and annotations by which a release knows its own.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "Helm");
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Check<'c> {
    /// Name of the release.
    pub release: &'c str,
    /// Its namespace.
    pub namespace: &'c str,
    /// Whether every object must name its API version and kind (without `--disable-openapi-validation`).
    pub validate: bool,
    /// Whether objects that others made may be there already; `None`: nobody looks (an upgrade).
    pub adopts: Option<bool>,
}

/// An object that the server knows the kind of.
struct Built {
    object: Value,
    resource: Resource,
}

impl Server {
    /// Checks the objects of a manifest.
    ///
    /// # Errors
    /// What is wrong with them, in Helm's words.
    pub fn check(&self, manifest: &str, check: Check<'_>) -> Result<(), String> {
        let built = self.build(manifest, check.validate);
        let built =
            built.map_err(|error| format!("unable to build kubernetes objects from release manifest: {error}"))?;
        let Some(adopts) = check.adopts else { return Ok(()) };
        for found in &built {
            self.check_free(found, check, adopts)
                .map_err(|error| format!("unable to continue with install: {error}"))?;
        }
        Ok(())
    }

    fn build(&self, manifest: &str, validate: bool) -> Result<Vec<Built>, String> {
        let documents = bowline_yaml::parse(manifest)
            .map_err(|error| format!("error parsing : error converting YAML to JSON: {error}"))?;
        let (mut built, mut errors) = (Vec::new(), Vec::new());
        for object in documents.iter().map(to_json).filter(|object| !object.is_null()) {
            let list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && object["items"].is_array();
            if validate {
                let items = object["items"].as_array().into_iter().flatten().filter(|_| list);
                let faults: Vec<String> = std::iter::once(&object).chain(items).filter_map(unnamed).collect();
                if let Some(fault) = faults.first() {
                    errors.push(format!("error validating \"\": error validating data: {fault}"));
                    break;
                }
            }
            let objects = if list { object["items"].as_array().cloned().unwrap_or_default() } else { vec![object] };
            for object in objects {
                match self.recognize(object, list) {
                    Ok(found) => built.push(found),
                    Err(error) => errors.push(error),
                }
            }
        }
        if errors.is_empty() { Ok(built) } else { Err(aggregate(errors)) }
    }

    /// `listed`: the object stood in a list.
    fn recognize(&self, object: Value, listed: bool) -> Result<Built, String> {
        let decoding = |why: String| format!("unable to decode \"\": {why}");
        let Some(gvk) = object["kind"]
            .as_str()
            .filter(|kind| !kind.is_empty())
            .map(|kind| GroupVersionKind::new(object["apiVersion"].as_str().unwrap_or_default(), kind))
        else {
            return Err(decoding(format!("Object 'Kind' is missing in '{object}'")));
        };
        if let Some(why) = wrong_metadata(&object["metadata"]) {
            return Err(decoding(why));
        }
        match self.ask(self.cluster.resource(&gvk)) {
            Ok(resource) => Ok(Built { object, resource }),
            Err(ClusterError::UnknownKind { .. }) => {
                let why = format!("no matches for kind {} in version {}", quote(&gvk.kind), quote(&gvk.api_version()));
                let (name, namespace) = (quote(object.name()), quote(object.namespace()));
                Err(if listed {
                    format!("unable to recognize {why}")
                } else {
                    format!(
                        "resource mapping not found for name: {name} namespace: {namespace} from \"\": {why}\n\
                         ensure CRDs are installed first"
                    )
                })
            }
            Err(error) => Err(format!("unable to recognize \"\": {}", self.text(&error))),
        }
    }

    /// That no object of that name is there which belongs to somebody else.
    fn check_free(&self, built: &Built, check: Check<'_>, adopts: bool) -> Result<(), String> {
        let (object, resource) = (&built.object, &built.resource);
        let generated = !object["metadata"]["generateName"].as_str().unwrap_or_default().is_empty();
        match (object.name().is_empty(), generated) {
            (true, true) => return Ok(()),
            (false, true) => {
                return Err("metadata.name and metadata.generateName cannot both be set".to_owned());
            }
            _ => {}
        }
        let namespace = match object.namespace() {
            _ if !resource.namespaced => "",
            "" => check.namespace,
            own => own,
        };
        let title = || format!("{} {} in namespace {}", resource.gvk.kind, quote(object.name()), quote(namespace));
        let unknown = |why: &str| format!("could not get information about the resource {}: {why}", title());
        if object.name().is_empty() {
            return Err(unknown("resource name may not be empty"));
        }
        let at =
            ObjectRef { gvk: resource.gvk.clone(), namespace: namespace.to_owned(), name: object.name().to_owned() };
        let found = self.ask(self.cluster.get(&at)).map_err(|error| unknown(&self.text(&error)))?;
        match found.filter(|_| !adopts).map(|found| foreign(&found, check)) {
            Some(faults) if !faults.is_empty() => {
                let faults = faults.join("; ");
                let what = "exists and cannot be imported into the current release: invalid ownership metadata";
                Err(format!("{} {what}; {faults}", title()))
            }
            _ => Ok(()),
        }
    }
}

/// What of an object says that it is not the release's.
fn foreign(found: &Value, check: Check<'_>) -> Vec<String> {
    let wanted = [
        ("label", found.label(MANAGED_BY.0), MANAGED_BY.0, MANAGED_BY.1),
        ("annotation", found.annotation(RELEASE_NAME), RELEASE_NAME, check.release),
        ("annotation", found.annotation(RELEASE_NAMESPACE), RELEASE_NAMESPACE, check.namespace),
    ];
    let fault = |(what, actual, key, wanted): (&str, Option<&str>, &str, &str)| {
        let (key, wanted) = (quote(key), quote(wanted));
        match actual {
            None => Some(format!("{what} validation error: missing key {key}: must be set to {wanted}")),
            Some(actual) if quote(actual) != wanted => {
                let actual = quote(actual);
                Some(format!("{what} validation error: key {key} must equal {wanted}: current value is {actual}"))
            }
            Some(_) => None,
        }
    };
    wanted.into_iter().filter_map(fault).collect()
}

/// What keeps an object from being looked at: it does not say what it is.
fn unnamed(object: &Value) -> Option<String> {
    let Some(fields) = object.as_object() else { return Some("invalid object to validate".to_owned()) };
    let mut faults = Vec::new();
    for field in ["apiVersion", "kind"] {
        match fields.get(field) {
            None | Some(Value::Null) => faults.push(format!("{field} not set")),
            Some(Value::String(text)) if field == "apiVersion" && text.matches('/').count() > 1 => {
                faults.push(format!("unexpected GroupVersion string: {text}"));
            }
            Some(Value::String(_)) => {}
            Some(_) => faults.push(format!("{field} isn't string type")),
        }
    }
    if faults.is_empty() { None } else { Some(aggregate(faults)) }
}

/// The first field of `metadata` whose type is not the one it has in every object.
fn wrong_metadata(metadata: &Value) -> Option<String> {
    let name = |value: &Value| match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        _ => "object",
    };
    let wrong = |field: &str, value: &Value, wanted: &str| {
        let found = name(value);
        Some(format!(
            "json: cannot unmarshal {found} into Go struct field ObjectMeta.metadata.{field} of type {wanted}"
        ))
    };
    // In the order of their names, as they stand in the JSON that is read.
    for field in ["annotations", "generateName", "labels", "name", "namespace", "resourceVersion", "uid"] {
        let value = &metadata[field];
        match (field, value) {
            (_, Value::Null) => {}
            ("annotations" | "labels", Value::Object(entries)) => {
                let mut keys: Vec<&String> = entries.keys().collect();
                keys.sort();
                let odd = keys.into_iter().map(|key| &entries[key]).find(|v| !v.is_string() && !v.is_null());
                if let Some(odd) = odd {
                    return wrong(field, odd, "string");
                }
            }
            ("annotations" | "labels", value) => return wrong(field, value, "map[string]string"),
            (_, Value::String(_)) => {}
            (_, value) => return wrong(field, value, "string"),
        }
    }
    None
}

/// Kubernetes' way to say several things at once, each once.
fn aggregate(errors: Vec<String>) -> String {
    let mut said: Vec<String> = Vec::new();
    for error in errors {
        if !said.contains(&error) {
            said.push(error);
        }
    }
    match said.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}
