//! What holds for every command: Helm's environment variables, and the global flags over them.

use std::collections::BTreeMap;
use std::env;

use bowline_chart::{Compat, UnknownCompat};
use bowline_yaml::{Map, Value, quote};

use crate::flag::Flag;
use crate::parse::{Parsed, parse_bool};
use crate::place;

/// Folder with the token of a pod's service account.
const IN_CLUSTER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Which Helm to stand in for, as the environment says.
///
/// # Errors
/// It says something else than `3` or `4`.
pub(crate) fn compat() -> Result<Compat, UnknownCompat> {
    variable(crate::COMPAT_VARIABLE).filter(|text| !text.is_empty()).map_or(Ok(Compat::default()), |text| text.parse())
}

/// Settings of one run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Which Helm this stands in for.
    pub(crate) compat: Compat,
    /// `HELM_NAMESPACE`, `--namespace`; empty where nothing was said. See [`Settings::namespace`].
    pub(crate) given_namespace: String,
    /// `--kubeconfig`
    pub(crate) kubeconfig: String,
    /// `HELM_KUBECONTEXT`, `--kube-context`
    pub(crate) kube_context: String,
    /// `HELM_KUBETOKEN`, `--kube-token`
    pub(crate) kube_token: String,
    /// `HELM_KUBEASUSER`, `--kube-as-user`
    pub(crate) kube_as_user: String,
    /// `HELM_KUBEASGROUPS`, `--kube-as-group`
    pub(crate) kube_as_groups: Vec<String>,
    /// `HELM_KUBEAPISERVER`, `--kube-apiserver`
    pub(crate) kube_api_server: String,
    /// `HELM_KUBECAFILE`, `--kube-ca-file`
    pub(crate) kube_ca_file: String,
    /// `HELM_KUBETLS_SERVER_NAME`, `--kube-tls-server-name`
    pub(crate) kube_tls_server_name: String,
    /// `HELM_KUBEINSECURE_SKIP_TLS_VERIFY`, `--kube-insecure-skip-tls-verify`
    pub(crate) kube_insecure: bool,
    /// `HELM_DEBUG`, `--debug`
    pub(crate) debug: bool,
    /// `HELM_PLUGINS`
    pub(crate) plugins: String,
    /// `HELM_REGISTRY_CONFIG`, `--registry-config`
    pub(crate) registry_config: String,
    /// `HELM_REPOSITORY_CONFIG`, `--repository-config`
    pub(crate) repository_config: String,
    /// `HELM_REPOSITORY_CACHE`, `--repository-cache`
    pub(crate) repository_cache: String,
    /// `HELM_CONTENT_CACHE`, `--content-cache`
    pub(crate) content_cache: String,
    /// `HELM_MAX_HISTORY`
    pub(crate) max_history: i64,
    /// `HELM_BURST_LIMIT`, `--burst-limit`
    pub(crate) burst_limit: i64,
    /// `HELM_QPS`, `--qps`
    pub(crate) qps: f32,
    /// `HELM_COLOR`, `NO_COLOR`, `--color`: `never`, `auto`, `always`
    pub(crate) color: String,
}

