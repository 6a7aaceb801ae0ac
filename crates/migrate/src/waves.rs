//! Several databases in ordered waves: those of one wave at the same time, a later wave only when the one before is
//! through; what a failure leaves is reported exactly, and taken back where that was asked for.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde::Serialize;

use crate::error::MigrateError;
use crate::report::Outcome;
use crate::run::{Runner, UpTo};

/// One of several databases.
pub struct Member<'a> {
    /// Its name.
    pub name: String,
    /// Its wave; lower ones come first.
    pub wave: i32,
    /// Its files and address.
    pub runner: Runner<'a>,
}

/// What became of a database.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// It has all its files.
    Migrated(Outcome),
    /// It failed. What was applied before the failure is in the outcome.
    Failed {
        /// Why.
        error: String,
        /// The versions that this run applied and that stayed.
        applied: Vec<i64>,
    },
    /// An earlier wave failed.
    NotReached,
    /// What this run had applied to it was taken back.
    TakenBack(Outcome),
    /// What this run had applied to it was to be taken back, and could not be.
    NotTakenBack {
        /// Why.
        error: String,
        /// The versions that this run applied and that are still there.
        applied: Vec<i64>,
    },
}

/// A database and what became of it.
#[derive(Debug, Serialize)]
pub struct MemberReport {
    /// Its name.
    pub name: String,
    /// Its wave.
    pub wave: i32,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of all of them.
#[derive(Debug, Serialize)]
pub struct WavesReport {
    /// By wave, then by name.
    pub databases: Vec<MemberReport>,
    /// The first failure.
    #[serde(skip)]
    pub failure: Option<(String, MigrateError)>,
}

/// Migrates all databases up, wave by wave. With `take_back`, a failure makes this run take back what it applied, in the
/// reverse order of waves.
pub async fn up_in_waves(members: Vec<Member<'_>>, take_back: bool) -> WavesReport {
    let mut members = members;
    members.sort_by(|a, b| (a.wave, &a.name).cmp(&(b.wave, &b.name)));
    let mut fates: Vec<Option<Fate>> = members.iter().map(|_| None).collect();
    // What each had before, so that a failure's leavings are told from what was there.
    let mut before: Vec<BTreeSet<i64>> = members.iter().map(|_| BTreeSet::new()).collect();
    let mut failure = None;
    let waves: BTreeSet<i32> = members.iter().map(|member| member.wave).collect();
    for wave in waves {
        let at: Vec<usize> = (0..members.len()).filter(|&index| members[index].wave == wave).collect();
        if failure.is_some() {
            break;
        }
        let work = at.iter().map(|&index| (index, &members)).map(|(index, members)| async move {
            let runner = &members[index].runner;
            match runner.applied().await {
                Ok(known) => (known, runner.up(UpTo::Last).await),
                Err(error) => (BTreeSet::new(), Err(error)),
            }
        });
        let ended = join_all(work).await;
        for (&index, (known, result)) in at.iter().zip(ended) {
            let fate = match result {
                Ok(outcome) => Fate::Migrated(outcome),
                Err(error) => {
                    let now = members[index].runner.applied().await.unwrap_or_else(|_| known.clone());
                    let fate =
                        Fate::Failed { error: error.to_string(), applied: now.difference(&known).copied().collect() };
                    failure.get_or_insert((members[index].name.clone(), error));
                    fate
                }
            };
            before[index] = known;
            fates[index] = Some(fate);
        }
    }
    if failure.is_some() && take_back {
        for index in (0..members.len()).rev() {
            let applied: Vec<i64> = match &fates[index] {
                Some(Fate::Migrated(outcome)) => outcome.applied.iter().map(|file| file.version).collect(),
                Some(Fate::Failed { applied, .. }) => applied.clone(),
                _ => Vec::new(),
            };
            if applied.is_empty() {
                continue;
            }
            let runner = &members[index].runner;
            let failed = matches!(fates[index], Some(Fate::Failed { .. }));
            match runner.take_back(&applied).await {
                // That it failed, and why, is worth more than that nothing of it is left.
                Ok(_) if failed => {
                    if let Some(Fate::Failed { applied, .. }) = &mut fates[index] {
                        applied.clear();
                    }
                }
                Ok(outcome) => fates[index] = Some(Fate::TakenBack(outcome)),
                Err(error) => {
                    let now = runner.applied().await.unwrap_or_default();
                    let left = applied.into_iter().filter(|version| now.contains(version)).collect();
                    fates[index] = Some(Fate::NotTakenBack { error: error.to_string(), applied: left });
                }
            }
        }
    }
    let databases = members
        .into_iter()
        .zip(fates)
        .map(|(member, fate)| MemberReport {
            name: member.name,
            wave: member.wave,
            fate: fate.unwrap_or(Fate::NotReached),
        })
        .collect();
    WavesReport { databases, failure }
}
