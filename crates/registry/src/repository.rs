//! Chart repositories over HTTP: their index, kept in a cache, and what is found in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bowline_yaml::quote;

use crate::console::Console;
use crate::error::Error;
use crate::fetch::{Client, Request, basic, same_domain, without_password};
use crate::index::{Index, MAX_INDEX};
use crate::repositories::{Repository, write_atomically};
use crate::url::{self, Url};

/// The file of a cache that has the index of a repository.
pub fn index_file(cache: &Path, name: &str) -> PathBuf {
    cache.join(if name.is_empty() { "index.yaml".to_owned() } else { format!("{name}-index.yaml") })
}

/// The file of a cache that has the names of a repository's charts, for shells to complete.
pub fn charts_file(cache: &Path, name: &str) -> PathBuf {
    cache.join(if name.is_empty() { "charts.txt".to_owned() } else { format!("{name}-charts.txt") })
}

/// Fetches what an address names.
///
/// Credentials go along where the address is on the repository's own host and port, or to every host where the repository
/// says so.
///
/// # Errors
/// No answer, or another than `200 OK`, or more than `limit` bytes.
pub(crate) fn get(
    address: &str,
    repository: &Repository,
    accept: &str,
    timeout: Duration,
    limit: usize,
) -> Result<Vec<u8>, Error> {
    let client = Client::new(&repository.tls, timeout);
    let client = client.map_err(|error| error.after("can't create TLS config for client"))?;
    let mut headers = Vec::new();
    if !accept.is_empty() {
        headers.push(("Accept", accept.to_owned()));
    }
    let parsed = |text: &str, what: &str| Url::parse(text).map_err(|why| Error::Fetch(format!("{what}: {why}")));
    let own = parsed(&repository.url, "unable to parse getter URL")?;
    let asked = parsed(address, "unable to parse URL getting from")?;
    let ours = repository.pass_credentials || (own.scheme == asked.scheme && own.host == asked.host);
    if ours && !repository.username.is_empty() && !repository.password.is_empty() {
        headers.push(("Authorization", basic(&repository.username, &repository.password)));
    }
    let request = Request { method: "GET", url: address.to_owned(), headers, body: &[], limit };
    let answer = client.send(&request, same_domain)?;
    if answer.status != 200 {
        return Err(Error::Fetch(format!("failed to fetch {} : {}", without_password(address), answer.status_line())));
    }
    Ok(answer.body)
}

/// A values file may have this many bytes.
const MAX_VALUES: usize = 64 * 1024 * 1024;

/// The text at an address of the web; `None` for what is none. For values (`-f https://…`, `--set-file a=https://…`), with
/// the credentials that stand in the address.
pub fn fetch_values(address: &str) -> Option<Result<String, String>> {
    let url = Url::parse(address).ok()?;
    if !matches!(url.scheme.as_str(), "http" | "https") {
        return None;
    }
    let mut repository = Repository { url: address.to_owned(), ..Repository::default() };
    if let Some((username, password)) = url.user.as_deref().and_then(|user| user.split_once(':')) {
        (repository.username, repository.password) = (username.to_owned(), password.to_owned());
    }
    let text = get(address, &repository, "", crate::fetch::TIMEOUT, MAX_VALUES);
    Some(text.map(|data| String::from_utf8_lossy(&data).into_owned()).map_err(|error| error.to_string()))
}

/// Fetches a repository's index, and puts it and the names of its charts into the cache. Returns the index's file.
///
/// # Errors
/// It cannot be fetched, is no index, or cannot be kept.
pub fn download_index(
    repository: &Repository,
    cache: &Path,
    timeout: Duration,
    console: &dyn Console,
) -> Result<PathBuf, Error> {
    check_scheme(&repository.url)?;
    let address = url::from_repository(&repository.url, "index.yaml").map_err(Error::Invalid)?;
    let data = get(&address, repository, "", timeout, MAX_INDEX)?;
    let index = Index::parse(&data, &repository.url, console)?;
    fs::create_dir_all(cache).map_err(|error| Error::io("mkdir", cache, &error))?;
    let names: String = index.entries.keys().map(|name| format!("{name}\n")).collect();
    // A convenience: the index is what counts.
    let _ = write_atomically(&charts_file(cache, &repository.name), names.as_bytes(), 0o644);
    let file = index_file(cache, &repository.name);
    write_atomically(&file, &data, 0o644)?;
    Ok(file)
}

/// # Errors
/// Repositories of that kind cannot be fetched from.
pub(crate) fn check_scheme(address: &str) -> Result<(), Error> {
    let parsed = Url::parse(address).map_err(|_| Error::Invalid(format!("invalid chart URL format: {address}")))?;
    if matches!(parsed.scheme.as_str(), "http" | "https" | "oci") {
        return Ok(());
    }
    Err(Error::Invalid(format!("could not find protocol handler for: {}", parsed.scheme)))
}

/// Fetches a repository's index, and keeps nothing of it.
///
/// # Errors
/// It cannot be fetched, or is no index.
pub(crate) fn fetch_index(repository: &Repository, timeout: Duration, console: &dyn Console) -> Result<Index, Error> {
    let address = &repository.url;
    check_scheme(address)?;
    let fetched = || {
        let index = url::from_repository(address, "index.yaml").map_err(Error::Invalid)?;
        let data = get(&index, repository, "", timeout, MAX_INDEX)?;
        Index::parse(&data, address, console)
    };
    fetched().map_err(|error| {
        error.after(format!("looks like {} is not a valid chart repository or cannot be reached", quote(address)))
    })
}

/// The address of a chart's archive, by the index of the repository at `repository`.
///
/// # Errors
/// The index has no such chart or version.
pub(crate) fn address_in(
    index: &Index,
    repository: &str,
    chart: &str,
    version: &str,
    console: &dyn Console,
) -> Result<String, Error> {
    let mut what = format!("chart {}", quote(chart));
    if !version.is_empty() {
        what = format!("{what} version {}", quote(version));
    }
    let found = index.get(chart, version, console);
    let found = found.map_err(|_| Error::NotFound(format!("{what} not found in {repository} repository")))?;
    let file = found.urls().first().ok_or_else(|| Error::NotFound(format!("{what} has no downloadable URLs")))?;
    url::from_repository(repository, file)
        .map_err(|why| Error::Invalid(format!("failed to make chart URL absolute: {why}")))
}
