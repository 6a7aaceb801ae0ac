//! `helm lint`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::NOT_YET;
use crate::commands::VALUE_FLAGS;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm lint`
pub(crate) static LINT: Command = Command {
    usage: "lint PATH",
    short: "examine a chart for possible issues",
    long: "
This command takes a path to a chart and runs a series of tests to verify that
the chart is well-formed.

If the linter encounters things that will cause the chart to fail installation,
it will emit [ERROR] messages. If it encounters issues that break with convention
or recommendation, it will emit [WARNING] messages.
",
    flags: &[
        &[
            Flag::text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
            Flag::bool("quiet", "print only warnings and errors"),
            Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
            Flag::bool("strict", "fail on lint warnings"),
            Flag::bool("with-subcharts", "lint dependent charts"),
        ],
        VALUE_FLAGS,
    ],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
