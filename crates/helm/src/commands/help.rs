//! `helm help`

use bowline_yaml::quote;

use crate::command::Command;
use crate::commands::root;
use crate::console;
use crate::failure::Failure;
use crate::find::{find, words};
use crate::invocation::Invocation;
use crate::usage;

/// `helm help`
pub(crate) static HELP: Command = Command {
    usage: "help [command]",
    short: "Help about any command",
    long: "Help provides help for any command in the application.
Simply type helm help [path to command] for full details.",
    run: Some(run),
    never_suggested: true,
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let asked = invocation.arguments();
    let (path, rest) = find(root(invocation.settings.compat), asked);
    if path.len() == 1 && !words(&path, &rest).is_empty() {
        let topics: Vec<String> = asked.iter().map(|topic| back_quoted(topic)).collect();
        console::error(&format!("Unknown help topic [{}]\n", topics.join(" ")));
        console::error(&usage::usage(&path, &invocation.settings, false));
    } else {
        console::data(&usage::help(&path, &invocation.settings));
    }
    Ok(())
}

/// Go's `%#q`.
fn back_quoted(text: &str) -> String {
    let plain = |c: char| c != '`' && c != '\u{feff}' && (c == '\t' || !c.is_control());
    if text.chars().all(plain) { format!("`{text}`") } else { quote(text) }
}
