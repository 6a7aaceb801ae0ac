//! Requests to one registry: with the authorization it asks for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use bowline_yaml::quote;
use serde_json::Value;

use super::credentials::{Credentials, Store};
use crate::error::Error;
use crate::fetch::{Client, Request, Response, basic, reason, same_origin};
use crate::url::Url;

/// As often, and as long, as Helm's registry client tries again.
const MAX_RETRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
const MAX_ERROR: usize = 8 * 1024;
const MAX_TOKEN: usize = 1024 * 1024;
/// Who asks for tokens, where the server wants to know.
const CLIENT_ID: &str = "bowline";

/// Where credentials come from.
pub(super) enum Source<'c> {
    Store(&'c Store),
    Given(&'c Credentials),
}

/// Requests that share tokens.
pub(super) struct Session<'c> {
    client: &'c Client,
    credentials: Source<'c>,
    /// Whether tokens are asked for with a password grant (OAuth 2) first.
    pub(super) oauth: bool,
    /// `Authorization` by host and scope.
    tokens: Mutex<BTreeMap<(String, String), String>>,
}

/// What a request needs to be allowed to do.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) repository: &'s str,
    pub(super) actions: &'s str,
}

impl<'c> Session<'c> {
    pub(super) fn new(client: &'c Client, credentials: Source<'c>) -> Self {
        Self { client, credentials, oauth: false, tokens: Mutex::default() }
    }

    fn credentials(&self, host: &str) -> Result<Credentials, Error> {
        match &self.credentials {
            Source::Given(credentials) => Ok((*credentials).clone()),
            Source::Store(store) => store.get(host),
        }
    }

    fn token(&self, host: &str, scope: &str) -> Option<String> {
        let tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.get(&(host.to_owned(), scope.to_owned())).cloned()
    }

