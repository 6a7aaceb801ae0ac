use serde_json::{Map, Value};

/// One condition of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    /// The label is set and has one of the values.
    In(String, Vec<String>),
    /// The label is absent or has none of the values.
    NotIn(String, Vec<String>),
    /// The label is set.
    Exists(String),
    /// The label is absent.
    Absent(String),
}

/// A label selector: every requirement must hold (`metav1.LabelSelector`, and the plain map of Services).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

impl Selector {
    /// Of a `metav1.LabelSelector`. An absent selector selects nothing, an empty one everything, an operator that does not
    /// exist nothing.
    pub(crate) fn of(selector: Option<&Value>) -> Self {
        let Some(Value::Object(selector)) = selector else { return Self { requirements: Vec::new(), nothing: true } };
        let mut requirements = Vec::new();
        let mut nothing = false;
        if let Some(Value::Object(labels)) = selector.get("matchLabels") {
            requirements.extend(equalities(labels));
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let text = |field: &str| expression.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let values = || {
                let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
                values.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            match expression.get("operator").and_then(Value::as_str) {
                Some("In") => requirements.push(Requirement::In(text("key"), values())),
                Some("NotIn") => requirements.push(Requirement::NotIn(text("key"), values())),
                Some("Exists") => requirements.push(Requirement::Exists(text("key"))),
                Some("DoesNotExist") => requirements.push(Requirement::Absent(text("key"))),
                _ => nothing = true,
            }
        }
        Self { requirements, nothing }
    }

    /// Of a plain map of labels, as Services have it. An absent map selects nothing.
    pub(crate) fn of_map(labels: Option<&Value>) -> Self {
        match labels {
            Some(Value::Object(labels)) => Self { requirements: equalities(labels).collect(), nothing: false },
            _ => Self { requirements: Vec::new(), nothing: true },
        }
    }

    /// Does it select everything?
    pub(crate) fn is_everything(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    /// Does it select an object by the object's labels?
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        self.matches_labels(labels)
    }

    /// Does it select these labels?
    pub(crate) fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
        !self.nothing
            && self.requirements.iter().all(|requirement| match requirement {
                Requirement::In(key, values) => label(key).is_some_and(|v| values.iter().any(|w| w == v)),
                Requirement::NotIn(key, values) => label(key).is_none_or(|v| values.iter().all(|w| w != v)),
                Requirement::Exists(key) => label(key).is_some(),
                Requirement::Absent(key) => label(key).is_none(),
            })
    }
}

fn equalities(labels: &Map<String, Value>) -> impl Iterator<Item = Requirement> + '_ {
    labels.iter().map(|(k, v)| Requirement::In(k.clone(), vec![v.as_str().unwrap_or_default().to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selects_as_kubernetes_does() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        let matches = |selector: Value| Selector::of(Some(&selector)).matches(&pod);
        assert!(matches(json!({"matchLabels": {"app": "web"}})));
        assert!(!matches(json!({"matchLabels": {"app": "api"}})));
        assert!(matches(json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]})));
        assert!(!matches(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]})));
        assert!(matches(json!({"matchExpressions": [{"key": "canary", "operator": "DoesNotExist"}]})));
        assert!(!matches(json!({"matchExpressions": [{"key": "canary", "operator": "Exists"}]})));
        assert!(!matches(json!({"matchExpressions": [{"key": "app", "operator": "Resembles"}]})));
        assert!(matches(json!({})) && Selector::of(Some(&json!({}))).is_everything());
        assert!(!Selector::of(None).matches(&pod) && !Selector::of_map(None).matches(&pod));
        assert!(Selector::of_map(Some(&json!({"app": "web"}))).matches(&pod));
    }
}
