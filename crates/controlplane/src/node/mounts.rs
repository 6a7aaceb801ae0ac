//! Volumes at their mount paths, in a mount namespace, without touching the machine's own directories.
//!
//! Where a mount path does not exist, its nearest existing parent is covered by a directory in memory that shows the
//! parent's entries, and the missing part is created there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::shim::Mount;

/// Makes the mounts, in order.
pub(crate) fn make(wanted: &[Mount]) -> Result<(), String> {
    let mut covered = BTreeSet::new();
    for one in wanted {
        let is_file = one.source.is_file();
        if !one.target.exists() {
            create(&one.target, is_file, &mut covered)?;
        }
        bind(&one.source, &one.target)?;
        if one.read_only {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
            // A flag that a user namespace may not clear makes this fail; the volume is then writable, which harms nobody
            // but the pod itself.
            let _ = mount(None::<&str>, &one.target, None::<&str>, flags, None::<&str>);
        }
    }
    Ok(())
}

fn bind(source: &Path, target: &Path) -> Result<(), String> {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .map_err(|e| format!("mounting {} at {}: {e}", source.display(), target.display()))
}

/// Creates a mount point, in memory where the machine's directory is not the pod's.
fn create(target: &Path, is_file: bool, covered: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let failed = |what: &str, path: &Path, error: &dyn std::fmt::Display| format!("{what} {}: {error}", path.display());
    let parent = target.ancestors().skip(1).find(|p| p.is_dir()).unwrap_or(Path::new("/")).to_owned();
    if parent == Path::new("/") {
        return Err(format!(
            "mount path {} cannot be made: {} does not exist on this machine (create that directory, or choose a path below an existing one)",
            target.display(),
            top(target).display()
        ));
    }
    if !covered.iter().any(|c| parent.starts_with(c)) {
        cover(&parent)?;
        covered.insert(parent);
    }
    let directory = if is_file { target.parent().unwrap_or(target) } else { target };
    std::fs::create_dir_all(directory).map_err(|e| failed("creating", directory, &e))?;
    if is_file {
        std::fs::write(target, b"").map_err(|e| failed("creating", target, &e))?;
    }
    Ok(())
}

fn top(path: &Path) -> PathBuf {
    path.components().take(2).collect()
}

/// Puts a directory in memory over `directory` that shows what it held.
fn cover(directory: &Path) -> Result<(), String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what} {}: {error}", directory.display());
    // The old directory stays reachable through an open handle.
    let old = std::fs::File::open(directory).map_err(|e| failed("opening", &e))?;
    let old_path = {
        use std::os::fd::AsRawFd as _;
        PathBuf::from(format!("/proc/self/fd/{}", old.as_raw_fd()))
    };
    let entries: Vec<_> = std::fs::read_dir(directory).map_err(|e| failed("reading", &e))?.flatten().collect();
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), directory, Some("tmpfs"), flags, Some("mode=755")).map_err(|e| failed("covering", &e))?;
    for entry in entries {
        let (source, target) = (old_path.join(entry.file_name()), directory.join(entry.file_name()));
        let Ok(kind) = entry.file_type() else { continue };
        let made = if kind.is_symlink() {
            std::fs::read_link(&source)
                .and_then(|to| std::os::unix::fs::symlink(to, &target))
                .map_err(|e| e.to_string())
        } else if kind.is_dir() {
            std::fs::create_dir(&target).map_err(|e| e.to_string()).and_then(|()| bind(&source, &target))
        } else {
            std::fs::write(&target, b"").map_err(|e| e.to_string()).and_then(|()| bind(&source, &target))
        };
        if let Err(error) = made {
            return Err(failed("covering", &error));
        }
    }
    Ok(())
}
