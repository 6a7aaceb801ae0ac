//! `helm template`

mod files;
mod sprig;

use std::rc::Rc;

use bowline_chart::{Compat, UserValues};
use bowline_gotemplate::{Text, Traced};
use bowline_manifest::TemplateOutput;
use bowline_render::functions::{Host, WARNING_END, WARNING_START};
use bowline_render::{Environment, KubeVersion, Options, RenderError, Templates, show_only};
use bowline_yaml::quote;

use crate::arguments::Arguments;
use crate::chart;
use crate::command::Command;
use crate::commands::{CHART_FLAGS, VALUE_FLAGS};
use crate::console;
use crate::failure::Failure;
use crate::flag::{Flag, Kind};
use crate::invocation::Invocation;
use crate::machine::{self, Machine};
use crate::parse::parse_bool;
use crate::server::{self, Check, Server};
use crate::settings::Settings;

use sprig::sprig;

/// `helm template`
pub(crate) static TEMPLATE: Command = Command {
    usage: "template [NAME] [CHART]",
    short: "locally render templates",
    long: "
Render chart templates locally and display the output.

Any values that would normally be looked up or retrieved in-cluster will be
faked locally. Additionally, none of the server-side testing of chart validity
(e.g. whether an API is supported) is done.

To specify the Kubernetes API versions used for Capabilities.APIVersions, use
the '--api-versions' flag. This flag can be specified multiple times or as a
comma-separated list:

    $ helm template --api-versions networking.k8s.io/v1 --api-versions cert-manager.io/v1 mychart ./mychart

or

    $ helm template --api-versions networking.k8s.io/v1,cert-manager.io/v1 mychart ./mychart
",
    flags: &[&[Flag::list("api-versions", "Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)").short('a'),
        Flag::bool("create-namespace", "create the release namespace if not present"),
        Flag::bool("dependency-update", "update dependencies if they are missing before installing the chart"),
        Flag::text("description", "add a custom description"),
        Flag::bool("devel", "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored"),
        Flag::bool("disable-openapi-validation", "if set, the installation process will not validate rendered templates against the Kubernetes OpenAPI Schema"),
        Flag::text("dry-run", "simulates the operation either client-side or server-side. Must be either: \"client\", or \"server\". '--dry-run=client simulates the operation client-side only and avoids cluster connections. '--dry-run=server' simulates/validates the operation on the server, requiring cluster connectivity.").default("client").bare("unset"),
        Flag::bool("enable-dns", "enable DNS lookups when rendering templates"),
        Flag::bool("force-conflicts", "if set server-side apply will force changes against conflicts"),
        Flag::bool("force", "").deprecated("use --force-replace instead"),
        Flag::bool("atomic", "").deprecated("use --rollback-on-failure instead"),
        Flag::bool("validate", "").deprecated("use '--dry-run=server' instead"),
        Flag::bool("hide-notes", "")
            .deprecated("this flag has no effect for 'helm template' and will be removed in Helm 5"),
        Flag::bool("render-subchart-notes", "")
            .deprecated("this flag has no effect for 'helm template' and will be removed in Helm 5"),
        Flag::bool("force-replace", "force resource updates by replacement"),
        Flag::bool("generate-name", "generate the name (and omit the NAME parameter)").short('g'),
        Flag::bool("include-crds", "include CRDs in the templated output"),
        Flag::bool("is-upgrade", "set .Release.IsUpgrade instead of .Release.IsInstall"),
        Flag::text("kube-version", "Kubernetes version used for Capabilities.KubeVersion"),
        Flag::pairs("labels", "Labels that would be added to release metadata. Should be divided by comma.").short('l'),
        Flag::text("name-template", "specify template used to name the release"),
        Flag::bool("no-hooks", "prevent hooks from running during install"),
        Flag::text("output-dir", "writes the executed templates to files in output-dir instead of stdout"),
        Flag::of("post-renderer", Kind::Checked("postRendererString", |_| Ok(())), "the name of a postrenderer type plugin to be used for post rendering. If it exists, the plugin will be used").missing("it runs no plugins of Helm"),
        Flag::of("post-renderer-args", Kind::CheckedArray("postRendererArgsSlice", |_| Ok(())), "an argument to the post-renderer (can specify multiple)").default("[]"),
        Flag::bool("release-name", "use release name in the output-dir path."),
        Flag::bool("replace", "reuse the given name, only if that name is a deleted release which remains in the history. This is unsafe in production"),
        Flag::bool("rollback-on-failure", "if set, Helm will rollback (uninstall) the installation upon failure. The --wait flag will be default to \"watcher\" if --rollback-on-failure is set"),
        Flag::bool("server-side", "object updates run in the server instead of the client").default("true"),
        Flag::array("show-only", "only show manifests rendered from the given templates").short('s'),
        Flag::bool("skip-crds", "if set, no CRDs will be installed. By default, CRDs are installed if not already present"),
        Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
        Flag::bool("skip-tests", "skip tests from templated output"),
        Flag::bool("take-ownership", "if set, install will ignore the check for helm annotations and take ownership of the existing resources"),
        Flag::duration("timeout", "time to wait for any individual Kubernetes operation (like Jobs for hooks)").default("5m0s"),
        Flag::of("wait", Kind::Checked("WaitStrategy", wait_strategy), "wait until resources are ready (up to --timeout). Use '--wait' alone for 'watcher' strategy, or specify one of: 'watcher', 'hookOnly', 'legacy'. Default when flag is omitted: 'hookOnly'.").default("hookOnly").bare("watcher"),
        Flag::bool("wait-for-jobs", "if set and --wait enabled, will wait until all Jobs have been completed before marking the release as successful. It will wait for as long as --timeout")], VALUE_FLAGS, CHART_FLAGS],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    exclusive: &["validate dry-run", "force-replace force-conflicts", "force force-conflicts"],
    ..Command::NEW
};

