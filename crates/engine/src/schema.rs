//! What a revision expects of its databases, and whether an earlier one runs on what is there now.

use bowline_release::SideKind;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::cause::Step;
use crate::run::{Run, Trouble};
use crate::{Engine, EngineError, Happening, Outcome, Phase, Undone};

/// One migration that a revision was built with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaMigration {
    /// Its version, as the tool's table has it.
    pub version: String,
    /// Its file's name.
    pub file: String,
    /// `expand`, `backfill`, `contract`, `neutral`: as declared, else by what it does; absent where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What it takes from code of before it, in words.
    #[serde(default)]
    pub takes: Vec<String>,
    /// Whether there is a way back.
    #[serde(default)]
    pub down: bool,
    /// Whether that brings back the data that it took.
    #[serde(default)]
    pub restores: bool,
}

/// The migrations that a revision was built with, of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRecord {
    /// Which database; a name.
    pub database: String,
    /// In their order.
    pub migrations: Vec<SchemaMigration>,
}

/// Whether an earlier revision runs on the schema of a later one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaVerdict {
    /// The database.
    pub database: String,
    /// Migrations that came after the earlier revision, in order.
    pub since: Vec<SchemaMigration>,
    /// Whether it is known what they do.
    pub known: bool,
}

impl SchemaVerdict {
    /// The migrations that take what the earlier revision may need.
    pub fn breaking(&self) -> impl Iterator<Item = &SchemaMigration> {
        self.since.iter().filter(|migration| migration.phase.as_deref() == Some("contract"))
    }

    /// Whether the earlier revision is known to run on the present schema.
    pub fn runs(&self) -> bool {
        self.known && self.breaking().next().is_none() && self.since.iter().all(|migration| migration.phase.is_some())
    }

    /// In words, about going back to `revision`.
    pub fn sentence(&self, revision: u32) -> String {
        let database = &self.database;
        if !self.known {
            return format!(
                "database {database}: it is not recorded which migrations revision {revision} was built with, so that \
                 nobody knows whether it runs on the present schema"
            );
        }
        let count = self.since.len();
        let migrations = if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") };
        let breaking: Vec<String> = self
            .breaking()
            .map(|migration| match migration.takes.as_slice() {
                [] => format!("{} is a contract step", migration.file),
                takes => format!("{}: {}", migration.file, takes.join(", ")),
            })
            .collect();
        let unreadable: Vec<&str> = self.since.iter().filter(|m| m.phase.is_none()).map(|m| m.file.as_str()).collect();
        match (count, breaking.as_slice(), unreadable.as_slice()) {
            (0, ..) => format!("database {database}: revision {revision} has the same migrations"),
            (_, [], []) => format!(
                "database {database}: revision {revision} runs on the present schema: {migrations} came after it, none of \
                 which takes anything; they stay applied"
            ),
            (_, [], unreadable) => format!(
                "database {database}: whether revision {revision} runs on the present schema cannot be told from {}",
                unreadable.join(", ")
            ),
            (_, breaking, _) => format!(
                "database {database}: revision {revision} does not run on the present schema: {}. {}",
                breaking.join("; "),
                self.ways_back()
            ),
        }
    }

    /// Whether the migrations can be undone, in words.
    fn ways_back(&self) -> String {
        let without: Vec<&str> = self.since.iter().filter(|m| !m.down).map(|m| m.file.as_str()).collect();
        let lossy: Vec<&str> = self.since.iter().filter(|m| m.down && !m.restores).map(|m| m.file.as_str()).collect();
        match (without.as_slice(), lossy.as_slice()) {
            ([], []) => "All of them have a way back".to_owned(),
            ([], lossy) => {
                format!("All of them have a way back, but {} does not bring its data back", lossy.join(", "))
            }
            (without, _) => format!("There is no way back from {}", without.join(", ")),
        }
    }
}

/// Asks databases whether what a revision needs is applied.
pub trait SchemaGate: Send + Sync {
    /// What there is to say where everything is applied; why not, else.
    fn check(&self) -> BoxFuture<'_, Result<String, String>>;

