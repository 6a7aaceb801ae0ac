//! Passes the bytes of one connection on, and ends it in good order when its pod is to end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::http1::Exchange;

/// A connection that was quiet for this long while its pod drains has no client that is about to use it.
const QUIET: Duration = Duration::from_secs(1);

/// The connections to one pod.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Connections that the end of the pod would disturb.
    busy: watch::Sender<usize>,
    draining: watch::Sender<bool>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { busy: watch::channel(0).0, draining: watch::channel(false).0 }
    }
}

impl Traffic {
    /// Ends connections as soon as that disturbs nobody; returns when none is left.
    pub(crate) async fn drain(&self) {
        self.draining.send_replace(true);
        // The sender lives as long as this.
        let _ = self.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}

/// Counts a connection as long as it lives.
struct Busy(Option<Arc<Traffic>>);

impl Busy {
    fn new(traffic: &Arc<Traffic>) -> Self {
        traffic.busy.send_modify(|busy| *busy += 1);
        Self(Some(traffic.clone()))
    }

    fn release(&mut self) {
        if let Some(traffic) = self.0.take() {
            traffic.busy.send_modify(|busy| *busy -= 1);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.release();
    }
}

struct Flow {
    exchange: Exchange,
    last: Instant,
}

/// Passes bytes both ways until both sides have ended, or the pod drains and the connection may be closed.
pub(crate) async fn pump(client: TcpStream, server: TcpStream, traffic: &Arc<Traffic>) {
    let mut busy = Busy::new(traffic);
    // Small messages are not to wait for each other.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let mut draining = traffic.draining.subscribe();
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let flow = Mutex::new(Flow { exchange: Exchange::default(), last: Instant::now() });
    let up = pass(client_read, server_write, |bytes, out| {
        let mut flow = flow.lock().unwrap_or_else(PoisonError::into_inner);
        flow.last = Instant::now();
        flow.exchange.client_sent(bytes);
        out.extend(bytes);
        false
    });
    let down = pass(server_read, client_write, |bytes, out| {
        let mut flow = flow.lock().unwrap_or_else(PoisonError::into_inner);
        flow.last = Instant::now();
        flow.exchange.server_sent(bytes, out);
        flow.exchange.is_closed()
    });
    let both = async {
        tokio::pin!(up);
        tokio::pin!(down);
        tokio::select! {
            // A server that has said all it will say ends the connection, whatever the client still holds open.
            () = &mut down => {}
            () = &mut up => down.await,
        }
    };
    let quiet = async {
        if draining.wait_for(|draining| *draining).await.is_err() {
            return std::future::pending().await;
        }
        flow.lock().unwrap_or_else(PoisonError::into_inner).exchange.close_soon();
        loop {
            let (until, idle, opaque) = {
                let flow = flow.lock().unwrap_or_else(PoisonError::into_inner);
                (flow.last + QUIET, flow.exchange.is_idle(), flow.exchange.is_opaque())
            };
            if Instant::now() < until {
                sleep_until(until).await;
            } else if idle {
                return;
            } else if opaque {
                // Nothing is known of its protocol: it stays open until the pod closes it, but nobody waits for it.
                busy.release();
                return std::future::pending().await;
            } else {
                // A request is under way.
                tokio::time::sleep(QUIET / 10).await;
            }
        }
    };
    tokio::select! {
        () = both => {}
        () = quiet => {}
    }
}

/// Copies until the end of `from` or until `follow` says that this was the last.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    follow: impl Fn(&[u8], &mut Vec<u8>) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut out = Vec::new();
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        out.clear();
        let last = follow(&buffer[..count], &mut out);
        if to.write_all(&out).await.is_err() || last {
            break;
        }
    }
    let _ = to.shutdown().await;
}