/// Release names are at most that long.
const NAME_LENGTH: usize = 53;
/// The name of a release that was given none.
const DEFAULT_NAME: &str = "release-name";
/// Labels of records that are Helm's own.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let mut options = Options::default();
    let compat = invocation.settings.compat;
    let kube_version = invocation.text("kube-version");
    if !kube_version.is_empty() {
        options.kube_version = KubeVersion::of_flag(&kube_version, compat)
            .map_err(|error| Failure::new(format!("invalid kube version '{kube_version}': {error}")))?;
    }
    chart::check_tls(invocation)?;
    let asks = dry_run(&invocation.text("dry-run"), compat)? == DryRun::Server || invocation.bool("validate");
    let (name, reference) = name_and_chart(invocation)?;
    let path = chart::locate(invocation, &reference, &invocation.text("repo"))?;
    let values = chart::user_values(invocation)?;
    let chart = chart::load(&path, compat)?;
    if chart.metadata.deprecated && !chart.metadata.is_library() {
        match compat {
            Compat::Helm3 => console::error("WARNING: This chart is deprecated\n"),
            Compat::Helm4 => console::warn("this chart is deprecated", &[]),
        }
    }
    let chart = if invocation.bool("dependency-update") && !chart.metadata.is_library() {
        chart::with_dependencies(invocation, &path, chart)?
    } else {
        chart
    };
    chart.check_installable().map_err(Failure::of)?;
    if compat.is_helm3() {
        check_dry_run_of_helm3(&invocation.text("dry-run"), invocation.bool("validate"))?;
    }
    let server = if asks { Some(Rc::new(connect(&invocation.settings)?)) } else { None };
    check_name(&name, compat)?;
    options.release_name = name;
    options.namespace = invocation.settings.namespace();
    options.is_upgrade = invocation.bool("is-upgrade");
    options.api_versions = invocation.texts("api-versions");
    options.skip_schema_validation = invocation.bool("skip-schema-validation");
    let templates = Templates::new(chart);
    if let Some(server) = &server {
        warn_of_crds(&templates, &values, invocation)?;
        server.prepare(&mut options).map_err(Failure::new)?;
    }
    check_labels(&invocation.texts("labels"))?;
    let machine = Machine::now().resolving(invocation.bool("enable-dns")).asking(server.clone()).logging_as(compat);
    let environment: Rc<dyn Environment> = Rc::new(machine);
    let parts = TemplateOutput {
        crds: invocation.bool("include-crds"),
        no_hooks: invocation.bool("no-hooks"),
        skip_tests: invocation.bool("skip-tests"),
    };
    let output_dir = invocation.text("output-dir");
    if !output_dir.is_empty() {
        let set = templates.render(&values, &options, &environment).map_err(|error| of_render(&error, false))?;
        chart::log_warnings(&set.warnings, compat);
        let named = format!("{output_dir}/{}", options.release_name);
        let folder = if invocation.bool("release-name") { named.as_str() } else { output_dir.as_str() };
        let crds = if parts.crds {
            let prepared = templates.chart().prepare(&values).map_err(Failure::of)?;
            prepared.chart.crds(prepared.chart.name())
        } else {
            Vec::new()
        };
        check_objects(server.as_deref(), &|| set.release_manifest(), &options, invocation)?;
        return files::write(&set, &crds, parts, &output_dir, folder, (compat, &invocation.texts("show-only")));
    }
    let wanted = invocation.texts("show-only");
    let debug = invocation.settings.debug;
    let rendered = match templates.template(&values, &options, &environment, parts) {
        Ok(rendered) => rendered,
        Err(error) => {
            let failure = of_render(&error, debug);
            if debug && !matches!(error, RenderError::Chart(_) | RenderError::Schema(_)) {
                let text = unread(&templates, &values, &options, &environment, &error);
                // What is too broken to be told apart leaves the first error standing.
                print(&format!("{}\n", text.trim()), compat, &wanted).map_err(|_| of_render(&error, debug))?;
            }
            return Err(failure);
        }
    };
    chart::log_warnings(&rendered.warnings, compat);
    check_objects(server.as_deref(), &|| rendered.manifest(), &options, invocation)?;
    if wanted.is_empty() {
        console::rendered(&rendered);
        // The process ends now: to give back a large chart's memory piece by piece would be a good part of its time.
        std::mem::forget((templates, rendered));
        return Ok(());
    }
    print(&rendered.text(), compat, &wanted)
}

