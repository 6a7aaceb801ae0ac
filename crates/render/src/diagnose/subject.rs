//! What a failing expression had read: where the value came from, or what its name probably should have been.

use bowline_chart::ValueOrigin;
use bowline_gotemplate::{Blame, Map, Subject, Text, Value};
use bowline_yaml::Value as Yaml;

use super::{Diagnosis, Excerpt, Mark, Problem};
use crate::context::ChartContext;
use crate::schema;
use crate::suggest::nearest;

/// How many values are explained for one problem.
const MAX_SUBJECTS: usize = 3;
/// How deep values are looked through: a template may have put them into each other.
const MAX_DEPTH: usize = 64;
/// How many keys are listed where none is near.
const MAX_KEYS: usize = 8;

impl Diagnosis<'_> {
    /// Adds what is known about the values that the place at fault had read.
    pub(super) fn add_subjects(&self, problem: &mut Problem, blame: &Blame, charts: &[ChartContext]) {
        let mut told: Vec<&Subject> = Vec::new();
        for subject in &blame.subjects {
            let again = told.iter().any(|known| known.holder.is_same(&subject.holder) && known.key == subject.key);
            if !again && told.len() < MAX_SUBJECTS {
                told.push(subject);
                self.add_subject(problem, blame, subject, charts);
            }
        }
    }

    fn add_subject(&self, problem: &mut Problem, blame: &Blame, subject: &Subject, charts: &[ChartContext]) {
        let key = subject.key.to_string();
        let value = subject.holder.get(&subject.key).unwrap_or_default();
        let there = subject.holder.has(&subject.key);
        let values = charts.first().and_then(|chart| chart.dot.get(b"Values"));
        let path = values.and_then(|values| path_to(&values, &subject.holder, MAX_DEPTH)).map(|mut path| {
            path.push(key.clone());
            path
        });
        let name = path.as_ref().map_or_else(|| key.clone(), |path| path.join("."));
        if !matches!(value, Value::Nil) {
            if let Some(path) = &path {
                self.add_origin(problem, path, &format!("`{name}` is set {}", shown(&key, &value)));
            }
            return;
        }
        let keys: Vec<String> = subject.holder.to_vec().into_iter().map(|(key, _)| key.to_string()).collect();
        let near = if there { None } else { nearest(&key, keys.iter().map(String::as_str)) };
        let label = if there { format!("`{name}` is null") } else { format!("there is no `{name}`") };
        mark(problem, blame, subject, label);
        if let Some(near) = near {
            problem.hints.push(format!("did you mean `{near}`?"));
            return;
        }
        let Some(path) = path else { return };
        let found = self.add_origin(problem, &path, &format!("`{name}` was set to null"));
        if !found && !keys.is_empty() {
            let around = if path.len() > 1 {
                format!("`{}` has", path[..path.len() - 1].join("."))
            } else {
                "there are".to_owned()
            };
            let more = if keys.len() > MAX_KEYS { ", …" } else { "" };
            let list: Vec<&str> = keys.iter().take(MAX_KEYS).map(String::as_str).collect();
            problem.notes.push(format!("{around}: {}{more}", list.join(", ")));
        }
        // What was to be read from it: the name right behind it.
        let wanted = blame.steps.first().filter(|step| step.span.start == subject.span.end + 1);
        let wanted = wanted.map_or_else(String::new, |step| {
            format!(".{}", String::from_utf8_lossy(step.source.get(step.span.clone()).unwrap_or_default()))
        });
        problem.hints.push(format!("--set {name}{wanted}=VALUE"));
    }

    /// Adds where a value came from; whether that is known.
    fn add_origin(&self, problem: &mut Problem, path: &[String], what: &str) -> bool {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(origin) = self.provenance.origin(&keys) else { return false };
        match origin.place() {
            Some(place) => {
                let sensitive = path.last().is_some_and(|key| is_sensitive(key));
                let text = self.provenance.text(&place.file).filter(|_| !sensitive);
                let excerpt = Excerpt::of_place(place.file.clone(), text, place.line, place.column);
                let whose = match &origin {
                    ValueOrigin::Default { .. } => " by default",
                    ValueOrigin::User(_) => "",
                };
                problem.excerpts.push(excerpt.titled(format!("{what}{whose} in {}:{}", place.file, place.line)));
            }
            None => {
                let by = if path.last().is_some_and(|key| is_sensitive(key)) {
                    "a flag".to_owned()
                } else {
                    origin.to_string()
                };
                problem.notes.push(format!("{what} by {by}"));
            }
        }
        true
    }

    /// The values that do not meet their charts' schemas.
    pub(super) fn violations(&self) -> Vec<Problem> {
        let violations = schema::violations(&self.prepared.chart, &self.prepared.values);
        let problems = violations.into_iter().map(|schema::Violation { path, message }| {
            if path.is_empty() {
                return Problem { message, ..Problem::default() };
            }
            let name = path.join(".");
            let mut problem = Problem { message: format!("`{name}`: {message}"), ..Problem::default() };
            self.add_origin(&mut problem, &path, &format!("`{name}` is set"));
            if let Some(excerpt) = problem.excerpts.first_mut() {
                excerpt.title.clear();
            }
            problem.notes.push("the chart's values.schema.json asks for it".to_owned());
            problem
        });
        problems.collect()
    }

    /// The place in a values file of a part of a text that a template gave to `tpl`.
    pub(super) fn in_values(&self, source: &Text, within: &Excerpt) -> Option<Excerpt> {
        let source = std::str::from_utf8(source).ok()?;
        let path = path_to_text(&Yaml::Map(self.prepared.values.clone()), source)?;
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let origin = self.provenance.origin(&keys)?;
        let place = origin.place()?;
        let text = self.provenance.text(&place.file)?;
        let (wanted, mark) = (within.text.as_deref()?, within.marks.first()?);
        let lines = text.lines().enumerate().skip((place.line as usize).checked_sub(1)?);
        let (number, line, at) = lines
            .take(source.lines().count() + 2)
            .find_map(|(number, line)| Some((number, line, line.find(wanted)?)))?;
        let before = line[..at].chars().count() as u32;
        let mark = Mark { column: mark.column + before, ..mark.clone() };
        Some(Excerpt {
            file: place.file.clone(),
            line: number as u32 + 1,
            text: Some(line.to_owned()),
            marks: vec![mark],
            title: String::new(),
        })
    }
}

