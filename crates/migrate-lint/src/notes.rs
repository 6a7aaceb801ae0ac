//! What a file says to the linter: comments that begin with `-- bowline:`.

use std::collections::BTreeSet;

use crate::phase::Phase;

/// What the comments of a file declare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// `-- bowline:phase contract`, and where that stands.
    pub(crate) phase: Option<(Phase, usize)>,
    /// `-- bowline:after 7`: the versions whose code no longer needs what this one takes away.
    pub(crate) after: Vec<String>,
    /// `-- bowline:irreversible REASON`
    pub(crate) irreversible: bool,
    /// `-- bowline:ignore RULE, RULE`: for the whole file.
    pub(crate) ignored: BTreeSet<String>,
    /// Comments that say nothing known, and where they stand.
    pub(crate) unknown: Vec<(String, usize)>,
}

impl Notes {
    pub(crate) fn of(text: &str) -> Self {
        let mut notes = Self::default();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let place = at + (line.len() - line.trim_start().len());
            at += line.len();
            let said = line.trim().strip_prefix("--").and_then(|rest| rest.trim_start().strip_prefix("bowline:"));
            let Some(said) = said else { continue };
            let (word, rest) = said.trim().split_once(char::is_whitespace).unwrap_or((said.trim(), ""));
            let rest = rest.trim();
            let listed = || rest.split([',', ' ']).filter(|item| !item.is_empty()).map(str::to_owned);
            match (word, rest.parse()) {
                ("phase", Ok(phase)) => notes.phase = Some((phase, place)),
                ("after", _) if !rest.is_empty() => notes.after.extend(listed()),
                ("irreversible", _) => notes.irreversible = true,
                ("ignore", _) if !rest.is_empty() => notes.ignored.extend(listed()),
                _ => notes.unknown.push((said.trim().to_owned(), place)),
            }
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read() {
        let text = "-- bowline:phase contract\n  --bowline:after 3, 4\n-- bowline:irreversible data is gone\n\
                    -- bowline:ignore missing-down\n-- bowline:fase x\n-- about bowline: nothing\n";
        let notes = Notes::of(text);
        assert_eq!(notes.phase, Some((Phase::Contract, 0)));
        assert_eq!(notes.after, ["3", "4"]);
        assert!(notes.irreversible && notes.ignored.contains("missing-down"));
        assert_eq!(notes.unknown.len(), 1);
        assert_eq!(notes.unknown[0].0, "fase x");
    }
}