/// Connects to the server that is to be asked.
fn connect(settings: &Settings) -> Result<Server, Failure> {
    server::connect(settings).map_err(|why| {
        let message = format!("cluster reachability check failed: kubernetes cluster unreachable: {why}");
        console::log("ERROR", &message, &[]);
        Failure::new(message)
    })
}

/// CRDs of a chart are not there on a dry run, and what depends on them may look otherwise than it will.
fn warn_of_crds(templates: &Templates, values: &UserValues, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let prepared = templates.chart().prepare(values);
    let prepared = prepared.map_err(|error| of_render(&RenderError::Chart(error), invocation.settings.debug))?;
    if !invocation.bool("skip-crds") && !prepared.chart.crds(prepared.chart.name()).is_empty() {
        let message = "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.";
        console::warn(message, &[]);
    }
    Ok(())
}

/// Asks the server, where there is one, what it says to the objects.
fn check_objects(
    server: Option<&Server>,
    manifest: &dyn Fn() -> String,
    options: &Options,
    invocation: &Invocation<'_>,
) -> Result<(), Failure> {
    let Some(server) = server else { return Ok(()) };
    let check = Check {
        release: &options.release_name,
        namespace: &options.namespace,
        validate: !invocation.bool("disable-openapi-validation"),
        adopts: (!options.is_upgrade).then(|| invocation.bool("take-ownership")),
    };
    server.check(&manifest(), check).map_err(Failure::new)
}

/// With `--debug`, what could not be read as YAML is printed as it was rendered.
fn unread(
    templates: &Templates,
    values: &UserValues,
    options: &Options,
    environment: &Rc<dyn Environment>,
    error: &RenderError,
) -> String {
    if !matches!(error, RenderError::Document(_)) {
        return String::new();
    }
    let Ok(prepared) = templates.chart().prepare(values) else { return String::new() };
    let Ok(mut files) = templates.files(&prepared, options, environment) else { return String::new() };
    // Helm prints them in no order.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut out = String::new();
    for file in files.iter().filter(|file| !file.path.ends_with("NOTES.txt")) {
        let content = String::from_utf8_lossy(&file.content);
        if !content.trim().is_empty() {
            out.push_str(&format!("---\n# Source: {}\n{content}\n", file.path));
        }
    }
    out
}

/// Prints all, or what comes from the templates asked for.
pub(super) fn print(text: &str, compat: Compat, wanted: &[String]) -> Result<(), Failure> {
    if wanted.is_empty() {
        console::data(text);
        return Ok(());
    }
    let mut out = String::new();
    let documents = show_only::documents(text, compat);
    for pattern in wanted {
        let length = out.len();
        for document in documents.iter().filter(|document| document.comes_from(pattern)) {
            for part in ["---\n", document.text, "\n"] {
                out.push_str(part);
            }
        }
        if out.len() == length {
            return Err(Failure::new(format!("could not find template {pattern} in chart")));
        }
    }
    console::data(&out);
    Ok(())
}

/// Where a dry run is played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DryRun {
    Client,
    Server,
}

fn dry_run(text: &str, compat: Compat) -> Result<DryRun, Failure> {
    match text {
        // It comes to that later.
        _ if compat.is_helm3() => Ok(DryRun::Client),
        "unset" => {
            console::warn("--dry-run is deprecated and should be replaced with '--dry-run=client'", &[]);
            Ok(DryRun::Client)
        }
        "client" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        text => {
            let value = quote(text);
            match parse_bool(text) {
                Some(true) => {
                    let message = format!(
                        "boolean '--dry-run={text}' flag is deprecated and must be replaced with '--dry-run=client'"
                    );
                    console::warn(&message, &[]);
                    Ok(DryRun::Client)
                }
                None if text != "none" => {
                    let message =
                        format!("invalid dry-run value ({value}). Must be \"none\", \"server\", or \"client\"");
                    Err(Failure::new(message))
                }
                _ => Err(Failure::new(format!("invalid dry-run value ({value}). Must be \"server\" or \"client\""))),
            }
        }
    }
}

