//! Compiled templates, and rendering with them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_chart::{Chart, Compat, Crd, Prepared, UserValues, is_compatible};
use bowline_gotemplate::{Compiled, ExecuteError, ParseError, Program, Traced};
use bowline_manifest::{Hook, Location, Manifest, ManifestSet, Source, TemplateOutput, to_json};
use bowline_yaml::{Node, NodeKind, Span, parse};

use crate::context::{Context, TemplateFile, template_files};
use crate::document::{Detail, Document, Output, documents};
use crate::error::{Fault, RenderError, execute_message, innermost_first, parse_message};
use crate::functions::{Host, program};
use crate::head::Role;
use crate::order::{install_order, parse_order};
use crate::parallel::{MANY_BYTES, work_while_making};
use crate::text::TemplateText;
use crate::{Environment, Options, schema};

/// What Go prints for a missing value; Helm deletes it.
pub(crate) const NO_VALUE: &[u8] = b"<no value>";
const NOTES: &str = "NOTES.txt";

/// A chart whose templates are compiled when they are first needed, and then kept: render it as often as wanted.
pub struct Templates {
    chart: Chart,
    /// Compiled sets by the files in them: which subcharts take part depends on the values.
    compiled: Mutex<BTreeMap<Vec<Arc<str>>, Arc<Set>>>,
    /// Objects of files of `crds/`, by where they stand: no value changes them.
    crds: Mutex<BTreeMap<String, Vec<Manifest>>>,
}

/// The compiled templates of one choice of subcharts.
struct Set {
    program: Program<Host>,
    /// In the order in which they are rendered.
    files: Vec<TemplateFile>,
    /// Whether a second thread pays.
    is_large: bool,
    compat: Compat,
}

/// One rendering, before its documents become manifests.
struct Rendered {
    prepared: Prepared,
    objects: Vec<Document>,
    hooks: Vec<(Document, Hook)>,
    crds: Vec<Crd>,
    notes: String,
}

impl Templates {
    /// The templates of a chart. Nothing is compiled yet.
    pub fn new(chart: Chart) -> Self {
        Self { chart, compiled: Mutex::default(), crds: Mutex::default() }
    }

    /// The chart.
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// Renders the chart with the user's values.
    ///
    /// # Errors
    /// In Helm's words, with the place in the template.
    pub fn render(
        &self,
        values: &UserValues,
        options: &Options,
        environment: &Rc<dyn Environment>,
    ) -> Result<ManifestSet, RenderError> {
        let rendered = self.run(values, options, environment, Detail::Objects)?;
        let mut set = ManifestSet {
            crd_files: crd_files(&rendered.crds),
            notes: rendered.notes,
            warnings: rendered.prepared.warnings,
            ..ManifestSet::default()
        };
        for crd in &rendered.crds {
            set.crds.extend(self.crd_manifests(crd)?);
        }
        set.manifests = rendered.objects.into_iter().map(|document| document.into_manifest(None)).collect();
        set.hooks = rendered.hooks.into_iter().map(|(document, hook)| document.into_manifest(Some(hook))).collect();
        Ok(set)
    }

    /// What `helm template` prints, without making objects of it.
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn template(
        &self,
        values: &UserValues,
        options: &Options,
        environment: &Rc<dyn Environment>,
        parts: TemplateOutput,
    ) -> Result<TemplateText, RenderError> {
        let Rendered { prepared, objects, hooks, crds, notes } =
            self.run(values, options, environment, Detail::Text)?;
        Ok(TemplateText { notes, warnings: prepared.warnings, crds, objects, hooks, parts })
    }

    /// What each template file writes, as it is: nothing is split, sorted or read.
    ///
    /// # Errors
    /// As [`Templates::render`].
    pub fn written(
        &self,
        values: &UserValues,
        options: &Options,
        environment: &Rc<dyn Environment>,
    ) -> Result<BTreeMap<String, Vec<u8>>, RenderError> {
        let prepared = self.chart.prepare(values)?;
        let mut written = BTreeMap::new();
        self.parsed_set(&prepared.chart)?.execute(&prepared, options, environment, &mut |output| {
            written.insert(output.path.to_string(), output.traced.into_text());
        })?;
        Ok(written)
    }

