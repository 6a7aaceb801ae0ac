use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_manifest::{GroupKind, GroupVersionKind};
use serde_json::Value;

use crate::{Cluster, ClusterError};

/// A kind as the server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Group, version and kind.
    pub gvk: GroupVersionKind,
    /// The word in URLs: `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What the server lets one do with it: `get`, `list`, `watch`, …
    pub verbs: Vec<String>,
}

impl Resource {
    /// The URL path of all its objects, or of those in a namespace.
    pub fn collection(&self, namespace: &str) -> String {
        let GroupVersionKind { group, version, .. } = &self.gvk;
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }
}

/// Which Kubernetes the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// `1`
    pub major: String,
    /// `36`, on some providers with a `+`
    pub minor: String,
    /// `v1.36.3`
    pub git_version: String,
}

/// Kinds by `apiVersion`, as far as they were asked for.
#[derive(Default)]
pub(crate) struct Cache(Mutex<BTreeMap<String, Arc<Vec<Resource>>>>);

impl Cache {
    fn get(&self, api_version: &str) -> Option<Arc<Vec<Resource>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(api_version).cloned()
    }

    fn put(&self, api_version: &str, resources: Vec<Resource>) -> Arc<Vec<Resource>> {
        let resources = Arc::new(resources);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(api_version.to_owned(), Arc::clone(&resources));
        resources
    }
}

impl Cluster {
    /// Which resource serves a kind. Asked once for each group version, and again only where the kind is not among
    /// what was answered then (a CustomResourceDefinition may have been added since).
    ///
    /// # Errors
    /// [`ClusterError::UnknownKind`] where nobody serves it.
    pub async fn resource(&self, gvk: &GroupVersionKind) -> Result<Resource, ClusterError> {
        let api_version = gvk.api_version();
        let find = |resources: &[Resource]| resources.iter().find(|r| r.gvk.kind == gvk.kind).cloned();
        if let Some(found) = self.discovered.get(&api_version).and_then(|known| find(&known)) {
            return Ok(found);
        }
        let fresh = self.served_by(&api_version).await?;
        find(&fresh).ok_or_else(|| ClusterError::UnknownKind { doing: "look up a kind".to_owned(), gvk: gvk.clone() })
    }

    /// Whether the server knows a group version at all.
    pub async fn serves(&self, api_version: &str) -> bool {
        self.discovered.get(api_version).is_some() || self.served_by(api_version).await.is_ok_and(|r| !r.is_empty())
    }

    /// Which resource serves a kind in the version that the server prefers.
    ///
    /// # Errors
    /// [`ClusterError::UnknownKind`] where nobody serves it.
    pub async fn preferred_resource(&self, kind: &GroupKind) -> Result<Resource, ClusterError> {
        let doing = format!("look up the versions of {}", kind.group);
        let versions = if kind.group.is_empty() {
            vec!["v1".to_owned()]
        } else {
            match self.get_path(&doing, &format!("/apis/{}", kind.group)).await {
                Ok(group) => {
                    let preferred = group["preferredVersion"]["version"].as_str();
                    let all = group["versions"].as_array().into_iter().flatten().filter_map(|v| v["version"].as_str());
                    let mut versions: Vec<String> = preferred.into_iter().chain(all).map(str::to_owned).collect();
                    versions.dedup();
                    versions
                }
                Err(error) if error.is_not_found() => Vec::new(),
                Err(error) => return Err(error),
            }
        };
        for version in &versions {
            let gvk = GroupVersionKind { group: kind.group.clone(), version: version.clone(), kind: kind.kind.clone() };
            match self.resource(&gvk).await {
                Err(ClusterError::UnknownKind { .. }) => {}
                found => return found,
            }
        }
        let gvk = GroupVersionKind { group: kind.group.clone(), version: String::new(), kind: kind.kind.clone() };
        Err(ClusterError::UnknownKind { doing: "look up a kind".to_owned(), gvk })
    }

    async fn served_by(&self, api_version: &str) -> Result<Arc<Vec<Resource>>, ClusterError> {
        match self.get_path(&format!("look up the kinds of {api_version}"), &resource_list(api_version)).await {
            Ok(list) => Ok(self.discovered.put(api_version, read_resource_list(api_version, &list))),
            Err(error) if error.is_not_found() => Ok(Arc::default()),
            Err(error) => Err(error),
        }
    }

