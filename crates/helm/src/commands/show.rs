//! `helm show`

mod jsonpath;

use crate::arguments::Arguments;
use crate::chart;
use crate::command::Command;
use crate::commands::CHART_FLAGS;
use crate::console;
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
    ..Command::NEW
};

/// Names of files that are a readme, whatever their case.
const READMES: [&str; 3] = ["readme.md", "readme.txt", "readme"];

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let Some(reference) = invocation.arguments().first() else { return Ok(()) };
    chart::check_tls(invocation)?;
    let path = chart::locate(invocation, reference, &invocation.text("repo"))?;
    // Here Helm does not ask which version of the chart format it is.
    let chart = chart::load_plain(&path, invocation.settings.compat)?;
    let wanted = invocation.path.last().map_or("all", |command| command.name());
    let all = wanted == "all";
    let mut out = String::new();
    if all || wanted == "chart" {
        line(&mut out, &bowline_registry::chart_yaml(&chart.metadata).map_err(Failure::of)?);
    }
    if (all || wanted == "values")
        && let Some(values) = &chart.values_text
    {
        if all {
            line(&mut out, "---");
        }
        let template = if all { String::new() } else { invocation.text("jsonpath") };
        if template.is_empty() {
            line(&mut out, values);
        } else {
            out.push_str(&jsonpath::print(&template, &chart.values)?);
        }
    }
    if all || wanted == "readme" {
        let is_readme = |file: &&bowline_chart::File| READMES.iter().any(|name| file.name.eq_ignore_ascii_case(name));
        if let Some(readme) = chart.files.iter().find(is_readme) {
            if all {
                line(&mut out, "---");
            }
            line(&mut out, &readme.text());
        }
    }
    if all || wanted == "crds" {
        let is_helm3 = chart.compat.is_helm3();
        for (at, crd) in chart.crds(chart.name()).iter().enumerate() {
            let text = crd.file.text();
            // Helm 3 parts them from what comes before them, but not from each other.
            if !text.starts_with("---") && !(is_helm3 && (at > 0 || !all)) {
                line(&mut out, "---");
            }
            line(&mut out, &text);
        }
    }
    console::data(&out);
    Ok(())
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
