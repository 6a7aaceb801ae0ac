//! The files of a chart's directory, read on several threads where there are many.

use std::fs;
use std::io::{self, Read};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::Compat;
use crate::archive::{MAX_FILE_OF_HELM3, MAX_SIZE};
use crate::error::{Error, go_io_error};
use crate::ignore::Rules;
use crate::load::File;

/// Directories may nest this deep: a link to its own parent ends somewhere.
const MAX_DEPTH: usize = 64;

/// From so many files on, a second thread saves more than its start costs.
const MANY: usize = 64;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where symbolic links of a chart's directory may lead.
#[derive(Clone, Copy)]
pub(crate) enum Links<'l> {
    /// Anywhere, as in Helm.
    Anywhere,
    /// Anywhere; they were told of before.
    Known,
    /// To this folder, which is no link itself, and what is in it.
    Within(&'l Path),
}

/// Is told of a link, and of what it leads to.
type LinkObserver = fn(&Path, &Path);

static LINK_OBSERVER: OnceLock<LinkObserver> = OnceLock::new();

/// From now on, `observer` is told of every symbolic link that is followed in a chart's directory, before anything of it is
/// read: with the path of the link and what it leads to in the end. For the whole program, as a logger is; the first
/// observer stays.
pub fn observe_links(observer: LinkObserver) {
    // A second one changes nothing.
    let _ = LINK_OBSERVER.set(observer);
}

/// The folder that the links of a chart may lead into: the repository that the chart is part of, else its own.
pub(crate) fn repository(directory: &Path) -> io::Result<PathBuf> {
    let own = fs::canonicalize(directory)?;
    let repository = own.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    Ok(repository.unwrap_or(own))
}

/// All files below a chart's directory that `.helmignore` leaves in, in lexical order.
pub(crate) fn read(directory: &Path, links: Links<'_>, compat: Compat) -> Result<Vec<File>, Error> {
    let ignore_file = directory.join(".helmignore");
    let rules = fs::read_to_string(&ignore_file).unwrap_or_default();
    let rules = Rules::parse(&rules).map_err(Error::chart)?;
    let mut walk = Walk { rules, links, found: Vec::new(), depth: 0, compat };
    let walked = walk.directory(directory, "");
    // What was found before the walk failed comes before that failure.
    let files = contents(&walk.found)?;
    walked.map(|()| files)
}

/// A file that is part of the chart.
struct Found {
    /// Path inside of the chart, with `/`.
    name: String,
    path: PathBuf,
}

struct Walk<'l> {
    rules: Rules,
    links: Links<'l>,
    found: Vec<Found>,
    depth: usize,
    compat: Compat,
}

impl Walk<'_> {
    /// Lists a directory in lexical order, following symbolic links as Helm does.
    fn directory(&mut self, directory: &Path, prefix: &str) -> Result<(), Error> {
        let failed = |error: &io::Error| Error::chart(go_io_error("open", &directory.to_string_lossy(), error));
        let entries = fs::read_dir(directory).map_err(|error| failed(&error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| failed(&error))?;
            names.push((entry.file_name().to_string_lossy().into_owned(), entry));
        }
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, entry) in names {
            let inner = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let path = entry.path();
            // The directory itself says what an entry is, but for what a link leads to.
            let (kind, target) = match entry.file_type() {
                Ok(kind) if !kind.is_symlink() => (kind, None),
                _ => {
                    let target = followed(&path, !matches!(self.links, Links::Known))?;
                    let found = fs::metadata(&target).map_err(|error| failed(&error))?;
                    (found.file_type(), Some(target))
                }
            };
            if self.rules.ignores(&inner, kind.is_dir()) {
                continue;
            }
            if let (Some(target), Links::Within(folder)) = (&target, self.links)
                && !target.starts_with(folder)
            {
                let (link, target, folder) = (path.display(), target.display(), folder.display());
                return Err(Error::chart(format!("{link} is a link to {target}, which lies outside of {folder}")));
            }
            if kind.is_dir() {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Error::chart(format!(
                        "directories of the chart nest deeper than {MAX_DEPTH}: {inner}"
                    )));
                }
                self.directory(&path, &inner)?;
                self.depth -= 1;
            } else if kind.is_file() {
                if self.compat.is_helm3() && fs::metadata(&path).is_ok_and(|f| f.len() > MAX_FILE_OF_HELM3 as u64) {
                    let name = bowline_yaml::quote(inner.rsplit('/').next().unwrap_or(&inner));
                    return Err(Error::chart(format!(
                        "chart file {name} is larger than the maximum file size {MAX_FILE_OF_HELM3}"
                    )));
                }
                self.found.push(Found { name: inner, path });
            } else {
                let path = path.to_string_lossy();
                return Err(Error::chart(format!(
                    "cannot load irregular file {path} as it has file mode type bits set"
                )));
            }
        }
        Ok(())
    }
}

