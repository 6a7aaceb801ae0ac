//! `helm dependency`

use std::path::PathBuf;

use bowline_registry::{Dependencies, Error, Stray, Verify, dependency_statuses};

use crate::arguments::Arguments;
use crate::chart_source::{access, check_access, now, places, source_date_epoch, terminal};
use crate::command::Command;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::table::table;
use crate::{console, place};

/// `helm dependency`
pub(crate) static DEPENDENCY: Command = Command {
    usage: "dependency update|build|list",
    aliases: &["dep", "dependencies"],
    short: "manage a chart's dependencies",
    long: r#"
Manage the dependencies of a chart.

Helm charts store their dependencies in 'charts/'. For chart developers, it is
often easier to manage dependencies in 'Chart.yaml' which declares all
dependencies.

The dependency commands operate on that file, making it easy to synchronize
between the desired dependencies and the actual dependencies stored in the
'charts/' directory.

For example, this Chart.yaml declares two dependencies:

    # Chart.yaml
    dependencies:
    - name: nginx
      version: "1.2.3"
      repository: "https://example.com/charts"
    - name: memcached
      version: "3.2.1"
      repository: "https://another.example.com/charts"


The 'name' should be the name of a chart, where that name must match the name
in that chart's 'Chart.yaml' file.

The 'version' field should contain a semantic version or version range.

The 'repository' URL should point to a Chart Repository. Helm expects that by
appending '/index.yaml' to the URL, it should be able to retrieve the chart
repository's index. Note: 'repository' can be an alias. The alias must start
with 'alias:' or '@'.

Starting from 2.2.0, repository can be defined as the path to the directory of
the dependency charts stored locally. The path should start with a prefix of
"file://". For example,

    # Chart.yaml
    dependencies:
    - name: nginx
      version: "1.2.3"
      repository: "file://../dependency_chart/nginx"

If the dependency chart is retrieved locally, it is not required to have the
repository added to helm by "helm add repo". Version matching is also supported
for this case.
"#,
    arguments: Arguments::None,
    subcommands: &[&LIST, &UPDATE, &BUILD],
    ..Command::NEW
};

/// `helm dependency list`
pub(crate) static LIST: Command = Command {
    usage: "list CHART",
    aliases: &["ls"],
    short: "list the dependencies for the given chart",
    long: "
List all of the dependencies declared in a chart.

This can take chart archives and chart directories as input. It will not alter
the contents of a chart.

This will produce an error if the chart cannot be loaded.
",
    flags: &[&[Flag::unsigned("max-col-width", "maximum column width for output table").default("80")]],
    arguments: Arguments::AtMost(1),
    run: Some(list),
    ..Command::NEW
};

/// `helm dependency update`
pub(crate) static UPDATE: Command = Command {
    usage: "update CHART",
    aliases: &["up"],
    short: "update charts/ based on the contents of Chart.yaml",
    long: "
Update the on-disk dependencies to mirror Chart.yaml.

This command verifies that the required charts, as expressed in 'Chart.yaml',
are present in 'charts/' and are at an acceptable version. It will pull down
the latest charts that satisfy the dependencies, and clean up old dependencies.

On successful update, this will generate a lock file that can be used to
rebuild the dependencies to an exact version.

Dependencies are not required to be represented in 'Chart.yaml'. For that
reason, an update command will not remove charts unless they are (a) present
in the Chart.yaml file, but (b) at the wrong version.
",
    flags: &[&[
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::text("keyring", "keyring containing public keys").setting(|_| crate::place::keyring()),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
        Flag::bool("skip-refresh", "do not refresh the local repository cache"),
        Flag::text("username", "chart repository username where to locate the requested chart"),
        Flag::bool("verify", "verify the packages against signatures"),
    ]],
    arguments: Arguments::AtMost(1),
    run: Some(update),
    ..Command::NEW
};

/// `helm dependency build`
pub(crate) static BUILD: Command = Command {
    usage: "build CHART",
    short: "rebuild the charts/ directory based on the Chart.lock file",
    long: "
Build out the charts/ directory from the Chart.lock file.

Build is used to reconstruct a chart's dependencies to the state specified in
the lock file. This will not re-negotiate dependencies, as 'helm dependency update'
does.

If no lock file is found, 'helm dependency build' will mirror the behavior
of 'helm dependency update'.
",
    flags: &[&[
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::text("keyring", "keyring containing public keys").setting(|_| crate::place::keyring()),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
        Flag::bool("skip-refresh", "do not refresh the local repository cache"),
        Flag::text("username", "chart repository username where to locate the requested chart"),
        Flag::bool("verify", "verify the packages against signatures"),
    ]],
    arguments: Arguments::AtMost(1),
    run: Some(build),
    ..Command::NEW
};

fn chart(invocation: &Invocation<'_>) -> String {
    place::clean(invocation.arguments().first().map_or(".", String::as_str))
}

fn list(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let path = chart(invocation);
    let found = dependency_statuses(std::path::Path::new(&path))?;
    let Some(found) = found else {
        console::data(&format!("WARNING: no dependencies at {}\n", place::join(&[&path, "charts"])));
        return Ok(());
    };
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned).to_vec()];
    let cells = found.dependencies.into_iter();
    rows.extend(cells.map(|row| vec![row.name, row.version, row.repository, row.status.to_owned()]));
    let widest = usize::try_from(invocation.int("max-col-width")).unwrap_or(0);
    let mut text = table(&rows, widest) + "\n\n";
    for stray in &found.strays {
        let (path, what) = match stray {
            Stray::NoChart(path) => (path, "is not a chart."),
            Stray::NotDeclared(path) => (path, "is not in Chart.yaml."),
        };
        let path = place::clean(&path.to_string_lossy());
        text.push_str(&format!("WARNING: {} {what}\n", bowline_yaml::quote(&path)));
    }
    console::data(&text);
    Ok(())
}

fn update(invocation: &Invocation<'_>) -> Result<(), Failure> {
    fetch(invocation, false)
}

fn build(invocation: &Invocation<'_>) -> Result<(), Failure> {
    fetch(invocation, true)
}

/// `from_lock`: what the lock says, and not the newest that fits.
fn fetch(invocation: &Invocation<'_>, from_lock: bool) -> Result<(), Failure> {
    let path = PathBuf::from(chart(invocation));
    let epoch = source_date_epoch()?;
    let places = places(&invocation.settings);
    let access = access(invocation, false);
    check_access(&access, &places)?;
    let keyring = PathBuf::from(invocation.text("keyring"));
    let console = terminal(invocation);
    let dependencies = Dependencies {
        chart: &path,
        places: &places,
        access: &access,
        verify: match (invocation.bool("verify"), from_lock) {
            (false, _) => Verify::Never,
            (true, true) => Verify::IfPossible,
            (true, false) => Verify::Always,
        },
        keyring: &keyring,
        skip_refresh: invocation.bool("skip-refresh"),
        debug: invocation.settings.debug,
        epoch,
        console: &console,
        now: now(),
    };
    let done = if from_lock { dependencies.build() } else { dependencies.update() };
    done.map_err(|error| match error {
        Error::UnknownRepositories { .. } => {
            Failure::new(format!("{error}. Please add the missing repos via 'helm repo add'"))
        }
        other => Failure::of(other),
    })
}
