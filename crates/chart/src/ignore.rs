//! `.helmignore`.

use crate::glob::{BadPattern, glob_match};

/// The rules of one chart.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Without `!` before and `/` behind.
    pattern: String,
    negated: bool,
    directories_only: bool,
    /// Matched against the last part of a path alone.
    name_only: bool,
}

impl Rules {
    /// Reads a file, and adds the rule that every chart has: no dot files in `templates/`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines().chain(["templates/.?*"]) {
            rules.add(line.trim())?;
        }
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        glob_match(line, "abc").map_err(|fault: BadPattern| fault.to_string())?;
        let (negated, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (directories_only, pattern) = pattern.strip_suffix('/').map_or((false, pattern), |rest| (true, rest));
        let (rooted, pattern) = pattern.strip_prefix('/').map_or((false, pattern), |rest| (true, rest));
        let name_only = !rooted && !pattern.contains('/');
        self.rules.push(Rule { pattern: pattern.to_owned(), negated, directories_only, name_only });
        Ok(())
    }

    /// Whether a path, relative to the chart, is left out. A negated rule leaves out what it does *not* match.
    pub(crate) fn ignores(&self, path: &str, directory: bool) -> bool {
        self.rules.iter().any(|rule| {
            let name = if rule.name_only { path.rsplit('/').next().unwrap_or(path) } else { path };
            let matches = || glob_match(&rule.pattern, name).unwrap_or(false);
            match (rule.negated, rule.directories_only && !directory) {
                (true, wrong_type) => wrong_type || !matches(),
                (false, wrong_type) => !wrong_type && matches(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_as_helm_does() {
        let rules = Rules::parse("# comment\n*.swp\nci/\n/root.txt\ndocs/*.md\n").unwrap();
        for (path, directory) in
            [("a/b.swp", false), ("x/ci", true), ("root.txt", false), ("docs/a.md", false), ("templates/.x", false)]
        {
            assert!(rules.ignores(path, directory), "{path}");
        }
        for (path, directory) in [("ci", false), ("a/root.txt", false), ("docs/a/b.md", false), ("templates/x", false)]
        {
            assert!(!rules.ignores(path, directory), "{path}");
        }
        assert!(Rules::parse("a/**").is_err());
    }
}
