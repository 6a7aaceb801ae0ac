//! Whether what is required is applied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;
use sha2::{Digest, Sha256, Sha384};

use super::table::{Contents, VersionTable};
use crate::run::digest;
use crate::tree::{Layout, MigrationTree};

/// One migration that a program was built with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    version: String,
    file: Option<PathBuf>,
    after: Vec<String>,
    replaces: Vec<String>,
    sha256: Option<String>,
    /// As `bowline migrate` keeps it beside goose's table.
    ours: Option<String>,
    sha384: Option<String>,
}

/// The migrations that a program was built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    layout: Option<Layout>,
    wanted: Vec<Wanted>,
    /// Everything that is known of comes from a folder, so that the order of versions is known.
    is_folder: bool,
}

impl Required {
    /// All migrations of a folder.
    pub fn folder(tree: &MigrationTree) -> Self {
        let wanted = tree.migrations.iter().map(|migration| {
            let text = tree.text(&migration.path).as_bytes();
            Wanted {
                version: migration.version.clone(),
                file: Some(migration.path.clone()),
                after: migration.after.clone(),
                replaces: migration.replaces.clone(),
                ours: Some(digest(text)),
                sha256: Some(hexadecimal(&Sha256::digest(text))),
                sha384: Some(hexadecimal(&Sha384::digest(text))),
            }
        });
        Self { layout: Some(tree.layout), wanted: wanted.collect(), is_folder: true }
    }

    /// Some versions, as the tool's table writes them.
    pub fn versions(versions: impl IntoIterator<Item = String>, layout: Option<Layout>) -> Self {
        let wanted = versions.into_iter().map(|version| Wanted {
            version,
            file: None,
            after: Vec::new(),
            replaces: Vec::new(),
            sha256: None,
            ours: None,
            sha384: None,
        });
        Self { layout, wanted: wanted.collect(), is_folder: false }
    }

    /// Only these versions of a folder are required; what is known of the others stays.
    #[must_use]
    pub fn narrowed(mut self, versions: &[String]) -> Self {
        let known: BTreeSet<String> = self.wanted.iter().map(|wanted| wanted.version.clone()).collect();
        self.wanted.retain(|wanted| versions.contains(&wanted.version));
        let missing = versions.iter().filter(|version| !known.contains(*version)).cloned();
        self.wanted.extend(Self::versions(missing, None).wanted);
        self
    }

    /// The versions, in order.
    pub fn list(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(|wanted| wanted.version.as_str())
    }

    /// The tool, where it is known.
    pub(crate) fn layout(&self) -> Option<Layout> {
        self.layout
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A migration that is neither applied nor not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dirty {
    /// Which.
    pub version: String,
    /// What is known of it.
    pub why: String,
}

/// How a database stands to what is required of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The database, without its password.
    pub database: String,
    /// The tool whose version table it is, where there is one.
    pub tool: Option<Layout>,
    /// That table.
    pub table: Option<String>,
    /// How many versions are required.
    pub required: usize,
    /// Versions that are required and not applied.
    pub missing: Vec<String>,
    /// Versions that are half done.
    pub dirty: Vec<Dirty>,
    /// Files that are not what was run, by the tool's own checksum, or by that of `bowline migrate` for goose's files.
    pub changed: Vec<PathBuf>,
    /// Versions that are applied and not known here: the database is ahead.
    pub ahead: Vec<String>,
}

impl Verdict {
    /// Nothing is missing, dirty or changed. A changed file counts where its tool would refuse to run with it: goose,
    /// which keeps no checksums, would not.
    pub fn is_satisfied(&self) -> bool {
        let changed = !self.changed.is_empty() && self.tool != Some(Layout::Goose);
        self.missing.is_empty() && self.dirty.is_empty() && !changed
    }

    /// In words: what is waited for, or that nothing is.
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        let table = self.table.as_deref().unwrap_or_default();
        if self.table.is_none() && self.required > 0 {
            parts.push("it has no version table of a tool that is known".to_owned());
        }
        if !self.missing.is_empty() {
            let (count, all) = (self.missing.len(), self.required);
            parts.push(format!("{count} of {all} required migrations are not applied: {}", shortened(&self.missing)));
        }
        for dirty in &self.dirty {
            parts.push(format!("version {} is dirty: {}", dirty.version, dirty.why));
        }
        if self.is_satisfied() {
            let ahead = if self.ahead.is_empty() { String::new() } else { format!(", and {} more", self.ahead.len()) };
            parts.push(format!("all {} required migrations are applied ({table}){ahead}", self.required));
        }
        if !self.changed.is_empty() {
            let files: Vec<String> = self.changed.iter().map(|path| path.display().to_string()).collect();
            parts.push(format!("these files are not what was run: {}", shortened(&files)));
        }
        format!("{}: {}", self.database, parts.join("; "))
    }
}

