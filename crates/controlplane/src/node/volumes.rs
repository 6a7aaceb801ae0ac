//! A pod's volumes: what files a ConfigMap, Secret, projected or downward API volume holds.
//!
//! Working out the content needs no I/O, so that a rehearsal meets the same missing Secret; the process runtime then
//! writes it below the pod's directory.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::env::{self, ConfigError, ConfigSource, PodFacts};
use super::pod::{DownwardVolume, KeyToPath, Pod, Volume};

/// What a volume holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Files by relative path.
    Files(BTreeMap<String, File>),
    /// An empty directory that lives as long as the pod.
    Empty,
    /// A directory of the machine.
    Host(PathBuf),
}

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Content.
    pub(crate) bytes: Vec<u8>,
    /// Permission bits.
    pub(crate) mode: u32,
}

const DEFAULT_MODE: u32 = 0o644;

/// Works out one volume. The error's text is what the kubelet's `FailedMount` event carries after the volume's name.
pub(crate) fn content(
    pod: &Pod,
    volume: &Volume,
    source: &dyn ConfigSource,
    facts: &PodFacts,
) -> Result<Content, ConfigError> {
    if volume.empty_dir.is_some() {
        return Ok(Content::Empty);
    }
    if let Some(host) = &volume.host_path {
        return Ok(Content::Host(PathBuf::from(&host.path)));
    }
    if let Some(map) = &volume.config_map {
        let data = config_map(source, &map.name, map.optional)?;
        return project(data, &map.items, map.default_mode, map.optional).map(Content::Files);
    }
    if let Some(secret) = &volume.secret {
        let data = secret_files(source, &secret.secret_name, secret.optional)?;
        return project(data, &secret.items, secret.default_mode, secret.optional).map(Content::Files);
    }
    if let Some(downward) = &volume.downward_api {
        return downward_files(pod, downward, facts, downward.default_mode).map(Content::Files);
    }
    if let Some(projected) = &volume.projected {
        let mut files = BTreeMap::new();
        for part in &projected.sources {
            if let Some(map) = &part.config_map {
                let data = config_map(source, &map.name, map.optional)?;
                files.extend(project(data, &map.items, projected.default_mode, map.optional)?);
            } else if let Some(secret) = &part.secret {
                let data = secret_files(source, &secret.secret_name, secret.optional)?;
                files.extend(project(data, &secret.items, projected.default_mode, secret.optional)?);
            } else if let Some(downward) = &part.downward_api {
                files.extend(downward_files(pod, downward, facts, projected.default_mode)?);
            }
            // Service account tokens are not issued to process pods: a process has the kubeconfig of its user.
        }
        return Ok(Content::Files(files));
    }
    let kind = volume.other.keys().next().map_or("unknown", String::as_str);
    Err(ConfigError::Other(format!("volumes of kind {kind} are not supported on this node")))
}

fn config_map(source: &dyn ConfigSource, name: &str, optional: bool) -> Result<BTreeMap<String, Vec<u8>>, ConfigError> {
    match source.config_map(name) {
        Some(object) => Ok(env::config_map_data(&object)),
        None if optional => Ok(BTreeMap::new()),
        None => Err(ConfigError::NotFound { kind: "configmap", name: name.to_owned() }),
    }
}

fn secret_files(
    source: &dyn ConfigSource,
    name: &str,
    optional: bool,
) -> Result<BTreeMap<String, Vec<u8>>, ConfigError> {
    match source.secret(name) {
        Some(object) => env::secret_data(&object)
            .map_err(|key| ConfigError::Other(format!("secret {name:?}: value of key {key} is not base64"))),
        None if optional => Ok(BTreeMap::new()),
        None => Err(ConfigError::NotFound { kind: "secret", name: name.to_owned() }),
    }
}

fn project(
    mut data: BTreeMap<String, Vec<u8>>,
    items: &[KeyToPath],
    mode: Option<u32>,
    optional: bool,
) -> Result<BTreeMap<String, File>, ConfigError> {
    let mode = mode.unwrap_or(DEFAULT_MODE);
    if items.is_empty() {
        return Ok(data.into_iter().map(|(path, bytes)| (path, File { bytes, mode })).collect());
    }
    let mut files = BTreeMap::new();
    for item in items {
        match data.remove(&item.key) {
            Some(bytes) => {
                files.insert(relative(&item.path)?, File { bytes, mode: item.mode.unwrap_or(mode) });
            }
            None if optional => {}
            None => {
                return Err(ConfigError::Other(format!("references non-existent config key: {}", item.key)));
            }
        }
    }
    Ok(files)
}

