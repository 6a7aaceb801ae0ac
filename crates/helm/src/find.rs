//! From words on the command line to a command of the tree, and what was probably meant where there is none.

use crate::command::Command;
use crate::flag::Flag;

/// How far a name may be from what was written to be suggested.
const SUGGESTION_DISTANCE: usize = 2;

/// The command that the arguments name, with those above it, and the arguments without its names.
pub(crate) fn find(root: &'static Command, arguments: &[String]) -> (Vec<&'static Command>, Vec<String>) {
    let mut path = vec![root];
    let mut rest = arguments.to_vec();
    loop {
        let Some(word) = words(&path, &rest).into_iter().next() else { return (path, rest) };
        let Some(&next) = path.last().and_then(|c| c.subcommands.iter().find(|sub| sub.is_called(&word))) else {
            return (path, rest);
        };
        rest = without_first(&path, rest, &word);
        path.push(next);
    }
}

/// The arguments that are neither flags nor values of flags that the command knows.
pub(crate) fn words(path: &[&'static Command], arguments: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(text) = rest.next() {
        if text == "--" {
            break;
        }
        if takes_next(path, text) {
            if rest.len() <= 1 {
                break;
            }
            rest.next();
        } else if !text.is_empty() && !text.starts_with('-') {
            words.push(text.clone());
        }
    }
    words
}

fn without_first(path: &[&'static Command], arguments: Vec<String>, word: &str) -> Vec<String> {
    let mut position = 0;
    while let Some(text) = arguments.get(position) {
        if text == "--" {
            break;
        }
        if takes_next(path, text) {
            position += 1;
        } else if text == word {
            let mut arguments = arguments;
            arguments.remove(position);
            return arguments;
        }
        position += 1;
    }
    arguments
}

/// A flag whose value is the next argument. Unknown flags are taken for such.
fn takes_next(path: &[&'static Command], text: &str) -> bool {
    if text.contains('=') {
        return false;
    }
    let bare = |flag: Option<&Flag>| flag.is_some_and(|flag| flag.bare.is_some());
    match text.strip_prefix("--") {
        Some(name) => !bare(flags_of(path).find(|flag| flag.name == name)),
        None if text.starts_with('-') && text.len() == 2 => {
            !bare(flags_of(path).find(|flag| flag.short == text.chars().nth(1)))
        }
        None => false,
    }
}

/// The flags that a command knows: the global ones and its own.
pub(crate) fn flags_of(path: &[&'static Command]) -> impl Iterator<Item = &'static Flag> {
    let own = path.last().filter(|_| path.len() > 1).into_iter().flat_map(|command| command.own_flags());
    path.first().into_iter().flat_map(|root| root.own_flags()).chain(own)
}

/// The paragraph that suggests commands, or nothing but the end of the line.
pub(crate) fn suggestions(parent: &Command, written: &str) -> String {
    let lower = written.to_lowercase();
    let close = |command: &Command| {
        let name = command.name();
        distance(&lower, name) <= SUGGESTION_DISTANCE || name.starts_with(&lower)
    };
    let mut names: Vec<&str> = Vec::new();
    for command in parent.subcommands.iter().filter(|c| c.is_available() && !c.never_suggested) {
        let asked_for = command.suggest_for.iter().any(|word| word.eq_ignore_ascii_case(written));
        names.extend(std::iter::repeat_n(command.name(), usize::from(close(command)) + usize::from(asked_for)));
    }
    if names.is_empty() {
        return String::new();
    }
    let lines: String = names.iter().map(|name| format!("\t{name}\n")).collect();
    format!("\n\nDid you mean this?\n{lines}")
}

/// Levenshtein's distance, by bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { corner } else { 1 + corner.min(above).min(row[j]) };
            corner = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::ROOT;

    fn arguments(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn flags_may_stand_before_the_command() {
        let (path, rest) = find(&ROOT, &arguments("--debug -n template show chart ./x"));
        assert_eq!(path.iter().map(|command| command.name()).collect::<Vec<_>>(), ["helm", "show", "chart"]);
        assert_eq!(rest, ["--debug", "-n", "template", "./x"]);
    }

    #[test]
    fn an_alias_names_its_command() {
        let (path, _) = find(&ROOT, &arguments("inspect values x"));
        assert_eq!(crate::command::command_path(&path), "helm show values");
    }

    #[test]
    fn what_is_near_is_suggested() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(suggestions(&ROOT, "lnt"), "\n\nDid you mean this?\n\tlint\n\tget\n\tlist\n\tenv\n");
    }
}
