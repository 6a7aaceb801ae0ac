//! JSON pointers, and references against the address of a document.

use crate::functions::urls;

/// A step of a JSON pointer.
pub(super) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// `None` where a `~` is followed by neither 0 nor 1.
pub(super) fn unescape(step: &str) -> Option<String> {
    let mut out = String::new();
    let mut parts = step.split('~');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.as_bytes().first()? {
            b'0' => out.push('~'),
            b'1' => out.push('/'),
            _ => return None,
        }
        out.push_str(&part[1..]);
    }
    Some(out)
}

pub(super) fn below(pointer: &str, steps: &[&str]) -> String {
    let mut out = pointer.to_owned();
    for step in steps {
        out.push('/');
        out.push_str(&escape(step));
    }
    out
}

/// A pointer in a URL: each step percent-encoded.
pub(super) fn in_url(pointer: &str) -> String {
    pointer.split('/').map(urls::path_escape).collect::<Vec<_>>().join("/")
}

/// A document and a pointer in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct At {
    pub(super) url: String,
    pub(super) pointer: String,
}

impl At {
    pub(super) fn new(url: &str, pointer: impl Into<String>) -> Self {
        Self { url: url.to_owned(), pointer: pointer.into() }
    }

    pub(super) fn shown(&self) -> String {
        format!("{}#{}", self.url, in_url(&self.pointer))
    }
}

/// A document and a fragment: a pointer, or an anchor's name.
pub(super) struct Reference {
    pub(super) url: String,
    pub(super) fragment: String,
}

impl Reference {
    pub(super) fn shown(&self) -> String {
        format!("{}#{}", self.url, in_url(&self.fragment))
    }
}

pub(super) fn is_pointer(fragment: &str) -> bool {
    fragment.is_empty() || fragment.starts_with('/')
}

pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once('#').unwrap_or((text, ""))
}

/// What a reference means in a document.
///
/// # Errors
/// With the text of Helm's validator.
pub(super) fn join(base: &str, reference: &str) -> Result<Reference, String> {
    let wrong = |url: &str, why: &str| format!("error in parsing {}: {why}", bowline_yaml::quote(url));
    let (before, fragment) = split(reference);
    let fragment = urls::path_unescape(fragment).map_err(|why| wrong(reference, &why))?;
    if let Err(why) = urls::check(before) {
        return Err(wrong(before, &why));
    }
    Ok(Reference { url: resolve(base, before), fragment })
}

/// RFC 3986, section 5.2, on text.
fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    let (scheme, rest) = scheme_of(reference);
    if !scheme.is_empty() {
        let Some(rest) = rest.strip_prefix("//") else { return format!("{}:{rest}", scheme.to_lowercase()) };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        return format!("{}://{authority}{}", scheme.to_lowercase(), clean(path));
    }
    let (scheme, base_rest) = scheme_of(base);
    let prefix = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
    if let Some(rest) = reference.strip_prefix("//") {
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        return format!("{prefix}//{authority}{}", clean(path));
    }
    let Some(base_rest) = base_rest.strip_prefix("//") else {
        // An opaque base stays as it is.
        return base.to_owned();
    };
    let (authority, base_path) = base_rest.split_at(base_rest.find(['/', '?']).unwrap_or(base_rest.len()));
    let base_path = base_path.split('?').next().unwrap_or_default();
    let path = if reference.starts_with('/') {
        reference.to_owned()
    } else if reference.starts_with('?') {
        format!("{base_path}{reference}")
    } else {
        let folder = base_path.rfind('/').map_or("/", |slash| &base_path[..=slash]);
        format!("{folder}{reference}")
    };
    format!("{prefix}//{authority}{}", clean(&path))
}

fn scheme_of(url: &str) -> (&str, &str) {
    match url.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
        {
            (scheme, rest)
        }
        _ => ("", url),
    }
}

/// Takes `.` and `..` out of a path.
fn clean(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    if path.is_empty() {
        return query.to_owned();
    }
    let mut out: Vec<&str> = Vec::new();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    for (at, step) in steps.iter().enumerate() {
        let last = at + 1 == steps.len();
        match *step {
            "." | ".." => {
                if *step == ".." {
                    out.pop();
                }
                if last {
                    out.push("");
                }
            }
            step => out.push(step),
        }
    }
    format!("/{}{query}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve() {
        for (base, reference, expected) in [
            ("file:///values.schema.json", "", "file:///values.schema.json"),
            ("file:///values.schema.json", "foo.json", "file:///foo.json"),
            ("file:///values.schema.json", "../a/./b.json", "file:///a/b.json"),
            ("http://a/b/c", "/x", "http://a/x"),
            ("http://a/b/c", "//h/x", "http://h/x"),
            ("http://a/b/c", "urn:x:y", "urn:x:y"),
            ("http://a/b/c?q", "d?e", "http://a/b/d?e"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{base} {reference}");
        }
        assert_eq!(unescape("a~1b~0").as_deref(), Some("a/b~"));
        assert_eq!(unescape("a~2"), None);
        assert_eq!(in_url("/a b/c"), "/a%20b/c");
    }
}
