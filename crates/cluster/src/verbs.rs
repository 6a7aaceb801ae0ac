use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::query::Query;
use crate::{Cluster, ClusterError, Metadata, ObjectRef, Resource, Selection};

/// How a server-side apply is made.
#[derive(Clone, Debug)]
pub struct Apply {
    /// Who owns the fields.
    pub field_manager: String,
    /// Take fields over from other managers in place of a conflict.
    pub force: bool,
    /// Only say what would come of it.
    pub dry_run: bool,
}

/// A change to part of an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386: objects are merged, null deletes, lists are replaced.
    Merge(Value),
    /// RFC 6902: a list of operations.
    Json(Value),
    /// Kubernetes' own: lists of known kinds are merged by key.
    Strategic(Value),
}

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it disappears.
    Foreground,
    /// They stay.
    Orphan,
}

/// How a deletion is made.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    /// What becomes of owned objects.
    pub propagation: Propagation,
    /// Only if the object still has this uid; empty for any.
    pub uid: String,
    /// Only if the object still has this resource version; empty for any.
    pub resource_version: String,
    /// Seconds to end in; the kind's default where absent.
    pub grace_period: Option<u32>,
}

impl Cluster {
    /// Where an object lives: cluster-scoped kinds lose a namespace, namespaced ones without get `default_namespace`.
    ///
    /// # Errors
    /// No object, or a kind nobody serves.
    pub async fn locate(&self, object: &Value, default_namespace: &str) -> Result<ObjectRef, ClusterError> {
        let mut found = ObjectRef::of(object)?;
        if !self.resource(&found.gvk).await?.namespaced {
            found.namespace.clear();
        } else if found.namespace.is_empty() {
            default_namespace.clone_into(&mut found.namespace);
        }
        Ok(found)
    }

    /// The object, or `None` where there is none.
    ///
    /// # Errors
    /// Anything but its absence.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        let (doing, path) = self.path_of(object, "get").await?;
        match self.get_path(&doing, &path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of a kind that are selected, each with `apiVersion` and `kind`, which lists leave out.
    ///
    /// # Errors
    /// [`ClusterError`], whatever it is.
    pub async fn list(&self, resource: &Resource, selection: &Selection) -> Result<Vec<Value>, ClusterError> {
        Ok(self.list_at(resource, selection).await?.0)
    }

    /// As [`Cluster::list`], with the resource version from which a watch goes on.
    pub(crate) async fn list_at(
        &self,
        resource: &Resource,
        selection: &Selection,
    ) -> Result<(Vec<Value>, String), ClusterError> {
        let doing = listing(resource, selection);
        let path = resource.collection(&selection.namespace);
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let query = selection.parameters().with("limit", "500").with("continue", &token);
            let mut list = self.get_path(&doing, &query.after(&path)).await?;
            let version = list.resource_version().to_owned();
            list["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
            let Value::Array(page) = list["items"].take() else {
                return Err(ClusterError::Answer { doing, cause: "a list without items".to_owned() });
            };
            items.extend(page.into_iter().map(|item| typed(resource, item)));
            if token.is_empty() {
                return Ok((items, version));
            }
        }
    }

    /// Creates an object in its own namespace, and gives it back as stored. `metadata.generateName` may stand for a name.
    ///
    /// # Errors
    /// [`ClusterError::is_already_exists`] where one is there.
    pub async fn create(&self, object: &Value) -> Result<Value, ClusterError> {
        let doing_unnamed = format!("create {}", object.kind());
        let gvk = bowline_manifest::GroupVersionKind::of(object)
            .ok_or(ClusterError::NoObject { doing: doing_unnamed, field: "apiVersion and kind" })?;
        let resource = self.resource(&gvk).await?;
        let named = ObjectRef { gvk, namespace: object.namespace().to_owned(), name: object.name().to_owned() };
        let path = Query::default().with("fieldManager", MANAGER).after(&resource.collection(&named.namespace));
        self.send_body(&named.doing("create"), Method::POST, &path, JSON, object).await
    }

    /// Server-side apply: creates the object or brings the fields named here to this state.
    ///
    /// # Errors
    /// [`ClusterError::is_conflict`] where another manager owns a field and `force` is off.
    pub async fn apply(&self, object: &ObjectRef, body: &Value, how: &Apply) -> Result<Value, ClusterError> {
        let (doing, path) = self.path_of(object, "apply").await?;
        let query = Query::default()
            .with("fieldManager", &how.field_manager)
            .with("force", if how.force { "true" } else { "false" })
            .with("fieldValidation", "Strict")
            .with("dryRun", if how.dry_run { "All" } else { "" });
        self.send_body(&doing, Method::PATCH, &query.after(&path), "application/apply-patch+yaml", body).await
    }

    /// Replaces an object; where the body carries a resource version, only if it is still that one.
    ///
    /// # Errors
    /// [`ClusterError::is_conflict`] where somebody changed it meanwhile.
    pub async fn update(&self, body: &Value) -> Result<Value, ClusterError> {
        let object = ObjectRef::of(body)?;
        let (doing, path) = self.path_of(&object, "update").await?;
        let path = Query::default().with("fieldManager", MANAGER).after(&path);
        self.send_body(&doing, Method::PUT, &path, JSON, body).await
    }

    /// Changes part of an object; `subresource` as in `status`, empty for the object itself.
    ///
    /// # Errors
    /// [`ClusterError`], whatever it is.
    pub async fn patch(&self, object: &ObjectRef, subresource: &str, patch: &Patch) -> Result<Value, ClusterError> {
        let (doing, mut path) = self.path_of(object, "patch").await?;
        if !subresource.is_empty() {
            path = format!("{path}/{subresource}");
        }
        let (kind, body) = match patch {
            Patch::Merge(body) => ("application/merge-patch+json", body),
            Patch::Json(body) => ("application/json-patch+json", body),
            Patch::Strategic(body) => ("application/strategic-merge-patch+json", body),
        };
        let path = Query::default().with("fieldManager", MANAGER).after(&path);
        self.send_body(&doing, Method::PATCH, &path, kind, body).await
    }

    /// Deletes an object; `false` where there was none.
    ///
    /// # Errors
    /// [`ClusterError::is_conflict`] where a precondition does not hold.
    pub async fn delete(&self, object: &ObjectRef, how: &Delete) -> Result<bool, ClusterError> {
        let (doing, path) = self.path_of(object, "delete").await?;
        let propagation = match how.propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation});
        if !how.uid.is_empty() {
            body["preconditions"]["uid"] = json!(how.uid);
        }
        if !how.resource_version.is_empty() {
            body["preconditions"]["resourceVersion"] = json!(how.resource_version);
        }
        if let Some(seconds) = how.grace_period {
            body["gracePeriodSeconds"] = json!(seconds);
        }
        match self.send_body(&doing, Method::DELETE, &path, JSON, &body).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn path_of(&self, object: &ObjectRef, verb: &str) -> Result<(String, String), ClusterError> {
        let doing = object.doing(verb);
        let resource = self.resource(&object.gvk).await.map_err(|error| match error {
            ClusterError::UnknownKind { gvk, .. } => ClusterError::UnknownKind { doing: doing.clone(), gvk },
            other => other,
        })?;
        Ok((doing, format!("{}/{}", resource.collection(&object.namespace), object.name)))
    }

