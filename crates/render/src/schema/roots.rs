//! Documents of schemas, and what in them has a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::compile::meta;
use super::draft::Draft;
use super::json::{Json, Object};
use super::location::{At, Reference, below, is_pointer, join, split, unescape};

/// The drafts' own schemas, as far as they constrain, by address.
static METASCHEMAS: LazyLock<Object> = LazyLock::new(|| match Json::parse(include_bytes!("metaschemas.json")) {
    Ok(Json::Object(schemas)) => schemas,
    _ => Object::new(),
});

/// A schema with a name of its own, or a document as a whole.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) pointer: String,
    pub(super) id: String,
    pub(super) draft: Draft,
    pub(super) anchors: BTreeMap<String, String>,
    pub(super) dynamic: Vec<String>,
}

/// Resources by the pointers to them.
pub(super) type Resources = BTreeMap<String, Resource>;

/// A document.
#[derive(Clone)]
pub(super) struct Root {
    pub(super) url: String,
    pub(super) document: Arc<Json>,
    pub(super) resources: Resources,
    processed: BTreeSet<String>,
}

impl Root {
    /// The resource that a pointer lies in.
    pub(super) fn resource(&self, pointer: &str) -> Option<&Resource> {
        let mut pointer = pointer;
        loop {
            if let Some(found) = self.resources.get(pointer) {
                return Some(found);
            }
            match pointer.rfind('/') {
                Some(slash) => pointer = &pointer[..slash],
                None => return self.resources.get(""),
            }
        }
    }

    fn draft(&self, pointer: &str) -> Draft {
        self.resource(pointer).map_or(Draft::LATEST, |resource| resource.draft)
    }

    fn fragment_in(&self, fragment: &str, resource: &Resource) -> Result<At, String> {
        if is_pointer(fragment) {
            return Ok(At::new(&self.url, format!("{}{fragment}", resource.pointer)));
        }
        match resource.anchors.get(fragment) {
            Some(pointer) => Ok(At::new(&self.url, pointer.clone())),
            None => {
                let reference = Reference { url: resource.id.clone(), fragment: fragment.to_owned() };
                let (reference, url) = (bowline_yaml::quote(&reference.shown()), bowline_yaml::quote(&self.url));
                Err(format!("anchor in {reference} not found in schema {url}"))
            }
        }
    }

    /// What a reference means in this document; `None` where it is to another.
    pub(super) fn resolve(&self, reference: &Reference) -> Result<Option<At>, String> {
        let resource = if reference.url == self.url {
            self.resources.get("")
        } else {
            self.resources.values().find(|resource| resource.id == reference.url)
        };
        resource.map(|resource| self.fragment_in(&reference.fragment, resource)).transpose()
    }

    fn note_anchors(&mut self, schema: &Object, pointer: &str, resource: &str) -> Result<(), String> {
        let Some(draft) = self.resources.get(resource).map(|resource| resource.draft) else { return Ok(()) };
        let mut anchors = Vec::new();
        if draft < Draft::V2019 {
            if schema.contains_key("$ref") {
                return Ok(());
            }
            if let Some(id) = schema.get(draft.id_keyword()).and_then(Json::text) {
                let Ok(reference) = join("", &format!("#{}", split(id).1)) else {
                    let at = At::new(&self.url, pointer).shown();
                    return Err(format!("error in parsing anchor at {}", bowline_yaml::quote(&at)));
                };
                if !is_pointer(&reference.fragment) {
                    anchors.push((reference.fragment, false));
                }
            }
        } else if let Some(anchor) = schema.get("$anchor").and_then(Json::text) {
            anchors.push((anchor.to_owned(), false));
        }
        if draft >= Draft::V2020
            && let Some(anchor) = schema.get("$dynamicAnchor").and_then(Json::text)
        {
            anchors.push((anchor.to_owned(), true));
        }
        let url = self.url.clone();
        let Some(resource) = self.resources.get_mut(resource) else { return Ok(()) };
        for (anchor, dynamic) in anchors {
            match resource.anchors.get(&anchor) {
                Some(known) if known != pointer => {
                    let [anchor, url, first, second] =
                        [&anchor, &url, known, pointer].map(|text: &str| bowline_yaml::quote(text));
                    return Err(format!("duplicate anchor {anchor} in {url} at {first} and {second}"));
                }
                Some(_) => {}
                None => _ = resource.anchors.insert(anchor.clone(), pointer.to_owned()),
            }
            if dynamic {
                resource.dynamic.push(anchor);
            }
        }
        Ok(())
    }
}

