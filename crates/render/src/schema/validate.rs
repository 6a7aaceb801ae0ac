//! Running a compiled schema on a value.

use std::collections::BTreeSet;

use super::compile::{Additional, Dependency, Id, Schema, meta};
use super::draft::Draft;
use super::fault::{Fault, Kind};
use super::json::{Json, Object};
use super::location::{below, escape};
use super::number::Number;
use super::roots::Resources;

/// Types as bits, in the order in which a fault names them.
const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
const NUMBER: u8 = 1 << 2;
const INTEGER: u8 = 1 << 3;

/// The bit of a type; none where there is no such type.
pub(super) fn types_of(name: &str) -> u8 {
    TYPES.iter().position(|known| *known == name).map_or(0, |place| 1 << place)
}

/// The bit of a value's type; an integer is a number.
pub(super) fn type_of(value: &Json) -> u8 {
    match value {
        Json::Null => 1,
        Json::Bool(_) => 1 << 1,
        Json::Number(_) => NUMBER,
        Json::Text(_) => 1 << 4,
        Json::List(_) => 1 << 5,
        Json::Object(_) => 1 << 6,
    }
}

fn names_of(types: u8) -> Vec<&'static str> {
    TYPES.iter().enumerate().filter(|(place, _)| types & (1 << place) != 0).map(|(_, name)| *name).collect()
}

/// Steps to a value, from the innermost.
#[derive(Clone, Copy)]
enum Step<'p> {
    Name(&'p str),
    Place(usize),
}

#[derive(Clone, Copy)]
struct Path<'p> {
    step: Step<'p>,
    outer: Option<&'p Path<'p>>,
}

fn steps(path: Option<&Path<'_>>) -> Vec<String> {
    let mut steps = Vec::new();
    let mut path = path;
    while let Some(Path { step, outer }) = path {
        steps.push(match step {
            Step::Name(name) => (*name).to_owned(),
            Step::Place(place) => place.to_string(),
        });
        path = *outer;
    }
    steps.reverse();
    steps
}

/// The schemas that led here.
#[derive(Clone, Copy)]
struct Scope<'s> {
    schema: Id,
    /// The keyword of the reference that led here, where one did.
    keyword: &'static str,
    /// The same for scopes of the same value.
    value: usize,
    outer: Option<&'s Scope<'s>>,
}

/// The parts of a value that no schema has looked at, where that matters.
#[derive(Clone, Default)]
struct Unevaluated<'v> {
    properties: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
}

impl<'v> Unevaluated<'v> {
    fn of(value: &'v Json, schema: &Schema, wanted: bool) -> Self {
        let mut found = Self::default();
        match value {
            Json::Object(object)
                if !schema.all_properties_evaluated && (wanted || schema.unevaluated_properties.is_some()) =>
            {
                found.properties = object.keys().map(String::as_str).collect();
            }
            Json::List(items) if !schema.all_items_evaluated && (wanted || schema.unevaluated_items.is_some()) => {
                found.items = (schema.items_evaluated..items.len()).collect();
            }
            _ => {}
        }
        found
    }

    fn merge(&mut self, other: &Self) {
        self.properties.retain(|name| other.properties.contains(name));
        self.items.retain(|place| other.items.contains(place));
    }

    fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.items.is_empty()
    }
}

/// Schemas to run, and where it is a schema that is checked, the resources in it.
pub(super) struct Validator<'a> {
    pub(super) schemas: &'a [Schema],
    pub(super) resources: Option<&'a Resources>,
}

/// A keyword, its number, and the orders of a value to that number that are wrong.
type Limit<'s> = (&'static str, &'s Option<Number>, fn(std::cmp::Ordering) -> bool);

type Outcome<'v> = Result<Unevaluated<'v>, Fault>;