impl Settings {
    /// What the environment says.
    pub(crate) fn from_environment() -> Self {
        let groups = variable("HELM_KUBEASGROUPS").unwrap_or_default();
        let groups = groups.trim_matches([',', ' ']);
        Self {
            compat: compat().unwrap_or_default(),
            given_namespace: variable("HELM_NAMESPACE").unwrap_or_default(),
            kubeconfig: String::new(),
            kube_context: variable("HELM_KUBECONTEXT").unwrap_or_default(),
            kube_token: variable("HELM_KUBETOKEN").unwrap_or_default(),
            kube_as_user: variable("HELM_KUBEASUSER").unwrap_or_default(),
            kube_as_groups: groups.split(',').filter(|_| !groups.is_empty()).map(str::to_owned).collect(),
            kube_api_server: variable("HELM_KUBEAPISERVER").unwrap_or_default(),
            kube_ca_file: variable("HELM_KUBECAFILE").unwrap_or_default(),
            kube_tls_server_name: variable("HELM_KUBETLS_SERVER_NAME").unwrap_or_default(),
            kube_insecure: flag("HELM_KUBEINSECURE_SKIP_TLS_VERIFY"),
            debug: flag("HELM_DEBUG"),
            plugins: variable("HELM_PLUGINS").unwrap_or_else(|| place::data("plugins")),
            registry_config: variable("HELM_REGISTRY_CONFIG").unwrap_or_else(|| place::config("registry/config.json")),
            repository_config: variable("HELM_REPOSITORY_CONFIG").unwrap_or_else(|| place::config("repositories.yaml")),
            repository_cache: variable("HELM_REPOSITORY_CACHE").unwrap_or_else(|| place::cache("repository")),
            content_cache: variable("HELM_CONTENT_CACHE").unwrap_or_else(|| place::cache("content")),
            max_history: number("HELM_MAX_HISTORY", 10),
            burst_limit: number("HELM_BURST_LIMIT", 100),
            qps: variable("HELM_QPS").and_then(|text| text.parse().ok()).unwrap_or(0.0),
            color: color(),
        }
    }

    /// The global flags that were set hold over the environment.
    pub(crate) fn apply(&mut self, parsed: &Parsed) {
        let texts = [
            ("namespace", &mut self.given_namespace),
            ("kubeconfig", &mut self.kubeconfig),
            ("kube-context", &mut self.kube_context),
            ("kube-token", &mut self.kube_token),
            ("kube-as-user", &mut self.kube_as_user),
            ("kube-apiserver", &mut self.kube_api_server),
            ("kube-ca-file", &mut self.kube_ca_file),
            ("kube-tls-server-name", &mut self.kube_tls_server_name),
            ("registry-config", &mut self.registry_config),
            ("repository-config", &mut self.repository_config),
            ("repository-cache", &mut self.repository_cache),
            ("content-cache", &mut self.content_cache),
            ("color", &mut self.color),
        ];
        for (name, field) in texts {
            if let Some(text) = parsed.last(name) {
                text.clone_into(field);
            }
        }
        for (name, field) in [("kube-insecure-skip-tls-verify", &mut self.kube_insecure), ("debug", &mut self.debug)] {
            if parsed.get(name).is_some() {
                *field = parsed.boolean(name);
            }
        }
        if let Some(groups) = parsed.get("kube-as-group") {
            self.kube_as_groups = groups.to_vec();
        }
        if let Some(limit) = parsed.last("burst-limit").and_then(|text| text.parse().ok()) {
            self.burst_limit = limit;
        }
        if let Some(qps) = parsed.last("qps").and_then(|text| text.parse().ok()) {
            self.qps = qps;
        }
    }

