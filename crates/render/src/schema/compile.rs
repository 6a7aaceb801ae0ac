//! From documents to schemas that can be run.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::draft::Draft;
use super::fault::Fault;
use super::formats::Format;
use super::json::{Json, Object};
use super::location::{At, below, is_pointer, join, split};
use super::number::Number;
use super::roots::{Resources, Roots, keyword_at, lookup};
use super::validate::{Validator, types_of};

/// Place of a schema among the compiled.
pub(super) type Id = usize;

/// What may stand where a keyword takes a boolean or a schema.
#[derive(Clone, Copy, Debug)]
pub(super) enum Additional {
    Bool(bool),
    Schema(Id),
}

/// What has to be there because a property is.
#[derive(Debug)]
pub(super) enum Dependency {
    Names(Vec<String>),
    Schema(Id),
}

/// One schema, its keywords in groups as they are checked.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) location: String,
    pub(super) draft: Option<Draft>,
    /// The resource it lies in.
    pub(super) resource: Id,
    pub(super) dynamic_anchors: BTreeMap<String, Id>,
    pub(super) all_properties_evaluated: bool,
    pub(super) all_items_evaluated: bool,
    pub(super) items_evaluated: usize,

    pub(super) boolean: Option<bool>,
    pub(super) reference: Option<Id>,
    pub(super) recursive_reference: Option<Id>,
    pub(super) recursive_anchor: bool,
    /// The first target, and the anchor where it was named by one.
    pub(super) dynamic_reference: Option<(Id, String)>,
    pub(super) dynamic_anchor: String,
    pub(super) types: u8,
    pub(super) enumeration: Option<(Vec<Json>, u8)>,
    pub(super) constant: Option<Json>,
    pub(super) not: Option<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
    pub(super) format: Option<Format>,

    pub(super) max_properties: Option<i64>,
    pub(super) min_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) property_names: Option<Id>,
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) pattern_properties: Vec<(Regex, Id)>,
    pub(super) additional_properties: Option<Additional>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
    pub(super) dependent_required: BTreeMap<String, Vec<String>>,
    pub(super) dependent_schemas: BTreeMap<String, Id>,
    pub(super) unevaluated_properties: Option<Id>,

    pub(super) min_items: Option<i64>,
    pub(super) max_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) contains: Option<Id>,
    pub(super) min_contains: Option<i64>,
    pub(super) max_contains: Option<i64>,
    /// One schema for every item, before 2020-12 under `items` and since then behind `prefixItems`.
    pub(super) items: Option<Id>,
    /// A schema for each of the first items.
    pub(super) items_by_place: Vec<Id>,
    pub(super) additional_items: Option<Additional>,
    pub(super) unevaluated_items: Option<Id>,

    pub(super) min_length: Option<i64>,
    pub(super) max_length: Option<i64>,
    /// As written, and compiled.
    pub(super) pattern: Option<(String, Regex)>,

    pub(super) maximum: Option<Number>,
    pub(super) minimum: Option<Number>,
    pub(super) exclusive_maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

/// A schema with all it refers to.
pub(super) struct Compiled {
    schemas: Vec<Schema>,
    root: Id,
}

/// The drafts' own schemas.
pub(super) struct Meta {
    schemas: Vec<Schema>,
    roots: Vec<(Draft, Id)>,
}

/// The drafts' own schemas, compiled once.
pub(super) fn meta() -> &'static Meta {
    static META: LazyLock<Meta> = LazyLock::new(|| {
        let mut compiler = Compiler::new(true);
        let compile = |draft: Draft| Some((draft, compiler.compile(At::new(draft.url(), "")).ok()?));
        let roots = Draft::ALL.into_iter().filter_map(compile).collect();
        Meta { schemas: compiler.schemas, roots }
    });
    &META
}

impl Meta {
    /// What is wrong with a schema.
    pub(super) fn check(&self, schema: &Json, draft: Draft, resources: &Resources) -> Option<Fault> {
        let root = self.root(draft)?;
        Validator { schemas: &self.schemas, resources: Some(resources) }.start(root, schema, Some(root))
    }

