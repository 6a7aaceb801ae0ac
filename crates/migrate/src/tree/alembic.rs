//! Alembic's revisions: a graph, written down in Python assignments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Migration;

/// Whether a text is a revision's.
pub(super) fn is_revision(text: &str) -> bool {
    assigned(text, "revision").is_some() && assigned(text, "down_revision").is_some()
}

/// The revisions, every one after those that it comes after.
pub(super) fn migrations(texts: &BTreeMap<PathBuf, String>) -> Vec<Migration> {
    let mut open: Vec<Migration> = texts.iter().filter_map(|(path, text)| migration(path, text)).collect();
    let known: BTreeSet<String> = open.iter().map(|m| m.version.clone()).collect();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut sorted = Vec::new();
    while !open.is_empty() {
        let is_due = |m: &Migration| m.after.iter().all(|before| done.contains(before) || !known.contains(before));
        // Revisions that come after each other in a circle are no graph that Alembic takes; they keep their order here.
        let next = open.iter().position(is_due).unwrap_or(0);
        let migration = open.remove(next);
        done.insert(migration.version.clone());
        sorted.push(migration);
    }
    sorted
}

fn migration(path: &std::path::Path, text: &str) -> Option<Migration> {
    let version = strings(&assigned(text, "revision")?).into_iter().next()?;
    let mut after = strings(&assigned(text, "down_revision")?);
    after.extend(assigned(text, "depends_on").map(|value| strings(&value)).unwrap_or_default());
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name = stem.strip_prefix(&version).map_or(stem.as_str(), |rest| rest.trim_start_matches('_')).to_owned();
    Some(Migration { version, name, path: path.to_owned(), up: None, down: None, after, replaces: Vec::new() })
}

/// What a name is assigned at the beginning of a line, with or without a type: `revision: str = "a1"`. A value in
/// parentheses may go over lines.
fn assigned(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        let rest = rest.trim_start();
        let value = match rest.strip_prefix(':') {
            Some(typed) => typed.split_once('=').map(|(_, value)| value),
            None => rest.strip_prefix('=').filter(|value| !value.starts_with('=')),
        };
        let Some(value) = value else { continue };
        let mut value = value.to_owned();
        while value.contains('(') && !value.contains(')') {
            value.push_str(lines.next()?);
        }
        return Some(value);
    }
    None
}

/// The quoted strings of a value.
pub(super) fn strings(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find(['\'', '"', '#']) {
        let Some(quote) = rest.get(start..).and_then(|text| text.chars().next()).filter(|c| *c != '#') else { break };
        let Some((string, after)) = rest.get(start + 1..).and_then(|text| text.split_once(quote)) else { break };
        found.push(string.to_owned());
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_come_in_the_order_of_their_graph() {
        let files = [
            ("v/a_merge.py", "revision = 'm'\ndown_revision = (\n  'b1',\n  \"b2\")\n"),
            ("v/b2_y.py", "revision: str = \"b2\"\ndown_revision: Union[str, None] = 'r'  # 'x'\n"),
            ("v/b1_x.py", "revision = 'b1'\ndown_revision = 'r'\ndepends_on = None\n"),
            ("v/r_root.py", "revision = 'r'\ndown_revision = None\n"),
            ("v/env.py", "from alembic import context\n"),
        ];
        let texts = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
        let found = migrations(&texts);
        assert_eq!(found.iter().map(|m| m.version.as_str()).collect::<Vec<_>>(), ["r", "b1", "b2", "m"]);
        assert_eq!(found[3].after, ["b1", "b2"]);
        assert_eq!(found[1].name, "x");
    }

    #[test]
    fn a_circle_ends() {
        let files = [("a.py", "revision='a'\ndown_revision='b'\n"), ("b.py", "revision='b'\ndown_revision='a'\n")];
        let texts = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
        assert_eq!(migrations(&texts).len(), 2);
    }
}