    /// Sends a request; where the registry asks who it is, once more with what it asked for.
    pub(super) fn send(&self, request: &Request<'_>, scope: Option<Scope<'_>>) -> Result<Response, Error> {
        let url = Url::parse(&request.url).map_err(Error::Fetch)?;
        let hint = scope.map(|scope| format!("repository:{}:{}", scope.repository, scope.actions)).unwrap_or_default();
        let mut first = request.clone();
        if let Some(known) = self.token(&url.host, &hint) {
            first.headers.push(("Authorization", known));
        }
        let answer = self.patiently(&first)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // Another host that a redirect led to gets no credentials of this one.
        let asked_by = Url::parse(&answer.url).map_err(Error::Fetch)?;
        if !same_origin(&url, &asked_by) {
            return Ok(answer);
        }
        let Some(challenge) = answer.header("www-authenticate").map(Challenge::parse) else { return Ok(answer) };
        let failed = |error: Error| error.after(format!("{} {}", request.method, quote(&request.url)));
        let authorization = match challenge.scheme.as_str() {
            "basic" => self.basic(&url.host).map_err(failed)?,
            "bearer" => self.bearer(&url, &challenge, &hint).map_err(failed)?,
            _ => return Ok(answer),
        };
        let key = (url.host.clone(), hint);
        self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key, authorization.clone());
        let mut second = request.clone();
        second.headers.push(("Authorization", authorization));
        self.patiently(&second)
    }

    /// Sends a request, and again where the registry has no time for it now or fails.
    fn patiently(&self, request: &Request<'_>) -> Result<Response, Error> {
        let mut attempt = 0;
        loop {
            let answer = self.client.send(request, same_origin)?;
            let passing = matches!(answer.status, 408 | 429) || answer.status >= 500;
            if !passing || attempt == MAX_RETRIES {
                return Ok(answer);
            }
            pause(wait_before(attempt, &answer));
            attempt += 1;
        }
    }

    fn basic(&self, host: &str) -> Result<String, Error> {
        let Credentials { username, password, .. } = &self.credentials(host)?;
        if username.is_empty() && password.is_empty() {
            return Err(Error::Fetch("basic credential not found".to_owned()));
        }
        if username.is_empty() || password.is_empty() {
            return Err(Error::Fetch("missing username or password for basic auth".to_owned()));
        }
        Ok(basic(username, password))
    }

    fn bearer(&self, registry: &Url, challenge: &Challenge, hint: &str) -> Result<String, Error> {
        let realm = challenge.parameter("realm");
        check_realm(realm, registry)?;
        let credentials = self.credentials(&registry.host)?;
        if !credentials.access_token.is_empty() {
            return Ok(format!("Bearer {}", credentials.access_token));
        }
        let service = challenge.parameter("service");
        let mut scopes: Vec<&str> =
            challenge.parameter("scope").split(' ').chain([hint]).filter(|s| !s.is_empty()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let has_password = !credentials.username.is_empty() || !credentials.password.is_empty();
        let answer = if credentials.refresh_token.is_empty() && !(has_password && self.oauth) {
            self.ask_for_token(realm, service, &scopes, &credentials)?
        } else {
            self.oauth_token(realm, service, &scopes, &credentials)?
        };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = text("access_token").or_else(|| text("token"));
        token.map(|token| format!("Bearer {token}")).ok_or_else(|| Error::Fetch("empty token returned".to_owned()))
    }

    /// Distribution's token protocol: a `GET` with basic authorization.
    fn ask_for_token(&self, realm: &str, service: &str, scopes: &[&str], who: &Credentials) -> Result<Value, Error> {
        let mut pairs: Vec<_> = scopes.iter().map(|scope| ("scope", *scope)).collect();
        pairs.push(("service", service));
        let query = form(&pairs);
        let url = format!("{realm}{}{query}", if realm.contains('?') { '&' } else { '?' });
        let mut headers = Vec::new();
        if !who.username.is_empty() || !who.password.is_empty() {
            headers.push(("Authorization", basic(&who.username, &who.password)));
        }
        self.token_answer(&Request { method: "GET", url, headers, body: &[], limit: MAX_TOKEN })
    }

    /// OAuth 2: a `POST` with the password or a refresh token.
    fn oauth_token(&self, realm: &str, service: &str, scopes: &[&str], who: &Credentials) -> Result<Value, Error> {
        let scope = scopes.join(" ");
        let mut pairs = Vec::new();
        if who.refresh_token.is_empty() {
            pairs.extend([("grant_type", "password"), ("username", &who.username), ("password", &who.password)]);
        } else {
            pairs.extend([("grant_type", "refresh_token"), ("refresh_token", who.refresh_token.as_str())]);
        }
        pairs.extend([("service", service), ("client_id", CLIENT_ID)]);
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        let body = form(&pairs);
        let headers = vec![("Content-Type", "application/x-www-form-urlencoded".to_owned())];
        let url = realm.to_owned();
        self.token_answer(&Request { method: "POST", url, headers, body: body.as_bytes(), limit: MAX_TOKEN })
    }

    fn token_answer(&self, request: &Request<'_>) -> Result<Value, Error> {
        let answer = self.patiently(request)?;
        if answer.status != 200 {
            return Err(response_error(request, &answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            Error::Fetch(format!("{} {}: failed to decode response: {error}", request.method, quote(&request.url)))
        })
    }
}

/// How long to wait before the next attempt: what the registry asks for, else twice as long each time.
fn wait_before(attempt: u32, answer: &Response) -> Duration {
    let asked = answer.header("retry-after").filter(|_| answer.status == 429);
    let asked = asked.and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0).map(Duration::from_secs);
    asked.unwrap_or(FIRST_WAIT * 2_u32.pow(attempt)).min(LONGEST_WAIT)
}

