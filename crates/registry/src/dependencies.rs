//! A chart's `charts/` folder, made to hold what `Chart.yaml` asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bowline_chart::{Chart, Constraint, Dependency, Version};
use bowline_yaml::quote;
use jiff::Timestamp;

use crate::console::Console;
use crate::downloader::{Access, Downloader, Places, Verify};
use crate::error::Error;
use crate::fetch::TIMEOUT;
use crate::index::Index;
use crate::lock::{Lock, lock_digest, old_lock_digest};
use crate::oci::is_oci;
use crate::package::Source;
use crate::provenance::digest;
use crate::repositories::{Repositories, Repository};
use crate::repository::{check_scheme, download_index, index_file};
use crate::url::{self, Url};

/// Names of repositories that no user added begin with this in the cache.
const UNMANAGED: &str = "helm-manager-";

/// Fetches a chart's dependencies.
pub struct Dependencies<'d> {
    /// The chart's directory.
    pub chart: &'d Path,
    /// Where things are kept.
    pub places: &'d Places,
    /// What flags say about registries.
    pub access: &'d Access,
    /// Whether archives are checked against their provenance files.
    pub verify: Verify,
    /// The file with the keys for that.
    pub keyring: &'d Path,
    /// Whether the cached indices are taken as they are.
    pub skip_refresh: bool,
    /// Whether details are told.
    pub debug: bool,
    /// The time that files of local charts get in their archives, where archives are to be the same every time.
    pub epoch: Option<Timestamp>,
    /// Where words go.
    pub console: &'d dyn Console,
    /// The present time.
    pub now: Timestamp,
}

