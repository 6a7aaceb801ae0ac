mod difference;
mod files;
mod listing;

use bowline_chart::{Compat, UserValues, glob_match};
use bowline_helm::Server;
use bowline_manifest::{Manifest, ManifestSet};
use bowline_render::{show_only, suggest};

use super::values::{self, Unused};
use crate::application::{self, Application};
use crate::args::{self, DryRun, TemplateOutput};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::target::Target;

/// Prints the chart's manifests, byte for byte as `helm template` does; or, when asked, in another form, only some of them,
/// into files, or as what differs from something else.
pub(crate) fn run(arguments: &args::Template, cluster: &str, printer: Printer) -> Result<Exit, Failure> {
    let mut application = application::load(&arguments.application)?;
    if arguments.validate || arguments.dry_run == DryRun::Server {
        let connected = async { Ok(Target::connect(&arguments.target, cluster).await?.cluster) };
        let failed = |error| Failure::because(Exit::Failed, "start the runtime", &error);
        application.ask(Server::new(connected, failed)?);
    }
    let user = application.user_values()?;
    // Looking for what is unused takes its time: only where there is something, and where somebody looks.
    let looks = !user.values().is_empty() && (arguments.strict || !printer.is_quiet());
    let unused = || -> Result<Vec<Unused>, Failure> {
        if !looks {
            return Ok(Vec::new());
        }
        let (prepared, reads) = application.reads(&user)?;
        Ok(values::unused(&application, &prepared, &user, &reads))
    };
    if arguments.strict {
        values::finish(&unused()?, true, printer)?;
    }
    if arguments.diff.is_some() || arguments.output != TemplateOutput::Text {
        let set = manifests(&application, arguments, &user, printer)?;
        return match &arguments.diff {
            Some(old) => difference::run(&set, old, &application, arguments, cluster, printer),
            None => {
                listing::print(&set, arguments.output, printer);
                values::finish(&unused()?, arguments.strict, printer)
            }
        };
    }
    let rendered = application.template(arguments, &user)?;
    if application.is_asking() {
        application.check_objects(&rendered.manifest(), arguments.is_upgrade)?;
    }
    rendered.warnings.iter().for_each(|warning| printer.warn(warning));
    if arguments.show_only.is_empty() && arguments.output_dir.is_none() {
        printer.rendered(&rendered);
    } else {
        let mut text = rendered.text();
        if !arguments.show_only.is_empty() {
            text = only(&text, application.compat(), &arguments.show_only)?;
        }
        match &arguments.output_dir {
            Some(folder) => files::write(&text, application.compat(), folder, printer)?,
            None => printer.data(&text),
        }
    }
    let exit = values::finish(&unused()?, arguments.strict, printer);
    // The process ends now: to give back a large chart's memory piece by piece would be a good part of its time.
    std::mem::forget((application, user, rendered));
    exit
}

/// The manifests that the arguments ask for.
fn manifests(
    application: &Application,
    arguments: &args::Template,
    user: &UserValues,
    printer: Printer,
) -> Result<ManifestSet, Failure> {
    let mut set = application.manifests(arguments, user)?;
    if application.is_asking() {
        application.check_objects(&set.release_manifest(), arguments.is_upgrade)?;
    }
    set.warnings.iter().for_each(|warning| printer.warn(warning));
    if !arguments.include_crds {
        set.crds.clear();
    }
    if arguments.no_hooks {
        set.hooks.clear();
    }
    if !arguments.show_only.is_empty() {
        let all = set.crds.iter().chain(&set.manifests).chain(&set.hooks);
        let paths: Vec<String> = all.map(|manifest| path_in_chart(manifest).to_owned()).collect();
        for pattern in &arguments.show_only {
            if !paths.iter().any(|path| matches(pattern, path)) {
                return Err(no_template(pattern, paths.iter().map(String::as_str)));
            }
        }
        let wanted = |manifest: &Manifest| arguments.show_only.iter().any(|p| matches(p, path_in_chart(manifest)));
        [&mut set.crds, &mut set.manifests, &mut set.hooks].into_iter().for_each(|list| list.retain(wanted));
    }
    Ok(set)
}

/// The path of a manifest's template below the chart, as `--show-only` names it.
fn path_in_chart(manifest: &Manifest) -> &str {
    manifest.source.template.split_once('/').map_or(&manifest.source.template, |(_, path)| path)
}

fn matches(pattern: &str, path: &str) -> bool {
    glob_match(pattern, path).unwrap_or(false)
}

/// The documents of an output that come from the templates asked for, as Helm prints them.
fn only(text: &str, compat: Compat, wanted: &[String]) -> Result<String, Failure> {
    let documents = show_only::documents(text, compat);
    let mut out = String::new();
    for pattern in wanted {
        let length = out.len();
        for document in documents.iter().filter(|document| document.comes_from(pattern)) {
            for part in ["---\n", document.text, "\n"] {
                out.push_str(part);
            }
        }
        if out.len() == length {
            return Err(no_template(pattern, documents.iter().filter_map(|document| document.template)));
        }
    }
    Ok(out)
}

fn no_template<'t>(pattern: &str, paths: impl Iterator<Item = &'t str>) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("could not find template {pattern} in chart"));
    let paths: Vec<&str> = paths.collect();
    // Many give only the last part of the path.
    let ends = paths.iter().find(|path| path.strip_suffix(pattern).is_some_and(|head| head.ends_with('/'))).copied();
    match ends.or_else(|| suggest::nearest(pattern, paths.iter().copied())) {
        Some(near) => failure.hint(format!("--show-only {near}")),
        None => failure.hint("bowline template --output name   lists what there is; * stands for a part of a name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_templates_asked_for() {
        let text = "---\n# Source: app/templates/a.yaml\na: 1\n---\n# Source: app/templates/b.yaml\nb: 1\n";
        let wanted = |pattern: &str| only(text, Compat::Helm4, &[pattern.to_owned()]);
        assert_eq!(wanted("templates/b*").unwrap(), "---\n# Source: app/templates/b.yaml\nb: 1\n\n");
        assert_eq!(wanted("b.yaml").unwrap_err().hints, ["--show-only templates/b.yaml"]);
        assert_eq!(wanted("templates/aa.yaml").unwrap_err().hints, ["--show-only templates/a.yaml"]);
    }
}
