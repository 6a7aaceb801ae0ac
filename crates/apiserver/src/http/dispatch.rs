//! From a request to an answer.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Response, header};
use serde_json::{Value, json};

use super::answer::{self, Body, WireList};
use super::route::{Query, Route};
use super::stream::Form;
use super::{User, body, discovery, openapi, openapi_v2, review, scale, stream, views};
use crate::authorize::{self, Attributes};
use crate::catalog::Resource;
use crate::metadata::text;
use crate::options::Notes;
use crate::schema::schema;
use crate::table::{self, Include};
use crate::{Api, LogOptions, Patch, Status, WatchOptions, WriteOptions, resources};

/// Which kinds come back whole from a delete, where the others answer with a `Status`.
const RETURNED_WHEN_DELETED: [&str; 7] = [
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "resourcequotas",
    "serviceaccounts",
    "services",
];

const JOBS_LET_GO: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

pub(super) fn answer(api: &Api, head: &Parts, body: &Bytes) -> Response<Body> {
    let path = head.uri.path();
    let user: User = head.extensions.get().cloned().unwrap_or_else(User::admin);
    if let Some(answer) = outside_resources(api, head, path) {
        return answer;
    }
    let Some(route) = Route::parse(path) else { return not_a_page() };
    let catalog = api.catalog();
    if !catalog.served().any(|r| r.id.group == route.group) {
        return not_a_page();
    }
    let Some(shown) = catalog.find(&route.group, &route.version, &route.resource) else {
        return answer::status(&Status::no_such_resource());
    };
    let Some(resource) = shown.stored_as.as_ref().map_or(Some(shown), |id| catalog.get(id)) else {
        return answer::status(&Status::no_such_resource());
    };
    let request = Request {
        api,
        user,
        method: &head.method,
        headers: &head.headers,
        query: Query::parse(head.uri.query().unwrap_or_default()),
        route,
        resource,
        shown,
        body,
        notes: Notes::default(),
    };
    let mut response =
        request.authorized().and_then(|()| request.answer()).unwrap_or_else(|status| answer::status(&status));
    answer::warn(&mut response, &request.notes.take());
    response
}

fn not_a_page() -> Response<Body> {
    answer::text(404, "404 page not found\n")
}

fn outside_resources(api: &Api, head: &Parts, path: &str) -> Option<Response<Body>> {
    let accept = accept(&head.headers);
    let path = path.trim_end_matches('/');
    match path {
        "/healthz" | "/livez" | "/readyz" => Some(answer::text(200, "ok")),
        "/version" => Some(answer::json(200, &version())),
        "/openapi/v2" => Some(openapi_v2::answer(api, accept)),
        "/openapi/v3" => Some(openapi::index(api)),
        _ => path
            .strip_prefix("/openapi/v3/")
            .map(|of| openapi::document(api, of).unwrap_or_else(not_a_page))
            .or_else(|| discovery::answer(api, path, accept)),
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35", "gitVersion": "v1.36.3+bowline",
        "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)})
}

fn accept(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// How objects are wanted.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Whole,
    Table,
    Metadata,
}

fn shape(accept: &str) -> Shape {
    // The first of the client's wishes that can be fulfilled.
    for wish in accept.split(',') {
        let mut parameters = wish.split(';').map(str::trim);
        let json = matches!(parameters.next(), Some("application/json" | "*/*" | "application/*"));
        let of_kind = parameters.find_map(|p| p.strip_prefix("as="));
        match (json, of_kind) {
            (true, Some("Table")) => return Shape::Table,
            (true, Some("PartialObjectMetadata" | "PartialObjectMetadataList")) => return Shape::Metadata,
            (true, None) => return Shape::Whole,
            _ => {}
        }
    }
    Shape::Whole
}

struct Request<'a> {
    api: &'a Api,
    user: User,
    method: &'a Method,
    headers: &'a HeaderMap,
    query: Query,
    route: Route,
    /// Where the objects are stored.
    resource: &'a Arc<Resource>,
    /// The version asked for.
    shown: &'a Arc<Resource>,
    body: &'a Bytes,
    notes: Notes,
}

type Answer = Result<Response<Body>, Status>;

