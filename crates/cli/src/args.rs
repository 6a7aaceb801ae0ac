//! The arguments as the user writes them. Each command's own meaning is in `commands/`.

mod deferred;
mod migrate;

pub(crate) use migrate::{Each, Lint, Migrate, MigrateCommand, MigrateSettings, Required};

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use bowline_chart::Compat;
use bowline_controlplane::node::NetworkMode;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::schema::Migrations;
use deferred::Deferred;

/// A deployment system for Kubernetes in one binary.
#[derive(Debug, Parser)]
#[command(name = "bowline", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 changes or findings pending, \
                        4 timed out, 130 interrupted.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Name of the embedded cluster
    #[arg(long, global = true, value_name = "NAME", default_value = "default", env = "BOWLINE_CLUSTER")]
    pub(crate) cluster: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster in this process and bring an application up on it
    Up(Deferred<Up>),
    /// Take down what `up --detach` started
    Down(Deferred<Down>),
    /// Print a chart's manifests, byte for byte as Helm prints them
    Template(Deferred<Template>),
    /// Show the merged values, where each came from, and which templates read it
    Values(Deferred<ShowValues>),
    /// Find mistakes in a chart before it is deployed
    Check(Deferred<Check>),
    /// Play a deployment under virtual time before it happens
    Rehearse(Deferred<Rehearse>),
    /// Install or upgrade a release
    Deploy(Deferred<Deploy>),
    /// Go back to an earlier revision of a release
    Rollback(Deferred<Rollback>),
    /// List the revisions of a release
    History(Deferred<History>),
    /// Show a release and the state of its objects
    Status(Deferred<Status>),
    /// List releases
    List(Deferred<List>),
    /// Delete a release and its objects
    Uninstall(Deferred<Uninstall>),
    /// Print the log of a release's pods
    Logs(Deferred<Logs>),
    /// Helm's own command line: its flags, its output, its exit codes
    #[command(disable_help_flag = true)]
    Helm(Deferred<Helm>),
    /// Run SQL migrations: goose's files and version table
    Migrate(Box<Deferred<Migrate>>),
    /// The embedded cluster itself
    #[command(subcommand)]
    Cluster(ClusterCommand),
}

/// The application: a folder with `bowline.yaml`, that file, or a chart.
#[derive(Clone, Debug, Args)]
pub(crate) struct Application {
    /// Folder with a bowline.yaml, or a chart: folder, archive, REPOSITORY/NAME, oci://…, https://…/NAME.tgz
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Address of the chart repository that has the chart
    #[arg(long, value_name = "URL")]
    pub(crate) repo: Option<String>,
    /// Version of the chart to fetch, or a constraint on it [default: the newest stable one]
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    #[command(flatten)]
    pub(crate) values: Values,
    /// Which Helm to read and render the chart as, 3.22.0 or 4.3.1: 3, 4 [default: compat of bowline.yaml, else 4]
    #[arg(long, value_name = "HELM", env = bowline_helm::COMPAT_VARIABLE)]
    pub(crate) compat: Option<Compat>,
    /// Release name [default: that of bowline.yaml]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Namespace of the release [default: that of bowline.yaml]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// Values, with Helm's flags and Helm's precedence.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Values {
    /// Values file; later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// Set a value: key=value, a.b[0]=value
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Set a value that stays a string
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set_string: Vec<String>,
    /// Set a value written as JSON
    #[arg(long, value_name = "KEY=JSON")]
    pub(crate) set_json: Vec<String>,
    /// Set a value to the content of a file
    #[arg(long, value_name = "KEY=FILE")]
    pub(crate) set_file: Vec<String>,
    /// Set a value literally
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set_literal: Vec<String>,
}

/// Which cluster.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Target {
    /// Kubeconfig of the cluster [default: KUBECONFIG, else the embedded cluster while it is up, else kubectl's]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// Which release.
