//! `--diff`: what differs from a revision in the cluster or from a file.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use bowline_manifest::{Change, Difference, Hook, Manifest, ManifestSet, Source, to_json};
use owo_colors::OwoColorize;
use serde_json::json;

use crate::application::Application;
use crate::args::{self, TemplateOutput};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::report;
use crate::target::Target;

/// Prints in what the rendering differs from `old`, a file or the number of a revision.
pub(super) fn run(
    set: &ManifestSet,
    old: &str,
    application: &Application,
    arguments: &args::Template,
    cluster: &str,
    printer: Printer,
) -> Result<Exit, Failure> {
    let mut before = match old.parse::<u32>() {
        Ok(revision) if !Path::new(old).exists() => crate::wait(released(application, arguments, cluster, revision))?,
        _ => of_file(Path::new(old))?,
    };
    if arguments.no_hooks {
        before.hooks.clear();
        before.manifests.retain(|manifest| manifest.hook.is_none());
    }
    let differences = set.differences_from(&before, &application.namespace);
    match arguments.output {
        TemplateOutput::Text => printer.data(&text(&differences)),
        TemplateOutput::Name => {
            let name = |d: &Difference| format!("{} {}\n", d.change.sign(), d.key);
            printer.data(&differences.iter().map(name).collect::<String>());
        }
        TemplateOutput::Json | TemplateOutput::Yaml => {
            let all: Vec<serde_json::Value> = differences.iter().map(entry).collect();
            if arguments.output == TemplateOutput::Json {
                printer.json(&all);
            } else {
                let all = bowline_manifest::json_to_value(&serde_json::Value::Array(all));
                // A value of JSON always has a text.
                printer.data(&bowline_yaml::emit(&all).unwrap_or_default());
            }
        }
    }
    Ok(if differences.is_empty() { Exit::Ok } else { Exit::Pending })
}

/// What a revision of the release deployed.
async fn released(
    application: &Application,
    arguments: &args::Template,
    cluster: &str,
    revision: u32,
) -> Result<ManifestSet, Failure> {
    let target = Target::connect(&arguments.target, cluster).await?;
    let (name, namespace) = (&application.name, &application.namespace);
    let doing = || format!("read revision {revision} of release {name} in {namespace} on {}", target.title);
    let found = target.releases(namespace).get(name, revision).await;
    let found = found.map_err(|error| Failure::because(Exit::Failed, doing(), &error))?;
    let Some(release) = found else {
        return Err(Failure::new(Exit::Failed, format!("{}: there is none", doing()))
            .hint(format!("bowline history {name} --namespace {namespace}")));
    };
    bowline_engine::stored_manifests(&release).map_err(|error| Failure::because(Exit::Failed, doing(), &error))
}

/// The objects of a file of manifests.
fn of_file(path: &Path) -> Result<ManifestSet, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::because(Exit::Usage, format!("read {shown}, to compare with"), &error)
            .hint("--diff FILE names a file of manifests, --diff NUMBER a revision of the release")
    })?;
    let nodes = bowline_yaml::parse(&text).map_err(|error| {
        let line = text.lines().nth((error.line as usize).saturating_sub(1)).map(str::to_owned);
        Failure::because(Exit::Usage, format!("read {shown}, to compare with"), &error).details(report::of_place(
            &shown.to_string(),
            error.line,
            error.column,
            line,
        ))
    })?;
    let manifests = nodes.into_iter().filter(|node| !node.is_null()).map(|node| {
        let object = to_json(&node);
        let source =
            Source { chart: String::new(), template: shown.to_string(), lines: Arc::from([node.span.start.line]) };
        Manifest { text: Arc::from(""), hook: Hook::of(&object), object, node: Arc::new(node), source }
    });
    Ok(ManifestSet { manifests: manifests.collect(), ..ManifestSet::default() })
}

fn text(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        let heading = format!("{} {} in {}", difference.change.sign(), difference.key, difference.key.namespace);
        let _ = writeln!(text, "{}  ({})", heading.bold(), place(difference));
        for line in difference.text.lines() {
            let _ = match line.as_bytes().first() {
                Some(b'+') => writeln!(text, "{}", line.green()),
                Some(b'-') => writeln!(text, "{}", line.red()),
                Some(b'@') => writeln!(text, "{}", line.cyan()),
                _ => writeln!(text, "{line}"),
            };
        }
        text.push('\n');
    }
    let count = |change: Change| differences.iter().filter(|difference| difference.change == change).count();
    let _ = match differences.len() {
        0 => writeln!(text, "no differences"),
        _ => writeln!(
            text,
            "{} added, {} changed, {} removed",
            count(Change::Added),
            count(Change::Changed),
            count(Change::Removed)
        ),
    };
    text
}

fn place(difference: &Difference) -> String {
    let Source { chart, template, .. } = &difference.source;
    let at = match difference.line() {
        0 => template.clone(),
        line => format!("{template}:{line}"),
    };
    if chart.is_empty() { at } else { format!("{at}, chart {chart}") }
}

fn entry(difference: &Difference) -> serde_json::Value {
    let Difference { change, key, source, text } = difference;
    json!({
        "change": change,
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "source": {"chart": source.chart, "template": source.template, "line": difference.line()},
        "diff": text,
    })
}
