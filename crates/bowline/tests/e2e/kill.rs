//! kill -9 of the binary at any moment of `up`: no process is left, and the next `up` works.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::bowline::Home;

#[test]
fn kill_9_during_up_leaves_no_process_and_the_next_up_works() {
    let home = Home::new();
    // Early (PostgreSQL is being started), in the middle, and late (pods run).
    for milliseconds in [300, 1500, 4000] {
        let mut up = home.start(&["up", "examples/todo-app", "--port", "todo-frontend=0"]);
        std::thread::sleep(Duration::from_millis(milliseconds));
        let family = descendants(up.id());
        up.kill().unwrap();
        up.wait().unwrap();
        let left = wait_until_gone(&family);
        assert!(left.is_empty(), "left after kill -9 at {milliseconds} ms: {left:?}");
    }
    home.run(&["up", "examples/todo-app", "--detach", "--port", "todo-frontend=0"]).expect(0);
    home.run(&["down"]).expect(0);
}

#[test]
fn ctrl_c_takes_everything_down() {
    let home = Home::new();
    let mut up = home.start(&["up", "examples/todo-app", "--port", "todo-frontend=0"]);
    for _ in 0..600 {
        if home.run(&["cluster", "status"]).stdout.contains("ready") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let family = descendants(up.id());
    assert!(!family.is_empty(), "pods are processes of their own");
    nix_kill(up.id(), "INT");
    let status = up.wait().unwrap();
    assert_eq!(status.code(), Some(0), "ending it is how a running `up` ends");
    assert_eq!(wait_until_gone(&family), BTreeMap::new());
}

/// Process id → start time and name, of all that descend from `ancestor`.
pub(crate) fn descendants(ancestor: u32) -> BTreeMap<u32, (u64, String)> {
    let mut family = BTreeMap::new();
    let mut open = vec![ancestor];
    let all: Vec<(u32, u32, u64, String)> = processes();
    while let Some(parent) = open.pop() {
        for (process, _, started, name) in all.iter().filter(|(_, p, _, _)| *p == parent) {
            if family.insert(*process, (*started, name.clone())).is_none() {
                open.push(*process);
            }
        }
    }
    family
}

fn wait_until_gone(family: &BTreeMap<u32, (u64, String)>) -> BTreeMap<u32, (u64, String)> {
    let mut left = family.clone();
    for _ in 0..50 {
        let alive = processes();
        // Ids are given again: the start time tells whether it is still the same process.
        left.retain(|process, (started, _)| alive.iter().any(|(p, _, s, _)| p == process && s == started));
        if left.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    left
}

/// Process, parent, start time, name; without the dead that nobody has waited for.
fn processes() -> Vec<(u32, u32, u64, String)> {
    let read = |entry: fs::DirEntry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let name = head.split_once('(')?.1.to_owned();
        (fields.first()? != &"Z").then_some((
            process,
            fields.get(1)?.parse().ok()?,
            fields.get(19)?.parse().ok()?,
            name,
        ))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(read).collect()
}

fn nix_kill(process: u32, signal: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
    assert!(status.unwrap().success());
}
