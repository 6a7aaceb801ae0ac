//! The API behind TLS on a socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::http::{ApiService, Body, User};
use crate::token::secret_text;
use crate::{Api, Status};

/// How long a client may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate could not be made.
    #[error("could not make the server's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be used.
    #[error("could not set up TLS")]
    Tls(#[from] rustls::Error),
    /// The socket could not be used.
    #[error("could not use the listening socket")]
    Socket(#[from] std::io::Error),
    /// No token could be made.
    #[error("could not make the administrator's token")]
    Token(#[source] Status),
}

/// Who the server is, and how its owner is known: made in memory, P-256 keys.
#[derive(Clone, Debug)]
pub struct Identity {
    ca_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: Arc<Vec<u8>>,
    token: String,
}

impl Identity {
    /// A new authority, a certificate of it for this machine's names and `extra` ones, and a token for the administrator.
    ///
    /// # Errors
    /// Where the machine gives no random bits, or a name is none.
    pub fn generate(extra: &[String]) -> Result<Self, ServeError> {
        let mut authority = rcgen::CertificateParams::new(Vec::new())?;
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(rcgen::DnType::CommonName, "bowline");
        let authority_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let mut names: Vec<String> = [
            "localhost",
            "127.0.0.1",
            "::1",
            "10.96.0.1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        .map(str::to_owned)
        .to_vec();
        names.extend(extra.iter().cloned());
        let mut own = rcgen::CertificateParams::new(names)?;
        own.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        own.distinguished_name.push(rcgen::DnType::CommonName, "bowline-apiserver");
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let issuer = rcgen::Issuer::from_params(&authority, &authority_key);
        let certificate = own.signed_by(&key, &issuer)?;
        Ok(Self {
            ca_pem: authority_certificate.pem(),
            chain: vec![certificate.der().clone(), authority_certificate.der().clone()],
            key: Arc::new(key.serialize_der()),
            token: secret_text().map_err(ServeError::Token)?,
        })
    }

    /// The authority's certificate, to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The administrator's token. A secret: not to be printed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig for the administrator; it holds the token.
    pub fn kubeconfig(&self, address: SocketAddr, namespace: &str) -> String {
        use base64::Engine;
        let ca = base64::engine::general_purpose::STANDARD.encode(&self.ca_pem);
        let token = &self.token;
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: bowline\n  cluster:\n    server: https://{address}\n    \
             certificate-authority-data: {ca}\ncontexts:\n- name: bowline\n  context:\n    cluster: bowline\n    \
             user: admin\n    namespace: {namespace}\ncurrent-context: bowline\nusers:\n- name: admin\n  user:\n    \
             token: {token}\n"
        )
    }

    fn acceptor(&self) -> Result<TlsAcceptor, ServeError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.as_ref().clone()));
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A running server. Dropping it ends it, with all of its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Api {
    /// Serves the API on a socket, to bearers of the identity's token (who may do everything) and of tokens that the
    /// API issued. Without a token only `/healthz`, `/livez`, `/readyz` and `/version` are answered. Call it in a tokio
    /// runtime.
    ///
    /// # Errors
    /// Where TLS cannot be set up or the socket is of no use.
    pub fn serve(&self, listener: TcpListener, identity: &Identity) -> Result<Server, ServeError> {
        let address = listener.local_addr()?;
        let acceptor = identity.acceptor()?;
        self.add_token(identity.token.clone(), User::admin());
        let (stop, mut stopped) = watch::channel(false);
        let guarded = Guarded { api: self.clone(), inner: self.service() };
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    _ = stopped.changed() => return,
                    Some(_) = connections.join_next() => {}
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            connections.spawn(connection(stream, acceptor.clone(), guarded.clone()));
                        }
                        // Out of descriptors: what is open goes on, and the next try may succeed.
                        Err(error) => {
                            tracing::warn!(%error, "could not accept a connection");
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    },
                }
            }
        });
        Ok(Server { address, stop, task })
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, service: Guarded) {
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake took too long"),
    };
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(service);
    if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended with an error");
    }
}

/// Lets only those in who are known.
#[derive(Clone, Debug)]
struct Guarded {
    api: Api,
    inner: ApiService,
}

impl Guarded {
    fn user(&self, request: &Request<Incoming>) -> Option<User> {
        let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| self.api.user_of(token.trim()))?
    }
}

impl Service<Request<Incoming>> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <ApiService as Service<Request<Incoming>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let open = matches!(request.uri().path(), "/healthz" | "/livez" | "/readyz" | "/version");
        match self.user(&request) {
            Some(user) => {
                request.extensions_mut().insert(user);
            }
            None if open => {}
            None => {
                let refused = Status::new(401, "Unauthorized", "Unauthorized");
                return Box::pin(async move { Ok(crate::http::refuse(&refused)) });
            }
        }
        self.inner.call(request)
    }
}
