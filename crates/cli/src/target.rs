//! Which cluster a command goes to, and which release it means.

use bowline_clock::Clock;
use bowline_cluster::{Cluster, ConnectOptions};
use bowline_release::{Release, ReleaseStore};
use bowline_render::suggest;

use crate::args;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::{ClusterFolder, State};

/// A connected cluster.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) cluster: Cluster,
    pub(crate) clock: Clock,
    /// What a person calls it.
    pub(crate) title: String,
    /// Its state, where it is the embedded one.
    pub(crate) embedded: Option<State>,
}

/// A release by name and namespace.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Target {
    /// Connects: to what `--kubeconfig`, `KUBECONFIG` or `--context` say, else to the embedded cluster while it is up,
    /// else as kubectl would.
    pub(crate) async fn connect(arguments: &args::Target, cluster: &str) -> Result<Self, Failure> {
        let folder = ClusterFolder::of(cluster);
        let running = folder.running();
        // The variable may name several files: only kubectl's own rules read it.
        let variable = std::env::var_os(environment::KUBECONFIG).filter(|value| !value.is_empty());
        let given = arguments.kubeconfig.clone();
        let own = given.as_ref().map_or(variable.as_deref(), |path| Some(path.as_os_str()))
            == Some(folder.kubeconfig().as_os_str());
        let chosen = given.is_some() || variable.is_some() || arguments.context.is_some();
        let embedded = running.filter(|_| own || !chosen);
        let title = match (&embedded, &arguments.context) {
            (Some(state), _) => format!("embedded cluster {cluster} ({})", state.server),
            (None, Some(context)) => format!("context {context}"),
            (None, None) => given.as_ref().map_or("the current context".to_owned(), |path| path.display().to_string()),
        };
        let kubeconfig = if embedded.is_some() { Some(folder.kubeconfig()) } else { given };
        let options = ConnectOptions { kubeconfig, context: arguments.context.clone(), ..ConnectOptions::default() };
        let cluster = Cluster::connect(&options).await.map_err(|error| {
            Failure::because(Exit::Usage, format!("connect to {title}"), &error).hint(
                "bowline up examples/todo-app --detach   starts a cluster of its own; --kubeconfig FILE names another",
            )
        })?;
        Ok(Self { cluster, clock: Clock::system(), title, embedded })
    }

    /// The releases of a namespace; empty for all namespaces.
    pub(crate) fn releases(&self, namespace: &str) -> ReleaseStore {
        ReleaseStore::new(self.cluster.clone(), self.clock.clone(), namespace)
    }

    /// The release that the user means: the one named; else the one `up` brought up; else the only one there is.
    pub(crate) async fn release(&self, arguments: &args::Release) -> Result<Named, Failure> {
        let all = self.releases(arguments.namespace.as_deref().unwrap_or_default()).list().await;
        let all = all.map_err(|error| Failure::because(Exit::Failed, "find the release", &error))?;
        let matching: Vec<&Release> =
            all.iter().filter(|found| arguments.release.as_ref().is_none_or(|name| found.name == *name)).collect();
        if arguments.release.is_none()
            && let Some(state) = &self.embedded
            && let Some(found) = matching.iter().find(|r| r.name == state.release && r.namespace == state.namespace)
        {
            return Ok(Named { name: found.name.clone(), namespace: found.namespace.clone() });
        }
        match matching.as_slice() {
            [only] => Ok(Named { name: only.name.clone(), namespace: only.namespace.clone() }),
            [] => Err(self.no_release(arguments, &all)),
            several => {
                let list: Vec<String> = several.iter().map(|r| format!("{} in {}", r.name, r.namespace)).collect();
                Err(Failure::new(Exit::Usage, "which release? There are several")
                    .details(list.join("\n"))
                    .hint("bowline status RELEASE --namespace NAMESPACE"))
            }
        }
    }

    fn no_release(&self, arguments: &args::Release, all: &[Release]) -> Failure {
        let place =
            arguments.namespace.as_ref().map_or(String::new(), |namespace| format!(" in namespace {namespace}"));
        let what = arguments.release.as_ref().map_or("no release".to_owned(), |name| format!("no release '{name}'"));
        let failure = Failure::new(Exit::Failed, format!("{what}{place} on {}", self.title));
        let names = all.iter().map(|release| release.name.as_str());
        let near = arguments.release.as_ref().and_then(|name| suggest::nearest(name, names));
        match near {
            Some(near) => failure.hint(format!("did you mean '{near}'? `bowline list` shows all")),
            None => failure.hint("bowline list"),
        }
    }
}