    /// Refuses a mode of colour that is none, in Helm's words.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.color.as_str() {
            _ if self.compat.is_helm3() => Ok(()),
            "never" | "auto" | "always" => Ok(()),
            mode => Err(format!("invalid color mode {}: must be one of: never, auto, always", quote(mode))),
        }
    }

    /// The namespace: the given one, else that of the kubeconfig's context, else `default`.
    pub(crate) fn namespace(&self) -> String {
        if !self.given_namespace.is_empty() {
            return self.given_namespace.clone();
        }
        let context = self.namespace_of_context();
        if context.is_none() && env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
            let own = std::fs::read_to_string(format!("{IN_CLUSTER}/namespace"));
            if let Some(own) = own.ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
                return own;
            }
        }
        context.unwrap_or_else(|| "default".to_owned())
    }

    /// What the kubeconfig says.
    fn namespace_of_context(&self) -> Option<String> {
        let config = KubeConfig::read(self);
        let current = if self.kube_context.is_empty() { &config.current } else { &self.kube_context };
        let namespace = config.context(current)?.get("context")?.get("namespace")?.as_str()?;
        Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty())
    }

    fn kubeconfig_files(&self) -> Vec<String> {
        if !self.kubeconfig.is_empty() {
            return vec![self.kubeconfig.clone()];
        }
        match variable("KUBECONFIG").filter(|list| !list.is_empty()) {
            Some(list) => env::split_paths(&list).map(|path| path.to_string_lossy().into_owned()).collect(),
            None => vec![place::join(&[&place::home(), ".kube/config"])],
        }
    }

    /// What `helm env` prints.
    pub(crate) fn variables(&self) -> BTreeMap<&'static str, String> {
        let mut variables = BTreeMap::from([
            ("HELM_BIN", env::args().next().unwrap_or_default()),
            ("HELM_CACHE_HOME", place::cache("")),
            ("HELM_CONFIG_HOME", place::config("")),
            ("HELM_DATA_HOME", place::data("")),
            ("HELM_DEBUG", self.debug.to_string()),
            ("HELM_PLUGINS", self.plugins.clone()),
            ("HELM_REGISTRY_CONFIG", self.registry_config.clone()),
            ("HELM_REPOSITORY_CACHE", self.repository_cache.clone()),
            ("HELM_CONTENT_CACHE", self.content_cache.clone()),
            ("HELM_REPOSITORY_CONFIG", self.repository_config.clone()),
            ("HELM_NAMESPACE", self.namespace()),
            ("HELM_MAX_HISTORY", self.max_history.to_string()),
            ("HELM_BURST_LIMIT", self.burst_limit.to_string()),
            ("HELM_QPS", format!("{:.2}", self.qps)),
            ("HELM_KUBECONTEXT", self.kube_context.clone()),
            ("HELM_KUBETOKEN", self.kube_token.clone()),
            ("HELM_KUBEASUSER", self.kube_as_user.clone()),
            ("HELM_KUBEASGROUPS", self.kube_as_groups.join(",")),
            ("HELM_KUBEAPISERVER", self.kube_api_server.clone()),
            ("HELM_KUBECAFILE", self.kube_ca_file.clone()),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", self.kube_insecure.to_string()),
            ("HELM_KUBETLS_SERVER_NAME", self.kube_tls_server_name.clone()),
        ]);
        if self.compat.is_helm3() {
            variables.remove("HELM_CONTENT_CACHE");
        }
        if !self.kubeconfig.is_empty() {
            variables.insert("KUBECONFIG", self.kubeconfig.clone());
        }
        variables
    }
}

/// What is read of the user's kubeconfig files here; of several the first that says something holds.
#[derive(Default)]
pub(crate) struct KubeConfig {
    /// `current-context`, or empty.
    pub(crate) current: String,
    contexts: Vec<Map>,
    /// A file that is no YAML, and why.
    pub(crate) broken: Option<(String, String)>,
}

impl KubeConfig {
    /// Reads the files that the settings mean, as far as they are there.
    pub(crate) fn read(settings: &Settings) -> Self {
        let mut read = Self::default();
        for file in settings.kubeconfig_files() {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let document = match bowline_yaml::parse(&text) {
                Ok(documents) => documents.into_iter().next(),
                Err(error) => {
                    read.broken.get_or_insert((file, error.to_string()));
                    continue;
                }
            };
            let Some(Value::Map(config)) = document.map(|document| document.to_value()) else { continue };
            if read.current.is_empty()
                && let Some(name) = config.get("current-context").and_then(Value::as_str)
            {
                name.clone_into(&mut read.current);
            }
            if let Some(Value::Seq(list)) = config.get("contexts") {
                read.contexts.extend(list.iter().filter_map(|context| context.as_map().cloned()));
            }
        }
        read
    }

