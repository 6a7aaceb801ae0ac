//! `helm completion`

use crate::arguments::Arguments;
use crate::command::Command;
use crate::commands::NOT_YET;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// `helm completion`
pub(crate) static COMPLETION: Command = Command {
    usage: "completion",
    short: "generate autocompletion scripts for the specified shell",
    long: "
Generate autocompletion scripts for Helm for the specified shell.
",
    arguments: Arguments::None,
    subcommands: &[&BASH, &ZSH, &FISH, &POWERSHELL],
    ..Command::NEW
};

/// `helm completion bash`
pub(crate) static BASH: Command = Command {
    usage: "bash",
    short: "generate autocompletion script for bash",
    long: "
Generate the autocompletion script for Helm for the bash shell.

To load completions in your current shell session:

    source <(helm completion bash)

To load completions for every new session, execute once:
- Linux:

      helm completion bash > /etc/bash_completion.d/helm

- MacOS:

      helm completion bash > /usr/local/etc/bash_completion.d/helm
",
    flags: &[&[Flag::bool("no-descriptions", "disable completion descriptions")]],
    arguments: Arguments::None,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm completion zsh`
pub(crate) static ZSH: Command = Command {
    usage: "zsh",
    short: "generate autocompletion script for zsh",
    long: r#"
Generate the autocompletion script for Helm for the zsh shell.

To load completions in your current shell session:

    source <(helm completion zsh)

To load completions for every new session, execute once:

    helm completion zsh > "${fpath[1]}/_helm"
"#,
    flags: &[&[Flag::bool("no-descriptions", "disable completion descriptions")]],
    arguments: Arguments::None,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm completion fish`
pub(crate) static FISH: Command = Command {
    usage: "fish",
    short: "generate autocompletion script for fish",
    long: "
Generate the autocompletion script for Helm for the fish shell.

To load completions in your current shell session:

    helm completion fish | source

To load completions for every new session, execute once:

    helm completion fish > ~/.config/fish/completions/helm.fish

You will need to start a new shell for this setup to take effect.
",
    flags: &[&[Flag::bool("no-descriptions", "disable completion descriptions")]],
    arguments: Arguments::None,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

/// `helm completion powershell`
pub(crate) static POWERSHELL: Command = Command {
    usage: "powershell",
    short: "generate autocompletion script for powershell",
    long: r#"
Generate the autocompletion script for powershell.

To load completions in your current shell session:
PS C:\> helm completion powershell | Out-String | Invoke-Expression

To load completions for every new session, add the output of the above command
to your powershell profile.
"#,
    flags: &[&[Flag::bool("no-descriptions", "disable completion descriptions")]],
    arguments: Arguments::None,
    run: Some(run),
    missing: Some(NOT_YET),
    ..Command::NEW
};

fn run(_invocation: &Invocation<'_>) -> Result<(), Failure> {
    Err(Failure::new("not carried out"))
}
