//! `repositories.yaml`: the chart repositories a user has added.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use bowline_yaml::{Decoder, Map, Node, Target, Value, parse_first};

use crate::error::Error;
use crate::fetch::Tls;

/// A chart repository: where it is, and what its server wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// What the user calls it.
    pub name: String,
    /// Its address; `index.yaml` lies below.
    pub url: String,
    /// User name, or empty.
    pub username: String,
    /// Password, or empty.
    pub password: String,
    /// Certificates.
    pub tls: Tls,
    /// Whether user name and password go to other hosts, too.
    pub pass_credentials: bool,
}

impl Repository {
    fn read(decoder: &mut Decoder, node: &Node) -> Self {
        let mut read = Self::default();
        let at = Target { structure: "File", path: "repositories" };
        for (key, value) in decoder.entries(node, at, "repo.Entry") {
            let mut text = |field: &mut String, name: &str| {
                let path = format!("repositories.{name}");
                *field = decoder.string(value, Target { structure: "Entry", path: &path });
            };
            match key.to_ascii_lowercase().as_str() {
                "name" => text(&mut read.name, "name"),
                "url" => text(&mut read.url, "url"),
                "username" => text(&mut read.username, "username"),
                "password" => text(&mut read.password, "password"),
                "certfile" => text(&mut read.tls.certificate, "certFile"),
                "keyfile" => text(&mut read.tls.key, "keyFile"),
                "cafile" => text(&mut read.tls.authority, "caFile"),
                "insecure_skip_tls_verify" => {
                    let at = Target { structure: "Entry", path: "repositories.insecure_skip_tls_verify" };
                    read.tls.insecure = decoder.bool(value, at);
                }
                "pass_credentials_all" => {
                    let at = Target { structure: "Entry", path: "repositories.pass_credentials_all" };
                    read.pass_credentials = decoder.bool(value, at);
                }
                _ => {}
            }
        }
        read
    }

    fn to_value(&self) -> Value {
        let text = |text: &String| Value::String(text.clone());
        let entries = [
            ("name", text(&self.name)),
            ("url", text(&self.url)),
            ("username", text(&self.username)),
            ("password", text(&self.password)),
            ("certFile", text(&self.tls.certificate)),
            ("keyFile", text(&self.tls.key)),
            ("caFile", text(&self.tls.authority)),
            ("insecure_skip_tls_verify", Value::Bool(self.tls.insecure)),
            ("pass_credentials_all", Value::Bool(self.pass_credentials)),
        ];
        Value::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

/// The file that lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repositories {
    /// `v1` in files that Helm wrote from scratch, empty in those that `repo add` made.
    pub api_version: String,
    /// When the file was made; RFC 3339.
    pub generated: String,
    /// The repositories, in the order they were added.
    pub entries: Vec<Repository>,
}

/// Go's zero time.
pub(crate) const NO_TIME: &str = "0001-01-01T00:00:00Z";

impl Repositories {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read ([`Error::is_not_found`] where it is not there), or is no such file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let data = fs::read(path).map_err(|error| {
            Error::io("open", path, &error).after(format!("couldn't load repositories file ({})", path.display()))
        })?;
        Self::parse(&String::from_utf8_lossy(&data))
    }

    /// The same; a file that is not there lists nothing.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn load_or_empty(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(error) if error.is_not_found() => Ok(Self::default()),
            loaded => loaded,
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// It is no such file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |error: bowline_yaml::Error| Error::Invalid(error.to_string());
        let mut read = Self::default();
        let Some(node) = parse_first(text).map_err(invalid)? else { return Ok(read) };
        let mut decoder = Decoder::new();
        for (key, value) in decoder.root(&node, "repo.File") {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => {
                    read.api_version = decoder.string(value, Target { structure: "File", path: "apiVersion" });
                }
                "generated" => read.generated = decoder.string(value, Target { structure: "File", path: "generated" }),
                "repositories" if !value.is_null() => {
                    let at = Target { structure: "File", path: "repositories" };
                    let items = decoder.items(value, at, "[]*repo.Entry").iter().filter(|item| !item.is_null());
                    read.entries = items.map(|item| Repository::read(&mut decoder, item)).collect();
                }
                _ => {}
            }
        }
        decoder.finish(read).map_err(invalid)
    }

    /// The repository of that name.
    pub fn get(&self, name: &str) -> Option<&Repository> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Adds a repository, in place of the one of its name.
    pub fn update(&mut self, entry: Repository) {
        match self.entries.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes a repository out; `false` where there is none of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        self.entries.len() < before
    }

    /// Writes the file, which only its owner may read: it holds passwords.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut map = Map::new();
        map.insert("apiVersion".to_owned(), self.api_version.as_str().into());
        let generated = if self.generated.is_empty() { NO_TIME } else { &self.generated };
        map.insert("generated".to_owned(), generated.into());
        map.insert("repositories".to_owned(), Value::Seq(self.entries.iter().map(Repository::to_value).collect()));
        let text = bowline_yaml::emit(&Value::Map(map)).map_err(|error| Error::Invalid(error.to_string()))?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io("mkdir", folder, &error))?;
        }
        let mut options = fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        opened
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(|error| Error::io("open", path, &error))
    }
}

/// Held while the file is read, changed and written, so that two that add repositories at once lose none.
pub struct RepositoriesLock {
    _file: fs::File,
}

impl RepositoriesLock {
    /// Waits for the lock of the file at `path`, for half a minute at most; its folder is made where it is missing.
    ///
    /// # Errors
    /// The lock's file cannot be made, or another has it for so long.
    pub fn take(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io("mkdir", folder, &error))?;
        }
        let lock = path.with_extension("lock");
        let file = fs::OpenOptions::new().create(true).append(true).open(&lock);
        let file = file.map_err(|error| Error::io("open", &lock, &error))?;
        let (sender, receiver) = std::sync::mpsc::channel();
        // Waits elsewhere, so that this does not wait for ever.
        std::thread::spawn(move || {
            let locked = file.lock().map(|()| file);
            _ = sender.send(locked);
        });
        match receiver.recv_timeout(LOCK_TIMEOUT) {
            Ok(Ok(file)) => Ok(Self { _file: file }),
            Ok(Err(error)) => Err(Error::io("lock", &lock, &error)),
            Err(_) => {
                let shown = lock.display();
                Err(Error::Invalid(format!("context deadline exceeded: another process has {shown} locked")))
            }
        }
    }
}

const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes a file so that readers see the old or the new one, never a part.
pub(crate) fn write_atomically(path: &Path, data: &[u8], mode: u32) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let failed = |error: &std::io::Error| Error::io("open", path, error);
    fs::metadata(folder).map_err(|error| failed(&error))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    std::io::Write::write_all(&mut file, data).map_err(|error| failed(&error))?;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).map_err(|error| failed(&error))?;
    file.persist(path).map(|_| ()).map_err(|error| failed(&error.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("helm/repositories.yaml");
        let mut file = Repositories::default();
        let tls = Tls { authority: "/ca.pem".to_owned(), insecure: true, ..Tls::default() };
        file.update(Repository { name: "a".to_owned(), url: "http://x".to_owned(), tls, ..Repository::default() });
        file.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(
                "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n- caFile: /ca.pem\n"
            )
        );
        let mut read = Repositories::load(&path).unwrap();
        assert_eq!(read.entries, file.entries);
        assert!(read.remove("a") && !read.remove("a"));
    }
}
