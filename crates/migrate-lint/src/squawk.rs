//! squawk's rules on a text.

use std::collections::BTreeSet;
use std::ops::Range;

use squawk_linter::{Linter, Rule, Violation};
use squawk_syntax::{Parse, SourceFile};

use crate::finding::Severity;

/// Rules about what is taken from old code: [`crate::Phase`] knows more of that.
pub(crate) const CONTRACT: [&str; 16] = [
    "ban-drop-column",
    "ban-drop-table",
    "ban-drop-view",
    "ban-drop-function",
    "ban-drop-type",
    "ban-drop-schema",
    "ban-drop-sequence",
    "ban-drop-domain",
    "ban-drop-extension",
    "ban-drop-default",
    "ban-drop-not-null",
    "ban-drop-constraint",
    "ban-set-schema",
    "renaming-column",
    "renaming-table",
    "renaming-object",
];

/// Rules about locks and rewrites: they do not matter for tables that nobody uses yet.
pub(crate) const LOCKS: [&str; 9] = [
    "require-concurrent-index-creation",
    "constraint-missing-not-valid",
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "changing-column-type",
    "adding-not-nullable-field",
    "adding-serial-primary-key-field",
    "disallowed-unique-constraint",
    "adding-required-field",
];

/// What is looked at in the way back: only what may stop the application, or cannot run.
const BACK: [&str; 6] = [
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "ban-concurrent-index-creation-in-transaction",
    "transaction-nesting",
    "changing-column-type",
    "ban-truncate-cascade",
];

/// The runner sets both timeouts itself, so that a file need not.
pub(crate) const TIMEOUTS: [&str; 2] = ["require-lock-timeout", "require-statement-timeout"];

/// What squawk found.
pub(crate) struct Found {
    pub(crate) rule: String,
    pub(crate) severity: Severity,
    pub(crate) range: Range<usize>,
    pub(crate) reason: String,
    pub(crate) rewrite: Option<String>,
}

/// How a text is to be looked at.
pub(crate) struct Look<'a> {
    pub(crate) transaction: bool,
    pub(crate) back: bool,
    /// `15`, `16.2`
    pub(crate) postgres: Option<&'a str>,
    pub(crate) exclude: &'a BTreeSet<String>,
    pub(crate) include: &'a BTreeSet<String>,
}

/// The names of all rules.
pub(crate) fn known(name: &str) -> bool {
    Rule::try_from(name).is_ok()
}

pub(crate) fn look(parse: &Parse<SourceFile>, text: &str, how: &Look<'_>) -> Vec<Found> {
    let include: Vec<Rule> = how.include.iter().filter_map(|name| Rule::try_from(name.as_str()).ok()).collect();
    let left_out = how.exclude.iter().map(String::as_str).chain(TIMEOUTS);
    let exclude: Vec<Rule> = left_out
        .filter(|name| !how.include.contains(*name))
        .filter_map(|name| Rule::try_from(name).ok())
        .chain([Rule::UnusedIgnore])
        .collect();
    let mut linter = Linter::with_rules(&include, &exclude);
    linter.settings.assume_in_transaction = how.transaction;
    if let Some(version) = how.postgres.and_then(|version| version.parse().ok()) {
        linter.settings.pg_version = version;
    }
    let violations = linter.lint(parse, text);
    let wanted = |found: &Found| !how.back || BACK.contains(&found.rule.as_str());
    violations.into_iter().map(|violation| found(violation, text)).filter(wanted).collect()
}

fn found(violation: Violation, text: &str) -> Found {
    let range = usize::from(violation.text_range.start())..usize::from(violation.text_range.end());
    let rule = violation.code.to_string();
    let fixed = violation.fix.and_then(|fix| {
        let mut edits = fix.edits;
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.text_range.start()));
        let first = edits.iter().map(|edit| usize::from(edit.text_range.start())).min()?.min(range.start);
        let last = edits.iter().map(|edit| usize::from(edit.text_range.end())).max()?.max(range.end);
        let mut whole = text.get(first..last)?.to_owned();
        for edit in edits {
            let at = usize::from(edit.text_range.start()).checked_sub(first)?
                ..usize::from(edit.text_range.end()).checked_sub(first)?;
            whole.get(at.clone())?;
            whole.replace_range(at, edit.text.as_deref().unwrap_or_default());
        }
        Some(whole.trim().to_owned())
    });
    let rewrite = match (fixed, violation.help) {
        (Some(fixed), Some(help)) => Some(format!("{help}\n{fixed}")),
        (fixed, help) => fixed.or(help),
    };
    Found { severity: severity(&rule), rule, range, reason: violation.message, rewrite }
}

fn severity(rule: &str) -> Severity {
    match rule {
        "ban-concurrent-index-creation-in-transaction"
        | "adding-required-field"
        | "ban-drop-database"
        | "ban-truncate-cascade"
        | "transaction-nesting"
        | "ban-uncommitted-transaction"
        | "ban-duplicate-column-assignments" => Severity::Error,
        "ban-char-field" | "identifier-too-long" | "require-table-schema" | "require-enum-value-ordering" => {
            Severity::Hint
        }
        rule if rule.starts_with("prefer-") => Severity::Hint,
        _ => Severity::Warning,
    }
}
