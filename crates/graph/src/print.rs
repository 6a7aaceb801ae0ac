//! The graph for people: as text by phase, and as DOT for Graphviz.

use std::fmt::Write;

use crate::{Graph, Journey, Node, NodeId, Phase, Reference};

impl Graph {
    /// One line per object by phase of `journey`, its needs below it.
    pub fn to_text(&self, journey: Journey) -> String {
        let mut rows: Vec<(Phase, NodeId)> =
            self.nodes().iter().flat_map(|n| self.phases(n.id, journey).into_iter().map(|p| (p, n.id))).collect();
        rows.sort();
        let mut text = String::new();
        let mut current = None;
        for (phase, id) in rows {
            let Some(node) = self.node(id) else { continue };
            let title = phase.title(journey);
            if current.as_ref() != Some(&title) {
                _ = writeln!(text, "{title}");
                current = Some(title);
            }
            _ = writeln!(text, "  {}", node.key);
            for reference in self.references_from(id).filter(|r| !r.built_in) {
                _ = writeln!(
                    text,
                    "    {} {}{}",
                    reference.relation,
                    reference.wanted,
                    self.remark(reference, phase, journey)
                );
            }
        }
        text
    }

    /// What deserves saying about a reference.
    fn remark(&self, reference: &Reference, phase: Phase, journey: Journey) -> String {
        if reference.is_missing() {
            let optional = if reference.optional { ", optional" } else { "" };
            return format!(" (not in the chart{optional})");
        }
        let first = reference.targets.iter().filter_map(|&id| self.phases(id, journey).first().copied()).min();
        match first {
            Some(first) if first > phase => format!(" (later: {})", first.title(journey)),
            _ => String::new(),
        }
    }

    /// For `dot -Tsvg`: boxes by phase, arrows from who needs to what is needed; dashed where the chart lacks it.
    pub fn to_dot(&self, journey: Journey) -> String {
        let mut text = String::from("digraph release {\n  rankdir=LR;\n  node [shape=box];\n");
        let label = |node: &Node| format!("{}/{}", node.key.kind, node.key.name).replace('"', "'");
        for node in self.nodes() {
            let phase = self.phases(node.id, journey).first().map_or_else(|| "-".to_owned(), |p| p.title(journey));
            _ = writeln!(text, "  n{} [label=\"{}\\n{phase}\"];", node.id.0, label(node));
        }
        for (index, reference) in self.references().iter().filter(|r| !r.built_in).enumerate() {
            let from = reference.from.0;
            for target in &reference.targets {
                _ = writeln!(text, "  n{from} -> n{} [label=\"{}\"];", target.0, reference.relation);
            }
            if reference.targets.is_empty() {
                let wanted = reference.wanted.to_string().replace('"', "'");
                _ = writeln!(text, "  m{index} [label=\"{wanted}\", style=dashed];");
                _ = writeln!(text, "  n{from} -> m{index} [label=\"{}\", style=dashed];", reference.relation);
            }
        }
        text.push_str("}\n");
        text
    }
}

impl Phase {
    /// As people are told: `pre-install hook, weight -5`, `install`.
    pub fn title(self, journey: Journey) -> String {
        let (pre, post) = journey.events();
        match self {
            Self::Crds => "crds".to_owned(),
            Self::Pre { weight, .. } => format!("{pre} hook, weight {weight}"),
            Self::Main => journey.to_string(),
            Self::Post { weight, .. } => format!("{post} hook, weight {weight}"),
        }
    }
}
