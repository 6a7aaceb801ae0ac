//! `--starter`: a chart from another one.

use std::path::Path;

use bowline_chart::Compat;

use crate::chart;
use crate::failure::Failure;
use crate::place;

/// Copies the starter: its name is replaced in values and templates, its `Chart.yaml` is made anew.
pub(super) fn create(starter: &str, name: &str, folder: &str) -> Result<(), Failure> {
    let source =
        if starter.starts_with('/') { starter.to_owned() } else { place::join(&[&place::data("starters"), starter]) };
    let loaded = chart::load(Path::new(&source), Compat::default());
    let starter =
        loaded.map_err(|failure| Failure::new(format!("could not load {source}: {}", missing(&source, failure))))?;
    if let Some(subchart) = starter.dependencies.first() {
        return Err(Failure::new(format!(
            "--starter is not carried out by Bowline for charts with others in them: {} nothing was written",
            subchart.name()
        )));
    }
    let metadata = bowline_chart::Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: "v2".to_owned(),
        ..bowline_chart::Metadata::default()
    };
    let own = Path::new(folder).join(name);
    if std::fs::metadata(&own).is_ok_and(|found| !found.is_dir()) {
        return Err(Failure::new(format!("file {} already exists and is not a directory", own.to_string_lossy())));
    }
    let named = |data: &[u8]| String::from_utf8_lossy(data).replace(super::NAME, name).into_bytes();
    super::write(&own.join("Chart.yaml"), bowline_registry::chart_yaml(&metadata).map_err(Failure::of)?.as_bytes())?;
    if let Some(values) = &starter.values_text {
        super::write(&own.join("values.yaml"), &named(values.as_bytes()))?;
    }
    if let Some(schema) = &starter.schema {
        super::write(&own.join("values.schema.json"), schema)?;
    }
    for template in &starter.templates {
        super::write(&own.join(&*template.name), &named(&template.data))?;
    }
    for file in &starter.files {
        super::write(&own.join(&*file.name), &file.data)?;
    }
    Ok(())
}

/// Helm looks at the path before it looks for a chart.
fn missing(path: &str, failure: Failure) -> String {
    if Path::new(path).exists() { failure.message } else { format!("stat {path}: no such file or directory") }
}
