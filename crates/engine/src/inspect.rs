//! Looks without touching: what would come next, what would be done, how a release fares.

use bowline_cluster::{ClusterError, ObjectRef};
use bowline_graph::Graph;
use bowline_manifest::GroupVersionKind;
use bowline_plan::{DeployInput, DeployKind, DeployOptions, Plan};
use bowline_release::{Release, Status};

use crate::deploy::{deployable, kind_of};
use crate::stored::{manifest_set, previous_objects};
use crate::{DeployRequest, Engine, EngineError, Health, health_of};

/// What the next deployment of a release would be; templates are rendered for it.
#[derive(Clone, Debug)]
pub struct Next {
    /// Its revision.
    pub revision: u32,
    /// Whether it is a first install.
    pub is_install: bool,
    /// The newest revision, where there is one; its values may be used again.
    pub last: Option<Release>,
}

/// An object of a release and how it fares.
#[derive(Clone, Debug)]
pub struct ObjectStatus {
    /// The object.
    pub object: ObjectRef,
    /// How it fares; `None` where it is not in the cluster.
    pub health: Option<Health>,
}

impl Engine {
    /// What the next deployment would be. A deployment meanwhile is found out by `DeployRequest::expected_revision`.
    ///
    /// # Errors
    /// [`EngineError::Release`]
    pub async fn next(&self, release: &str, namespace: &str) -> Result<Next, EngineError> {
        let history = self.releases(namespace).history(release).await?;
        let is_install = kind_of(&history) == DeployKind::Install;
        let last = history.into_iter().last();
        Ok(Next { revision: last.as_ref().map_or(1, |last| last.version + 1), is_install, last })
    }

    /// What a deployment would do, with the objects as they are now.
    ///
    /// # Errors
    /// As [`Engine::deploy`] before it begins.
    pub async fn plan(&self, request: &DeployRequest) -> Result<Plan, EngineError> {
        let manifests = request.manifests.clone().with_argo_hooks();
        let set = deployable(&manifests)?;
        let history = self.releases(&request.namespace).history(&request.release).await?;
        let kind = kind_of(&history);
        let previous = if kind == DeployKind::Install { Vec::new() } else { previous_objects(&history)? };
        let graph = Graph::build(&set, &request.namespace);
        let live = self.live_objects(&graph, &previous).await?;
        Ok(Plan::deploy(&DeployInput {
            desired: &set,
            graph: &graph,
            live: &live,
            previous: &previous,
            kind,
            order: request.options.order,
            options: DeployOptions {
                create_namespace: request.create_namespace,
                crds: request.crds,
                hooks: request.options.hooks,
                wait: request.options.wait,
                schema_downs: false,
                schema_gate: request.options.schema_gate.is_some(),
            },
        }))
    }

    /// The newest revision of a release and how each of its objects fares.
    ///
    /// # Errors
    /// [`EngineError::NoRelease`] where there is none.
    pub async fn status(&self, release: &str, namespace: &str) -> Result<(Release, Vec<ObjectStatus>), EngineError> {
        let history = self.releases(namespace).history(release).await?;
        let in_force = history.iter().rev().find(|r| r.info.status == Status::Deployed);
        let Some(shown) = in_force.or(history.last()) else {
            return Err(EngineError::NoRelease { release: release.to_owned(), namespace: namespace.to_owned() });
        };
        let mut objects = Vec::new();
        for manifest in manifest_set(shown)?.manifests {
            let Some(gvk) = GroupVersionKind::of(&manifest.object) else { continue };
            let failed = EngineError::cluster(format!("look at the objects of release {release}"));
            let object = match self.cluster.locate(&manifest.object, namespace).await {
                Ok(object) => object,
                // Its definition is gone, and it with it.
                Err(ClusterError::UnknownKind { .. }) => {
                    let key = manifest.key();
                    let name = key.map(|key| key.name).unwrap_or_default();
                    objects.push(ObjectStatus {
                        object: ObjectRef { gvk, namespace: namespace.to_owned(), name },
                        health: None,
                    });
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            let live = self.cluster.get(&object).await.map_err(failed)?;
            objects.push(ObjectStatus { object, health: live.as_ref().map(health_of) });
        }
        let newest = history.into_iter().last();
        newest
            .map(|newest| (newest, objects))
            .ok_or_else(|| EngineError::NoRelease { release: release.to_owned(), namespace: namespace.to_owned() })
    }
}
