//! Addresses as Go's `net/url` takes them apart, since what is joined, compared and printed follows its rules.

use bowline_yaml::quote;

/// An address, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// Lower case; empty where the address is relative.
    pub(crate) scheme: String,
    /// What follows the scheme where that is no path: `stable` in `alias:stable`.
    pub(crate) opaque: String,
    /// `user:password`, as written.
    pub(crate) user: Option<String>,
    /// Host and port.
    pub(crate) host: String,
    /// The path, escaped.
    pub(crate) path: String,
    /// What follows `?`.
    pub(crate) query: Option<String>,
    fragment: Option<String>,
}

impl Url {
    /// Takes an address apart.
    ///
    /// # Errors
    /// In Go's words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::parts(text).map_err(|why| format!("parse {}: {why}", quote(text)))
    }

    fn parts(text: &str) -> Result<Self, String> {
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
        url.fragment = fragment.map(str::to_owned);
        let (scheme, rest) = split_scheme(rest)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        url.query = query.map(str::to_owned);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if let Some(authority) = rest.strip_prefix("//")
            && (!url.scheme.is_empty() || !rest.starts_with("///"))
        {
            let end = authority.find('/').unwrap_or(authority.len());
            let (user, host) =
                authority[..end].rsplit_once('@').map_or((None, &authority[..end]), |(user, host)| (Some(user), host));
            url.user = user.map(str::to_owned);
            check_host(host)?;
            host.clone_into(&mut url.host);
            rest = &authority[end..];
        }
        url.path = escaped_path(rest)?;
        Ok(url)
    }

    /// Whether there is a scheme.
    pub(crate) fn is_absolute(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// The host without its port.
    pub(crate) fn hostname(&self) -> &str {
        if let Some(end) = self.host.rfind(']') {
            return self.host[..end].trim_start_matches('[');
        }
        self.host.rsplit_once(':').map_or(&self.host, |(host, _)| host)
    }

    /// The port, or the scheme's.
    pub(crate) fn port(&self) -> &str {
        let after = self.host.rfind(']').map_or(0, |end| end + 1);
        match (self.host[after..].rsplit_once(':'), self.scheme.as_str()) {
            (Some((_, port)), _) if !port.is_empty() => port,
            (_, "https") => "443",
            (_, "http") => "80",
            _ => "",
        }
    }

    /// The path with its escapes resolved.
    pub(crate) fn decoded_path(&self) -> String {
        String::from_utf8_lossy(&unescaped(&self.path)).into_owned()
    }

    /// Where `reference` leads from here (RFC 3986, section 5.2).
    pub(crate) fn resolve(&self, reference: &Self) -> Self {
        let mut url = reference.clone();
        if !reference.scheme.is_empty() {
            url.path = resolved_path(&reference.path, "");
            return url;
        }
        url.scheme.clone_from(&self.scheme);
        if !reference.host.is_empty() || reference.user.is_some() {
            url.path = resolved_path(&reference.path, "");
            return url;
        }
        if reference.path.is_empty() && reference.query.is_none() {
            url.query.clone_from(&self.query);
        }
        url.host.clone_from(&self.host);
        url.user.clone_from(&self.user);
        url.path = resolved_path(&self.path, &reference.path);
        url
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            if !self.host.is_empty() || self.user.is_some() || (!self.scheme.is_empty() && self.path.starts_with("//"))
            {
                f.write_str("//")?;
                if let Some(user) = &self.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&self.host)?;
                if !self.path.is_empty() && !self.path.starts_with('/') {
                    f.write_str("/")?;
                }
            } else if self.scheme == "file" && self.path.starts_with('/') {
                f.write_str("//")?;
            }
            f.write_str(&self.path)?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if let Some(fragment) = &self.fragment {
            write!(f, "#{fragment}")?;
        }
        Ok(())
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn check_host(host: &str) -> Result<(), String> {
    let after = host.rfind(']').map_or(0, |end| end + 1);
    if host.starts_with('[') && after == 0 {
        return Err("missing ']' in host".to_owned());
    }
    if let Some((_, port)) = host[after..].rsplit_once(':')
        && !port.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(format!("invalid port {} after host", quote(&format!(":{port}"))));
    }
    if let Some(wrong) = host.chars().find(|c| matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'))
    {
        return Err(format!("invalid character {} in host name", quote(&wrong.to_string())));
    }
    Ok(())
}

/// The path with everything escaped that has to be.
fn escaped_path(path: &str) -> Result<String, String> {
    let bytes = path.as_bytes();
    let mut escaped = String::with_capacity(path.len());
    for (at, b) in bytes.iter().enumerate() {
        match b {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
                if digits.is_none() {
                    let end = (at + 3).min(bytes.len());
                    return Err(format!("invalid URL escape {}", quote(&String::from_utf8_lossy(&bytes[at..end]))));
                }
                escaped.push('%');
            }
            b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                escaped.push_str(&format!("%{b:02X}"));
            }
            b => escaped.push(char::from(*b)),
        }
    }
    Ok(escaped)
}

