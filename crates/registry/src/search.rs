//! Searching the charts of cached indices.

use bowline_chart::{Constraint, Version};
use regex::Regex;

use crate::error::Error;
use crate::index::{Index, IndexEntry};

/// A chart that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `repository/name`.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The version of the application in it.
    pub app_version: String,
    /// One sentence.
    pub description: String,
    /// How far from the name the term was found: 0 in it, 1 in the repository's, 2 in the description, 3 in keywords.
    score: usize,
}

/// Parts of what is searched are separated by this.
const SEPARATOR: char = '\u{b}';

/// The charts of several repositories, to be searched.
#[derive(Default)]
pub struct SearchIndex {
    lines: Vec<(String, Found)>,
}

impl SearchIndex {
    /// Adds the charts of a repository: all versions of each, or the newest alone.
    pub fn add(&mut self, repository: &str, index: &Index, all_versions: bool) {
        for (name, versions) in &index.entries {
            let taken = if all_versions { versions.len() } else { 1 };
            for entry in versions.iter().take(taken) {
                let IndexEntry { metadata, .. } = entry;
                let parts = [
                    &*metadata.name,
                    &format!("{repository}/{}", metadata.name),
                    &metadata.description,
                    &metadata.keywords.join(" "),
                ];
                let found = Found {
                    name: format!("{repository}/{name}"),
                    version: metadata.version.clone(),
                    app_version: metadata.app_version.clone(),
                    description: metadata.description.clone(),
                    score: 0,
                };
                self.lines.push((parts.join(&SEPARATOR.to_string()), found));
            }
        }
    }

    /// All charts, or those that contain `term`, or match it as a regular expression; of each chart the newest version that
    /// satisfies `constraint`, or all such versions. What fits best comes first.
    ///
    /// # Errors
    /// The term or the constraint makes no sense.
    pub fn search(
        &self,
        term: &str,
        is_regex: bool,
        constraint: &str,
        all_versions: bool,
    ) -> Result<Vec<Found>, Error> {
        let mut found: Vec<Found> = if term.is_empty() {
            self.lines.iter().map(|(_, found)| found.clone()).collect()
        } else if is_regex {
            let regex = Regex::new(term).map_err(|error| Error::Invalid(regex_error(term, &error)))?;
            let at = |line: &str| regex.find(line).map(|found| found.start());
            self.matching(at, str::to_owned)
        } else {
            let term = term.to_lowercase();
            self.matching(|line| line.find(&term), str::to_lowercase)
        };
        found.sort_by(|a, b| {
            let newer = || match (Version::parse(&a.version), Version::parse(&b.version)) {
                (Some(a), Some(b)) => b.compare(&a),
                _ => std::cmp::Ordering::Equal,
            };
            a.score.cmp(&b.score).then_with(|| a.name.cmp(&b.name)).then_with(newer)
        });
        let constraint = Constraint::parse(constraint)
            .map_err(|error| Error::Invalid(format!("an invalid version/constraint format: {error}")))?;
        let mut taken: Vec<Found> = Vec::new();
        for chart in found {
            if !all_versions && taken.iter().any(|known| known.name == chart.name) {
                continue;
            }
            if Version::parse(&chart.version).is_some_and(|version| constraint.check(&version)) {
                taken.push(chart);
            }
        }
        Ok(taken)
    }

    fn matching(&self, at: impl Fn(&str) -> Option<usize>, prepared: impl Fn(&str) -> String) -> Vec<Found> {
        let scored = self.lines.iter().filter_map(|(line, found)| {
            let line = prepared(line);
            let score = score(at(&line)?, &line);
            Some(Found { score, ..found.clone() })
        });
        scored.collect()
    }
}

/// In which part of the line something stands.
fn score(at: usize, line: &str) -> usize {
    let ends = line.char_indices().filter(|(_, c)| *c == SEPARATOR).map(|(at, _)| at);
    ends.take_while(|end| at > *end).count()
}

/// Go's words for what it says about wrong expressions most.
fn regex_error(term: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let known = [
        ("unclosed group", "missing closing )"),
        ("unopened group", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
        ("missing expression", "missing argument to repetition operator"),
    ];
    let why = known.iter().find(|(ours, _)| text.contains(ours)).map(|(_, gos)| *gos);
    match why {
        Some("missing argument to repetition operator") => {
            let operator = term.chars().find(|c| matches!(c, '*' | '+' | '?')).unwrap_or('*');
            format!("error parsing regexp: missing argument to repetition operator: `{operator}`")
        }
        Some("missing closing ]") => {
            let rest = &term[term.rfind('[').unwrap_or(0)..];
            format!("error parsing regexp: missing closing ]: `{rest}`")
        }
        Some(why) => format!("error parsing regexp: {why}: `{term}`"),
        None => format!("error parsing regexp: {text}"),
    }
}
