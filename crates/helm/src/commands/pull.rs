//! `helm pull`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::{CHART_FLAGS, NOT_YET};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm pull`
pub(crate) static PULL: Command = Command {
    usage: "pull [chart URL | repo/chartname] [...]",
    aliases: &["fetch"],
    short: "download a chart from a repository and (optionally) unpack it in local directory",
    long: "
Retrieve a package from a package repository, and download it locally.

This is useful for fetching packages to inspect, modify, or repackage. It can
also be used to perform cryptographic verification of a chart without installing
the chart.

There are options for unpacking the chart after download. This will create a
directory for the chart and uncompress into that directory.

If the --verify flag is specified, the requested chart MUST have a provenance
file, and MUST pass the verification process. Failure in any part of this will
result in an error, and the chart will not be saved locally.
",
    flags: &[
        &[
            Flag::text(
                "destination",
                "location to write the chart. If this and untardir are specified, untardir is appended to this",
            )
            .short('d')
            .default("."),
            Flag::bool(
                "devel",
                "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored.",
            ),
            Flag::bool("prov", "fetch the provenance file, but don't perform verification"),
            Flag::bool("untar", "if set to true, will untar the chart after downloading it"),
            Flag::text(
                "untardir",
                "if untar is specified, this flag specifies the name of the directory into which the chart is expanded",
            )
            .default("."),
        ],
        CHART_FLAGS,
    ],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
