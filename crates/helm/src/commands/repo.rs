//! `helm repo`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::{NOT_YET, OUTPUT_FORMAT};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm repo`
pub(crate) static REPO: Command = Command {
    usage: "repo add|remove|list|index|update [ARGS]",
    short: "add, list, remove, update, and index chart repositories",
    long: "
This command consists of multiple subcommands to interact with chart repositories.

It can be used to add, remove, list, and index chart repositories.
",
    arguments: Arguments::None,
    subcommands: &[&ADD, &LIST, &REMOVE, &INDEX, &UPDATE],
    ..Command::NEW
};

/// `helm repo add`
pub(crate) static ADD: Command = Command {
    usage: "add [NAME] [URL]",
    short: "add a chart repository",
    long: "add a chart repository
",
    flags: &[&[
        Flag::bool(
            "allow-deprecated-repos",
            "by default, this command will not allow adding official repos that have been permanently deleted. This disables that behavior",
        ),
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("force-update", "replace (overwrite) the repo if it already exists"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the repository"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::bool("pass-credentials", "pass credentials to all domains"),
        Flag::text("password", "chart repository password"),
        Flag::bool("password-stdin", "read chart repository password from stdin"),
        Flag::duration("timeout", "time to wait for the index file download to complete").default("2m0s"),
        Flag::text("username", "chart repository username"),
    ]],
    arguments: Arguments::Exactly(2),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm repo list`
pub(crate) static LIST: Command = Command {
    usage: "list",
    aliases: &["ls"],
    short: "list chart repositories",
    long: "list chart repositories
",
    flags: &[&[
        Flag::bool("no-headers", "suppress headers in the output"),
        Flag::of(
            "output",
            OUTPUT_FORMAT,
            "prints the output in the specified format. Allowed values: table, json, yaml",
        )
        .short('o')
        .default("table"),
    ]],
    arguments: Arguments::None,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm repo remove`
pub(crate) static REMOVE: Command = Command {
    usage: "remove [REPO1 [REPO2 ...]]",
    aliases: &["rm"],
    short: "remove one or more chart repositories",
    long: "remove one or more chart repositories
",
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm repo index`
pub(crate) static INDEX: Command = Command {
    usage: "index [DIR]",
    short: "generate an index file given a directory containing packaged charts",
    long: "
Read the current directory, generate an index file based on the charts found
and write the result to 'index.yaml' in the current directory.

This tool is used for creating an 'index.yaml' file for a chart repository. To
set an absolute URL to the charts, use '--url' flag.

To merge the generated index with an existing index file, use the '--merge'
flag. In this case, the charts found in the current directory will be merged
into the index passed in with --merge, with local charts taking priority over
existing charts.
",
    flags: &[&[
        Flag::bool("json", "output in JSON format"),
        Flag::text("merge", "merge the generated index into the given index"),
        Flag::text("url", "url of chart repository"),
    ]],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm repo update`
pub(crate) static UPDATE: Command = Command {
    usage: "update [REPO1 [REPO2 ...]]",
    aliases: &["up"],
    short: "update information of available charts locally from chart repositories",
    long: "
Update gets the latest information about charts from the respective chart repositories.
Information is cached locally, where it is used by commands like 'helm search'.

You can optionally specify a list of repositories you want to update.
	$ helm repo update <repo_name> ...
To update all the repositories, use 'helm repo update'.
",
    flags: &[&[Flag::duration("timeout", "time to wait for the index file download to complete").default("2m0s")]],
    arguments: Arguments::Any,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
