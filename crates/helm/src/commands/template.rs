//! `helm template`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::{CHART_FLAGS, NOT_YET, VALUE_FLAGS};
use crate::console;
use crate::failure::Failure;
use crate::flag::{Flag, Kind};
use crate::invocation::Invocation;

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
        Flag::of("post-renderer", Kind::Checked("postRendererString", |_| Ok(())), "the name of a postrenderer type plugin to be used for post rendering. If it exists, the plugin will be used"),
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
    missing: Some(NOT_YET),
    exclusive: &["validate dry-run", "force-replace force-conflicts", "force force-conflicts"],
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
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
