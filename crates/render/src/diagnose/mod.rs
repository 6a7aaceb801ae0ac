//! Everything that is wrong with a rendering, for a person to read: every failing template and not the first alone, every
//! place on the way, where the values came from, and what was probably meant. Rendering pays nothing for it: it is run once
//! more when it has failed.

mod excerpt;
mod subject;

use std::rc::Rc;

use bowline_chart::{Chart, Prepared, Provenance, UserValues, is_compatible};
use bowline_gotemplate::{Blame, ExecError, ExecuteError, Failure, ParseError, Program, Step, Text, Traced};
use bowline_yaml::parse_first;

use crate::context::{ChartContext, Context, TemplateFile, template_files};
use crate::functions::{Host, WARNING_END, WARNING_START, program};
use crate::head::Head;
use crate::order::parse_order;
use crate::split::split;
use crate::suggest::nearest;
use crate::templates::NO_VALUE;
use crate::{Environment, Options, Templates};

pub use excerpt::{Excerpt, Mark};
pub use subject::is_sensitive;

/// Something that is wrong, and the places that show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in Helm's or Go's words.
    pub message: String,
    /// The place at fault first, then the calls that led there from the innermost on, then where values came from.
    pub excerpts: Vec<Excerpt>,
    /// Facts without a place.
    pub notes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Problem {
    /// A problem without a place.
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// A chart or values that cannot be read; `text` is that of the file at fault, where it is known.
    pub fn of_values(error: &bowline_chart::Error, text: Option<&str>) -> Self {
        let mut problem = Self::new(error.to_string());
        if let bowline_chart::Error::Flag { name, text, span, .. } = error {
            problem.excerpts.push(Excerpt::of_span((*name).to_owned(), text.as_bytes(), span));
        }
        problem.excerpts.extend(error.place().filter(|place| place.line > 0).map(|place| {
            // A syntax error is at one character; what follows it is not known to be a value.
            let mut excerpt = Excerpt::of_place(place.file.clone(), text, place.line, place.column.max(1));
            excerpt.marks.iter_mut().for_each(|mark| mark.width = 1);
            excerpt
        }));
        problem
    }
}

impl Templates {
    /// Renders once more, and says everything that is wrong: sorted by place, nothing twice; empty where all is well.
    pub fn diagnose(&self, values: &UserValues, options: &Options, environment: &Rc<dyn Environment>) -> Vec<Problem> {
        let prepared = match self.chart().prepare(values) {
            Ok(prepared) => prepared,
            Err(error) => {
                let text = error.place().and_then(|place| values.text(&place.file));
                return vec![Problem::of_values(&error, text)];
            }
        };
        if !options.skip_schema_validation {
            let problems = Diagnosis::new(&prepared, values).violations();
            if !problems.is_empty() {
                return sorted(problems);
            }
        }
        let wanted = &prepared.chart.metadata.kube_version;
        if !wanted.is_empty() && !is_compatible(wanted, options.kube_version.comparable()) {
            let version = &options.kube_version.version;
            let mut problem = Problem::new(format!(
                "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}"
            ));
            problem.hints.push("--kube-version VERSION   renders for another version".to_owned());
            return vec![problem];
        }
        sorted(Diagnosis::new(&prepared, values).run(options, environment))
    }
}

/// By place; what has none comes first.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    let order = |problem: &Problem| problem.excerpts.first().map(|e| (e.file.clone(), e.line, e.column()));
    problems.sort_by_key(order);
    problems
}

/// One search for what is wrong.
struct Diagnosis<'p> {
    prepared: &'p Prepared,
    files: Vec<TemplateFile>,
    /// Charts as Helm's paths begin (`app/charts/db/`), and where a user finds them.
    origins: Vec<(String, String)>,
    provenance: Provenance<'p>,
}

impl<'p> Diagnosis<'p> {
    fn new(prepared: &'p Prepared, values: &'p UserValues) -> Self {
        let mut files = template_files(&prepared.chart);
        files.sort_by(|a, b| parse_order(&a.path, &b.path));
        let mut origins = Vec::new();
        add_origins(&prepared.chart, prepared.chart.name(), &mut origins);
        Self { prepared, files, origins, provenance: Provenance::new(prepared, values) }
    }

