//! What a value of a template may be, as far as it matters where it comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::ANY;

/// Keys from the top chart's values.
pub(crate) type Path = Vec<String>;

/// How many things one value may be before all of them count as read.
const MAX_WIDTH: usize = 64;
/// How long a path may get; beyond it, a value is what it was.
const MAX_LENGTH: usize = 24;
/// How deep mappings that templates make are followed into each other.
const MAX_DEPTH: usize = 8;

/// All that a value may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Places {
    /// Values of the chart at these paths.
    pub(crate) values: BTreeSet<Path>,
    /// Dot of these charts.
    pub(crate) dots: BTreeSet<usize>,
    /// The mapping `.Subcharts` of these charts.
    pub(crate) subcharts: BTreeSet<usize>,
    /// A constant text.
    pub(crate) texts: BTreeSet<String>,
    /// A mapping that a template made: what is under its keys, and under keys that are not known.
    pub(crate) made: Option<BTreeMap<String, Places>>,
}

impl Places {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { texts: BTreeSet::from([text.into()]), ..Self::default() }
    }

    pub(crate) fn dot(chart: usize) -> Self {
        Self { dots: BTreeSet::from([chart]), ..Self::default() }
    }

    pub(crate) fn value(path: Path) -> Self {
        Self { values: BTreeSet::from([path]), ..Self::default() }
    }

    pub(crate) fn made(entries: BTreeMap<String, Places>) -> Self {
        Self { made: Some(entries), ..Self::default() }
    }

    /// This or that.
    pub(crate) fn join(&mut self, other: Self) {
        self.join_to(other, MAX_DEPTH);
    }

    fn join_to(&mut self, other: Self, depth: usize) {
        self.values.extend(other.values);
        self.dots.extend(other.dots);
        self.subcharts.extend(other.subcharts);
        self.texts.extend(other.texts);
        if let (Some(made), true) = (other.made, depth > 0) {
            let own = self.made.get_or_insert_default();
            for (key, places) in made {
                own.entry(key).or_default().join_to(places, depth - 1);
            }
        }
    }

    /// Whether it could be so much that it is no use to go on.
    pub(crate) fn is_wide(&self) -> bool {
        self.values.len() + self.texts.len() > MAX_WIDTH
    }

    /// What is under a key, or under any.
    pub(crate) fn step(&self, key: Option<&str>) -> Self {
        let mut found = Self::default();
        for path in &self.values {
            let mut path = path.clone();
            if path.len() < MAX_LENGTH {
                path.push(key.unwrap_or(ANY).to_owned());
            }
            found.values.insert(path);
        }
        for (own, places) in self.made.iter().flat_map(|made| made.iter()) {
            if key.is_none_or(|key| own == key || own == ANY) {
                found.join(places.clone());
            }
        }
        found
    }
}
