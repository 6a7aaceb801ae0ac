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
    /// Bytes at the start of the pattern that stand for themselves: most names differ in those.
    literal: usize,
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
        let literal = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
        self.rules.push(Rule { pattern: pattern.to_owned(), negated, directories_only, name_only, literal });
        Ok(())
    }

    /// Whether a path, relative to the chart, is left out. A negated rule leaves out what it does *not* match.
    pub(crate) fn ignores(&self, path: &str, directory: bool) -> bool {
        let last = path.rsplit('/').next().unwrap_or(path);
        self.rules.iter().any(|rule| {
            let matches = || rule.matches(if rule.name_only { last } else { path });
            match (rule.negated, rule.directories_only && !directory) {
                (true, wrong_type) => wrong_type || !matches(),
                (false, wrong_type) => !wrong_type && matches(),
            }
        })
    }
}

impl Rule {
    fn matches(&self, name: &str) -> bool {
        let (literal, rest) = self.pattern.split_at(self.literal);
        match (name.strip_prefix(literal), rest) {
            (None, _) => false,
            (Some(name), "") => name.is_empty(),
            // `*.swp`: whatever has no slash and ends like that.
            (Some(name), _) if rest.starts_with('*') && !rest[1..].contains(['*', '?', '[', '\\']) => {
                name.strip_suffix(&rest[1..]).is_some_and(|starred| !starred.contains('/'))
            }
            (Some(name), _) => glob_match(rest, name).unwrap_or(false),
        }
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

    #[test]
    fn shortcuts_match_what_the_pattern_matches() {
        let patterns = [
            "a", "*", "*.a", "a*", "a*b", "a.?", "*a*", "[a]*", "\\a", "a\\*", "a[", "*[", "a/*", "a/*.b", "?", "*/",
            "a*[a]",
        ];
        let names = [
            "", "a", "b", ".a", "x.a", "x/.a", "ab", "a/b", "axb", "a*", "a.b", "a/x.b", "a/x/y.b", "a[", "ä", "aä.a",
            "aa",
        ];
        for pattern in patterns {
            let literal = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
            let rule =
                Rule { pattern: pattern.into(), negated: false, directories_only: false, name_only: false, literal };
            for name in names {
                assert_eq!(rule.matches(name), glob_match(pattern, name).unwrap_or(false), "{pattern} {name}");
            }
        }
    }
}
