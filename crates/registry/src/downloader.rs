//! Archives from wherever a reference leads: `repo/name`, an address, `oci://…`.

use std::fs;
use std::path::{Path, PathBuf};

use bowline_yaml::quote;
use jiff::Timestamp;

use crate::console::Console;
use crate::error::Error;
use crate::fetch::{TIMEOUT, Tls};
use crate::index::{Index, IndexEntry};
use crate::keyring::Keyring;
use crate::oci::{Credentials, Part, RegistryClient, is_oci};
use crate::provenance::{self, Verification, digest};
use crate::repositories::{Repositories, Repository, write_atomically};
use crate::repository::{address_in, check_scheme, fetch_index, get, index_file};
use crate::url::{self, Url};

/// An archive may be this large.
pub const MAX_ARCHIVE: usize = 100 * 1024 * 1024;
/// A provenance file may be this large.
const MAX_PROVENANCE: usize = 4 * 1024 * 1024;
const ACCEPT: &str = "application/gzip,application/octet-stream";

/// Where Helm keeps its things.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `repositories.yaml`.
    pub repository_config: PathBuf,
    /// Folder of the indices.
    pub repository_cache: PathBuf,
    /// Folder of archives by their checksum.
    pub content_cache: PathBuf,
    /// Credentials of registries.
    pub registry_config: PathBuf,
}

/// What the servers asked want to see.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// User name, or empty.
    pub username: String,
    /// Password, or empty.
    pub password: String,
    /// Whether the two go to other hosts than the repository's, too.
    pub pass_credentials: bool,
    /// Certificates.
    pub tls: Tls,
    /// Whether registries are spoken to without TLS.
    pub plain_http: bool,
}

impl Access {
    /// A client for registries.
    ///
    /// # Errors
    /// A certificate cannot be used.
    pub fn registry_client(&self, places: &Places) -> Result<RegistryClient, Error> {
        let given =
            Credentials { username: self.username.clone(), password: self.password.clone(), ..Credentials::default() };
        RegistryClient::new(&places.registry_config, &self.tls, self.plain_http, given)
    }

    fn for_repository(&self, url: &str) -> Repository {
        Repository {
            name: String::new(),
            url: url.to_owned(),
            username: self.username.clone(),
            password: self.password.clone(),
            tls: self.tls.clone(),
            pass_credentials: self.pass_credentials,
        }
    }
}

/// Whether archives are checked against their provenance files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// No.
    #[default]
    Never,
    /// Where there is one; a wrong one is an error.
    IfPossible,
    /// Yes, and there has to be one.
    Always,
    /// The file is fetched, and not looked at.
    Later,
}

/// Fetches archives.
pub struct Downloader<'d> {
    /// Where things are kept.
    pub places: &'d Places,
    /// What flags say about the connection.
    pub access: &'d Access,
    /// Whether provenance is checked.
    pub verify: Verify,
    /// The file with the keys for that.
    pub keyring: &'d Path,
    /// Where words go.
    pub console: &'d dyn Console,
    /// The present time: signatures and keys have an end.
    pub now: Timestamp,
}

/// Where an archive is.
struct Place {
    /// Its checksum in hexadecimal digits, where it is known.
    digest: String,
    address: String,
    /// What the server wants to see.
    repository: Repository,
}

impl Place {
    /// The archive's file name.
    fn file_name(&self) -> String {
        let path = Url::parse(&self.address).map(|url| url.decoded_path()).unwrap_or_default();
        let base = path.rsplit('/').next().unwrap_or_default();
        match base.rsplit_once(':').filter(|_| is_oci(&self.address)) {
            Some((name, tag)) => format!("{name}-{tag}.tgz"),
            None => base.to_owned(),
        }
    }
}

