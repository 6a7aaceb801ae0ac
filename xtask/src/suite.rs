//! Every test with its set-up, part by part, and one table of times at the end.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A part of the test suite: its name in the table, the program, its arguments.
struct Part {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
}

const PARTS: &[Part] = &[
    Part { name: "set-up", program: "scripts/setup", arguments: &["test"] },
    Part { name: "peers", program: "peers/build", arguments: &[] },
    Part { name: "format", program: "cargo", arguments: &["fmt", "--all", "--check"] },
    Part { name: "build", program: "cargo", arguments: &["build", "--workspace", "--all-targets", "--locked"] },
    Part { name: "layers", program: "cargo", arguments: &["run", "--quiet", "-p", "xtask", "--", "layers"] },
    Part {
        name: "lints",
        program: "cargo",
        arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    },
    Part { name: "tests", program: "cargo", arguments: &["test", "--workspace", "--locked", "--no-fail-fast"] },
    Part { name: "browser", program: "scripts/browser-test", arguments: &[] },
    Part { name: "documentation", program: "cargo", arguments: &["doc", "--workspace", "--no-deps", "--locked"] },
];

/// Runs the parts whose name contains one of `only`, or all. A failed part does not keep the later ones from running.
pub(crate) fn run(root: &Path, only: &[String]) -> Result<(), String> {
    let skipped_file = root.join("target/skipped-tests");
    let differences_file = root.join("target/tolerated-differences");
    for file in [&skipped_file, &differences_file] {
        let _ = std::fs::remove_file(file);
    }
    let mut rows = Vec::new();
    for part in PARTS.iter().filter(|part| only.is_empty() || only.iter().any(|o| part.name.contains(o.as_str()))) {
        println!("── {} ──", part.name);
        let start = Instant::now();
        // A path with a slash is a script of ours: it is run from the root, wherever cargo was called.
        let program = if part.program.contains('/') { root.join(part.program) } else { part.program.into() };
        let passed = Command::new(&program)
            .args(part.arguments)
            .current_dir(root)
            .env("BOWLINE_SKIPPED", &skipped_file)
            .env("BOWLINE_DIFFERENCES", &differences_file)
            .env("RUSTDOCFLAGS", "-D warnings")
            .status()
            .map_err(|e| format!("run {}: {e}", program.display()))?
            .success();
        rows.push((part.name, start.elapsed(), passed));
    }
    print_table(&rows);
    let skipped = std::fs::read_to_string(&skipped_file).unwrap_or_default();
    println!("{} skipped", skipped.lines().count());
    skipped.lines().for_each(|line| println!("  {line}"));
    let differences = std::fs::read_to_string(&differences_file).unwrap_or_default();
    if !differences.is_empty() {
        println!(
            "fresh cases of the fuzzers that differ from the real programs, few enough to be tolerated:\n{differences}"
        );
    }
    let failed: Vec<&str> = rows.iter().filter(|row| !row.2).map(|row| row.0).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn print_table(rows: &[(&str, Duration, bool)]) {
    println!("\n{:<16} {:>8}  result", "part", "seconds");
    for (name, time, passed) in rows {
        println!("{name:<16} {:>8.1}  {}", time.as_secs_f64(), if *passed { "ok" } else { "FAILED" });
    }
    println!("{:<16} {:>8.1}", "total", rows.iter().map(|row| row.1.as_secs_f64()).sum::<f64>());
}
