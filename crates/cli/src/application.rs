//! The application a command is about: `bowline.yaml`, its chart, its values, and what they render to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use bowline_app::{App, AppError};
use bowline_chart::{Chart, Compat, Origin, Prepared, UserValues, ValueOrigin, ValueSources};
use bowline_cluster::Cluster;
use bowline_engine::{DeployRequest, Engine, SchemaGate};
use bowline_helm::{ChartReference, Check, Machine, Server};
use bowline_manifest::{ManifestSet, TemplateOutput};
use bowline_render::{
    Environment, KubeVersion, Options, Problem, Reads, RenderError, TemplateText, Templates, is_sensitive, suggest,
};
use tokio::runtime::Handle;

use crate::args;
use crate::databases;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generated;
use crate::printer::Printer;
use crate::record;
use crate::report;

/// The program of a local image that is Bowline itself.
const BOWLINE: &str = "${bowline}";

/// What a placeholder of a store stands for where no store runs: checks and rehearsals never connect.
const NO_STORE: &str = "postgres://nobody@store.invalid/none";

/// An application with everything that was said on the command line.
pub(crate) struct Application {
    /// Release name.
    pub(crate) name: String,
    /// Namespace of the release.
    pub(crate) namespace: String,
    /// The file.
    pub(crate) app: App,
    /// Where it was read from, as the user wrote it.
    path: PathBuf,
    values: args::Values,
    placeholders: Option<BTreeMap<String, String>>,
    templates: Templates,
    /// Who answers `lookup`, where somebody is to be asked.
    server: Option<Rc<Server>>,
}

/// An application, rendered.
pub(crate) struct Rendered {
    /// All that the engine needs to deploy it.
    pub(crate) request: DeployRequest,
}

/// Reads the application and its chart.
pub(crate) fn load(arguments: &args::Application) -> Result<Application, Failure> {
    let mut app = match fetched(arguments)? {
        Some(app) => app,
        None => App::load(&arguments.path).map_err(|error| of_app(&arguments.path, &error))?,
    };
    let itself = std::env::current_exe();
    for program in app.local.images.values_mut().filter_map(|image| image.command.first_mut()) {
        if let (BOWLINE, Ok(path)) = (program.as_str(), &itself) {
            *program = path.to_string_lossy().into_owned();
        }
    }
    app.chart = as_written(&app.chart);
    for path in app.values.iter_mut().chain(&mut app.local.values) {
        *path = as_written(path);
    }
    let compat = compat(arguments, &app)?;
    let chart = Chart::load_contained(&app.chart, compat).map_err(|error| {
        let mut failure = unreadable(format!("the chart {} cannot be read", app.chart.display()), &error);
        if error.to_string().contains(" is a link to ") {
            failure =
                failure.hint(format!("bowline helm template {}   follows links, as Helm does", app.chart.display()));
        }
        match error {
            bowline_chart::Error::NotFound { path } => near_path(failure, Path::new(&path)),
            _ => failure,
        }
    })?;
    chart.check_installable().map_err(|error| {
        Failure::because(Exit::Usage, format!("use the chart {}", app.chart.display()), &error)
            .hint("helm dependency build CHART   lays the dependencies out below charts/")
    })?;
    Ok(Application {
        name: arguments.name.clone().unwrap_or_else(|| app.name.clone()),
        namespace: arguments.namespace.clone().unwrap_or_else(|| app.namespace.clone()),
        path: arguments.path.clone(),
        values: arguments.values.clone(),
        placeholders: None,
        templates: Templates::new(chart),
        server: None,
        app,
    })
}

/// Which Helm is meant: `--compat`, else the file.
fn compat(arguments: &args::Application, app: &App) -> Result<Compat, Failure> {
    let given = app.compat.map(|number| number.to_string());
    let in_file = given.as_deref().map(str::parse::<Compat>).transpose().map_err(|error| {
        Failure::because(Exit::Usage, format!("read `compat` of {}", bowline_app::FILE_NAME), &error)
            .hint("compat: 3   or   compat: 4")
    })?;
    Ok(arguments.compat.or(in_file).unwrap_or_default())
}

