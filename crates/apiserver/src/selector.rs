use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::Status;

/// A label selector as in `app=web,tier in (a, b),!old`; the default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

impl LabelSelector {
    /// From the text of the `labelSelector` parameter.
    ///
    /// # Errors
    /// 400 where the text is not a selector.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let bad = |why: String| Status::bad_request(format!("unable to parse requirement: {why}"));
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            requirements.push(Requirement::parse(part).map_err(bad)?);
        }
        Ok(Self { requirements })
    }

    /// From an object's `matchLabels` and `matchExpressions`.
    pub fn of(selector: &Value) -> Self {
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            let one = BTreeSet::from([value.as_str().unwrap_or_default().to_owned()]);
            requirements.push(Requirement { key: key.clone(), operator: Operator::In(one) });
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let key = expression.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
            let values = || {
                let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
                values.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let operator = match expression.get("operator").and_then(Value::as_str).unwrap_or_default() {
                "In" => Operator::In(values()),
                "NotIn" => Operator::NotIn(values()),
                "DoesNotExist" => Operator::Absent,
                _ => Operator::Exists,
            };
            requirements.push(Requirement { key, operator });
        }
        Self { requirements }
    }

    /// Labels that must all be equal, as in a Service's `selector`.
    pub fn equal(labels: &Value) -> Self {
        Self::of(&serde_json::json!({ "matchLabels": labels }))
    }

    /// Whether everything is selected.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether the object's labels match.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.get("metadata").and_then(|m| m.get("labels"));
        self.matches_labels(labels.unwrap_or(&Value::Null))
    }

    /// Whether the labels match.
    pub fn matches_labels(&self, labels: &Value) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key).and_then(Value::as_str);
            match &requirement.operator {
                Operator::In(values) => value.is_some_and(|v| values.contains(v)),
                Operator::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
                Operator::Greater(bound) => value.and_then(|v| v.parse().ok()).is_some_and(|v: i64| v > *bound),
                Operator::Less(bound) => value.and_then(|v| v.parse().ok()).is_some_and(|v: i64| v < *bound),
            }
        })
    }
}

impl Requirement {
    fn parse(text: &str) -> Result<Self, String> {
        let checked = |key: &str| {
            let key = key.trim();
            if let Some((_, rest)) = key.split_once(char::is_whitespace) {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", rest.trim()));
            }
            let fits = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
            if fits { Ok(key.to_owned()) } else { Err(format!("found '{key}', expected: identifier")) }
        };
        if let Some(key) = text.strip_prefix('!') {
            return Ok(Self { key: checked(key)?, operator: Operator::Absent });
        }
        if let Some((head, values)) = text.split_once('(') {
            let values = values.trim_end().strip_suffix(')').ok_or("found '', expected: ',' or ')'")?;
            let values: BTreeSet<String> = values.split(',').map(|v| v.trim().to_owned()).collect();
            let (key, word) = head.trim().rsplit_once(char::is_whitespace).ok_or("expected: in, notin")?;
            let key = checked(key)?;
            return match word {
                "in" => Ok(Self { key, operator: Operator::In(values) }),
                "notin" => Ok(Self { key, operator: Operator::NotIn(values) }),
                other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
            };
        }
        for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some((key, value)) = text.split_once(sign) {
                let one = BTreeSet::from([value.trim().to_owned()]);
                let operator = if equal { Operator::In(one) } else { Operator::NotIn(one) };
                return Ok(Self { key: checked(key)?, operator });
            }
        }
        for (sign, greater) in [('>', true), ('<', false)] {
            if let Some((key, value)) = text.split_once(sign) {
                let bound = value.trim().parse().map_err(|_| format!("for '{text}': value must be an integer"))?;
                let operator = if greater { Operator::Greater(bound) } else { Operator::Less(bound) };
                return Ok(Self { key: checked(key)?, operator });
            }
        }
        Ok(Self { key: checked(text)?, operator: Operator::Exists })
    }
}

