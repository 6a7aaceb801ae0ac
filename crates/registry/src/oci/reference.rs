use crate::error::Error;

const SCHEME: &str = "oci://";

/// Whether it is the address of something in a registry.
pub(crate) fn is_oci(reference: &str) -> bool {
    reference.starts_with(SCHEME)
}

/// A place in a registry: `host/repository:tag@digest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) registry: String,
    pub(crate) repository: String,
    /// With `_` where the version has a `+`, which tags may not have.
    pub(crate) tag: String,
    pub(crate) digest: String,
}

impl Reference {
    /// Reads a reference, with or without `oci://`.
    ///
    /// # Errors
    /// In Helm's words.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix(SCHEME).unwrap_or(text);
        let (text, digest) = text.rsplit_once('@').map_or((text, ""), |(text, digest)| (text, digest));
        let mut text = text.to_owned();
        if let Some((_, tag)) = text.rsplit_once(':')
            && !tag.is_empty()
            && !tag.contains('/')
        {
            text = text.replace(tag, &tag.replace('+', "_"));
        }
        let invalid = |why: String| Error::Invalid(format!("invalid reference: {why}"));
        let Some((registry, path)) = text.split_once('/') else {
            return Err(invalid("missing registry or repository".to_owned()));
        };
        let (repository, tag) = path.split_once(':').unwrap_or((path, ""));
        let quoted = bowline_yaml::quote;
        if !is_registry(registry) {
            return Err(invalid(format!("invalid registry {}", quoted(registry))));
        }
        if !is_repository(repository) {
            return Err(invalid(format!("invalid repository {}", quoted(repository))));
        }
        if path.contains(':') && !is_tag(tag) {
            return Err(invalid(format!("invalid tag {}", quoted(tag))));
        }
        if !digest.is_empty() {
            check_digest(digest).map_err(|why| invalid(format!("invalid digest {}: {why}", quoted(digest))))?;
        }
        let owned = str::to_owned;
        Ok(Self { registry: owned(registry), repository: owned(repository), tag: owned(tag), digest: owned(digest) })
    }

    /// What manifests are asked for by: the tag, or the digest where there is no tag.
    pub(crate) fn version(&self) -> &str {
        if self.tag.is_empty() { &self.digest } else { &self.tag }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { registry, repository, tag, digest } = self;
        match tag.as_str() {
            "" => write!(f, "{registry}/{repository}@{digest}"),
            tag => write!(f, "{registry}/{repository}:{tag}"),
        }
    }
}

/// `sha256:` and 64 digits of lower case, or that of the longer ones (OCI image specification, descriptors).
fn check_digest(digest: &str) -> Result<(), &'static str> {
    const FORMAT: &str = "invalid checksum digest format";
    let (algorithm, sum) = digest.split_once(':').ok_or(FORMAT)?;
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    if !algorithm.split(['.', '+', '_', '-']).all(part) || sum.is_empty() || !sum.bytes().all(fine) {
        return Err(FORMAT);
    }
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err("unsupported digest algorithm"),
    };
    if sum.len() != length {
        return Err("invalid checksum digest length");
    }
    if sum.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) { Ok(()) } else { Err(FORMAT) }
}

fn is_registry(host: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    !host.is_empty() && host.chars().all(fine)
}

/// `[a-z0-9]+([._-]…)*` between slashes (distribution specification).
fn is_repository(path: &str) -> bool {
    let component = |part: &str| {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = part
            .split(alphanumeric)
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.bytes().all(|b| b == b'-'));
        inner && part.starts_with(alphanumeric) && part.ends_with(alphanumeric)
    };
    !path.is_empty() && path.split('/').all(component)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let read = Reference::parse("oci://localhost:5000/charts/web:1.0.0+build.1").unwrap();
        assert_eq!(read.to_string(), "localhost:5000/charts/web:1.0.0_build.1");
        let digest = format!("sha256:{}", "0a".repeat(32));
        let read = Reference::parse(&format!("h/r@{digest}")).unwrap();
        assert_eq!((read.version(), read.to_string()), (digest.as_str(), format!("h/r@{digest}")));
        for (wrong, why) in [
            ("h", "missing registry or repository"),
            ("h/Upper", "invalid repository \"Upper\""),
            ("h/a:", "invalid tag \"\""),
            ("h/a:b c", "invalid tag \"b c\""),
            ("h h/a", "invalid registry \"h h\""),
            ("h/r@sha256:abc", "invalid digest \"sha256:abc\": invalid checksum digest length"),
            ("h/r@md5:abc", "invalid digest \"md5:abc\": unsupported digest algorithm"),
        ] {
            assert_eq!(Reference::parse(wrong).unwrap_err().to_string(), format!("invalid reference: {why}"));
        }
    }
}
