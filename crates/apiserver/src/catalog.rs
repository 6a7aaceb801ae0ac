//! Which resources there are, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{CustomKind, ResourceId};

/// A resource of the API.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Group and plural.
    pub id: ResourceId,
    /// Version, as in `v1`.
    pub version: String,
    /// Kind, as in `Deployment`.
    pub kind: String,
    /// Kind of lists, as in `DeploymentList`.
    pub list_kind: String,
    /// Singular name, as in `deployment`.
    pub singular: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Abbreviations, as in `deploy`.
    pub short_names: Vec<String>,
    /// Categories, as in `all`.
    pub categories: Vec<String>,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
    /// Whether `metadata.generation` counts changes of anything but metadata and status.
    pub counts_generations: bool,
    /// Of a version that is only a view: where its objects are stored.
    pub stored_as: Option<ResourceId>,
    /// What its definition says, of a custom resource.
    pub custom: Option<Arc<CustomKind>>,
}

/// A part of a resource with verbs of its own.
#[derive(Clone, Debug)]
pub struct Subresource {
    /// Name, as in `status`.
    pub name: String,
    /// Group of what is sent and answered; empty for the core group.
    pub group: String,
    /// Version of it.
    pub version: String,
    /// Kind of it, as in `Scale`.
    pub kind: String,
    /// What can be done with it.
    pub verbs: Vec<String>,
}

impl Resource {
    /// `group/version`, or `version` for the core group.
    pub fn api_version(&self) -> String {
        if self.id.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.id.group, self.version) }
    }

    /// The schema of its kind; none for custom resources.
    pub(crate) fn schema(&self) -> Option<crate::schema::TypeId> {
        if self.custom.is_some() {
            return None;
        }
        crate::schema::schema().of_kind(&self.id.group, &self.version, &self.kind)
    }

    /// The subresource of that name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

/// All resources.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    by_id: BTreeMap<ResourceId, Arc<Resource>>,
    /// Versions that show what others store.
    views: Vec<Arc<Resource>>,
}

impl Catalog {
    /// The resource, where it is there.
    pub fn get(&self, id: &ResourceId) -> Option<&Arc<Resource>> {
        self.by_id.get(id)
    }

    /// By the names in a path.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        let id = ResourceId::new(group, plural);
        let view = self.views.iter().find(|r| r.id == id && r.version == version);
        self.get(&id).filter(|r| r.version == version).or(view)
    }

    /// Every version of every resource that is served: [`Catalog::iter`] and the views of it.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.iter().chain(&self.views)
    }

    /// By group and kind.
    pub fn by_kind(&self, group: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.iter().find(|r| r.id.group == group && r.kind == kind)
    }

    /// Every resource, by group and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.by_id.values()
    }

    /// Adds or replaces one.
    pub(crate) fn insert(&mut self, resource: Resource) {
        if resource.stored_as.is_some() {
            self.views.push(Arc::new(resource));
        } else {
            self.by_id.insert(resource.id.clone(), Arc::new(resource));
        }
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, id: &ResourceId) {
        self.by_id.remove(id);
    }

    /// The resources that are built in.
    pub(crate) fn built_in() -> Self {
        let mut catalog = Self::default();
        for line in BUILT_IN.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(resource) = parse(line) {
                catalog.insert(resource);
            }
        }
        catalog
    }
}

/// One resource a line: group, version, plural, singular, kind, scope, short names, categories, subresources, whether
/// generations are counted. `-` is empty. A subresource of another kind is written `name=group/version.Kind`.
const BUILT_IN: &str = include_str!("catalog.txt");

fn parse(line: &str) -> Option<Resource> {
    let mut columns = line.split_whitespace().map(|word| if word == "-" { "" } else { word });
    let mut next = || columns.next();
    let words = |text: &str| -> Vec<String> { text.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect() };
    let (group, version, plural, singular, kind) = (next()?, next()?, next()?, next()?, next()?);
    let (scope, short_names, categories, subresources, generations) = (next()?, next()?, next()?, next()?, next()?);
    let review = generations == "review";
    let verbs = match plural {
        _ if review => "create",
        // Namespaces go one by one.
        "namespaces" => "create,delete,get,list,patch,update,watch",
        _ => "create,delete,deletecollection,get,list,patch,update,watch",
    };
    let verbs = words(verbs);
    let subresource = |text: &str| {
        let (name, of) = text.split_once('=').map_or((text, None), |(name, of)| (name, Some(of)));
        let (group, version, kind) = match of {
            None => (group, version, kind),
            Some(of) => {
                let (path, kind) = of.rsplit_once('.')?;
                let (group, version) = path.split_once('/').unwrap_or(("", path));
                (group, version, kind)
            }
        };
        let verbs = match name {
            "status" | "scale" | "ephemeralcontainers" | "resize" | "approval" => "get,patch,update",
            "log" => "get",
            "binding" | "eviction" | "token" => "create",
            "finalize" => "update",
            "exec" | "attach" | "portforward" => "create,get",
            _ => "create,delete,get,patch,update",
        };
        let (name, group, version, kind) = (name.to_owned(), group.to_owned(), version.to_owned(), kind.to_owned());
        Some(Subresource { name, group, version, kind, verbs: words(verbs) })
    };
    Some(Resource {
        id: ResourceId::new(group, plural),
        version: version.to_owned(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        singular: singular.to_owned(),
        namespaced: scope == "namespaced",
        short_names: words(short_names),
        categories: words(categories),
        verbs,
        subresources: subresources.split(',').filter(|w| !w.is_empty()).filter_map(subresource).collect(),
        counts_generations: generations == "generation",
        stored_as: generations.strip_prefix("stored:").map(|id| {
            let (plural, group) = id.split_once('.').unwrap_or((id, ""));
            ResourceId::new(group, plural)
        }),
        custom: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_resource() {
        let lines = BUILT_IN.lines().filter(|line| !line.trim().is_empty()).count();
        assert_eq!(Catalog::built_in().served().count(), lines);
        let catalog = Catalog::built_in();
        let scale = catalog.get(&crate::resources::DEPLOYMENTS).and_then(|r| r.subresource("scale")).unwrap();
        assert_eq!((scale.group.as_str(), scale.version.as_str(), scale.kind.as_str()), ("autoscaling", "v1", "Scale"));
    }
}
