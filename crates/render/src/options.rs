use crate::objects::{Capabilities, KubeVersion};

/// What a rendering is for, as templates see it in `.Release` and `.Capabilities`.
#[derive(Clone, Debug)]
pub struct Options {
    /// `.Release.Name`
    pub release_name: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// `.Release.Revision`
    pub revision: i64,
    /// An upgrade, not an install.
    pub is_upgrade: bool,
    /// The cluster's version.
    pub kube_version: KubeVersion,
    /// Group versions, and group version kinds, beyond those that Helm takes for served anyway.
    pub api_versions: Vec<String>,
    /// The cluster's own list stands for the default one.
    pub only_api_versions: bool,
    /// The notes of subcharts too (`--render-subchart-notes`).
    pub sub_notes: bool,
    /// Rendering for `lint`: `required` and `fail` let it pass.
    pub lint: bool,
    /// Leave `values.schema.json` unread (`--skip-schema-validation`).
    pub skip_schema_validation: bool,
}

impl Default for Options {
    /// What `helm template` takes where nothing is said.
    fn default() -> Self {
        Self {
            release_name: "release-name".to_owned(),
            namespace: "default".to_owned(),
            revision: 1,
            is_upgrade: false,
            kube_version: KubeVersion::default(),
            api_versions: Vec::new(),
            only_api_versions: false,
            sub_notes: false,
            lint: false,
            skip_schema_validation: false,
        }
    }
}

impl Options {
    /// A first install.
    pub fn install(release_name: &str, namespace: &str) -> Self {
        Self { release_name: release_name.to_owned(), namespace: namespace.to_owned(), ..Self::default() }
    }

    /// What templates see as `.Capabilities`.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities { kube_version: self.kube_version.clone(), ..Capabilities::default() };
        if self.only_api_versions {
            capabilities.api_versions.clear();
        }
        capabilities.api_versions.extend(self.api_versions.iter().cloned());
        capabilities
    }

    /// An upgrade to a revision.
    pub fn upgrade(release_name: &str, namespace: &str, revision: i64) -> Self {
        Self { revision, is_upgrade: true, ..Self::install(release_name, namespace) }
    }
}

impl Default for KubeVersion {
    /// The version that Helm believes in where there is no cluster.
    fn default() -> Self {
        Capabilities::default().kube_version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_own_list_replaces_helms() {
        let api_versions = vec!["example.com/v1".to_owned()];
        let options = Options { api_versions, ..Options::default() };
        assert!(options.capabilities().api_versions.len() > 1);
        let options = Options { only_api_versions: true, ..options };
        assert_eq!(options.capabilities().api_versions, ["example.com/v1"]);
    }
}