    /// The context of that name.
    pub(crate) fn context(&self, name: &str) -> Option<&Map> {
        self.contexts.iter().find(|context| context.get("name").and_then(Value::as_str) == Some(name))
    }
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn flag(name: &str) -> bool {
    variable(name).and_then(|text| parse_bool(&text)).unwrap_or(false)
}

fn number(name: &str, default: i64) -> i64 {
    // Decimal only, unlike flags.
    let decimal = |text: &String| text.trim_start_matches(['-', '+']).bytes().all(|b| b.is_ascii_digit());
    variable(name).filter(decimal).and_then(|text| text.trim_start_matches('+').parse().ok()).unwrap_or(default)
}

fn color() -> String {
    if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return "never".to_owned();
    }
    let wanted = variable("HELM_COLOR").unwrap_or_default().to_lowercase();
    if matches!(wanted.as_str(), "never" | "auto" | "always") { wanted } else { "auto".to_owned() }
}

/// The flags that every command takes.
pub(crate) const GLOBAL_FLAGS: &[Flag] = &[
    Flag::text("namespace", "namespace scope for this request").short('n').setting(|s| s.given_namespace.clone()),
    Flag::text("kubeconfig", "path to the kubeconfig file"),
    Flag::text("kube-context", "name of the kubeconfig context to use").setting(|s| s.kube_context.clone()),
    Flag::text("kube-token", "bearer token used for authentication").setting(|s| s.kube_token.clone()),
    Flag::text("kube-as-user", "username to impersonate for the operation").setting(|s| s.kube_as_user.clone()),
    Flag::array(
        "kube-as-group",
        "group to impersonate for the operation, this flag can be repeated to specify multiple groups.",
    )
    .setting(|s| format!("[{}]", s.kube_as_groups.join(","))),
    Flag::text("kube-apiserver", "the address and the port for the Kubernetes API server")
        .setting(|s| s.kube_api_server.clone()),
    Flag::text("kube-ca-file", "the certificate authority file for the Kubernetes API server connection")
        .setting(|s| s.kube_ca_file.clone()),
    Flag::text(
        "kube-tls-server-name",
        "server name to use for Kubernetes API server certificate validation. If it is not provided, the hostname used to contact the server is used",
    )
    .setting(|s| s.kube_tls_server_name.clone()),
    Flag::bool(
        "kube-insecure-skip-tls-verify",
        "if true, the Kubernetes API server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
    )
    .setting(|s| s.kube_insecure.to_string()),
    Flag::bool("debug", "enable verbose output").setting(|s| s.debug.to_string()),
    Flag::text("registry-config", "path to the registry config file").setting(|s| s.registry_config.clone()),
    Flag::text("repository-config", "path to the file containing repository names and URLs")
        .setting(|s| s.repository_config.clone()),
    Flag::text("repository-cache", "path to the directory containing cached repository indexes")
        .setting(|s| s.repository_cache.clone()),
    Flag::text("content-cache", "path to the directory containing cached content (e.g. charts)")
        .setting(|s| s.content_cache.clone()),
    Flag::int("burst-limit", "client-side default throttling limit").setting(|s| s.burst_limit.to_string()),
    Flag::float(
        "qps",
        "queries per second used when communicating with the Kubernetes API, not including bursting",
    )
    .setting(|s| s.qps.to_string()),
    Flag::text("color", "use colored output (never, auto, always)").setting(|s| s.color.clone()),
    Flag::text("colour", "use colored output (never, auto, always)").setting(|s| s.color.clone()).sets("color"),
    // Those of klog, which Helm takes and hides; nothing that is printed here depends on them.
    Flag::bool("add-dir-header", "").hidden(),
    Flag::bool("alsologtostderr", "").hidden(),
    Flag::text("alsologtostderrthreshold", "").hidden(),
    Flag::bool("legacy-stderr-threshold-behavior", "").hidden(),
    Flag::text("log-backtrace-at", "").hidden(),
    Flag::text("log-dir", "").hidden(),
    Flag::text("log-file", "").hidden(),
    Flag::int("log-file-max-size", "").hidden(),
    Flag::bool("logtostderr", "").hidden(),
    Flag::bool("one-output", "").hidden(),
    Flag::bool("skip-headers", "").hidden(),
    Flag::bool("skip-log-headers", "").hidden(),
    Flag::text("stderrthreshold", "").hidden(),
    Flag::int("v", "").short('v').hidden(),
    Flag::text("vmodule", "").hidden(),
];
