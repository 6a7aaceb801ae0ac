//! Migrations of databases among a release's hooks: what they say while they run, and what is kept of them afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bowline_clock::Timestamp;
use bowline_cluster::{LogOptions, Metadata, ObjectRef, Selection, WatchEvent};
use bowline_manifest::{GroupVersionKind, MigrationJob};
use bowline_release::SideKind;
use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::Happening;
use crate::hooks::HookRun;
use crate::run::{Run, Trouble};

/// How often a Job that runs is asked for pods it has not had before.
const LOOK: Duration = Duration::from_millis(500);

/// How long the end of a log is waited for when the migration is over.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How many of a pod's last lines are kept; a Secret holds 1 MiB.
const LINES: usize = 1000;

/// How long a kept line may be, in bytes.
const LINE: usize = 400;

/// How a migration went; kept beside the revision's record, past its Job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationEvidence {
    /// The Job or Pod.
    pub object: String,
    /// Which database: a name, never an address.
    pub database: String,
    /// The tool that does it, or `declared`.
    pub tool: String,
    /// The image.
    pub image: String,
    /// When it was created.
    pub started_at: Timestamp,
    /// When it was over, or given up.
    pub finished_at: Timestamp,
    /// Whether it did what it should.
    pub succeeded: bool,
    /// Its tries, the first one first.
    pub pods: Vec<PodEvidence>,
}

/// One try of a migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodEvidence {
    /// The pod.
    pub name: String,
    /// Of the container that migrates; absent where it did not end, or the pod was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// The last lines that it wrote, passwords in addresses masked.
    pub lines: Vec<String>,
}

/// What was heard of a migration's pods while it ran.
#[derive(Default)]
struct Heard {
    pods: Mutex<Vec<PodEvidence>>,
    /// Pods whose log is being read.
    open: Mutex<BTreeSet<String>>,
}

impl Heard {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<PodEvidence>) -> R) -> R {
        work(&mut self.pods.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn opened(&self, pod: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(pod.to_owned());
    }

    fn closed(&self, pod: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(pod);
    }

    /// Whether more may come: from a pod that has ended, or from any.
    fn expects_more(&self, of_all: bool) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.with(|pods| {
            let ended = |name: &String| pods.iter().any(|pod| pod.name == *name && pod.exit_code.is_some());
            open.iter().any(|name| of_all || ended(name))
        })
    }

    fn pod<R>(&self, name: &str, work: impl FnOnce(&mut PodEvidence) -> R) -> R {
        self.with(|pods| {
            let at = pods.iter().position(|pod| pod.name == name).unwrap_or_else(|| {
                pods.push(PodEvidence { name: name.to_owned(), exit_code: None, lines: Vec::new() });
                pods.len() - 1
            });
            work(&mut pods[at])
        })
    }
}