/// The application that a chart somewhere else makes, where the arguments name one.
fn fetched(arguments: &args::Application) -> Result<Option<App>, Failure> {
    let given = arguments.path.to_string_lossy();
    let text = |option: &Option<String>| option.clone().unwrap_or_default();
    let (repository, version) = (text(&arguments.repo), text(&arguments.version));
    let chart = ChartReference { name: &given, repository: &repository, version: &version };
    if !chart.is_remote() {
        return Ok(None);
    }
    let path = chart.fetch().map_err(|error| {
        let failure = Failure::because(Exit::Usage, format!("fetch the chart {given}"), &error);
        failure.hint("bowline helm search repo NAME   bowline helm repo update   bowline helm registry login HOST")
    })?;
    // `web` of `oci://host/charts/web:1.0` and of `https://host/web-1.0.tgz`: the chart says it itself.
    let name = Chart::load(&path).map(|chart| chart.metadata.name).unwrap_or_default();
    Ok(Some(App::of_chart(path, name)))
}

/// A path below the working directory as a person there would write it.
fn as_written(path: &Path) -> PathBuf {
    let below =
        std::env::current_dir().ok().and_then(|directory| path.strip_prefix(directory).ok().map(Path::to_owned));
    match below {
        Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Some(below) => below,
        None => path.to_owned(),
    }
}

impl Application {
    /// From now on, what holds on the embedded cluster holds: local values, and the placeholders that stand for stores.
    pub(crate) fn use_embedded(&mut self, placeholders: &BTreeMap<String, String>) {
        self.placeholders = Some(placeholders.clone());
    }

    /// From now on, renderings ask this server.
    pub(crate) fn ask(&mut self, server: Server) {
        self.server = Some(Rc::new(server));
    }

    /// Whether renderings ask a server.
    pub(crate) fn is_asking(&self) -> bool {
        self.server.is_some()
    }

    /// What the server that is asked says to the objects of a manifest.
    pub(crate) fn check_objects(&self, manifest: &str, is_upgrade: bool) -> Result<(), Failure> {
        let Some(server) = &self.server else { return Ok(()) };
        let (release, namespace) = (self.name.as_str(), self.namespace.as_str());
        let check = Check { release, namespace, validate: true, adopts: (!is_upgrade).then_some(false) };
        server.check(manifest, check).map_err(|why| {
            Failure::new(Exit::Failed, why)
                .hint("bowline template --dry-run client   asks no cluster; --is-upgrade lets objects be there already")
        })
    }

    fn environment(&self) -> Rc<dyn Environment> {
        Rc::new(Machine::now().asking(self.server.clone()))
    }

    /// Which Helm the chart is rendered as.
    pub(crate) fn compat(&self) -> Compat {
        self.templates.chart().compat
    }

    /// Renders a first install, for looking at it: local values hold, and stores have an address that leads nowhere.
    pub(crate) fn render(&mut self) -> Result<Rendered, Failure> {
        let stores = self.app.local.stores.keys().map(|name| (format!("stores.{name}.url"), NO_STORE.to_owned()));
        self.placeholders = Some(stores.collect());
        self.render_as(&Options::install(&self.name, &self.namespace))
    }

    /// Renders what the next deployment of the release on this cluster would be.
    pub(crate) async fn render_for(&mut self, engine: &Engine) -> Result<Rendered, Failure> {
        let next = engine.next(&self.name, &self.namespace).await;
        let next = next.map_err(|error| Failure::of_engine(format!("look at release {}", self.name), &error))?;
        let version = engine.cluster().server_version().await.map_err(|error| {
            Failure::because(Exit::Failed, "ask the cluster for its version", &error).hint("kubectl version")
        })?;
        let mut options = Options::install(&self.name, &self.namespace);
        options.revision = i64::from(next.revision);
        options.is_upgrade = !next.is_install;
        options.kube_version = KubeVersion::of_server(&version.git_version, &version.major, &version.minor);
        let versions = engine.cluster().api_versions().await;
        options.api_versions =
            versions.map_err(|error| Failure::because(Exit::Failed, "ask the cluster what it serves", &error))?;
        options.only_api_versions = true;
        // A chart that keeps a password by looking for its Secret must find it.
        self.ask(Server::within(engine.cluster().clone(), Handle::current()));
        let mut rendered = self.render_as(&options)?;
        rendered.request.expected_revision = Some(next.revision);
        Ok(rendered)
    }

