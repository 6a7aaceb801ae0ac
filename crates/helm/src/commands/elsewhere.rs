//! Commands of Helm that Bowline carries out with commands of its own: they are known, and say which.

use crate::command::Command;
use crate::failure::Failure;
use crate::invocation::Invocation;

const fn elsewhere(
    name: &'static str,
    aliases: &'static [&'static str],
    short: &'static str,
    instead: &'static str,
) -> Command {
    Command { usage: name, aliases, short, raw_arguments: true, run: Some(run), missing: Some(instead), ..Command::NEW }
}

pub(crate) static GET: Command = elsewhere(
    "get",
    &[],
    "download extended information of a named release",
    "`bowline status RELEASE` shows a release",
);
pub(crate) static HISTORY: Command =
    elsewhere("history", &["hist"], "fetch release history", "`bowline history RELEASE` does");
pub(crate) static INSTALL: Command = elsewhere("install", &[], "install a chart", "`bowline deploy CHART` does");
pub(crate) static LIST: Command = elsewhere("list", &["ls"], "list releases", "`bowline list` does");
pub(crate) static TEST: Command = elsewhere("test", &[], "run tests for a release", "it is not built yet");
pub(crate) static ROLLBACK: Command =
    elsewhere("rollback", &[], "roll back a release to a previous revision", "`bowline rollback RELEASE` does");
pub(crate) static STATUS: Command =
    elsewhere("status", &[], "display the status of the named release", "`bowline status RELEASE` does");
pub(crate) static UNINSTALL: Command = Command {
    suggest_for: &["remove", "rm"],
    ..elsewhere("uninstall", &["del", "delete", "un"], "uninstall a release", "`bowline uninstall RELEASE` does")
};
pub(crate) static UPGRADE: Command = elsewhere("upgrade", &[], "upgrade a release", "`bowline deploy CHART` does");
pub(crate) static PLUGIN: Command =
    elsewhere("plugin", &[], "install, list, or uninstall Helm plugins", "Bowline runs no plugins of Helm");

/// `missing` speaks before it.
fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    invocation.parsed.check_carried_out(invocation.path)
}
