//! The resident half of a process pod: a small copy of the own binary between Bowline and each command.
//!
//! ```text
//!   Bowline ──control socket──► shim ──► (own PID namespace: inner shim) ──► command
//!      │  orders, signals ►      │ ◄ started, exited                            └─ children
//!      └─ dies: the socket ends ─┴─► everything below is killed
//! ```
//!
//! The control socket is the lifeline: the kernel closes Bowline's end however Bowline ends, and the shim then kills all
//! it has started. With a PID namespace of its own that is certain; without one, the shim is the subreaper of all
//! descendants and kills them one by one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::{namespace, sandbox_shim};

/// The hidden first argument of the binary that acts as shim.
pub const ARGUMENT: &str = "sandbox-shim";

/// What a shim is to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Command and arguments; empty: hold the namespaces of a pod.
    pub(crate) argv: Vec<String>,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Working directory.
    pub(crate) workdir: Option<PathBuf>,
    /// User and group to run as.
    pub(crate) user: Option<(u32, u32)>,
    /// Namespaces to make.
    pub(crate) unshare: Unshare,
    /// Pid of a shim that holds a pod's namespaces, to join.
    pub(crate) join: Option<u32>,
    /// Mounts to make, in order; only with a mount namespace.
    pub(crate) mounts: Vec<Mount>,
    /// Inside of a user namespace: user and group that the command gets back.
    pub(crate) remap: Option<(u32, u32)>,
    /// What the network namespace is to be, for a shim that holds one.
    pub(crate) network: Option<NetworkRole>,
}

/// Which namespaces a shim makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unshare {
    pub(crate) user: bool,
    pub(crate) pid: bool,
    pub(crate) mount: bool,
    pub(crate) network: bool,
}

/// A directory or file to be seen at another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// What a network namespace is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NetworkRole {
    /// The router between pods, and what they reach beside each other.
    Router,
    /// A pod's.
    Pod {
        /// Pid of the shim that holds the router.
        router: u32,
        address: Ipv4Addr,
        hostname: String,
    },
}

/// What Bowline tells a running shim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Send this signal to the command; SIGKILL reaches all of its descendants.
    Signal(i32),
    /// Make a TCP socket in the pod's network, connected by the receiver.
    Socket,
    /// Listen on this address in the pod's network.
    Listen(std::net::SocketAddrV4),
    /// Receive datagrams at this address in the pod's network.
    Datagrams(std::net::SocketAddrV4),
}

/// What a shim tells Bowline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The command runs, or the namespaces are there.
    Started,
    /// It could not be started: why.
    Failed(String),
    /// It has ended, and all of its descendants with it: exit code, or 128 + signal.
    Exited(i32),
    /// The answer to a request for a socket; the socket travels with it.
    Socket(Result<(), String>),
}

/// The shim's main function; `arguments` are those after [`ARGUMENT`]. Never returns while the command runs.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let stage = arguments.next().unwrap_or_default();
    match stage.to_str() {
        Some("check") => namespace::check(),
        Some("exec") => exec(arguments),
        Some(stage @ ("outer" | "inner")) => match control() {
            Ok(control) => serve(stage == "outer", &control),
            Err(_) => ExitCode::from(2),
        },
        _ => {
            let _ = writeln!(std::io::stderr(), "{ARGUMENT} is started by bowline itself");
            ExitCode::from(2)
        }
    }
}

fn control() -> std::io::Result<UnixStream> {
    Ok(UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?))
}

fn serve(outer: bool, control: &UnixStream) -> ExitCode {
    let order: Order = match read_frame(control) {
        Ok(order) => order,
        Err(_) => return ExitCode::from(2),
    };
    let outcome = if outer { as_outer(&order, control) } else { as_inner(&order, control) };
    if let Err(why) = outcome {
        let _ = write_frame(control, &Report::Failed(why));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The first shim: makes or joins namespaces. Only its children are in a new PID namespace, so there it becomes the
/// keeper of an inner shim; otherwise it runs the command itself.
fn as_outer(order: &Order, control: &UnixStream) -> Result<(), String> {
    // A session of its own: Ctrl-C in the terminal is Bowline's business.
    let _ = nix::unistd::setsid();
    if let Some(pid) = order.join {
        namespace::join(pid)?;
    }
    if let Some(NetworkRole::Pod { router, .. }) = &order.network {
        // One user namespace has to own the networks of all pods.
        namespace::join_user(*router)?;
    }
    namespace::unshare(order.unshare)?;
    if order.argv.is_empty() {
        return sandbox_shim::hold(order, control);
    }
    if !order.unshare.pid {
        return supervise(order, control);
    }
    let this = own_binary()?;
    let lifeline = control.try_clone().map_err(|e| format!("sharing the control socket: {e}"))?;
    let inner = Command::new(this)
        .args([ARGUMENT, "inner"])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(lifeline)))
        .spawn()
        .map_err(|e| format!("starting the inner shim: {e}"))?;
    let inner = pid_of(&inner);
    release_output();
    keep(control, inner)
}

