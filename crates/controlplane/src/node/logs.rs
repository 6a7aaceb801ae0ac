//! What containers write: one log per attempt, kept in files (process pods) or in memory (rehearsal), followed by readers.
//!
//! Files have the form container runtimes use: `2026-01-31T12:00:00.000000001Z stdout F text`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_clock::{Clock, Timestamp};
use bytes::Bytes;
use futures::Stream;
use tokio::sync::watch;

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

/// Which lines of a log are wanted (`PodLogOptions`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Wait for further lines until the container ends.
    pub(crate) follow: bool,
    /// Only the last lines.
    pub(crate) tail: Option<usize>,
    /// Only lines written at or after this moment.
    pub(crate) since: Option<Timestamp>,
    /// Put the time before every line.
    pub(crate) timestamps: bool,
    /// End after this many bytes.
    pub(crate) limit_bytes: Option<usize>,
}

/// The log of one attempt of a container. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ContainerLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    lines: Mutex<Lines>,
    /// Length in lines or bytes, and whether the log is complete.
    state: watch::Sender<(u64, bool)>,
}

#[derive(Debug)]
enum Lines {
    Memory(Vec<Line>),
    /// Read through a handle of its own: the file may be unlinked while somebody still reads.
    File {
        reader: Arc<File>,
        file: Option<File>,
        length: u64,
    },
}

#[derive(Clone, Debug)]
struct Line {
    time: String,
    text: String,
}

impl ContainerLog {
    /// A log that lives in memory.
    pub(crate) fn in_memory(clock: Clock) -> Self {
        Self::new(clock, Lines::Memory(Vec::new()))
    }

    /// A log in a file, which is created or emptied.
    pub(crate) fn in_file(clock: Clock, path: &Path) -> std::io::Result<Self> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let file = File::create(path)?;
        let reader = Arc::new(File::open(path)?);
        Ok(Self::new(clock, Lines::File { reader, file: Some(file), length: 0 }))
    }

    fn new(clock: Clock, lines: Lines) -> Self {
        let (state, _) = watch::channel((0, false));
        Self { shared: Arc::new(Shared { clock, lines: Mutex::new(lines), state }) }
    }

    /// Adds a line (without its newline). A file that cannot be written (full disk) loses the line, never the container.
    pub(crate) fn append(&self, channel: Channel, text: &str) {
        let time = self.shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string();
        let mut lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let length = match &mut *lines {
            Lines::Memory(lines) => {
                lines.push(Line { time, text: text.to_owned() });
                lines.len() as u64
            }
            Lines::File { file, length, .. } => {
                let channel = if channel == Channel::Stdout { "stdout" } else { "stderr" };
                let line = format!("{time} {channel} F {text}\n");
                if let Some(file) = file
                    && file.write_all(line.as_bytes()).is_ok()
                {
                    *length += line.len() as u64;
                }
                *length
            }
        };
        drop(lines);
        self.shared.state.send_modify(|state| state.0 = length);
    }

    /// Marks the log as complete: followers end.
    pub(crate) fn close(&self) {
        if let Lines::File { file, .. } = &mut *self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner) {
            *file = None;
        }
        self.shared.state.send_modify(|state| state.1 = true);
    }

    /// The last lines, at most `count`, joined by newlines and cut to the last `bytes` bytes.
    pub(crate) fn last(&self, count: usize, bytes: usize) -> String {
        let (lines, _) = self.read_from(0);
        let from = lines.len().saturating_sub(count);
        let mut text = lines[from..].iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n");
        if text.len() > bytes {
            let cut = (text.len() - bytes..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.drain(..cut);
        }
        text
    }

    /// The selected lines, as the API sends them.
    pub(crate) fn stream(&self, selection: Selection) -> impl Stream<Item = Bytes> + Send + 'static {
        let changed = self.shared.state.subscribe();
        let reader = Reader { log: self.clone(), changed, at: 0, first: true, sent: 0, done: false, selection };
        futures::stream::unfold(reader, |mut reader| async move {
            let chunk = reader.next().await?;
            Some((chunk, reader))
        })
    }

    /// Lines from a position on, and the position after them.
    fn read_from(&self, at: u64) -> (Vec<Line>, u64) {
        let lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match &*lines {
            Lines::Memory(lines) => (lines.get(at as usize..).unwrap_or_default().to_vec(), lines.len() as u64),
            Lines::File { reader, length, .. } => {
                let (reader, length) = (reader.clone(), *length);
                drop(lines);
                let text = read_range(&reader, at, length).unwrap_or_default();
                (text.lines().filter_map(parse).collect(), length.max(at))
            }
        }
    }
}

fn read_range(file: &File, from: u64, to: u64) -> std::io::Result<String> {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).map_err(std::io::Error::other)?];
    file.read_exact_at(&mut bytes, from)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(line: &str) -> Option<Line> {
    let mut parts = line.splitn(4, ' ');
    let time = parts.next()?.to_owned();
    Some(Line { time, text: parts.nth(2)?.to_owned() })
}

