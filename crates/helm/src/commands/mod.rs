//! One file per command, and the root of the tree.

mod completion;
mod create;
mod dependency;
mod elsewhere;
mod env;
mod helm3;
mod help;
mod lint;
mod package;
mod pull;
mod push;
mod registry;
mod repo;
mod search;
mod show;
mod template;
mod verify;
mod version;

use bowline_chart::Compat;
use bowline_registry::Ordered;

use crate::arguments::Arguments;
use crate::command::Command;
use crate::console;
use crate::failure::Failure;
use crate::flag::{Flag, Kind};
use crate::place;
use crate::settings::GLOBAL_FLAGS;

/// Why a command is not carried out that is going to be.
pub(crate) const NOT_YET: &str = "it is not built yet";

/// The text of Helm's help, with the environment variables that one Helm knows and the other does not.
macro_rules! root_long {
    ($new:literal) => {
        concat!(
            r#"The Kubernetes package manager

Common actions for Helm:

- helm search:    search for charts
- helm pull:      download a chart to your local directory to view
- helm install:   upload the chart to Kubernetes
- helm list:      list releases of charts

Environment variables:

| Name                               | Description                                                                                                |
|------------------------------------|------------------------------------------------------------------------------------------------------------|
| $HELM_CACHE_HOME                   | set an alternative location for storing cached files.                                                      |
| $HELM_CONFIG_HOME                  | set an alternative location for storing Helm configuration.                                                |
| $HELM_DATA_HOME                    | set an alternative location for storing Helm data.                                                         |
| $HELM_DEBUG                        | indicate whether or not Helm is running in Debug mode                                                      |
| $HELM_DRIVER                       | set the backend storage driver. Values are: configmap, secret, memory, sql.                                |
| $HELM_DRIVER_SQL_CONNECTION_STRING | set the connection string the SQL storage driver should use.                                               |
| $HELM_MAX_HISTORY                  | set the maximum number of helm release history.                                                            |
| $HELM_NAMESPACE                    | set the namespace used for the helm operations.                                                            |
| $HELM_NO_PLUGINS                   | disable plugins. Set HELM_NO_PLUGINS=1 to disable plugins.                                                 |
| $HELM_PLUGINS                      | set the path to the plugins directory                                                                      |
| $HELM_REGISTRY_CONFIG              | set the path to the registry config file.                                                                  |
| $HELM_REPOSITORY_CACHE             | set the path to the repository cache directory                                                             |
| $HELM_REPOSITORY_CONFIG            | set the path to the repositories file.                                                                     |
| $KUBECONFIG                        | set an alternative Kubernetes configuration file (default "~/.kube/config")                                |
| $HELM_KUBEAPISERVER                | set the Kubernetes API Server Endpoint for authentication                                                  |
| $HELM_KUBECAFILE                   | set the Kubernetes certificate authority file.                                                             |
| $HELM_KUBEASGROUPS                 | set the Groups to use for impersonation using a comma-separated list.                                      |
| $HELM_KUBEASUSER                   | set the Username to impersonate for the operation.                                                         |
| $HELM_KUBECONTEXT                  | set the name of the kubeconfig context.                                                                    |
| $HELM_KUBETOKEN                    | set the Bearer KubeToken used for authentication.                                                          |
| $HELM_KUBEINSECURE_SKIP_TLS_VERIFY | indicate if the Kubernetes API server's certificate validation should be skipped (insecure)                |
| $HELM_KUBETLS_SERVER_NAME          | set the server name used to validate the Kubernetes API server certificate                                 |
| $HELM_BURST_LIMIT                  | set the default burst limit in the case the server contains many CRDs (default 100, -1 to disable)         |
| $HELM_QPS                          | set the Queries Per Second in cases where a high number of calls exceed the option for higher burst values |
"#,
            $new,
            r#"
Helm stores cache, configuration, and data based on the following configuration order:

- If a HELM_*_HOME environment variable is set, it will be used
- Otherwise, on systems supporting the XDG base directory specification, the XDG variables will be used
- When no other location is set a default location will be used based on the operating system

By default, the default directories depend on the Operating System. The defaults are listed below:

| Operating System | Cache Path                | Configuration Path             | Data Path               |
|------------------|---------------------------|--------------------------------|-------------------------|
| Linux            | $HOME/.cache/helm         | $HOME/.config/helm             | $HOME/.local/share/helm |
| macOS            | $HOME/Library/Caches/helm | $HOME/Library/Preferences/helm | $HOME/Library/helm      |
| Windows          | %TEMP%\helm               | %APPDATA%\helm                 | %APPDATA%\helm          |
"#
        )
    };
}
pub(crate) use root_long;