/// The binary this process runs, which may have been replaced on disk since it was started.
fn own_binary() -> Result<PathBuf, String> {
    if cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe().map_err(|e| format!("finding the own binary: {e}"))
}

/// The first process of a PID namespace.
fn as_inner(order: &Order, control: &UnixStream) -> Result<(), String> {
    namespace::die_with_parent();
    namespace::mount_all(order)?;
    supervise(order, control)
}

/// Waits for the inner shim; kills it, and with it its PID namespace, when Bowline is gone. Without a thread: a process
/// that has made a PID namespace can have no more.
#[cfg(target_os = "linux")]
fn keep(control: &UnixStream, inner: Pid) -> Result<(), String> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let failed = |error: rustix::io::Errno| format!("watching the inner shim: {error}");
    let pid = rustix::process::Pid::from_raw(inner.as_raw()).ok_or("the inner shim has no pid")?;
    let ended = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).map_err(failed)?;
    // The inner shim reads the socket; here only its end is of interest.
    let mut fds = [PollFd::new(control.as_fd(), PollFlags::empty()), PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
    while let Err(Errno::EINTR) = poll(&mut fds, PollTimeout::NONE) {}
    let _ = kill(inner, Signal::SIGKILL);
    while let Err(Errno::EINTR) = waitpid(inner, None) {}
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn keep(_control: &UnixStream, _inner: Pid) -> Result<(), String> {
    Err("PID namespaces are only there on Linux".to_owned())
}

/// Runs the command, passes signals on, and reports its end once nothing of it is left.
fn supervise(order: &Order, control: &UnixStream) -> Result<(), String> {
    namespace::become_subreaper();
    if order.remap.is_some() {
        // The stage between would hide from here that there is no such program.
        find_program(order)?;
    }
    let child = command(order)?.spawn().map_err(|e| start_error(order, &e))?;
    let main = pid_of(&child);
    release_output();
    let _ = write_frame(control, &Report::Started);
    let reader = control.try_clone().map_err(|e| format!("sharing the control socket: {e}"))?;
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            while let Ok(request) = read_frame::<Request>(&reader) {
                if let Request::Signal(number) = request
                    && let Ok(signal) = Signal::try_from(number)
                {
                    let _ = kill(main, signal);
                    if signal == Signal::SIGKILL {
                        kill_descendants(main);
                    }
                }
            }
            // The lifeline has ended.
            kill_descendants(main);
            std::process::exit(0);
        })
        .map_err(|e| format!("watching the control socket: {e}"))?;
    let code = loop {
        match waitpid(Pid::from_raw(-1), None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == main => break code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == main => break 128 + signal as i32,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break 137,
        }
    };
    kill_descendants(main);
    while waitpid(Pid::from_raw(-1), None).is_ok() {}
    let _ = write_frame(control, &Report::Exited(code));
    Ok(())
}

fn command(order: &Order) -> Result<Command, String> {
    let mut command;
    if let Some((uid, gid)) = order.remap {
        // The shim is root of its user namespace; the command gets its own user back.
        let this = own_binary()?;
        command = Command::new(this);
        command.args([ARGUMENT, "exec", &uid.to_string(), &gid.to_string()]).args(&order.argv);
    } else {
        let program = order.argv.first().ok_or("no command")?;
        command = Command::new(program);
        command.args(&order.argv[1..]);
        if let Some((uid, gid)) = order.user {
            command.uid(uid).gid(gid);
        }
    }
    command.env_clear().envs(&order.env).stdin(Stdio::null()).process_group(0);
    if let Some(workdir) = &order.workdir {
        command.current_dir(workdir);
    }
    Ok(command)
}