fn unescaped(path: &str) -> Vec<u8> {
    let bytes = path.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match code.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    plain
}

fn resolved_path(base: &str, reference: &str) -> String {
    let full = if reference.is_empty() {
        base.to_owned()
    } else if reference.starts_with('/') {
        reference.to_owned()
    } else {
        format!("{}{reference}", base.rfind('/').map_or("", |slash| &base[..=slash]))
    };
    if full.is_empty() {
        return full;
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut last = "";
    for part in full.split('/').skip(usize::from(full.starts_with('/'))) {
        match part {
            "." => {}
            ".." => _ = kept.pop(),
            part => kept.push(part),
        }
        last = part;
    }
    if matches!(last, "." | "..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

/// `path.Clean`: no `.`, no `..` that can be resolved, no doubled or trailing slash.
pub(crate) fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => _ = kept.pop(),
            ".." if rooted => {}
            part => kept.push(part),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

/// Joins paths as `path.Join` does: empty parts do not count.
pub(crate) fn join_paths(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { clean_path(&parts.join("/")) }
}

/// An address with path elements put behind its own.
pub(crate) fn join(base: &str, part: &str) -> String {
    match Url::parse(base) {
        Ok(mut url) => {
            url.path = join_paths(&[&url.path, part]);
            url.to_string()
        }
        Err(_) => join_paths(&[base, part]),
    }
}

/// `reference` seen from the address of a repository.
///
/// # Errors
/// One of the two is no address.
pub(crate) fn from_repository(base: &str, reference: &str) -> Result<String, String> {
    let parsed = |text: &str| Url::parse(text).map_err(|why| format!("failed to parse {text} as URL: {why}"));
    let target = parsed(reference)?;
    if target.is_absolute() {
        return Ok(reference.to_owned());
    }
    let mut base = parsed(base)?;
    base.path = format!("{}/", base.path.strip_suffix('/').unwrap_or(&base.path));
    let mut resolved = base.resolve(&target);
    resolved.query = base.query;
    Ok(resolved.to_string())
}

/// Whether two addresses are the same repository: the path is compared in its clean form.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    let Ok(mut a_url) = Url::parse(a) else { return clean_path(a) == clean_path(b) };
    let Ok(mut b_url) = Url::parse(b) else { return false };
    for url in [&mut a_url, &mut b_url] {
        url.path = clean_path(if url.path.is_empty() { "/" } else { &url.path });
    }
    a_url == b_url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_as_in_go() {
        let url = Url::parse("HTTPS://u:p@Example.com:8443/a%20b/c d?x=1#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.hostname(), url.port()), ("https", "Example.com", "8443"));
        assert_eq!(url.decoded_path(), "/a b/c d");
        assert_eq!(url.to_string(), "https://u:p@Example.com:8443/a%20b/c%20d?x=1#f");
        assert_eq!(Url::parse("alias:stable").unwrap().opaque, "stable");
        assert_eq!(Url::parse("repo/chart").unwrap().path, "repo/chart");
        assert_eq!(Url::parse(":x").unwrap_err(), "parse \":x\": missing protocol scheme");
        assert!(Url::parse("http://h:port/").unwrap_err().ends_with("invalid port \":port\" after host"));
        assert!(Url::parse("a\u{1}").is_err());
        assert!(Url::parse("http://h/%zz").unwrap_err().ends_with("invalid URL escape \"%zz\""));
    }

    #[test]
    fn references_are_resolved_from_the_repository() {
        let resolved = |base, reference| from_repository(base, reference).unwrap();
        assert_eq!(resolved("http://h/charts", "a-1.tgz"), "http://h/charts/a-1.tgz");
        assert_eq!(resolved("http://h/charts/", "./x/../a-1.tgz"), "http://h/charts/a-1.tgz");
        assert_eq!(resolved("http://h/charts", "/a-1.tgz"), "http://h/a-1.tgz");
        assert_eq!(resolved("http://h/charts?token=1", "index.yaml"), "http://h/charts/index.yaml?token=1");
        assert_eq!(resolved("http://h/charts", "https://other/a.tgz"), "https://other/a.tgz");
    }

    #[test]
    fn a_trailing_slash_makes_no_other_repository() {
        assert!(equal("http://h/charts", "http://h/charts/"));
        assert!(equal("http://h", "http://h/"));
        assert!(!equal("http://h/charts", "https://h/charts"));
    }

    #[test]
    fn paths_are_joined() {
        assert_eq!(join("http://h/x/", "a.tgz"), "http://h/x/a.tgz");
        assert_eq!(join("", "a.tgz"), "a.tgz");
        assert_eq!(join_paths(&["", ""]), "");
        assert_eq!(clean_path("/a/../../b//c/."), "/b/c");
    }
}
