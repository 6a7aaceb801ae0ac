//! The functions of `--name-template`: Sprig's, which know the environment, without those that Helm adds.

use bowline_chart::Compat;
use bowline_gotemplate::Function;
use bowline_render::functions::{Host, table};

/// What Helm adds to Sprig for templates of charts.
const HELM_ONLY: [&str; 13] = [
    "include",
    "tpl",
    "required",
    "lookup",
    "toYaml",
    "mustToYaml",
    "toYamlPretty",
    "fromYaml",
    "fromYamlArray",
    "toToml",
    "mustToToml",
    "fromToml",
    "fromJsonArray",
];

/// Sprig's functions.
pub(super) fn sprig() -> Vec<Function<Host>> {
    let durations = |name: &str| name.starts_with("duration") && name != "duration" && name != "durationRound";
    let mut table = table(Compat::default());
    table.retain(|function| !HELM_ONLY.contains(&function.name) && !durations(function.name));
    table.retain(|function| function.name != "mustToDuration");
    table
}
