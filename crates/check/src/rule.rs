//! What a rule is, and running them.

use bowline_graph::{Graph, Node};

use crate::rules::RULES;
use crate::{Finding, Related, Severity};

/// A rule: what it is called, why it exists, and how it looks.
///
/// To add one, write a file in `rules/` with a `RULE`, name it in `rules/mod.rs`, and explain it in `docs/checks.md`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name: lower-case words joined by dashes.
    pub id: &'static str,
    /// A few words, as a heading.
    pub title: &'static str,
    /// Where the rule comes from: source code, documentation, or reports of people it happened to.
    pub sources: &'static [&'static str],
    /// Looks, and adds what it finds.
    pub(crate) look: fn(&Graph, &mut Vec<Found>),
}

/// A finding as a rule reports it; the rest is filled in from the rule.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) severity: Severity,
    pub(crate) finding: Partial,
}

/// What a rule says about one place.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) object: bowline_manifest::ObjectKey,
    pub(crate) location: bowline_manifest::Location,
    pub(crate) message: String,
    pub(crate) related: Vec<Related>,
    pub(crate) hint: String,
}

impl Found {
    /// About the place at `pointer` of `node`.
    pub(crate) fn at(node: &Node, pointer: &str, severity: Severity, message: String, hint: String) -> Self {
        let (object, location) = (node.key.clone(), node.manifest.locate(pointer));
        Self { severity, finding: Partial { object, location, message, related: Vec::new(), hint } }
    }

    /// Adds a place, once.
    pub(crate) fn with(mut self, node: &Node, pointer: &str, message: impl Into<String>) -> Self {
        let related = Related { message: message.into(), location: node.manifest.locate(pointer) };
        if !self.finding.related.contains(&related) {
            self.finding.related.push(related);
        }
        self
    }
}

/// All rules, by name.
pub fn rules() -> &'static [Rule] {
    RULES
}

/// What all rules find on a graph: worst first, then by place.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let mut found = Vec::new();
        (rule.look)(graph, &mut found);
        for Found { severity, finding } in found {
            let Partial { object, location, message, related, hint } = finding;
            findings.push(Finding {
                rule: rule.id,
                severity,
                title: rule.title,
                object,
                message,
                location,
                related,
                hint,
                docs: format!("docs/checks.md#{}", rule.id),
            });
        }
    }
    let order = |f: &Finding| (f.severity, f.location.clone(), f.rule, f.message.clone());
    findings.sort_by_key(order);
    findings
}
