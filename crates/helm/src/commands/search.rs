//! `helm search`

use std::path::Path;

use bowline_registry::{Found, HubChart, Index, Ordered, Repositories, SearchIndex, index_file, search_hub};

use crate::arguments::Arguments;
use crate::chart_source::{places, terminal};
use crate::command::Command;
use crate::commands::OUTPUT_FORMAT;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::table::table;

/// `helm search`
pub(crate) static SEARCH: Command = Command {
    usage: "search [keyword]",
    short: "search for a keyword in charts",
    long: "
Search provides the ability to search for Helm charts in the various places
they can be stored including the Artifact Hub and repositories you have added.
Use search subcommands to search different locations for charts.
",
    arguments: Arguments::Any,
    subcommands: &[&HUB, &REPO],
    ..Command::NEW
};

/// `helm search hub`
pub(crate) static HUB: Command = Command {
    usage: "hub [KEYWORD]",
    short: "search for charts in the Artifact Hub or your own hub instance",
    long: "
Search for Helm charts in the Artifact Hub or your own hub instance.

Artifact Hub is a web-based application that enables finding, installing, and
publishing packages and configurations for CNCF projects, including publicly
available distributed charts Helm charts. It is a Cloud Native Computing
Foundation sandbox project. You can browse the hub at https://artifacthub.io/

The [KEYWORD] argument accepts either a keyword string, or quoted string of rich
query options. For rich query options documentation, see
https://artifacthub.github.io/hub/api/?urls.primaryName=Monocular%20compatible%20search%20API#/Monocular/get_api_chartsvc_v1_charts_search

Previous versions of Helm used an instance of Monocular as the default
'endpoint', so for backwards compatibility Artifact Hub is compatible with the
Monocular search API. Similarly, when setting the 'endpoint' flag, the specified
endpoint must also be implement a Monocular compatible search API endpoint.
Note that when specifying a Monocular instance as the 'endpoint', rich queries
are not supported. For API details, see https://github.com/helm/monocular
",
    flags: &[&[Flag::text("endpoint", "Hub instance to query for charts").default("https://hub.helm.sh"),
        Flag::bool("fail-on-no-result", "search fails if no results are found"),
        Flag::bool("list-repo-url", "print charts repository URL"),
        Flag::unsigned("max-col-width", "maximum column width for output table").default("50"),
        Flag::of("output", OUTPUT_FORMAT, "prints the output in the specified format. Allowed values: table, json, yaml").short('o').default("table")]],
    arguments: Arguments::Any,
    run: Some(hub),
    ..Command::NEW
};