/// `helm`
pub(crate) static ROOT: Command = Command {
    usage: "helm",
    short: "The Helm package manager for Kubernetes.",
    long: root_long!(
        "| $HELM_COLOR                        | set color output mode. Allowed values: never, always, auto (default: never)                                |\n\
| $NO_COLOR                          | set to any non-empty value to disable all colored output (overrides $HELM_COLOR)                           |\n\
| $SOURCE_DATE_EPOCH                 | set a Unix timestamp for reproducible chart archives                                                       |\n"
    ),
    flags: &[GLOBAL_FLAGS],
    arguments: Arguments::Any,
    subcommands: &[
        &create::CREATE,
        &dependency::DEPENDENCY,
        &pull::PULL,
        &show::SHOW,
        &lint::LINT,
        &package::PACKAGE,
        &repo::REPO,
        &search::SEARCH,
        &verify::VERIFY,
        &elsewhere::GET,
        &elsewhere::HISTORY,
        &elsewhere::INSTALL,
        &elsewhere::LIST,
        &elsewhere::TEST,
        &elsewhere::ROLLBACK,
        &elsewhere::STATUS,
        &template::TEMPLATE,
        &elsewhere::UNINSTALL,
        &elsewhere::UPGRADE,
        &completion::COMPLETION,
        &env::ENV,
        &elsewhere::PLUGIN,
        &version::VERSION,
        &registry::REGISTRY,
        &push::PUSH,
        &help::HELP,
    ],
    ..Command::NEW
};

/// The tree of one Helm or the other.
pub(crate) fn root(compat: Compat) -> &'static Command {
    compat.either(&helm3::ROOT, &ROOT)
}

/// Flags of commands that take values.
pub(crate) const VALUE_FLAGS: &[Flag] = &[
    Flag::list("values", "specify values in a YAML file or a URL (can specify multiple)").short('f'),
    Flag::array(
        "set",
        "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)",
    ),
    Flag::array(
        "set-string",
        "set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)",
    ),
    Flag::array(
        "set-file",
        "set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)",
    ),
    Flag::array(
        "set-json",
        "set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2 or using json format: {\"key1\": jsonval1, \"key2\": \"jsonval2\"})",
    ),
    Flag::array("set-literal", "set a literal STRING value on the command line"),
];

/// Flags of commands that find a chart.
pub(crate) const CHART_FLAGS: &[Flag] = &[
    Flag::text(
        "version",
        "specify a version constraint for the chart version to use. This constraint can be a specific tag (e.g. 1.1.1) or it may reference a valid range (e.g. ^2.0.0). If this is not specified, the latest version is used",
    ),
    Flag::bool("verify", "verify the package before using it"),
    Flag::text("keyring", "location of public keys used for verification").setting(|_| place::keyring()),
    Flag::text("repo", "chart repository url where to locate the requested chart"),
    Flag::text("username", "chart repository username where to locate the requested chart"),
    Flag::text("password", "chart repository password where to locate the requested chart"),
    Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
    Flag::text("key-file", "identify HTTPS client using this SSL key file"),
    Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
    Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
    Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
    Flag::bool("pass-credentials", "pass credentials to all domains"),
];

/// Prints a value as JSON or YAML, as `--output` says.
pub(crate) fn print_formatted(value: &Ordered, format: &str) -> Result<(), Failure> {
    if format == "json" {
        console::data(&(value.to_json() + "\n"));
        return Ok(());
    }
    let text = value.to_yaml();
    console::data(&text.map_err(|error| Failure::new(format!("unable to write YAML output: {error}")))?);
    Ok(())
}

/// `-o table|json|yaml`
pub(crate) const OUTPUT_FORMAT: Kind = Kind::Checked("format", |text| match text {
    "table" | "json" | "yaml" => Ok(()),
    _ => Err("invalid format type".to_owned()),
});