impl Dependencies<'_> {
    /// Fetches what the lock says, or, without a lock, what [`Dependencies::update`] would.
    ///
    /// # Errors
    /// The lock is of other dependencies, or one of them cannot be had.
    pub fn build(&self) -> Result<(), Error> {
        let chart = self.load()?;
        let Some(lock) = &chart.lock else { return self.update() };
        let mut lock = Lock::parse(&String::from_utf8_lossy(lock))?;
        let is_v1 = chart.metadata.api_version == "v1";
        let mut asked = chart.metadata.dependencies().to_vec();
        // Before names of repositories are resolved: Helm 2 took them as they were written.
        let old = old_lock_digest(&asked);
        self.name_repositories(&mut asked)?;
        if lock_digest(&asked, &lock.dependencies) != lock.digest {
            if !is_v1 {
                let what = "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update \
                    the dependencies with 'helm dependency update'";
                return Err(Error::Invalid(what.to_owned()));
            }
            self.console.log("warning: a valid Helm v3 hash was not found. Checking against Helm v2 hash...");
            if old != lock.digest {
                let what = "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). \
                    Please update the dependencies";
                return Err(Error::Invalid(what.to_owned()));
            }
        }
        self.check_known(&lock.dependencies)?;
        if !self.skip_refresh {
            self.refresh()?;
        }
        self.download(&mut lock.dependencies)
    }

    /// Finds for every dependency the newest version that fits, fetches it, and writes the lock.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub fn update(&self) -> Result<(), Error> {
        let chart = self.load()?;
        let Some(mut asked) = chart.metadata.dependencies.clone() else { return Ok(()) };
        let mut names = self.name_repositories(&mut asked)?;
        self.fetch_unmanaged(&mut names, &asked)?;
        if !self.skip_refresh {
            self.refresh()?;
        }
        let mut found = self.resolve(&asked, &names)?;
        self.download(&mut found)?;
        let digest = lock_digest(&asked, &found);
        let before = chart.lock.as_ref().map(|lock| Lock::parse(&String::from_utf8_lossy(lock))).transpose()?;
        if before.is_some_and(|before| before.digest == digest) {
            return Ok(());
        }
        Lock { generated: self.now.to_string(), digest, dependencies: found }.write(self.chart, &chart.metadata)
    }

    fn load(&self) -> Result<Chart, Error> {
        let path = self.chart;
        let found = fs::metadata(path)
            .map_err(|error| Error::io("stat", path, &error).after(format!("could not find {}", path.display())))?;
        if !found.is_dir() {
            return Err(Error::Invalid("only unpacked charts can be updated".to_owned()));
        }
        Ok(Chart::load(path)?)
    }

    fn repositories(&self) -> Result<Repositories, Error> {
        Repositories::load_or_empty(&self.places.repository_config)
    }

    /// The repositories that dependencies come from, by the dependency's name. Aliases become addresses.
    fn name_repositories(&self, asked: &mut [Dependency]) -> Result<BTreeMap<String, String>, Error> {
        let known = self.repositories()?;
        let (mut names, mut missing) = (BTreeMap::new(), Vec::new());
        for dependency in asked {
            let repository = dependency.repository.clone();
            if repository.is_empty() {
                continue;
            }
            if repository.starts_with("file://") {
                local_path(&repository, self.chart)?;
                if self.debug {
                    self.console.out(&format!("Repository from local path: {repository}\n"));
                }
                names.insert(dependency.name.clone(), repository);
                continue;
            }
            if is_oci(&repository) {
                names.insert(dependency.name.clone(), repository);
                continue;
            }
            let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
            let found = known.entries.iter().find(|entry| match alias {
                Some(alias) if alias == entry.name => true,
                _ => url::equal(&entry.url, &repository),
            });
            if let Some(entry) = found {
                if alias == Some(&entry.name) {
                    dependency.repository.clone_from(&entry.url);
                }
                names.insert(dependency.name.clone(), entry.name.clone());
            } else if repository.starts_with('/') || Url::parse(&repository).is_ok_and(|url| url.is_absolute()) {
                names.insert(repository.clone(), repository);
            } else {
                missing.push(repository);
            }
        }
        if missing.is_empty() {
            return Ok(names);
        }
        let listed = missing.join(", ");
        let mut message = format!("no repository definition for {listed}. Please add them via 'helm repo add'");
        let is_name = |text: &String| !text.contains("//") && !text.starts_with('@') && !text.starts_with("alias:");
        if missing.iter().any(is_name) {
            message.push_str(
                "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\n\
                 repository, use \"https://charts.example.com/\" or \"@example\" instead of\n\
                 \"example\". Don't forget to add the repo, too ('helm repo add').",
            );
        }
        Err(Error::NotFound(message))
    }

    /// Whether all repositories of a lock are among those the user added.
    fn check_known(&self, locked: &[Dependency]) -> Result<(), Error> {
        let known = self.repositories()?;
        let is_known = |repository: &str| {
            let trimmed = repository.strip_suffix('/').unwrap_or(repository);
            known.entries.iter().any(|entry| url::equal(&entry.url, trimmed))
        };
        let missing: Vec<String> = locked
            .iter()
            .map(|dependency| dependency.repository.clone())
            .filter(|repository| !repository.is_empty() && !repository.starts_with("file://") && !is_oci(repository))
            .filter(|repository| !is_known(repository))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::UnknownRepositories { repositories: missing }) }
    }

    /// Fetches the indices of repositories that the user did not add.
    fn fetch_unmanaged(&self, names: &mut BTreeMap<String, String>, asked: &[Dependency]) -> Result<(), Error> {
        let mut unmanaged = Vec::new();
        for dependency in asked {
            if dependency.repository.is_empty() || names.contains_key(&dependency.name) {
                continue;
            }
            let name = format!("{UNMANAGED}{}", digest(dependency.repository.as_bytes()));
            names.insert(dependency.name.clone(), name.clone());
            unmanaged.push(Repository { name, url: dependency.repository.clone(), ..Repository::default() });
        }
        if !self.skip_refresh && !unmanaged.is_empty() {
            self.console.out("Getting updates for unmanaged Helm repositories...\n");
            self.fetch_indices(&unmanaged)?;
        }
        Ok(())
    }

    /// Fetches the indices of all repositories the user added.
    fn refresh(&self) -> Result<(), Error> {
        let known = self.repositories()?;
        if known.entries.is_empty() {
            return Ok(());
        }
        self.console.out("Hang tight while we grab the latest from your chart repositories...\n");
        self.fetch_indices(&known.entries)?;
        self.console.out("Update Complete. ⎈Happy Helming!⎈\n");
        Ok(())
    }

    fn fetch_indices(&self, repositories: &[Repository]) -> Result<(), Error> {
        let mut by_address: BTreeMap<&str, &Repository> = BTreeMap::new();
        for repository in repositories {
            by_address.insert(repository.url.strip_suffix('/').unwrap_or(&repository.url), repository);
        }
        let unique: Vec<&Repository> = by_address.into_values().collect();
        unique.iter().try_for_each(|repository| check_scheme(&repository.url))?;
        let fetch = |repository: &&Repository| {
            download_index(repository, &self.places.repository_cache, TIMEOUT, self.console).map(|_| ())
        };
        for (repository, fetched) in unique.iter().zip(in_parallel(&unique, fetch)) {
            let Repository { name, url, .. } = repository;
            let unmanaged = name.starts_with(UNMANAGED);
            let shown = quote(if unmanaged { url } else { name });
            let text = match fetched {
                Ok(()) => format!("...Successfully got an update from the {shown} chart repository\n"),
                Err(error) if unmanaged => {
                    format!("...Unable to get an update from the {shown} chart repository:\n\t{error}\n")
                }
                Err(error) => {
                    format!("...Unable to get an update from the {shown} chart repository ({url}):\n\t{error}\n")
                }
            };
            self.console.out(&text);
        }
        Ok(())
    }

    /// The version of each dependency that is taken.
    fn resolve(&self, asked: &[Dependency], names: &BTreeMap<String, String>) -> Result<Vec<Dependency>, Error> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for dependency in asked {
            let Dependency { name, version, repository, .. } = dependency;
            let constraint = constraint(&quote(name), version)?;
            let locked = |version: &str| Dependency {
                name: name.clone(),
                repository: repository.clone(),
                version: version.to_owned(),
                ..Dependency::default()
            };
            let mut unmet = || {
                missing.push(format!("{} (repository {}, version {})", quote(name), quote(repository), quote(version)));
            };
            if repository.is_empty() {
                local_path(&format!("charts/{name}"), self.chart)?;
                found.push(locked(version));
                continue;
            }
            if repository.starts_with("file://") {
                let chart = Chart::load(&local_path(repository, self.chart)?)?;
                let own = &chart.metadata.version;
                if Version::parse(own).is_some_and(|version| constraint.check(&version)) {
                    found.push(locked(own));
                } else {
                    unmet();
                }
                continue;
            }
            let Some(source) = names.get(name).filter(|source| !source.is_empty()) else {
                found.push(locked(version));
                continue;
            };
            let fits = |candidate: &str| {
                Version::parse(candidate).filter(|version| constraint.check(version)).map(|version| version.original)
            };
            if is_oci(repository) {
                if Version::parse(version).is_some() {
                    found.push(locked(&fits(version).unwrap_or_else(|| version.clone())));
                    continue;
                }
                let place = format!("{}/{name}", repository.trim_start_matches("oci://"));
                let client = self.access.registry_client(self.places)?;
                let tags = client.tags(&place).map_err(|error| {
                    error.after(format!("could not retrieve list of tags for repository {repository}"))
                })?;
                // As in Helm, what no tag satisfies is left as it was asked for and fails when it is fetched.
                found.push(locked(&tags.iter().find_map(|tag| fits(tag)).unwrap_or_else(|| version.clone())));
                continue;
            }
            let index = Index::load(&index_file(&self.places.repository_cache, source), self.console);
            let index = index.map_err(|error| {
                error.after(format!("no cached repository for {source} found. (try 'helm repo update')"))
            })?;
            let entries = index.entries.get(name);
            let entries =
                entries.ok_or_else(|| Error::NotFound(format!("{name} chart not found in repo {repository}")))?;
            let usable = entries.iter().filter(|entry| !entry.urls().is_empty());
            match usable.into_iter().find_map(|entry| fits(&entry.metadata.version)) {
                Some(version) => found.push(locked(&version)),
                None => unmet(),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let (count, listed) = (missing.len(), missing.join(", "));
        Err(Error::NotFound(format!(
            "can't get a valid version for {count} subchart(s): {listed}. Make sure a matching chart version exists in the \
             repo, or change the version constraint in Chart.yaml"
        )))
    }

    /// Fetches everything into a folder beside `charts/`, and only then puts it in place of what was there.
    fn download(&self, locked: &mut [Dependency]) -> Result<(), Error> {
        let repositories = self
            .repositories()
            .map_err(|error| error.after(format!("failed to load {}", self.places.repository_config.display())))?;
        for repository in &repositories.entries {
            let file = index_file(&self.places.repository_cache, &repository.name);
            fs::metadata(&file).map_err(|error| Error::io("open", &file, &error))?;
        }
        let charts = self.chart.join("charts");
        match fs::metadata(&charts) {
            Ok(found) if !found.is_dir() => {
                return Err(Error::Invalid(format!("{} is not a directory", quote(&charts.to_string_lossy()))));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                fs::create_dir_all(&charts).map_err(|error| Error::io("mkdir", &charts, &error))?;
            }
            Err(error) => {
                let doing = format!("unable to retrieve file info for '{}'", charts.display());
                return Err(Error::io("stat", &charts, &error).after(doing));
            }
        }
        let work = WorkFolder::make(self.chart.join(format!("tmpcharts-{}", std::process::id())))?;
        self.console.out(&format!("Saving {} charts\n", locked.len()));
        if let Err(failure) = self.download_into(&work.path, &charts, locked, &repositories) {
            return Err(match failure {
                Failure::Plain(error) => error,
                Failure::Save(error) => {
                    self.console.out(&format!("Save error occurred:  {error}\n"));
                    error
                }
            });
        }
        self.put_in_place(locked, &work.path, &charts)
    }

    fn download_into(
        &self,
        folder: &Path,
        charts: &Path,
        locked: &mut [Dependency],
        repositories: &Repositories,
    ) -> Result<(), Failure> {
        let mut fetched = BTreeSet::new();
        let mut sources = Sources { dependencies: self, repositories, indices: BTreeMap::new() };
        for dependency in locked {
            let Dependency { name, version, repository, .. } = &*dependency;
            if repository.is_empty() {
                let told = "did not declare a repository. Assuming it exists in the charts directory";
                self.console.out(&format!("Dependency {name} {told}\n"));
                check_present(&charts.join(name), name, version)?;
                continue;
            }
            if repository.starts_with("file://") {
                if self.debug {
                    self.console.out(&format!("Archiving {name} from repo {repository}\n"));
                }
                dependency.version = self.archive(dependency, folder).map_err(Failure::Save)?;
                continue;
            }
            let (address, access) = sources.find(dependency)?;
            let key = if is_oci(&address) { format!("{address}:{version}") } else { address.clone() };
            if !fetched.insert(key) {
                self.console.out(&format!("Already downloaded {name} from repo {repository}\n"));
                continue;
            }
            self.console.out(&format!("Downloading {name} from repo {repository}\n"));
            let Self { places, verify, keyring, console, now, .. } = *self;
            let downloader = Downloader { places, access: &access, verify, keyring, console, now };
            let version = if is_oci(&address) { version.as_str() } else { "" };
            let downloaded = downloader.to_folder(&address, version, folder);
            downloaded.map_err(|error| Failure::Save(error.after(format!("could not download {address}"))))?;
        }
        Ok(())
    }

    /// Archives a chart of this machine, and says its version.
    fn archive(&self, dependency: &Dependency, folder: &Path) -> Result<String, Error> {
        let path = local_path(&dependency.repository, self.chart)?;
        let mut source = Source::of_directory(&path)?;
        if let Some(epoch) = self.epoch {
            source.stamp(epoch);
        }
        let constraint = constraint(&dependency.name, &dependency.version)?;
        let version = source.metadata.version.clone();
        if !Version::parse(&version).is_some_and(|version| constraint.check(&version)) {
            let name = &dependency.name;
            return Err(Error::NotFound(format!("can't get a valid version for dependency {name}")));
        }
        source.save(folder, self.now)?;
        Ok(version)
    }

    fn put_in_place(&self, locked: &[Dependency], from: &Path, to: &Path) -> Result<(), Error> {
        let names = |folder: &Path| -> Result<Vec<String>, Error> {
            let entries = fs::read_dir(folder).map_err(|error| Error::io("open", folder, &error))?;
            let files = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
            let mut names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            Ok(names)
        };
        let (new, old) = (names(from)?, names(to)?);
        for name in &new {
            let (source, target) = (from.join(name), to.join(name));
            let shown = source.display();
            if let Err(error) = Chart::load(&source) {
                self.console.out(&format!("Could not verify {shown} for moving: {error} (Skipping)"));
                continue;
            }
            if let Err(error) = fs::rename(&source, &target) {
                let error = crate::error::os_error(&error);
                self.console.out(&format!("Unable to move {shown} to charts dir {error} (Skipping)"));
            }
        }
        self.console.out("Deleting outdated charts\n");
        for name in old.iter().filter(|name| !new.contains(name)) {
            let path = to.join(name);
            let chart = match Chart::load(&path) {
                Ok(chart) => chart,
                Err(error) => {
                    let shown = path.display();
                    self.console.out(&format!("Could not verify {shown} for deletion: {error} (Skipping)\n"));
                    continue;
                }
            };
            if locked.iter().any(|local| local.repository.is_empty() && local.name == chart.name()) {
                continue;
            }
            if let Err(error) = fs::remove_file(&path) {
                let error = Error::io("remove", &path, &error);
                self.console.out(&format!("Could not delete {}: {error} (Skipping)", path.display()));
            }
        }
        Ok(())
    }
}

