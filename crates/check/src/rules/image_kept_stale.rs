//! A tag that moves, with a pull policy that never looks again.

use bowline_graph::{Graph, containers};
use serde_json::Value;

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "image-kept-stale",
    title: "Moving tag that is never pulled again",
    sources: &["https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy"],
    look,
};

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for node in graph.nodes() {
        for container in containers(&node.manifest.object, &node.key.group, &node.key.kind) {
            let text = |key: &str| container.value.get(key).and_then(Value::as_str);
            let (Some(image), Some(policy)) = (text("image"), text("imagePullPolicy")) else { continue };
            if policy == "Always" || !is_moving(image) {
                continue;
            }
            let message = format!(
                "{}, container {}: image {image} with imagePullPolicy {policy}: a node that has any image of that tag keeps it, \
                 however often it is built anew",
                node.key, container.name
            );
            let hint = "tag images with their version (the chart's appVersion), or pull Always".to_owned();
            found.push(Found::at(node, &format!("{}/image", container.pointer), Severity::Warning, message, hint));
        }
    }
}

/// Whether an image has no digest and no tag but `latest`.
fn is_moving(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_moving_tags() {
        assert!(is_moving("app") && is_moving("app:latest") && is_moving("registry:5000/team/app"));
        assert!(!is_moving("app:1.2") && !is_moving("app@sha256:0") && !is_moving("app:latest@sha256:0"));
    }
}
