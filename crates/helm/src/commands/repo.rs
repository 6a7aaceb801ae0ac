//! `helm repo`

use std::fs;
use std::path::Path;
use std::time::Duration;

use bowline_registry::{
    Index, Ordered, Repositories, RepositoriesLock, Repository, charts_file, download_index, in_parallel, index_file,
};

use crate::arguments::Arguments;
use crate::chart_source::{now, places, terminal, tls};
use crate::command::Command;
use crate::commands::OUTPUT_FORMAT;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::table::table;
use crate::{console, place, prompt};

/// `helm repo`
pub(crate) static REPO: Command = Command {
    usage: "repo add|remove|list|index|update [ARGS]",
    short: "add, list, remove, update, and index chart repositories",
    long: "
This command consists of multiple subcommands to interact with chart repositories.

It can be used to add, remove, list, and index chart repositories.
",
    arguments: Arguments::None,
    subcommands: &[&ADD, &LIST, &REMOVE, &INDEX, &UPDATE],
    ..Command::NEW
};

/// `helm repo add`
pub(crate) static ADD: Command = Command {
    usage: "add [NAME] [URL]",
    short: "add a chart repository",
    long: "add a chart repository
",
    flags: &[&[
        Flag::bool(
            "allow-deprecated-repos",
            "by default, this command will not allow adding official repos that have been permanently deleted. This disables that behavior",
        ),
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::bool("force-update", "replace (overwrite) the repo if it already exists"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the repository"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::bool("pass-credentials", "pass credentials to all domains"),
        Flag::text("password", "chart repository password"),
        Flag::bool("password-stdin", "read chart repository password from stdin"),
        Flag::duration("timeout", "time to wait for the index file download to complete").default("2m0s"),
        Flag::text("username", "chart repository username"),
    ]],
    arguments: Arguments::Exactly(2),
    run: Some(add),
    ..Command::NEW
};

/// `helm repo list`
pub(crate) static LIST: Command = Command {
    usage: "list",
    aliases: &["ls"],
    short: "list chart repositories",
    long: "list chart repositories
",
    flags: &[&[
        Flag::bool("no-headers", "suppress headers in the output"),
        Flag::of(
            "output",
            OUTPUT_FORMAT,
            "prints the output in the specified format. Allowed values: table, json, yaml",
        )
        .short('o')
        .default("table"),
    ]],
    arguments: Arguments::None,
    run: Some(list),
    ..Command::NEW
};

/// `helm repo remove`
pub(crate) static REMOVE: Command = Command {
    usage: "remove [REPO1 [REPO2 ...]]",
    aliases: &["rm"],
    short: "remove one or more chart repositories",
    long: "remove one or more chart repositories
",
    arguments: Arguments::AtLeast(1),
    run: Some(remove),
    ..Command::NEW
};

/// `helm repo index`
pub(crate) static INDEX: Command = Command {
    usage: "index [DIR]",
    short: "generate an index file given a directory containing packaged charts",
    long: "
Read the current directory, generate an index file based on the charts found
and write the result to 'index.yaml' in the current directory.

This tool is used for creating an 'index.yaml' file for a chart repository. To
set an absolute URL to the charts, use '--url' flag.

To merge the generated index with an existing index file, use the '--merge'
flag. In this case, the charts found in the current directory will be merged
into the index passed in with --merge, with local charts taking priority over
existing charts.
",
    flags: &[&[
        Flag::bool("json", "output in JSON format"),
        Flag::text("merge", "merge the generated index into the given index"),
        Flag::text("url", "url of chart repository"),
    ]],
    arguments: Arguments::Exactly(1),
    run: Some(index),
    ..Command::NEW
};

/// `helm repo update`
pub(crate) static UPDATE: Command = Command {
    usage: "update [REPO1 [REPO2 ...]]",
    aliases: &["up"],
    short: "update information of available charts locally from chart repositories",
    long: "
Update gets the latest information about charts from the respective chart repositories.
Information is cached locally, where it is used by commands like 'helm search'.

You can optionally specify a list of repositories you want to update.
	$ helm repo update <repo_name> ...
To update all the repositories, use 'helm repo update'.
",
    flags: &[&[Flag::duration("timeout", "time to wait for the index file download to complete").default("2m0s")]],
    arguments: Arguments::Any,
    run: Some(update),
    ..Command::NEW
};

/// Repositories that are gone for good, and what took their place.
const GONE: [(&str, &str); 2] = [
    ("//kubernetes-charts.storage.googleapis.com", "https://charts.helm.sh/stable"),
    ("//kubernetes-charts-incubator.storage.googleapis.com", "https://charts.helm.sh/incubator"),
];

fn timeout(invocation: &Invocation<'_>) -> Result<Duration, Failure> {
    // None at all is no limit in Go.
    let given = u64::try_from(invocation.duration("timeout")?).unwrap_or(0);
    Ok(if given == 0 { Duration::from_secs(24 * 3600) } else { Duration::from_nanos(given) })
}

fn add(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let [name, url] = invocation.arguments() else { return Ok(()) };
    let quoted = bowline_yaml::quote;
    if !invocation.bool("allow-deprecated-repos")
        && let Some((_, instead)) = GONE.iter().find(|(gone, _)| url.contains(gone))
    {
        let (url, instead) = (quoted(url), quoted(instead));
        return Err(Failure::new(format!("repo {url} is no longer available; try {instead} instead")));
    }
    let places = places(&invocation.settings);
    let _lock = RepositoriesLock::take(&places.repository_config)?;
    let text = match fs::read_to_string(&places.repository_config) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Failure::new(format!("open {}: {error}", places.repository_config.display())))?,
    };
    let mut repositories = Repositories::parse(&text)?;
    let username = invocation.text("username");
    let mut password = invocation.text("password");
    if !username.is_empty() && password.is_empty() {
        if invocation.bool("password-stdin") {
            password = prompt::password_from_stdin()?;
        } else {
            console::data("Password: ");
            let secret = prompt::secret();
            console::data("\n");
            password = secret?;
        }
    }
    let repository = Repository {
        name: name.clone(),
        url: url.clone(),
        username,
        password,
        tls: tls(invocation, "insecure-skip-tls-verify"),
        pass_credentials: invocation.bool("pass-credentials"),
    };
    if name.contains('/') {
        let what = "contains '/', please specify a different name without '/'";
        return Err(Failure::new(format!("repository name ({name}) {what}")));
    }
    if let Some(known) = repositories.get(name).filter(|_| !invocation.bool("force-update")) {
        if *known != repository {
            let what = "already exists, please specify a different name";
            return Err(Failure::new(format!("repository name ({name}) {what}")));
        }
        console::data(&format!("{} already exists with the same configuration, skipping\n", quoted(name)));
        return Ok(());
    }
    let fetched = download_index(&repository, &places.repository_cache, timeout(invocation)?, &terminal(invocation));
    fetched.map_err(|error| match error {
        bowline_registry::Error::Invalid(why) if why.starts_with("could not find protocol handler") => {
            Failure::new(why)
        }
        error => {
            let url = quoted(url);
            Failure::new(format!("looks like {url} is not a valid chart repository or cannot be reached: {error}"))
        }
    })?;
    repositories.update(repository);
    repositories.write(&places.repository_config)?;
    console::data(&format!("{} has been added to your repositories\n", quoted(name)));
    Ok(())
}

