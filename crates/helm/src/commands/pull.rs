//! `helm pull`

use std::fs;
use std::path::{Path, PathBuf};

use bowline_registry::{Downloader, Verify, Wanted, expand, in_repository};

use crate::arguments::Arguments;
use crate::chart_source::{access, check_access, now, places, terminal, version};
use crate::command::Command;
use crate::commands::CHART_FLAGS;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::place;

/// `helm pull`
pub(crate) static PULL: Command = Command {
    usage: "pull [chart URL | repo/chartname] [...]",
    aliases: &["fetch"],
    short: "download a chart from a repository and (optionally) unpack it in local directory",
    long: "
Retrieve a package from a package repository, and download it locally.

This is useful for fetching packages to inspect, modify, or repackage. It can
also be used to perform cryptographic verification of a chart without installing
the chart.

There are options for unpacking the chart after download. This will create a
directory for the chart and uncompress into that directory.

If the --verify flag is specified, the requested chart MUST have a provenance
file, and MUST pass the verification process. Failure in any part of this will
result in an error, and the chart will not be saved locally.
",
    flags: &[
        &[
            Flag::text(
                "destination",
                "location to write the chart. If this and untardir are specified, untardir is appended to this",
            )
            .short('d')
            .default("."),
            Flag::bool(
                "devel",
                "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored.",
            ),
            Flag::bool("prov", "fetch the provenance file, but don't perform verification"),
            Flag::bool("untar", "if set to true, will untar the chart after downloading it"),
            Flag::text(
                "untardir",
                "if untar is specified, this flag specifies the name of the directory into which the chart is expanded",
            )
            .default("."),
        ],
        CHART_FLAGS,
    ],
    arguments: Arguments::AtLeast(1),
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let places = places(&invocation.settings);
    let access = access(invocation, invocation.bool("pass-credentials"));
    check_access(&access, &places)?;
    let keyring = PathBuf::from(invocation.text("keyring"));
    let verify = match (invocation.bool("verify"), invocation.bool("prov")) {
        (true, _) => Verify::Always,
        (false, true) => Verify::Later,
        (false, false) => Verify::Never,
    };
    let console = terminal(invocation);
    let downloader =
        Downloader { places: &places, access: &access, verify, keyring: &keyring, console: &console, now: now() };
    invocation.arguments().iter().try_for_each(|reference| pull(invocation, &downloader, reference))
}

fn pull(invocation: &Invocation<'_>, downloader: &Downloader<'_>, reference: &str) -> Result<(), Failure> {
    let (version, destination) = (version(invocation), invocation.text("destination"));
    let unpack = invocation.bool("untar");
    let work = unpack.then(|| tempfile::Builder::new().prefix("helm-").tempdir()).transpose();
    let work = work.map_err(|error| Failure::new(format!("failed to untar: {error}")))?;
    let folder = work.as_ref().map_or(Path::new(&destination), |work| work.path());
    let repository = invocation.text("repo");
    let (archive, verification) = if repository.is_empty() {
        downloader.to_folder(reference, &version, folder)?
    } else {
        let wanted = Wanted { reference, version: &version, repository: &repository };
        let (address, access) = in_repository(downloader, wanted)?;
        Downloader { access: &access, ..*downloader }.to_folder(&address, &version, folder)?
    };
    if let Some(verification) = verification {
        console::data(&verification.report());
    }
    if !unpack {
        return Ok(());
    }
    let mut below = invocation.text("untardir");
    if !Path::new(&below).is_absolute() {
        below = place::join(&[&destination, &below]);
    }
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let target = if below == "." { name.to_owned() } else { place::join(&[&below, name]) };
    if Path::new(&target).exists() {
        let what = format!("failed to untar: a file or directory with the name {target} already exists");
        return Err(Failure::new(what));
    }
    let made = fs::create_dir_all(&target);
    made.map_err(|error| Failure::new(format!("failed to untar (mkdir): {error}")))?;
    let data = fs::read(&archive).map_err(|error| Failure::new(format!("open {}: {error}", archive.display())))?;
    Ok(expand(&data, Path::new(&below))?)
}