#[derive(Clone, Debug, Args)]
pub(crate) struct Release {
    /// Release [default: the one that `bowline up` brought up, else the only one there is]
    #[arg(value_name = "RELEASE")]
    pub(crate) release: Option<String>,
    /// Namespace of the release
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// How a release is carried out.
#[derive(Clone, Debug, Args)]
pub(crate) struct Carry {
    /// Time for each wait: hooks, readiness (90s, 5m, 1h30m)
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// In which order: Helm's own, or the one that the references ask for (what a hook needs comes before it)
    #[arg(long, value_name = "ORDER", default_value = "helm")]
    pub(crate) order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    Helm,
    Graph,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One document
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValuesOutput {
    /// For people
    Text,
    /// One document
    Json,
    /// A values file with comments
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateOutput {
    /// Byte for byte as Helm
    Text,
    /// One array of objects with where they come from
    Json,
    /// The same as YAML
    Yaml,
    /// kind.group/name, one a line
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// No cluster is asked
    Client,
    /// The cluster is asked; nothing is changed on it
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventOutput {
    /// For people
    Text,
    /// One event a line
    Ndjson,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) application: Application,
    #[command(flatten)]
    pub(crate) carry: Carry,
    /// Return when everything is ready; `bowline down` takes it down
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Build the local images anew, whether their programs are there or not
    #[arg(long)]
    pub(crate) build: bool,
    /// Local port of a Service of type LoadBalancer
    #[arg(long = "port", value_name = "SERVICE=PORT", value_parser = service_port)]
    pub(crate) ports: Vec<(String, u16)>,
    #[command(flatten)]
    pub(crate) cluster: ClusterStart,
    /// Progress as text or as events
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: EventOutput,
    /// Run by `up --detach`: the terminal may go away
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Time for everything to stop
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Template {
    #[command(flatten)]
    pub(crate) application: Application,
    /// Print custom resource definitions too
    #[arg(long)]
    pub(crate) include_crds: bool,
    /// Leave hooks out
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// Render as for an upgrade
    #[arg(long)]
    pub(crate) is_upgrade: bool,
    /// Only the manifests of these templates: paths below the chart, with * and ? within a name
    #[arg(short, long = "show-only", value_name = "TEMPLATE")]
    pub(crate) show_only: Vec<String>,
    /// As Helm prints them; or every object with its chart, template and line; or their names
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: TemplateOutput,
    /// Write a file for each template below this folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["output", "diff"])]
    pub(crate) output_dir: Option<PathBuf>,
    /// Print what differs from a revision of the release, or from a file of manifests; exit code 3 if anything does
    #[arg(long, value_name = "REVISION|FILE")]
    pub(crate) diff: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// server: render for the cluster's version and kinds, let lookup ask it, and have it look at the objects
    #[arg(long, value_name = "WHERE", default_value = "client")]
    pub(crate) dry_run: DryRun,
    /// The same as --dry-run server
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) validate: bool,
    /// Fail where a value is set that no template reads
    #[arg(long)]
    pub(crate) strict: bool,
    /// Kubernetes version to render for
    #[arg(long, value_name = "VERSION")]
    pub(crate) kube_version: Option<String>,
    /// API version that the cluster is to have, besides the built-in ones
    #[arg(short, long = "api-versions", value_name = "VERSION", value_delimiter = ',')]
    pub(crate) api_versions: Vec<String>,
    /// Leave values.schema.json unread
    #[arg(long)]
    pub(crate) skip_schema_validation: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Helm {
    /// Whatever Helm takes: `template ./chart`, `lint --strict`, `--help`
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowValues {
    #[command(flatten)]
    pub(crate) application: Application,
    /// Only this value and what is in it: image.tag; PATH may be left out before it
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Fail where a value is set that no template reads
    #[arg(long)]
    pub(crate) strict: bool,
    /// Show values whose key says that they are secret
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// As a table; as JSON; or as a values file with comments that say where each value came from
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: ValuesOutput,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) application: Application,
    /// Findings as text or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    #[command(flatten)]
    pub(crate) application: Application,
    #[command(flatten)]
    pub(crate) carry: Carry,
    /// Seed of everything random; the same seed plays the same rehearsal
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Report as text or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) application: Application,
    #[command(flatten)]
    pub(crate) carry: Carry,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Leave a failed release as it is instead of going back to the last good revision
    #[arg(long)]
    pub(crate) no_rollback: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Folder with the migrations that the release is built with: recorded, so that a rollback knows the schema
    /// [default: those of bowline.yaml]
    #[arg(long, value_name = "[DATABASE=]FOLDER")]
    pub(crate) migrations: Vec<Migrations>,
    /// Deploy although a migration takes what the live revision needs
    #[arg(long)]
    pub(crate) accept_schema: bool,
    /// Leave the databases of bowline.yaml unasked whether the required migrations are applied
    #[arg(long)]
    pub(crate) skip_schema_gate: bool,
    /// Progress as text or as events
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: EventOutput,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) release: Release,
    /// Revision to go back to [default: the last one before that was deployed]
    #[arg(value_name = "REVISION")]
    pub(crate) revision: Option<u32>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Time for each wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Go back although that revision does not run on the present schema
    #[arg(long)]
    pub(crate) accept_schema: bool,
    /// Take migrations back too: those that the revision cannot run with, or all that came after it; asks before it does
    #[arg(long, value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "needed")]
    pub(crate) downs: Option<Downs>,
    /// Take them back without being asked
    #[arg(short, long, requires = "downs")]
    pub(crate) yes: bool,
    /// Folder with the bowline.yaml that names the databases [default: what is up, else the working directory]
    #[arg(long, value_name = "PATH")]
    pub(crate) app: Option<PathBuf>,
    /// Progress as text or as events
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: EventOutput,
}

/// Which migrations a rollback takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Downs {
    /// From the first one that the revision cannot run with
    Needed,
    /// All that came after the revision
    All,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    pub(crate) release: Release,
    #[command(flatten)]
    pub(crate) target: Target,
    /// How the migrations of each revision went, with the end of their logs
    #[arg(long)]
    pub(crate) migrations: bool,
    /// As text or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) release: Release,
    #[command(flatten)]
    pub(crate) target: Target,
    /// As text or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// As text or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    #[command(flatten)]
    pub(crate) release: Release,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Time for each wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Progress as text or as events
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: EventOutput,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Pod, or the beginning of pods' names, such as a Deployment's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Namespace [default: that of the release that is up]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Only the last lines of each
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<u32>,
    /// The log of the container before its last restart
    #[arg(short, long)]
    pub(crate) previous: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Run a cluster without an application until Ctrl-C
    Start(ClusterStart),
    /// Print the path of the running cluster's kubeconfig
    Kubeconfig,
    /// Say whether it runs, where, and what is simulated
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterStart {
    /// Port of the Kubernetes API on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) api_port: u16,
    /// Network of pods: one of their own each where the kernel allows it, or this machine's
    #[arg(long, value_name = "NETWORK", default_value = "auto")]
    pub(crate) network: Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// The best that the kernel allows
    Auto,
    /// A network for each pod, or an error
    Namespace,
    /// The machine's own, with `PORT` set for each container
    Host,
}

impl From<Network> for Option<NetworkMode> {
    fn from(network: Network) -> Self {
        match network {
            Network::Auto => None,
            Network::Namespace => Some(NetworkMode::Namespace),
            Network::Host => Some(NetworkMode::Host),
        }
    }
}

impl From<Order> for bowline_plan::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Helm => Self::Helm,
            Order::Graph => Self::Graph,
        }
    }
}

/// `90s`, `5m`, `1h30m`, `500ms`, as Go writes durations; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("'{text}' is no duration; write 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(expected)?;
        let number: f64 = rest[..digits].parse().map_err(|_| expected())?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(expected()),
        };
        total += Duration::try_from_secs_f64(number * unit).map_err(|_| expected())?;
        rest = &rest[unit_end..];
    }
    Ok(total)
}

fn service_port(text: &str) -> Result<(String, u16), String> {
    let expected = || format!("'{text}' is not SERVICE=PORT");
    let (service, port) = text.split_once('=').ok_or_else(expected)?;
    Ok((service.to_owned(), port.parse().map_err(|_| expected())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_as_go_writes_them() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert!(duration("5 minutes").is_err());
        assert!(duration("m").is_err());
    }
}