    pub(super) fn root(&self, draft: Draft) -> Option<Id> {
        self.roots.iter().find(|(known, _)| *known == draft).map(|(_, id)| *id)
    }
}

impl Compiled {
    /// Compiles a document.
    ///
    /// # Errors
    /// In the words of Helm's validator.
    pub(super) fn new(url: &str, text: &[u8]) -> Result<Self, String> {
        let document = Json::parse(text)?;
        let mut compiler = Compiler::new(false);
        compiler.roots.add(url, document);
        compiler.roots.or_load(url)?;
        let root = compiler.compile(At::new(url, ""))?;
        Ok(Self { schemas: compiler.schemas, root })
    }

    /// What is wrong with a value.
    pub(super) fn validate(&self, value: &Json) -> Option<Fault> {
        Validator { schemas: &self.schemas, resources: None }.start(self.root, value, None)
    }
}

struct Compiler {
    roots: Roots,
    schemas: Vec<Schema>,
    known: HashMap<At, Id>,
    queue: VecDeque<(At, Id)>,
    /// The drafts' own schemas check formats in every draft.
    meta: bool,
}

impl Compiler {
    fn new(meta: bool) -> Self {
        Self { roots: Roots::new(meta), schemas: Vec::new(), known: HashMap::new(), queue: VecDeque::new(), meta }
    }

    fn compile(&mut self, at: At) -> Result<Id, String> {
        let id = self.enqueue(at);
        while let Some((at, id)) = self.queue.pop_front() {
            self.roots.ensure(&at)?;
            let Some(root) = self.roots.get(&at.url) else { continue };
            let document = Arc::clone(&root.document);
            self.compile_one(&at, id, lookup(&document, &at)?)?;
        }
        Ok(id)
    }

    fn enqueue(&mut self, at: At) -> Id {
        if let Some(id) = self.known.get(&at) {
            return *id;
        }
        let id = self.schemas.len();
        self.schemas.push(Schema { location: at.shown(), ..Schema::default() });
        self.known.insert(at.clone(), id);
        self.queue.push_back((at, id));
        id
    }

    fn compile_one(&mut self, at: &At, id: Id, value: &Json) -> Result<(), String> {
        let Some(resource) = self.roots.get(&at.url).and_then(|root| root.resource(&at.pointer)).cloned() else {
            return Ok(());
        };
        let draft = resource.draft;
        let mut schema = Schema { location: at.shown(), draft: Some(draft), ..Schema::default() };
        schema.resource = self.enqueue(At::new(&at.url, resource.pointer.clone()));
        if draft >= Draft::V2020 && schema.resource == id {
            for (anchor, pointer) in resource.anchors.iter().filter(|(anchor, _)| resource.dynamic.contains(anchor)) {
                let target = self.enqueue(At::new(&at.url, pointer.clone()));
                schema.dynamic_anchors.insert(anchor.clone(), target);
            }
        }
        match value {
            Json::Bool(value) => schema.boolean = Some(*value),
            Json::Object(object) if object.is_empty() => schema.boolean = Some(true),
            Json::Object(object) => {
                let base = resource.id;
                Keywords { compiler: self, object, at, base: &base, draft }.compile(&mut schema)?;
            }
            _ => {}
        }
        schema.all_properties_evaluated = schema.additional_properties.is_some();
        schema.all_items_evaluated = schema.items.is_some() || schema.additional_items.is_some();
        schema.items_evaluated = schema.items_by_place.len();
        if let Some(place) = self.schemas.get_mut(id) {
            *place = schema;
        }
        Ok(())
    }
}

/// The keywords of one schema.
struct Keywords<'c> {
    compiler: &'c mut Compiler,
    object: &'c Object,
    at: &'c At,
    /// Against what references are resolved.
    base: &'c str,
    draft: Draft,
}