fn downward_files(
    pod: &Pod,
    downward: &DownwardVolume,
    facts: &PodFacts,
    mode: Option<u32>,
) -> Result<BTreeMap<String, File>, ConfigError> {
    let mut files = BTreeMap::new();
    for item in &downward.items {
        let value = match (&item.field_ref, &item.resource_field_ref) {
            (Some(field), _) => env::pod_field(pod, &field.field_path, facts)?,
            (_, Some(resource)) => match pod.container(&resource.container_name) {
                Some(container) => env::resource_field(pod, container, resource)?,
                None => return Err(ConfigError::Other(format!("container {} not found", resource.container_name))),
            },
            _ => String::new(),
        };
        files.insert(relative(&item.path)?, File { bytes: value.into_bytes(), mode: mode.unwrap_or(DEFAULT_MODE) });
    }
    Ok(files)
}

/// A path that stays inside the volume.
fn relative(path: &str) -> Result<String, ConfigError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if inside && !path.is_empty() {
        Ok(path.to_owned())
    } else {
        Err(ConfigError::Other(format!("invalid path {path:?}: must stay inside of the volume")))
    }
}

/// Writes a volume's content to `directory` (created when absent) and returns the directory to mount.
pub(crate) fn write(directory: &Path, content: &Content) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Content::Host(path) = content {
        return Ok(path.clone());
    }
    std::fs::create_dir_all(directory)?;
    if matches!(content, Content::Empty) {
        // Any user of the pod may write here, as in Kubernetes.
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777))?;
    }
    if let Content::Files(files) = content {
        for (path, file) in files {
            let target = directory.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&target, &file.bytes)?;
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(file.mode & 0o777))?;
        }
    }
    Ok(directory.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    struct Objects;
    impl ConfigSource for Objects {
        fn config_map(&self, name: &str) -> Option<Value> {
            (name == "cm").then(|| json!({"data": {"a.conf": "x=1", "b": "2"}}))
        }
        fn secret(&self, name: &str) -> Option<Value> {
            (name == "s").then(|| json!({"data": {"tls.key": "a2V5"}}))
        }
    }

    fn volume(value: Value) -> Result<Content, ConfigError> {
        let volume: Volume = serde_json::from_value(value).unwrap();
        content(&Pod::default(), &volume, &Objects, &PodFacts::default())
    }

    #[test]
    fn items_pick_and_rename() {
        let Content::Files(files) = volume(json!({"name": "v", "projected": {"sources": [
            {"configMap": {"name": "cm", "items": [{"key": "a.conf", "path": "etc/app.conf", "mode": 256}]}},
            {"secret": {"name": "s"}}, {"serviceAccountToken": {"path": "token"}},
        ]}}))
        .unwrap() else {
            panic!("files")
        };
        assert_eq!(files.keys().collect::<Vec<_>>(), ["etc/app.conf", "tls.key"]);
        assert_eq!((files["etc/app.conf"].mode, files["tls.key"].bytes.as_slice()), (0o400, &b"key"[..]));
    }

    #[test]
    fn problems_are_named() {
        let message = |v| volume(v).unwrap_err().to_string();
        assert_eq!(message(json!({"name": "v", "secret": {"secretName": "no"}})), "secret \"no\" not found");
        assert_eq!(
            message(json!({"name": "v", "nfs": {"path": "/"}})),
            "volumes of kind nfs are not supported on this node"
        );
        assert_eq!(
            message(json!({"name": "v", "configMap": {"name": "cm", "items": [{"key": "b", "path": "../x"}]}})),
            "invalid path \"../x\": must stay inside of the volume"
        );
    }

    #[test]
    fn files_are_written_with_their_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let content = volume(json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 256}})).unwrap();
        let root = write(&dir.path().join("v"), &content).unwrap();
        let path = root.join("tls.key");
        assert_eq!(std::fs::read(&path).unwrap(), b"key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
    }
}
