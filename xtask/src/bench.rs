//! Figures, side by side with the real programs in one run, as one table.
//!
//! Every figure is the median of several runs of the release binary; a peer's run stands between two of ours, so that a
//! slow moment of the machine meets both. An absent peer leaves its column empty.

mod migrations;
mod templates;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) use templates::print_peak_memory;

/// What a row of the table says.
struct Row {
    measure: String,
    wanted: String,
    bowline: String,
    peer: String,
    met: bool,
}

/// Measures everything and prints the table. Fails where something could not be measured, never for a figure.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let bowline = root.join("target/release/bowline");
    if !bowline.exists() {
        return Err("target/release/bowline is missing: run `make bench`, which builds it".to_owned());
    }
    // Not below a private folder: PostgreSQL runs as another user when we are root.
    let home = tempfile::Builder::new()
        .prefix("bowline-bench-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .map_err(|e| format!("create a folder: {e}"))?;
    let bench = Bench { root: root.to_owned(), bowline, home: home.path().to_owned() };
    let mut rows = Vec::new();
    rows.extend(bench.control_plane()?);
    rows.push(bench.up()?);
    rows.push(bench.rehearsal()?);
    rows.extend(bench.templates()?);
    rows.extend(bench.library()?);
    rows.extend(migrations::rows(&bench)?);
    print_table(&rows);
    Ok(())
}

struct Bench {
    root: PathBuf,
    bowline: PathBuf,
    home: PathBuf,
}

impl Bench {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.bowline);
        command.args(arguments).current_dir(&self.root).env("BOWLINE_HOME", &self.home).env_remove("KUBECONFIG");
        command.stdin(Stdio::null());
        command
    }

    /// Runs to the end; wall time and exit code.
    fn time(&self, arguments: &[&str]) -> Result<(Duration, i32), String> {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        time(command)
    }

    /// Start of the process to `/readyz` ok, and its memory when idle; the real control plane beside it.
    fn control_plane(&self) -> Result<Vec<Row>, String> {
        let mut starts = Vec::new();
        let mut memory = 0;
        for round in 0..5 {
            let start = Instant::now();
            let child = self.command(&["cluster", "start"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let mut child = Reaped(child.map_err(|e| format!("start bowline cluster: {e}"))?);
            let kubeconfig = self.home.join("clusters/default/kubeconfig");
            wait_ready(&kubeconfig, Duration::from_secs(20))?;
            starts.push(start.elapsed());
            if round == 4 {
                sleep(Duration::from_secs(2));
                memory = resident_kilobytes(child.0.id());
            }
            child.end();
        }
        let peer = bowline_peers::kubernetes::ControlPlane::start().map(|cluster| {
            sleep(Duration::from_secs(2));
            let kilobytes: u64 = cluster.process_ids().into_iter().map(resident_kilobytes).sum();
            (cluster.ready_after(), kilobytes)
        });
        let start = median(&mut starts);
        Ok(vec![
            Row {
                measure: "process start to /readyz ok".to_owned(),
                wanted: "< 100 ms".to_owned(),
                bowline: milliseconds(start),
                peer: peer.map_or_else(String::new, |(time, _)| format!("kubernetes {}", milliseconds(time))),
                met: start < Duration::from_millis(100),
            },
            Row {
                measure: "idle memory of that process".to_owned(),
                wanted: "< 40 MB".to_owned(),
                bowline: megabytes(memory),
                peer: peer.map_or_else(String::new, |(_, kilobytes)| format!("kubernetes {}", megabytes(kilobytes))),
                met: memory < 40 * 1024,
            },
        ])
    }

    /// `bowline up` of the sample application with PostgreSQL already initialised.
    fn up(&self) -> Result<Row, String> {
        let mut times = Vec::new();
        for round in 0..4 {
            let (time, code) = self.time(&["up", "examples/todo-app", "--detach"])?;
            let down = self.time(&["down"])?;
            if code != 0 || down.1 != 0 {
                return Err(format!("bowline up ended with {code}, bowline down with {}", down.1));
            }
            // The first round initialises the database.
            if round > 0 {
                times.push(time);
            }
        }
        let time = median(&mut times);
        Ok(Row {
            measure: "warm `bowline up` of todo-app to all ready".to_owned(),
            wanted: "< 5 s".to_owned(),
            bowline: milliseconds(time),
            peer: String::new(),
            met: time < Duration::from_secs(5),
        })
    }

    fn rehearsal(&self) -> Result<Row, String> {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (time, code) = self.time(&["rehearse", "examples/todo-app-as-written"])?;
            if code != 3 {
                return Err(format!("bowline rehearse of the hanging install ended with {code}, not 3"));
            }
            times.push(time);
        }
        let time = median(&mut times);
        Ok(Row {
            measure: "rehearsal of the hanging install".to_owned(),
            wanted: "< 1 s".to_owned(),
            bowline: milliseconds(time),
            peer: String::new(),
            met: time < Duration::from_secs(1),
        })
    }
}

/// A child that does not outlive its measurement.
struct Reaped(Child);

impl Reaped {
    fn end(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn time(mut command: Command) -> Result<(Duration, i32), String> {
    let start = Instant::now();
    let status = command.status().map_err(|e| format!("run {command:?}: {e}"))?;
    Ok((start.elapsed(), status.code().unwrap_or(-1)))
}

/// Waits until the API that `kubeconfig` names answers `/readyz` with 200, asking every millisecond.
fn wait_ready(kubeconfig: &Path, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Ok(text) = std::fs::read_to_string(kubeconfig)
            && let Some(server) = text.lines().find_map(|line| line.trim().strip_prefix("server: https://"))
            && let Some(authority) = bowline_peers::https::authority_of(&text)
            && bowline_peers::https::get(server.trim(), &authority, "/readyz").is_ok_and(|status| status == 200)
        {
            return Ok(());
        }
        sleep(Duration::from_millis(1));
    }
    Err(format!("the API did not become ready within {limit:?}"))
}

fn resident_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn megabytes(kilobytes: u64) -> String {
    format!("{:.1} MB", kilobytes as f64 / 1024.0)
}

fn print_table(rows: &[Row]) {
    println!("| measure | wanted | bowline | beside it | |\n|---|---|---|---|---|");
    for row in rows {
        let met = if row.met { "met" } else { "NOT MET" };
        println!("| {} | {} | {} | {} | {met} |", row.measure, row.wanted, row.bowline, row.peer);
    }
}