impl Keywords<'_> {
    fn compile(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.reference = self.reference("$ref")?;
        // Before 2019-09 a reference replaces all else: to the validator, all that draft 4 knew.
        if self.draft >= Draft::V2019 || schema.reference.is_none() {
            self.applicators(schema)?;
            self.assertions(schema)?;
        }
        if self.draft >= Draft::V6 {
            schema.contains = self.one("contains");
            schema.property_names = self.one("propertyNames");
            schema.constant = self.object.get("const").cloned();
        }
        if self.draft >= Draft::V7 {
            schema.condition = self.one("if");
            let fixed = self.bool("if");
            if schema.condition.is_some() && fixed != Some(false) {
                schema.then = self.one("then");
            }
            if schema.condition.is_some() && fixed != Some(true) {
                schema.otherwise = self.one("else");
            }
        }
        if self.draft >= Draft::V2019 {
            self.since_2019(schema)?;
        }
        Ok(())
    }

    fn applicators(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.all_of = self.list("allOf");
        schema.any_of = self.list("anyOf");
        schema.one_of = self.list("oneOf");
        schema.not = self.one("not");
        if self.draft < Draft::V2020 {
            if self.object.get("items").is_some_and(|items| items.list().is_some()) {
                schema.items_by_place = self.list("items");
                schema.additional_items = self.additional("additionalItems");
            } else {
                schema.items = self.one("items");
            }
        } else {
            schema.items_by_place = self.list("prefixItems");
            schema.items = self.one("items");
        }
        schema.properties = self.named("properties");
        for (pattern, id) in self.named("patternProperties") {
            schema.pattern_properties.push((self.regex("patternProperties", &pattern)?, id));
        }
        schema.additional_properties = self.additional("additionalProperties");
        for (name, value) in self.object.get("dependencies").and_then(Json::object).into_iter().flatten() {
            let dependency = match value {
                Json::List(names) => Dependency::Names(texts(names)),
                _ => {
                    let pointer = below(&self.at.pointer, &["dependencies", name]);
                    Dependency::Schema(self.compiler.enqueue(At::new(&self.at.url, pointer)))
                }
            };
            schema.dependencies.insert(name.clone(), dependency);
        }
        Ok(())
    }

    fn assertions(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.types = match self.object.get("type") {
            Some(Json::Text(name)) => types_of(name),
            Some(Json::List(names)) => names.iter().filter_map(Json::text).fold(0, |all, name| all | types_of(name)),
            _ => 0,
        };
        if let Some(items) = self.object.get("enum").and_then(Json::list) {
            let types = items.iter().fold(0, |all, item| all | super::validate::type_of(item));
            schema.enumeration = Some((items.to_vec(), types));
        }
        schema.multiple_of = self.number("multipleOf");
        schema.maximum = self.number("maximum");
        schema.exclusive_maximum = self.number("exclusiveMaximum");
        if self.bool("exclusiveMaximum") == Some(true) {
            schema.exclusive_maximum = schema.maximum.take();
        }
        schema.minimum = self.number("minimum");
        schema.exclusive_minimum = self.number("exclusiveMinimum");
        if self.bool("exclusiveMinimum") == Some(true) {
            schema.exclusive_minimum = schema.minimum.take();
        }
        schema.min_length = self.count("minLength");
        schema.max_length = self.count("maxLength");
        if let Some(pattern) = self.text("pattern") {
            schema.pattern = Some((pattern.to_owned(), self.regex("pattern", pattern)?));
        }
        schema.min_items = self.count("minItems");
        schema.max_items = self.count("maxItems");
        schema.unique_items = self.bool("uniqueItems") == Some(true);
        schema.max_properties = self.count("maxProperties");
        schema.min_properties = self.count("minProperties");
        schema.required = self.object.get("required").and_then(Json::list).map(texts).unwrap_or_default();
        if self.compiler.meta || self.draft < Draft::V2019 {
            schema.format = self.text("format").and_then(Format::named);
        }
        Ok(())
    }

    fn since_2019(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.recursive_reference = self.reference("$recursiveRef")?;
        schema.recursive_anchor = self.bool("$recursiveAnchor") == Some(true);
        if schema.contains.is_some() {
            schema.min_contains = self.count("minContains");
            schema.max_contains = self.count("maxContains");
        }
        for (name, value) in self.object.get("dependentRequired").and_then(Json::object).into_iter().flatten() {
            if let Json::List(names) = value {
                schema.dependent_required.insert(name.clone(), texts(names));
            }
        }
        schema.dependent_schemas = self.named("dependentSchemas");
        schema.unevaluated_items = self.one("unevaluatedItems");
        schema.unevaluated_properties = self.one("unevaluatedProperties");
        if self.draft >= Draft::V2020 {
            if let (Some(target), Some(text)) = (self.reference("$dynamicRef")?, self.text("$dynamicRef")) {
                let fragment = join("", &format!("#{}", split(text).1))?.fragment;
                let anchor = if is_pointer(&fragment) { String::new() } else { fragment };
                schema.dynamic_reference = Some((target, anchor));
            }
            schema.dynamic_anchor = self.text("$dynamicAnchor").unwrap_or_default().to_owned();
        }
        Ok(())
    }

    fn reference(&mut self, keyword: &str) -> Result<Option<Id>, String> {
        let Some(text) = self.text(keyword) else { return Ok(None) };
        let reference = join(self.base, text)?;
        let local = match self.compiler.roots.get(&self.at.url) {
            Some(root) => root.resolve(&reference)?,
            None => None,
        };
        let at = match local {
            Some(at) => at,
            None => self.compiler.roots.resolve(&reference)?,
        };
        Ok(Some(self.compiler.enqueue(at)))
    }

    fn regex(&self, keyword: &str, pattern: &str) -> Result<Regex, String> {
        crate::functions::go_regex(pattern).map_err(|why| {
            let (pattern, at) = (bowline_yaml::quote(pattern), bowline_yaml::quote(&keyword_at(self.at, keyword)));
            format!("invalid regex {pattern} at {at}: {why}")
        })
    }

    fn enqueue(&mut self, steps: &[&str]) -> Id {
        self.compiler.enqueue(At::new(&self.at.url, below(&self.at.pointer, steps)))
    }

    fn one(&mut self, keyword: &str) -> Option<Id> {
        self.object.get(keyword)?;
        Some(self.enqueue(&[keyword]))
    }

    fn list(&mut self, keyword: &str) -> Vec<Id> {
        let length = self.object.get(keyword).and_then(Json::list).map_or(0, <[Json]>::len);
        (0..length).map(|at| self.enqueue(&[keyword, &at.to_string()])).collect()
    }

    fn named(&mut self, keyword: &str) -> BTreeMap<String, Id> {
        let Some(named) = self.object.get(keyword).and_then(Json::object) else { return BTreeMap::new() };
        named.keys().map(|name| (name.clone(), self.enqueue(&[keyword, name]))).collect()
    }

    fn additional(&mut self, keyword: &str) -> Option<Additional> {
        match self.object.get(keyword)? {
            Json::Bool(value) => Some(Additional::Bool(*value)),
            _ => self.one(keyword).map(Additional::Schema),
        }
    }

    fn bool(&self, keyword: &str) -> Option<bool> {
        self.object.get(keyword)?.bool()
    }

    fn text(&self, keyword: &str) -> Option<&str> {
        self.object.get(keyword)?.text()
    }

    fn number(&self, keyword: &str) -> Option<Number> {
        self.object.get(keyword)?.number().cloned()
    }

    fn count(&self, keyword: &str) -> Option<i64> {
        self.object.get(keyword)?.number()?.count()
    }
}

fn texts(items: &[Json]) -> Vec<String> {
    items.iter().filter_map(Json::text).map(str::to_owned).collect()
}
