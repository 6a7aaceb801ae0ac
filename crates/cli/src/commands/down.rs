use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::ClusterFolder;
use crate::printer::Printer;

/// Asks the process that is the cluster to take everything down, and waits until it is gone.
pub(crate) async fn run(arguments: &args::Down, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let folder = ClusterFolder::of(cluster);
    let Some(state) = folder.running() else {
        printer.progress(&format!("cluster {cluster} is not up"));
        return Ok(Exit::Ok);
    };
    let process = Pid::from_raw(state.pid);
    match kill(process, Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => {
            let doing = format!("stop process {}, which is cluster {cluster}", state.pid);
            return Err(Failure::because(Exit::Failed, doing, &error).hint(format!("kill {}", state.pid)));
        }
    }
    let deadline = tokio::time::Instant::now() + arguments.timeout;
    while folder.running().is_some() {
        if tokio::time::Instant::now() >= deadline {
            let message =
                format!("cluster {cluster} (process {}) is still stopping after {:?}", state.pid, arguments.timeout);
            return Err(Failure::new(Exit::TimedOut, message)
                .hint(format!("kill -9 {}   leaves no process behind either", state.pid)));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    printer.progress(&format!("cluster {cluster} is down"));
    Ok(Exit::Ok)
}
