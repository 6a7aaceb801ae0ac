//! `helm registry`

use bowline_registry::{Access, Credentials};

use crate::arguments::Arguments;
use crate::chart_source::{places, terminal, tls};
use crate::command::Command;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;
use crate::{console, prompt};

/// `helm registry`
pub(crate) static REGISTRY: Command = Command {
    usage: "registry",
    short: "login to or logout from a registry",
    long: "
This command consists of multiple subcommands to interact with registries.
",
    arguments: Arguments::Any,
    subcommands: &[&LOGIN, &LOGOUT],
    ..Command::NEW
};

/// `helm registry login`
pub(crate) static LOGIN: Command = Command {
    usage: "login [host]",
    short: "login to a registry",
    long: r#"
Authenticate to a remote registry.

For example for Github Container Registry:

    echo "$GITHUB_TOKEN" | helm registry login ghcr.io -u $GITHUB_USER --password-stdin
"#,
    flags: &[&[
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
        Flag::text("cert-file", "identify registry client using this SSL certificate file"),
        Flag::bool("insecure", "allow connections to TLS registry without certs"),
        Flag::text("key-file", "identify registry client using this SSL key file"),
        Flag::text("password", "registry password or identity token").short('p'),
        Flag::bool("password-stdin", "read password or identity token from stdin"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart upload"),
        Flag::text("username", "registry username").short('u'),
    ]],
    arguments: Arguments::AtLeast(1),
    run: Some(login),
    ..Command::NEW
};

/// `helm registry logout`
pub(crate) static LOGOUT: Command = Command {
    usage: "logout [host]",
    short: "logout from a registry",
    long: "
Remove credentials stored for a remote registry.
",
    arguments: Arguments::AtLeast(1),
    run: Some(logout),
    ..Command::NEW
};

fn login(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let (username, password) = who(invocation)?;
    let access =
        Access { tls: tls(invocation, "insecure"), plain_http: invocation.bool("plain-http"), ..Access::default() };
    let client = access.registry_client(&places(&invocation.settings))?;
    let credentials = Credentials { username, password, ..Credentials::default() };
    Ok(client.login(&invocation.arguments()[0], &credentials, &terminal(invocation))?)
}

/// User name and password, asked for where flags do not say them.
fn who(invocation: &Invocation<'_>) -> Result<(String, String), Failure> {
    let (mut username, password) = (invocation.text("username"), invocation.text("password"));
    if invocation.bool("password-stdin") {
        return Ok((username, prompt::password_from_stdin()?));
    }
    if !password.is_empty() {
        if invocation.settings.compat.is_helm3() {
            console::error("WARNING: Using --password via the CLI is insecure. Use --password-stdin.\n");
        } else {
            console::warn("using --password via the CLI is insecure. Use --password-stdin", &[]);
        }
        return Ok((username, password));
    }
    if username.is_empty() {
        console::data("Username: ");
        prompt::line()?.trim().clone_into(&mut username);
    }
    let what = if username.is_empty() { "Token" } else { "Password" };
    console::data(&format!("{what}: "));
    let secret = prompt::secret()?;
    console::data("\n");
    if secret.is_empty() {
        return Err(Failure::new(format!("{} required", what.to_lowercase())));
    }
    Ok((username, secret))
}

fn logout(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let client = Access::default().registry_client(&places(&invocation.settings))?;
    Ok(client.logout(&invocation.arguments()[0], &terminal(invocation))?)
}
