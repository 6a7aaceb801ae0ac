use std::sync::Arc;

use bowline_yaml::Map;

use crate::{Compat, File, Metadata};

/// A chart: what it is, its templates, its default values and the charts inside of it.
///
/// A clone is cheap: contents are shared.
#[derive(Clone, Debug)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// Default values.
    pub values: Arc<Map>,
    /// `values.yaml` as written, for places in it.
    pub values_text: Option<Arc<str>>,
    /// `values.schema.json`.
    pub schema: Option<Arc<[u8]>>,
    /// `Chart.lock`, or `requirements.lock`.
    pub lock: Option<Arc<[u8]>>,
    /// Files under `templates/`.
    pub templates: Vec<File>,
    /// All other files, `crds/` among them: what templates see as `.Files`.
    pub files: Vec<File>,
    /// Charts under `charts/`.
    pub dependencies: Vec<Chart>,
    /// The directory or archive it was loaded from, as a user would write it; empty for charts made in memory.
    pub origin: String,
    /// Which Helm it was read as, and is rendered as.
    pub compat: Compat,
    /// Its name before it got an alias, where it was taken from among the parent's charts.
    pub(crate) loaded_as: Option<String>,
    /// Where Helm believes it to lie where that is not where it does, for the charts in it: see [`Chart::inner_path`].
    pub(crate) left_at: Option<String>,
}

/// A file of a `crds/` directory.
#[derive(Clone, Debug)]
pub struct Crd {
    /// Path as Helm prints it after `# Source:`.
    pub source: String,
    /// Name of the chart it comes from.
    pub chart: String,
    /// The file.
    pub file: File,
}

impl Chart {
    /// Name, or alias.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The path of a chart that lies in this one, whose own is `path`, as in `a/charts/b`.
    ///
    /// Helm 4 moves what lies in a chart with an alias, but not what lies in that; Helm 3 moves it only where the `Chart.yaml`
    /// of the chart with the alias has dependencies. What is not moved stays where it lay without the alias, that of two
    /// aliases in one place.
    pub fn inner_path(&self, path: &str, name: &str) -> String {
        format!("{}/charts/{name}", self.left_at.as_deref().unwrap_or(path))
    }

    /// The custom resource definitions of the chart and of all below it. `path` is the chart's own, as in `a/charts/b`.
    pub fn crds(&self, path: &str) -> Vec<Crd> {
        let mut crds = Vec::new();
        self.collect_crds(path, &mut crds);
        crds
    }

    fn collect_crds(&self, path: &str, into: &mut Vec<Crd>) {
        let is_manifest = |name: &str| {
            let extension =
                name.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map(|(_, extension)| extension);
            extension.is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
        };
        for file in self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name)) {
            let (source, chart) = (format!("{path}/{}", file.name), self.name().to_owned());
            into.push(Crd { source, chart, file: file.clone() });
        }
        for dependency in &self.dependencies {
            dependency.collect_crds(&self.inner_path(path, dependency.name()), into);
        }
    }

    /// Dependencies of `Chart.yaml` that are not under `charts/`.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        let there = |name: &str| self.dependencies.iter().any(|chart| chart.name() == name);
        self.metadata.dependencies().iter().map(|d| d.name.as_str()).filter(|name| !there(name)).collect()
    }

    /// Checks what Helm checks before it installs or renders: an application, and complete.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn check_installable(&self) -> Result<(), crate::Error> {
        let kind = &self.metadata.kind;
        if !matches!(kind.as_str(), "" | "application") {
            return Err(crate::Error::chart(format!("{kind} charts are not installable")));
        }
        let missing = self.missing_dependencies();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        if self.compat.is_helm3() {
            return Err(crate::Error::chart(format!(
                "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to \
                 fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
            )));
        }
        Err(crate::Error::chart(format!(
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch \
             missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
        )))
    }
}
