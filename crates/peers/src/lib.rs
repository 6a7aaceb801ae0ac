//! Test support: finds and runs the real programs that Bowline is compared with.
//!
//! ```text
//!  peers/build ─► cache ─► find("helm") ─► a test against the real thing
//!                             └─ absent: a named, counted skip; with BOWLINE_REQUIRE_PEERS=1 a failure
//! ```
//!
//! Reads: the cache that `peers/build` fills, `PATH`, and the environment variables named here.
//! Produces: paths of programs, running control planes, and a list of skipped tests.
//! Never: is part of the shipped binary; lets a skipped test look like a passed one.
#![forbid(unsafe_code)]

pub mod https;
pub mod kubernetes;
pub mod mariadb;
pub mod oracle;
pub mod postgres;

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folder of the built programs; `bin/` below it holds them. Default: `bowline/peers` in the user's cache folder.
pub const PEERS_DIR: &str = "BOWLINE_PEERS";
/// Set to `1`, an absent program fails the test instead of skipping it; CI sets it.
pub const REQUIRE_PEERS: &str = "BOWLINE_REQUIRE_PEERS";
/// A file to which every skip is appended as one line; `make test` sets it and prints the list at the end.
pub const SKIPPED_FILE: &str = "BOWLINE_SKIPPED";

/// The real program `name`, or `None` after the skip of the calling test was reported.
///
/// # Panics
/// Where the program is absent and [`REQUIRE_PEERS`] is `1`.
pub fn find(name: &str) -> Option<PathBuf> {
    let found = search(name);
    if found.is_none() {
        skip(&format!("needs the real {name}: build it with `peers/build` or install it"));
    }
    found
}

/// Reports that the calling test is skipped, and why.
///
/// # Panics
/// Where [`REQUIRE_PEERS`] is `1`.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var(REQUIRE_PEERS).as_deref() != Ok("1"), "{test} {why} ({REQUIRE_PEERS}=1)");
    let line = format!("SKIPPED {test}: {why}\n");
    // Past the test harness's capture, so that a skip is seen even where all is green.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(file) = env::var_os(SKIPPED_FILE)
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file)
    {
        let _ = file.write_all(line.as_bytes());
    }
}

/// The folder of public charts to compare on: `BOWLINE_CHARTS`, or the archive laid out beside the checkout. `None`
/// after the skip was reported.
///
/// # Panics
/// Where there is none and [`REQUIRE_PEERS`] is `1`.
pub fn charts() -> Option<PathBuf> {
    let given = env::var_os("BOWLINE_CHARTS").map(PathBuf::from).filter(|path| path.exists());
    let found = given.or_else(|| {
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/charts/public-charts.tar.xz");
        archive.exists().then_some(archive)
    });
    if found.is_none() {
        skip("needs the public charts: set BOWLINE_CHARTS to their folder or archive");
    }
    found
}

/// The same, laid out as a folder: an archive is unpacked once, below `target`.
///
/// # Panics
/// As [`charts`], and where the archive cannot be unpacked.
pub fn charts_in(target: &Path) -> Option<PathBuf> {
    let found = charts()?;
    if found.is_dir() {
        return Some(found);
    }
    let folder = target.join("public-charts");
    if !folder.join("complete").exists() {
        let unpack = || {
            fs::create_dir_all(&folder)?;
            let unpacked = Command::new("tar").arg("xJf").arg(&found).arg("-C").arg(&folder).status()?;
            if unpacked.success() {
                fs::write(folder.join("complete"), "")
            } else {
                Err(std::io::ErrorKind::Other.into())
            }
        };
        let unpacked = unpack();
        assert!(unpacked.is_ok(), "unpack {} to {}: {unpacked:?}", found.display(), folder.display());
    }
    Some(folder)
}

/// A program of the Python environment that `peers/build python` makes, or `None` after the skip was reported.
///
/// # Panics
/// As [`find`].
pub fn python(program: &str) -> Option<PathBuf> {
    let found = cache().map(|cache| cache.join("python/bin").join(program)).filter(|path| path.is_file());
    if found.is_none() {
        skip(&format!("needs the real {program}: install it with `peers/build python`"));
    }
    found
}

/// Where `peers/build` puts what it builds and fetches.
pub(crate) fn cache() -> Option<PathBuf> {
    env::var_os(PEERS_DIR)
        .map(PathBuf::from)
        .or_else(|| env::var_os("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("bowline/peers")))
        .or_else(|| env::var_os("HOME").map(|dir| Path::new(&dir).join(".cache/bowline/peers")))
}

fn search(name: &str) -> Option<PathBuf> {
    let built = cache().map(|dir| dir.join("bin").join(name));
    let on_path = env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    built.into_iter().chain(on_path.map(|dir| dir.join(name))).find(|path| path.is_file())
}

/// The downloaded Go module `path` in version `version`, or `None` after the skip of the calling test was reported.
/// `peers/build` downloads those that tests need.
///
/// # Panics
/// Where it is absent and [`REQUIRE_PEERS`] is `1`.
pub fn go_module(path: &str, version: &str) -> Option<PathBuf> {
    let cache = env::var_os("GOMODCACHE")
        .map(PathBuf::from)
        .or_else(|| env::var_os("GOPATH").map(|dir| Path::new(&dir).join("pkg/mod")))
        .or_else(|| env::var_os("HOME").map(|dir| Path::new(&dir).join("go/pkg/mod")));
    let found = cache.map(|cache| cache.join(format!("{path}@{version}"))).filter(|folder| folder.is_dir());
    if found.is_none() {
        skip(&format!("needs the Go module {path}@{version}: download it with `peers/build`"));
    }
    found
}