impl Run {
    /// Waits for a migration by `wait`, tells what it writes meanwhile, and keeps how it went.
    pub(crate) async fn watch_migration(
        &self,
        hook: &HookRun<'_>,
        migration: &MigrationJob,
        wait: impl Future<Output = Result<(), Trouble>>,
    ) -> Result<(), Trouble> {
        let object = self.name_of(&hook.object);
        let started_at = self.now();
        self.say(Happening::MigrationStarted {
            object: object.clone(),
            tool: migration.tool.to_owned(),
            database: migration.database.clone(),
        });
        let heard = Heard::default();
        let listening = self.listen(&hook.object, migration, &heard);
        tokio::pin!(listening);
        let result = tokio::select! {
            biased;
            result = wait => result,
            never = &mut listening => match never {},
        };
        // What was written last may still be on its way.
        let end = Instant::now() + LAST_LINES;
        while heard.expects_more(result.is_ok()) && Instant::now() < end {
            tokio::select! {
                never = &mut listening => match never {},
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        self.look_once_more(&hook.object, migration, &heard).await;
        let pods = heard.with(std::mem::take);
        let evidence = MigrationEvidence {
            object: object.clone(),
            database: migration.database.clone(),
            tool: migration.tool.to_owned(),
            image: image_of(&hook.manifest.object, &migration.container),
            started_at,
            finished_at: self.now(),
            succeeded: result.is_ok(),
            pods,
        };
        let lost = result.as_ref().is_err_and(|trouble| trouble.lock_lost);
        let kept = if lost { None } else { self.keep_evidence(&hook.object, &evidence).await };
        self.say(Happening::MigrationFinished {
            object,
            database: migration.database.clone(),
            succeeded: evidence.succeeded,
            exit_code: evidence.pods.last().and_then(|pod| pod.exit_code),
            seconds: evidence.finished_at.duration_since(started_at).as_secs().max(0).unsigned_abs(),
            evidence: kept,
        });
        result
    }

    /// Follows the logs of every pod that the migration gets, from its first line on, and notes how each ends: the Job and
    /// its pods may be gone as soon as it has ended (`ttlSecondsAfterFinished: 0`).
    async fn listen(&self, object: &ObjectRef, migration: &MigrationJob, heard: &Heard) -> std::convert::Infallible {
        let cluster = &self.engine.cluster;
        let owner = loop {
            match cluster.get(object).await {
                Ok(Some(live)) => break live.uid().to_owned(),
                _ => tokio::time::sleep(LOOK).await,
            }
        };
        let pods = loop {
            match cluster.resource(&GroupVersionKind::new("v1", "Pod")).await {
                Ok(pods) => break pods,
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        };
        let mut watch = cluster.watch(&pods, &Selection::namespace(&object.namespace));
        // Pods that have begun and are not followed yet.
        let mut waiting: BTreeMap<(String, i64), Value> = BTreeMap::new();
        let mut known = BTreeSet::new();
        let mut lines: SelectAll<BoxStream<'static, (String, Option<String>)>> = SelectAll::new();
        loop {
            let changed = tokio::select! {
                Some((pod, line)) = lines.next() => {
                    match line {
                        Some(line) => {
                            heard.pod(&pod, |pod| push(&mut pod.lines, line.clone()));
                            self.say(Happening::MigrationLog { object: self.name_of(object), line });
                        }
                        None => heard.closed(&pod),
                    }
                    continue;
                }
                event = watch.next() => match event {
                    Some(Ok(WatchEvent::Listed(pods))) => pods,
                    Some(Ok(WatchEvent::Changed(pod) | WatchEvent::Deleted(pod))) => vec![pod],
                    Some(Ok(WatchEvent::Interrupted(_))) => Vec::new(),
                    // Pods may not be watched: what is left of them is looked at in the end.
                    Some(Err(_)) | None => {
                        watch = futures::stream::pending().boxed();
                        Vec::new()
                    }
                },
                () = tokio::time::sleep(LOOK), if !waiting.is_empty() => Vec::new(),
            };
            for pod in changed.into_iter().filter(|pod| pod.uid() == owner || is_owned(pod, &owner)) {
                let status = container_status(&pod, &migration.container);
                let Some(state) = status.map(|status| &status["state"]) else { continue };
                if let Some(code) = state["terminated"]["exitCode"].as_i64() {
                    heard.pod(pod.name(), |pod| pod.exit_code = Some(code));
                }
                let begun = !state["running"].is_null() || !state["terminated"].is_null();
                // A container that was started again has a log of its own.
                let start = (pod.uid().to_owned(), status.and_then(|s| s["restartCount"].as_i64()).unwrap_or_default());
                if begun && !known.contains(&start) {
                    waiting.insert(start, pod);
                }
            }
            for (start, pod) in std::mem::take(&mut waiting) {
                let options =
                    LogOptions { container: migration.container.clone(), tail: None, previous: false, follow: true };
                let name = pod.name().to_owned();
                match cluster.follow_logs(pod.namespace(), &name, &options).await {
                    Ok(written) => {
                        known.insert(start);
                        heard.opened(&name);
                        let (of, end) = (name.clone(), futures::stream::iter([(name, None)]));
                        // A log that breaks off has ended too.
                        let written = written.take_while(|line| std::future::ready(line.is_ok()));
                        let written = written.filter_map(|line| std::future::ready(line.ok()));
                        lines.push(written.map(move |line| (of.clone(), Some(fit(&line)))).chain(end).boxed());
                    }
                    Err(_) => drop(waiting.insert(start, pod)),
                }
            }
        }
    }

    /// What the end of the migration left: exit codes, and lines that were not heard while it ran.
    async fn look_once_more(&self, object: &ObjectRef, migration: &MigrationJob, heard: &Heard) {
        for pod in self.pods_of_migration(object).await {
            let ended = container_status(&pod, &migration.container).map(|status| &status["state"]["terminated"]);
            let exit_code = ended.and_then(|ended| ended["exitCode"].as_i64());
            let lines = self
                .log_lines(
                    pod.namespace(),
                    pod.name(),
                    &migration.container,
                    false,
                    u32::try_from(LINES).unwrap_or(u32::MAX),
                )
                .await;
            let lines: Vec<String> = lines.iter().map(|line| fit(line)).collect();
            let said = heard.pod(pod.name(), |known| {
                known.exit_code = exit_code.or(known.exit_code);
                let said = known.lines.len();
                if lines.len() >= said {
                    known.lines.clone_from(&lines);
                }
                said
            });
            for line in lines.into_iter().skip(said) {
                self.say(Happening::MigrationLog { object: self.name_of(object), line });
            }
        }
    }

    async fn pods_of_migration(&self, object: &ObjectRef) -> Vec<Value> {
        let Ok(Some(live)) = self.engine.cluster.get(object).await else { return Vec::new() };
        let mut pods = if object.gvk.kind == "Pod" { vec![live] } else { self.owned("v1", "Pod", &live).await };
        let created = |pod: &Value| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        pods.sort_by_key(|pod| (created(pod), pod.name().to_owned()));
        pods
    }

    /// An error of this is only noted: how the migration went is told in any case.
    async fn keep_evidence(&self, object: &ObjectRef, evidence: &MigrationEvidence) -> Option<String> {
        let content = serde_json::to_value(evidence).ok()?;
        let kept = self.store.keep(SideKind::Migration, (&self.release, self.revision), &object.name, &content).await;
        kept.inspect_err(|error| tracing::warn!(%error, "the evidence of a migration could not be kept")).ok()
    }
}

fn push(lines: &mut Vec<String>, line: String) {
    if lines.len() >= LINES {
        lines.remove(0);
    }
    lines.push(line);
}

fn is_owned(pod: &Value, owner: &str) -> bool {
    pod["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|reference| reference["uid"] == owner)
}

fn container_status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    pod["status"]["containerStatuses"].as_array()?.iter().find(|status| status["name"] == container)
}

fn image_of(object: &Value, container: &str) -> String {
    let spec = if object.kind() == "Pod" { &object["spec"] } else { &object["spec"]["template"]["spec"] };
    let containers = spec["containers"].as_array().into_iter().flatten();
    let mut named = containers.filter(|c| c["name"] == container);
    named.next().and_then(|c| c["image"].as_str()).unwrap_or_default().to_owned()
}

/// A line as it is shown and kept: not too long, and without passwords of addresses.
fn fit(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?')).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
            Some((Some((user, _)), host)) => out.extend([user, ":***@", host]),
            _ => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    let end = (0..=LINE.min(out.len())).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_addresses_are_masked_and_lines_are_short() {
        let cases = [
            ("connect postgres://u:p@db:5432/x failed", "connect postgres://u:***@db:5432/x failed"),
            ("dsn=\"mysql://root:a@b@db/x\"", "dsn=\"mysql://root:***@db/x\""),
            ("see https://example.com/a:b@c", "see https://example.com/a:b@c"),
            ("redis://u@h", "redis://u@h"),
            ("nothing", "nothing"),
        ];
        for (line, expected) in cases {
            assert_eq!(fit(line), expected);
        }
        assert_eq!(fit(&"ü".repeat(1000)).len(), LINE);
    }
}