/// The value in a document that a pointer leads to.
///
/// # Errors
/// With the text of Helm's validator.
pub(super) fn lookup<'d>(document: &'d Json, at: &At) -> Result<&'d Json, String> {
    let mut value = document;
    let shown = || bowline_yaml::quote(&at.shown());
    for step in at.pointer.split('/').skip(1) {
        let Some(step) = unescape(step) else { return Err(format!("invalid json-pointer {}", shown())) };
        let next = match value {
            Json::Object(object) => object.get(&step),
            Json::List(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        value = next.ok_or_else(|| format!("json-pointer in {} not found", shown()))?;
    }
    Ok(value)
}

/// Every document that takes part.
pub(super) struct Roots {
    roots: BTreeMap<String, Root>,
    documents: BTreeMap<String, Arc<Json>>,
    /// The drafts' own schemas are not checked against themselves.
    trusted: bool,
}

fn is_meta(url: &str) -> bool {
    url.starts_with("http://json-schema.org/") || url.starts_with("https://json-schema.org/")
}

impl Roots {
    pub(super) fn new(trusted: bool) -> Self {
        Self { roots: BTreeMap::new(), documents: BTreeMap::new(), trusted }
    }

    pub(super) fn add(&mut self, url: &str, document: Json) {
        self.documents.insert(url.to_owned(), Arc::new(document));
    }

    pub(super) fn get(&self, url: &str) -> Option<&Root> {
        self.roots.get(url)
    }

    fn load(&mut self, url: &str) -> Result<Arc<Json>, String> {
        if let Some(document) = self.documents.get(url) {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(load(url)?);
        self.documents.insert(url.to_owned(), Arc::clone(&document));
        Ok(document)
    }

    /// Sees to it that a document is there, understood and valid.
    pub(super) fn or_load(&mut self, url: &str) -> Result<(), String> {
        if self.roots.contains_key(url) {
            return Ok(());
        }
        let document = self.load(url)?;
        let mut root = Root {
            url: url.to_owned(),
            document: Arc::clone(&document),
            resources: BTreeMap::new(),
            processed: BTreeSet::new(),
        };
        self.collect(&mut root, &document, url, "", Draft::LATEST)?;
        if !is_meta(url) {
            self.check(&root, &document, "")?;
        }
        self.roots.insert(url.to_owned(), root);
        Ok(())
    }

    /// What a reference to a document means.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Result<At, String> {
        self.or_load(&reference.url)?;
        match self.roots.get(&reference.url).map(|root| (root, root.resources.get(""))) {
            Some((root, Some(resource))) => root.fragment_in(&reference.fragment, resource),
            _ => Ok(At::new(&reference.url, reference.fragment.clone())),
        }
    }

    /// A schema at a place where no keyword has one is looked at when something refers to it.
    pub(super) fn ensure(&mut self, at: &At) -> Result<(), String> {
        self.or_load(&at.url)?;
        let Some(root) = self.roots.get(&at.url) else { return Ok(()) };
        if root.processed.contains(&at.pointer) {
            return Ok(());
        }
        let document = Arc::clone(&root.document);
        let value = lookup(&document, at)?;
        let mut root = root.clone();
        let Some(base) = root.resource(&at.pointer).cloned() else { return Ok(()) };
        self.collect(&mut root, value, &base.id, &at.pointer, base.draft)?;
        if !root.resources.contains_key(&at.pointer)
            && let Some(object) = value.object()
        {
            root.note_anchors(object, &at.pointer, &base.pointer)?;
        }
        self.check(&root, value, &at.pointer)?;
        self.roots.insert(at.url.clone(), root);
        Ok(())
    }

    fn check(&self, root: &Root, value: &Json, pointer: &str) -> Result<(), String> {
        if self.trusted {
            return Ok(());
        }
        match meta().check(value, root.draft(pointer), &root.resources) {
            None => Ok(()),
            Some(fault) => {
                let at = bowline_yaml::quote(&At::new(&root.url, pointer).shown());
                Err(format!("{at} is not valid against metaschema: {fault}"))
            }
        }
    }

    fn collect(
        &mut self,
        root: &mut Root,
        schema: &Json,
        base: &str,
        pointer: &str,
        fallback: Draft,
    ) -> Result<(), String> {
        if root.processed.contains(pointer) {
            return Ok(());
        }
        bowline_gotemplate::with_stack(|| self.collect_one(root, schema, base, pointer, fallback))?;
        root.processed.insert(pointer.to_owned());
        Ok(())
    }

    fn collect_one(
        &mut self,
        root: &mut Root,
        schema: &Json,
        base: &str,
        pointer: &str,
        fallback: Draft,
    ) -> Result<(), String> {
        let new = |id: &str, draft| Resource {
            pointer: pointer.to_owned(),
            id: id.to_owned(),
            draft,
            anchors: BTreeMap::new(),
            dynamic: Vec::new(),
        };
        let Some(object) = schema.object() else {
            if pointer.is_empty() {
                root.resources.insert(String::new(), new(base, fallback));
            }
            return Ok(());
        };
        let mut names_draft = object.get("$schema").is_some_and(|schema| schema.text().is_some());
        let mut draft = self.draft(&At::new(&root.url, pointer), schema, fallback, &mut BTreeSet::new())?;
        let mut id = draft.id(object);
        if id.is_empty() && !pointer.is_empty() {
            draft = fallback;
            names_draft = false;
            id = draft.id(object);
        }
        let mut base = base.to_owned();
        if !id.is_empty() {
            let Ok(joined) = join(&base, id) else {
                let at = At::new(&root.url, pointer).shown();
                return Err(format!("error in parsing id at {}", bowline_yaml::quote(&at)));
            };
            base = joined.url;
        }
        if !id.is_empty() || pointer.is_empty() {
            match root.resources.values().find(|resource| resource.id == base) {
                Some(known) if known.pointer != pointer => {
                    let [id, url, first, second] =
                        [base.as_str(), &root.url, pointer, &known.pointer].map(bowline_yaml::quote);
                    return Err(format!("duplicate id {id} in {url} at {first} and {second}"));
                }
                Some(_) => {}
                None => {
                    let own = if names_draft { draft } else { fallback };
                    root.resources.insert(pointer.to_owned(), new(&base, own));
                }
            }
        }
        let Some((resource, dialect)) = root
            .resources
            .iter()
            .find(|(_, resource)| resource.id == base)
            .map(|(pointer, resource)| (pointer.clone(), resource.draft))
        else {
            return Ok(());
        };
        root.note_anchors(object, pointer, &resource)?;
        for (inner, value) in draft.subschemas(object, pointer) {
            self.collect(root, value, &base, &inner, dialect)?;
        }
        Ok(())
    }

    /// The draft that a schema is written in.
    fn draft(&mut self, at: &At, schema: &Json, default: Draft, seen: &mut BTreeSet<String>) -> Result<Draft, String> {
        let Some(named) = schema.object().and_then(|object| object.get("$schema")).and_then(Json::text) else {
            return Ok(default);
        };
        if let Some(draft) = Draft::named(named) {
            return Ok(draft);
        }
        let url = split(named).0;
        if let Err(why) = crate::functions::urls::check(url) {
            return Err(format!("invalid $schema in {}: {why}", bowline_yaml::quote(&at.shown())));
        }
        if at.pointer.is_empty() && url == at.url {
            return Err(format!("draft {} is not supported", bowline_yaml::quote(url)));
        }
        if !seen.insert(url.to_owned()) {
            return Err(format!("cycle in resolving $schema in {}", bowline_yaml::quote(url)));
        }
        let document = self.load(url)?;
        self.draft(&At::new(url, ""), &document, default, seen)
    }
}

/// Another document: a draft's own schema, or an error.
fn load(url: &str) -> Result<Json, String> {
    let latest = Draft::LATEST.url();
    if is_meta(url) {
        let path = url.split_once("json-schema.org/").map_or("", |(_, path)| path);
        let known = ["http", "https"].map(|scheme| METASCHEMAS.get(&format!("{scheme}://json-schema.org/{path}")));
        let known = known.into_iter().flatten().next().or_else(|| METASCHEMAS.get(latest).filter(|_| path == "schema"));
        if let Some(schema) = known {
            return Ok(schema.clone());
        }
    }
    let quoted = bowline_yaml::quote(url);
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let why = match scheme.as_str() {
        "urn" => return Ok(Json::Bool(true)),
        // A schema sees no files but itself.
        "file" => {
            let path = url.strip_prefix("file://").unwrap_or(url);
            let path = crate::functions::urls::path_unescape(path).unwrap_or_else(|_| path.to_owned());
            format!("open {path}: no such file or directory")
        }
        "http" | "https" => {
            format!("HTTP request failed for {url}: Get {quoted}: schemas are not fetched while rendering")
        }
        _ => format!("no URLLoader registered for {quoted}"),
    };
    Err(format!("failing loading {quoted}: {why}"))
}

/// A pointer to a keyword's value, as an error shows it.
pub(super) fn keyword_at(at: &At, keyword: &str) -> String {
    At::new(&at.url, below(&at.pointer, &[keyword])).shown()
}