impl Validator<'_> {
    /// Runs a schema on a value as a whole. With `own`, the value is a schema, and that its draft's schema.
    pub(super) fn start(&self, schema: Id, value: &Json, own: Option<Id>) -> Option<Fault> {
        let scope = Scope { schema, keyword: "", value: 0, outer: None };
        let at = self.schemas.get(schema)?;
        let run = Run {
            all: self,
            value,
            path: None,
            schema: at,
            scope: &scope,
            quiet: false,
            own,
            unevaluated: Unevaluated::of(value, at, false),
            faults: Vec::new(),
        };
        let fault = run.validate().err()?;
        let causes = if matches!(*fault.kind, Kind::Group) { fault.causes } else { vec![fault] };
        Some(Fault { at: Vec::new(), kind: Box::new(Kind::Schema(at.location.clone())), causes })
    }

    fn schema(&self, id: Id) -> Option<&Schema> {
        self.schemas.get(id)
    }
}

/// One schema on one value.
struct Run<'r, 'v> {
    all: &'r Validator<'r>,
    value: &'v Json,
    path: Option<&'r Path<'r>>,
    schema: &'r Schema,
    scope: &'r Scope<'r>,
    /// Only whether there is a fault counts.
    quiet: bool,
    own: Option<Id>,
    unevaluated: Unevaluated<'v>,
    faults: Vec<Fault>,
}

