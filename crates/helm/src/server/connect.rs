//! Which server Helm's settings mean, and what is said where it cannot be reached.

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use bowline_cluster::{Cluster, ClusterError, ConnectOptions, Overrides};
use bowline_yaml::quote;

use super::Server;
use crate::settings::{KubeConfig, Settings};

/// Connects to the server that the settings mean, and sees that it answers.
///
/// # Errors
/// In Helm's words, what stands behind `kubernetes cluster unreachable: `.
pub(crate) fn connect(settings: &Settings) -> Result<Server, String> {
    check_configuration(settings)?;
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let options = ConnectOptions {
        kubeconfig: given(&settings.kubeconfig).map(PathBuf::from),
        context: given(&settings.kube_context),
        overrides: Overrides {
            server: given(&settings.kube_api_server),
            token: given(&settings.kube_token),
            user: given(&settings.kube_as_user),
            groups: settings.kube_as_groups.clone(),
            certificate_authority: given(&settings.kube_ca_file).map(PathBuf::from),
            tls_server_name: given(&settings.kube_tls_server_name),
            insecure: settings.kube_insecure,
        },
        or_localhost: true,
    };
    let connecting = async {
        Cluster::connect(&options).await.map_err(|error| match error {
            ClusterError::Config { cause } => cause,
            other => other.to_string(),
        })
    };
    let mut server = Server::new(connecting, |error| error.to_string())?;
    server.logs = true;
    let answered = server.ask(server.cluster.server_version());
    answered.map_err(|error| server.text(&error))?;
    Ok(server)
}

/// What client-go finds wrong with the configuration before anything is asked.
fn check_configuration(settings: &Settings) -> Result<(), String> {
    if !settings.kubeconfig.is_empty()
        && let Err(error) = std::fs::metadata(&settings.kubeconfig)
    {
        return Err(format!("stat {}: {}", settings.kubeconfig, bowline_chart::go_io_reason(&error)));
    }
    let config = KubeConfig::read(settings);
    if let Some((file, why)) = config.broken {
        let why = why.trim_start_matches("error converting YAML to JSON: ");
        return Err(format!("error loading config file {}: {why}", quote(&file)));
    }
    let name = &settings.kube_context;
    if !name.is_empty() && config.context(name).is_none() {
        return Err(format!("context {} does not exist", quote(name)));
    }
    if !config.current.is_empty() && config.context(&config.current).is_none() {
        let current = &config.current;
        return Err(format!("invalid configuration: context was not found for specified context: {current}"));
    }
    let authority = &settings.kube_ca_file;
    if !authority.is_empty()
        && let Err(error) = std::fs::metadata(authority)
    {
        let context = config.context(if name.is_empty() { &config.current } else { name });
        let cluster = context.and_then(|context| context.get("context")?.get("cluster")?.as_str()).unwrap_or_default();
        let why = bowline_chart::go_io_reason(&error);
        return Err(format!(
            "invalid configuration: unable to read certificate-authority {authority} for {cluster} due to open {authority}: {why}"
        ));
    }
    Ok(())
}

/// Go's words for a request that got no answer.
pub(super) fn unreachable(address: &str, doing: &str, cause: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let path = doing.strip_prefix("get ").unwrap_or("/version");
    let why = if cause.contains("Connection refused") {
        let dialed = host.to_socket_addrs().ok().and_then(|mut found| found.next());
        let dialed = dialed.map_or_else(|| host.to_owned(), |dialed| dialed.to_string());
        format!("dial tcp {dialed}: connect: connection refused")
    } else if cause.contains("UnknownIssuer") {
        "tls: failed to verify certificate: x509: certificate signed by unknown authority".to_owned()
    } else if cause.contains("failed to lookup address") {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        format!("dial tcp: lookup {name}: no such host")
    } else {
        cause.to_owned()
    };
    format!("Get {}: {why}", quote(&format!("{}{path}", address.trim_end_matches('/'))))
}
