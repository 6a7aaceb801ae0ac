//! Clients that ask a Service over and over, and count what fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One request on a connection that stays open where the server allows it.
async fn ask(stream: &mut TcpStream, path: &str) -> std::io::Result<(String, bool)> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await?;
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length =
                head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).unwrap().parse::<usize>().unwrap();
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
                let ok = head.starts_with("HTTP/1.1 200");
                assert!(ok, "{head} {body}");
                return Ok((body, head.contains("Connection: close")));
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend(&buffer[..count]),
        }
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    tokio::time::timeout(Duration::from_secs(15), ask(&mut stream, path)).await.unwrap().unwrap().0
}

/// Clients that ask without a pause, each request on a new connection or all on one; any failure is counted.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Clients {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..4)
            .map(|number| {
                let (stop, asked) = (stop.clone(), asked.clone());
                tokio::spawn(async move {
                    let keep = number % 2 == 0;
                    let (mut failures, mut open) = (Vec::new(), None);
                    while !stop.load(Ordering::Relaxed) {
                        let mut stream = match open.take() {
                            Some(stream) => stream,
                            None => TcpStream::connect(address).await.unwrap(),
                        };
                        match ask(&mut stream, "/").await {
                            Ok((_, closes)) => open = (keep && !closes).then_some(stream),
                            Err(error) => failures.push(format!("keep-alive {keep}: {error}")),
                        }
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                })
            })
            .collect();
        Self { stop, asked, tasks }
    }

    pub(crate) async fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for task in self.tasks {
            failures.extend(task.await.unwrap());
        }
        (self.asked.load(Ordering::Relaxed), failures)
    }
}
