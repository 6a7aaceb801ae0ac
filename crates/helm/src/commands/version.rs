//! `helm version`

use bowline_chart::Compat;
use bowline_gotemplate::{Program, Text, Traced};
use bowline_render::objects::{GO_VERSION, KUBE_CLIENT_VERSION, helm_release, helm_version};
use bowline_yaml::quote;

use crate::arguments::Arguments;
use crate::command::Command;
use crate::console;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// The text of its help, around the line that the two Helms write differently.
macro_rules! version_long {
    ($line:literal) => {
        concat!(
            r#"
Show the version for Helm.

"#,
            $line,
            r#"The output will look something like this:

version.BuildInfo{Version:"v3.2.1", GitCommit:"fe51cd1e31e6a202cba7dead9552a6d418ded79a", GitTreeState:"clean", GoVersion:"go1.13.10"}

- Version is the semantic version of the release.
- GitCommit is the SHA for the commit that this version was built from.
- GitTreeState is "clean" if there are no local code changes when this binary was
  built, and "dirty" if the binary was built from locally modified code.
- GoVersion is the version of Go that was used to compile Helm.

When using the --template flag the following properties are available to use in
the template:

- .Version contains the semantic version of Helm
- .GitCommit is the git commit
- .GitTreeState is the state of the git tree when Helm was built
- .GoVersion contains the version of Go that Helm was compiled with

For example, --template='Version: {{.Version}}' outputs 'Version: v3.2.1'.
"#
        )
    };
}
pub(crate) use version_long;

/// `helm version`
pub(crate) static VERSION: Command = Command {
    usage: "version",
    short: "print the helm version information",
    long: version_long!("This will print a representation of the version of Helm.\n"),
    flags: &[&[
        Flag::bool("short", "print the version number"),
        Flag::text("template", "template for version string format"),
    ]],
    arguments: Arguments::None,
    run: Some(run),
    ..Command::NEW
};

fn run(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let compat = invocation.settings.compat;
    let template = invocation.text("template");
    if !template.is_empty() {
        return print(&template, compat);
    }
    let release = helm_release(compat);
    console::data(&if invocation.bool("short") {
        format!("{release}\n")
    } else {
        let client = match compat {
            Compat::Helm3 => String::new(),
            Compat::Helm4 => format!(", KubeClientVersion:{}", quote(KUBE_CLIENT_VERSION)),
        };
        format!(
            "version.BuildInfo{{Version:{}, GitCommit:\"\", GitTreeState:\"\", GoVersion:{}{client}}}\n",
            quote(release),
            quote(GO_VERSION),
        )
    });
    Ok(())
}

/// Executes a template on what is known of the build. Helm gives it Go's own functions alone.
fn print(template: &str, compat: Compat) -> Result<(), Failure> {
    let mut program: Program<()> = Program::new("_", Vec::new());
    program.parse("_", Text::from(template)).map_err(Failure::of)?;
    let mut out = Traced::default();
    let result = program.session(()).execute("_", helm_version(compat), &mut out);
    console::data(&String::from_utf8_lossy(out.text()));
    result.map_err(Failure::of)
}
