//! Helm's own packages, asked over a pipe: one JSON request a line, one JSON answer a line, thousands a second.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::find;

/// The program `oracle` of `peers/oracle`, which answers by Helm's packages. It ends with this value.
#[derive(Debug)]
pub struct Oracle {
    program: PathBuf,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What the oracle said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Go's error, where there was one; bytes that are no UTF-8 are replaced.
    pub error: Option<String>,
    /// The one thing that came out. With some requests also beside an error.
    pub out: Vec<u8>,
    /// Several things by name: files, or functions.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What became of one text in several ways.
    pub parts: BTreeMap<String, Result<Vec<u8>, String>>,
}

/// A text or bytes as requests hold them.
pub fn bytes(data: impl AsRef<[u8]>) -> Value {
    Value::String(STANDARD.encode(data))
}

/// Files as requests hold them.
pub fn files<'a, D: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'a str, D)>) -> Value {
    files.into_iter().map(|(name, data)| json!({"Name": name, "Data": bytes(data)})).collect()
}

impl Oracle {
    /// The oracle, or `None` after the skip of the calling test was reported.
    ///
    /// # Panics
    /// Where the program is absent and `BOWLINE_REQUIRE_PEERS` is `1`.
    pub fn find() -> Option<Self> {
        Some(Self { program: find("oracle")?, running: Mutex::new(None) })
    }

    /// The same with the packages of Helm 3: what it reads, renders and prints, not what both Helms share.
    ///
    /// # Panics
    /// As [`Oracle::find`].
    pub fn find_helm3() -> Option<Self> {
        Some(Self { program: find("oracle3")?, running: Mutex::new(None) })
    }

    /// The answer to a request (`peers/oracle/main.go` says which there are). `None` where Go itself has none: its stack
    /// overflowed, its memory or time ran out.
    ///
    /// # Panics
    /// Where the program cannot be started, or the request is not one.
    #[allow(clippy::expect_used)]
    pub fn ask(&self, request: &Value) -> Option<Answer> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            *running = Some(Running::start(&self.program).expect("start the oracle"));
        }
        let line = running.as_mut().and_then(|running| running.ask(request).ok()).filter(|line| !line.is_empty());
        let Some(line) = line else {
            // It died of this request; another one answers the next.
            *running = None;
            return None;
        };
        let answer: Value = serde_json::from_str(&line).expect("an answer of the oracle");
        let answer = Answer::read(&answer);
        let unasked = answer.error.as_deref().and_then(|error| error.strip_prefix("oracle: "));
        match unasked {
            Some(gave_up) if gave_up.starts_with("gave up") => {
                // What it gave up goes on in it.
                *running = None;
                None
            }
            Some(error) => unreachable!("the oracle was asked what it does not answer: {error}"),
            None => Some(answer),
        }
    }
}

impl Running {
    fn start(program: &PathBuf) -> io::Result<Self> {
        let mut child = Command::new(program)
            .env_clear()
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(answers)) = (requests, answers) else {
            return Err(io::Error::other("the oracle has no pipes"));
        };
        Ok(Self { child, requests, answers: BufReader::new(answers) })
    }

    /// The line that answers; empty where the program ended.
    fn ask(&mut self, request: &Value) -> io::Result<String> {
        let mut line = request.to_string();
        line.push('\n');
        self.requests.write_all(line.as_bytes())?;
        self.requests.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    fn read(answer: &Value) -> Self {
        let named = |field: &str| answer[field].as_object().into_iter().flatten();
        Self {
            error: answer["Error"].as_str().map(str::to_owned),
            out: decode(&answer["Out"]),
            files: named("Files").map(|(name, data)| (name.clone(), decode(data))).collect(),
            parts: named("Parts").map(|(name, part)| (name.clone(), read_part(part))).collect(),
        }
    }

    /// What came out, or the error.
    ///
    /// # Errors
    /// Go's error.
    pub fn out(self) -> Result<Vec<u8>, String> {
        self.error.map_or(Ok(self.out), Err)
    }

    /// What came out by name, or the error.
    ///
    /// # Errors
    /// Go's error.
    pub fn files(self) -> Result<BTreeMap<String, Vec<u8>>, String> {
        self.error.map_or(Ok(self.files), Err)
    }
}

fn read_part(part: &Value) -> Result<Vec<u8>, String> {
    part["Error"].as_str().map_or_else(|| Ok(decode(&part["Out"])), |error| Err(error.to_owned()))
}

fn decode(data: &Value) -> Vec<u8> {
    data.as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default()
}
