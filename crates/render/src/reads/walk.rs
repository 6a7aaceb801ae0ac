//! Goes through the bodies of templates with what dot and the variables may be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bowline_gotemplate::syntax::{BranchKind, Expr, Node, Pipe, Template};
use bowline_gotemplate::{Program, Text, with_stack};
use bowline_yaml::{Map, Value};

use super::place::Places;
use super::{ANY, ChartPlace, Read};
use crate::functions::Host;

/// How deep templates are followed into each other.
const MAX_CALLS: usize = 60;
/// How many executions of templates are looked at.
const MAX_WALKS: usize = 50_000;

pub(super) struct Walk<'c> {
    program: &'c Program<Host>,
    charts: &'c [ChartPlace],
    values: &'c Map,
    templates: HashMap<String, Option<Arc<Template>>>,
    texts: HashMap<String, Vec<Arc<Template>>>,
    /// What was executed with which dot, and what came out.
    known: HashMap<(usize, Places), Places>,
    open: HashSet<(usize, Places)>,
    reads: BTreeSet<Read>,
    depth: usize,
    walks: usize,
}

/// The execution of one template.
struct Frame {
    file: Arc<str>,
    vars: Vec<(Arc<str>, Places)>,
    /// What `fromYaml` and the like would find in what it prints.
    printed: Places,
}

impl<'c> Walk<'c> {
    pub(super) fn new(program: &'c Program<Host>, charts: &'c [ChartPlace], values: &'c Map) -> Self {
        Self {
            program,
            charts,
            values,
            templates: HashMap::new(),
            texts: HashMap::new(),
            known: HashMap::new(),
            open: HashSet::new(),
            reads: BTreeSet::new(),
            depth: 0,
            walks: 0,
        }
    }

    pub(super) fn finish(self) -> BTreeSet<Read> {
        self.reads
    }

    /// Walks a template file of a chart.
    pub(super) fn file(&mut self, name: &str, chart: usize) {
        if let Some(template) = self.template(name) {
            self.execute(&template, &Places::dot(chart));
        }
    }

    fn template(&mut self, name: &str) -> Option<Arc<Template>> {
        if let Some(known) = self.templates.get(name) {
            return known.clone();
        }
        let found = self.program.syntax(name).map(Arc::new);
        self.templates.insert(name.to_owned(), found.clone());
        found
    }

