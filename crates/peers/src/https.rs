//! One HTTPS request to a server on this machine, for tests and benches that must not measure a client's start.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The certificate authority of a kubeconfig's text, as PEM.
pub fn authority_of(kubeconfig: &str) -> Option<Vec<u8>> {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("certificate-authority-data: "))?;
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, line.trim().trim_matches('"')).ok()
}

/// The status code of `GET path` at `address` (`127.0.0.1:6443`), whose certificate `authority` (PEM) signed.
///
/// # Errors
/// Where the server cannot be reached, is not trusted, or does not speak HTTP.
pub fn get(address: &str, authority: &[u8], path: &str) -> io::Result<u16> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut stream = StreamOwned::new(connection, socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0u8; 64];
    let length = stream.read(&mut head)?;
    let line = String::from_utf8_lossy(&head[..length]);
    let code = line.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    code.ok_or_else(|| io::Error::other(format!("no HTTP status in {line:?}")))
}
