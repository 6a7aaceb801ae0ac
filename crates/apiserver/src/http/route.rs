//! Paths and query parameters.

use crate::{DeleteOptions, FieldSelector, FieldValidation, LabelSelector, ListOptions, Propagation, Status};

/// What a path under `/api/v1` or `/apis/group/version` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) resource: String,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
    /// What follows the subresource (`proxy`).
    pub(super) rest: Vec<String>,
}

impl Route {
    /// Of a path with a resource; `None` for every other.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut steps = path.split('/').filter(|s| !s.is_empty()).map(decode).collect::<Vec<_>>().into_iter();
        let (group, version) = match steps.next()?.as_str() {
            "api" => (String::new(), steps.next()?),
            "apis" => (steps.next()?, steps.next()?),
            _ => return None,
        };
        let mut steps: Vec<String> = steps.collect();
        let mut namespace = None;
        // `namespaces/x/status` is about the namespace, `namespaces/x/pods` about what is in it.
        let of_namespace = steps.get(2).is_some_and(|s| matches!(s.as_str(), "status" | "finalize"));
        if steps.first().is_some_and(|s| s == "namespaces") && steps.len() > 2 && !of_namespace {
            namespace = Some(steps.remove(1));
            steps.remove(0);
        }
        let mut steps = steps.into_iter();
        Some(Self {
            group,
            version,
            namespace,
            resource: steps.next()?,
            name: steps.next(),
            subresource: steps.next(),
            rest: steps.collect(),
        })
    }
}

/// Query parameters in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (plus(k), plus(v))).collect())
    }

    /// The first value of that name; empty where it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `true` and `1`, and the bare name.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.all(name).next().is_some_and(|value| matches!(value, "true" | "1" | ""))
    }

    /// A number, where there is one.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).parse().ok()
    }

    pub(super) fn list_options(&self) -> Result<ListOptions, Status> {
        let exact = self.get("resourceVersionMatch") == "Exact";
        Ok(ListOptions {
            label_selector: LabelSelector::parse(self.get("labelSelector"))?,
            field_selector: FieldSelector::parse(self.get("fieldSelector"))?,
            limit: self.number("limit").unwrap_or(0),
            continue_token: self.get("continue").to_owned(),
            resource_version: if exact { self.resource_version()? } else { None },
        })
    }

    pub(super) fn resource_version(&self) -> Result<Option<u64>, Status> {
        match self.get("resourceVersion") {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Status::bad_request(format!(
                    "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }

    pub(super) fn dry_run(&self) -> Result<bool, Status> {
        let mut dry = false;
        for value in self.all("dryRun") {
            if value != "All" {
                let message = format!("Unsupported value: [{value:?}]: supported values: \"All\"");
                let cause = crate::Cause::new("FieldValueNotSupported", "dryRun", message);
                return Err(Status::invalid("meta.k8s.io", "CreateOptions", "", vec![cause]));
            }
            dry = true;
        }
        Ok(dry)
    }

    pub(super) fn field_validation(&self) -> Result<FieldValidation, Status> {
        match self.get("fieldValidation") {
            "" | "Warn" => Ok(FieldValidation::Warn),
            "Ignore" => Ok(FieldValidation::Ignore),
            "Strict" => Ok(FieldValidation::Strict),
            other => {
                let message =
                    format!("Unsupported value: {other:?}: supported values: \"Ignore\", \"Strict\", \"Warn\"");
                let cause = crate::Cause::new("FieldValueNotSupported", "fieldValidation", message);
                Err(Status::invalid("meta.k8s.io", "CreateOptions", "", vec![cause]))
            }
        }
    }

    /// Options of a delete from the query and the body, which says the same things.
    pub(super) fn delete_options(&self, body: &serde_json::Value) -> Result<DeleteOptions, Status> {
        use serde_json::Value;
        let text = |field: &str| body.get(field).and_then(Value::as_str).map(str::to_owned);
        let policy = text("propagationPolicy").unwrap_or_else(|| self.get("propagationPolicy").to_owned());
        let orphan = body.get("orphanDependents").and_then(Value::as_bool);
        let propagation = match (policy.as_str(), orphan) {
            ("Orphan", _) | ("", Some(true)) => Some(Propagation::Orphan),
            ("Background", _) | ("", Some(false)) => Some(Propagation::Background),
            ("Foreground", _) => Some(Propagation::Foreground),
            ("", None) => None,
            (other, _) => {
                let message = format!(
                    "Unsupported value: {other:?}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                );
                let cause = crate::Cause::new("FieldValueNotSupported", "propagationPolicy", message);
                return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", vec![cause]));
            }
        };
        let precondition = |field: &str| {
            body.get("preconditions").and_then(|p| p.get(field)).and_then(Value::as_str).map(str::to_owned)
        };
        let dry = body.get("dryRun").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        Ok(DeleteOptions {
            propagation,
            grace_period: body
                .get("gracePeriodSeconds")
                .and_then(Value::as_i64)
                .or_else(|| self.number("gracePeriodSeconds")),
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
            dry_run: dry || self.dry_run()?,
        })
    }
}

fn plus(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Percent-decoding; what is not valid stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, hex(1), hex(2)) {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let route = |path| Route::parse(path).map(|r| (r.group, r.namespace, r.resource, r.name, r.subresource));
        let some = |s: &str| Some(s.to_owned());
        for (path, wanted) in [
            ("/api/v1/pods", (String::new(), None, "pods", None, None)),
            ("/api/v1/namespaces", (String::new(), None, "namespaces", None, None)),
            ("/api/v1/namespaces/a", (String::new(), None, "namespaces", some("a"), None)),
            ("/api/v1/namespaces/a/finalize", (String::new(), None, "namespaces", some("a"), some("finalize"))),
            ("/api/v1/namespaces/a/pods", (String::new(), some("a"), "pods", None, None)),
            ("/api/v1/namespaces/a/pods/b%20c/log", (String::new(), some("a"), "pods", some("b c"), some("log"))),
            ("/apis/apps/v1/namespaces/a/deployments/b", ("apps".into(), some("a"), "deployments", some("b"), None)),
        ] {
            let (group, namespace, resource, name, subresource) = wanted;
            assert_eq!(route(path), Some((group, namespace, resource.to_owned(), name, subresource)), "{path}");
        }
        assert_eq!(route("/apis/apps/v1"), None);
        assert_eq!(route("/version"), None);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch=true&limit=5&limit=6&x");
        assert_eq!((query.get("labelSelector"), query.number::<u32>("limit")), ("a=b,c in (d)", Some(5)));
        assert!(query.flag("watch") && query.flag("x") && !query.flag("y"));
        assert!(query.list_options().is_ok());
    }
}
