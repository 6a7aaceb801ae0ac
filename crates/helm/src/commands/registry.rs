//! `helm registry`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::NOT_YET;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm registry`
pub(crate) static REGISTRY: Command = Command {
    usage: "registry",
    short: "login to or logout from a registry",
    long: "
This command consists of multiple subcommands to interact with registries.
",
    arguments: Arguments::Any,
    subcommands: &[&LOGIN, &LOGOUT],
    ..Command::NEW
};

/// `helm registry login`
pub(crate) static LOGIN: Command = Command {
    usage: "login [host]",
    short: "login to a registry",
    long: r#"
Authenticate to a remote registry.

For example for Github Container Registry:

    echo "$GITHUB_TOKEN" | helm registry login ghcr.io -u $GITHUB_USER --password-stdin
"#,
    flags: &[&[
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify registry client using this SSL certificate file"),
        Flag::bool("insecure", "allow connections to TLS registry without certs"),
        Flag::text("key-file", "identify registry client using this SSL key file"),
        Flag::text("password", "registry password or identity token").short('p'),
        Flag::bool("password-stdin", "read password or identity token from stdin"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart upload"),
        Flag::text("username", "registry username").short('u'),
    ]],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm registry logout`
pub(crate) static LOGOUT: Command = Command {
    usage: "logout [host]",
    short: "logout from a registry",
    long: "
Remove credentials stored for a remote registry.
",
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
