//! `helm create`

mod starter;

use std::fs;
use std::path::Path;

use bowline_chart::Compat;
use bowline_yaml::quote;

use crate::arguments::Arguments;
use crate::chart;
use crate::command::Command;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::place;

/// `helm create`
pub(crate) static CREATE: Command = Command {
    usage: "create NAME",
    short: "create a new chart with the given name",
    long: "
This command creates a chart directory along with the common files and
directories used in a chart.

For example, 'helm create foo' will create a directory structure that looks
something like this:

    foo/
    ├── .helmignore   # Contains patterns to ignore when packaging Helm charts.
    ├── Chart.yaml    # Information about your chart
    ├── values.yaml   # The default values for your templates
    ├── charts/       # Charts that this chart depends on
    └── templates/    # The template files
        └── tests/    # The test files

'helm create' takes a path for an argument. If directories in the given path
do not exist, Helm will attempt to create them as it goes. If the given
destination exists and there are files in that directory, conflicting files
will be overwritten, but other files will be left alone.
",
    flags: &[&[
        Flag::text("starter", "the name or absolute path to Helm starter scaffold").short('p'),
        Flag::text("chart-api-version", "").default("v2").hidden(),
    ]],
    arguments: Arguments::Exactly(1),
    run: Some(run),
    ..Command::NEW
};

/// Charts' names are at most that long.
const NAME_LENGTH: usize = 250;
/// What stands for the chart's name in the starter.
const NAME: &str = "<CHARTNAME>";

/// The starter chart, in the order in which Helm writes it.
const STARTER: [(&str, &str); 12] = [
    ("Chart.yaml", include_str!("create/starter/Chart.yaml")),
    ("values.yaml", include_str!("create/starter/values.yaml")),
    (".helmignore", include_str!("create/starter/helmignore")),
    ("templates/ingress.yaml", include_str!("create/starter/ingress.yaml")),
    ("templates/httproute.yaml", include_str!("create/starter/httproute.yaml")),
    ("templates/deployment.yaml", include_str!("create/starter/deployment.yaml")),
    ("templates/service.yaml", include_str!("create/starter/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("create/starter/serviceaccount.yaml")),
    ("templates/hpa.yaml", include_str!("create/starter/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("create/starter/NOTES.txt")),
    ("templates/_helpers.tpl", include_str!("create/starter/_helpers.tpl")),
    ("templates/tests/test-connection.yaml", include_str!("create/starter/test-connection.yaml")),
];

/// Comments of `values.yaml`, and how Helm 3 writes them.
const COMMENTS: [(&str, &str); 8] = [
    ("should be created.\n", "should be created\n"),
    ("to add to the service account.\n", "to add to the service account\n"),
    ("using the fullname template.\n", "using the fullname template\n"),
    (
        "    # - secretName: chart-example-tls\n    #   hosts:\n    #     - ",
        "  #  - secretName: chart-example-tls\n  #    hosts:\n  #      - ",
    ),
    ("  # - name: foo\n  #   secret:\n", "# - name: foo\n#   secret:\n"),
    ("  #     secretName: mysecret\n  #     optional: false\n", "#     secretName: mysecret\n#     optional: false\n"),
    ("  # - name: foo\n  #   mountPath", "# - name: foo\n#   mountPath"),
    ("  #   readOnly: true\n", "#   readOnly: true\n"),
];

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let Some(path) = invocation.arguments().first() else { return Ok(()) };
    console::data(&format!("Creating {path}\n"));
    match invocation.text("chart-api-version").as_str() {
        "v2" | "" => {}
        "v3" => {
            return Err(Failure::new(
                "this feature has been marked as experimental and is not enabled by default. Please set \
                 HELM_EXPERIMENTAL_CHART_V3=1 in your environment to use this feature",
            ));
        }
        version => {
            return Err(Failure::new(format!("unsupported chart API version: {version} (supported: v2, v3)")));
        }
    }
    let (name, folder) = (place::base(path), place::directory(path));
    let starter = invocation.text("starter");
    if starter.is_empty() {
        create(&name, &folder, invocation.settings.compat)
    } else {
        starter::create(&starter, &name, &folder)
    }
}

fn create(name: &str, folder: &str, compat: Compat) -> Result<(), Failure> {
    if name.is_empty() || name.len() > NAME_LENGTH {
        return Err(Failure::new(format!("chart name must be between 1 and {NAME_LENGTH} characters")));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return Err(Failure::new("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""));
    }
    let folder = chart::absolute(folder);
    let shown = folder.to_string_lossy();
    let found = fs::metadata(&folder).map_err(|error| io_failure("stat", &folder, &error))?;
    if !found.is_dir() {
        return Err(Failure::new(format!("no such directory {shown}")));
    }
    let own = folder.join(name);
    if fs::metadata(&own).is_ok_and(|found| !found.is_dir()) {
        return Err(Failure::new(format!("file {} already exists and is not a directory", own.to_string_lossy())));
    }
    for (path, text) in STARTER {
        let path = own.join(path);
        if path.exists() {
            let shown = quote(&path.to_string_lossy());
            console::data(&format!("WARNING: File {shown} already exists. Overwriting.\n"));
        }
        let mut text = text.replace(NAME, name);
        if compat.is_helm3() && path.ends_with("values.yaml") {
            text = COMMENTS.iter().fold(text, |text, (helm4, helm3)| text.replace(helm4, helm3));
        }
        write(&path, text.as_bytes())?;
    }
    let charts = own.join("charts");
    fs::create_dir_all(&charts).map_err(|error| io_failure("mkdir", &charts, &error))
}

fn write(path: &Path, data: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| io_failure("mkdir", parent, &error))?;
    }
    fs::write(path, data).map_err(|error| io_failure("open", path, &error))
}

fn io_failure(operation: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{operation} {}: {}", path.to_string_lossy(), bowline_chart::go_io_reason(error)))
}
