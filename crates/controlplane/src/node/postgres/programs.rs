//! Where PostgreSQL's server programs are installed.

use std::path::{Path, PathBuf};

use super::{PostgresError, files};

/// The server programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    /// Major version.
    pub(super) version: String,
}

/// Folders below which versions lie, and the path from there to the programs; a version is part of the name between.
const PLACES: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),
    ("/usr/lib/postgresql15", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

impl Programs {
    /// The programs that fit the data directory; the newest where there is none yet.
    pub(super) fn find(data: &Path) -> Result<Self, PostgresError> {
        let installed = installed();
        let file = data.join("PG_VERSION");
        let made_by = match std::fs::read_to_string(&file) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(cause) => return Err(files::error("reading", &file, cause)),
        };
        if installed.is_empty() {
            let places: Vec<String> = PLACES.iter().map(|(folder, _)| (*folder).to_owned()).collect();
            return Err(PostgresError::Missing { looked: format!("PATH, {}", places.join(", ")), install: install() });
        }
        let Some(made_by) = made_by else {
            return installed
                .into_iter()
                .max_by_key(|programs| programs.version.parse::<u32>().unwrap_or(0))
                .ok_or(PostgresError::Missing { looked: String::new(), install: install() });
        };
        let versions: Vec<&str> = installed.iter().map(|programs| programs.version.as_str()).collect();
        let other = PostgresError::Version {
            directory: data.to_owned(),
            data: made_by.clone(),
            installed: versions.join(", "),
        };
        installed.into_iter().find(|programs| programs.version == made_by).ok_or(other)
    }
}

fn installed() -> Vec<Programs> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path);
    let in_places = PLACES.iter().flat_map(|(folder, bin)| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let named = entries.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("postgres") || name.starts_with("pgsql")
        });
        named.map(|entry| entry.path().join(bin)).collect::<Vec<_>>()
    });
    let mut found: Vec<Programs> = Vec::new();
    for folder in in_path.chain(in_places) {
        if !["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()) {
            continue;
        }
        if let Some(version) = version(&folder.join("postgres"))
            && !found.iter().any(|known| known.version == version)
        {
            found.push(Programs { folder, version });
        }
    }
    found
}

/// The major version a server program says it is.
fn version(program: &Path) -> Option<String> {
    let output = std::process::Command::new(program).arg("--version").output().ok()?;
    // postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let major: String = number.chars().take_while(char::is_ascii_digit).collect();
    (!major.is_empty()).then_some(major)
}

/// The command that installs the server here.
fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        return "brew install postgresql";
    }
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default().to_lowercase();
    let is = |names: &[&str]| {
        let words = system.lines().filter(|line| line.starts_with("id=") || line.starts_with("id_like="));
        words.into_iter().any(|line| names.iter().any(|name| line.contains(name)))
    };
    if is(&["debian", "ubuntu"]) {
        "sudo apt-get install postgresql"
    } else if is(&["fedora", "rhel", "centos"]) {
        "sudo dnf install postgresql-server"
    } else if is(&["alpine"]) {
        "apk add postgresql"
    } else if is(&["arch"]) {
        "sudo pacman -S postgresql"
    } else if is(&["suse"]) {
        "sudo zypper install postgresql-server"
    } else {
        "the package manager of this system (package postgresql or postgresql-server)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_another_version_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("PG_VERSION"), "9.4\n").unwrap();
        match Programs::find(directory.path()) {
            Err(error @ PostgresError::Version { .. }) => {
                assert!(error.to_string().contains("was made by PostgreSQL 9.4, but installed is only "), "{error}");
            }
            Err(error @ PostgresError::Missing { .. }) => {
                assert!(error.to_string().contains("install them with"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}