impl Downloader<'_> {
    /// Fetches an archive, and its provenance file where that is wanted, into a folder.
    ///
    /// # Errors
    /// There is no such chart, it cannot be fetched, or is not what was signed.
    pub fn to_folder(
        &self,
        reference: &str,
        version: &str,
        folder: &Path,
    ) -> Result<(PathBuf, Option<Verification>), Error> {
        let place = self.resolve(reference, version)?;
        let key = digest_key(&place.digest)?;
        let cached =
            key.as_ref().and_then(|key| fs::read(self.cached(key, "chart")).ok()).filter(|data| !data.is_empty());
        let data = match cached {
            Some(data) => data,
            None => self.fetch(&place, Part::Chart)?,
        };
        let file = folder.join(place.file_name());
        write_atomically(&file, &data, 0o644)?;
        if self.verify == Verify::Never {
            return Ok((file, None));
        }
        let cached =
            key.as_ref().and_then(|key| fs::read(self.cached(key, "prov")).ok()).filter(|data| !data.is_empty());
        let provenance = match cached.map_or_else(|| self.fetch(&place, Part::Provenance), Ok) {
            Ok(provenance) => provenance,
            Err(error) => return self.unverified(&place, reference, &error).map(|()| (file, None)),
        };
        write_atomically(&folder.join(format!("{}.prov", place.file_name())), &provenance, 0o644)?;
        if self.verify == Verify::Later {
            return Ok((file, None));
        }
        let verification = self.check(&data, &provenance, &place.file_name())?;
        Ok((file, Some(verification)))
    }

    /// Fetches an archive into the cache, where it is not there already, and says where it is.
    ///
    /// # Errors
    /// As [`Downloader::to_folder`].
    pub fn to_cache(&self, reference: &str, version: &str) -> Result<PathBuf, Error> {
        let place = self.resolve(reference, version)?;
        let key = digest_key(&place.digest).map_err(|error| match error {
            Error::Invalid(why) if why.starts_with("encoding/hex") => {
                Error::Invalid(format!("unable to decode digest: {why}"))
            }
            other => other,
        })?;
        let cached = key.as_ref().map(|key| self.cached(key, "chart")).filter(|file| holds_something(file));
        let (file, key) = match (cached, key) {
            (Some(file), Some(key)) => (file, key),
            (_, key) => {
                let data = self.fetch(&place, Part::Chart)?;
                let key = key.unwrap_or_else(|| digest(&data));
                let file = self.cached(&key, "chart");
                put(&file, &data)?;
                (file, key)
            }
        };
        if self.verify == Verify::Never {
            return Ok(file);
        }
        let provenance_file = self.cached(&key, "prov");
        if !holds_something(&provenance_file) {
            match self.fetch(&place, Part::Provenance) {
                Ok(data) => put(&provenance_file, &data)?,
                Err(error) => return self.unverified(&place, reference, &error).map(|()| file),
            }
        }
        if self.verify != Verify::Later {
            let read = |path: &Path| fs::read(path).map_err(|error| Error::io("open", path, &error));
            self.check(&read(&file)?, &read(&provenance_file)?, &place.file_name())?;
        }
        Ok(file)
    }

    fn check(&self, archive: &[u8], provenance: &[u8], name: &str) -> Result<Verification, Error> {
        if !name.to_ascii_lowercase().ends_with(".tgz") {
            return Err(Error::Provenance("chart must be a tgz file".to_owned()));
        }
        let keyring = Keyring::load(self.keyring).map_err(|error| error.after("failed to load keyring"))?;
        provenance::check(archive, provenance, name, &keyring, self.now)
    }

    fn unverified(&self, place: &Place, reference: &str, error: &Error) -> Result<(), Error> {
        if self.verify == Verify::Always {
            let address = quote(&format!("{}.prov", place.address));
            return Err(Error::Provenance(format!("failed to fetch provenance {address}")));
        }
        self.console.out(&format!("WARNING: Verification not found for {reference}: {error}\n"));
        Ok(())
    }

    /// The file of the cache for a checksum.
    fn cached(&self, key: &str, extension: &str) -> PathBuf {
        self.places.content_cache.join(key.get(..2).unwrap_or_default()).join(format!("{key}.{extension}"))
    }

    fn fetch(&self, place: &Place, part: Part) -> Result<Vec<u8>, Error> {
        if is_oci(&place.address) {
            let client = self.access.registry_client(self.places)?;
            let pulled = client.pull(&place.address, part, self.console)?;
            return Ok(if part == Part::Chart { pulled.chart } else { pulled.provenance });
        }
        let scheme = Url::parse(&place.address).map(|url| url.scheme).unwrap_or_default();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(Error::Invalid(format!("scheme {} not supported", quote(&scheme))));
        }
        let (address, limit) = match part {
            Part::Chart => (place.address.clone(), MAX_ARCHIVE),
            Part::Provenance => (format!("{}.prov", place.address), MAX_PROVENANCE),
        };
        get(&address, &place.repository, ACCEPT, TIMEOUT, limit)
    }

    /// Finds out where the archive is.
    fn resolve(&self, reference: &str, version: &str) -> Result<Place, Error> {
        let url =
            Url::parse(reference).map_err(|_| Error::Invalid(format!("invalid chart URL format: {reference}")))?;
        if is_oci(reference) {
            let (digest, address) = self.access.registry_client(self.places)?.resolve(reference, version)?;
            return Ok(Place { digest, address, repository: Repository::default() });
        }
        let repositories = Repositories::load_or_empty(&self.places.repository_config)?;
        if url.is_absolute() && !url.host.is_empty() && !url.path.is_empty() {
            let repository = match self.owner(reference, &repositories)? {
                Some(owner) => self.with_flags(owner),
                None => self.access.for_repository(reference),
            };
            return Ok(Place { digest: String::new(), address: reference.to_owned(), repository });
        }
        let path = url.decoded_path();
        let Some((name, chart)) = path.split_once('/') else {
            let what = "non-absolute URLs should be in form of repo_name/path_to_chart, got";
            return Err(Error::Invalid(format!("{what}: {url}")));
        };
        let repository = repositories.get(name).ok_or_else(|| Error::NotFound(format!("repo {name} not found")))?;
        if repository.url.is_empty() {
            return Err(Error::Invalid(format!("no URL found for repository {name}")));
        }
        check_scheme(&repository.url)?;
        let index = self.index(name)?;
        let entry = index.get(chart, version, self.console).map_err(|error| {
            let chart = quote(chart);
            error.after(format!("chart {chart} matching {version} not found in {name} index. (try 'helm repo update')"))
        })?;
        let file = entry
            .urls()
            .first()
            .ok_or_else(|| Error::NotFound(format!("chart {} has no downloadable URLs", quote(reference))))?;
        let address = url::from_repository(&repository.url, file)
            .map_err(|_| Error::Invalid(format!("invalid chart URL format: {reference}")))?;
        Ok(Place { digest: entry.digest.clone(), address, repository: self.with_flags(repository) })
    }

    /// A configured repository with what flags say where it says nothing itself.
    fn with_flags(&self, repository: &Repository) -> Repository {
        let mut merged = self.access.for_repository(&repository.url);
        let Tls { certificate, key, authority, .. } = &repository.tls;
        if !certificate.is_empty() || !key.is_empty() || !authority.is_empty() {
            merged.tls = Tls { insecure: merged.tls.insecure, ..repository.tls.clone() };
        }
        if !repository.username.is_empty() && !repository.password.is_empty() {
            merged.username.clone_from(&repository.username);
            merged.password.clone_from(&repository.password);
            merged.pass_credentials = repository.pass_credentials;
        }
        merged
    }

    fn index(&self, name: &str) -> Result<Index, Error> {
        let file = index_file(&self.places.repository_cache, name);
        Index::load(&file, self.console).map_err(|error| error.after("no cached repo found. (try 'helm repo update')"))
    }

    /// The repository whose index has the address.
    fn owner<'r>(&self, address: &str, repositories: &'r Repositories) -> Result<Option<&'r Repository>, Error> {
        for repository in &repositories.entries {
            check_scheme(&repository.url)?;
            let index = self.index(&repository.name)?;
            let mut urls = index.entries.values().flatten().flat_map(IndexEntry::urls);
            if urls.any(|known| url::equal(address, known)) {
                return Ok(Some(repository));
            }
        }
        Ok(None)
    }
}