impl<'v> Run<'_, 'v> {
    fn fault(&self, kind: Kind) -> Fault {
        if self.quiet {
            return Fault::default();
        }
        Fault { at: steps(self.path), kind: Box::new(kind), causes: Vec::new() }
    }

    fn add(&mut self, kind: Kind) {
        let fault = self.fault(kind);
        self.faults.push(fault);
    }

    fn add_with(&mut self, causes: Vec<Fault>, kind: Kind) {
        let fault = Fault { causes, ..self.fault(kind) };
        self.faults.push(fault);
    }

    fn note<T>(&mut self, outcome: Result<T, Fault>) {
        self.faults.extend(outcome.err());
    }

    fn validate(mut self) -> Outcome<'v> {
        if let Some(fine) = self.schema.boolean {
            return if fine { Ok(self.unevaluated) } else { Err(self.fault(Kind::FalseSchema)) };
        }
        if let Some(cycle) = self.cycle() {
            return Err(self.fault(cycle));
        }
        if let Some(kind) = self.basics() {
            return Err(self.fault(kind));
        }
        let draft = self.schema.draft.unwrap_or(Draft::LATEST);
        if let Some(target) = self.schema.reference {
            let outcome = self.follow(target, "$ref");
            if draft < Draft::V2019 {
                return outcome.map(|()| self.unevaluated);
            }
            self.note(outcome);
        }
        match self.value {
            Json::Object(object) => self.object(object, draft),
            Json::List(items) => self.list(items, draft),
            Json::Text(text) => self.text(text),
            Json::Number(number) => self.number(number),
            _ => {}
        }
        if self.faults.is_empty() || !self.quiet {
            if draft >= Draft::V2019 {
                self.references();
            }
            self.combined();
            if draft >= Draft::V2019 {
                self.unevaluated();
            }
        }
        match self.faults.len() {
            0 => Ok(self.unevaluated),
            1 => Err(self.faults.pop().unwrap_or_default()),
            _ => Err(Fault { causes: std::mem::take(&mut self.faults), ..self.fault(Kind::Group) }),
        }
    }

    /// A schema that refers to itself without looking into the value.
    fn cycle(&self) -> Option<Kind> {
        let mut outer = self.scope.outer;
        while let Some(scope) = outer.filter(|scope| scope.value == self.scope.value) {
            if scope.schema == self.scope.schema {
                let url = self.schema.location.clone();
                return Some(Kind::Cycle { url, first: self.keywords(self.scope), second: self.keywords(scope) });
            }
            outer = scope.outer;
        }
        None
    }

    /// The keywords that led to a scope.
    fn keywords(&self, scope: &Scope<'_>) -> String {
        let mut text = String::new();
        let mut scope = scope;
        while let Some(outer) = scope.outer {
            let location = |id: Id| self.all.schema(id).map_or("", |schema| schema.location.as_str());
            let step = if scope.keyword.is_empty() {
                location(scope.schema).get(location(outer.schema).len()..).unwrap_or_default().to_owned()
            } else {
                format!("/{}", escape(scope.keyword))
            };
            text.insert_str(0, &step);
            scope = outer;
        }
        text
    }

    /// What makes all else pointless: type, `const`, `enum`, `format`.
    fn basics(&self) -> Option<Kind> {
        let found = type_of(self.value);
        let wanted = self.schema.types;
        if wanted != 0 && wanted & found == 0 {
            let integer = || self.value.number().is_some_and(Number::is_integer);
            if wanted & INTEGER == 0 || !integer() {
                let got = names_of(found).first().copied().unwrap_or_default();
                return Some(Kind::Type { got, want: names_of(wanted) });
            }
        }
        if let Some(constant) = &self.schema.constant
            && !self.value.equals(constant)
        {
            return Some(Kind::Const(constant.clone()));
        }
        if let Some((items, types)) = &self.schema.enumeration
            && (types & found == 0 || !items.iter().any(|item| self.value.equals(item)))
        {
            return Some(Kind::Enum(if self.quiet { Vec::new() } else { items.clone() }));
        }
        let format = self.schema.format.as_ref()?;
        let why = format.check(self.value.text()?).err()?;
        Some(Kind::Format { got: self.value.clone(), want: format.name().to_owned(), why })
    }

    /// The first schema's stand-in where the value is a schema with a draft of its own.
    fn own_draft(&self, id: Id, path: Option<&Path<'_>>) -> Option<Id> {
        let own = self.own.filter(|own| *own == id)?;
        let pointer = steps(path).iter().fold(String::new(), |pointer, step| below(&pointer, &[step]));
        let resource = self.all.resources?.get(&pointer)?;
        Some(meta().root(resource.draft).unwrap_or(own))
    }

    fn run<'w>(
        &self,
        id: Id,
        value: &'w Json,
        path: Option<&Path<'_>>,
        scope: &Scope<'_>,
        wanted: bool,
        quiet: bool,
    ) -> Outcome<'w> {
        let Some(schema) = self.all.schema(id) else { return Ok(Unevaluated::default()) };
        let unevaluated = Unevaluated::of(value, schema, wanted);
        let (mut own, mut schema) = (self.own, schema);
        if self.own.is_some()
            && let Some(stand_in) = self.own_draft(id, path)
        {
            own = Some(stand_in);
            schema = self.all.schema(stand_in).unwrap_or(schema);
        }
        let quiet = self.quiet || quiet;
        let all = self.all;
        let run = Run { all, value, path, schema, scope, quiet, own, unevaluated, faults: Vec::new() };
        bowline_gotemplate::with_stack(|| run.validate())
    }

    /// Another schema on the same value.
    fn same(&mut self, id: Id, keyword: &'static str, quiet: bool) -> Result<(), Fault> {
        let scope = Scope { schema: id, keyword, value: self.scope.value, outer: Some(self.scope) };
        let outcome = self.run(id, self.value, self.path, &scope, !self.unevaluated.is_empty(), quiet)?;
        self.unevaluated.merge(&outcome);
        Ok(())
    }

    /// A schema on a part of the value.
    fn part(&self, id: Id, value: &Json, step: Step<'_>) -> Result<(), Fault> {
        let scope = Scope { schema: id, keyword: "", value: self.scope.value + 1, outer: Some(self.scope) };
        let path = Path { step, outer: self.path };
        self.run(id, value, Some(&path), &scope, false, false).map(|_| ())
    }

    fn follow(&mut self, id: Id, keyword: &'static str) -> Result<(), Fault> {
        self.same(id, keyword, false).map_err(|fault| {
            let causes = if matches!(*fault.kind, Kind::Group) { fault.causes } else { vec![fault] };
            Fault { causes, ..self.fault(Kind::Reference) }
        })
    }

    fn references(&mut self) {
        let schema = self.schema;
        if let Some(mut target) = schema.recursive_reference {
            if self.all.schema(target).is_some_and(|target| target.recursive_anchor) {
                target =
                    self.outermost(target, |scope| self.resource_of(scope)?.recursive_anchor.then_some(scope.schema));
            }
            let outcome = self.follow(target, "$recursiveRef");
            self.note(outcome);
        }
        if let Some((mut target, anchor)) = schema.dynamic_reference.as_ref().map(|(id, anchor)| (*id, anchor)) {
            if !anchor.is_empty() && self.all.schema(target).is_some_and(|target| target.dynamic_anchor == *anchor) {
                let named = |scope: &Scope<'_>| self.resource_of(scope)?.dynamic_anchors.get(anchor).copied();
                target = self.outermost(target, named);
            }
            let outcome = self.follow(target, "$dynamicRef");
            self.note(outcome);
        }
    }

    fn resource_of(&self, scope: &Scope<'_>) -> Option<&Schema> {
        self.all.schema(self.all.schema(scope.schema)?.resource)
    }

    /// What the outermost scope that has it has, else `fallback`.
    fn outermost(&self, fallback: Id, has: impl Fn(&Scope<'_>) -> Option<Id>) -> Id {
        let (mut found, mut scope) = (fallback, Some(self.scope));
        while let Some(at) = scope {
            found = has(at).unwrap_or(found);
            scope = at.outer;
        }
        found
    }

    fn missing(object: &Object, names: &[String]) -> Vec<String> {
        names.iter().filter(|name| !object.contains_key(*name)).cloned().collect()
    }

    fn object(&mut self, object: &'v Object, draft: Draft) {
        let schema = self.schema;
        let size = object.len();
        if let Some(want) = schema.min_properties.filter(|want| (size as i64) < *want) {
            self.add(Kind::Size("minProperties", size, want));
        }
        if let Some(want) = schema.max_properties.filter(|want| size as i64 > *want) {
            self.add(Kind::Size("maxProperties", size, want));
        }
        let missing = Self::missing(object, &schema.required);
        if !missing.is_empty() {
            self.add(Kind::Required(missing));
        }
        if self.quiet && !self.faults.is_empty() {
            return;
        }
        for (name, dependency) in schema.dependencies.iter().filter(|(name, _)| object.contains_key(*name)) {
            match dependency {
                Dependency::Names(names) => self.require(object, name, names),
                Dependency::Schema(id) => {
                    let outcome = self.same(*id, "", false);
                    self.note(outcome);
                }
            }
        }
        self.properties(object);
        if draft == Draft::V4 || (self.quiet && !self.faults.is_empty()) {
            return;
        }
        if let Some(id) = schema.property_names {
            self.property_names(object, id);
        }
        if draft == Draft::V6 {
            return;
        }
        for (_, id) in schema.dependent_schemas.iter().filter(|(name, _)| object.contains_key(*name)) {
            let outcome = self.same(*id, "", false);
            self.note(outcome);
        }
        for (name, names) in schema.dependent_required.iter().filter(|(name, _)| object.contains_key(*name)) {
            self.require(object, name, names);
        }
    }

    fn require(&mut self, object: &Object, property: &str, names: &[String]) {
        let missing = Self::missing(object, names);
        if !missing.is_empty() {
            self.add(Kind::Dependency { property: property.to_owned(), missing });
        }
    }

    fn properties(&mut self, object: &'v Object) {
        let schema = self.schema;
        let mut additional = Vec::new();
        for (name, value) in object {
            if self.quiet && !self.faults.is_empty() {
                return;
            }
            let mut evaluated = false;
            if let Some(id) = schema.properties.get(name) {
                evaluated = true;
                self.note(self.part(*id, value, Step::Name(name)));
            }
            for (pattern, id) in &schema.pattern_properties {
                if pattern.is_match(name) {
                    evaluated = true;
                    self.note(self.part(*id, value, Step::Name(name)));
                }
            }
            match schema.additional_properties.filter(|_| !evaluated) {
                None => {}
                Some(Additional::Bool(allowed)) => {
                    evaluated = true;
                    if !allowed {
                        additional.push(name.clone());
                    }
                }
                Some(Additional::Schema(id)) => {
                    evaluated = true;
                    self.note(self.part(id, value, Step::Name(name)));
                }
            }
            if evaluated {
                self.unevaluated.properties.remove(name.as_str());
            }
        }
        if !additional.is_empty() {
            self.add(Kind::AdditionalProperties(additional));
        }
    }

    fn property_names(&mut self, object: &Object, id: Id) {
        for name in object.keys() {
            let (mut schema, mut own) = (id, self.own);
            if let Some(stand_in) = self.own_draft(id, self.path) {
                (schema, own) = (stand_in, Some(stand_in));
            }
            if let Some(fault) = self.all.start(schema, &Json::Text(name.clone()), own) {
                let at = steps(self.path);
                self.faults.push(Fault { at, kind: Box::new(Kind::PropertyName(name.clone())), causes: fault.causes });
            }
        }
    }

    fn list(&mut self, items: &'v [Json], draft: Draft) {
        let schema = self.schema;
        let size = items.len();
        if let Some(want) = schema.min_items.filter(|want| (size as i64) < *want) {
            self.add(Kind::Size("minItems", size, want));
        }
        if let Some(want) = schema.max_items.filter(|want| size as i64 > *want) {
            self.add(Kind::Size("maxItems", size, want));
        }
        if schema.unique_items
            && let Some((first, second)) = duplicates(items)
        {
            self.add(Kind::UniqueItems(first, second));
        }
        let by_place = schema.items_by_place.len().min(size);
        for (place, (id, item)) in schema.items_by_place.iter().zip(items).enumerate() {
            self.note(self.part(*id, item, Step::Place(place)));
        }
        if let Some(id) = schema.items {
            for (place, item) in items.iter().enumerate().skip(by_place) {
                self.note(self.part(id, item, Step::Place(place)));
            }
        }
        match schema.additional_items {
            Some(Additional::Bool(false)) if by_place != size => self.add(Kind::AdditionalItems(size - by_place)),
            Some(Additional::Schema(id)) => {
                for (place, item) in items.iter().enumerate().skip(by_place) {
                    self.note(self.part(id, item, Step::Place(place)));
                }
            }
            _ => {}
        }
        if let Some(id) = schema.contains {
            self.contains(items, id, draft);
        }
    }

    fn contains(&mut self, items: &[Json], id: Id, draft: Draft) {
        let (mut faults, mut matched) = (Vec::new(), Vec::new());
        for (place, item) in items.iter().enumerate() {
            match self.part(id, item, Step::Place(place)) {
                Err(fault) => faults.push(fault),
                Ok(()) => {
                    matched.push(place);
                    if draft >= Draft::V2020 {
                        self.unevaluated.items.remove(&place);
                    }
                }
            }
        }
        let found = matched.len() as i64;
        match self.schema.min_contains {
            Some(want) if found < want => self.add_with(faults, Kind::MinContains { got: matched.clone(), want }),
            None if matched.is_empty() => self.add_with(faults, Kind::Contains),
            _ => {}
        }
        if let Some(want) = self.schema.max_contains.filter(|want| found > *want) {
            self.add(Kind::MaxContains { got: matched, want });
        }
    }

    fn text(&mut self, text: &str) {
        let schema = self.schema;
        if schema.min_length.is_some() || schema.max_length.is_some() {
            let length = text.chars().count();
            if let Some(want) = schema.min_length.filter(|want| (length as i64) < *want) {
                self.add(Kind::Size("minLength", length, want));
            }
            if let Some(want) = schema.max_length.filter(|want| length as i64 > *want) {
                self.add(Kind::Size("maxLength", length, want));
            }
        }
        if let Some((pattern, regex)) = &schema.pattern
            && !regex.is_match(text)
        {
            self.add(Kind::Pattern { got: text.to_owned(), want: pattern.clone() });
        }
    }

    fn number(&mut self, number: &Number) {
        let schema = self.schema;
        let limits: [Limit<'_>; 4] = [
            ("minimum", &schema.minimum, std::cmp::Ordering::is_lt),
            ("maximum", &schema.maximum, std::cmp::Ordering::is_gt),
            ("exclusiveMinimum", &schema.exclusive_minimum, std::cmp::Ordering::is_le),
            ("exclusiveMaximum", &schema.exclusive_maximum, std::cmp::Ordering::is_ge),
        ];
        for (keyword, limit, wrong) in limits {
            if let Some(limit) = limit
                && number.compare(limit).is_some_and(wrong)
            {
                self.add(Kind::Limit(keyword, number.clone(), limit.clone()));
            }
        }
        if let Some(divisor) = &schema.multiple_of
            && !number.is_multiple_of(divisor)
        {
            self.add(Kind::Limit("multipleOf", number.clone(), divisor.clone()));
        }
    }

    fn combined(&mut self) {
        let schema = self.schema;
        if let Some(id) = schema.not
            && self.same(id, "", true).is_ok()
        {
            self.add(Kind::Not);
        }
        let mut faults = Vec::new();
        for id in &schema.all_of {
            faults.extend(self.same(*id, "", false).err());
            if self.quiet && !faults.is_empty() {
                break;
            }
        }
        if !faults.is_empty() {
            self.add_with(faults, Kind::AllOf);
        }
        if !schema.any_of.is_empty() {
            let (mut faults, mut matched) = (Vec::new(), false);
            for id in &schema.any_of {
                match self.same(*id, "", false) {
                    Err(fault) => faults.push(fault),
                    Ok(()) => {
                        matched = true;
                        if self.unevaluated.is_empty() {
                            break;
                        }
                    }
                }
            }
            if !matched {
                self.add_with(faults, Kind::AnyOf);
            }
        }
        if !schema.one_of.is_empty() {
            self.one_of();
        }
        if let Some(id) = schema.condition {
            let branch = if self.same(id, "", true).is_ok() { schema.then } else { schema.otherwise };
            if let Some(branch) = branch {
                let outcome = self.same(branch, "", false);
                self.note(outcome);
            }
        }
    }

    fn one_of(&mut self) {
        let (mut faults, mut matched) = (Vec::new(), None);
        for (place, id) in self.schema.one_of.iter().enumerate() {
            match (self.same(*id, "", matched.is_some()), matched) {
                (Err(fault), None) => faults.push(fault),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(place),
                (Ok(()), Some(first)) => {
                    self.add(Kind::OneOf(Some((first, place))));
                    break;
                }
            }
        }
        if matched.is_none() {
            self.add_with(faults, Kind::OneOf(None));
        }
    }

    fn unevaluated(&mut self) {
        if let (Json::Object(object), Some(id)) = (self.value, self.schema.unevaluated_properties) {
            for name in std::mem::take(&mut self.unevaluated.properties) {
                if let Some(value) = object.get(name) {
                    self.note(self.part(id, value, Step::Name(name)));
                }
            }
        }
        if let (Json::List(items), Some(id)) = (self.value, self.schema.unevaluated_items) {
            for place in std::mem::take(&mut self.unevaluated.items) {
                if let Some(value) = items.get(place) {
                    self.note(self.part(id, value, Step::Place(place)));
                }
            }
        }
    }
}

/// The first two items that are equal, as the validator comes upon them.
fn duplicates(items: &[Json]) -> Option<(usize, usize)> {
    for (second, item) in items.iter().enumerate() {
        if let Some(first) = items[..second].iter().position(|earlier| item.equals(earlier)) {
            return Some((first, second));
        }
    }
    None
}
