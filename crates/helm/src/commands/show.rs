//! `helm show`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::{CHART_FLAGS, NOT_YET};
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm show`
pub(crate) static SHOW: Command = Command {
    usage: "show",
    aliases: &["inspect"],
    short: "show information of a chart",
    long: "
This command consists of multiple subcommands to display information about a chart
",
    arguments: Arguments::None,
    subcommands: &[&ALL, &README, &VALUES, &CHART, &CRDS],
    ..Command::NEW
};

/// `helm show all`
pub(crate) static ALL: Command = Command {
    usage: "all [CHART]",
    short: "show all information of the chart",
    long: "
This command inspects a chart (directory, file, or URL) and displays all its content
(values.yaml, Chart.yaml, README)
",
    flags: &[
        &[Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        )],
        CHART_FLAGS,
    ],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm show readme`
pub(crate) static README: Command = Command {
    usage: "readme [CHART]",
    short: "show the chart's README",
    long: "
This command inspects a chart (directory, file, or URL) and displays the contents
of the README file
",
    flags: &[
        &[Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        )],
        CHART_FLAGS,
    ],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm show values`
pub(crate) static VALUES: Command = Command {
    usage: "values [CHART]",
    short: "show the chart's values",
    long: "
This command inspects a chart (directory, file, or URL) and displays the contents
of the values.yaml file
",
    flags: &[
        &[
            Flag::bool(
                "devel",
                "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
            ),
            Flag::text("jsonpath", "supply a JSONPath expression to filter the output"),
        ],
        CHART_FLAGS,
    ],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm show chart`
pub(crate) static CHART: Command = Command {
    usage: "chart [CHART]",
    short: "show the chart's definition",
    long: "
This command inspects a chart (directory, file, or URL) and displays the contents
of the Chart.yaml file
",
    flags: &[
        &[Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        )],
        CHART_FLAGS,
    ],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm show crds`
pub(crate) static CRDS: Command = Command {
    usage: "crds [CHART]",
    short: "show the chart's CRDs",
    long: "
This command inspects a chart (directory, file, or URL) and displays the contents
of the CustomResourceDefinition files
",
    flags: &[
        &[Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        )],
        CHART_FLAGS,
    ],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
