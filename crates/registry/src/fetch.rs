//! HTTP requests: certificates, credentials, redirects, limits and deadlines.

use std::io::{self, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bowline_yaml::quote;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ureq::http::{Request as HttpRequest, Response as HttpResponse};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

use crate::error::{Error, os_error};
use crate::url::Url;

/// How long a request may take in all, where nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(120);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 10;
/// What servers are told is asking.
pub(crate) const USER_AGENT: &str = concat!("Bowline/", env!("CARGO_PKG_VERSION"));

/// Certificates of a connection; all paths may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The client's certificate, as PEM.
    pub certificate: String,
    /// The client's key, as PEM.
    pub key: String,
    /// Authorities to trust in place of the machine's.
    pub authority: String,
    /// Whether any certificate of a server will do.
    pub insecure: bool,
}

impl Tls {
    /// Whether anything is set that a usual connection does not have.
    pub fn is_custom(&self) -> bool {
        (!self.certificate.is_empty() && !self.key.is_empty()) || !self.authority.is_empty() || self.insecure
    }

    /// # Errors
    /// A file cannot be read or holds something else; in Helm's words.
    fn config(&self) -> Result<TlsConfig, Error> {
        let mut problems = Vec::new();
        let mut read = |path: &str, kind: &str| match std::fs::read(path) {
            Ok(data) => data,
            Err(error) => {
                problems.push(format!("{kind}: {}: {}", quote(path), Error::io("open", Path::new(path), &error)));
                Vec::new()
            }
        };
        let pair = if self.certificate.is_empty() && self.key.is_empty() {
            None
        } else {
            let certificate = read(&self.certificate, "unable to read cert file");
            // Helm looks at the key only where the certificate is there.
            Some((
                certificate.clone(),
                if certificate.is_empty() { Vec::new() } else { read(&self.key, "unable to read key file") },
            ))
        };
        let authority = (!self.authority.is_empty()).then(|| read(&self.authority, "can't read CA file"));
        if !problems.is_empty() {
            return Err(Error::Invalid(problems.join("\n")));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config =
            TlsConfig::builder().provider(TlsProvider::Rustls).unversioned_rustls_crypto_provider(provider);
        config = match authority {
            None => config.root_certs(RootCerts::PlatformVerifier),
            Some(pem) => {
                let found: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
                if found.is_empty() {
                    return Err(Error::Invalid("failed to append certificates from pem block".to_owned()));
                }
                let found: Vec<_> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
                config.root_certs(RootCerts::new_with_certs(&found))
            }
        };
        if let Some((certificate, key)) = pair {
            config = config.client_cert(Some(client_certificate(&certificate, &key)?));
        }
        Ok(config.disable_verification(self.insecure).build())
    }
}

fn client_certificate(certificate: &[u8], pem: &[u8]) -> Result<ClientCert, Error> {
    let failed = |why: String| Error::Invalid(format!("unable to load cert from key pair: tls: {why}"));
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(failed("failed to find any PEM data in certificate input".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| failed("failed to find any PEM data in key input".to_owned()))?;
    // A pair that does not fit is found here and not in the middle of a connection.
    rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(|error| failed(error.to_string())).and_then(
        |signing| {
            let pair = rustls::sign::CertifiedKey::new(chain.clone(), signing);
            pair.keys_match().map_err(|_| failed("private key does not match public key".to_owned()))
        },
    )?;
    let chain: Vec<_> = chain.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let key = PrivateKey::from_pem(pem).map_err(|error| failed(error.to_string()))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

/// Sends requests over connections of one kind, and keeps them open between requests.
pub(crate) struct Client {
    agent: Agent,
    timeout: Duration,
}

/// A request; its body is empty for those that have none.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'a [u8],
    /// The most bytes that the answer may have.
    pub(crate) limit: usize,
}

/// An answer, whole.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The address that answered, after redirects.
    pub(crate) url: String,
    headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `404 Not Found`.
    pub(crate) fn status_line(&self) -> String {
        format!("{} {}", self.status, reason(self.status))
    }
}

/// What a status code is called.
pub(crate) fn reason(status: u16) -> &'static str {
    ureq::http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or_default()
}

impl Client {
    /// # Errors
    /// A certificate or key cannot be used.
    pub(crate) fn new(tls: &Tls, timeout: Duration) -> Result<Self, Error> {
        let agent = Agent::config_builder()
            .tls_config(tls.config()?)
            .http_status_as_error(false)
            // Followed here: credentials must not go along to another host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(timeout))
            .build()
            .new_agent();
        Ok(Self { agent, timeout })
    }

