//! The help of a command, as cobra and pflag lay it out.

use crate::command::{Command, command_path};
use crate::flag::Flag;
use crate::settings::Settings;

/// Names of commands are at least that wide in lists.
const NAME_WIDTH: usize = 11;

/// What `--help` prints.
pub(crate) fn help(path: &[&'static Command], settings: &Settings) -> String {
    let Some(command) = path.last() else { return String::new() };
    let long = if command.long.is_empty() { command.short } else { command.long };
    let mut out = String::new();
    let long = long.trim_end();
    if !long.is_empty() {
        out.push_str(long);
        out.push_str("\n\n");
    }
    out.push_str(&usage(path, settings, true));
    out
}

/// The part that begins with `Usage:`. Without `with_help` it is what cobra knows before a command was called.
pub(crate) fn usage(path: &[&'static Command], settings: &Settings, with_help: bool) -> String {
    let Some(command) = path.last() else { return String::new() };
    let name = command_path(path);
    let mut out = "Usage:".to_owned();
    if command.run.is_some() {
        out.push_str(&format!("\n  {}", use_line(path)));
    }
    let mut listed: Vec<&&Command> = command.subcommands.iter().filter(|sub| sub.is_available()).collect();
    if !listed.is_empty() {
        out.push_str(&format!("\n  {name} [command]"));
    }
    if !command.aliases.is_empty() {
        let names: Vec<&str> = std::iter::once(command.name()).chain(command.aliases.iter().copied()).collect();
        out.push_str(&format!("\n\nAliases:\n  {}", names.join(", ")));
    }
    if !listed.is_empty() {
        out.push_str("\n\nAvailable Commands:");
        listed.sort_by_key(|sub| sub.name());
        for sub in &listed {
            out.push_str(&format!("\n  {:<width$} {}", sub.name(), sub.short, width = NAME_WIDTH));
        }
    }
    let help_text = format!("help for {}", command.name());
    let mut own: Vec<Line<'_>> =
        command.own_flags().filter(|flag| !flag.hidden).map(|f| Line::of(f, settings)).collect();
    if with_help {
        own.push(Line { name: "help", text: "  -h, --help".to_owned(), usage: help_text });
    }
    if !own.is_empty() {
        out.push_str(&format!("\n\nFlags:\n{}", lines(own).trim_end()));
    }
    if path.len() > 1 {
        let global = path[0].own_flags().filter(|flag| !flag.hidden).map(|flag| Line::of(flag, settings)).collect();
        out.push_str(&format!("\n\nGlobal Flags:\n{}", lines(global).trim_end()));
    }
    if !listed.is_empty() {
        out.push_str(&format!("\n\nUse \"{name} [command] --help\" for more information about a command."));
    }
    out.push('\n');
    out
}

/// `helm template [NAME] [CHART] [flags]`
pub(crate) fn use_line(path: &[&Command]) -> String {
    let Some((command, parents)) = path.split_last() else { return String::new() };
    let mut line = command_path(parents);
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(command.usage);
    if !line.contains("[flags]") {
        line.push_str(" [flags]");
    }
    line
}

/// The line of a flag, before the columns are set.
struct Line<'a> {
    name: &'a str,
    text: String,
    usage: String,
}

impl<'a> Line<'a> {
    fn of(flag: &'a Flag, settings: &Settings) -> Self {
        let mut text = match flag.short {
            Some(letter) => format!("  -{letter}, --{}", flag.name),
            None => format!("      --{}", flag.name),
        };
        let kind = flag.type_name();
        if !kind.is_empty() {
            text.push_str(&format!(" {kind}"));
        }
        match flag.bare {
            Some(bare) if kind == "string" => text.push_str(&format!("[=\"{bare}\"]")),
            Some(bare) if !kind.is_empty() => text.push_str(&format!("[={bare}]")),
            _ => {}
        }
        let mut usage = flag.usage.to_owned();
        let default = flag.default_text(settings);
        if !flag.is_zero(&default) {
            let default = if kind == "string" { bowline_yaml::quote(&default) } else { default };
            usage.push_str(&format!(" (default {default})"));
        }
        Self { name: flag.name, text, usage }
    }
}

/// All lines, sorted by name, the texts below each other.
fn lines(mut lines: Vec<Line<'_>>) -> String {
    lines.sort_by_key(|line| line.name);
    let width = lines.iter().map(|line| line.text.len()).max().unwrap_or(0);
    lines.iter().map(|line| format!("{:<width$}   {}\n", line.text, line.usage)).collect()
}
