//! URLs as `net/url` takes them apart and puts them together.

mod address;
mod escape;
mod parse;

use super::arguments::{map, string, text_of};
use super::{Answer, Host, fail, pure};
pub(crate) use address::parse_address;
use bowline_gotemplate::Type::{Map as MapType, Text};
use bowline_gotemplate::{Failure, Function, Kind, Map, Value, fmt};
use escape::{Part, escape};
use parse::Url;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![pure("urlParse", &[Text], MapType, url_parse), pure("urlJoin", &[MapType], Text, url_join)]
}

/// # Errors
/// With the text of `url.Parse`.
fn parse(text: &str) -> Result<Url, String> {
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let wrong = |text: &str, why: String| format!("parse {}: {why}", fmt::quoted(text.as_bytes()));
    let mut url = Url::parse(before).map_err(|why| wrong(before, why))?;
    url.fragment = escape::unescape(fragment, Part::Fragment).map_err(|why| wrong(text, why))?;
    Ok(url)
}

/// What a schema's formats ask of a URL.
pub(crate) struct Shape {
    /// With its port.
    pub(crate) host: String,
    /// Without port and brackets.
    pub(crate) hostname: String,
    /// With a scheme.
    pub(crate) absolute: bool,
    /// The path as written, where Go would write it in another way.
    pub(crate) raw_path: String,
}

/// # Errors
/// With the text of `url.Parse`.
pub(crate) fn shape(text: &str) -> Result<Shape, String> {
    let url = parse(text)?;
    let before = text.split(['?', '#']).next().unwrap_or_default();
    let rest = if url.scheme.is_empty() { before } else { before.split_once(':').map_or("", |(_, rest)| rest) };
    let path = match rest.strip_prefix("//") {
        Some(after) => after.find('/').map_or("", |slash| &after[slash..]),
        None => rest,
    };
    let raw_path = if escape(&url.path, Part::Path) == path { String::new() } else { path.to_owned() };
    Ok(Shape { hostname: url.hostname().to_owned(), absolute: !url.scheme.is_empty(), host: url.host, raw_path })
}

/// Whether Go takes a text for a URL.
///
/// # Errors
/// With the text of `url.Parse`.
pub(crate) fn check(text: &str) -> Result<(), String> {
    parse(text).map(|_| ())
}

/// Go's `PathEscape`.
pub(crate) fn path_escape(text: &str) -> String {
    escape(text, Part::Path).replace('/', "%2F").replace(',', "%2C").replace(';', "%3B")
}

/// Go's `PathUnescape`.
///
/// # Errors
/// With Go's text.
pub(crate) fn path_unescape(text: &str) -> Result<String, String> {
    escape::unescape(text, Part::Path)
}

fn url_parse(args: &[Value]) -> Answer {
    let url = match parse(&string(&args[0])) {
        Ok(url) => url,
        Err(error) => return fail(format!("unable to parse url: {error}")),
    };
    let hostname = url.hostname().to_owned();
    let userinfo = url.user.as_ref().map(parse::User::text).unwrap_or_default();
    let entries = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::Map(entries.into_iter().map(|(key, text)| (key.into(), Value::from(text))).collect::<Map>()))
}

fn url_join(args: &[Value]) -> Answer {
    let dict = map(&args[0]);
    let entry = |key: &str| -> Result<String, Failure> {
        match dict.get(key.as_bytes()) {
            None => Ok(String::new()),
            Some(value) if value.kind() == Kind::String => Ok(text_of(&value).to_str().into_owned()),
            Some(Value::Nil) => fail(super::lists::NIL_POINTER),
            Some(value) => {
                let kind = value.kind().name();
                fail(format!("unable to parse {key} key, must be of type string, but {kind} found"))
            }
        }
    };
    let [scheme, host, path, query, opaque, fragment] =
        ["scheme", "host", "path", "query", "opaque", "fragment"].map(entry);
    let (scheme, host, path) = (scheme?, host?, path?);
    let (query, opaque, fragment, userinfo) = (query?, opaque?, fragment?, entry("userinfo")?);
    let user = if userinfo.is_empty() {
        None
    } else {
        match parse(&format!("proto://{userinfo}@host")) {
            Ok(url) => url.user,
            Err(error) => return fail(format!("unable to parse userinfo in dict: {error}")),
        }
    };
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || user.is_some() {
            if !host.is_empty() || !path.is_empty() || user.is_some() {
                out.push_str("//");
            }
            if let Some(user) = &user {
                out.push_str(&user.text());
                out.push('@');
            }
            out.push_str(&escape(&host, Part::Host));
        }
        let path = if path == "*" { path } else { escape(&path, Part::Path) };
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&path);
    } else {
        out.push_str(&opaque);
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&fragment, Part::Fragment));
    }
    Ok(Value::from(out))
}