    fn execute(&mut self, template: &Arc<Template>, dot: &Places) -> Places {
        let key = (Arc::as_ptr(template) as usize, dot.clone());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        self.walks += 1;
        if self.depth == MAX_CALLS || self.walks > MAX_WALKS || !self.open.insert(key.clone()) {
            return Places::default();
        }
        self.depth += 1;
        let dollar: Arc<str> = Arc::from("$");
        let mut frame =
            Frame { file: Arc::clone(&template.file), vars: vec![(dollar, dot.clone())], printed: Places::default() };
        with_stack(|| self.nodes(&template.body, dot, &mut frame));
        self.depth -= 1;
        self.open.remove(&key);
        self.known.insert(key, frame.printed.clone());
        frame.printed
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Places, frame: &mut Frame) {
        for node in nodes {
            match node {
                Node::Action { line, pipe } => {
                    let value = self.pipe(pipe, dot, frame, *line);
                    if pipe.targets.is_empty() {
                        self.read_all(&value, frame, *line);
                        frame.printed.join(value);
                    }
                }
                Node::Branch { kind, line, pipe, body, otherwise } => {
                    let mark = frame.vars.len();
                    let value = self.pipe(pipe, dot, frame, *line);
                    self.read_itself(&value, frame, *line);
                    let inner = match kind {
                        BranchKind::If => dot.clone(),
                        BranchKind::With => value,
                        BranchKind::Range => {
                            let item = value.step(None);
                            match pipe.targets.len() {
                                0 => {}
                                _ if pipe.assign => {}
                                // The last is the item, the one before it a key.
                                count => {
                                    let first = frame.vars.len() - count;
                                    for (i, (_, places)) in frame.vars[first..].iter_mut().enumerate() {
                                        *places = if i + 1 == count { item.clone() } else { Places::default() };
                                    }
                                }
                            }
                            item
                        }
                    };
                    with_stack(|| self.nodes(body, &inner, frame));
                    with_stack(|| self.nodes(otherwise, dot, frame));
                    if *kind == BranchKind::Range {
                        // What one round leaves in a variable the next one finds there.
                        with_stack(|| self.nodes(body, &inner, frame));
                    }
                    frame.vars.truncate(mark);
                }
                Node::Template { line, name, pipe } => {
                    let data = pipe.as_ref().map(|pipe| self.pipe(pipe, dot, frame, *line)).unwrap_or_default();
                    if let Some(template) = self.template(name) {
                        let printed = self.execute(&template, &data);
                        frame.printed.join(printed);
                    }
                }
            }
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Places, frame: &mut Frame, line: u32) -> Places {
        let mut value: Option<Places> = None;
        for command in &pipe.commands {
            value = Some(self.command(command, value, dot, frame, line));
        }
        let value = value.unwrap_or_default();
        for target in &pipe.targets {
            if pipe.assign {
                // The assignment may not have happened: what was there stays possible.
                if let Some((_, places)) = frame.vars.iter_mut().rev().find(|(name, _)| name == target) {
                    places.join(value.clone());
                }
            } else {
                frame.vars.push((Arc::clone(target), value.clone()));
            }
        }
        value
    }

    fn command(&mut self, words: &[Expr], piped: Option<Places>, dot: &Places, frame: &mut Frame, line: u32) -> Places {
        let Some((first, rest)) = words.split_first() else { return piped.unwrap_or_default() };
        if let Expr::Function(name) = first {
            let mut args: Vec<Places> = rest.iter().map(|word| self.expr(word, dot, frame, line)).collect();
            args.extend(piped);
            return self.call(name, args, frame, line);
        }
        let mut value = self.expr(first, dot, frame, line);
        // A method: `.Capabilities.APIVersions.Has …`; or one of `.Values` that takes a path.
        for word in rest {
            let arg = self.expr(word, dot, frame, line);
            self.read_all(&arg, frame, line);
            self.read_all(&value, frame, line);
            value = Places::default();
        }
        value
    }

    fn expr(&mut self, expr: &Expr, dot: &Places, frame: &mut Frame, line: u32) -> Places {
        match expr {
            Expr::Dot => dot.clone(),
            Expr::Field(names) => self.fields(dot.clone(), names, frame, line),
            Expr::Variable(name, names) => {
                let known = frame.vars.iter().rev().find(|(known, _)| known == name);
                let value = known.map(|(_, places)| places.clone()).unwrap_or_default();
                self.fields(value, names, frame, line)
            }
            Expr::Chain(start, names) => {
                let value = self.expr(start, dot, frame, line);
                self.fields(value, names, frame, line)
            }
            Expr::Function(name) => self.call(name, Vec::new(), frame, line),
            Expr::Pipe(pipe) => with_stack(|| self.pipe(pipe, dot, frame, line)),
            Expr::Text(text) => Places::text(text.as_str()),
            Expr::Constant => Places::default(),
        }
    }

    fn fields(&mut self, mut value: Places, names: &[String], frame: &Frame, line: u32) -> Places {
        for name in names {
            // Methods of `.Values`: the first gives the same mapping, the others take a path or print all.
            match name.as_str() {
                "AsMap" => continue,
                "Table" | "PathValue" | "YAML" => self.read_all(&value, frame, line),
                _ => {}
            }
            value = self.field(&value, name);
        }
        // Reading a value is no reading of what is in it; that comes with what is done with it.
        self.read_itself(&value, frame, line);
        value
    }

    fn field(&self, value: &Places, name: &str) -> Places {
        let mut found = value.step(Some(name));
        for chart in &value.dots {
            let Some(place) = self.charts.get(*chart) else { continue };
            match name {
                "Values" => _ = found.values.insert(place.keys.clone()),
                "Subcharts" => _ = found.subcharts.insert(*chart),
                "Template" => {
                    let base = Places::text(format!("{}/templates", place.path));
                    found.join(Places::made(BTreeMap::from([("BasePath".to_owned(), base)])));
                }
                _ => {}
            }
        }
        for chart in &value.subcharts {
            let inner = self.charts.get(*chart).and_then(|place| place.inner.iter().find(|(inner, _)| inner == name));
            found.dots.extend(inner.map(|(_, chart)| *chart));
        }
        found
    }

    fn call(&mut self, name: &str, mut args: Vec<Places>, frame: &mut Frame, line: u32) -> Places {
        let joined = |args: Vec<Places>| {
            let mut all = Places::default();
            args.into_iter().for_each(|arg| all.join(arg));
            all
        };
        let key = |arg: Option<&Places>| {
            arg.and_then(|arg| if arg.texts.len() == 1 { arg.texts.first().cloned() } else { None })
        };
        match name {
            "include" => {
                let data = args.pop().unwrap_or_default();
                let mut names: Vec<String> =
                    args.first().map(|a| a.texts.iter().cloned().collect()).unwrap_or_default();
                if names.is_empty() {
                    // Any template may be meant, but no file of a chart.
                    names = self
                        .program
                        .names()
                        .into_iter()
                        .filter(|name| !name.contains("/templates/"))
                        .map(str::to_owned)
                        .collect();
                }
                let mut printed = Places::default();
                for name in names {
                    if let Some(template) = self.template(&name) {
                        printed.join(self.execute(&template, &data));
                    }
                }
                printed
            }
            "tpl" => {
                let data = args.pop().unwrap_or_default();
                let text = args.pop().unwrap_or_default();
                self.read_all(&text, frame, line);
                self.texts_of(&text, &data)
            }
            // One of the arguments, or all of them together.
            "default" | "coalesce" | "ternary" | "required" | "and" | "or" | "merge" | "mustMerge"
            | "mergeOverwrite" | "mustMergeOverwrite" | "concat" | "deepCopy" | "mustDeepCopy" | "append"
            | "mustAppend" | "push" | "mustPush" | "prepend" | "mustPrepend" | "compact" | "mustCompact" | "uniq"
            | "mustUniq" | "reverse" | "mustReverse" | "without" | "mustWithout" | "rest" | "mustRest" | "initial"
            | "mustInitial" | "slice" | "mustSlice" | "sortAlpha" => {
                args.iter().for_each(|arg| self.read_itself(arg, frame, line));
                let mut value = joined(args);
                if matches!(name, "append" | "mustAppend" | "push" | "mustPush" | "prepend" | "mustPrepend") {
                    let item = value.clone();
                    value.join(Places::made(BTreeMap::from([(ANY.to_owned(), item)])));
                }
                value
            }
            // What was printed and is read again, or the other way round.
            "fromYaml" | "fromJson" | "fromYamlArray" | "fromJsonArray" | "mustFromJson" => joined(args),
            // Looks at a value without taking it along.
            "empty" | "not" | "hasKey" | "kindIs" | "kindOf" | "typeOf" | "typeIs" | "len" | "keys" | "int"
            | "int64" | "float64" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "typeIsLike" => {
                if let ("hasKey", Some(map), Some(key)) = (name, args.first(), key(args.get(1))) {
                    let inner = self.field(&map.clone(), &key);
                    self.read_itself(&inner, frame, line);
                }
                args.iter().for_each(|arg| self.read_itself(arg, frame, line));
                let compares = matches!(name, "eq" | "ne" | "lt" | "le" | "gt" | "ge");
                if compares {
                    args.iter().for_each(|arg| self.read_all(arg, frame, line));
                }
                Places::default()
            }
            "index" | "get" | "dig" => {
                let (map, steps, otherwise) = if name == "dig" {
                    let map = args.pop().unwrap_or_default();
                    let otherwise = args.pop().unwrap_or_default();
                    (map, args, otherwise)
                } else {
                    let mut args = args.into_iter();
                    (args.next().unwrap_or_default(), args.collect(), Places::default())
                };
                let mut value = map;
                for step in &steps {
                    self.read_all(step, frame, line);
                    value = match key(Some(step)) {
                        Some(key) => self.field(&value, &key),
                        None => {
                            // Any key of dot: all of its values.
                            self.read_dots(&value, frame, line);
                            value.step(None)
                        }
                    };
                }
                value.join(otherwise);
                self.read_itself(&value, frame, line);
                value
            }
            "pick" | "omit" => {
                let map = args.first().cloned().unwrap_or_default();
                args.iter().skip(1).for_each(|arg| self.read_all(arg, frame, line));
                self.read_itself(&map, frame, line);
                if name == "omit" {
                    return map;
                }
                let mut entries = BTreeMap::new();
                for arg in &args[1..] {
                    match key(Some(arg)) {
                        Some(key) => _ = entries.insert(key.clone(), self.field(&map, &key)),
                        None => return map,
                    }
                }
                Places::made(entries)
            }
            "pluck" => {
                let step = key(args.first());
                let mut found = Places::default();
                for map in args.iter().skip(1) {
                    found.join(map.step(step.as_deref()));
                }
                Places::made(BTreeMap::from([(ANY.to_owned(), found)]))
            }
            "first" | "last" | "mustFirst" | "mustLast" => joined(args).step(None),
            "values" => {
                let items = joined(args).step(None);
                Places::made(BTreeMap::from([(ANY.to_owned(), items)]))
            }
            "list" | "tuple" => {
                let mut entries = BTreeMap::new();
                for (i, arg) in args.into_iter().enumerate() {
                    entries.insert(i.to_string(), arg);
                }
                Places::made(entries)
            }
            "dict" => {
                let mut entries: BTreeMap<String, Places> = BTreeMap::new();
                for pair in args.chunks(2) {
                    let value = pair.get(1).cloned().unwrap_or_default();
                    entries.entry(key(pair.first()).unwrap_or_else(|| ANY.to_owned())).or_default().join(value);
                }
                Places::made(entries)
            }
            "set" => {
                let value = args.get(2).cloned().unwrap_or_default();
                let step = key(args.get(1)).unwrap_or_else(|| ANY.to_owned());
                let mut map = args.first().cloned().unwrap_or_default();
                map.join(Places::made(BTreeMap::from([(step, value.clone())])));
                // The map changes wherever it is known by a name.
                for (_, places) in &mut frame.vars {
                    if Some(&*places) == args.first() {
                        *places = map.clone();
                    }
                }
                // Nobody knows who sees it there: what is put into values or dot counts as read.
                let target = args.first();
                if target.is_some_and(|target| !target.values.is_empty() || !target.dots.is_empty()) {
                    self.read_all(&value, frame, line);
                }
                map
            }
            "print" | "printf" => {
                let text = constant_text(name, &args);
                args.iter().for_each(|arg| self.read_all(arg, frame, line));
                text.map(Places::text).unwrap_or_default()
            }
            _ => {
                args.iter().for_each(|arg| self.read_all(arg, frame, line));
                // What a function makes of a value may be a part of it, or may be read again.
                let mut value = joined(args);
                value.texts.clear();
                value
            }
        }
    }

    /// Executes the texts of values, and constant ones, as `tpl` would.
    fn texts_of(&mut self, places: &Places, data: &Places) -> Places {
        let mut texts: BTreeSet<String> = places.texts.iter().filter(|text| text.contains("{{")).cloned().collect();
        for path in &places.values {
            collect_texts(self.values, path, &mut texts);
        }
        let mut printed = places.clone();
        printed.texts.clear();
        for text in texts {
            let templates = match self.texts.get(&text) {
                Some(known) => known.clone(),
                None => {
                    let parsed = self.program.syntax_of_text(&Text::from(text.as_str())).unwrap_or_default();
                    let parsed: Vec<Arc<Template>> = parsed.into_iter().map(Arc::new).collect();
                    self.texts.insert(text, parsed.clone());
                    parsed
                }
            };
            if let Some(template) = templates.first() {
                printed.join(self.execute(template, data));
            }
        }
        printed
    }

    fn read_itself(&mut self, places: &Places, frame: &Frame, line: u32) {
        self.note(places, false, frame, line);
    }

    /// All of a value is read: it is printed, or goes where it cannot be followed.
    fn read_all(&mut self, places: &Places, frame: &Frame, line: u32) {
        self.note(places, true, frame, line);
        self.read_dots(places, frame, line);
        for inner in places.made.iter().flat_map(|made| made.values()) {
            self.read_all(inner, frame, line);
        }
    }

    fn read_dots(&mut self, places: &Places, frame: &Frame, line: u32) {
        for chart in places.dots.iter().chain(&places.subcharts) {
            if let Some(place) = self.charts.get(*chart) {
                self.note(&Places::value(place.keys.clone()), true, frame, line);
            }
        }
    }

    fn note(&mut self, places: &Places, whole: bool, frame: &Frame, line: u32) {
        let whole = whole || places.is_wide();
        for path in &places.values {
            self.reads.insert(Read { path: path.clone(), whole, file: Arc::clone(&frame.file), line });
        }
    }
}

/// The text that `print` or `printf` makes of constant texts.
fn constant_text(name: &str, args: &[Places]) -> Option<String> {
    let texts: Option<Vec<&String>> =
        args.iter().map(|arg| if arg.texts.len() == 1 { arg.texts.first() } else { None }).collect();
    let texts = texts?;
    if name == "print" {
        return Some(texts.into_iter().map(String::as_str).collect());
    }
    let (format, rest) = texts.split_first()?;
    let mut text = (*format).clone();
    for arg in rest {
        text = text.replacen("%s", arg, 1);
    }
    (!text.contains('%')).then_some(text)
}

/// The texts with actions in all values at a path.
fn collect_texts(values: &Map, path: &[String], into: &mut BTreeSet<String>) {
    fn all(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if text.contains("{{") => _ = into.insert(text.clone()),
            Value::Map(map) => map.values().for_each(|value| all(value, into)),
            Value::Seq(items) => items.iter().for_each(|value| all(value, into)),
            _ => {}
        }
    }
    fn step(value: &Value, path: &[String], into: &mut BTreeSet<String>) {
        let Some((key, rest)) = path.split_first() else { return all(value, into) };
        match value {
            Value::Map(map) if key == ANY => map.values().for_each(|value| step(value, rest, into)),
            Value::Map(map) => map.get(key).into_iter().for_each(|value| step(value, rest, into)),
            Value::Seq(items) if key == ANY => items.iter().for_each(|value| step(value, rest, into)),
            Value::Seq(items) => {
                let item = key.parse::<usize>().ok().and_then(|index| items.get(index));
                item.into_iter().for_each(|value| step(value, rest, into));
            }
            _ => {}
        }
    }
    match path.split_first() {
        None => values.values().for_each(|value| all(value, into)),
        Some((key, rest)) if key == ANY => values.values().for_each(|value| step(value, rest, into)),
        Some((key, rest)) => values.get(key).into_iter().for_each(|value| step(value, rest, into)),
    }
}
