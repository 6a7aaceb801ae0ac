//! The page `docs/cli.md`, generated from the definition of the arguments.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use crate::args::Arguments;

const HEAD: &str = "# Commands\n\n\
<!-- Generated from the definition of the arguments: `cargo run -p xtask -- docs` writes it anew. -->\n\n\
Data goes to stdout, everything else to stderr. Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 changes or\n\
findings pending, 4 timed out, 130 interrupted.\n";

const VARIABLES: &str = "\n## Environment variables\n\n\
| variable | meaning |\n|---|---|\n\
| `BOWLINE_CLUSTER` | name of the embedded cluster, as `--cluster` |\n\
| `BOWLINE_HELM_COMPAT` | which Helm charts are read and rendered as, `3` or `4`, as `--compat`; `bowline helm` takes the place of that Helm |\n\
| `BOWLINE_HOME` | folder for running clusters and their data stores; default `/var/lib/bowline` for root, else `$XDG_STATE_HOME/bowline`, else `~/.local/state/bowline` |\n\
| `BOWLINE_IDENTITY` | name by which the release lock knows this run; default user and host |\n\
| `BOWLINE_LOG` | filter for diagnostics on stderr, such as `debug` or `bowline_engine=trace` |\n\
| `KUBECONFIG` | kubeconfig files as kubectl reads them; set, it wins over a running embedded cluster |\n\
| `NO_COLOR` | set, nothing is coloured |\n";

/// The page's text.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut root = Arguments::command();
    root.build();
    let _ = writeln!(page, "\n## Every command\n");
    options(&mut page, root.get_arguments().filter(|argument| argument.is_global_set()));
    for command in root.get_subcommands() {
        section(&mut page, command, "bowline");
    }
    page + VARIABLES
}

fn section(page: &mut String, command: &Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name());
    if command.has_subcommands() {
        command.get_subcommands().for_each(|below| section(page, below, &name));
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n## {name}\n\n{about}.\n\n```text\n{name} [OPTIONS]");
    for positional in command.get_positionals() {
        let value = value_name(positional);
        let _ = if positional.is_required_set() { write!(page, " <{value}>") } else { write!(page, " [{value}]") };
    }
    let _ = writeln!(page, "\n```\n");
    options(page, command.get_arguments().filter(|argument| !argument.is_global_set()));
}

fn options<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let hidden = |argument: &&Arg| !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version");
    let _ = writeln!(page, "| argument | meaning |\n|---|---|");
    for argument in arguments.filter(hidden) {
        let value =
            if argument.get_action().takes_values() { format!(" {}", value_name(argument)) } else { String::new() };
        let long = argument.get_long().map(|long| format!("--{long}"));
        let name = match (argument.get_short(), long) {
            (Some(short), Some(long)) => format!("-{short}, {long}{value}"),
            (None, Some(long)) => format!("{long}{value}"),
            (Some(short), None) => format!("-{short}{value}"),
            (None, None) => value_name(argument),
        };
        let mut meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults = argument.get_default_values();
        if !defaults.is_empty() && !argument.is_hide_default_value_set() && argument.get_action().takes_values() {
            let defaults: Vec<String> = defaults.iter().map(|value| value.to_string_lossy().into_owned()).collect();
            let _ = write!(meaning, " [default: {}]", defaults.join(", "));
        }
        let possible = argument.get_possible_values();
        if !possible.is_empty() && argument.get_action().takes_values() {
            let words: Vec<&str> = possible.iter().map(clap::builder::PossibleValue::get_name).collect();
            let _ = write!(meaning, " [one of: {}]", words.join(", "));
        }
        let _ = writeln!(page, "| `{name}` | {} |", meaning.replace('|', "\\|"));
    }
}

fn value_name(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| argument.get_id().as_str().to_uppercase(), ToString::to_string)
}