impl fmt::Display for LabelSelector {
    /// As clients write selectors, by key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut requirements: Vec<&Requirement> = self.requirements.iter().collect();
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        for (at, Requirement { key, operator }) in requirements.into_iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            let joined = |values: &BTreeSet<String>| values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
            match operator {
                Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", joined(values))?,
                Operator::In(values) => write!(f, "{key} in ({})", joined(values))?,
                Operator::NotIn(values) => write!(f, "{key} notin ({})", joined(values))?,
                Operator::Exists => write!(f, "{key}")?,
                Operator::Absent => write!(f, "!{key}")?,
                Operator::Greater(bound) => write!(f, "{key}>{bound}")?,
                Operator::Less(bound) => write!(f, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A field selector as in `metadata.name=web,status.phase!=Failed`; the default selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// From the text of the `fieldSelector` parameter.
    ///
    /// # Errors
    /// 400 where the text is not a selector.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (path, value, equal) = if let Some((path, value)) = part.split_once("!=") {
                (path, value, false)
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (path, value, true)
            } else {
                return Err(Status::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            terms.push(Term { path: path.trim().to_owned(), value: value.to_owned(), equal });
        }
        Ok(Self { terms })
    }

    /// One object by its name.
    pub fn name(name: &str) -> Self {
        Self { terms: vec![Term { path: "metadata.name".to_owned(), value: name.to_owned(), equal: true }] }
    }

    /// Whether everything is selected.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The paths it asks about.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|term| term.path.as_str())
    }

    /// Asks about other paths instead, where `rename` has one.
    pub(crate) fn rename(&mut self, rename: impl Fn(&str) -> Option<String>) {
        for term in &mut self.terms {
            if let Some(path) = rename(&term.path) {
                term.path = path;
            }
        }
    }

    /// The name that it demands, where it does.
    pub(crate) fn exact_name(&self) -> Option<&str> {
        self.terms.iter().find(|t| t.equal && t.path == "metadata.name").map(|t| t.value.as_str())
    }

    /// Whether the object's fields match; a field that is absent is the empty text.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| {
            let found = term.path.split('.').try_fold(object, |value, step| value.get(step));
            let equal = match found {
                None | Some(Value::Null) => match term.path.as_str() {
                    // Booleans and numbers that Go leaves out are compared by their zero.
                    "spec.unschedulable" | "spec.hostNetwork" => term.value == "false",
                    "status.successful" | "status.replicas" => term.value == "0",
                    _ => term.value.is_empty(),
                },
                Some(Value::String(text)) => *text == term.value,
                Some(other) => term.value == *other.to_string(),
            };
            equal == term.equal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selects(selector: &str, labels: &Value) -> bool {
        LabelSelector::parse(selector).unwrap().matches(&json!({"metadata": {"labels": labels}}))
    }

    #[test]
    fn label_selectors_select() {
        let labels = json!({"app": "web", "tier": "a", "n": "5"});
        for yes in ["", "app=web", "app==web,tier in (a, b)", "x notin (y),!old", "app", "tier!=b,x!=y", "n>4,n<6"] {
            assert!(selects(yes, &labels), "{yes}");
        }
        for no in ["app=db", "app,old", "tier notin (a,b)", "!app", "n>5", "x in (y)", "owner=helm"] {
            assert!(!selects(no, &labels), "{no}");
        }
        for bad in ["a b", "x in y)", "=x", "a=b,x on (c)", "n>x"] {
            assert_eq!(LabelSelector::parse(bad).map_err(|s| s.code), Err(400), "{bad}");
        }
    }

    #[test]
    fn match_expressions_are_selectors() {
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "NotIn", "values": ["b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        let selector = LabelSelector::of(&selector);
        assert!(selector.matches_labels(&json!({"app": "web"})));
        assert!(!selector.matches_labels(&json!({"app": "web", "tier": "b"})));
        assert!(!selector.matches_labels(&json!({"app": "web", "old": ""})));
    }

    #[test]
    fn field_selectors_select() {
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}});
        for (text, wanted) in [
            ("metadata.name=a", true),
            ("metadata.name=b", false),
            ("spec.nodeName==n,status.phase!=Failed", true),
            ("spec.schedulerName=", true),
            ("status.phase!=Running", false),
        ] {
            assert_eq!(FieldSelector::parse(text).unwrap().matches(&pod), wanted, "{text}");
        }
        assert!(FieldSelector::parse("metadata.name").is_err());
    }
}