    /// What to do where something is missing: a command.
    fn hint(&self) -> String {
        "bowline migrate up".to_owned()
    }
}

/// Takes migrations back for a rollback, each when no code that runs needs it. A sentence for each one that was taken
/// back; what failed, else.
pub trait SchemaDowns: Send + Sync {
    /// Before the earlier revision comes: what it cannot run with, and what was applied after that.
    fn before(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;

    /// When it runs: what only the later revision needed.
    fn after(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;
}

impl Engine {
    /// What is recorded of the migrations that each revision was built with, oldest first.
    ///
    /// # Errors
    /// As reading the history.
    pub async fn schemas(&self, namespace: &str, release: &str) -> Result<Vec<(u32, SchemaRecord)>, EngineError> {
        let kept = self.releases(namespace).kept(SideKind::Schema, release).await?;
        Ok(kept
            .into_iter()
            .filter_map(|(revision, value)| Some((revision, serde_json::from_value(value).ok()?)))
            .collect())
    }

    /// How migrations of a release went, oldest revision first.
    ///
    /// # Errors
    /// As reading the history.
    pub async fn migrations(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<(u32, crate::MigrationEvidence)>, EngineError> {
        let kept = self.releases(namespace).kept(SideKind::Migration, release).await?;
        Ok(kept
            .into_iter()
            .filter_map(|(revision, value)| Some((revision, serde_json::from_value(value).ok()?)))
            .collect())
    }

    /// Whether revision `to` runs on the schema that its later revisions have made, for each database of which something
    /// is recorded; empty where nothing is.
    ///
    /// # Errors
    /// As reading the history.
    pub async fn schema_verdicts(
        &self,
        namespace: &str,
        release: &str,
        to: u32,
    ) -> Result<Vec<SchemaVerdict>, EngineError> {
        Ok(verdicts(&self.schemas(namespace, release).await?, to))
    }
}

/// What came after revision `to`. Migrations stay applied when a revision goes, so that every later one counts.
fn verdicts(records: &[(u32, SchemaRecord)], to: u32) -> Vec<SchemaVerdict> {
    let mut databases: Vec<&str> = records.iter().map(|(_, record)| record.database.as_str()).collect();
    databases.sort_unstable();
    databases.dedup();
    let verdict = |database: &str| {
        let of = |(_, record): &&(u32, SchemaRecord)| record.database == database;
        let own = records.iter().filter(of).find(|(revision, _)| *revision == to).map(|(_, record)| record);
        let mut since: Vec<SchemaMigration> = Vec::new();
        for (_, later) in records.iter().filter(of).filter(|(revision, _)| *revision > to) {
            for migration in &later.migrations {
                let had = own.is_some_and(|own| own.migrations.iter().any(|m| m.version == migration.version));
                if !had && !since.iter().any(|known| known.version == migration.version) {
                    since.push(migration.clone());
                }
            }
        }
        SchemaVerdict { database: database.to_owned(), since, known: own.is_some() }
    };
    databases.into_iter().map(verdict).collect()
}

impl Run {
    /// Records what the revision was built with. Without that a later rollback would know nothing: an error stops the run.
    pub(crate) async fn record_schemas(&self, records: &[SchemaRecord]) -> Result<(), Trouble> {
        for record in records {
            let content = serde_json::to_value(record).unwrap_or_default();
            self.store
                .keep(SideKind::Schema, (&self.release, self.revision), &word(&record.database), &content)
                .await?;
        }
        Ok(())
    }

    /// The gate, if there is one: nothing of the revision is promoted before its databases are ready for it.
    pub(crate) async fn check_schema(&self) -> Result<(), Trouble> {
        let Some(gate) = &self.options.schema_gate else { return Ok(()) };
        let doing = "check that the required migrations are applied";
        let checked = tokio::select! {
            biased;
            stop = self.stopped() => return Err(stop.into()),
            checked = gate.check() => checked,
        };
        match checked {
            Ok(message) => {
                self.say(Happening::SchemaChecked { message });
                Ok(())
            }
            Err(message) => Err(Trouble {
                doing: doing.to_owned(),
                steps: vec![Step::new("database", "MigrationsMissing", message.clone())],
                hint: Some(gate.hint()),
                message: format!("the release is not promoted: {message}"),
                ..Trouble::default()
            }),
        }
    }

    /// Takes back what the earlier revision cannot run with.
    pub(crate) async fn take_back_schema(&self) -> Result<(), Trouble> {
        let Some(downs) = &self.downs else { return Ok(()) };
        let taken = tokio::select! {
            biased;
            stop = self.stopped() => return Err(stop.into()),
            taken = downs.before() => taken,
        };
        self.say_taken_back(taken, "take migrations back")
    }

    /// Takes back what only the later revision needed, now that it is gone.
    pub(crate) async fn take_back_rest(&mut self, outcome: Outcome) -> Result<Outcome, EngineError> {
        let Some(downs) = self.downs.take() else { return Ok(outcome) };
        self.enter(Some(Phase::Schema));
        let taken = tokio::select! {
            biased;
            stop = self.stopped() => Err(stop.into()),
            taken = downs.after() => self.say_taken_back(taken, "take migrations back; the release is back before that"),
        };
        match taken {
            Ok(()) => Ok(outcome),
            Err(trouble) => Err(self.failure(trouble, outcome.release.info.status, Undone::Nothing)),
        }
    }

    fn say_taken_back(&self, taken: Result<Vec<String>, String>, doing: &str) -> Result<(), Trouble> {
        match taken {
            Ok(messages) => {
                messages.into_iter().for_each(|message| self.say(Happening::SchemaTakenBack { message }));
                Ok(())
            }
            Err(message) => Err(Trouble {
                doing: doing.to_owned(),
                steps: vec![Step::new("database", "DownFailed", message.clone())],
                hint: Some("bowline migrate status".to_owned()),
                message,
                ..Trouble::default()
            }),
        }
    }
}

/// What a database's name gives for a part of an object's.
fn word(database: &str) -> String {
    let word: String =
        database.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    word.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(version: &str, phase: &str, down: bool) -> SchemaMigration {
        let takes = if phase == "contract" { vec!["it drops column users.name".to_owned()] } else { Vec::new() };
        SchemaMigration {
            version: version.into(),
            file: format!("{version}_x.sql"),
            phase: Some(phase.into()),
            takes,
            down,
            restores: down,
        }
    }

    fn record(migrations: &[SchemaMigration]) -> SchemaRecord {
        SchemaRecord { database: "shop".into(), migrations: migrations.to_vec() }
    }

    #[test]
    fn what_came_after_decides() {
        let (one, two, three) =
            (migration("1", "expand", true), migration("2", "expand", true), migration("3", "contract", false));
        let records = [
            (1, record(std::slice::from_ref(&one))),
            (2, record(&[one.clone(), two.clone()])),
            (3, record(&[one.clone(), two.clone(), three.clone()])),
            // A rollback of code leaves the schema as it is.
            (4, record(&[one.clone(), two.clone()])),
        ];
        let of = |to: u32| verdicts(&records, to).remove(0);
        assert!(!of(1).runs() && !of(2).runs() && of(3).runs());
        assert_eq!(of(2).since, [three]);
        assert!(of(2).sentence(2).contains("does not run on the present schema: 3_x.sql: it drops column users.name"));
        assert!(of(2).sentence(2).ends_with("There is no way back from 3_x.sql"), "{}", of(2).sentence(2));
        let early = verdicts(&records[..2], 1).remove(0);
        assert!(early.runs() && early.sentence(1).contains("1 migration came after it"), "{}", early.sentence(1));
        let unknown = verdicts(&records, 7).remove(0);
        assert!(!unknown.known && !unknown.runs() && unknown.sentence(7).contains("nobody knows"));
        assert!(verdicts(&[], 1).is_empty());
    }
}