    fn run(
        &self,
        values: &UserValues,
        options: &Options,
        environment: &Rc<dyn Environment>,
        detail: Detail,
    ) -> Result<Rendered, RenderError> {
        let mut prepared = self.chart.prepare(values)?;
        if !options.skip_schema_validation {
            schema::check(&prepared.chart, &prepared.values).map_err(RenderError::Schema)?;
        }
        let wanted = &prepared.chart.metadata.kube_version;
        if !wanted.is_empty() && !is_compatible(wanted, options.kube_version.comparable()) {
            let (wanted, version) = (wanted.clone(), options.kube_version.version.clone());
            return Err(RenderError::KubeVersion { wanted, version });
        }
        let set = self.set(&prepared.chart)?;
        // Documents are read while further templates execute. An error of a template comes before any of a document.
        let mut notes = Notes {
            own: format!("{}/templates/{NOTES}", prepared.chart.name()),
            all: options.sub_notes,
            text: String::new(),
        };
        let compat = self.chart.compat;
        let read = |output: Output| {
            let path = Arc::clone(&output.path);
            (path, documents(output, detail, !set.is_large, compat, &|path, line| set.source_line(path, line)))
        };
        let (executed, mut read) = work_while_making(
            set.is_large,
            || set.parse_last_first(),
            read,
            |hand_over| {
                set.execute(&prepared, options, environment, &mut |output| {
                    if output.path.ends_with(NOTES) { notes.take(&output) } else { hand_over(output) }
                })
            },
        );
        // Helm parses everything before it executes anything.
        set.parse_all()?;
        executed?;
        read.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (mut objects, mut hooks) = (Vec::new(), Vec::new());
        for (_, found) in read {
            for (document, role) in found? {
                match role {
                    Role::Object => objects.push(document),
                    Role::Hook(hook) => hooks.push((document, hook)),
                    Role::UnknownHook(types) => prepared.warnings.push(format!("skipping unknown hooks: {types}")),
                }
            }
        }
        objects.sort_by(|a, b| install_order(&a.kind, compat).cmp(&install_order(&b.kind, compat)));
        hooks.sort_by(|(a, _), (b, _)| install_order(&a.kind, compat).cmp(&install_order(&b.kind, compat)));
        let crds = prepared.chart.crds(prepared.chart.name());
        Ok(Rendered { prepared, objects, hooks, crds, notes: notes.text })
    }

    fn crd_manifests(&self, crd: &Crd) -> Result<Vec<Manifest>, RenderError> {
        let known = self.crds.lock().unwrap_or_else(PoisonError::into_inner).get(&crd.source).cloned();
        if let Some(manifests) = known {
            return Ok(manifests);
        }
        let manifests = crd_manifests(crd)?;
        self.crds.lock().unwrap_or_else(PoisonError::into_inner).insert(crd.source.clone(), manifests.clone());
        Ok(manifests)
    }

    /// Renders the files of a prepared chart and leaves them as they are: path and content of each, in no order.
    ///
    /// # Errors
    /// As [`Templates::render`], but for what is said about documents and the cluster's version.
    pub fn files(
        &self,
        prepared: &Prepared,
        options: &Options,
        environment: &Rc<dyn Environment>,
    ) -> Result<Vec<RenderedFile>, RenderError> {
        if !options.skip_schema_validation {
            schema::check(&prepared.chart, &prepared.values).map_err(RenderError::Schema)?;
        }
        let mut files = Vec::new();
        self.parsed_set(&prepared.chart)?.execute(prepared, options, environment, &mut |output| {
            files.push(RenderedFile { path: output.path, content: output.traced.into_text() });
        })?;
        Ok(files)
    }

    /// The set of a prepared chart, all of it compiled.
    fn parsed_set(&self, chart: &Chart) -> Result<Arc<Set>, RenderError> {
        let set = self.set(chart)?;
        set.parse_all()?;
        Ok(set)
    }