/// A registry is another program: it is waited for in real time.
#[allow(clippy::disallowed_methods)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The error that an unwanted status is, with what the registry says about it.
pub(super) fn response_error(request: &Request<'_>, answer: &Response) -> Error {
    let listed = || -> Option<String> {
        let body: Value = serde_json::from_slice(&answer.body[..answer.body.len().min(MAX_ERROR)]).ok()?;
        let errors: Vec<String> = body.get("errors")?.as_array()?.iter().map(said).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    };
    let why = listed().unwrap_or_else(|| reason(answer.status).to_owned());
    let (method, url, status) = (request.method, quote(&answer.url), answer.status);
    Error::Fetch(format!("{method} {url}: response status code {status}: {why}"))
}

fn said(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = text("code").to_lowercase().replace('_', " ");
    match (text("message"), error.get("detail").filter(|detail| !detail.is_null())) {
        ("", _) => code,
        (message, None) => format!("{code}: {message}"),
        (message, Some(detail)) => format!("{code}: {message}: {}", go_value(detail)),
    }
}

/// A value as Go's `%v` prints it.
fn go_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let pairs: Vec<String> = sorted.iter().map(|(key, value)| format!("{key}:{}", go_value(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// What a registry wants to see: `Bearer realm="…",service="…",scope="…"`.
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn parse(header: &str) -> Self {
        let (scheme, mut rest) = header.split_once(' ').unwrap_or((header, ""));
        let mut parameters = Vec::new();
        while let Some((name, after)) = rest.split_once('=') {
            let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let end = quoted.find('"').unwrap_or(quoted.len());
                    (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
                }
                None => after.split_once(',').unwrap_or((after, "")),
            };
            parameters.push((name, value.to_owned()));
            rest = next;
        }
        Self { scheme: scheme.to_ascii_lowercase(), parameters }
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Credentials must not be sent in the clear where the registry is asked over TLS, nor to addresses inside of a network
/// that a registry outside names.
fn check_realm(realm: &str, registry: &Url) -> Result<(), Error> {
    let named = quote(realm);
    let url = Url::parse(realm).map_err(|why| Error::Fetch(format!("failed to parse bearer realm {named}: {why}")))?;
    match url.scheme.as_str() {
        "https" => {}
        "http" if registry.scheme == "https" => {
            return Err(Error::Fetch(format!("bearer realm {named} uses http but registry was contacted over https")));
        }
        "http" => {}
        other => {
            return Err(Error::Fetch(format!("bearer realm {named} uses unsupported scheme {}", quote(other))));
        }
    }
    let inside = url.hostname().parse::<IpAddr>().is_ok_and(|ip| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_private() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    });
    if inside && url.hostname() != registry.hostname() {
        let host = quote(url.hostname());
        let what = "is a loopback, link-local, private, or unspecified address";
        return Err(Error::Fetch(format!("bearer realm host {host} {what}")));
    }
    Ok(())
}

/// Pairs as a form or a query holds them.
fn form(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    pairs.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let read =
            Challenge::parse(r#"Bearer realm="https://auth/token",service=registry,scope="repository:a:pull,push""#);
        assert_eq!(read.scheme, "bearer");
        assert_eq!((read.parameter("realm"), read.parameter("service")), ("https://auth/token", "registry"));
        assert_eq!(read.parameter("scope"), "repository:a:pull,push");
        assert_eq!(Challenge::parse("Basic").scheme, "basic");
    }

    #[test]
    fn credentials_stay_where_they_belong() {
        let registry = Url::parse("https://registry.example.com/v2/").unwrap();
        assert!(check_realm("https://auth.example.com/token", &registry).is_ok());
        assert!(check_realm("http://auth.example.com/token", &registry).is_err());
        assert!(check_realm("https://169.254.169.254/token", &registry).is_err());
        assert!(check_realm("file:///etc/passwd", &registry).is_err());
        let local = Url::parse("http://127.0.0.1:5000/v2/").unwrap();
        assert!(check_realm("http://127.0.0.1:5001/token", &local).is_ok());
    }
}
