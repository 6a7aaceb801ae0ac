use bowline_apiserver::LabelSelector;
use serde_json::{Map, Value};

/// What an owner selects. Other than to the API's lists, to which no selector means everything, to owners it means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector(Option<LabelSelector>);

impl Selector {
    /// Of a `metav1.LabelSelector`: absent it selects nothing, empty everything.
    pub(crate) fn of(selector: Option<&Value>) -> Self {
        Self(selector.filter(|s| s.is_object()).map(LabelSelector::of))
    }

    /// Of a plain map of labels, as Services have it: absent it selects nothing.
    pub(crate) fn of_map(labels: Option<&Value>) -> Self {
        Self(labels.filter(|l| l.is_object()).map(LabelSelector::equal))
    }

    /// Does it select everything?
    pub(crate) fn is_everything(&self) -> bool {
        self.0.as_ref().is_some_and(LabelSelector::is_everything)
    }

    /// Does it select an object by the object's labels?
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.as_ref().is_some_and(|selector| selector.matches(object))
    }
}

/// The labels of an object, none where it has none.
pub(crate) fn labels(object: &Value) -> Map<String, Value> {
    object.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_selector_selects_nothing_and_an_empty_one_everything() {
        let pod = json!({"metadata": {"labels": {"app": "web", "tier": "front"}}});
        assert!(!Selector::of(None).matches(&pod) && !Selector::of_map(None).matches(&pod));
        assert!(!Selector::of(Some(&Value::Null)).matches(&pod) && !Selector::of(None).is_everything());
        assert!(Selector::of(Some(&json!({}))).matches(&pod) && Selector::of(Some(&json!({}))).is_everything());
        assert!(Selector::of(Some(&json!({"matchLabels": {"app": "web"}}))).matches(&pod));
        assert!(Selector::of_map(Some(&json!({"tier": "front"}))).matches(&pod));
        assert!(!Selector::of_map(Some(&json!({"tier": "back"}))).matches(&pod));
    }
}
