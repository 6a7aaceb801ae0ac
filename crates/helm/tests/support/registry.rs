//! A real registry server on this machine.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A registry; it ends with the value.
pub(crate) struct Registry {
    process: Child,
    _folder: TempDir,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

/// Who may use it.
pub(crate) enum Guard<'g> {
    Everyone,
    /// One user, by name and password.
    Password(&'g str, &'g str),
}

impl Registry {
    /// Starts one, with TLS where a certificate and its key are given as PEM. `None` after it was reported that there is none.
    pub(crate) fn start(guard: &Guard<'_>, tls: Option<(&str, &str)>) -> Option<Self> {
        let program = bowline_peers::find("docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        // Free a moment ago; another program could be faster, and then the test says so.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\nhttp:\n  addr: {address}\n",
            at("data")
        );
        if let Some((certificate, key)) = tls {
            fs::write(at("cert.pem"), certificate).unwrap();
            fs::write(at("key.pem"), key).unwrap();
            config.push_str(&format!("  tls: {{certificate: {}, key: {}}}\n", at("cert.pem"), at("key.pem")));
        }
        if let Guard::Password(user, password) = guard {
            let hash = bcrypt::hash(password, 4).unwrap();
            fs::write(at("htpasswd"), format!("{user}:{hash}\n")).unwrap();
            config.push_str(&format!("auth:\n  htpasswd: {{realm: tests, path: {}}}\n", at("htpasswd")));
        }
        fs::write(at("config.yml"), config).unwrap();
        let process = Command::new(program)
            .args(["serve", &at("config.yml")])
            .stdout(Stdio::null())
            .stderr(fs::File::create(at("log")).unwrap())
            .spawn()
            .unwrap();
        let mut registry = Self { process, _folder: folder, address };
        registry.wait();
        Some(registry)
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&self.address).is_err() {
            let log = || fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
            assert!(self.process.try_wait().unwrap().is_none(), "the registry ended: {}", log());
            assert!(Instant::now() < deadline, "the registry does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Keys made on the spot with GnuPG; its agent ends with the value.
pub(crate) struct Keys {
    home: TempDir,
}

impl Keys {
    /// `None` after it was reported that there is no GnuPG.
    pub(crate) fn new() -> Option<Self> {
        bowline_peers::find("gpg")?;
        let home = tempfile::Builder::new().prefix("k").tempdir().unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Some(Self { home })
    }

    /// Makes a key.
    pub(crate) fn make(&self, user: &str, kind: &str, passphrase: &str) {
        self.gpg(&["--passphrase", passphrase, "--quick-gen-key", user, kind, "sign", "never"]);
    }

    /// What GnuPG exports.
    pub(crate) fn export(&self, arguments: &[&str]) -> Vec<u8> {
        self.gpg(arguments)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .args(["--batch", "--yes", "--pinentry-mode", "loopback"])
            .args(arguments)
            .env("GNUPGHOME", self.home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "gpg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "gpg-agent"]).env("GNUPGHOME", self.home.path()).output();
    }
}
