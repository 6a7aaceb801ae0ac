//! `helm env`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::console;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// `helm env`
pub(crate) static ENV: Command = Command {
    usage: "env",
    short: "helm client environment information",
    long: "
Env prints out all the environment information in use by Helm.
",
    arguments: Arguments::AtMost(1),
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let variables = invocation.settings.variables();
    let text: String = match invocation.arguments().first() {
        Some(name) => format!("{}\n", variables.get(name.as_str()).map_or("", String::as_str)),
        None => variables.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect(),
    };
    console::data(&text);
    Ok(())
}