fn shortened(all: &[String]) -> String {
    const MOST: usize = 8;
    match all.len() {
        count if count > MOST => {
            format!("{}, … and {} more", all.get(..MOST).unwrap_or_default().join(", "), count - MOST)
        }
        _ => all.join(", "),
    }
}

/// Compares. Sets are compared, never the newest versions.
pub(crate) fn verdict(database: String, required: &Required, found: Option<(&VersionTable, &Contents)>) -> Verdict {
    let mut verdict = Verdict {
        database,
        tool: found.map(|(table, _)| table.layout),
        table: found.map(|(table, _)| table.shown.clone()),
        required: required.wanted.len(),
        missing: Vec::new(),
        dirty: Vec::new(),
        changed: Vec::new(),
        ahead: Vec::new(),
    };
    let Some((table, contents)) = found else {
        verdict.missing = required.list().map(str::to_owned).collect();
        return verdict;
    };
    let mut applied: BTreeSet<&str> = BTreeSet::new();
    let mut checksums: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in &contents.entries {
        match &entry.dirty {
            Some(why) => verdict.dirty.push(Dirty { version: entry.version.clone(), why: why.clone() }),
            None => drop(applied.insert(&entry.version)),
        }
        if let Some(checksum) = &entry.checksum {
            checksums.insert(&entry.version, checksum);
        }
    }
    let named: BTreeSet<&str> = applied.clone();
    if let Some(up_to) = &contents.up_to {
        applied.extend(required.list().filter(|version| comes_before(version, up_to)));
    }
    for dirty in &verdict.dirty {
        applied.remove(dirty.version.as_str());
    }
    if table.layout == Layout::Alembic {
        applied.extend(ancestors(required, &named));
    }
    // As Django sees it: one that replaces others is applied where they are, and stands for them where none of them is.
    for squashed in required.wanted.iter().filter(|wanted| !wanted.replaces.is_empty()) {
        let replaced = squashed.replaces.iter().map(String::as_str);
        let count = replaced.clone().filter(|version| applied.contains(version)).count();
        if count == squashed.replaces.len() || (count > 0 && !applied.contains(squashed.version.as_str())) {
            applied.insert(&squashed.version);
        } else if count == 0 || applied.contains(squashed.version.as_str()) {
            applied.extend(replaced);
        }
    }
    for wanted in &required.wanted {
        if !applied.contains(wanted.version.as_str()) {
            if !verdict.dirty.iter().any(|dirty| dirty.version == wanted.version) {
                verdict.missing.push(wanted.version.clone());
            }
            continue;
        }
        let own = match table.layout {
            Layout::Sqlx => wanted.sha384.as_deref(),
            Layout::Prisma => wanted.sha256.as_deref(),
            Layout::Goose => wanted.ours.as_deref(),
            _ => None,
        };
        if let (Some(own), Some(noted), Some(file)) = (own, checksums.get(wanted.version.as_str()), &wanted.file)
            && own != *noted
        {
            verdict.changed.push(file.clone());
        }
    }
    if required.is_folder {
        let known: BTreeSet<&str> = required.list().collect();
        verdict.ahead = named.into_iter().filter(|version| !known.contains(version)).map(str::to_owned).collect();
    }
    verdict
}

/// Whether a tool that runs in the order of versions is past one of them.
fn comes_before(version: &str, up_to: &str) -> bool {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    matches!((numbers(version), numbers(up_to)), (Some(version), Some(up_to)) if version <= up_to)
}

/// Alembic's table names the heads: everything that they come after is applied too.
fn ancestors<'a>(required: &'a Required, heads: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let by_version: BTreeMap<&str, &Wanted> = required.wanted.iter().map(|w| (w.version.as_str(), w)).collect();
    let mut open: Vec<&str> = heads.iter().filter_map(|head| by_version.get_key_value(head).map(|(v, _)| *v)).collect();
    let mut found = BTreeSet::new();
    while let Some(version) = open.pop() {
        if found.insert(version)
            && let Some(wanted) = by_version.get(version)
        {
            open.extend(wanted.after.iter().map(String::as_str));
        }
    }
    found
}
