use crate::finding::Finding;
use crate::lint::Look;
use crate::squawk::{CONTRACT, LOCKS};
use crate::statement::What;
use crate::{describe, rewrite};

/// squawk's rules, but for what Bowline's own say better, and what is about tables that nobody uses yet.
pub(super) fn rules(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for file in look.files.iter().filter(|file| !look.is_applied(file.migration)) {
        for text in file.up.iter().chain(&file.down) {
            for found in &text.squawk {
                let rule = found.rule.as_str();
                let change = text.change_at(&found.range);
                let table = change.and_then(|change| change.table.as_deref());
                let is_new = table.is_some_and(|table| look.is_new(file, table));
                let said_otherwise = CONTRACT.contains(&rule) || rule == "prefer-robust-stmts";
                // A primary key in a new table is for prefer-identity and the like.
                if said_otherwise || (is_new && LOCKS.contains(&rule)) {
                    continue;
                }
                let mut finding = file.finding(&text.part.path, found.range.start, rule, found.severity);
                finding.message = change.map_or_else(|| rule.replace('-', " "), describe::of);
                finding.reason.clone_from(&found.reason);
                let about_locks = LOCKS.contains(&rule) || rule.starts_with("require-concurrent");
                let own = change.filter(|change| about_locks && change.what != What::CreateTable).and_then(rewrite::of);
                finding.rewrite = own.or_else(|| found.rewrite.clone());
                findings.push(finding);
            }
        }
    }
}
