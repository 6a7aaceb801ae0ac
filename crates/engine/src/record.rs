//! A release record out of a request, as helm 4 would write it.

use std::fmt::Write;

use bowline_clock::Timestamp;
use bowline_cluster::Metadata;
use bowline_manifest::{DeletePolicy, Manifest, ManifestSet};
use bowline_release::{ApplyMethod, HookRecord, Info, Release};

use crate::DeployRequest;

/// The revision that a request makes; status and description are set as it proceeds.
pub(crate) fn of_request(request: &DeployRequest, revision: u32, now: Timestamp) -> Release {
    Release {
        name: request.release.clone(),
        namespace: request.namespace.clone(),
        version: revision,
        info: Info {
            first_deployed: Some(now),
            last_deployed: Some(now),
            notes: request.manifests.notes.clone(),
            ..Info::default()
        },
        chart: request.chart.clone(),
        config: request.config.clone(),
        manifest: manifest_text(&request.manifests),
        hooks: request.manifests.hooks.iter().map(hook).collect(),
        labels: request.labels.clone(),
        apply_method: Some(ApplyMethod::ServerSide),
        ..Release::default()
    }
}

/// All ordinary documents, each under its template's name.
fn manifest_text(set: &ManifestSet) -> String {
    set.manifests.iter().fold(String::new(), |mut text, manifest| {
        // Writing to a String cannot fail.
        let _ = write!(text, "---\n# Source: {}\n{}\n", manifest.source.template, manifest.text);
        text
    })
}

fn hook(manifest: &Manifest) -> HookRecord {
    let facts = manifest.hook.clone().unwrap_or_else(|| bowline_manifest::Hook {
        events: Vec::new(),
        weight: 0,
        delete_policies: Vec::new(),
    });
    let log_policies = manifest.object.annotation("helm.sh/hook-output-log-policy").unwrap_or_default();
    HookRecord {
        name: manifest.object.name().to_owned(),
        kind: manifest.object.kind().to_owned(),
        path: manifest.source.template.clone(),
        manifest: manifest.text.to_string(),
        events: facts.events.iter().map(|event| event.as_str().to_owned()).collect(),
        weight: facts.weight,
        delete_policies: facts.delete_policies.iter().map(|policy| policy_word(*policy).to_owned()).collect(),
        output_log_policies: log_policies
            .split(',')
            .map(str::trim)
            .filter(|word| matches!(*word, "hook-succeeded" | "hook-failed"))
            .map(str::to_owned)
            .collect(),
        ..HookRecord::default()
    }
}

/// The annotation's word.
pub(crate) fn policy_word(policy: DeletePolicy) -> &'static str {
    match policy {
        DeletePolicy::BeforeHookCreation => "before-hook-creation",
        DeletePolicy::HookSucceeded => "hook-succeeded",
        DeletePolicy::HookFailed => "hook-failed",
    }
}