/// A chart as a user names it on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// Path, `repo/name`, address, or name in `repository`.
    pub reference: &'w str,
    /// Version or constraint; may be empty.
    pub version: &'w str,
    /// Address of a repository (`--repo`); may be empty.
    pub repository: &'w str,
}

/// Finds a chart: a path that is there, or else fetched into the cache.
///
/// # Errors
/// There is no such chart, it cannot be fetched, or is not what was signed.
pub fn locate(downloader: &Downloader<'_>, wanted: Wanted<'_>) -> Result<PathBuf, Error> {
    let (name, version) = (wanted.reference.trim(), wanted.version.trim());
    if wanted.repository.is_empty() {
        let path = Path::new(name);
        if path.exists() {
            let path = std::path::absolute(path).map_err(|error| Error::io("stat", path, &error))?;
            if downloader.verify == Verify::Always {
                let mut file = path.clone().into_os_string();
                file.push(".prov");
                provenance::verify(&path, Path::new(&file), downloader.keyring, downloader.now)?;
            }
            return Ok(path);
        }
        if path.is_absolute() || name.starts_with('.') {
            return Err(Error::NotFound(format!("path {} not found", quote(name))));
        }
    }
    let cache = &downloader.places.repository_cache;
    if wanted.repository.is_empty() {
        fs::create_dir_all(cache).map_err(|error| Error::io("mkdir", cache, &error))?;
        return downloader.to_cache(name, version);
    }
    let (address, access) = in_repository(downloader, Wanted { reference: name, version, ..wanted })?;
    fs::create_dir_all(cache).map_err(|error| Error::io("mkdir", cache, &error))?;
    Downloader { access: &access, ..*downloader }.to_cache(&address, version)
}

