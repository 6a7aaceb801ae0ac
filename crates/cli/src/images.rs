//! The local programs that stand in for images: built where they are missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bowline_app::{App, LocalImage};
use tokio::process::Command;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Runs the `build` command of every image whose program is missing, or of all where `anew`; each command once.
pub(crate) async fn build(app: &App, anew: bool, printer: Printer) -> Result<(), Failure> {
    let mut done = BTreeSet::new();
    for (name, image) in &app.local.images {
        let missing = program(image).is_none();
        let (Some(command), true) = (&image.build, anew || missing) else {
            if missing && !image.command.is_empty() {
                return Err(no_program(name, image));
            }
            continue;
        };
        if done.insert((command, &image.workdir)) {
            printer.progress(&format!("building {name}: {command}"));
            run(command, image.workdir.as_deref())
                .await
                .map_err(|failure| failure.hint(format!("{command}   in the folder of bowline.yaml")))?;
        }
        if program(image).is_none() {
            return Err(no_program(name, image));
        }
    }
    Ok(())
}

async fn run(command: &str, folder: Option<&Path>) -> Result<(), Failure> {
    let mut shell = Command::new("sh");
    // What the build prints is progress: stdout is kept for data.
    shell.arg("-c").arg(format!("({command}) >&2")).stdin(std::process::Stdio::null()).kill_on_drop(true);
    if let Some(folder) = folder {
        shell.current_dir(folder);
    }
    let status = shell.status().await.map_err(|e| Failure::because(Exit::Failed, format!("run `{command}`"), &e))?;
    if status.success() { Ok(()) } else { Err(Failure::new(Exit::Failed, format!("`{command}` failed ({status})"))) }
}

fn program(image: &LocalImage) -> Option<PathBuf> {
    let name = image.command.first()?;
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = image.path.iter().cloned().chain(std::env::split_paths(&inherited));
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn no_program(name: &str, image: &LocalImage) -> Failure {
    let program = image.command.first().map_or("", String::as_str);
    let failure = Failure::new(Exit::Usage, format!("image {name}: its program '{program}' is not there"));
    match &image.build {
        Some(build) => failure.hint(format!("{build}   does not make it; see local.images.{name} in bowline.yaml")),
        None => failure.hint(format!("build it, or name a `build` command in local.images.{name} in bowline.yaml")),
    }
}
