//! Where Helm keeps its files: `HELM_*_HOME`, else XDG's folders, else those of the system.

use std::env;
use std::path::{Component, Path, PathBuf};

/// Cached files: indexes and charts of repositories.
pub(crate) fn cache(below: &str) -> String {
    path("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache", below)
}

/// Configuration: repositories, credentials.
pub(crate) fn config(below: &str) -> String {
    path("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config", below)
}

/// Data: plugins, starters.
pub(crate) fn data(below: &str) -> String {
    path("HELM_DATA_HOME", "XDG_DATA_HOME", ".local/share", below)
}

/// The user's home, or empty where the environment does not say.
pub(crate) fn home() -> String {
    variable("HOME")
}

/// GnuPG's public keys, in the old file where that is there.
pub(crate) fn keyring() -> String {
    let gnupg = env::var_os("GNUPGHOME").map(|value| value.to_string_lossy().into_owned());
    let gnupg = gnupg.unwrap_or_else(|| join(&[&home(), ".gnupg"]));
    let files = ["pubring.gpg", "pubring.kbx"].map(|name| join(&[&gnupg, name]));
    if crate::settings::compat().is_ok_and(bowline_chart::Compat::is_helm3) {
        return files[0].clone();
    }
    files.iter().find(|file| Path::new(file).exists()).unwrap_or(&files[0]).clone()
}

fn path(helm: &str, xdg: &str, default: &str, below: &str) -> String {
    let own = variable(helm);
    if !own.is_empty() {
        return join(&[&own, below]);
    }
    let base = variable(xdg);
    if base.is_empty() { join(&[&home(), default, "helm", below]) } else { join(&[&base, "helm", below]) }
}

fn variable(name: &str) -> String {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Go's `filepath.Join`: empty parts are left out, and what remains is made as short as it can be.
pub(crate) fn join(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { clean(&parts.join("/")) }
}

/// Go's `filepath.Base`.
pub(crate) fn base(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some("") | None => {
            if path.is_empty() {
                ".".to_owned()
            } else {
                "/".to_owned()
            }
        }
        Some(base) => base.to_owned(),
    }
}

/// Go's `filepath.Dir`.
pub(crate) fn directory(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |slash| slash + 1)])
}

/// Go's `filepath.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let mut out = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => _ = out.pop(),
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            component => out.push(component),
        }
    }
    if out.as_os_str().is_empty() { ".".to_owned() } else { out.to_string_lossy().into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_short_as_they_can_be() {
        assert_eq!(join(&["/a/", "b/../c", ""]), "/a/c");
        assert_eq!(join(&["", ".cache", "helm"]), ".cache/helm");
        assert_eq!(clean("./x//y/."), "x/y");
        assert_eq!(clean("../../x/.."), "../..");
        assert_eq!(clean("/.."), "/");
        assert_eq!(clean(""), ".");
        assert_eq!([base("a/b/"), base("/"), base("")], ["b", "/", "."]);
        assert_eq!([directory("a/b/"), directory("a"), directory("/a")], ["a/b", ".", "/"]);
    }
}