impl Request<'_> {
    /// Refuses what the user may not do.
    fn authorized(&self) -> Result<(), Status> {
        let (name, watches) = (self.route.name.as_deref(), self.query.flag("watch"));
        let verb = match (self.method, name) {
            (&Method::GET | &Method::HEAD, _) if watches => "watch",
            (&Method::GET | &Method::HEAD, None) => "list",
            (&Method::GET | &Method::HEAD, Some(_)) => "get",
            (&Method::POST, _) => "create",
            (&Method::PUT, _) => "update",
            (&Method::PATCH, _) => "patch",
            (&Method::DELETE, None) => "deletecollection",
            (&Method::DELETE, Some(_)) => "delete",
            (other, _) => other.as_str(),
        };
        let wanted = Attributes {
            verb,
            group: &self.route.group,
            resource: &self.route.resource,
            subresource: self.route.subresource.as_deref().unwrap_or_default(),
            namespace: self.namespace(),
            name: name.unwrap_or_default(),
            path: "",
        };
        if authorize::allows(self.api, &self.user, &wanted) {
            return Ok(());
        }
        Err(authorize::refusal(&self.user, &wanted))
    }

    fn answer(&self) -> Answer {
        if self.resource.id == resources::ENDPOINTS {
            self.notes.warn("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned());
        }
        if !self.resource.namespaced && self.route.namespace.is_some() {
            return Err(Status::no_such_resource());
        }
        match (self.route.name.as_deref(), self.route.subresource.as_deref()) {
            (None, _) => self.collection(),
            (Some(name), None) => self.object(name),
            (Some(name), Some(subresource)) => self.part(name, subresource),
        }
    }

    fn namespace(&self) -> &str {
        self.route.namespace.as_deref().unwrap_or_default()
    }

    fn collection(&self) -> Answer {
        let resource = self.resource;
        let can = |verb: &str| resource.verbs.iter().any(|v| v == verb);
        match *self.method {
            Method::GET if can("watch") && self.query.flag("watch") => self.watch(None),
            Method::GET if can("list") => self.list(),
            Method::POST if can("create") => self.create(),
            Method::DELETE if can("deletecollection") => {
                let options = self.query.delete_options(&self.body_or_null()?)?;
                let list = self.list_options()?;
                let gone =
                    self.api.delete_collection(&resource.id, self.route.namespace.as_deref(), &list, &options)?;
                Ok(answer::json(200, &self.wire(&gone)))
            }
            _ => Err(not_allowed()),
        }
    }

    fn object(&self, name: &str) -> Answer {
        let (id, namespace) = (&self.resource.id, self.namespace());
        match *self.method {
            Method::GET if self.query.flag("watch") => self.watch(Some(name)),
            Method::GET => Ok(self.formed(200, &self.api.get(id, namespace, name)?)),
            Method::PUT => {
                let updated = self.api.update(id, namespace, name, None, self.read()?, &self.write_options()?)?;
                Ok(self.formed(200, &updated))
            }
            Method::PATCH => self.patch(name, None),
            Method::DELETE => {
                let options = self.query.delete_options(&self.body_or_null()?)?;
                if self.resource.id == resources::JOBS && options.propagation.is_none() {
                    self.notes.warn(JOBS_LET_GO.to_owned());
                }
                let deletion = self.api.delete(id, namespace, name, &options)?;
                if !deletion.gone || RETURNED_WHEN_DELETED.contains(&&*id.plural) && id.group.is_empty() {
                    return Ok(self.formed(200, &deletion.object));
                }
                let mut details = json!({"name": name, "kind": id.plural, "uid": text(&deletion.object, "uid")});
                if !id.group.is_empty() {
                    details["group"] = Value::from(&*id.group);
                }
                let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
                Ok(answer::json(200, &done))
            }
            _ => Err(not_allowed()),
        }
    }

    fn part(&self, name: &str, subresource: &str) -> Answer {
        let (id, namespace) = (&self.resource.id, self.namespace());
        if self.resource.subresource(subresource).is_none() || !self.route.rest.is_empty() {
            return Err(Status::no_such_resource());
        }
        match (self.method, subresource) {
            (&Method::GET, "log") => {
                let pieces = self.api.logs(namespace, name, &self.log_options())?;
                Ok(answer::stream("text/plain", pieces))
            }
            (&Method::GET, "scale") => Ok(answer::json(200, &scale::of(&*self.api.get(id, namespace, name)?))),
            (&Method::PUT, "scale") => {
                let wanted = self.read()?;
                let options = self.write_options()?;
                let scaled = self.api.rescale(id, namespace, name, &options, |_| Ok(wanted.clone()))?;
                Ok(answer::json(200, &scale::of(&scaled)))
            }
            (&Method::PATCH, "scale") => {
                let (patch, options) = (self.read_patch()?, self.write_options()?);
                let of = schema().by_name("autoscaling.v1.Scale");
                let change = |scale: &Value| crate::patch::patched(of, scale, &patch);
                let scaled = self.api.rescale(id, namespace, name, &options, change)?;
                Ok(answer::json(200, &scale::of(&scaled)))
            }
            (&Method::POST, "binding") => {
                let node = self.read()?.pointer("/target/name").and_then(Value::as_str).unwrap_or_default().to_owned();
                self.api.bind(namespace, name, &node)?;
                Ok(answer::json(201, &success()))
            }
            (&Method::POST, "eviction") => {
                let eviction = self.read()?;
                let options = eviction.get("deleteOptions").unwrap_or(&Value::Null);
                self.api.evict(namespace, name, &self.query.delete_options(options)?)?;
                Ok(answer::json(201, &success()))
            }
            (&Method::PUT, "finalize") => {
                let finalized =
                    self.api.update(id, namespace, name, Some(subresource), self.read()?, &self.write_options()?)?;
                Ok(self.formed(200, &finalized))
            }
            (&Method::POST, "token") => Ok(answer::json(201, &self.api.issue_token(namespace, name, self.read()?)?)),
            (_, "exec" | "attach" | "portforward") => {
                Err(Status::new(501, "NotImplemented", format!("{subresource} is not served by this API server")))
            }
            (&Method::GET, "status" | "ephemeralcontainers" | "resize") => {
                Ok(self.formed(200, &self.api.get(id, namespace, name)?))
            }
            (&Method::PUT, "status" | "ephemeralcontainers" | "resize") => {
                let updated =
                    self.api.update(id, namespace, name, Some(subresource), self.read()?, &self.write_options()?)?;
                Ok(self.formed(200, &updated))
            }
            (&Method::PATCH, "status" | "ephemeralcontainers" | "resize") => self.patch(name, Some(subresource)),
            _ => Err(not_allowed()),
        }
    }

    fn list(&self) -> Answer {
        let mut options = self.list_options()?;
        if options.resource_version.is_none()
            && let Some(asked) = self.query.resource_version()?
            && asked > self.api.revision()
        {
            return Err(crate::api::too_large(asked, self.api.revision()));
        }
        if options.limit == 0 {
            options.limit = usize::MAX;
        }
        let list = self.api.list(&self.resource.id, self.route.namespace.as_deref(), &options)?;
        Ok(match shape(accept(self.headers)) {
            Shape::Table => {
                let mut table = table::table(self.api, self.resource, &list.items, self.include());
                table["metadata"] = json!({"resourceVersion": list.resource_version.to_string()});
                if !list.continue_token.is_empty() {
                    table["metadata"]["continue"] = Value::from(list.continue_token);
                    table["metadata"]["remainingItemCount"] = list.remaining.map_or(Value::Null, Value::from);
                }
                answer::json(200, &table)
            }
            Shape::Metadata => {
                let mut list = list;
                list.items = list.items.iter().map(|item| Arc::new(table::metadata_only(item))).collect();
                let wire = WireList {
                    list: &list,
                    api_version: "meta.k8s.io/v1".to_owned(),
                    kind: "PartialObjectMetadataList".to_owned(),
                    kinds_in_items: true,
                    typed: true,
                };
                answer::json(200, &wire)
            }
            Shape::Whole => {
                let mut list = list;
                if self.is_view() {
                    list.items =
                        list.items.iter().map(|o| Arc::new(views::to_shown(self.shown, Value::clone(o)))).collect();
                }
                answer::json(200, &self.wire(&list))
            }
        })
    }

    /// Options of a list or watch; what they ask about must be a field that can be asked about.
    fn list_options(&self) -> Result<crate::ListOptions, Status> {
        let mut options = self.query.list_options()?;
        crate::fields::check(self.shown, &options.field_selector)?;
        if self.is_view() {
            options.field_selector.rename(|path| views::stored_path(self.shown, path));
        }
        Ok(options)
    }

    fn is_view(&self) -> bool {
        self.shown.stored_as.is_some()
    }

    fn wire<'a>(&self, list: &'a crate::List) -> WireList<'a> {
        WireList {
            list,
            api_version: self.shown.api_version(),
            kind: self.shown.list_kind.clone(),
            kinds_in_items: self.resource.custom.is_some(),
            typed: self.resource.custom.is_none(),
        }
    }

    fn include(&self) -> Include {
        match self.query.get("includeObject") {
            "None" => Include::Nothing,
            "Object" => Include::Object,
            _ => Include::Metadata,
        }
    }

    /// An object as the client wants it.
    fn formed(&self, code: u16, object: &Arc<Value>) -> Response<Body> {
        match self.form() {
            Some(form) => answer::json(code, &form(object)),
            None => answer::json(code, &**object),
        }
    }

    fn form(&self) -> Option<Form> {
        match shape(accept(self.headers)) {
            Shape::Whole if self.is_view() => {
                let shown = Arc::clone(self.shown);
                Some(Box::new(move |object| views::to_shown(&shown, Value::clone(object))))
            }
            Shape::Whole => None,
            Shape::Metadata => Some(Box::new(|object| table::metadata_only(object))),
            Shape::Table => {
                let (api, resource, include) = (self.api.clone(), Arc::clone(self.resource), self.include());
                Some(Box::new(move |object| {
                    let mut table = table::table(&api, &resource, std::slice::from_ref(object), include);
                    table["metadata"] = json!({"resourceVersion": text(object, "resourceVersion")});
                    table
                }))
            }
        }
    }

    fn watch(&self, name: Option<&str>) -> Answer {
        let list = self.list_options()?;
        let bookmarks = self.query.flag("allowWatchBookmarks");
        let options = WatchOptions {
            label_selector: list.label_selector,
            field_selector: name.map_or(list.field_selector, crate::FieldSelector::name),
            resource_version: self.query.resource_version()?,
            bookmarks,
            send_initial_events: self.query.flag("sendInitialEvents"),
        };
        let watch = self.api.watch(&self.resource.id, self.route.namespace.as_deref(), &options)?;
        // A bookmark has no row: it is written as it is in every form.
        let form = self.form().map(|form| -> Form {
            Box::new(move |object| match object.get("metadata").and_then(|m| m.get("uid")) {
                Some(_) => form(object),
                None => Value::clone(object),
            })
        });
        Ok(answer::stream(answer::JSON, stream::lines(watch, bookmarks, self.query.number("timeoutSeconds"), form)))
    }

    fn create(&self) -> Answer {
        if self.resource.namespaced && self.route.namespace.is_none() {
            return Err(not_allowed());
        }
        let object = self.read()?;
        if self.resource.verbs == ["create"] {
            return self.review(object);
        }
        let made = self.api.create(&self.resource.id, self.namespace(), object, &self.write_options()?)?;
        Ok(self.formed(201, &made))
    }

    fn review(&self, object: Value) -> Answer {
        if self.resource.id.plural == "bindings" {
            let node = object.pointer("/target/name").and_then(Value::as_str).unwrap_or_default();
            self.api.bind(self.namespace(), text(&object, "name"), node)?;
            return Ok(answer::json(201, &success()));
        }
        let object = crate::write::checked_type(self.resource, object)?;
        let done = review::answer(self.api, &self.user, &self.resource.id.plural, object);
        Ok(answer::json(201, &done.ok_or_else(Status::no_such_resource)?))
    }

    fn patch(&self, name: &str, subresource: Option<&str>) -> Answer {
        let (patch, options) = (self.read_patch()?, self.write_options()?);
        let (id, namespace) = (&self.resource.id, self.namespace());
        if self.is_view() {
            return self.patch_view(name, subresource, &patch, &options);
        }
        let (patched, created) = self.api.patch_or_create(id, namespace, name, subresource, &patch, &options)?;
        Ok(self.formed(if created { 201 } else { 200 }, &patched))
    }

    /// A patch is written for the version that it was sent to.
    fn patch_view(&self, name: &str, subresource: Option<&str>, patch: &Patch, options: &WriteOptions) -> Answer {
        let (shown, stored) = (self.shown, self.resource);
        if let Patch::Apply(config) = patch {
            let config = Patch::Apply(views::to_stored(shown, stored, config.clone()));
            let done = self.api.patch_or_create(&stored.id, self.namespace(), name, subresource, &config, options)?;
            return Ok(self.formed(if done.1 { 201 } else { 200 }, &done.0));
        }
        let patched = self.api.modify(stored, self.namespace(), name, subresource, options, |old| {
            let new = crate::patch::patched(shown.schema(), &views::to_shown(shown, old.clone()), patch)?;
            Ok(views::to_stored(shown, stored, new))
        })?;
        Ok(self.formed(200, &patched))
    }

    fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    fn read(&self) -> Result<Value, Status> {
        let (object, twice) = body::read(self.content_type(), self.body).map_err(|mut status| {
            if status.message.starts_with("couldn't get version/kind") {
                let kind = &self.resource.kind;
                status.message =
                    format!("the object provided is unrecognized (must be of type {kind}): {}", status.message);
            }
            status
        })?;
        self.notes.note_duplicates(twice);
        if self.is_view() {
            let object = crate::write::checked_type(self.shown, object)?;
            return Ok(views::to_stored(self.shown, self.resource, object));
        }
        Ok(object)
    }

    fn body_or_null(&self) -> Result<Value, Status> {
        if self.body.is_empty() { Ok(Value::Null) } else { Ok(body::read(self.content_type(), self.body)?.0) }
    }

    fn read_patch(&self) -> Result<Patch, Status> {
        let json = || -> Result<Value, Status> {
            let (value, twice) = body::json(self.body)?;
            self.notes.note_duplicates(twice);
            Ok(value)
        };
        Ok(match self.content_type().split(';').next().unwrap_or_default().trim() {
            "application/merge-patch+json" => Patch::Merge(json()?),
            "application/strategic-merge-patch+json" => Patch::Strategic(json()?),
            "application/json-patch+json" => Patch::Json(json()?),
            "application/apply-patch+yaml" => match body::json(self.body) {
                Ok((value, twice)) => {
                    self.notes.note_duplicates(twice);
                    Patch::Apply(value)
                }
                Err(_) => Patch::Apply(body::yaml(self.body)?),
            },
            _ => {
                let refused = Status::unsupported_media_type("415: Unsupported Media Type");
                return Err(Status { details: Some(Box::default()), ..refused });
            }
        })
    }

    fn write_options(&self) -> Result<WriteOptions, Status> {
        let mut field_manager = self.query.get("fieldManager").to_owned();
        let apply = self.content_type().starts_with("application/apply-patch");
        if field_manager.is_empty() && apply {
            let cause =
                crate::Cause::new("FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
            return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", vec![cause]));
        }
        if field_manager.is_empty() {
            let agent = self.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
            field_manager = agent.split('/').next().unwrap_or_default().to_owned();
        }
        if field_manager.is_empty() {
            field_manager = "unknown".to_owned();
        }
        Ok(WriteOptions {
            dry_run: self.query.dry_run()?,
            field_manager,
            force: self.query.flag("force"),
            field_validation: self.query.field_validation()?,
            notes: self.notes.clone(),
        })
    }

    fn log_options(&self) -> LogOptions {
        let query = &self.query;
        LogOptions {
            container: query.get("container").to_owned(),
            follow: query.flag("follow"),
            previous: query.flag("previous"),
            since_seconds: query.number("sinceSeconds"),
            since_time: Some(query.get("sinceTime").to_owned()).filter(|t| !t.is_empty()),
            timestamps: query.flag("timestamps"),
            tail_lines: query.number("tailLines"),
            limit_bytes: query.number("limitBytes"),
        }
    }
}

fn not_allowed() -> Status {
    let message = "the server does not allow this method on the requested resource";
    Status { details: Some(Box::default()), ..Status::new(405, "MethodNotAllowed", message) }
}

fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}
