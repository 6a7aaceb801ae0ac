//! `up --detach`: the same command in a process of its own, followed until everything is ready.

use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bowline_cluster::{Cluster, ConnectOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::commands::up;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::ClusterFolder;
use crate::interrupt;
use crate::printer::Printer;
use crate::services;

const LOOK: Duration = Duration::from_millis(20);

/// Starts the process that is the cluster, shows its progress, and returns when everything is ready or it has ended.
pub(crate) async fn start(cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let folder = ClusterFolder::of(cluster);
    if let Some(state) = folder.running() {
        return Err(already_up(cluster, state.pid));
    }
    let failed = |doing: &str, error: std::io::Error| Failure::because(Exit::Failed, doing, &error);
    folder.create().map_err(|e| failed("create the cluster's folder", e))?;
    let log = std::fs::File::create(folder.up_log()).map_err(|e| failed("create the log of the detached run", e))?;
    let mut child = spawn(&log).map_err(|e| failed("start the detached run", e))?;
    let mut follow = Follow { file: folder.up_log(), shown: 0, printer };
    let interrupted = interrupt::requested();
    tokio::pin!(interrupted);
    loop {
        follow.show();
        if let Ok(Some(status)) = child.try_wait() {
            follow.show();
            // What failed has just been shown, word for word.
            return Ok(Exit::of_code(status.code()));
        }
        if folder.running().is_some_and(|state| state.ready) {
            break;
        }
        tokio::select! {
            biased;
            () = &mut interrupted => {
                stop(&mut child).await;
                follow.show();
                return Ok(Exit::Interrupted);
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    follow.show();
    show_services(&folder, cluster, printer).await
}

/// Makes this process independent of the terminal it was started from.
pub(crate) fn leave_terminal() {
    // Fails only where the process leads a group already, and then the terminal is not ours.
    let _ = nix::unistd::setsid();
}

/// The cluster runs already.
pub(crate) fn already_up(cluster: &str, process: i32) -> Failure {
    Failure::new(Exit::Failed, format!("cluster {cluster} is up already, as process {process}"))
        .hint("bowline down   takes it down; bowline deploy changes what runs on it; --cluster NAME starts another")
}

fn spawn(log: &std::fs::File) -> std::io::Result<Child> {
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach" && argument != "-d");
    Command::new(std::env::current_exe()?)
        .args(arguments)
        .arg("--detached")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?)
        .spawn()
}

async fn stop(child: &mut Child) {
    let process = i32::try_from(child.id()).map(Pid::from_raw);
    if let Ok(process) = process {
        let _ = kill(process, Signal::SIGTERM);
    }
    while matches!(child.try_wait(), Ok(None)) {
        tokio::time::sleep(LOOK).await;
    }
}

async fn show_services(folder: &ClusterFolder, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let Some(state) = folder.running() else {
        return Err(Failure::new(Exit::Failed, format!("cluster {cluster} came up and ended")).hint("bowline up …"));
    };
    let doing = "read the state of the release";
    let options = ConnectOptions { kubeconfig: Some(folder.kubeconfig()), ..ConnectOptions::default() };
    let connected = Cluster::connect(&options).await.map_err(|e| Failure::because(Exit::Failed, doing, &e))?;
    let overview = services::overview(&connected, &state.namespace, &state.release).await;
    let overview = overview.map_err(|e| Failure::because(Exit::Failed, doing, &e))?;
    up::print_where(&state.namespace, &overview.services, printer);
    printer.progress(&format!("cluster {cluster} runs as process {}; `bowline down` takes it down", state.pid));
    Ok(Exit::Ok)
}

/// Shows what is appended to a file.
struct Follow {
    file: std::path::PathBuf,
    shown: u64,
    printer: Printer,
}

impl Follow {
    fn show(&mut self) {
        let mut text = String::new();
        let read = std::fs::File::open(&self.file).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.shown))?;
            file.read_to_string(&mut text)
        });
        if let Ok(length) = read {
            self.shown += length as u64;
            text.lines().for_each(|line| self.printer.progress(line));
        }
    }
}
