//! A cluster-internal host name in a variable that ends up in browsers.

use bowline_graph::{Graph, Relation};
use serde_json::Value;

use crate::rule::Found;
use crate::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    id: "browser-address",
    title: "Cluster address given to browsers",
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/: cluster names resolve inside the cluster only",
        "https://nextjs.org/docs/pages/guides/environment-variables#bundling-environment-variables-for-the-browser",
        "https://vite.dev/guide/env-and-mode",
    ],
    look,
};

/// Prefixes of variables that bundlers write into the code for browsers.
const PREFIXES: &[&str] =
    &["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "PUBLIC_", "VUE_APP_", "GATSBY_", "EXPO_PUBLIC_"];

fn look(graph: &Graph, found: &mut Vec<Found>) {
    for reference in graph.references().iter().filter(|r| r.relation == Relation::Hostname) {
        let Some(node) = graph.node(reference.from) else { continue };
        let Some(name) = variable(&node.manifest.object, &reference.pointer) else { continue };
        if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let message = format!(
            "{name} of {} holds the cluster-internal address of {}, which no browser can resolve; \
             such variables are written into the page's code when it is built",
            node.key, reference.wanted
        );
        let hint =
            "let browsers ask the page's own address (a path such as /api) and forward it on the server".to_owned();
        found.push(Found::at(node, &reference.pointer, Severity::Warning, message, hint));
    }
}

/// The name of the variable at the pointer of a value: beside it in `env`, or the key itself in a ConfigMap.
fn variable(object: &Value, pointer: &str) -> Option<String> {
    let (parent, last) = pointer.rsplit_once('/')?;
    if last == "value" {
        return object.pointer(&format!("{parent}/name"))?.as_str().map(str::to_owned);
    }
    Some(last.replace("~1", "/").replace("~0", "~"))
}