    /// The set of a prepared chart. Files that define nothing may not be compiled yet.
    fn set(&self, chart: &Chart) -> Result<Arc<Set>, RenderError> {
        let files = template_files(chart);
        let key: Vec<Arc<str>> = files.iter().map(|file| Arc::clone(&file.path)).collect();
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(set) = known {
            return Ok(set);
        }
        let set = Arc::new(Set::compile(files, chart.compat)?);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&set));
        Ok(set)
    }
}

/// A file as its template wrote it, before it is taken apart into documents.
#[derive(Clone, Debug)]
pub struct RenderedFile {
    /// Path of the template, the chart's name first.
    pub path: Arc<str>,
    /// What it wrote.
    pub content: Vec<u8>,
}

impl Set {
    fn compile(mut files: Vec<TemplateFile>, compat: Compat) -> Result<Self, RenderError> {
        files.sort_by(|a, b| parse_order(&a.path, &b.path));
        let is_large = files.iter().map(|file| file.text.len()).sum::<usize>() > MANY_BYTES;
        let started = if is_large { deferred(&files, compat) } else { None };
        let program = match started {
            Some(program) => program,
            None => eager(&files, is_large, program(compat)).map_err(|error| parse_fault(&files, &error))?,
        };
        Ok(Self { program, files, is_large, compat })
    }

    /// Compiles what is not compiled yet.
    fn parse_all(&self) -> Result<(), RenderError> {
        let errors = self.files.iter().find_map(|file| self.program.parse_deferred(&file.path).err());
        errors.map_or(Ok(()), |error| Err(parse_fault(&self.files, &error)))
    }

    /// Compiles what is not compiled yet, while another thread executes what stands first.
    fn parse_last_first(&self) {
        for file in self.files.iter().rev() {
            // Errors are asked for when all is done.
            let _ = self.program.parse_deferred(&file.path);
        }
    }

    /// Executes all files in their order, and hands over what each of them writes.
    fn execute(
        &self,
        prepared: &Prepared,
        options: &Options,
        environment: &Rc<dyn Environment>,
        hand_over: &mut dyn FnMut(Output),
    ) -> Result<(), RenderError> {
        let context = Context::new(prepared, options);
        let names: Vec<Arc<str>> = context.charts.iter().map(|chart| Arc::from(chart.name.as_str())).collect();
        let mut host = Host::new(Rc::clone(environment));
        host.lint = options.lint;
        let mut session = self.program.session(host);
        for file in self.files.iter().filter(|file| !file.partial) {
            let chart = &context.charts[file.chart];
            let mut traced = Traced::expecting(file.text.len());
            if let Err(error) = session.execute(&file.path, chart.enter(file), &mut traced) {
                return Err(self.execute_fault(&error));
            }
            traced.remove(NO_VALUE);
            hand_over(Output { path: Arc::clone(&file.path), chart: Arc::clone(&names[file.chart]), traced });
        }
        Ok(())
    }

    /// A line of a template file, from 1.
    fn source_line(&self, path: &str, line: u32) -> Option<String> {
        source_line(&self.files, path, line)
    }

    fn execute_fault(&self, error: &ExecuteError) -> RenderError {
        let message = execute_message(error, self.compat);
        let mut fault = Fault { message, ..Fault::default() };
        if let ExecuteError::Failed(failed) = error {
            // A text given to `tpl` is no file that a user can open: then the place is where `tpl` stands.
            let place = innermost_first(failed).into_iter().find_map(|failed| {
                let line = self.source_line(&failed.file, failed.line)?;
                let location = Location { file: failed.file.to_string(), line: failed.line, column: failed.column + 1 };
                Some((location, line))
            });
            if let Some((location, line)) = place {
                fault.location = Some(location);
                fault.source_line = Some(line);
            }
        }
        RenderError::Template(Box::new(fault))
    }
}

