//! The table of coverage in `docs/helm.md`: every command and flag of the real helm's help, and whether the drop-in
//! carries it out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use support::{Bench, IS_HELM3};

const MARK: &str = if IS_HELM3 {
    "<!-- coverage: BOWLINE_WRITE_COVERAGE=1 cargo test -p bowline-helm --test helm3 coverage -->\n"
} else {
    "<!-- coverage: BOWLINE_WRITE_COVERAGE=1 cargo test -p bowline-helm --test coverage -->\n"
};

/// The names that a list of the help gives: commands, or flags with their dashes.
fn names(help: &str, heading: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once(&format!("\n{heading}:\n")) else { return Vec::new() };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let words =
        lines.filter_map(|line| line.split_whitespace().find(|word| !word.starts_with('-') || word.starts_with("--")));
    words.map(str::to_owned).collect()
}

#[test]
fn the_page_tells_what_is_covered() {
    let Some(bench) = Bench::new() else { return };
    let mut rows = String::from("| command | carried out | flags | not carried out |\n|---|---|---|---|\n");
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = bench.helm(&words).stdout;
        let inner = names(&help, "Available Commands");
        for name in inner.iter().rev() {
            open.push(path.iter().cloned().chain([name.clone()]).collect());
        }
        if path.is_empty() || !inner.is_empty() && path[0] != "get" && path[0] != "plugin" {
            continue;
        }
        // What is not carried out says so before anything else, whatever the arguments are.
        let says_no = |arguments: &[&str]| bench.ours(arguments).stderr.contains("not carried out by Bowline");
        let tried: Vec<&str> = path.iter().map(String::as_str).chain(["a", "b", "c"]).collect();
        let known = (0..=3).any(|count| says_no(&tried[..path.len() + count]));
        let flags: Vec<String> = names(&help, "Flags").into_iter().filter(|name| name != "--help").collect();
        let missing: Vec<&str> = flags
            .iter()
            .map(String::as_str)
            .filter(|flag| {
                let with = |value: &str| {
                    let mut arguments: Vec<String> = path.clone();
                    arguments.extend(["a".to_owned(), format!("{flag}{value}")]);
                    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                    says_no(&arguments)
                };
                !known && (with("") || with("=1"))
            })
            .collect();
        let name = path.join(" ");
        let carried_out = if known { "no" } else { "yes" };
        let missing = missing.iter().map(|flag| format!("`{flag}`")).collect::<Vec<_>>().join(", ");
        let count = if known { "–".to_owned() } else { format!("{}", flags.len()) };
        rows.push_str(&format!("| `{name}` | {carried_out} | {count} | {missing} |\n"));
    }
    assert!(rows.lines().count() > 40, "{rows}");
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/helm.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, after) = text.split_once(MARK).unwrap();
    let rest = after.split_once("\n\n").map_or("", |(_, rest)| rest);
    let wanted = format!("{before}{MARK}{rows}\n{rest}");
    if std::env::var_os("BOWLINE_WRITE_COVERAGE").is_some() {
        std::fs::write(&page, wanted).unwrap();
        return;
    }
    assert!(
        text == wanted,
        "docs/helm.md is out of date: BOWLINE_WRITE_COVERAGE=1 cargo test -p bowline-helm --test coverage"
    );
}
