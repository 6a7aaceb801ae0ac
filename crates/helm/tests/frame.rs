//! Commands, flags, help and settings are what the real helm's are, word for word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use support::Bench;

/// Every command that Bowline carries out, or is going to.
const COMMANDS: &[&str] = &[
    "",
    "template",
    "lint",
    "show",
    "show all",
    "show chart",
    "show values",
    "show readme",
    "show crds",
    "inspect",
    "create",
    "version",
    "env",
    "help",
    "completion",
    "completion bash",
    "completion zsh",
    "completion fish",
    "completion powershell",
    "dependency",
    "dep",
    "dependency build",
    "dependency list",
    "dependency ls",
    "dependency update",
    "dependency up",
    "package",
    "pull",
    "fetch",
    "push",
    "repo",
    "repo add",
    "repo index",
    "repo list",
    "repo remove",
    "repo rm",
    "repo update",
    "registry",
    "registry login",
    "registry logout",
    "search",
    "search repo",
    "search hub",
    "verify",
];

#[test]
fn every_help_is_helms() {
    let Some(mut bench) = Bench::new() else { return };
    for command in COMMANDS {
        bench.compare(&format!("{command} --help"));
        bench.compare(&format!("help {command}"));
    }
    bench.set("HELM_CACHE_HOME", "/other/cache");
    bench.set("HELM_BURST_LIMIT", "7");
    bench.set("HELM_QPS", "1.5");
    bench.set("HELM_NAMESPACE", "other");
    bench.set("HELM_KUBEASGROUPS", "a,b");
    bench.set("HELM_DEBUG", "true");
    bench.compare("lint --help");
    bench.finish();
}

#[test]
fn wrong_lines_are_refused_in_helms_words() {
    let Some(mut bench) = Bench::new() else { return };
    for line in [
        "s",
        "ver",
        "lnt",
        "rm",
        "remove x",
        "reop add",
        "instal",
        "''",
        "-",
        "--",
        "-- template",
        "help nosuch",
        "help 'a b' c`d",
        "help show nosuch",
        "show nosuch",
        "repo nosuch",
        "--help template",
        "-h template",
        "--debug=false version",
        "--nosuch version",
        "version --nosuch",
        "version -x",
        "version -vx",
        "version -v x",
        "version -v 3 --short",
        "version extra",
        "version --short=maybe",
        "version --short maybe",
        "version --short=T",
        "version --help=x",
        "version --help=false",
        "version -hx",
        "version --=x",
        "version ---x",
        "version -n",
        "version --namespace",
        "version --qps abc",
        "version --burst-limit 1x",
        "version --burst-limit 0x10",
        "version --burst-limit 99999999999999999999",
        "version --color foo",
        "version --colour always",
        "env --color=never --colour=bad",
        "template",
        "template --timeout x",
        "template --timeout 5",
        "template --wait=nosuch x",
        "template -f 'a\"b' x",
        "template -f '\"a' x",
        "template -f '\"a\"b' x",
        "template -l a x",
        "template -l a=b,c,d=e x",
        "template --validate --dry-run=server x",
        "template --force --force-conflicts x",
        "template --force-replace --force-conflicts x",
        "lint",
        "show chart",
        "show chart a b",
        "create",
        "create a b",
        "env a b",
        "completion nosuch",
        "completion bash x",
        "dependency list a b",
        "dependency list --max-col-width=-1",
        "pull",
        "push a",
        "repo add a",
        "repo list x",
        "repo remove",
        "registry login",
        "verify",
        "verify a b",
    ] {
        bench.compare(line);
    }
    bench.finish();
}

#[test]
fn settings_come_from_the_environment_and_the_flags() {
    let Some(mut bench) = Bench::new() else { return };
    let lines = [
        "env HELM_NAMESPACE",
        "env HELM_CACHE_HOME",
        "env NOSUCH",
        "env --debug HELM_DEBUG",
        "env -n x HELM_NAMESPACE",
        "env --kube-as-group a HELM_KUBEASGROUPS",
        "env --kube-as-group a --kube-as-group=b HELM_KUBEASGROUPS",
        "env --repository-config /r.yaml HELM_REPOSITORY_CONFIG",
        "env --registry-config /r.json --repository-cache /rc --content-cache cc HELM_CONTENT_CACHE",
        "env --kubeconfig /nosuch KUBECONFIG",
        "env --kubeconfig config.yaml HELM_NAMESPACE",
        "env --kubeconfig config.yaml --kube-context other HELM_NAMESPACE",
        "env --kubeconfig config.yaml --kube-context nosuch HELM_NAMESPACE",
        "env --qps 2.345 HELM_QPS",
        "env --burst-limit 5 HELM_BURST_LIMIT",
    ];
    bench.write(
        "config.yaml",
        "apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: space}}
- {name: other, context: {cluster: c, user: u}}
clusters:
- {name: c, cluster: {server: 'http://127.0.0.1:1'}}
users:
- {name: u, user: {}}
",
    );
    for line in lines {
        bench.compare(line);
    }
    let all = |bench: &mut Bench| {
        let masked = |outcome: support::Outcome| support::Outcome {
            stdout: outcome.stdout.lines().filter(|line| !line.starts_with("HELM_BIN=")).collect::<Vec<_>>().join("\n"),
            ..outcome
        };
        let (helm, ours) = (masked(bench.helm(&["env"])), masked(bench.ours(&["env"])));
        bench.expect("env", &helm, &ours);
    };
    all(&mut bench);
    for (name, value) in
        [("XDG_CACHE_HOME", "/x/cache"), ("XDG_CONFIG_HOME", "/x/config/"), ("XDG_DATA_HOME", "/x/../data")]
    {
        bench.set(name, value);
    }
    all(&mut bench);
    for (name, value) in [
        ("HELM_CACHE_HOME", "/h/cache"),
        ("HELM_CONFIG_HOME", "relative//config"),
        ("HELM_DATA_HOME", "/h/data"),
        ("HELM_PLUGINS", ""),
        ("HELM_MAX_HISTORY", "x"),
        ("HELM_BURST_LIMIT", "-1"),
        ("HELM_QPS", "0.555"),
        ("HELM_NAMESPACE", "space"),
        ("HELM_KUBECONTEXT", "context"),
        ("HELM_KUBEASUSER", "user"),
        ("HELM_KUBEASGROUPS", " ,a,b, "),
        ("HELM_KUBEAPISERVER", "http://127.0.0.1:1"),
        ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "1"),
        ("HELM_DEBUG", "t"),
        ("HELM_REGISTRY_CONFIG", "/r"),
        ("HELM_CONTENT_CACHE", "c"),
        ("HELM_COLOR", "ALWAYS"),
    ] {
        bench.set(name, value);
    }
    all(&mut bench);
    for line in lines {
        bench.compare(line);
    }
    bench.finish();
}

#[test]
fn the_version_is_told_in_every_form() {
    let Some(mut bench) = Bench::new() else { return };
    for line in [
        "version",
        "version --short",
        "version --template {{.Version}}",
        "version --template '{{ .GoVersion | printf \"%q\" }} {{ .KubeClientVersion }}{{ len .GitCommit }}'",
        "version --template {{.Nope}}",
        "version --template 'before {{.Version.Nope}}'",
        "version --template {{",
        "version --template '{{ upper .Version }}'",
        "version --template=",
        "version --template '{{ printf \"%v\" . }}'",
    ] {
        bench.compare(line);
    }
    bench.finish();
}