/// What a link leads to in the end.
fn followed(link: &Path, tell: bool) -> Result<PathBuf, Error> {
    let target = fs::canonicalize(link).map_err(|error| {
        let (shown, missing) = (link.to_string_lossy(), missing_target(link));
        let why = go_io_error("lstat", &missing.to_string_lossy(), &error);
        Error::chart(format!("error evaluating symlink {shown}: {why}"))
    })?;
    if let Some(observer) = LINK_OBSERVER.get().filter(|_| tell) {
        observer(link, &target);
    }
    Ok(target)
}

/// Where a link, or a link that it leads to, leads to nothing.
fn missing_target(link: &Path) -> PathBuf {
    let mut path = link.to_owned();
    for _ in 0..255 {
        let mut walked = PathBuf::new();
        let mut next = None;
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            match part {
                std::path::Component::ParentDir => _ = walked.pop(),
                part => walked.push(part),
            }
            match fs::symlink_metadata(&walked) {
                Err(_) => return walked,
                Ok(found) if found.is_symlink() => {
                    let Ok(target) = fs::read_link(&walked) else { return walked };
                    walked.pop();
                    next = Some(walked.join(target).join(parts.as_path()));
                    break;
                }
                Ok(_) => {}
            }
        }
        match next {
            Some(next) => path = next,
            None => return path,
        }
    }
    path
}

/// Reads files, and gives them, or the first error, in their order.
fn contents(found: &[Found]) -> Result<Vec<File>, Error> {
    let budget = AtomicUsize::new(MAX_SIZE);
    if found.len() < MANY {
        return found.iter().map(|found| found.read(&budget)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut files = Vec::with_capacity(found.len());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(found) = found.get(at) else { return files };
            files.push((at, found.read(&budget)));
        }
    };
    let mut files = thread::scope(|scope| {
        // Without a second thread the first does it all.
        let other = thread::Builder::new().spawn_scoped(scope, work);
        let mut files = work();
        if let Ok(other) = other {
            files.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        files
    });
    files.sort_by_key(|(at, _)| *at);
    files.into_iter().map(|(_, file)| file).collect()
}

impl Found {
    /// Reads the file, as long as `budget` has bytes left for it.
    fn read(&self, budget: &AtomicUsize) -> Result<File, Error> {
        let name = &self.name;
        let file = self.content(budget).map_err(|error| {
            Error::chart(format!("error reading {name}: {}", go_io_error("open", &self.path.to_string_lossy(), &error)))
        })?;
        file.ok_or_else(|| {
            Error::chart(format!("error reading {name}: chart exceeds maximum decompressed size of {MAX_SIZE} bytes"))
        })
    }

    /// The file without a byte order mark; `None` where it is larger than what is left of the budget.
    fn content(&self, budget: &AtomicUsize) -> io::Result<Option<File>> {
        let mut file = fs::File::open(&self.path)?;
        let found = file.metadata()?;
        let size = usize::try_from(found.len()).unwrap_or(usize::MAX);
        if !take(budget, size) {
            return Ok(None);
        }
        let read = |data| Ok(Some(File { name: Arc::from(self.name.as_str()), data, modified: found.modified().ok() }));
        // Read to where it will stay.
        let mut data: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
        let filled = Arc::get_mut(&mut data).map_or(Ok(0), |space| fill(&mut file, space))?;
        let mut more = [0; 32];
        let beyond = if filled == size { file.read(&mut more)? } else { 0 };
        if filled == size && beyond == 0 && !data.starts_with(BYTE_ORDER_MARK) {
            return read(data);
        }
        // It has a mark, no size that can be known before, or another one by now.
        let mut all = data[..filled].to_vec();
        all.extend_from_slice(&more[..beyond]);
        let left = budget.load(Ordering::Relaxed) as u64;
        file.take(left + 1).read_to_end(&mut all)?;
        if !take(budget, all.len().saturating_sub(size)) {
            return Ok(None);
        }
        read(Arc::from(all.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&all)))
    }
}

/// Takes bytes from the budget, where there are so many.
fn take(budget: &AtomicUsize, bytes: usize) -> bool {
    budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
}

/// Reads until the space is full or the file ends; the bytes read.
fn fill(file: &mut fs::File, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < space.len() {
        match file.read(&mut space[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
