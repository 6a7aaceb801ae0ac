//! Test support: a real PostgreSQL of its own, the programs as processes, and plain HTTP.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod browser;

pub use bowline_peers::postgres::Postgres;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline_migrate::{Options, Runner, Target, UpTo};
use serde_json::Value;

/// Runs the application's migrations, as the Job of its chart does.
pub fn migrate(url: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let random = bowline_clock::Random::from_entropy();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let target = Target::from_url(url).unwrap();
    let runner = Runner::new(target, folder, Options::default(), &|_| None, random, Arc::new(|_| {}));
    let outcome = runtime.block_on(runner.up(UpTo::Last)).unwrap();
    assert_eq!(outcome.version, 3);
}

/// One of the programs, running; killed when dropped.
pub struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Program {
    /// Starts it with JSON logs and a free port.
    pub fn start(path: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(path);
        command.args(arguments).env_clear().envs([("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")]);
        command.envs([("HOST", "127.0.0.1"), ("PORT", "0")]).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (sink, output) = (Arc::clone(&lines), BufReader::new(child.stdout.take().unwrap()));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let parsed = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                sink.lock().unwrap().push(parsed);
            }
        });
        Self { child, lines }
    }

    /// `host:port`, as soon as it is listening.
    pub fn address(&self) -> String {
        let mut found = None;
        eventually("it listens", || {
            found = self.log("listening").first().and_then(|line| line["address"].as_str().map(str::to_owned));
            found.is_some()
        });
        found.unwrap()
    }

    /// The log lines with this message.
    pub fn log(&self, message: &str) -> Vec<Value> {
        self.lines.lock().unwrap().iter().filter(|line| line["message"] == message).cloned().collect()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Looks again and again, for at most 20 seconds. Other processes do not follow a paused clock.
#[allow(clippy::disallowed_methods)]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited in vain until {what}");
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// One request on a connection of its own.
pub fn ask(address: &str, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Reply> {
    let text = body.map(ToString::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(format!("{head}{text}").as_bytes())?;
    let mut answer = Vec::new();
    // not every server closes the connection when it is asked to
    while !is_whole(&answer) {
        let mut part = [0; 16 * 1024];
        match stream.read(&mut part)? {
            0 => break,
            read => answer.extend_from_slice(&part[..read]),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunk(body) } else { body.to_owned() };
    Ok(Reply { status, head: head.to_lowercase(), body })
}

/// Whether an answer has all that its length announces; one without a length ends with the connection.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&tail[..size]);
        rest = tail.get(size + 2..).unwrap_or_default();
    }
    body
}
