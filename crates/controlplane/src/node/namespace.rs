//! Linux namespaces for process pods, with the reasons when the kernel does not allow them. Elsewhere: never.
//!
//! Only the shim calls what changes a process; Bowline itself only asks [`Capabilities::detect`].

use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::shim::{ARGUMENT, Order, Unshare};

/// What this machine allows, as found out by trying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Capabilities {
    /// Whether a user namespace is needed for the others (not root).
    pub(crate) user: bool,
    /// PID namespaces: a killed pod leaves nothing behind, whatever it forks.
    pub(crate) pid: bool,
    /// Mount namespaces: volumes and DNS names.
    pub(crate) mount: bool,
    /// Network namespaces: every pod has all ports.
    pub(crate) network: bool,
    /// Why something is not allowed.
    pub(crate) why: Vec<String>,
}

impl Capabilities {
    /// Tries everything in a process of its own.
    pub(crate) async fn detect(shim: &Path) -> Self {
        let denied = |why: String| Self { why: vec![why], ..Self::default() };
        let output = tokio::process::Command::new(shim)
            .args([ARGUMENT, "check"])
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(std::time::Duration::from_secs(5), output).await {
            Err(_) => denied("the check for namespaces did not end".to_owned()),
            Ok(Err(error)) => denied(format!("running {} {ARGUMENT}: {error}", shim.display())),
            Ok(Ok(output)) => serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|error| denied(format!("{} {ARGUMENT} check: {error}", shim.display()))),
        }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::*;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write as _;

    use nix::mount::{MsFlags, mount};
    use nix::sched::CloneFlags;
    use nix::sys::prctl;
    use nix::sys::signal::Signal;

    use super::{Capabilities, ExitCode, Order, Unshare};
    use crate::node::{mounts, pod_network};

    /// Tries every namespace and prints the result.
    pub(crate) fn check() -> ExitCode {
        let mut found = Capabilities { user: !nix::unistd::geteuid().is_root(), ..Capabilities::default() };
        let mut allowed = |what: &str, result: Result<(), String>| match result {
            Ok(()) => true,
            Err(error) => {
                found.why.push(format!("{what}: {error}"));
                false
            }
        };
        let only = |change: fn(&mut Unshare)| {
            let mut wanted = Unshare::default();
            change(&mut wanted);
            unshare(wanted)
        };
        if found.user && !allowed("user namespace", only(|u| u.user = true)) {
            return print(&found);
        }
        let mut allowed = |what: &str, result: Result<(), String>| match result {
            Ok(()) => true,
            Err(error) => {
                found.why.push(format!("{what}: {error}"));
                false
            }
        };
        let mount = allowed("mount namespace", only(|u| u.mount = true));
        let pid = allowed("PID namespace", only(|u| u.pid = true));
        let network = allowed("network namespace", only(|u| u.network = true).and_then(|()| pod_network::check()));
        (found.mount, found.pid, found.network) = (mount, pid, network);
        print(&found)
    }

