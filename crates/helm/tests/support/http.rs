//! A web server on this machine, for one test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as far as tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// `Authorization`, empty where there is none.
    pub(crate) authorization: String,
    pub(crate) host: String,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self { status: 302, headers: vec![("Location", to.into())], body: Vec::new() }
    }
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

/// A server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn new(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), None)
    }

    pub(crate) fn with_tls(config: ServerConfig, handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(Arc::new(handler), Some(Arc::new(config)))
    }

    fn start(handler: Arc<Handler>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let record = Arc::clone(&seen);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (handler, tls, record) = (Arc::clone(&handler), tls.clone(), Arc::clone(&record));
                std::thread::spawn(move || match tls {
                    None => serve(socket.try_clone().unwrap(), socket, &*handler, &record),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        let stream = Arc::new(Mutex::new(StreamOwned::new(connection, socket)));
                        serve(Shared(Arc::clone(&stream)), Shared(stream), &*handler, &record);
                    }
                });
            }
        });
        Self { port, seen }
    }

    /// The requests since the last time.
    pub(crate) fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

struct Shared(Arc<Mutex<StreamOwned<ServerConnection, TcpStream>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

fn serve(input: impl Read, mut output: impl Write, handler: &Handler, seen: &Mutex<Vec<Request>>) {
    let mut lines = BufReader::new(input).lines();
    // One request after the other on a connection.
    while let Some(Ok(first)) = lines.next() {
        let mut request = Request {
            method: first.split(' ').next().unwrap_or_default().to_owned(),
            path: first.split(' ').nth(1).unwrap_or("/").to_owned(),
            authorization: String::new(),
            host: String::new(),
        };
        for line in lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "authorization" => value.trim().clone_into(&mut request.authorization),
                "host" => value.trim().clone_into(&mut request.host),
                _ => {}
            }
        }
        seen.lock().unwrap().push(request.clone());
        let answer = handler(&request);
        let reason = match answer.status {
            200 => "OK",
            302 => "Found",
            401 => "Unauthorized",
            404 => "Not Found",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        let mut head = format!("HTTP/1.1 {} {reason}\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let sent = output.write_all(format!("{head}\r\n").as_bytes());
        let body = if request.method == "HEAD" { &[][..] } else { &answer.body };
        if sent.and_then(|()| output.write_all(body)).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}