/// Marks the key of a subject beside the fault, where both are in one line.
fn mark(problem: &mut Problem, blame: &Blame, subject: &Subject, label: String) {
    let (Some(step), Some(first)) = (blame.steps.first(), problem.excerpts.first_mut()) else { return };
    let own = Excerpt::of_span(String::new(), &step.source, &step.span);
    let other = Excerpt::of_span(String::new(), &step.source, &subject.span);
    let (Some(own_mark), Some(mut mark)) = (own.marks.first(), other.marks.into_iter().next()) else { return };
    if own.line == other.line
        && let Some(shown) = first.marks.first()
    {
        // The line may be shown as it stands in a values file, further to the right.
        mark.column += shown.column - own_mark.column;
        mark.label = label;
        first.marks.push(mark);
    }
}

/// The keys that lead to a map in a value.
fn path_to(value: &Value, wanted: &Map, depth: usize) -> Option<Vec<String>> {
    match value {
        Value::Map(map) if map.is_same(wanted) => Some(Vec::new()),
        Value::Map(map) if depth > 0 => map.to_vec().into_iter().find_map(|(key, inner)| {
            let mut path = path_to(&inner, wanted, depth - 1)?;
            path.insert(0, key.to_string());
            Some(path)
        }),
        Value::List(list) if depth > 0 => list.to_vec().into_iter().enumerate().find_map(|(index, inner)| {
            let mut path = path_to(&inner, wanted, depth - 1)?;
            path.insert(0, index.to_string());
            Some(path)
        }),
        _ => None,
    }
}

fn path_to_text(value: &Yaml, wanted: &str) -> Option<Vec<String>> {
    let within = |key: String, inner: &Yaml| {
        let mut path = path_to_text(inner, wanted)?;
        path.insert(0, key);
        Some(path)
    };
    match value {
        Yaml::String(text) => (text == wanted).then(Vec::new),
        Yaml::Map(map) => map.iter().find_map(|(key, inner)| within(key.clone(), inner)),
        Yaml::Seq(items) => items.iter().enumerate().find_map(|(index, inner)| within(index.to_string(), inner)),
        _ => None,
    }
}

/// A value as a message shows it.
fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Map(_) => "to a mapping".to_owned(),
        Value::List(_) => "to a list".to_owned(),
        _ if is_sensitive(key) => "(its value is not shown)".to_owned(),
        Value::Text(text) if text.len() > 60 || text.contains(&b'\n') => "to a text".to_owned(),
        Value::Text(text) => format!("to {}", bowline_gotemplate::fmt::quoted(text)),
        value => format!("to {}", Text::from(bowline_gotemplate::fmt::sprint(std::slice::from_ref(value)))),
    }
}

/// Whether a key's name says that its value is nobody's business.
pub fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "passwd", "secret", "token", "credential", "apikey", "privatekey"]
        .iter()
        .any(|word| key.contains(word))
}
