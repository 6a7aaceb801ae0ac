//! `.tgz` archives, with limits: an archive is what a stranger made.

use std::cell::Cell;
use std::io::Read;
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;

use crate::load::File;
use crate::{Compat, Error};

/// A chart's files may be this large in all.
pub(crate) const MAX_SIZE: usize = 100 * 1024 * 1024;

/// Helm 3 reads no file that is larger than that.
pub(crate) const MAX_FILE_OF_HELM3: usize = 5 * 1024 * 1024;

const BLOCK: usize = 512;

/// The files of a chart archive, without the directory that all of them stand in. `left`: how much may be unpacked in all,
/// this archive and others together; what this one takes is taken off.
pub(crate) fn read(compressed: &[u8], left: &Cell<usize>, compat: Compat) -> Result<Vec<File>, Error> {
    let mut tar = Vec::new();
    // Headers, padding and names beyond the limit on the files themselves.
    let limit = (MAX_SIZE + MAX_SIZE / 4).min(left.get()) as u64;
    let unpacked = MultiGzDecoder::new(compressed).take(limit + 1).read_to_end(&mut tar);
    unpacked.map_err(|error| Error::chart(gzip_error(compressed, &error)))?;
    if tar.len() as u64 > limit {
        return Err(too_large(compat));
    }
    left.set(left.get().saturating_sub(tar.len()));
    let mut files = Vec::new();
    let mut budget = MAX_SIZE;
    for entry in entries(&tar)? {
        let name = path_inside(&entry.name)?;
        if compat.is_helm3() && entry.data.len() > MAX_FILE_OF_HELM3.min(budget) {
            if entry.data.len() > budget {
                return Err(too_large(compat));
            }
            let name = bowline_yaml::quote(&entry.name);
            return Err(Error::chart(format!(
                "decompressed chart file {name} is larger than the maximum file size {MAX_FILE_OF_HELM3}"
            )));
        }
        if entry.data.len() >= budget {
            return Err(too_large(compat));
        }
        budget -= entry.data.len();
        let data = entry.data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(entry.data);
        files.push(File { modified: entry.modified, ..File::new(name, data) });
    }
    if files.is_empty() {
        return Err(Error::chart("no files in chart archive"));
    }
    Ok(files)
}

/// What Go says of a file that does not begin as gzip does.
pub(crate) const INVALID_HEADER: &str = "gzip: invalid header";

fn gzip_error(compressed: &[u8], error: &std::io::Error) -> String {
    const MAGIC: &[u8] = b"\x1f\x8b\x08";
    const HEADER: usize = 10;
    if compressed.is_empty() {
        return "EOF".to_owned();
    }
    if compressed.len() >= HEADER && !compressed.starts_with(MAGIC) {
        return INVALID_HEADER.to_owned();
    }
    match error.kind() {
        _ if compressed.len() < HEADER => "unexpected EOF".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ if error.to_string().contains("incomplete") => "unexpected EOF".to_owned(),
        _ if error.to_string().contains("checksum") => "gzip: invalid checksum".to_owned(),
        _ => format!("flate: {error}"),
    }
}

pub(crate) fn too_large(compat: Compat) -> Error {
    let what = compat.either("file size", "size");
    Error::chart(format!("decompressed chart is larger than the maximum {what} {MAX_SIZE}"))
}

/// The path below the chart's directory; names that lead out of it are refused.
fn path_inside(name: &str) -> Result<String, Error> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let mut parts = name.split(delimiter);
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    if rest.len() > 1 && rest[0].is_empty() {
        return Err(Error::chart("chart illegally contains absolute paths"));
    }
    let mut clean: Vec<&str> = Vec::new();
    for part in rest {
        match part {
            "" | "." => {}
            ".." if clean.last().is_some_and(|last| *last != "..") => _ = clean.pop(),
            part => clean.push(part),
        }
    }
    let path = clean.join("/");
    if path.is_empty() {
        let name = bowline_yaml::quote(name);
        return Err(Error::chart(format!("chart illegally contains content outside the base directory: {name}")));
    }
    if path.starts_with("..") {
        return Err(Error::chart("chart illegally references parent directory"));
    }
    if let [drive, b':', b'/', ..] = path.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return Err(Error::chart("chart contains illegally named files"));
    }
    if first == "Chart.yaml" {
        return Err(Error::chart("chart yaml not in base directory"));
    }
    Ok(path)
}

struct Entry<'t> {
    name: String,
    data: &'t [u8],
    modified: Option<SystemTime>,
}

/// The files of a tar archive: ustar, with the long names of pax and GNU. What is no regular file but no directory either
/// is a file without content, as in Helm: a link leads nowhere.
fn entries(tar: &[u8]) -> Result<Vec<Entry<'_>>, Error> {
    let broken = || Error::chart("archive/tar: invalid tar header");
    let cut = || Error::chart("unexpected EOF");
    let mut entries = Vec::new();
    let mut long_name = None;
    let mut at = 0;
    while at < tar.len() {
        let header = tar.get(at..at + BLOCK).ok_or_else(cut)?;
        if header.iter().all(|b| *b == 0) {
            break;
        }
        if octal(&header[148..156]) != Some(checksum(header)) {
            return Err(broken());
        }
        let size = octal(&header[124..136]).ok_or_else(broken)?;
        let kind = header[156];
        // Links have no content, whatever their size says.
        let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let start = at + BLOCK;
        let data = start.checked_add(size).and_then(|end| tar.get(start..end)).ok_or_else(cut)?;
        at = start + size.div_ceil(BLOCK) * BLOCK;
        match kind {
            b'x' => long_name = pax_path(data).or(long_name),
            b'L' => long_name = Some(text(data)),
            b'g' | b'K' => {}
            b'5' => long_name = None,
            _ => {
                let name = long_name.take().unwrap_or_else(|| ustar_name(header));
                if !name.ends_with('/') {
                    let seconds = octal(&header[136..148]).unwrap_or_default() as u64;
                    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
                    entries.push(Entry { name, data, modified });
                }
            }
        }
    }
    Ok(entries)
}

/// The sum of a header's bytes, its checksum taken for spaces.
fn checksum(header: &[u8]) -> usize {
    let own = 148..156;
    let byte = |(at, byte): (usize, &u8)| usize::from(if own.contains(&at) { b' ' } else { *byte });
    header.iter().enumerate().map(byte).sum()
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn ustar_name(header: &[u8]) -> String {
    let name = text(&header[..100]);
    let prefix = if header[257..].starts_with(b"ustar") { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn octal(field: &[u8]) -> Option<usize> {
    let digits = text(field);
    let digits = digits.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { usize::from_str_radix(digits, 8).ok() }
}

/// `path` of a pax header: records `LENGTH KEY=VALUE\n`.
fn pax_path(mut records: &[u8]) -> Option<String> {
    while !records.is_empty() {
        let space = records.iter().position(|b| *b == b' ')?;
        let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
        let record = records.get(space + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(text(path));
        }
        records = &records[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["chart/../../etc/passwd", "chart//etc/passwd", "Chart.yaml", "chart", "chart/c:/x"] {
            assert!(path_inside(name).is_err(), "{name}");
        }
        assert_eq!(path_inside("chart/templates/./a/../b.yaml").unwrap(), "templates/b.yaml");
        assert_eq!(path_inside("chart\\templates\\b.yaml").unwrap(), "templates/b.yaml");
    }
}