fn list(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let format = invocation.text("output");
    // A file that is not there or cannot be read lists nothing.
    let repositories = Repositories::load(Path::new(&invocation.settings.repository_config)).unwrap_or_default();
    if repositories.entries.is_empty() && format == "table" {
        const NONE: &str = "no repositories to show";
        if invocation.settings.compat.is_helm3() {
            return Err(Failure::new(NONE));
        }
        console::error(&format!("{NONE}\n"));
        return Ok(());
    }
    if format == "table" {
        let header = (!invocation.bool("no-headers")).then(|| vec!["NAME".to_owned(), "URL".to_owned()]);
        let rows = repositories.entries.iter().map(|entry| vec![entry.name.clone(), entry.url.clone()]);
        let rows: Vec<Vec<String>> = header.into_iter().chain(rows).collect();
        console::data(&(table(&rows, 0) + "\n"));
        return Ok(());
    }
    let entry = |entry: &Repository| {
        Ordered::Object(vec![("name", entry.name.as_str().into()), ("url", entry.url.as_str().into())])
    };
    super::print_formatted(&Ordered::List(repositories.entries.iter().map(entry).collect()), &format)
}

fn remove(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let places = places(&invocation.settings);
    let mut repositories = match Repositories::load(&places.repository_config) {
        Err(error) if error.is_not_found() => Repositories::default(),
        loaded => loaded.unwrap_or_default(),
    };
    if repositories.entries.is_empty() {
        return Err(Failure::new("no repositories configured"));
    }
    for name in invocation.arguments() {
        if !repositories.remove(name) {
            return Err(Failure::new(format!("no repo named {} found", bowline_yaml::quote(name))));
        }
        repositories.write(&places.repository_config)?;
        for file in [charts_file(&places.repository_cache, name), index_file(&places.repository_cache, name)] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::new(format!("can't remove index file {}: {error}", file.display())));
                }
                _ => {}
            }
        }
        console::data(&format!("{} has been removed from your repositories\n", bowline_yaml::quote(name)));
    }
    Ok(())
}