/// The address of a chart in the repository that `wanted` names, and what its server is shown: credentials only where it is
/// the repository's own, or where they may go to others.
///
/// # Errors
/// The repository cannot be reached, or has no such chart.
pub fn in_repository(downloader: &Downloader<'_>, wanted: Wanted<'_>) -> Result<(String, Access), Error> {
    let repository = downloader.access.for_repository(wanted.repository);
    let index = fetch_index(&repository, TIMEOUT, downloader.console)?;
    let address = address_in(&index, wanted.repository, wanted.reference, wanted.version, downloader.console)?;
    let mut access = downloader.access.clone();
    let parsed = |text: &str| Url::parse(text).map_err(Error::Invalid);
    let (own, found) = (parsed(wanted.repository)?, parsed(&address)?);
    let same = own.scheme == found.scheme && own.hostname() == found.hostname() && own.port() == found.port();
    if !access.pass_credentials && !same {
        access.username.clear();
        access.password.clear();
    }
    Ok((address, access))
}

fn holds_something(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() > 0)
}

fn put(file: &Path, data: &[u8]) -> Result<(), Error> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::io("mkdir", folder, &error))?;
    }
    write_atomically(file, data, 0o644)
}

/// The hexadecimal digits of a checksum, where there is one; an algorithm before it does not count.
fn digest_key(digest: &str) -> Result<Option<String>, Error> {
    let digits = digest.split_once(':').map_or(digest, |(_, digits)| digits);
    if digest.is_empty() {
        return Ok(None);
    }
    if let Some(wrong) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        let (code, wrong) = (u32::from(wrong), bowline_yaml::quote(&wrong.to_string()).replace('"', "'"));
        return Err(Error::Invalid(format!("encoding/hex: invalid byte: U+{code:04X} {wrong}")));
    }
    if digits.len() % 2 == 1 {
        return Err(Error::Invalid("encoding/hex: odd length hex string".to_owned()));
    }
    if digits.len() != 64 {
        return Err(Error::Invalid(format!("invalid digest length: {}", digits.len() / 2)));
    }
    Ok(Some(digits.to_ascii_lowercase()))
}

/// Uploads an archive, and the provenance file beside it where there is one, to a registry.
///
/// # Errors
/// It is no archive of a chart, or the registry cannot be reached or refuses it.
pub fn push(archive: &Path, remote: &str, client: &RegistryClient, console: &dyn Console) -> Result<(), Error> {
    let parsed = Url::parse(remote).map_err(|_| Error::Invalid(format!("invalid chart URL format: {remote}")))?;
    match parsed.scheme.as_str() {
        "oci" => {}
        "" => return Err(Error::Invalid("scheme prefix missing from remote (e.g. \"oci://\")".to_owned())),
        other => return Err(Error::Invalid(format!("scheme {} not supported", quote(other)))),
    }
    let found = fs::metadata(archive).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound(format!("{}: no such file", archive.display())),
        _ => Error::io("stat", archive, &error),
    })?;
    if found.is_dir() {
        let what = "cannot push directory, must provide chart archive (.tgz)";
        return Err(Error::Invalid(what.to_owned()));
    }
    let metadata = bowline_chart::Chart::load(archive)?.metadata;
    let data = fs::read(archive).map_err(|error| Error::io("open", archive, &error))?;
    let mut provenance = archive.as_os_str().to_owned();
    provenance.push(".prov");
    let provenance = Path::new(&provenance);
    let signed = match fs::read(provenance) {
        Ok(data) => Some(data),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io("open", provenance, &error)),
    };
    let place = url::join_paths(&[remote.trim_start_matches("oci://"), &metadata.name]);
    let created = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
    let reference = format!("{place}:{}", metadata.version);
    client.push(&data, signed.as_deref(), &reference, &crate::oci::created(created), console)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_checked_before_they_become_paths() {
        let sum = "ab".repeat(32);
        assert_eq!(digest_key(&format!("sha256:{sum}")).unwrap(), Some(sum.clone()));
        assert_eq!(digest_key("").unwrap(), None);
        assert_eq!(digest_key("../../x").unwrap_err().to_string(), "encoding/hex: invalid byte: U+002E '.'");
        assert_eq!(digest_key("abc").unwrap_err().to_string(), "encoding/hex: odd length hex string");
        assert_eq!(digest_key("abcd").unwrap_err().to_string(), "invalid digest length: 2");
    }
}