/// Helm 3 looks at it when the chart is read.
fn check_dry_run_of_helm3(text: &str, validate: bool) -> Result<(), Failure> {
    let refused = |flag: &str| Err(Failure::new(format!("{flag} is not carried out by Bowline: it is not built yet")));
    match text {
        "" | "client" | "true" if validate => refused("--validate"),
        "" | "client" | "true" => Ok(()),
        "server" | "none" | "false" => refused(&format!("--dry-run={text}")),
        _ => {
            Err(Failure::new("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server"))
        }
    }
}

/// `[NAME] [CHART]`
fn name_and_chart(invocation: &Invocation<'_>) -> Result<(String, String), Failure> {
    let name_template = invocation.text("name-template");
    match invocation.arguments() {
        [chart] if name_template.is_empty() => Ok((DEFAULT_NAME.to_owned(), chart.clone())),
        [chart] => Ok((name_of_template(&name_template, invocation.settings.compat)?, chart.clone())),
        [_, _] if invocation.bool("generate-name") => {
            Err(Failure::new("cannot set --generate-name and also specify a name"))
        }
        [_, _] if !name_template.is_empty() => Err(Failure::new("cannot set --name-template and also specify a name")),
        [name, chart] => Ok((name.clone(), chart.clone())),
        [_, _, more @ ..] => {
            let more = more.join(", ");
            Err(Failure::new(format!("expected at most two arguments, unexpected arguments: {more}")))
        }
        [] => Err(Failure::new("must either provide a name or specify --generate-name")),
    }
}

/// A name from a template, which has Sprig's functions alone.
fn name_of_template(text: &str, compat: Compat) -> Result<String, Failure> {
    let mut program = bowline_gotemplate::Program::new("name-template", sprig());
    program.parse("name-template", Text::from(text)).map_err(Failure::of)?;
    let mut out = Traced::default();
    let environment = machine::environment(true, compat);
    program
        .session(Host::new(environment))
        .execute("name-template", bowline_gotemplate::Value::Nil, &mut out)
        // Sprig's own `fail` does not mark its message.
        .map_err(|error| Failure::new(error.to_string().replace(WARNING_START, "").replace(WARNING_END, "")))?;
    Ok(String::from_utf8_lossy(out.text()).into_owned())
}

fn check_name(name: &str, compat: Compat) -> Result<(), Failure> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || c == '-');
    let reason = if name.is_empty() {
        "no name provided".to_owned()
    } else if name.len() > NAME_LENGTH || !name.split('.').all(part) {
        format!(
            "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and \
             the length must not be longer than {NAME_LENGTH}"
        )
    } else {
        return Ok(());
    };
    let error = format!("release name {}: {reason}", quote(name));
    if compat.is_helm3() {
        return Err(Failure::new(error));
    }
    console::log("ERROR", "release name check failed", &[("error", &error)]);
    Err(Failure::new(format!("release name check failed: {error}")))
}

fn check_labels(labels: &[String]) -> Result<(), Failure> {
    let key = |label: &String| label.split('=').next().is_some_and(|key| SYSTEM_LABELS.contains(&key));
    if labels.iter().any(key) {
        let labels = SYSTEM_LABELS.join(" ");
        let text = format!("user supplied labels contains system reserved label name. System labels: [{labels}]");
        return Err(Failure::new(text));
    }
    Ok(())
}

/// Some errors Helm logs as well.
fn of_render(error: &RenderError, debug: bool) -> Failure {
    if let RenderError::Chart(error) = error {
        const STEP: &str = "chart dependencies processing failed";
        let text = error.to_string();
        if let Some(reason) = text.strip_prefix(STEP).and_then(|rest| rest.strip_prefix(": ")) {
            console::log("ERROR", STEP, &[("error", reason)]);
        }
    }
    Failure::new(if debug { error.to_string() } else { error.helm_template_text() })
}

fn wait_strategy(text: &str) -> Result<(), String> {
    match text {
        "watcher" | "legacy" | "hookOnly" => Ok(()),
        "true" => {
            console::warn("--wait=true is deprecated (boolean value) and can be replaced with --wait=watcher", &[]);
            Ok(())
        }
        "false" => {
            console::warn("--wait=false is deprecated (boolean value) and can be replaced with --wait=hookOnly", &[]);
            Ok(())
        }
        _ => Err(format!(
            "invalid wait input {}. Valid inputs are watcher, hookOnly, and legacy",
            bowline_yaml::quote(text)
        )),
    }
}
