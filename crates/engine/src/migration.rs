//! Migrations of databases among a release's hooks: what they say while they run, and what is kept of them afterwards.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bowline_clock::Timestamp;
use bowline_cluster::{LogOptions, Metadata, ObjectRef};
use bowline_manifest::MigrationJob;
use bowline_release::SideKind;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Happening;
use crate::hooks::HookRun;
use crate::run::{Run, Trouble};

/// How often a Job that runs is asked for pods it has not had before.
const LOOK: Duration = Duration::from_millis(500);

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
struct Heard(Mutex<Vec<PodEvidence>>);

impl Heard {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<PodEvidence>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
        let result = tokio::select! {
            biased;
            result = wait => result,
            never = self.listen(&hook.object, migration, &heard) => match never {},
        };
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

    /// Follows the logs of every pod that the migration gets, one after another.
    async fn listen(&self, object: &ObjectRef, migration: &MigrationJob, heard: &Heard) -> std::convert::Infallible {
        let mut known = BTreeSet::new();
        loop {
            for pod in self.pods_of_migration(object).await {
                let begun = container_status(&pod, &migration.container).is_some_and(|status| {
                    !status["state"]["running"].is_null() || !status["state"]["terminated"].is_null()
                });
                if !begun || !known.insert(pod.uid().to_owned()) {
                    continue;
                }
                let options =
                    LogOptions { container: migration.container.clone(), tail: None, previous: false, follow: true };
                let Ok(mut lines) = self.engine.cluster.follow_logs(pod.namespace(), pod.name(), &options).await else {
                    known.remove(pod.uid());
                    continue;
                };
                let mut count = 0;
                while let Some(Ok(line)) = lines.next().await {
                    let line = fit(&line);
                    count += 1;
                    heard.pod(pod.name(), |pod| push(&mut pod.lines, line.clone()));
                    self.say(Happening::MigrationLog { object: self.name_of(object), line });
                }
                tracing::debug!(pod = pod.name(), count, "the log of a migration's pod has ended");
            }
            tokio::time::sleep(LOOK).await;
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
                known.exit_code = exit_code;
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