/// Looks the program up as the last stage will.
fn find_program(order: &Order) -> Result<(), String> {
    let program = order.argv.first().map_or("", String::as_str);
    let base = order.workdir.clone().unwrap_or_default();
    let found = if program.contains('/') {
        base.join(program).exists()
    } else {
        let path = order.env.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
        std::env::split_paths(path).any(|folder| base.join(folder).join(program).is_file())
    };
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    if found { Ok(()) } else { Err(start_error(order, &missing)) }
}

fn start_error(order: &Order, error: &std::io::Error) -> String {
    let program = order.argv.first().map_or("", String::as_str);
    match (error.kind(), &order.workdir) {
        (std::io::ErrorKind::NotFound, Some(workdir)) if !workdir.is_dir() => {
            format!("working directory {} does not exist", workdir.display())
        }
        (std::io::ErrorKind::NotFound, _) if program.contains('/') => {
            format!("exec: {program:?}: no such file or directory")
        }
        (std::io::ErrorKind::NotFound, _) => format!("exec: {program:?}: executable file not found in $PATH"),
        (std::io::ErrorKind::PermissionDenied, _) => format!("exec: {program:?}: permission denied"),
        _ => format!("exec: {program:?}: {error}"),
    }
}

/// The last stage without root: gives the command its user back in a user namespace of its own, and becomes it.
fn exec(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.peekable();
    let mut id = || arguments.next().and_then(|a| a.to_str().and_then(|text| text.parse::<u32>().ok()));
    let (Some(uid), Some(gid)) = (id(), id()) else { return ExitCode::from(2) };
    let Some(program) = arguments.next() else { return ExitCode::from(2) };
    if let Err(why) = namespace::become_user(uid, gid) {
        let _ = writeln!(std::io::stderr(), "{ARGUMENT}: {why}");
    }
    let error = Command::new(&program).args(arguments).exec();
    let _ = writeln!(std::io::stderr(), "exec: {program:?}: {error}");
    ExitCode::from(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 })
}

/// Lets go of the container's output, so that it ends when the command's processes have ended.
fn release_output() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
}

fn pid_of(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX))
}

/// Kills all descendants of this process, as often as new ones appear.
fn kill_descendants(main: Pid) {
    let own = std::process::id();
    if own == 1 {
        // The first process of a PID namespace: everybody else in it.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        return;
    }
    let _ = nix::sys::signal::killpg(main, Signal::SIGKILL);
    // A process that forks faster than this loop kills would have to be forking without end.
    for _ in 0..64 {
        let descendants = descendants(own);
        if descendants.is_empty() {
            return;
        }
        for pid in descendants {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Living descendants by `/proc`; nothing where there is none.
fn descendants(of: u32) -> Vec<i32> {
    let mut parents: BTreeMap<i32, i32> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // pid (name, which may hold anything) state ppid …
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_whitespace();
        let state = fields.next().unwrap_or_default();
        if let Some(parent) = fields.next().and_then(|p| p.parse().ok())
            && !matches!(state, "Z" | "X")
        {
            parents.insert(pid, parent);
        }
    }
    let of = i32::try_from(of).unwrap_or(i32::MAX);
    let is_below = |pid: i32| {
        let mut at = pid;
        // Depth is bounded by the number of processes.
        for _ in 0..parents.len() {
            match parents.get(&at) {
                Some(&parent) if parent == of => return true,
                Some(&parent) => at = parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|&pid| is_below(pid)).collect()
}

/// Reads a length-prefixed JSON message.
pub(crate) fn read_frame<T: for<'de> Deserialize<'de>>(mut from: &UnixStream) -> std::io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(std::io::Error::from)
}

/// Writes a length-prefixed JSON message.
pub(crate) fn write_frame<T: Serialize>(mut to: &UnixStream, message: &T) -> std::io::Result<()> {
    to.write_all(&frame(message)?)
}

/// A message as it goes over the socket.
pub(crate) fn frame<T: Serialize>(message: &T) -> std::io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(message)?;
    let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
    Ok([length.to_le_bytes().as_slice(), &bytes].concat())
}
