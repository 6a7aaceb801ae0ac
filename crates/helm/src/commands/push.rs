//! `helm push`

use std::path::Path;

use crate::arguments::Arguments;
use crate::chart_source::{access, places, terminal};
use crate::command::Command;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm push`
pub(crate) static PUSH: Command = Command {
    usage: "push [chart] [remote]",
    short: "push a chart to remote",
    long: "
Upload a chart to a registry.

If the chart has an associated provenance file,
it will also be uploaded.
",
    flags: &[&[
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify registry client using this SSL certificate file"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart upload"),
        Flag::text("key-file", "identify registry client using this SSL key file"),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart upload"),
        Flag::text("username", "chart repository username where to locate the requested chart"),
    ]],
    arguments: Arguments::AtLeast(2),
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let [archive, remote, ..] = invocation.arguments() else { return Ok(()) };
    let client = access(invocation, false).registry_client(&places(&invocation.settings));
    let client = client.map_err(|error| Failure::new(format!("missing registry client: {error}")))?;
    Ok(bowline_registry::push(Path::new(archive), remote, &client, &terminal(invocation))?)
}
