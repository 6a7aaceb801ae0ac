//! `bowline migrate` beside goose, on one PostgreSQL that waits for the disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bowline_peers::postgres::Postgres;

use super::{Bench, Row, median, milliseconds, time};

/// How many files.
const FILES: usize = 1000;
/// How many start at once.
const RACERS: usize = 20;
/// The longest pause between two looks at the lock (`bowline_migrate::POLL`).
const POLL: Duration = Duration::from_millis(250);

/// The rows about migrations; none, with the reason on stderr, where there is no PostgreSQL.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let Some(postgres) = Postgres::start_durable() else { return Ok(Vec::new()) };
    let folder = bench.home.join("migrations");
    write(&folder)?;
    let goose = bowline_peers::find("goose");
    let mut measure = Measure { bench, postgres, folder, databases: 0 };
    let (mut ours, mut theirs, mut raced) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = (String::new(), String::new());
    for _ in 0..3 {
        last.0 = measure.database();
        ours.push(measure.ended(measure.bowline(&last.0, "up"))?);
        if let Some(goose) = &goose {
            last.1 = measure.database();
            theirs.push(measure.ended(measure.goose(goose, &last.1, "up"))?);
        }
        raced.push(measure.race()?);
    }
    let (mut our_status, mut their_status, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..11 {
        our_status.push(measure.ended(measure.bowline(&last.0, "status"))?);
        versions.push(measure.ended(measure.bowline(&last.0, "version"))?);
        if let Some(goose) = &goose {
            their_status.push(measure.ended(measure.goose(goose, &last.1, "status"))?);
        }
    }
    let alone = median(&mut ours);
    let raced = median(&mut raced);
    let limit = alone.mul_f64(1.3) + POLL;
    let version = median(&mut versions);
    Ok(vec![
        beside("1,000 small migrations on PostgreSQL", 1.5, alone, &mut theirs),
        beside("migrate status on 1,000 files", 5.0, median(&mut our_status), &mut their_status),
        Row {
            measure: "process start to the database's version, and out".to_owned(),
            wanted: "< 15 ms".to_owned(),
            bowline: milliseconds(version),
            peer: String::new(),
            met: version < Duration::from_millis(15),
        },
        Row {
            measure: "1,000 migrations, 20 processes at once".to_owned(),
            wanted: format!("< {} (1.3 × alone + a poll)", milliseconds(limit)),
            bowline: milliseconds(raced),
            peer: String::new(),
            met: raced < limit,
        },
    ])
}

fn beside(measure: &'static str, factor: f64, ours: Duration, theirs: &mut [Duration]) -> Row {
    let theirs = (!theirs.is_empty()).then(|| median(theirs));
    let reached = theirs.map(|theirs| theirs.as_secs_f64() / ours.as_secs_f64());
    Row {
        measure: measure.to_owned(),
        wanted: format!("≥ {factor} × goose"),
        bowline: milliseconds(ours),
        peer: theirs
            .zip(reached)
            .map_or_else(String::new, |(theirs, reached)| format!("goose {} ({reached:.1} ×)", milliseconds(theirs))),
        met: reached.is_some_and(|reached| reached >= factor),
    }
}

fn write(folder: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("write migrations: {e}");
    std::fs::create_dir_all(folder).map_err(failed)?;
    for version in 1..=FILES {
        let text = format!(
            "-- +goose Up\nCREATE TABLE t{version} (id bigint PRIMARY KEY, name text);\nINSERT INTO t{version} VALUES (1, 'a');\n\
             -- +goose Down\nDROP TABLE t{version};\n"
        );
        std::fs::write(folder.join(format!("{version:05}_t.sql")), text).map_err(failed)?;
    }
    Ok(())
}

struct Measure<'a> {
    bench: &'a Bench,
    postgres: Postgres,
    folder: PathBuf,
    databases: usize,
}

impl Measure<'_> {
    /// An empty database.
    fn database(&mut self) -> String {
        self.databases += 1;
        self.postgres.database(&format!("bench{}", self.databases))
    }

    fn bowline(&self, url: &str, verb: &str) -> Command {
        let mut command = self.bench.command(&["migrate", verb, "--env", "none", "--database", url, "--dir"]);
        command.arg(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn goose(&self, goose: &Path, url: &str, verb: &str) -> Command {
        let mut command = Command::new(goose);
        command.args(["-env", "none", "-dir"]).arg(&self.folder).args(["postgres", url, verb]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn ended(&self, command: Command) -> Result<Duration, String> {
        let text = format!("{command:?}");
        match time(command)? {
            (took, 0) => Ok(took),
            (_, code) => Err(format!("{text} ended with {code}")),
        }
    }

    /// From the first start to the last end.
    fn race(&mut self) -> Result<Duration, String> {
        let url = self.database();
        let start = Instant::now();
        let started: Result<Vec<_>, String> =
            (0..RACERS).map(|_| self.bowline(&url, "up").spawn().map_err(|e| format!("start bowline: {e}"))).collect();
        for mut child in started? {
            let status = child.wait().map_err(|e| format!("wait for bowline: {e}"))?;
            if !status.success() {
                return Err(format!("one of {RACERS} processes at once ended with {status}"));
            }
        }
        Ok(start.elapsed())
    }
}
