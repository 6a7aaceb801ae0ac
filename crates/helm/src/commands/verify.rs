//! `helm verify`

use std::path::Path;

use crate::arguments::Arguments;
use crate::chart_source::now;
use crate::command::Command;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm verify`
pub(crate) static VERIFY: Command = Command {
    usage: "verify PATH",
    short: "verify that a chart at the given path has been signed and is valid",
    long: "
Verify that the given chart has a valid provenance file.

Provenance files provide cryptographic verification that a chart has not been
tampered with, and was packaged by a trusted provider.

This command can be used to verify a local chart. Several other commands provide
'--verify' flags that run the same validation. To generate a signed package, use
the 'helm package --sign' command.
",
    flags: &[&[Flag::text("keyring", "keyring containing public keys").setting(|_| crate::place::keyring())]],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let archive = &invocation.arguments()[0];
    let keyring = invocation.text("keyring");
    let provenance = format!("{archive}.prov");
    let found = bowline_registry::verify(Path::new(archive), Path::new(&provenance), Path::new(&keyring), now())?;
    console::data(&found.report());
    Ok(())
}