fn index(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let folder = std::path::absolute(&invocation.arguments()[0]).map_err(Failure::of)?;
    let folder = place::clean(&folder.to_string_lossy());
    let (merge, json) = (invocation.text("merge"), invocation.bool("json"));
    let console = terminal(invocation);
    let mut index = Index::of_directory(Path::new(&folder), &invocation.text("url"), now())?;
    if !merge.is_empty() {
        let merge = Path::new(&merge);
        let other = if merge.exists() {
            Index::load(merge, &console).map_err(|error| Failure::new(format!("merge failed: {error}")))?
        } else {
            let empty = Index::new(now());
            // As in Helm, where this cannot be written nothing is lost.
            let _ = empty.write(merge, json);
            empty
        };
        index.merge(&other);
    }
    index.sort();
    Ok(index.write(&Path::new(&folder).join("index.yaml"), json)?)
}

fn update(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let places = places(&invocation.settings);
    let none = || Failure::new("no repositories found. You must add one before updating");
    let repositories = match Repositories::load(&places.repository_config) {
        Err(error) if error.is_not_found() => return Err(none()),
        loaded => loaded.map_err(|error| {
            let file = places.repository_config.display();
            Failure::new(format!("failed loading file: {file}: {error}"))
        })?,
    };
    if repositories.entries.is_empty() {
        return Err(none());
    }
    let names = invocation.arguments();
    if let Some(unknown) = names.iter().find(|name| repositories.get(name).is_none()) {
        return Err(Failure::new(format!("no repositories found matching '{unknown}'.  Nothing will be updated")));
    }
    let wanted = |entry: &&Repository| names.is_empty() || names.contains(&entry.name);
    let wanted: Vec<&Repository> = repositories.entries.iter().filter(wanted).collect();
    console::data("Hang tight while we grab the latest from your chart repositories...\n");
    let (timeout, console) = (timeout(invocation)?, terminal(invocation));
    let fetched = in_parallel(&wanted, |entry| {
        download_index(entry, &places.repository_cache, timeout, &console).map_err(|error| error.to_string())
    });
    let mut failed = Vec::new();
    for (Repository { name, url, .. }, fetched) in wanted.into_iter().zip(fetched) {
        let shown = bowline_yaml::quote(name);
        match fetched {
            Ok(_) => console::data(&format!("...Successfully got an update from the {shown} chart repository\n")),
            Err(error) => {
                let what = "...Unable to get an update from the";
                console::data(&format!("{what} {shown} chart repository ({url}):\n\t{error}\n"));
                failed.push(url.as_str());
            }
        }
    }
    // Helm 3 fails where it is told to.
    if failed.is_empty() || invocation.settings.compat.is_helm3() && !invocation.bool("fail-on-repo-update-fail") {
        console::data("Update Complete. ⎈Happy Helming!⎈\n");
        return Ok(());
    }
    let failed = failed.join(" ");
    let what = invocation.settings.compat.either("Failed", "failed");
    Err(Failure::new(format!("{what} to update the following repositories: [{failed}]")))
}
