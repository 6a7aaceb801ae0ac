//! The tree of Helm 3.22.0: that of Helm 4.3.1, with what is otherwise.

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::registry::{LOGIN, LOGOUT, REGISTRY};
use crate::commands::repo::{ADD, INDEX, LIST, REMOVE, REPO, UPDATE};
use crate::commands::version::{VERSION, version_long};
use crate::commands::{ROOT as ROOT_OF_HELM4, root_long};
use crate::commands::{
    completion, create, dependency, elsewhere, env, help, lint, package, pull, push, search, show, template, verify,
};
use crate::flag::{Flag, Kind};

/// `helm`
pub(crate) static ROOT: Command = Command {
    long: root_long!(""),
    flags: &[&[], ROOT_OF_HELM4.flags[0]],
    replaced: &["color", "colour", "content-cache"],
    subcommands: &[
        &CREATE,
        &dependency::DEPENDENCY,
        &pull::PULL,
        &show::SHOW,
        &LINT,
        &package::PACKAGE,
        &REPOSITORIES,
        &search::SEARCH,
        &verify::VERIFY,
        &elsewhere::GET,
        &elsewhere::HISTORY,
        &elsewhere::INSTALL,
        &elsewhere::LIST,
        &elsewhere::TEST,
        &elsewhere::ROLLBACK,
        &elsewhere::STATUS,
        &TEMPLATE,
        &elsewhere::UNINSTALL,
        &elsewhere::UPGRADE,
        &completion::COMPLETION,
        &env::ENV,
        &elsewhere::PLUGIN,
        &VERSION_COMMAND,
        &REGISTRIES,
        &push::PUSH,
        &help::HELP,
    ],
    ..ROOT_OF_HELM4
};

const SET_JSON: Flag = Flag::array(
    "set-json",
    "set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2)",
);

/// `helm create`
static CREATE: Command =
    Command { flags: &[&[], create::CREATE.flags[0]], replaced: &["chart-api-version"], ..create::CREATE };

/// `helm template`
static TEMPLATE: Command = Command {
    long: "
Render chart templates locally and display the output.

Any values that would normally be looked up or retrieved in-cluster will be
faked locally. Additionally, none of the server-side testing of chart validity
(e.g. whether an API is supported) is done.
",
    flags: &[
        &[
            SET_JSON,
            Flag::list("api-versions", "Kubernetes api versions used for Capabilities.APIVersions").short('a'),
            Flag::bool("atomic", "if set, the installation process deletes the installation on failure. The --wait flag will be set automatically if --atomic is used"),
            Flag::text("dry-run", "simulate an install. If --dry-run is set with no option being specified or as '--dry-run=client', it will not attempt cluster connections. Setting '--dry-run=server' allows attempting cluster connections.").bare("client"),
            Flag::bool("force", "force resource updates through a replacement strategy"),
            Flag::bool("hide-notes", "if set, do not show notes in install output. Does not affect presence in chart metadata"),
            Flag::of("post-renderer", Kind::Checked("postRendererString", |_| Ok(())), "the path to an executable to be used for post rendering. If it exists in $PATH, the binary will be used, otherwise it will try to look for the executable at the given path").missing("it runs no post-renderers"),
            Flag::bool("render-subchart-notes", "if set, render subchart notes along with the parent"),
            Flag::bool("replace", "re-use the given name, only if that name is a deleted release which remains in the history. This is unsafe in production"),
            Flag::bool("validate", "validate your manifests against the Kubernetes cluster you are currently pointing at. This is the same validation performed on an install"),
            Flag::bool("wait", "if set, will wait until all Pods, PVCs, Services, and minimum number of Pods of a Deployment, StatefulSet, or ReplicaSet are in a ready state before marking the release as successful. It will wait for as long as --timeout"),
        ],
        template::TEMPLATE.flags[0],
        template::TEMPLATE.flags[1],
        template::TEMPLATE.flags[2],
    ],
    replaced: &[
        "set-json",
        "api-versions",
        "atomic",
        "dry-run",
        "force",
        "hide-notes",
        "post-renderer",
        "render-subchart-notes",
        "replace",
        "validate",
        "wait",
        "force-conflicts",
        "force-replace",
        "rollback-on-failure",
        "server-side",
    ],
    exclusive: &[],
    ..template::TEMPLATE
};

/// `helm lint`
static LINT: Command = Command {
    flags: &[&[SET_JSON], lint::LINT.flags[0], lint::LINT.flags[1]],
    replaced: &["set-json"],
    arguments: Arguments::Any,
    ..lint::LINT
};

/// `helm version`
static VERSION_COMMAND: Command = Command {
    short: "print the client version information",
    long: version_long!("This will print a representation the version of Helm.\n"),
    flags: &[
        &[Flag::bool("client", "display client version information").short('c').default("true").hidden()],
        VERSION.flags[0],
    ],
    ..VERSION
};

/// `helm repo`
static REPOSITORIES: Command = Command { subcommands: &[&REPO_ADD, &REPO_LIST, &REMOVE, &INDEX, &REPO_UPDATE], ..REPO };

/// `helm repo add`
static REPO_ADD: Command = Command {
    flags: &[
        &[Flag::bool(
            "no-update",
            "Ignored. Formerly, it would disabled forced updates. It is deprecated by force-update.",
        )],
        ADD.flags[0],
    ],
    ..ADD
};

/// `helm repo list`
static REPO_LIST: Command = Command { flags: &[&[], LIST.flags[0]], replaced: &["no-headers"], ..LIST };

/// `helm repo update`
static REPO_UPDATE: Command = Command {
    flags: &[
        &[Flag::bool("fail-on-repo-update-fail", "update fails if any of the repository updates fail")],
        UPDATE.flags[0],
    ],
    ..UPDATE
};

/// `helm registry`
static REGISTRIES: Command = Command { subcommands: &[&REGISTRY_LOGIN, &LOGOUT], ..REGISTRY };

/// `helm registry login`
static REGISTRY_LOGIN: Command = Command {
    long: "
Authenticate to a remote registry.
",
    ..LOGIN
};
