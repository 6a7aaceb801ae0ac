//! `job` and `gate`: what a cluster needs that runs the migrations without Bowline beside it.

use std::path::Path;

use bowline_app::{App, HookStyle};
use bowline_manifest::json_to_value;
use serde_json::{Value, json};

use crate::args::Output;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generated::refused;
use crate::printer::Printer;

/// Prints the Jobs that migrate the databases of a `bowline.yaml`.
pub(super) fn job(
    path: &Path,
    names: &[String],
    style: HookStyle,
    format: Output,
    printer: Printer,
) -> Result<Exit, Failure> {
    let app = read(path)?;
    let jobs = app.migration_jobs(&app.name, names, style).map_err(|error| refused(&error))?;
    if jobs.is_empty() {
        return Err(none(path));
    }
    match format {
        Output::Json => printer.json(&jobs),
        Output::Text => {
            jobs.iter().for_each(|job| printer.data(&format!("---\n{}", text(job))));
        }
    }
    Ok(Exit::Ok)
}

/// Prints the init containers that hold pods until the databases of a `bowline.yaml` are ready.
pub(super) fn gate(path: &Path, names: &[String], format: Output, printer: Printer) -> Result<Exit, Failure> {
    let app = read(path)?;
    let containers = app.wait_containers(names).map_err(|error| refused(&error))?;
    if containers.is_empty() {
        return Err(none(path));
    }
    let spec = json!({"initContainers": containers});
    match format {
        Output::Json => printer.json(&spec),
        Output::Text => printer.data(&text(&spec)),
    }
    Ok(Exit::Ok)
}

fn read(path: &Path) -> Result<App, Failure> {
    App::load(path).map_err(|error| Failure::because(Exit::Usage, "read the databases", &error))
}

fn text(value: &Value) -> String {
    // A value of JSON always has a text.
    bowline_yaml::emit(&json_to_value(value)).unwrap_or_default()
}

fn none(path: &Path) -> Failure {
    Failure::new(Exit::Usage, format!("no database of {} says with which image it is migrated", path.display()))
        .hint("add `image: REGISTRY/NAME:TAG` and `secret: NAME/KEY` to its entry in `databases`")
}
