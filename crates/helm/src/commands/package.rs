//! `helm package`

use std::fs;
use std::path::{Path, PathBuf};

use bowline_chart::Version;
use bowline_registry::{Dependencies, Error, Source, Verify, os_error, sign};
use jiff::Timestamp;

use crate::arguments::Arguments;
use crate::chart_source::{Terminal, access, check_access, now, places, source_date_epoch};
use crate::command::Command;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::{console, place, prompt};

/// `helm package`
pub(crate) static PACKAGE: Command = Command {
    usage: "package [CHART_PATH] [...]",
    short: "package a chart directory into a chart archive",
    long: "
This command packages a chart into a versioned chart archive file. If a path
is given, this will look at that path for a chart (which must contain a
Chart.yaml file) and then package that directory.

Versioned chart archives are used by Helm package repositories.

To sign a chart, use the '--sign' flag. In most cases, you should also
provide '--keyring path/to/secret/keys' and '--key keyname'.

  $ helm package --sign ./mychart --key mykey --keyring ~/.gnupg/secring.gpg

If '--keyring' is not specified, Helm usually defaults to the public keyring
unless your environment is otherwise configured.
",
    flags: &[&[
        Flag::text("app-version", "set the appVersion on the chart to this version"),
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("dependency-update", "update dependencies from \"Chart.yaml\" to dir \"charts/\" before packaging")
            .short('u'),
        Flag::text("destination", "location to write the chart.").short('d').default("."),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
        Flag::text("key", "name of the key to use when signing. Used if --sign is true"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::text("keyring", "location of a public keyring").setting(|_| crate::place::keyring()),
        Flag::text(
            "passphrase-file",
            "location of a file which contains the passphrase for the signing key. Use \"-\" in order to read from stdin.",
        ),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
        Flag::bool("sign", "use a PGP private key to sign this package"),
        Flag::text("username", "chart repository username where to locate the requested chart"),
        Flag::text("version", "set the version on the chart to this semver version"),
    ]],
    arguments: Arguments::Any,
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let charts = invocation.arguments();
    if charts.is_empty() {
        return Err(Failure::new("need at least one argument, the path to the chart"));
    }
    let epoch = source_date_epoch()?;
    let signing = invocation.bool("sign");
    let (key, keyring) = (invocation.text("key"), PathBuf::from(invocation.text("keyring")));
    if signing && key.is_empty() {
        return Err(Failure::new("--key is required for signing a package"));
    }
    if signing && keyring.as_os_str().is_empty() {
        return Err(Failure::new("--keyring is required for signing a package"));
    }
    let places = places(&invocation.settings);
    let access = access(invocation, false);
    check_access(&access, &places)?;
    let console = Terminal { debug: false, aside: false, quiet: true };
    let mut passphrase = Passphrase { file: invocation.text("passphrase-file"), known: None };
    for chart in charts {
        let path = PathBuf::from(absolute(chart)?);
        fs::metadata(chart).map_err(|error| Failure::new(format!("stat {chart}: {}", os_error(&error))))?;
        if invocation.bool("dependency-update") {
            let dependencies = Dependencies {
                chart: &path,
                places: &places,
                access: &access,
                verify: Verify::Never,
                keyring: &keyring,
                skip_refresh: false,
                debug: false,
                epoch,
                console: &console,
                now: now(),
            };
            dependencies.update()?;
        }
        let archive = package(invocation, &path, epoch)?;
        if signing {
            let file = Path::new(&archive);
            sign(file, &keyring, &key, &mut |name| passphrase.get(name), now())?;
        }
        console::data(&format!("Successfully packaged chart and saved it to: {archive}\n"));
    }
    Ok(())
}

fn package(invocation: &Invocation<'_>, path: &Path, epoch: Option<Timestamp>) -> Result<String, Failure> {
    let mut source = Source::of_directory(path)?;
    let version = invocation.text("version");
    if !version.is_empty() {
        source.metadata.version = version;
    }
    if Version::parse(&source.metadata.version).is_none() {
        return Err(Failure::new("invalid semantic version"));
    }
    let app_version = invocation.text("app-version");
    if !app_version.is_empty() {
        source.metadata.app_version = app_version;
    }
    if let Some(epoch) = epoch {
        source.stamp(epoch);
    }
    source.check_dependencies()?;
    let destination = invocation.text("destination");
    let destination = if destination == "." { absolute(".")? } else { place::clean(&destination) };
    let saved = source.save(Path::new(&destination), now());
    let saved = saved.map_err(|error| Failure::new(format!("failed to save: {error}")))?;
    Ok(place::clean(&saved.to_string_lossy()))
}

fn absolute(path: &str) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(Failure::of)?;
    Ok(place::clean(&absolute.to_string_lossy()))
}

/// The passphrase of the key: of a file or of standard input, read once, or typed.
struct Passphrase {
    file: String,
    known: Option<Vec<u8>>,
}

impl Passphrase {
    fn get(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let said = |failure: Failure| Error::Provenance(failure.message);
        if self.file.is_empty() {
            console::data(&format!("Password for key {} >  ", bowline_yaml::quote(name)));
            let secret = prompt::secret();
            console::data("\n");
            return secret.map(String::into_bytes).map_err(said);
        }
        if let Some(known) = &self.known {
            return Ok(known.clone());
        }
        let line = if self.file == "-" {
            if !is_pipe() {
                let what = "specified reading passphrase from stdin, without input on stdin";
                return Err(Error::Provenance(what.to_owned()));
            }
            prompt::line().map_err(said)?
        } else {
            let text = fs::read_to_string(&self.file);
            let text = text.map_err(|error| Error::Provenance(format!("open {}: {}", self.file, os_error(&error))))?;
            let Some(line) = text.lines().next() else { return Err(Error::Provenance("EOF".to_owned())) };
            line.to_owned()
        };
        Ok(self.known.insert(line.into_bytes()).clone())
    }
}

fn is_pipe() -> bool {
    use std::os::fd::AsFd;
    nix::sys::stat::fstat(std::io::stdin().as_fd())
        .is_ok_and(|stat| stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFIFO)
}
