//! IP addresses as `net/netip` reads them, and why it takes a text for none.

use std::net::IpAddr;

/// An address, and whether a zone follows it.
///
/// # Errors
/// With the text of `netip.ParseAddr`.
pub(crate) fn parse_address(text: &str) -> Result<(IpAddr, bool), String> {
    let wrong = |why: &str| Err(format!("ParseAddr({}): {why}", bowline_yaml::quote(text)));
    let first = text.chars().find(|c| matches!(c, '.' | ':' | '%'));
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    match (first, address.parse::<IpAddr>(), zone) {
        (Some('%'), ..) => wrong("missing IPv6 address"),
        (None, ..) => wrong("unable to parse IP"),
        (Some('.'), Ok(address), None) => Ok((address, false)),
        (Some('.'), ..) => wrong(&ipv4_fields(text).err().unwrap_or_default()),
        (_, _, Some("")) => wrong("zone must be a non-empty string"),
        (_, Ok(address), zone) => Ok((address, zone.is_some())),
        _ => wrong(&ipv6_fault(address)),
    }
}

/// Why `netip.ParseAddr` takes a text with a colon for no address, with where it stopped.
fn ipv6_fault(text: &str) -> String {
    let at = |what: &str, rest: &str| format!("{what} (at {})", bowline_yaml::quote(rest));
    let mut rest = text;
    let mut ellipsis = None;
    if let Some(after) = rest.strip_prefix("::") {
        ellipsis = Some(0);
        rest = after;
        if rest.is_empty() {
            return String::new();
        }
    }
    let mut bytes = 0;
    while bytes < 16 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return at("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            return at("each colon-separated field must have at least one digit", rest);
        }
        let after = &rest[digits..];
        if after.starts_with('.') {
            if ellipsis.is_none() && bytes != 12 {
                return at("embedded IPv4 address must replace the final 2 fields of the address", rest);
            }
            if bytes + 4 > 16 {
                return at("too many hex fields to fit an embedded IPv4 at the end of the address", rest);
            }
            return match ipv4_fields(rest) {
                Err(why) => why,
                Ok(()) => "address string too short".to_owned(),
            };
        }
        bytes += 2;
        rest = after;
        if rest.is_empty() {
            break;
        }
        let Some(after) = rest.strip_prefix(':') else { return at("unexpected character, want colon", rest) };
        if after.is_empty() {
            return at("colon must be followed by more characters", rest);
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            if ellipsis.is_some() {
                return at("multiple :: in address", rest);
            }
            ellipsis = Some(bytes);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return at("trailing garbage after address", rest);
    }
    if bytes < 16 && ellipsis.is_none() {
        return "address string too short".to_owned();
    }
    "the :: must expand to at least one field of zeros".to_owned()
}

/// Why `netip.ParseAddr` takes a text with dots for no address.
fn ipv4_fields(text: &str) -> Result<(), String> {
    let at = |what: &str, place: usize| Err(format!("{what} (at {})", bowline_yaml::quote(&text[place..])));
    let bytes = text.as_bytes();
    let (mut value, mut dots, mut digits) = (0_u32, 0, 0);
    for (place, c) in text.char_indices() {
        match c {
            '0'..='9' => {
                if digits == 1 && value == 0 {
                    return Err("IPv4 field has octet with leading zero".to_owned());
                }
                value = value * 10 + u32::from(bytes[place] - b'0');
                digits += 1;
                if value > 255 {
                    return Err("IPv4 field has value >255".to_owned());
                }
            }
            '.' if place == 0 || place + 1 == bytes.len() || bytes[place - 1] == b'.' => {
                return at("IPv4 field must have at least one digit", place);
            }
            '.' if dots == 3 => return Err("IPv4 address too long".to_owned()),
            '.' => (value, digits, dots) = (0, 0, dots + 1),
            _ => return at("unexpected character", place),
        }
    }
    if dots < 3 { Err("IPv4 address too short".to_owned()) } else { Ok(()) }
}