struct Reader {
    log: ContainerLog,
    changed: watch::Receiver<(u64, bool)>,
    at: u64,
    first: bool,
    sent: usize,
    done: bool,
    selection: Selection,
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.done {
                return None;
            }
            let complete = self.changed.borrow_and_update().1;
            let (mut lines, at) = self.log.read_from(self.at);
            self.at = at;
            if let Some(since) = self.selection.since {
                lines.retain(|line| line.time.parse::<Timestamp>().is_ok_and(|time| time >= since));
            }
            if std::mem::take(&mut self.first)
                && let Some(tail) = self.selection.tail
            {
                lines.drain(..lines.len().saturating_sub(tail));
            }
            self.done = complete || !self.selection.follow;
            let mut chunk = String::new();
            for line in &lines {
                if self.selection.timestamps {
                    let _ = write!(chunk, "{} ", line.time);
                }
                chunk.push_str(&line.text);
                chunk.push('\n');
            }
            let mut chunk = Bytes::from(chunk);
            if let Some(limit) = self.selection.limit_bytes {
                chunk.truncate(limit.saturating_sub(self.sent));
                self.done |= self.sent + chunk.len() >= limit;
            }
            self.sent += chunk.len();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if !self.done && self.changed.changed().await.is_err() {
                self.done = true;
            }
        }
    }
}

/// The logs of the pods on a node: the newest two attempts of every container.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodLogs {
    /// (namespace, pod) → container → (attempt, log), newest last.
    pods: Arc<Mutex<BTreeMap<(String, String), Containers>>>,
}

type Containers = BTreeMap<String, Vec<(u32, ContainerLog)>>;

/// Why there is no log to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLog {
    /// The container has not been started yet.
    NotStarted,
    /// It has not been restarted, so there is no previous log.
    NoPrevious,
}

impl PodLogs {
    /// Notes the log of a new attempt.
    pub(crate) fn add(&self, namespace: &str, pod: &str, container: &str, attempt: u32, log: ContainerLog) {
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts =
            pods.entry((namespace.to_owned(), pod.to_owned())).or_default().entry(container.to_owned()).or_default();
        attempts.push((attempt, log));
        if attempts.len() > 2 {
            attempts.remove(0);
        }
    }

    /// The present log of a container, or the one before it.
    pub(crate) fn get(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
    ) -> Result<ContainerLog, NoLog> {
        let pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = pods.get(&(namespace.to_owned(), pod.to_owned())).and_then(|c| c.get(container));
        let mut newest_first = attempts.into_iter().flatten().rev();
        let newest = newest_first.next().ok_or(NoLog::NotStarted)?;
        let wanted = if previous { newest_first.next().ok_or(NoLog::NoPrevious)? } else { newest };
        Ok(wanted.1.clone())
    }

    /// Forgets a pod that is gone.
    pub(crate) fn remove(&self, namespace: &str, pod: &str) {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner).remove(&(namespace.to_owned(), pod.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;
    use std::time::Duration;

    fn clock() -> Clock {
        Clock::starting_at("2026-01-31T12:00:00Z".parse().unwrap())
    }

    async fn all(log: &ContainerLog, selection: Selection) -> String {
        let chunks: Vec<Bytes> = log.stream(selection).collect().await;
        String::from_utf8(chunks.concat()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn both_kinds_answer_alike() {
        let dir = tempfile::tempdir().unwrap();
        let clock = clock();
        let in_file = ContainerLog::in_file(clock.clone(), &dir.path().join("a/0.log")).unwrap();
        for log in [ContainerLog::in_memory(clock.clone()), in_file] {
            let start = clock.now();
            log.append(Channel::Stdout, "one");
            log.append(Channel::Stderr, "two  words");
            tokio::time::advance(Duration::from_secs(5)).await;
            log.append(Channel::Stdout, "");
            assert_eq!(all(&log, Selection::default()).await, "one\ntwo  words\n\n");
            assert_eq!(all(&log, Selection { tail: Some(2), ..Default::default() }).await, "two  words\n\n");
            assert_eq!(all(&log, Selection { limit_bytes: Some(5), ..Default::default() }).await, "one\nt");
            let since = start.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
            assert_eq!(all(&log, Selection { since: Some(since), ..Default::default() }).await, "\n");
            let stamped = all(&log, Selection { tail: Some(1), timestamps: true, ..Default::default() }).await;
            assert_eq!(stamped, format!("{} \n", clock.now().strftime("%Y-%m-%dT%H:%M:%S.%9fZ")));
            assert_eq!(log.last(2, 100), "two  words\n");
            assert_eq!(log.last(2, 7), " words\n");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn followers_see_what_comes_and_end_with_the_container() {
        let log = ContainerLog::in_memory(clock());
        log.append(Channel::Stdout, "early");
        let follower = tokio::spawn({
            let log = log.clone();
            async move { all(&log, Selection { follow: true, tail: Some(0), ..Default::default() }).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        log.append(Channel::Stdout, "late");
        tokio::time::sleep(Duration::from_secs(1)).await;
        log.append(Channel::Stdout, "last");
        log.close();
        assert_eq!(follower.await.unwrap(), "late\nlast\n");
    }

    #[tokio::test]
    async fn previous_attempts() {
        let logs = PodLogs::default();
        assert_eq!(logs.get("n", "p", "c", false).unwrap_err(), NoLog::NotStarted);
        for attempt in 0..3 {
            let log = ContainerLog::in_memory(clock());
            log.append(Channel::Stdout, &attempt.to_string());
            logs.add("n", "p", "c", attempt, log);
            if attempt == 0 {
                assert_eq!(logs.get("n", "p", "c", true).unwrap_err(), NoLog::NoPrevious);
            }
        }
        assert_eq!(logs.get("n", "p", "c", false).unwrap().last(1, 9), "2");
        assert_eq!(logs.get("n", "p", "c", true).unwrap().last(1, 9), "1");
    }
}
