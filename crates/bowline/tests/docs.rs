//! Runs every shell block of the README and of `docs/`, page by page, as a reader would: in the root of the checkout, one
//! after the other, each page on a cluster of its own.
//!
//! A block that starts with `sh` must succeed; `sh exit=3` must end with that code; anything else is not run. Blocks of
//! one page share their shell, so that a variable set in one is known in the next.
// Helpers of tests fail the test; real programs are waited for in real time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Block {
    line: usize,
    exit: i32,
    text: String,
}

#[test]
fn every_page_works_as_written() {
    let (Some(helm), Some(kubernetes)) = (bowline_peers::find("helm"), bowline_peers::find("kubernetes")) else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let tools = tempfile::tempdir().unwrap();
    let link = |name: &str, text: String| {
        let path = tools.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    link("bowline", format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_bowline")));
    link("helm", format!("#!/bin/sh\nexec '{}' \"$@\"\n", helm.display()));
    link("kubectl", format!("#!/bin/sh\nexec '{}' kubectl \"$@\"\n", kubernetes.display()));
    let mut pages: Vec<PathBuf> = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut ran = 0;
    for page in pages {
        let blocks = shell_blocks(&fs::read_to_string(&page).unwrap());
        if !blocks.is_empty() {
            run(&page, &blocks, &root, tools.path());
            ran += blocks.len();
        }
    }
    assert!(ran > 0, "no page has a shell block");
}

fn run(page: &Path, blocks: &[Block], root: &Path, tools: &Path) {
    // Servers refuse to run as root and another user must be able to enter: not below a private folder.
    let home = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let mut script = String::from("set -o pipefail\n");
    let name = page.file_name().unwrap().to_string_lossy();
    for block in blocks {
        // The trap names the block that ended the shell; a block with another exit code runs in a shell of its own.
        let Block { line, exit, text } = block;
        if *exit == 0 {
            let _ =
                write!(script, "trap 'echo \"{name}:{line}: block failed\" >&2' EXIT\nset -e\n{text}\ntrap - EXIT\n");
        } else {
            let _ = write!(
                script,
                "set +e\n(\n{text}\n)\ncode=$?\nset -e\n\
                 [ $code -eq {exit} ] || {{ echo \"{name}:{line}: exit code $code, not {exit}\" >&2; exit 1; }}\n"
            );
        }
    }
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .current_dir(root)
        .env("PATH", path)
        .env("BOWLINE_HOME", home.path())
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let _ = Command::new(tools.join("bowline")).arg("down").env("BOWLINE_HOME", home.path()).output();
    assert!(
        output.status.success(),
        "{name} does not work as written\n--- stdout\n{}\n--- stderr\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn shell_blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace();
                if words.next() == Some("sh") {
                    let exit =
                        words.find_map(|word| word.strip_prefix("exit=")).map_or(0, |code| code.parse().unwrap());
                    open = Some(Block { line: index + 1, exit, text: String::new() });
                }
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                let _ = writeln!(block.text, "{line}");
            }
            (None, None) => {}
        }
    }
    blocks
}
