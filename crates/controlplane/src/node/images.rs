//! Which local program stands in for an image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::runtime::ImageError;

/// The local program that stands in for an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalImage {
    /// The image's entrypoint and arguments; a container's own `command` and `args` replace them as in Kubernetes.
    pub command: Vec<String>,
    /// Working directory where the container names none.
    pub workdir: Option<PathBuf>,
    /// Environment the image carries; the container's own wins.
    pub env: BTreeMap<String, String>,
    /// Folders put before `PATH`, so that a container's own `command` is found.
    pub path: Vec<PathBuf>,
}

/// Image pattern → local program. A pattern is a repository (any tag or digest), or a whole image with its tag; a `*`
/// stands for any letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageMap {
    /// The entries.
    pub images: BTreeMap<String, LocalImage>,
}

impl ImageMap {
    /// The program for `image`: of the patterns that match, the longest.
    pub(crate) fn find(&self, image: &str) -> Result<&LocalImage, ImageError> {
        self.images
            .iter()
            .filter(|(pattern, _)| pattern_matches(pattern, image))
            .max_by_key(|(pattern, _)| pattern.len())
            .map(|(_, image)| image)
            .ok_or_else(|| ImageError {
                message: format!(
                    "no local program stands in for image {image:?}: add it to local.images in bowline.yaml, as in\n\
                     local:\n  images:\n    {}:\n      command: [\"./program\"]",
                    repository(image)
                ),
            })
    }
}

/// The image without tag and digest.
pub(crate) fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// Whether `pattern` means `image`: equal to it or to its repository, where `*` stands for any letters.
pub fn pattern_matches(pattern: &str, image: &str) -> bool {
    wildcard(pattern, image) || wildcard(pattern, repository(image))
}

fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, image, matches) in [
            ("todo-backend", "todo-backend:3.0.0", true),
            ("todo-backend:3.0.0", "todo-backend:3.0.0", true),
            ("todo-backend:2", "todo-backend:3.0.0", false),
            ("ghcr.io/*/api", "ghcr.io/org/api@sha256:00", true),
            ("localhost:5000/a", "localhost:5000/a", true),
            ("*", "anything:1", true),
            ("api", "other-api:1", false),
        ] {
            assert_eq!(pattern_matches(pattern, image), matches, "{pattern} {image}");
        }
    }

    #[test]
    fn the_longest_pattern_counts_and_absence_names_the_setting() {
        let image = |command: &str| LocalImage { command: vec![command.into()], ..Default::default() };
        let map = ImageMap {
            images: BTreeMap::from([
                ("*".into(), image("any")),
                ("api".into(), image("repo")),
                ("api:2".into(), image("two")),
            ]),
        };
        let command = |name| map.find(name).unwrap().command[0].clone();
        assert_eq!((command("api:2"), command("api:3"), command("x")), ("two".into(), "repo".into(), "any".into()));
        let error = ImageMap::default().find("ghcr.io/org/api:3").unwrap_err().to_string();
        assert!(
            error.starts_with("no local program stands in for image \"ghcr.io/org/api:3\": add it to local.images")
        );
        assert!(error.contains("\n    ghcr.io/org/api:\n"), "{error}");
    }
}