    fn run(&self, options: &Options, environment: &Rc<dyn Environment>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut program = program(self.prepared.chart.compat);
        for file in &self.files {
            if let Err(error) = program.parse(&file.path, Text::from(&*file.text)) {
                problems.push(self.of_parse(&error, &program));
            }
        }
        if !problems.is_empty() {
            return problems;
        }
        let context = Context::new(self.prepared, options);
        for file in self.files.iter().filter(|file| !file.partial) {
            let mut host = Host::new(Rc::clone(environment));
            host.lint = options.lint;
            let mut session = program.session(host);
            let mut traced = Traced::default();
            let dot = context.charts[file.chart].enter(file);
            match session.execute(&file.path, dot, &mut traced) {
                Err(error) => {
                    let problem = self.of_execution(&error, &session.blame(), &program, &context.charts);
                    add(&mut problems, problem, &self.shown(&file.path));
                }
                Ok(()) if file.path.ends_with("NOTES.txt") => {}
                Ok(()) => {
                    traced.remove(NO_VALUE);
                    self.documents(file, &traced, &mut problems);
                }
            }
        }
        problems
    }

    /// A template's path as a user would write it.
    fn shown(&self, path: &str) -> String {
        let within =
            self.origins.iter().filter_map(|(prefix, origin)| Some((prefix.len(), origin, path.strip_prefix(prefix)?)));
        match within.max() {
            Some((_, origin, rest)) if !origin.is_empty() => format!("{origin}/{rest}"),
            _ => path.to_owned(),
        }
    }

    fn of_parse(&self, error: &ParseError, program: &Program<Host>) -> Problem {
        let mut problem = Problem::new(error.message.clone());
        let file = || self.shown(&error.template);
        problem.excerpts.push(Excerpt::of_span(file(), &error.source, &error.span));
        if let Some(at) = error.unclosed {
            let opened = Excerpt::of_span(file(), &error.source, &(at..at + 2));
            problem.excerpts.push(opened.titled("this block has no {{ end }}"));
        }
        if let Some(name) = between(&error.message, "function \"", "\" not defined")
            && let Some(near) = nearest(name, program.function_names())
        {
            problem.hints.push(format!("did you mean `{near}`?"));
        }
        problem
    }

    fn of_execution(
        &self,
        error: &ExecuteError,
        blame: &Blame,
        program: &Program<Host>,
        charts: &[ChartContext],
    ) -> Problem {
        let ExecuteError::Failed(failed) = error else { return Problem::new(error.to_string()) };
        let mut problem;
        if let Some(error) = parse_error_in(failed) {
            problem = self.of_parse(error, program);
            problem.excerpts.clear();
            problem.excerpts.push(self.excerpt(&error.template, &error.source, &error.span));
            if let Some(step) = blame.steps.first() {
                let title = "the text is given to `tpl` here";
                problem.excerpts.push(self.excerpt(&step.file, &step.source, &step.span).titled(title));
            }
        } else {
            problem = Problem::new(message_of(failed.innermost()));
            if let Some(step) = blame.steps.first() {
                problem.excerpts.push(self.excerpt(&step.file, &step.source, &step.span));
            }
            self.suggest_template(&mut problem, program);
        }
        for pair in blame.steps.windows(2) {
            let [inner, outer] = pair else { continue };
            let title = self.title_of_call(inner);
            problem.excerpts.push(self.excerpt(&outer.file, &outer.source, &outer.span).titled(title));
        }
        self.add_subjects(&mut problem, blame, charts);
        problem
    }

    fn title_of_call(&self, inner: &Step) -> String {
        if self.is_file(&inner.file) {
            format!("`{}` is executed here", inner.template)
        } else {
            "the text is given to `tpl` here".to_owned()
        }
    }

    fn suggest_template(&self, problem: &mut Problem, program: &Program<Host>) {
        let message = &problem.message;
        let named = between(message, "no template \"", "\" associated")
            .or_else(|| between(message, "template \"", "\" not defined"));
        let Some(name) = named else { return };
        // Files are templates too, but nobody means them.
        let names = program.names().into_iter().filter(|name| !self.is_file(name));
        if let Some(near) = nearest(name, names) {
            problem.hints.push(format!("did you mean `{near}`?"));
        }
    }

