//! A URL taken apart.

use super::address::parse_address;
use super::escape::{Part, escape, unescape};
use bowline_gotemplate::fmt;
use std::net::IpAddr;

#[derive(Default)]
pub(super) struct Url {
    pub(super) scheme: String,
    pub(super) opaque: String,
    pub(super) user: Option<User>,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) fragment: String,
}

pub(super) struct User {
    name: String,
    password: Option<String>,
}

impl User {
    /// As it stands in a URL.
    pub(super) fn text(&self) -> String {
        let name = escape(&self.name, Part::User);
        match &self.password {
            Some(password) => format!("{name}:{}", escape(password, Part::User)),
            None => name,
        }
    }
}

impl Url {
    /// Everything but the fragment.
    ///
    /// # Errors
    /// With Go's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == "*" {
            url.path = text.to_owned();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(text)?;
        url.scheme = scheme.to_lowercase();
        if let Some((before, query)) = rest.split_once('?') {
            rest = before;
            url.query = query.to_owned();
        }
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_owned();
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if let Some(after) = rest.strip_prefix("//")
            && (!url.scheme.is_empty() || !after.starts_with('/'))
        {
            let end = after.find('/').unwrap_or(after.len());
            rest = &after[end..];
            url.authority(&after[..end])?;
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, text: &str) -> Result<(), String> {
        let (userinfo, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
        self.host = host_of(&self.scheme, host)?;
        let Some(userinfo) = userinfo else { return Ok(()) };
        if !userinfo.chars().all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = userinfo.split_once(':').map_or((userinfo, None), |(name, word)| (name, Some(word)));
        let name = unescape(name, Part::User)?;
        let password = password.map(|password| unescape(password, Part::User)).transpose()?;
        self.user = Some(User { name, password });
        Ok(())
    }

    /// The host without its port and without brackets.
    pub(super) fn hostname(&self) -> &str {
        let host = match self.host.rfind(':') {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[..colon],
            _ => &self.host,
        };
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn host_of(scheme: &str, host: &str) -> Result<String, String> {
    let bad_port = |port: &str| Err(format!("invalid port {} after host", fmt::quoted(port.as_bytes())));
    match host.rfind('[') {
        Some(0) => {
            let Some(end) = host.rfind(']') else { return Err("missing ']' in host".to_owned()) };
            let (inner, port) = (&host[1..end.max(1)], &host[end + 1..]);
            if !is_port(port) {
                return bad_port(port);
            }
            let (address, zone) = inner.split_at(inner.find("%25").unwrap_or(inner.len()));
            let address = unescape(address, Part::Host)?;
            let zone = unescape(zone, Part::Zone)?;
            let name = format!("{address}{zone}");
            match parse_address(&name) {
                Ok((IpAddr::V6(_), _)) => Ok(format!("[{name}]{port}")),
                Ok((IpAddr::V4(_), _)) => Err("invalid IP-literal".to_owned()),
                Err(why) => Err(format!("invalid host: {why}")),
            }
        }
        Some(_) => Err("invalid IP-literal".to_owned()),
        None => {
            if let Some(first) = host.find(':') {
                let last = host.rfind(':').unwrap_or(first);
                let colon = if matches!(scheme, "http" | "https") { first } else { last };
                if !is_port(&host[colon..]) {
                    return bad_port(&host[colon..]);
                }
            }
            unescape(host, Part::Host)
        }
    }
}
