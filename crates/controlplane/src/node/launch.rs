//! Bowline's half of a process pod: starts a shim, tells it what to run, hears how it went.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::sync::{mpsc, watch};

use super::runtime::{Exit, RuntimeError};
use super::shim::{ARGUMENT, Order, Report, Request, frame};

/// Starts commands under shims.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    /// The binary that acts as shim when called with [`ARGUMENT`].
    pub(crate) shim: PathBuf,
}

/// A command that runs under a shim. When the last clone is dropped, the command and all of its descendants are killed.
#[derive(Clone, Debug)]
pub(crate) struct Supervised {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requests: mpsc::UnboundedSender<Request>,
    exit: watch::Receiver<Option<Exit>>,
}

impl Supervised {
    /// Sends a signal.
    pub(crate) fn signal(&self, number: i32) {
        // A shim that has ended has nobody left to signal.
        let _ = self.shared.requests.send(Request::Signal(number));
    }

    /// Waits until the command and all of its descendants have ended.
    pub(crate) async fn exited(&self) -> Exit {
        let mut exit = self.shared.exit.clone();
        exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit { code: 137 })
    }

    /// Watches for the end without keeping the command alive.
    pub(crate) fn exit_watch(&self) -> watch::Receiver<Option<Exit>> {
        self.shared.exit.clone()
    }
}

/// A started command and its output.
pub(crate) struct Launched {
    pub(crate) process: Supervised,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Launcher {
    /// Starts a command and waits until it runs.
    pub(crate) async fn launch(&self, order: &Order) -> Result<Launched, RuntimeError> {
        let failed = |what: &str, e: &dyn std::fmt::Display| RuntimeError::new(format!("{what}: {e}"));
        let (mut child, ours) = self.spawn()?;
        let (mut read, mut write) = ours.into_split();
        let message = frame(order).map_err(|e| failed("writing the shim's order", &e))?;
        // An inner shim reads the order for itself.
        let times = if order.unshare.pid { 2 } else { 1 };
        for _ in 0..times {
            write.write_all(&message).await.map_err(|e| failed("telling the shim what to run", &e))?;
        }
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(RuntimeError::new("the shim has no output"));
        };
        tokio::spawn(async move { child.wait().await });
        match next_report(&mut read).await {
            Ok(Report::Started) => {}
            Ok(Report::Failed(why)) => return Err(RuntimeError::new(why)),
            Ok(other) => return Err(RuntimeError::new(format!("the shim answered {other:?}"))),
            Err(error) => return Err(failed("waiting for the shim", &error)),
        }
        let (requests, queue) = mpsc::unbounded_channel();
        let (exit, exit_seen) = watch::channel(None);
        tokio::spawn(pass_requests(queue, write));
        tokio::spawn(async move {
            let code = loop {
                match next_report(&mut read).await {
                    Ok(Report::Exited(code)) => break code,
                    Ok(_) => {}
                    // The shim itself was killed.
                    Err(_) => break 137,
                }
            };
            exit.send_replace(Some(Exit { code }));
        });
        Ok(Launched { process: Supervised { shared: Arc::new(Shared { requests, exit: exit_seen }) }, stdout, stderr })
    }

    /// Starts a shim and gives Bowline's end of its control socket.
    pub(crate) fn spawn(&self) -> Result<(tokio::process::Child, UnixStream), RuntimeError> {
        let failed = |what: &str, e: &dyn std::fmt::Display| RuntimeError::new(format!("{what}: {e}"));
        let (ours, theirs) =
            std::os::unix::net::UnixStream::pair().map_err(|e| failed("making a control socket", &e))?;
        let child = Command::new(&self.shim)
            .args([ARGUMENT, "outer"])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| failed(&format!("starting the shim {}", self.shim.display()), &e))?;
        ours.set_nonblocking(true).map_err(|e| failed("making a control socket", &e))?;
        let ours = UnixStream::from_std(ours).map_err(|e| failed("making a control socket", &e))?;
        Ok((child, ours))
    }
}

/// Ends, and so ends the lifeline, when the last [`Supervised`] is dropped.
async fn pass_requests(mut queue: mpsc::UnboundedReceiver<Request>, mut write: OwnedWriteHalf) {
    while let Some(request) = queue.recv().await {
        let Ok(message) = frame(&request) else { continue };
        if write.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn next_report(read: &mut OwnedReadHalf) -> std::io::Result<Report> {
    let length = read.read_u32_le().await?;
    let mut bytes = vec![0; length as usize];
    read.read_exact(&mut bytes).await?;
    serde_json::from_slice(&bytes).map_err(std::io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Where the kernel allows no PID namespace, the shim kills descendants one by one, those that left their session too.
    #[tokio::test]
    async fn without_namespaces_too_nothing_outlives_the_lifeline() {
        let test = std::env::current_exe().unwrap();
        let shim = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/sandbox-shim");
        let mark = format!("LIFELINE_TEST={}", std::process::id());
        let script = "setsid sh -c 'sleep 4321; true' & (sleep 4321 & sleep 4321 & wait) & wait";
        let (name, value) = mark.split_once('=').unwrap();
        let order = Order {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: [(name, value), ("PATH", "/usr/bin:/bin")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..Order::default()
        };
        let launched = Launcher { shim }.launch(&order).await.unwrap();
        let count = || {
            let processes = std::fs::read_dir("/proc").unwrap().flatten();
            let environments = processes.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
            environments.filter(|e| e.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())).count()
        };
        let until = async |wanted: &dyn Fn(usize) -> bool| {
            for _ in 0..500 {
                if wanted(count()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{} processes", count());
        };
        until(&|count| count >= 6).await;
        drop(launched);
        until(&|count| count == 0).await;
    }
}
