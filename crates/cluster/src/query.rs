use std::collections::BTreeMap;
use std::fmt::Write;

/// Which objects of a kind are meant. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// One namespace; empty for every namespace, and for cluster-scoped kinds.
    pub namespace: String,
    /// A label selector as kubectl takes it: `app=web,tier!=cache`.
    pub labels: String,
    /// A field selector: `metadata.name=web`.
    pub fields: String,
}

impl Selection {
    /// Everything in one namespace.
    pub fn namespace(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..Self::default() }
    }

    /// Narrowed to these labels.
    #[must_use]
    pub fn with_labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        self.labels = labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
        self
    }

    /// Narrowed to the object of this name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.fields = format!("metadata.name={name}");
        self
    }

    pub(crate) fn parameters(&self) -> Query {
        Query::default().with("labelSelector", &self.labels).with("fieldSelector", &self.fields)
    }
}

/// A query string in the making; empty values are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    self.0.push(char::from(byte));
                } else {
                    // Writing to a String cannot fail.
                    let _ = write!(self.0, "%{byte:02X}");
                }
            }
        }
        self
    }

    pub(crate) fn after(self, path: &str) -> String {
        path.to_owned() + &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_empty_ones_left_out() {
        let labels = BTreeMap::from([("app.kubernetes.io/name".to_owned(), "web".to_owned())]);
        let selection = Selection::namespace("demo").with_labels(&labels);
        assert_eq!(
            selection.parameters().with("watch", "true").after("/api/v1/pods"),
            "/api/v1/pods?labelSelector=app.kubernetes.io%2Fname%3Dweb&watch=true"
        );
        assert_eq!(Query::default().after("/version"), "/version");
    }
}
