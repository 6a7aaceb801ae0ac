//! The file with the credentials of registries, in Docker's format: `{"auths": {"host": {"auth": base64}}}`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// User name and password, or tokens, for a registry. All empty for a registry that wants none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// A token that others are got for (`identitytoken`).
    pub refresh_token: String,
    /// A token that is sent as it is (`registrytoken`).
    pub access_token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The credentials of all registries: Helm's file, and Docker's where Helm's has none.
pub(crate) struct Store {
    file: PathBuf,
    docker: Option<PathBuf>,
}

impl Store {
    pub(crate) fn new(file: &Path) -> Self {
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker"));
        let docker = std::env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()).map(PathBuf::from).or_else(home);
        Self { file: file.to_owned(), docker: docker.map(|folder| folder.join("config.json")) }
    }

    /// The credentials for a host, empty where there are none.
    pub(crate) fn get(&self, host: &str) -> Result<Credentials, Error> {
        let key = server_key(host);
        for file in [Some(&self.file), self.docker.as_ref()].into_iter().flatten() {
            let found = File::load(file)?.get(&key)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Credentials::default())
    }

    /// Keeps credentials for a host: in the helper program that the file names, or in the file.
    pub(crate) fn put(&self, host: &str, credentials: &Credentials) -> Result<(), Error> {
        let mut file = File::load(&self.file)?;
        let key = server_key(host);
        if let Some(helper) = file.helper(&key) {
            let Credentials { username, password, .. } = credentials;
            let request = json!({ "ServerURL": key, "Username": username, "Secret": password });
            return run_helper(&helper, "store", &request.to_string()).map(|_| ());
        }
        let Credentials { username, password, .. } = credentials;
        let mut entry = Map::new();
        if !username.is_empty() || !password.is_empty() {
            entry.insert("auth".to_owned(), STANDARD.encode(format!("{username}:{password}")).into());
        }
        file.change_auths(|auths| _ = auths.insert(key, Value::Object(entry)));
        file.save(&self.file)
    }

    /// Forgets the credentials for a host.
    pub(crate) fn delete(&self, host: &str) -> Result<(), Error> {
        let mut file = File::load(&self.file)?;
        let key = server_key(host);
        if let Some(helper) = file.helper(&key) {
            return run_helper(&helper, "erase", &key).map(|_| ());
        }
        let known = |auths: &Value| auths.get(&key).is_some();
        if !file.content.get("auths").is_some_and(known) {
            return Ok(());
        }
        file.change_auths(|auths| _ = auths.remove(&key));
        file.save(&self.file)
    }
}

/// Docker keeps the credentials of its own registry under an old address.
fn server_key(host: &str) -> String {
    if matches!(host, "docker.io" | "registry-1.docker.io") {
        return "https://index.docker.io/v1/".to_owned();
    }
    host.to_owned()
}

struct File {
    content: Map<String, Value>,
}

impl File {
    fn load(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let doing = format!("failed to open config file at {}", path.display());
                return Err(Error::io("open", path, &error).after(doing));
            }
        };
        if text.trim().is_empty() {
            return Ok(Self { content: Map::new() });
        }
        let content = serde_json::from_str(&text).map_err(|error| {
            let path = path.display();
            Error::Invalid(format!("failed to decode config file {path}: invalid config format: {error}"))
        })?;
        Ok(Self { content })
    }

    /// Changes the entries of hosts.
    fn change_auths(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut auths = match self.content.remove("auths") {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        change(&mut auths);
        self.content.insert("auths".to_owned(), Value::Object(auths));
    }

    fn helper(&self, key: &str) -> Option<String> {
        let helpers = self.content.get("credHelpers").and_then(|helpers| helpers.get(key));
        let helper = helpers.or_else(|| self.content.get("credsStore")).and_then(Value::as_str);
        helper.filter(|name| !name.is_empty()).map(str::to_owned)
    }

    fn get(&self, key: &str) -> Result<Credentials, Error> {
        if let Some(helper) = self.helper(key) {
            return from_helper(&helper, key);
        }
        let Some(auths) = self.content.get("auths").and_then(Value::as_object) else {
            return Ok(Credentials::default());
        };
        let by_host = || auths.iter().find(|(address, _)| hostname(address) == key).map(|(_, entry)| entry);
        let Some(entry) = auths.get(key).or_else(by_host) else { return Ok(Credentials::default()) };
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut found = Credentials {
            username: text("username"),
            password: text("password"),
            refresh_token: text("identitytoken"),
            access_token: text("registrytoken"),
        };
        let auth = text("auth");
        if !auth.is_empty() {
            let decoded = STANDARD.decode(&auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_ref().and_then(|text| text.split_once(':'));
            let (username, password) = pair.ok_or_else(|| {
                let what = "failed to decode auth field: invalid config format";
                Error::Invalid(format!("{what}: auth does not conform the base64(username:password) format"))
            })?;
            (found.username, found.password) = (username.to_owned(), password.to_owned());
        }
        Ok(found)
    }

    fn save(&self, path: &Path) -> Result<(), Error> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let saving = |error: Error| error.after("failed to save config file");
        fs::create_dir_all(folder).map_err(|error| {
            Error::io("mkdir", folder, &error).after(format!("failed to make directory {}", folder.display()))
        })?;
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        serde::Serialize::serialize(&self.content, &mut serializer)
            .map_err(|error| Error::Invalid(format!("failed to marshal config: {error}")))?;
        crate::repositories::write_atomically(path, &text, 0o600).map_err(saving)
    }
}

/// The host of an address, which some files have with a scheme and a path.
fn hostname(address: &str) -> &str {
    let address = address.strip_prefix("http://").unwrap_or(address);
    let address = address.strip_prefix("https://").unwrap_or(address);
    address.split('/').next().unwrap_or(address)
}

fn from_helper(helper: &str, key: &str) -> Result<Credentials, Error> {
    let answer = match run_helper(helper, "get", key) {
        Ok(answer) => answer,
        Err(error) if error.to_string().contains("credentials not found") => return Ok(Credentials::default()),
        Err(error) => return Err(error),
    };
    let answer: Value = serde_json::from_str(&answer)
        .map_err(|error| Error::Invalid(format!("docker-credential-{helper} get: {error}")))?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (username, secret) = (text("Username"), text("Secret"));
    Ok(if username == "<token>" {
        Credentials { refresh_token: secret, ..Credentials::default() }
    } else {
        Credentials { username, password: secret, ..Credentials::default() }
    })
}

/// Runs a credential helper of Docker's protocol.
fn run_helper(helper: &str, action: &str, input: &str) -> Result<String, Error> {
    let program = format!("docker-credential-{helper}");
    let failed = |why: String| Error::Invalid(format!("{program} {action}: {why}"));
    let mut command = Command::new(&program);
    command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(text) } else { Err(failed(text.trim().to_owned())) }
}