    fn print(found: &Capabilities) -> ExitCode {
        let written = serde_json::to_vec(found).map(|bytes| std::io::stdout().write_all(&bytes));
        if matches!(written, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Makes namespaces for this process; a PID namespace only holds for its children.
    pub(crate) fn unshare(wanted: Unshare) -> Result<(), String> {
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        let call =
            |flags, what: &str| nix::sched::unshare(flags).map_err(|e| format!("making a {what} namespace: {e}"));
        if wanted.user {
            call(CloneFlags::CLONE_NEWUSER, "user")?;
            map_ids(&format!("0 {uid} 1"), &format!("0 {gid} 1"))?;
        }
        if wanted.mount {
            call(CloneFlags::CLONE_NEWNS, "mount")?;
            // Mounts made here are not to be seen outside.
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
                .map_err(|e| format!("making mounts private: {e}"))?;
        }
        if wanted.pid {
            call(CloneFlags::CLONE_NEWPID, "PID")?;
        }
        if wanted.network {
            call(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS, "network")?;
        }
        Ok(())
    }

    fn map_ids(uid_map: &str, gid_map: &str) -> Result<(), String> {
        for (file, content) in [("setgroups", "deny"), ("uid_map", uid_map), ("gid_map", gid_map)] {
            let path = format!("/proc/self/{file}");
            std::fs::write(&path, content).map_err(|e| format!("writing {path}: {e}"))?;
        }
        Ok(())
    }

    /// Maps root of this user namespace back to the user who started Bowline.
    pub(crate) fn become_user(uid: u32, gid: u32) -> Result<(), String> {
        nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(|e| format!("making a user namespace: {e}"))?;
        map_ids(&format!("{uid} 0 1"), &format!("{gid} 0 1"))
    }

    /// Enters the namespaces of the pod that process `pid` holds.
    pub(crate) fn join(pid: u32) -> Result<(), String> {
        // The user namespace first: it gives the right to enter the others.
        for (name, flag) in [
            ("user", CloneFlags::CLONE_NEWUSER),
            ("net", CloneFlags::CLONE_NEWNET),
            ("uts", CloneFlags::CLONE_NEWUTS),
            ("mnt", CloneFlags::CLONE_NEWNS),
        ] {
            let path = format!("/proc/{pid}/ns/{name}");
            let same = std::fs::read_link(&path).ok() == std::fs::read_link(format!("/proc/self/ns/{name}")).ok();
            if same {
                continue;
            }
            let file = std::fs::File::open(&path).map_err(|e| format!("opening {path}: {e}"))?;
            nix::sched::setns(file, flag).map_err(|e| format!("entering the pod's {name} namespace: {e}"))?;
        }
        Ok(())
    }

    /// Enters the user namespace of process `pid`, where that is another one.
    pub(crate) fn join_user(pid: u32) -> Result<(), String> {
        let path = format!("/proc/{pid}/ns/user");
        if std::fs::read_link(&path).ok() == std::fs::read_link("/proc/self/ns/user").ok() {
            return Ok(());
        }
        let file = std::fs::File::open(&path).map_err(|e| format!("opening {path}: {e}"))?;
        nix::sched::setns(file, CloneFlags::CLONE_NEWUSER).map_err(|e| format!("entering a user namespace: {e}"))
    }

    /// The kernel kills this process when its parent dies.
    pub(crate) fn die_with_parent() {
        let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    }

    /// Orphans among the descendants become children of this process.
    pub(crate) fn become_subreaper() {
        let _ = prctl::set_child_subreaper(true);
    }

    /// Makes the mounts of an order, and a `/proc` that shows the own PID namespace.
    pub(crate) fn mount_all(order: &Order) -> Result<(), String> {
        if !order.unshare.mount {
            return Ok(());
        }
        mounts::make(&order.mounts)?;
        if order.unshare.pid {
            // Not allowed in some containers; then /proc shows the machine's processes.
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
            let _ = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::*;

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{ExitCode, Order, Unshare};

    pub(crate) fn check() -> ExitCode {
        ExitCode::FAILURE
    }

    pub(crate) fn unshare(wanted: Unshare) -> Result<(), String> {
        if wanted == Unshare::default() { Ok(()) } else { Err("namespaces are only there on Linux".to_owned()) }
    }

    pub(crate) fn become_user(_uid: u32, _gid: u32) -> Result<(), String> {
        Ok(())
    }

    pub(crate) fn join(_pid: u32) -> Result<(), String> {
        Err("namespaces are only there on Linux".to_owned())
    }

    pub(crate) fn join_user(_pid: u32) -> Result<(), String> {
        Err("namespaces are only there on Linux".to_owned())
    }

    pub(crate) fn die_with_parent() {}

    pub(crate) fn become_subreaper() {}

    pub(crate) fn mount_all(_order: &Order) -> Result<(), String> {
        Ok(())
    }
}
