//! Addresses of people and pages, as strict as Helm's checks are.

/// Letters and digits, and whatever is no ASCII.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c >= '\u{a0}'
}

/// `someone@example.com`: a domain of two parts at least, of which the last begins and ends with a letter.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| is_letter(c) || c.is_ascii_digit() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    if !quoted && !local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        return false;
    }
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some((above, last)) = domain.rsplit_once('.') else { return false };
    let edge = |c: char| is_letter(c) || c.is_ascii_digit();
    let inner = |c: char| edge(c) || "-._~".contains(c);
    let is_part = |part: &str| part.starts_with(edge) && part.ends_with(edge) && part.chars().all(inner);
    is_part(above)
        && last.starts_with(is_letter)
        && last.ends_with(is_letter)
        && last.chars().all(|c| inner(c) && c != '.')
}

/// An address of a page, with or without a scheme.
pub(super) fn is_url(text: &str) -> bool {
    let characters = text.chars().count();
    if characters >= 2083 || text.len() <= 3 || text.starts_with('.') || text.chars().any(char::is_whitespace) {
        return false;
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if ["ftp", "tcp", "udp", "ws", "wss", "http", "https"].contains(&scheme) => rest,
        Some(_) => return false,
        None => text,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.is_empty() || port.len() > 5 || !port.bytes().all(|b| b.is_ascii_digit())) {
        return false;
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let edge = |c: char| c.is_ascii_alphanumeric() || c >= '\u{a1}';
    let is_part = |part: &str| {
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || c == '-' || c == '_')
    };
    // Without a host there has to be something of a page.
    let named = text.contains("://") || host.contains('.') || port.is_some();
    named && host.split('.').all(is_part)
}

/// An address that a request could be made for: it has a scheme, and nothing that an address cannot have.
pub(super) fn is_request_url(text: &str) -> bool {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return false;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return false;
    }
    let before_query = rest.split('?').next().unwrap_or_default();
    let Some(behind) = before_query.strip_prefix("//") else {
        return !before_query.starts_with('/') || is_escaped(before_query);
    };
    let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port_ok = match host.rsplit_once(':') {
        Some((_, port)) if !host.ends_with(']') => port.bytes().all(|b| b.is_ascii_digit()),
        _ => true,
    };
    let in_host = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
    port_ok && host.chars().all(in_host) && is_escaped(path)
}

/// Every `%` has two digits behind it.
fn is_escaped(text: &str) -> bool {
    let hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    text.bytes().enumerate().all(|(at, b)| b != b'%' || (hex(at + 1) && hex(at + 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_helm_takes_for_such() {
        for good in ["a@b.co", "first.last+x@sub.example.com", "x@localhost.localdomain"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["a", "a@b", "a@b.c1", ".a@b.co", "a..b@c.de", "@b.co", "a b@c.de"] {
            assert!(!is_email(bad), "{bad}");
        }
        for good in ["https://example.com", "example.com/x", "http://a.b:80/?q"] {
            assert!(is_url(good), "{good}");
        }
        for bad in ["https://", "x y.com", "wrong://example.com", ".example.com"] {
            assert!(!is_url(bad), "{bad}");
        }
        for good in ["https://example.com/a b", "git+ssh://x", "mailto:x"] {
            assert!(is_request_url(good), "{good}");
        }
        for bad in ["example.com", "/path", "1http://x", "http://a b/", "http://x/%zz", "http://x:port/"] {
            assert!(!is_request_url(bad), "{bad}");
        }
    }
}