/// A program with all files, compiled.
fn eager(files: &[TemplateFile], is_large: bool, mut program: Program<Host>) -> Result<Program<Host>, ParseError> {
    let compile = |(at, file): (usize, &TemplateFile)| (at, program.compile(&file.path, Arc::clone(&file.text)));
    let files = files.iter().enumerate();
    let ((), mut compiled) = work_while_making(is_large, || (), compile, |hand_over| files.for_each(hand_over));
    compiled.sort_by_key(|(at, _)| *at);
    let compiled: Result<Vec<Compiled>, ParseError> = compiled.into_iter().map(|(_, compiled)| compiled).collect();
    compiled?.into_iter().for_each(|compiled| program.add(compiled));
    Ok(program)
}

/// A program in which what defines no templates waits to be compiled; `None` where something has to be compiled first to
/// know what counts.
fn deferred(files: &[TemplateFile], compat: Compat) -> Option<Program<Host>> {
    let mut all = program(compat);
    let (waiting, defining): (Vec<&TemplateFile>, Vec<&TemplateFile>) =
        files.iter().partition(|file| all.defer(&file.path, Arc::clone(&file.text)));
    let defining: Vec<TemplateFile> = defining.into_iter().cloned().collect();
    let all = eager(&defining, true, all).ok()?;
    // A file's name that is defined elsewhere: the order decides.
    if waiting.iter().any(|file| all.is_replaced(&file.path)) { None } else { Some(all) }
}

fn source_line(files: &[TemplateFile], path: &str, line: u32) -> Option<String> {
    let file = files.iter().find(|file| &*file.path == path)?;
    let text = String::from_utf8_lossy(&file.text);
    text.lines().nth((line as usize).checked_sub(1)?).map(str::to_owned)
}

fn parse_fault(files: &[TemplateFile], error: &ParseError) -> RenderError {
    let location = Location { file: error.template.to_string(), line: error.line, column: 0 };
    RenderError::Template(Box::new(Fault {
        message: parse_message(error),
        source_line: source_line(files, &error.template, error.line),
        location: Some(location),
        rendered_line: None,
    }))
}

/// The notes: only the top chart's count, unless all are wanted.
struct Notes {
    /// Path of the top chart's.
    own: String,
    all: bool,
    text: String,
}

impl Notes {
    fn take(&mut self, output: &Output) {
        if self.all || *output.path == *self.own {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&String::from_utf8_lossy(output.traced.text()));
        }
    }
}

fn crd_files(crds: &[Crd]) -> Vec<(String, Arc<[u8]>)> {
    crds.iter().map(|crd| (crd.source.clone(), Arc::clone(&crd.file.data))).collect()
}

/// The objects of a file of `crds/`.
fn crd_manifests(crd: &Crd) -> Result<Vec<Manifest>, RenderError> {
    let text = crd.file.text();
    let nodes = parse(&text).map_err(|error| {
        let location = Location { file: crd.source.clone(), line: error.line, column: error.column };
        let message = format!("failed to install CRD {}: {error}", crd.file.name);
        RenderError::Document(Box::new(Fault { message, location: Some(location), ..Fault::default() }))
    })?;
    let source = Source { chart: crd.chart.clone(), template: crd.source.clone(), lines: Arc::from([]) };
    let text: Arc<str> = Arc::from(text.as_ref());
    let manifests = nodes.into_iter().filter(|node| !node.is_null()).map(|node| Manifest {
        text: Arc::clone(&text),
        object: to_json(&node),
        node: Arc::new(node),
        source: source.clone(),
        hook: None,
    });
    Ok(manifests.collect())
}

impl Document {
    fn into_manifest(mut self, hook: Option<Hook>) -> Manifest {
        let null = || Node { kind: NodeKind::Scalar(bowline_yaml::Value::Null), span: Span::default() };
        let node = self.node.take().unwrap_or_else(null);
        Manifest {
            text: Arc::from(String::from_utf8_lossy(self.text())),
            object: to_json(&node),
            node: Arc::new(node),
            source: Source {
                chart: self.output.chart.to_string(),
                template: self.output.path.to_string(),
                lines: self.lines,
            },
            hook,
        }
    }
}
