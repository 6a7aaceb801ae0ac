//! `helm package`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::NOT_YET;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm package`
pub(crate) static PACKAGE: Command = Command {
    usage: "package [CHART_PATH] [...]",
    short: "package a chart directory into a chart archive",
    long: "
This command packages a chart into a versioned chart archive file. If a path
is given, this will look at that path for a chart (which must contain a
Chart.yaml file) and then package that directory.

Versioned chart archives are used by Helm package repositories.

To sign a chart, use the '--sign' flag. In most cases, you should also
provide '--keyring path/to/secret/keys' and '--key keyname'.

  $ helm package --sign ./mychart --key mykey --keyring ~/.gnupg/secring.gpg

If '--keyring' is not specified, Helm usually defaults to the public keyring
unless your environment is otherwise configured.
",
    flags: &[&[
        Flag::text("app-version", "set the appVersion on the chart to this version"),
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("dependency-update", "update dependencies from \"Chart.yaml\" to dir \"charts/\" before packaging")
            .short('u'),
        Flag::text("destination", "location to write the chart.").short('d').default("."),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
        Flag::text("key", "name of the key to use when signing. Used if --sign is true"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::text("keyring", "location of a public keyring").setting(|_| crate::place::keyring()),
        Flag::text(
            "passphrase-file",
            "location of a file which contains the passphrase for the signing key. Use \"-\" in order to read from stdin.",
        ),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
        Flag::bool("sign", "use a PGP private key to sign this package"),
        Flag::text("username", "chart repository username where to locate the requested chart"),
        Flag::text("version", "set the version on the chart to this semver version"),
    ]],
    arguments: Arguments::Any,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
