use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::{Cluster, ClusterError};

/// How to find the cluster. The default is what kubectl would do: `KUBECONFIG`, `~/.kube/config`, then a pod's own
/// service account.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// A kubeconfig file in place of the usual ones.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig in place of its current one.
    pub context: Option<String>,
}

impl Cluster {
    /// Connects as kubectl would. No request is sent yet.
    ///
    /// # Errors
    /// [`ClusterError::Config`] where no usable configuration is found.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ClusterError> {
        let config_error = |cause: String| ClusterError::Config { cause };
        let chosen = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
        let config = match &options.kubeconfig {
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
            None => kube::Config::infer().await.map_err(|e| config_error(chain(&e)))?,
        };
        Ok(Self::new(kube::Client::try_from(config).map_err(|e| config_error(chain(&e)))?))
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