/// Why fetching stopped: errors of the second kind are told before they are returned, as in Helm.
enum Failure {
    Plain(Error),
    Save(Error),
}

/// Where dependencies are found: the cached indices of repositories the user added, and others fetched once.
struct Sources<'s> {
    dependencies: &'s Dependencies<'s>,
    repositories: &'s Repositories,
    indices: BTreeMap<String, Index>,
}

impl Sources<'_> {
    /// The address of a dependency's archive, and what its server wants to see.
    fn find(&mut self, dependency: &Dependency) -> Result<(String, Access), Failure> {
        let Dependency { name, version, repository, .. } = dependency;
        let flags = self.dependencies.access;
        if is_oci(repository) {
            return Ok((format!("{repository}/{name}"), flags.clone()));
        }
        let not_found = |error: Error| Failure::Save(error.after("could not find "));
        let known = self.repositories.entries.iter().find(|entry| url::equal(repository, &entry.url));
        let console = self.dependencies.console;
        if let Some(known) = known {
            if !self.indices.contains_key(&known.name) {
                let file = index_file(&self.dependencies.places.repository_cache, &known.name);
                let index = Index::load(&file, console).map_err(Failure::Plain)?;
                self.indices.insert(known.name.clone(), index);
            }
            let index = &self.indices[&known.name];
            let missing = |what: &str| not_found(Error::NotFound(what.to_owned()));
            let entries = index.entries.get(name).ok_or_else(|| missing("entry not found"))?;
            let matching = entries.iter().filter(|entry| !entry.urls().is_empty());
            let matching =
                matching.into_iter().find(|entry| version.is_empty() || same_version(version, &entry.metadata.version));
            let entry = matching.ok_or_else(|| missing("no matching version"))?;
            let address = url::from_repository(repository, &entry.urls()[0]);
            let address = address.map_err(|why| not_found(Error::Invalid(why)))?;
            let access = Access {
                username: known.username.clone(),
                password: known.password.clone(),
                pass_credentials: known.pass_credentials,
                tls: known.tls.clone(),
                plain_http: false,
            };
            return Ok((address, access));
        }
        let absent = |error: Error| not_found(error.after(format!("chart {name} not found in {repository}")));
        let address = self.unmanaged(name, version, repository).map_err(absent)?;
        Ok((address, Access::default()))
    }

    fn unmanaged(&mut self, name: &str, version: &str, repository: &str) -> Result<String, Error> {
        let console = self.dependencies.console;
        if !self.indices.contains_key(repository) {
            let source = Repository { url: repository.to_owned(), ..Repository::default() };
            let index = crate::repository::fetch_index(&source, TIMEOUT, console)?;
            self.indices.insert(repository.to_owned(), index);
        }
        crate::repository::address_in(&self.indices[repository], repository, name, version, console)
    }
}

