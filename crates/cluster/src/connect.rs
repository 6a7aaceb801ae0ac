use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::{Cluster, ClusterError};

/// How to find the cluster. The default is what kubectl would do: `KUBECONFIG`, `~/.kube/config`, then a pod's own
/// service account.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// A kubeconfig file in place of the usual ones.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig in place of its current one.
    pub context: Option<String>,
    /// What holds over the configuration that was found.
    pub overrides: Overrides,
    /// Where nothing is configured anywhere: `http://localhost:8080`, as kubectl and Helm assume, and no error.
    pub or_localhost: bool,
}

/// What holds over a kubeconfig; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Address of the API server.
    pub server: Option<String>,
    /// Bearer token.
    pub token: Option<String>,
    /// Whom to act as.
    pub user: Option<String>,
    /// As a member of which groups.
    pub groups: Vec<String>,
    /// File with the authorities that the server's certificate is checked against.
    pub certificate_authority: Option<PathBuf>,
    /// Name that the server's certificate is checked for.
    pub tls_server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure: bool,
}

impl Overrides {
    fn apply(&self, config: &mut kube::Config) -> Result<(), String> {
        if let Some(server) = &self.server {
            // As client-go: an address without a scheme is one of plain HTTP.
            let url = if server.contains("://") { server.clone() } else { format!("http://{server}") };
            config.cluster_url = url.parse().map_err(|error| format!("the address {server}: {error}"))?;
        }
        if let Some(token) = &self.token {
            config.auth_info.token = Some(token.clone().into());
        }
        if let Some(user) = &self.user {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !self.groups.is_empty() {
            config.auth_info.impersonate_groups = Some(self.groups.clone());
        }
        if let Some(file) = &self.certificate_authority {
            let failed = |why: String| format!("certificate authority {}: {why}", file.display());
            let pem = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let found = found.map_err(|error| failed(error.to_string()))?;
            config.root_cert = Some(found.iter().map(|certificate| certificate.to_vec()).collect());
            config.root_cert_file = None;
        }
        if let Some(name) = &self.tls_server_name {
            config.tls_server_name = Some(name.clone());
        }
        config.accept_invalid_certs |= self.insecure;
        Ok(())
    }
}

impl Cluster {
    /// Connects as kubectl would. No request is sent yet.
    ///
    /// # Errors
    /// [`ClusterError::Config`] where no usable configuration is found.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ClusterError> {
        let config_error = |cause: String| ClusterError::Config { cause };
        let chosen = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &options.kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path)
                    .map_err(|e| config_error(format!("kubeconfig {}: {}", path.display(), chain(&e))))?;
                kube::Config::from_custom_kubeconfig(file, &chosen)
                    .await
                    .map_err(|e| config_error(format!("kubeconfig {}: {}", path.display(), chain(&e))))?
            }
            None if options.context.is_some() => {
                kube::Config::from_kubeconfig(&chosen).await.map_err(|e| config_error(chain(&e)))?
            }
            None => match kube::Config::infer().await {
                Ok(config) => config,
                Err(_) if options.or_localhost && !is_configured() => {
                    kube::Config::new(http::Uri::from_static(LOCALHOST))
                }
                Err(error) => return Err(config_error(chain(&error))),
            },
        };
        options.overrides.apply(&mut config).map_err(config_error)?;
        let address = config.cluster_url.to_string();
        let client = kube::Client::try_from(config).map_err(|e| config_error(chain(&e)))?;
        Ok(Self { address, ..Self::new(client) })
    }
}

/// Where kubectl and Helm look for a server that nobody configured.
const LOCALHOST: &str = "http://localhost:8080";

/// Whether any of the usual kubeconfig files is there.
fn is_configured() -> bool {
    match std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()) {
        Some(list) => std::env::split_paths(&list).any(|path| path.exists()),
        None => std::env::home_dir().is_some_and(|home| home.join(".kube/config").exists()),
    }
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