    fn is_file(&self, path: &str) -> bool {
        self.files.iter().any(|file| *file.path == *path)
    }

    /// A part of a template's text. A text given to `tpl` is looked for in the values.
    fn excerpt(&self, file: &str, source: &Text, span: &std::ops::Range<usize>) -> Excerpt {
        if self.is_file(file) {
            return Excerpt::of_span(self.shown(file), source, span);
        }
        let within = Excerpt::of_span("a text given to `tpl`".to_owned(), source, span);
        self.in_values(source, &within).unwrap_or(within)
    }

    /// The problems of what a template wrote.
    fn documents(&self, file: &TemplateFile, traced: &Traced, problems: &mut Vec<Problem>) {
        // What is no UTF-8 has no line that could be shown.
        let Ok(text) = std::str::from_utf8(traced.text()) else {
            problems.push(Problem::new(format!("YAML parse error on {}: what it renders to is not UTF-8", file.path)));
            return;
        };
        let compat = self.prepared.chart.compat;
        for document in split(text, compat) {
            let read = parse_first(document.text);
            let read = read.and_then(|node| node.as_ref().map(|node| Head::read(node, compat)).transpose());
            let Err(error) = read else { continue };
            let mut problem = Problem::new(format!("YAML parse error on {}: {error}", file.path));
            if error.line > 0 {
                let rendered = format!("what {} renders to", self.shown(&file.path));
                let line = document.lines_before as u32 + error.line;
                let mut excerpt = Excerpt::of_place(rendered, Some(text), line, error.column.max(1));
                if let Some(mark) = excerpt.marks.first_mut() {
                    error.reason().clone_into(&mut mark.label);
                }
                problem.excerpts.push(excerpt);
                if let Some(Some(origin)) = traced.line_origins().get(line as usize - 1)
                    && let Some(template) = self.files.iter().find(|file| file.path == origin.file)
                {
                    let source = String::from_utf8_lossy(&template.text);
                    let wrote = Excerpt::of_place(self.shown(&origin.file), Some(&source), origin.line, 0);
                    problem.excerpts.push(wrote.titled("this line of the template wrote it"));
                }
            }
            problems.push(problem);
        }
    }
}

fn add_origins(chart: &Chart, path: &str, into: &mut Vec<(String, String)>) {
    into.push((format!("{path}/"), chart.origin.clone()));
    for subchart in &chart.dependencies {
        add_origins(subchart, &chart.inner_path(path, subchart.name()), into);
    }
}

/// Adds a problem; where a helper fails in several templates, the problem is told once.
fn add(problems: &mut Vec<Problem>, problem: Problem, template: &str) {
    let same = problems.iter_mut().find(|known| {
        known.message == problem.message
            && known.excerpts.first() == problem.excerpts.first()
            && !known.excerpts.is_empty()
    });
    match same {
        Some(known) => known.notes.push(format!("{template} fails there too")),
        None => problems.push(problem),
    }
}

/// Go's message at the place at fault, with the cause that is no template of its own.
fn message_of(error: &ExecError) -> String {
    match error.cause.as_deref() {
        Some(Failure::Message(text)) => between(text, WARNING_START, WARNING_END)
            .map_or_else(|| format!("{}: {text}", error.message), str::to_owned),
        Some(cause) => format!("{}: {cause}", error.message),
        None => error.message.clone(),
    }
}

/// The error of a text that does not parse, somewhere in the causes.
fn parse_error_in(error: &ExecError) -> Option<&ParseError> {
    let mut failure = error.cause.as_deref()?;
    loop {
        failure = match failure {
            Failure::Parse(error) => return Some(error),
            Failure::Exec(inner) => inner.cause.as_deref()?,
            Failure::Wrapped { cause, .. } => cause,
            Failure::Message(_) => return None,
        };
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let from = text.find(start)? + start.len();
    let to = text[from..].rfind(end)?;
    Some(&text[from..from + to])
}