/// A folder that is gone when the work is done, also where it failed.
struct WorkFolder {
    path: PathBuf,
}

impl WorkFolder {
    fn make(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(|error| Error::io("mkdir", &path, &error))?;
        Ok(Self { path })
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn constraint(shown_name: &str, version: &str) -> Result<Constraint, Error> {
    Constraint::parse(version).map_err(|error| {
        Error::Invalid(format!("dependency {shown_name} has an invalid version/constraint format: {error}"))
    })
}

fn check_present(path: &Path, name: &str, version: &str) -> Result<(), Failure> {
    let chart = Chart::load(path).map_err(|error| {
        Failure::Plain(Error::from(error).after(format!("unable to load chart '{}'", path.display())))
    })?;
    let constraint = constraint(name, version).map_err(Failure::Plain)?;
    let own = &chart.metadata.version;
    if Version::parse(own).is_some_and(|version| constraint.check(&version)) {
        return Ok(());
    }
    let what = format!("dependency {name} at version {own} does not satisfy the constraint {version}");
    Err(Failure::Save(Error::Invalid(what)))
}

/// The folder that a `file://` address names, seen from the chart.
fn local_path(repository: &str, chart: &Path) -> Result<PathBuf, Error> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let path = if path.starts_with('/') {
        PathBuf::from(url::clean_path(path))
    } else {
        PathBuf::from(url::join_paths(&[&chart.to_string_lossy(), path]))
    };
    match fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::NotFound(format!("directory {} not found", path.display())))
        }
        Err(error) => Err(Error::io("stat", &path, &error)),
    }
}

fn same_version(a: &str, b: &str) -> bool {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b).is_eq(),
        (Some(_), None) => false,
        (None, _) => a == b,
    }
}

/// Runs `work` on all items at once, a few at a time; results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    const AT_ONCE: usize = 16;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..items.len().min(AT_ONCE) {
            scope.spawn(|| {
                while let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
                    && let Some(item) = items.get(at)
                {
                    let result = work(item);
                    *results[at].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let done =
        results.into_iter().filter_map(|result| result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    done.collect()
}