    /// What asks its databases before anything is promoted; says what for.
    pub(crate) fn schema_gate(
        &self,
        cluster: &Cluster,
        printer: Printer,
    ) -> Result<Option<Arc<dyn SchemaGate>>, Failure> {
        let place = (cluster, self.namespace.as_str());
        let gate = databases::gate(&self.app, &self.path, self.placeholders.as_ref(), place)?;
        Ok(gate.map(|gate| {
            gate.says.iter().for_each(|line| printer.progress(&format!("{line} before anything is promoted")));
            gate.asks
        }))
    }

    /// The text of `helm template`, from the values of the command line and of `bowline.yaml`, without local ones.
    pub(crate) fn template(&self, arguments: &args::Template, values: &UserValues) -> Result<TemplateText, Failure> {
        let options = self.template_options(arguments)?;
        let parts = TemplateOutput { crds: arguments.include_crds, no_hooks: arguments.no_hooks, skip_tests: false };
        let rendered = self.templates.template(values, &options, &self.environment(), parts);
        rendered.map_err(|error| self.of_render(&error, values, &options))
    }

    /// The objects behind that text.
    pub(crate) fn manifests(&self, arguments: &args::Template, values: &UserValues) -> Result<ManifestSet, Failure> {
        let options = self.template_options(arguments)?;
        let rendered = self.templates.render(values, &options, &self.environment());
        rendered.map_err(|error| self.of_render(&error, values, &options))
    }

    fn template_options(&self, arguments: &args::Template) -> Result<Options, Failure> {
        let mut options = Options::install(&self.name, &self.namespace);
        options.is_upgrade = arguments.is_upgrade;
        options.skip_schema_validation = arguments.skip_schema_validation;
        options.api_versions.clone_from(&arguments.api_versions);
        if let Some(server) = &self.server {
            let failed = |why| Failure::new(Exit::Failed, format!("ask the cluster what it serves: {why}"));
            server.prepare(&mut options).map_err(failed)?;
        } else if let Some(version) = &arguments.kube_version {
            options.kube_version = KubeVersion::of_flag(version, self.compat()).map_err(|error| {
                Failure::new(Exit::Usage, format!("--kube-version: {error}")).hint("--kube-version 1.36")
            })?;
        }
        Ok(options)
    }

    fn render_as(&self, options: &Options) -> Result<Rendered, Failure> {
        let values = self.user_values()?;
        let manifests = self.templates.render(&values, options, &self.environment());
        let mut manifests = manifests.map_err(|error| self.of_render(&error, &values, options))?;
        generated::add(&self.app, &self.name, &mut manifests)?;
        let mut request = DeployRequest::new(&self.name, &self.namespace, manifests);
        request.chart = record::of_chart(self.templates.chart());
        request.config = record::of_values(values.values());
        Ok(Rendered { request })
    }

    /// The chart as it takes part for these values, and what its templates may read of them.
    pub(crate) fn reads(&self, values: &UserValues) -> Result<(Prepared, Reads), Failure> {
        let chart = self.templates.chart();
        let doing = || format!("the values of the chart {} cannot be merged", self.app.chart.display());
        let prepared = chart.prepare(values).map_err(|error| unreadable(doing(), &error))?;
        let reads = Reads::of(&prepared, chart);
        Ok((prepared, reads))
    }

    /// Where a value came from, as a person would say it.
    pub(crate) fn origin_text(&self, origin: &ValueOrigin) -> String {
        let ValueOrigin::User(Origin::Flag { name, text }) = origin else { return origin.to_string() };
        let key = text.split('=').next().unwrap_or_default();
        let own = *name == "--set" && self.app.set.contains_key(key) && !self.values.set.contains(text);
        if own {
            return format!("{}, set", bowline_app::FILE_NAME);
        }
        // The text of a flag shows its value.
        if is_sensitive(key) { format!("{name} {key}=***") } else { origin.to_string() }
    }

