//! `--output json|yaml|name`: every object with where it comes from.

use bowline_manifest::{GroupVersionKind, Manifest, ManifestSet, json_to_value};
use serde_json::{Value, json};

use crate::args::TemplateOutput;
use crate::printer::Printer;

/// Prints the objects of a set: CRDs, ordinary objects, hooks.
pub(super) fn print(set: &ManifestSet, output: TemplateOutput, printer: Printer) {
    let all = || set.crds.iter().chain(&set.manifests).chain(&set.hooks).filter(|manifest| !manifest.object.is_null());
    match output {
        TemplateOutput::Name => {
            let names: String = all().filter_map(name).map(|name| name + "\n").collect();
            printer.data(&names);
        }
        TemplateOutput::Json => printer.json(&all().map(entry).collect::<Vec<_>>()),
        TemplateOutput::Yaml => {
            let entries = Value::Array(all().map(entry).collect());
            // A value of JSON always has a text.
            printer.data(&bowline_yaml::emit(&json_to_value(&entries)).unwrap_or_default());
        }
        TemplateOutput::Text => {}
    }
}

/// `deployment.apps/web`, as kubectl names objects.
fn name(manifest: &Manifest) -> Option<String> {
    let GroupVersionKind { group, kind, .. } = GroupVersionKind::of(&manifest.object)?;
    let kind = kind.to_lowercase();
    let name = manifest.object["metadata"]["name"].as_str()?;
    Some(if group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{group}/{name}") })
}

fn entry(manifest: &Manifest) -> Value {
    let object = &manifest.object;
    let metadata = &object["metadata"];
    let hook = manifest.hook.as_ref().map(|hook| {
        let events: Vec<&str> = hook.events.iter().map(|event| event.as_str()).collect();
        json!({"events": events, "weight": hook.weight})
    });
    json!({
        "apiVersion": object["apiVersion"],
        "kind": object["kind"],
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "hook": hook,
        "source": {
            "chart": manifest.source.chart,
            "template": manifest.source.template,
            "line": manifest.locate("/kind").line,
        },
        "object": object,
    })
}