    /// Sends a request and reads the whole answer. Redirects of requests without a body are followed; `keeps` says
    /// whether the credentials go along from one address to the next.
    ///
    /// # Errors
    /// No answer, or one that is too large.
    pub(crate) fn send(&self, request: &Request<'_>, keeps: fn(&Url, &Url) -> bool) -> Result<Response, Error> {
        let mut request = request.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.once(&request)?;
            let redirects =
                matches!(response.status, 301 | 302 | 303 | 307 | 308) && matches!(request.method, "GET" | "HEAD");
            let Some(location) = response.header("location").filter(|_| redirects) else { return Ok(response) };
            let failed =
                |why: String| Error::Fetch(format!("failed to parse Location header {}: {why}", quote(location)));
            let from = Url::parse(&request.url).map_err(failed)?;
            let to = from.resolve(&Url::parse(location).map_err(failed)?);
            if !keeps(&from, &to) {
                request.headers.retain(|(name, _)| *name != "Authorization");
            }
            request.url = to.to_string();
        }
        Err(Error::Fetch(format!(
            "{} {}: stopped after {MAX_REDIRECTS} redirects",
            verb(request.method),
            quote(&request.url)
        )))
    }

    fn once(&self, request: &Request<'_>) -> Result<Response, Error> {
        let failed = |error: &ureq::Error| self.failure(request, error);
        let url = Url::parse(&request.url).map_err(Error::Fetch)?;
        if !matches!(url.scheme.as_str(), "http" | "https") {
            let why = format!("unsupported protocol scheme {}", quote(&url.scheme));
            return Err(Error::Fetch(format!("{} {}: {why}", verb(request.method), quote(&request.url))));
        }
        if url.host.is_empty() {
            return Err(Error::Fetch(format!(
                "{} {}: http: no Host in request URL",
                verb(request.method),
                quote(&request.url)
            )));
        }
        let mut built = HttpRequest::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let answer = if request.body.is_empty() && matches!(request.method, "GET" | "HEAD") {
            let ready = built.body(()).map_err(|error| failed(&ureq::Error::Http(error)))?;
            if is_loopback(url.hostname()) {
                self.agent.run(self.agent.configure_request(ready).proxy(None).build())
            } else {
                self.agent.run(ready)
            }
        } else {
            let ready = built.body(request.body).map_err(|error| failed(&ureq::Error::Http(error)))?;
            if is_loopback(url.hostname()) {
                self.agent.run(self.agent.configure_request(ready).proxy(None).build())
            } else {
                self.agent.run(ready)
            }
        };
        let answer = answer.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = self.read(request, answer)?;
        Ok(Response { status, url: request.url.clone(), headers, body })
    }

    fn read(&self, request: &Request<'_>, answer: HttpResponse<Body>) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let limit = request.limit as u64;
        let read = answer.into_body().into_reader().take(limit + 1).read_to_end(&mut body);
        read.map_err(|error| self.failure(request, &ureq::Error::from(error)))?;
        if body.len() > request.limit {
            let (url, limit) = (&request.url, request.limit);
            return Err(Error::Fetch(format!("failed to fetch {url} : the answer is larger than {limit} bytes")));
        }
        Ok(body)
    }

    /// Go's words for what went wrong.
    fn failure(&self, request: &Request<'_>, error: &ureq::Error) -> Error {
        let why = match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                format!("dial tcp {}: i/o timeout", dialed(&request.url))
            }
            ureq::Error::Timeout(_) => format!(
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers) after {} s",
                self.timeout.as_secs()
            ),
            ureq::Error::HostNotFound => {
                let host = Url::parse(&request.url).map(|url| url.hostname().to_owned()).unwrap_or_default();
                format!("dial tcp: lookup {host}: no such host")
            }
            ureq::Error::Io(error) => io_failure(error, &request.url),
            ureq::Error::Rustls(error) => tls_failure(error),
            other => other.to_string(),
        };
        Error::Fetch(format!("{} {}: {why}", verb(request.method), quote(&without_password(&request.url))))
    }
}

fn io_failure(error: &io::Error, url: &str) -> String {
    if let Some(inner) = error.get_ref() {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(inner);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return tls_failure(error);
            }
            cause = error.source();
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("dial tcp {}: connect: {}", dialed(url), os_error(error))
        }
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        _ => os_error(error),
    }
}

fn tls_failure(error: &rustls::Error) -> String {
    use rustls::CertificateError as Certificate;
    let why = match error {
        // What a server says that speaks no TLS.
        rustls::Error::InvalidMessage(_) => return "http: server gave HTTP response to HTTPS client".to_owned(),
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            "certificate signed by unknown authority".to_owned()
        }
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "certificate has expired or is not yet valid".to_owned()
        }
        rustls::Error::InvalidCertificate(why) => why.to_string(),
        rustls::Error::AlertReceived(alert) => return format!("remote error: tls: {alert:?}"),
        other => return format!("tls: {other}"),
    };
    format!("tls: failed to verify certificate: x509: {why}")
}

/// The address that was dialed first.
fn dialed(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let (host, port) = (url.hostname(), url.port());
    let resolved = port.parse().ok().and_then(|port: u16| (host, port).to_socket_addrs().ok()?.next());
    resolved.map_or_else(|| format!("{host}:{port}"), |address| address.to_string())
}

fn verb(method: &str) -> String {
    let mut chars = method.chars();
    chars.next().map(|first| first.to_string() + &chars.as_str().to_lowercase()).unwrap_or_default()
}

/// No proxy stands between a program and its own machine; so it is in Go.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The address as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.user.as_ref().is_some_and(|user| user.contains(':')) => {
            parsed.user = parsed.user.map(|user| format!("{}:***", user.split(':').next().unwrap_or_default()));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

/// The value of an `Authorization` header.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
}

/// Credentials stay with a host and those below its name, and are not sent in the clear where they were not before.
pub(crate) fn same_domain(from: &Url, to: &Url) -> bool {
    let (from_host, to_host) = (from.hostname().to_ascii_lowercase(), to.hostname().to_ascii_lowercase());
    let downgraded = from.scheme == "https" && to.scheme != "https";
    !downgraded && (from_host == to_host || to_host.ends_with(&format!(".{from_host}")))
}

/// Credentials stay with scheme, host and port.
pub(crate) fn same_origin(from: &Url, to: &Url) -> bool {
    from.scheme == to.scheme && from.hostname().eq_ignore_ascii_case(to.hostname()) && from.port() == to.port()
}
