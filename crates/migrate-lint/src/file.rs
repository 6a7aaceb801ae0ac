//! One migration, read: its changes forth and back, what it says of itself, what squawk finds in it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use bowline_migrate::tree::{Migration, MigrationTree, Part};
use squawk_syntax::SourceFile;

use crate::finding::{Finding, Severity, position};
use crate::lint::{LintOptions, Look, bare};
use crate::locks::{self, LockUse};
use crate::notes::Notes;
use crate::phase::Phase;
use crate::squawk::{self, Found};
use crate::statement::{Change, What, changes};

/// How deep a statement may be nested: the parser works recursively.
const NESTING: usize = 2500;

/// The stack that the parser gets for that.
const STACK: usize = 64 << 20;

/// The text that goes one way.
pub(crate) struct Text<'a> {
    pub(crate) part: &'a Part,
    pub(crate) changes: Vec<Change>,
    pub(crate) squawk: Vec<Found>,
    /// What the parser does not take, and where.
    pub(crate) errors: Vec<(String, usize)>,
}

/// A migration and what is known of it.
pub(crate) struct File<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) notes: Notes,
    pub(crate) up: Option<Text<'a>>,
    pub(crate) down: Option<Text<'a>>,
    /// Tables that it creates, without their schemas.
    pub(crate) creates: BTreeSet<String>,
    pub(crate) text: &'a str,
    tree: &'a MigrationTree,
}

impl<'a> File<'a> {
    pub(crate) fn of(tree: &'a MigrationTree, migration: &'a Migration, options: &LintOptions) -> Self {
        let text = tree.text(&migration.path);
        let up = migration.up.as_ref().map(|part| Text::of(tree, part, false, options));
        let down = migration.down.as_ref().map(|part| Text::of(tree, part, true, options));
        let created = up.iter().flat_map(|up| &up.changes).filter(|change| change.what == What::CreateTable);
        let creates = created.filter_map(|change| Some(bare(change.table.as_deref()?).to_owned())).collect();
        Self { migration, notes: Notes::of(text), up, down, creates, text, tree }
    }

    /// Its phase: as declared, else by what it does.
    pub(crate) fn phase(&self, look: &Look<'_>) -> Option<Phase> {
        self.notes.phase.map(|(phase, _)| phase).or_else(|| self.derived_phase(look))
    }

    /// Its phase by what it does to tables that are in use.
    pub(crate) fn derived_phase(&self, look: &Look<'_>) -> Option<Phase> {
        let up = self.up.as_ref()?;
        let phases = up.changes.iter().map(|change| match (Phase::of(change), &change.table) {
            (_, Some(table)) if look.is_new(self, table) => Phase::Expand,
            (phase, _) => phase,
        });
        Some(phases.max().unwrap_or(Phase::Neutral))
    }

    /// The changes that take something from code which does not know them.
    pub(crate) fn contracts<'s>(&'s self, look: &'s Look<'_>) -> impl Iterator<Item = &'s Change> {
        let is_used = |change: &&Change| change.table.as_deref().is_none_or(|table| !look.is_new(self, table));
        let changes = self.up.iter().flat_map(|up| &up.changes);
        changes.filter(|change| Phase::of(change) == Phase::Contract).filter(is_used)
    }

    /// A finding at a byte of a part's file.
    pub(crate) fn finding(&self, path: &Path, at: usize, rule: &str, severity: Severity) -> Finding {
        let (line, column) = position(self.tree.text(path), at);
        Finding {
            rule: rule.to_owned(),
            severity,
            file: path.to_owned(),
            line,
            column,
            message: String::new(),
            reason: String::new(),
            rewrite: None,
            also: Vec::new(),
        }
    }
}

impl<'a> Text<'a> {
    fn of(tree: &MigrationTree, part: &'a Part, back: bool, options: &LintOptions) -> Self {
        let text = tree.part_in_place(part);
        if let Some(at) = too_deep(&text) {
            let errors = vec![(format!("it is nested more than {NESTING} deep"), at)];
            return Self { part, changes: Vec::new(), squawk: Vec::new(), errors };
        }
        let how = squawk::Look {
            transaction: part.transaction,
            back,
            postgres: options.postgres.as_deref(),
            exclude: &options.exclude,
            include: &options.include,
        };
        stacker::grow(STACK, || {
            let parse = SourceFile::parse(&text);
            let errors = parse.errors();
            let errors = errors.iter().map(|e| (e.message().to_owned(), usize::from(e.range().start()))).collect();
            Self { part, changes: changes(&parse), squawk: squawk::look(&parse, &text, &how), errors }
        })
    }

    /// The locks of its changes, each table's strongest.
    pub(crate) fn locks(&self) -> impl Iterator<Item = LockUse> {
        let mut strongest: Vec<LockUse> = Vec::new();
        for lock in self.changes.iter().flat_map(|change| locks::of(change, self.rewrites(change))) {
            match strongest.iter_mut().find(|known| known.table == lock.table) {
                Some(known) => {
                    known.mode = known.mode.max(lock.mode);
                    known.work = known.work.max(lock.work);
                }
                None => strongest.push(lock),
            }
        }
        strongest.into_iter()
    }

    /// Whether a column's default is computed for each row, as squawk tells.
    pub(crate) fn rewrites(&self, change: &Change) -> bool {
        let is_it = |found: &&Found| found.rule == "adding-field-with-default" && overlap(&found.range, &change.range);
        self.squawk.iter().any(|found| is_it(&found))
    }

    /// The change that a range is about.
    pub(crate) fn change_at(&self, range: &Range<usize>) -> Option<&Change> {
        let inside = |change: &&Change| overlap(&change.range, range);
        self.changes.iter().filter(inside).min_by_key(|change| change.range.start.abs_diff(range.start))
    }
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The byte from which on a text is nested too deep for a parser that works recursively: parentheses in parentheses, and
/// chains of operators, which make a tree as deep as they are long. Commas and semicolons end a chain.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut chains = vec![0_usize];
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let skip = |end: &[u8], from: usize| {
            let rest = bytes.get(from..).unwrap_or_default();
            rest.windows(end.len())
                .position(|window| window == end)
                .map_or(bytes.len(), |found| from + found + end.len())
        };
        match byte {
            b'\'' => at = skip(b"'", at + 1),
            b'-' if rest.starts_with(b"--") => at = skip(b"\n", at),
            b'(' | b'[' => {
                chains.push(1);
                depth += 1;
                at += 1;
            }
            b')' | b']' | b',' | b';' => {
                let closes = matches!(byte, b')' | b']') && chains.len() > 1;
                let ended = if closes { chains.pop() } else { chains.last_mut().map(std::mem::take) };
                depth -= ended.unwrap_or_default();
                at += 1;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let word =
                    rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || !b.is_ascii()).count();
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
                depth += 1;
                at += word.max(1);
            }
        }
        if depth > NESTING {
            return Some(at.min(text.len()));
        }
    }
    None
}