    pub(crate) fn user_values(&self) -> Result<UserValues, Failure> {
        let mut sources = ValueSources { compat: self.compat(), ..ValueSources::default() };
        let paths =
            |paths: &[PathBuf]| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
        sources.files = paths(&self.app.values);
        sources.set = self.settings(&self.app.set)?;
        if self.placeholders.is_some() {
            sources.files.extend(paths(&self.app.local.values));
            sources.set.extend(self.settings(&self.app.local.set)?);
        }
        let args::Values { files, set, set_string, set_json, set_file, set_literal } = self.values.clone();
        sources.files.extend(files);
        sources.set.extend(set);
        (sources.string, sources.json, sources.file, sources.literal) = (set_string, set_json, set_file, set_literal);
        UserValues::load_with(&sources, &bowline_helm::fetch_values).map_err(|error| {
            let failure = unreadable("the values cannot be read".to_owned(), &error);
            let missing = sources
                .files
                .iter()
                .map(Path::new)
                .find(|path| !path.exists() && path != &Path::new("-") && !path.to_string_lossy().contains("://"));
            missing.map(|path| near_path(failure.clone(), path)).unwrap_or(failure)
        })
    }

    /// Entries of `set` as `--set` takes them, with their placeholders filled in.
    fn settings(&self, set: &BTreeMap<String, String>) -> Result<Vec<String>, Failure> {
        let none = BTreeMap::new();
        let known = self.placeholders.as_ref().unwrap_or(&none);
        set.iter()
            .map(|(key, text)| {
                let filled = bowline_app::fill(text, known).map_err(|error| {
                    Failure::because(Exit::Usage, format!("fill in `set: {key}` of {}", bowline_app::FILE_NAME), &error)
                        .hint(format!("bowline deploy --set {key}=…   gives the value by hand"))
                })?;
                // What was filled in is meant literally; what the user wrote keeps the meaning that `--set` gives it.
                Ok(if filled == *text { format!("{key}={text}") } else { format!("{key}={}", literal(&filled)) })
            })
            .collect()
    }

    /// What is wrong, with every place that shows it: found by rendering once more.
    fn of_render(&self, error: &RenderError, values: &UserValues, options: &Options) -> Failure {
        let problems = self.templates.diagnose(values, options, &self.environment());
        let chart = self.app.chart.display();
        match problems.len() {
            // What went wrong the first time does not the second time: chance is at work in the templates.
            0 => Failure::because(Exit::Failed, format!("render the chart {chart}"), error),
            1 => Failure::new(Exit::Failed, format!("the chart {chart} does not render: 1 problem")).problems(problems),
            count => {
                let message = format!("the chart {chart} does not render: {count} problems");
                Failure::new(Exit::Failed, message).problems(problems)
            }
        }
    }
}

/// A value in the syntax of `--set` that stays what it is.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, letter) in text.chars().enumerate() {
        if matches!(letter, '\\' | ',') || (index == 0 && letter == '{') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn of_app(path: &Path, error: &AppError) -> Failure {
    let failure = Failure::because(Exit::Usage, format!("read the application {}", path.display()), error);
    match error {
        AppError::NotFound { .. } => {
            near_path(failure, path).hint("bowline up PATH, where PATH is a folder with a bowline.yaml or a chart")
        }
        AppError::Parse { path, line, column, .. } => {
            let text = std::fs::read_to_string(path).ok();
            let source = text.and_then(|text| text.lines().nth(line.saturating_sub(1) as usize).map(str::to_owned));
            failure.details(report::of_place(&path.to_string_lossy(), *line as u32, *column as u32, source))
        }
        AppError::Read { .. } => failure,
    }
}

/// A chart or values that cannot be read, with the line at fault where there is one.
fn unreadable(message: String, error: &bowline_chart::Error) -> Failure {
    let text = error.place().and_then(|place| std::fs::read_to_string(&place.file).ok());
    Failure::new(Exit::Usage, message).problems(vec![Problem::of_values(error, text.as_deref())])
}

/// Says what is there under a name much like the one of a path that is not there.
fn near_path(failure: Failure, path: &Path) -> Failure {
    // The part of the path that is wrong is the first that does not exist.
    let Some(wrong) = path.ancestors().filter(|part| !part.as_os_str().is_empty() && !part.exists()).last() else {
        return failure;
    };
    let folder = wrong.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let name = wrong.file_name().unwrap_or_default().to_string_lossy();
    match suggest::nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => {
            let near = folder.map_or_else(|| PathBuf::from(near), |folder| folder.join(near));
            let rest = path.strip_prefix(wrong).unwrap_or(Path::new(""));
            let near = if rest.as_os_str().is_empty() { near } else { near.join(rest) };
            failure.hint(format!("did you mean {}?", near.display()))
        }
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_in_value_keeps_its_commas() {
        assert_eq!(literal(r"{a,b\c"), r"\{a\,b\\c");
    }
}
