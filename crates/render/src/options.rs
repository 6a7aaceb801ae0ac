use std::fmt;

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
    /// Group versions, and group version kinds, beyond [`DEFAULT_API_VERSIONS`](crate::DEFAULT_API_VERSIONS).
    pub api_versions: Vec<String>,
    /// The cluster's own list stands for the default one.
    pub only_api_versions: bool,
    /// The notes of subcharts too (`--render-subchart-notes`).
    pub sub_notes: bool,
    /// Rendering for `lint`: `required` and `fail` let it pass.
    pub lint: bool,
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
        }
    }
}

impl Options {
    /// A first install.
    pub fn install(release_name: &str, namespace: &str) -> Self {
        Self { release_name: release_name.to_owned(), namespace: namespace.to_owned(), ..Self::default() }
    }

    /// An upgrade to a revision.
    pub fn upgrade(release_name: &str, namespace: &str, revision: i64) -> Self {
        Self { revision, is_upgrade: true, ..Self::install(release_name, namespace) }
    }
}

/// `.Capabilities.KubeVersion`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// In full: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes: `v1.33.4`; what `kubeVersion` in `Chart.yaml` is compared with.
    pub normalized: String,
    /// `1`
    pub major: String,
    /// `33`
    pub minor: String,
}

impl Default for KubeVersion {
    /// The version that Helm 4.3.1 believes in where there is no cluster.
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self { version: text("v1.37.0"), normalized: text("v1.37.0"), major: text("1"), minor: text("37") }
    }
}

impl KubeVersion {
    /// Reads a version such as `1.30`, `v1.30.1` or `v1.33.4-gke.1245000`.
    ///
    /// # Errors
    /// In Helm's words, without what comes before them: `could not parse "x" as version`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let failed = || format!("could not parse {} as version", bowline_yaml::quote(text));
        let trimmed = text.trim();
        let plain = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let core_len = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let (core, suffix) = plain.split_at(core_len);
        let parts: Vec<&str> = core.split('.').collect();
        if parts.len() < 2 {
            return Err(failed());
        }
        let mut numbers = Vec::new();
        for part in &parts {
            if part.is_empty() {
                return Err(failed());
            }
            if part.len() > 1 && part.starts_with('0') {
                let shown = bowline_yaml::quote(text);
                return Err(format!(
                    "illegal zero-prefixed version component {} in {shown}",
                    bowline_yaml::quote(part)
                ));
            }
            numbers.push(part.parse::<u64>().map_err(|_| failed())?);
        }
        if suffix.starts_with(|c: char| c != '-' && c != '+') && numbers.len() < 3 {
            return Err(failed());
        }
        while numbers.len() < 3 {
            numbers.push(0);
        }
        let normalized = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
        Ok(Self {
            version,
            normalized: format!("v{normalized}"),
            major: numbers[0].to_string(),
            minor: numbers[1].to_string(),
        })
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normalized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_clusters() {
        let version = KubeVersion::parse("1.33.4-gke.1245000").unwrap();
        assert_eq!((version.version.as_str(), version.to_string().as_str()), ("v1.33.4-gke.1245000", "v1.33.4"));
        assert_eq!(KubeVersion::parse("v1.30").unwrap().normalized, "v1.30.0");
        assert_eq!(KubeVersion::parse("x").unwrap_err(), "could not parse \"x\" as version");
        assert!(KubeVersion::parse("1").is_err());
    }
}
