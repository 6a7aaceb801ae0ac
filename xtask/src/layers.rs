//! The crate layers: `docs/architecture.md` says who may use whom, `cargo metadata` says who does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Checks the table against the workspace.
///
/// A crate may use the crates that its line names and what those may use; all of them stand above it in the table.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let page = root.join("docs/architecture.md");
    let text = std::fs::read_to_string(&page).map_err(|e| format!("read {}: {e}", page.display()))?;
    let table = read_table(&text)?;
    let used = dependencies(root)?;
    let mut faults = Vec::new();
    for (name, dependencies) in &used {
        let Some(line) = table.iter().position(|row| row.name == *name) else {
            faults.push(format!("crate {name} has no line in docs/architecture.md"));
            continue;
        };
        let allowed = allowed(&table, line);
        for dependency in dependencies.difference(&allowed) {
            faults
                .push(format!("crate {name} uses {dependency}, which its line in docs/architecture.md does not allow"));
        }
    }
    if faults.is_empty() {
        println!("layers: {} crates keep to docs/architecture.md", used.len());
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

struct Row {
    name: String,
    uses: Vec<String>,
}

fn read_table(page: &str) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[name, _purpose, uses] = cells.as_slice() else { continue };
        let name = name.trim_matches('`').to_owned();
        let uses = match uses {
            "–" => Vec::new(),
            "everything" => rows.iter().map(|row| row.name.clone()).collect(),
            list => list.split(',').map(|used| used.trim().to_owned()).collect(),
        };
        if let Some(unknown) = uses.iter().find(|used| !rows.iter().any(|row| row.name == **used)) {
            return Err(format!("docs/architecture.md: `{name}` uses `{unknown}`, which does not stand above it"));
        }
        rows.push(Row { name, uses });
    }
    if rows.is_empty() { Err("docs/architecture.md has no table of crates".to_owned()) } else { Ok(rows) }
}

fn allowed(table: &[Row], line: usize) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    let mut open: Vec<&str> = table[line].uses.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if allowed.insert(name.to_owned())
            && let Some(row) = table[..line].iter().find(|row| row.name == name)
        {
            open.extend(row.uses.iter().map(String::as_str));
        }
    }
    allowed
}

/// Crate → the workspace's crates among its dependencies, those for tests left out. Names without `bowline-`.
fn dependencies(root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("run cargo metadata: {e}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|e| format!("read cargo metadata: {e}"))?;
    let folder = |name: &str| name.strip_prefix("bowline-").unwrap_or(name).to_owned();
    let crates_folder = root.join("crates");
    let mut used = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if !package["manifest_path"].as_str().is_some_and(|path| Path::new(path).starts_with(&crates_folder)) {
            continue;
        }
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let ours = dependencies
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|name| name.starts_with("bowline-"))
            .map(folder)
            .collect();
        used.insert(folder(package["name"].as_str().unwrap_or_default()), ours);
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "| crate | purpose | uses |\n|---|---|---|\n| `a` | x | – |\n| `b` | x | a |\n| `c` | x | b |\n| `d` | x | everything |\n";

    #[test]
    fn a_line_allows_what_its_names_may_use() {
        let table = read_table(PAGE).unwrap();
        assert_eq!(allowed(&table, 2), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(allowed(&table, 3).len(), 3);
    }

    #[test]
    fn a_crate_below_cannot_be_used() {
        assert!(read_table("| `a` | x | b |\n| `b` | x | – |\n").is_err());
    }
}
