//! Label selectors and which labels they match.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// One `matchExpressions` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Expression {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// Which labels an object wants on pods.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selector {
    labels: BTreeMap<String, String>,
    expressions: Vec<Expression>,
}

impl Selector {
    /// From a plain mapping of labels, as a Service has it.
    pub(crate) fn of_labels(map: &Value) -> Self {
        let labels = map.as_object().into_iter().flatten();
        let labels = labels.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
        Self { labels, expressions: Vec::new() }
    }

    /// From a `LabelSelector`. Expressions that the API server would refuse are left out.
    pub(crate) fn of_selector(selector: &Value) -> Self {
        let mut result = selector.get("matchLabels").map_or_else(Self::default, Self::of_labels);
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |key: &str| expression.get(key).and_then(Value::as_str);
            let operator = match text("operator") {
                Some("In") => Operator::In,
                Some("NotIn") => Operator::NotIn,
                Some("Exists") => Operator::Exists,
                Some("DoesNotExist") => Operator::DoesNotExist,
                _ => continue,
            };
            let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            if let Some(key) = text("key") {
                result.expressions.push(Expression { key: key.to_owned(), operator, values });
            }
        }
        result
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// The values it asks for, whatever their labels.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let listed = self.expressions.iter().filter(|e| e.operator == Operator::In).flat_map(|e| &e.values);
        self.labels.values().chain(listed).map(String::as_str)
    }

    /// Whether it selects something with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|e| {
                let value = labels.get(&e.key);
                let listed = value.is_some_and(|v| e.values.contains(v));
                match e.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

impl fmt::Display for Selector {
    /// As kubectl takes it after `-l`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|(k, v)| format!("{k}={v}"));
        let expressions = self.expressions.iter().map(|e| match e.operator {
            Operator::In => format!("{} in ({})", e.key, e.values.join(",")),
            Operator::NotIn => format!("{} notin ({})", e.key, e.values.join(",")),
            Operator::Exists => e.key.clone(),
            Operator::DoesNotExist => format!("!{}", e.key),
        });
        f.write_str(&labels.chain(expressions).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn matches_labels_and_expressions() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let web = labels(&[("app", "web"), ("tier", "front")]);
        assert!(Selector::of_labels(&json!({"app": "web"})).matches(&web));
        assert!(!Selector::of_labels(&json!({"app": "web", "x": "y"})).matches(&web));
        let selector = |e: Value| Selector::of_selector(&json!({"matchExpressions": [e]}));
        assert!(selector(json!({"key": "tier", "operator": "In", "values": ["front", "back"]})).matches(&web));
        assert!(!selector(json!({"key": "tier", "operator": "NotIn", "values": ["front"]})).matches(&web));
        assert!(selector(json!({"key": "none", "operator": "NotIn", "values": ["front"]})).matches(&web));
        assert!(selector(json!({"key": "app", "operator": "Exists"})).matches(&web));
        assert!(selector(json!({"key": "none", "operator": "DoesNotExist"})).matches(&web));
        assert_eq!(selector(json!({"key": "a", "operator": "In", "values": ["b", "c"]})).to_string(), "a in (b,c)");
    }
}