/// `helm search repo`
pub(crate) static REPO: Command = Command {
    usage: "repo [keyword]",
    short: "search repositories for a keyword in charts",
    long: r#"
Search reads through all of the repositories configured on the system, and
looks for matches. Search of these repositories uses the metadata stored on
the system.

It will display the latest stable versions of the charts found. If you
specify the --devel flag, the output will include pre-release versions.
If you want to search using a version constraint, use --version.

Examples:

    # Search for stable release versions matching the keyword "nginx"
    $ helm search repo nginx

    # Search for release versions matching the keyword "nginx", including pre-release versions
    $ helm search repo nginx --devel

    # Search for the latest stable release for nginx-ingress with a major version of 1
    $ helm search repo nginx-ingress --version ^1.0.0

Repositories are managed with 'helm repo' commands.
"#,
    flags: &[&[
        Flag::bool(
            "devel",
            "use development versions (alpha, beta, and release candidate releases), too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        ),
        Flag::bool("fail-on-no-result", "search fails if no results are found"),
        Flag::unsigned("max-col-width", "maximum column width for output table").default("50"),
        Flag::of(
            "output",
            OUTPUT_FORMAT,
            "prints the output in the specified format. Allowed values: table, json, yaml",
        )
        .short('o')
        .default("table"),
        Flag::bool("regexp", "use regular expressions for searching repositories you have added").short('r'),
        Flag::text("version", "search using semantic versioning constraints on repositories you have added"),
        Flag::bool(
            "versions",
            "show the long listing, with each version of each chart on its own line, for repositories you have added",
        )
        .short('l'),
    ]],
    arguments: Arguments::Any,
    run: Some(search),
    ..Command::NEW
};

fn hub(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let found = search_hub(&invocation.text("endpoint"), &invocation.arguments().join(" "))?;
    if found.is_empty() && invocation.bool("fail-on-no-result") {
        return Err(Failure::new("no results found"));
    }
    let format = invocation.text("output");
    if format != "table" {
        return super::print_formatted(&Ordered::List(found.iter().map(hub_element).collect()), &format);
    }
    if found.is_empty() {
        console::data("No results found\n");
        return Ok(());
    }
    let lists = invocation.bool("list-repo-url");
    let columns = if lists { 5 } else { 4 };
    let heading = ["URL", "CHART VERSION", "APP VERSION", "DESCRIPTION", "REPO URL"].map(str::to_owned);
    let mut rows = vec![heading[..columns].to_vec()];
    rows.extend(found.into_iter().map(|found| {
        let mut row = vec![found.url, found.version, found.app_version, found.description, found.repository_url];
        row.truncate(columns);
        row
    }));
    let widest = usize::try_from(invocation.int("max-col-width")).unwrap_or(0);
    console::data(&(table(&rows, widest) + "\n"));
    Ok(())
}

fn hub_element(found: &HubChart) -> Ordered {
    let repository = Ordered::Object(vec![
        ("url", found.repository_url.as_str().into()),
        ("name", found.repository_name.as_str().into()),
    ]);
    Ordered::Object(vec![
        ("url", found.url.as_str().into()),
        ("version", found.version.as_str().into()),
        ("app_version", found.app_version.as_str().into()),
        ("description", found.description.as_str().into()),
        ("repository", repository),
    ])
}

fn search(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let version = match (invocation.text("version"), invocation.bool("devel")) {
        (version, _) if !version.is_empty() => version,
        (_, true) => ">0.0.0-0".to_owned(),
        (_, false) => ">0.0.0".to_owned(),
    };
    let places = places(&invocation.settings);
    let repositories = Repositories::load(Path::new(&places.repository_config)).unwrap_or_default();
    if repositories.entries.is_empty() {
        return Err(Failure::new("no repositories configured"));
    }
    let versions = invocation.bool("versions");
    let all = versions || !version.is_empty();
    let console = terminal(invocation);
    let mut charts = SearchIndex::default();
    for entry in &repositories.entries {
        match Index::load(&index_file(&places.repository_cache, &entry.name), &console) {
            Ok(index) => charts.add(&entry.name, &index, all),
            Err(error) if invocation.settings.compat.is_helm3() => {
                let name = bowline_yaml::quote(&entry.name);
                console::error(&format!(
                    "WARNING: Repo {name} is corrupt or missing. Try 'helm repo update'.\nWARNING: {error}\n"
                ));
            }
            Err(error) => {
                let facts = [("repo", entry.name.as_str()), ("error", &error.to_string())];
                console::warn("repo is corrupt or missing", &facts);
            }
        }
    }
    let term = invocation.arguments().join(" ");
    let found = charts.search(&term, invocation.bool("regexp"), &version, versions)?;
    if found.is_empty() && invocation.bool("fail-on-no-result") {
        return Err(Failure::new("no results found"));
    }
    let format = invocation.text("output");
    if format != "table" {
        return super::print_formatted(&Ordered::List(found.iter().map(element).collect()), &format);
    }
    if found.is_empty() {
        console::data("No results found\n");
        return Ok(());
    }
    let mut rows = vec![["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"].map(str::to_owned).to_vec()];
    rows.extend(found.into_iter().map(|found| vec![found.name, found.version, found.app_version, found.description]));
    let widest = usize::try_from(invocation.int("max-col-width")).unwrap_or(0);
    console::data(&(table(&rows, widest) + "\n"));
    Ok(())
}

fn element(found: &Found) -> Ordered {
    Ordered::Object(vec![
        ("name", found.name.as_str().into()),
        ("version", found.version.as_str().into()),
        ("app_version", found.app_version.as_str().into()),
        ("description", found.description.as_str().into()),
    ])
}
