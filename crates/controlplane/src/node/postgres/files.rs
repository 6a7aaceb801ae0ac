//! The store's files: who owns them, and what is remembered from start to start.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::PostgresError;

pub(super) fn error(what: &'static str, path: &Path, cause: std::io::Error) -> PostgresError {
    PostgresError::File { what, path: path.to_owned(), cause }
}

/// The user a server started by root runs as: PostgreSQL refuses to be root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// `None` where Bowline is not root and the server runs as its user.
    pub(super) fn for_server() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let known = |name: &str| nix::unistd::User::from_name(name).ok().flatten();
        let found = known("postgres").or_else(|| known("nobody"));
        Some(found.map_or(Self { name: "65534".to_owned(), uid: 65534, gid: 65534 }, |user| Self {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }))
    }
}

/// Creates a directory with those permissions.
pub(super) fn make_directory(path: &Path, mode: u32) -> Result<(), PostgresError> {
    std::fs::create_dir_all(path).map_err(|cause| error("creating", path, cause))?;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(|cause| error("setting the permissions of", path, cause))
}

/// Makes a file or directory the user's.
pub(super) fn give(path: &Path, user: &User) -> Result<(), PostgresError> {
    std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))
        .map_err(|cause| error("changing the owner of", path, cause))
}

/// Writes a file that only its owner can read.
pub(super) fn write_secret(path: &Path, content: &str) -> Result<(), PostgresError> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(content.as_bytes())
    };
    write().map_err(|cause| error("writing", path, cause))
}

/// The first directory on the way to `path` that the user cannot pass.
pub(super) fn closed_parent(path: &Path, user: &User) -> Option<PathBuf> {
    let mut parents: Vec<&Path> = path.ancestors().skip(1).collect();
    parents.reverse();
    parents.into_iter().filter(|parent| !parent.as_os_str().is_empty()).find_map(|parent| {
        let metadata = std::fs::metadata(parent).ok()?;
        let bit = match (metadata.uid() == user.uid, metadata.gid() == user.gid) {
            (true, _) => 0o100,
            (_, true) => 0o010,
            _ => 0o001,
        };
        (metadata.mode() & bit == 0).then(|| parent.to_owned())
    })
}

/// What is remembered of a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) role: String,
    pub(super) password: String,
    pub(super) port: Option<u16>,
    pub(super) has_role: bool,
    pub(super) databases: Vec<String>,
}

impl Memory {
    /// What was remembered; a new password where there is nothing for this role.
    pub(super) fn read(directory: &Path, role: &str) -> Result<Self, PostgresError> {
        let path = directory.join("store.json");
        let known: Option<Self> = match std::fs::read(&path) {
            Ok(bytes) => Some(
                serde_json::from_slice(&bytes).map_err(|cause| error("reading", &path, std::io::Error::from(cause)))?,
            ),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
            Err(cause) => return Err(error("reading", &path, cause)),
        };
        match known {
            Some(known) if known.role == role => Ok(known),
            other => Ok(Self {
                role: role.to_owned(),
                password: new_password().map_err(|cause| error("reading", Path::new("/dev/urandom"), cause))?,
                port: other.as_ref().and_then(|known| known.port),
                has_role: false,
                // Databases of another role stay that role's.
                databases: Vec::new(),
            }),
        }
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), PostgresError> {
        let path = directory.join("store.json");
        let text = serde_json::to_string_pretty(self).map_err(|cause| error("writing", &path, cause.into()))?;
        write_secret(&path, &text)
    }
}

/// 128 random bits in hexadecimal: safe in URLs and SQL.
fn new_password() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