    /// Which Kubernetes the server is; also tells whether it can be reached at all.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`] where it cannot.
    pub async fn server_version(&self) -> Result<ServerVersion, ClusterError> {
        let version = self.get_path("ask the server for its version", "/version").await?;
        let text = |field: &str| version[field].as_str().unwrap_or_default().to_owned();
        Ok(ServerVersion { major: text("major"), minor: text("minor"), git_version: text("gitVersion") })
    }

    /// Everything that is served, as Helm's `.Capabilities.APIVersions` lists it: `apps/v1` and `apps/v1/Deployment`.
    /// Two requests where the server knows aggregated discovery, else one more for each group version.
    ///
    /// # Errors
    /// Whatever keeps the server from listing its groups; a group whose own server is away is left out.
    pub async fn api_versions(&self) -> Result<Vec<String>, ClusterError> {
        let doing = "list the server's kinds";
        let mut names = Vec::new();
        for root in ["/api", "/apis"] {
            let answer = self.get_path_as(doing, root, AGGREGATED).await?;
            if answer["kind"] == "APIGroupDiscoveryList" {
                for Served { api_version, resources, kinds } in read_aggregated(&answer) {
                    names.extend(kinds.iter().map(|kind| format!("{api_version}/{kind}")));
                    self.discovered.put(&api_version, resources);
                    names.push(api_version);
                }
                continue;
            }
            for api_version in read_group_versions(&answer) {
                if let Ok(list) = self.get_path(doing, &resource_list(&api_version)).await {
                    let kinds = list["resources"].as_array().into_iter().flatten().filter_map(|r| r["kind"].as_str());
                    names.extend(kinds.map(|kind| format!("{api_version}/{kind}")));
                    self.discovered.put(&api_version, read_resource_list(&api_version, &list));
                    names.push(api_version);
                }
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// The URL path of the list of what a group version serves.
fn resource_list(api_version: &str) -> String {
    if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") }
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read_resource_list(api_version: &str, list: &Value) -> Vec<Resource> {
    let resources = list["resources"].as_array().into_iter().flatten();
    let read = |r: &Value| {
        let plural = r["name"].as_str()?;
        // `pods/log` and the like are reached through their parent.
        (!plural.contains('/')).then_some(())?;
        Some(Resource {
            gvk: GroupVersionKind::new(api_version, r["kind"].as_str()?),
            plural: plural.to_owned(),
            namespaced: r["namespaced"].as_bool().unwrap_or_default(),
            verbs: strings(&r["verbs"]),
        })
    };
    resources.filter_map(read).collect()
}

/// A group version as aggregated discovery shows it.
struct Served {
    api_version: String,
    resources: Vec<Resource>,
    /// Kinds of the resources and of what is below them: `apps/v1` has a `Scale`.
    kinds: Vec<String>,
}

fn read_aggregated(answer: &Value) -> Vec<Served> {
    let mut found = Vec::new();
    for group in answer["items"].as_array().into_iter().flatten() {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in group["versions"].as_array().into_iter().flatten() {
            let version_name = version["version"].as_str().unwrap_or_default();
            let api_version = if name.is_empty() { version_name.to_owned() } else { format!("{name}/{version_name}") };
            let (mut resources, mut kinds) = (Vec::new(), Vec::new());
            for resource in version["resources"].as_array().into_iter().flatten() {
                let below = resource["subresources"].as_array().into_iter().flatten();
                let all = std::iter::once(resource).chain(below);
                kinds.extend(all.filter_map(|r| r["responseKind"]["kind"].as_str().map(str::to_owned)));
                let (Some(kind), Some(plural)) =
                    (resource["responseKind"]["kind"].as_str(), resource["resource"].as_str())
                else {
                    continue;
                };
                resources.push(Resource {
                    gvk: GroupVersionKind::new(&api_version, kind),
                    plural: plural.to_owned(),
                    namespaced: resource["scope"] == "Namespaced",
                    verbs: strings(&resource["verbs"]),
                });
            }
            found.push(Served { api_version, resources, kinds });
        }
    }
    found
}

fn read_group_versions(answer: &Value) -> Vec<String> {
    let groups = answer["groups"].as_array().into_iter().flatten();
    let of_groups = groups.flat_map(|g| g["versions"].as_array().into_iter().flatten());
    let of_groups = of_groups.filter_map(|v| v["groupVersion"].as_str().map(str::to_owned));
    strings(&answer["versions"]).into_iter().chain(of_groups).collect()
}