    /// What the server answers to a plain GET of a path below its address, `/api/v1/namespaces/default`.
    ///
    /// # Errors
    /// [`ClusterError`], whatever it is.
    pub async fn get_raw(&self, path: &str) -> Result<Value, ClusterError> {
        self.get_path(&format!("get {path}"), path).await
    }

    pub(crate) async fn get_path(&self, doing: &str, path: &str) -> Result<Value, ClusterError> {
        self.get_path_as(doing, path, JSON).await
    }

    pub(crate) async fn get_path_as(&self, doing: &str, path: &str, accept: &str) -> Result<Value, ClusterError> {
        let request = Request::get(path).header(header::ACCEPT, accept).body(Vec::new());
        let request = request.map_err(|e| malformed(doing, &e))?;
        self.client.request(request).await.map_err(|e| ClusterError::from_kube(doing, e))
    }

    async fn send_body(
        &self,
        doing: &str,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, ClusterError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_string().into_bytes())
            .map_err(|e| malformed(doing, &e))?;
        self.client.request(request).await.map_err(|e| ClusterError::from_kube(doing, e))
    }
}

/// Who writes what is not applied (`metadata.managedFields[].manager`).
const MANAGER: &str = "bowline";
pub(crate) const JSON: &str = "application/json";

pub(crate) fn malformed(doing: &str, error: &http::Error) -> ClusterError {
    ClusterError::Unreachable { doing: doing.to_owned(), cause: format!("cannot be asked for: {error}") }
}

pub(crate) fn listing(resource: &Resource, selection: &Selection) -> String {
    if selection.namespace.is_empty() {
        format!("list {}", resource.plural)
    } else {
        format!("list {} in namespace {}", resource.plural, selection.namespace)
    }
}

/// Items of a list come without `apiVersion` and `kind`.
pub(crate) fn typed(resource: &Resource, mut item: Value) -> Value {
    if let Value::Object(fields) = &mut item {
        fields.entry("apiVersion").or_insert_with(|| json!(resource.gvk.api_version()));
        fields.entry("kind").or_insert_with(|| json!(resource.gvk.kind));
    }
    item
}
