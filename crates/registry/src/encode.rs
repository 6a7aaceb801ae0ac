//! Charts' facts as Go writes them: JSON in the order of its structs' fields, YAML sorted, empty fields left out.

use bowline_chart::{Dependency, Metadata};
use bowline_yaml::{EmitError, Value};

/// A value whose objects keep the order of their fields: what Go's structs are when they are written.
#[derive(Clone, Debug)]
pub enum Ordered {
    /// Any value; mappings in it are sorted.
    Plain(Value),
    /// A list.
    List(Vec<Ordered>),
    /// A struct.
    Object(Vec<(&'static str, Ordered)>),
    /// Fields whose names are data, in their order.
    Named(Vec<(String, Ordered)>),
}

impl From<&str> for Ordered {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

impl Ordered {
    /// The same with fields sorted, as YAML is written.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::List(items) => Value::Seq(items.iter().map(Self::to_value).collect()),
            Self::Object(fields) => {
                Value::Map(fields.iter().map(|(key, value)| ((*key).to_owned(), value.to_value())).collect())
            }
            Self::Named(fields) => {
                Value::Map(fields.iter().map(|(key, value)| (key.clone(), value.to_value())).collect())
            }
        }
    }

    /// `sigs.k8s.io/yaml.Marshal`.
    ///
    /// # Errors
    /// Text that YAML cannot hold.
    pub fn to_yaml(&self) -> Result<String, EmitError> {
        bowline_yaml::emit(&self.to_value())
    }

    /// `json.Marshal`.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json, None);
        json
    }

    /// `json.MarshalIndent` with two spaces.
    pub fn to_indented_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json, Some(0));
        json
    }

    fn write_json(&self, json: &mut String, indent: Option<usize>) {
        match self {
            Self::Plain(Value::Seq(items)) => {
                Self::List(items.iter().cloned().map(Self::Plain).collect()).write_json(json, indent);
            }
            Self::Plain(Value::Map(map)) => {
                let fields: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), Self::Plain(v.clone()))).collect();
                write_object(json, fields.iter().map(|(k, v)| (*k, v)), indent);
            }
            Self::Plain(value) => write_scalar(json, value),
            Self::List(items) => {
                json.push('[');
                for (at, item) in items.iter().enumerate() {
                    separate(json, at, indent);
                    item.write_json(json, indent.map(|depth| depth + 1));
                }
                close(json, ']', items.is_empty(), indent);
            }
            Self::Object(fields) => write_object(json, fields.iter().map(|(k, v)| (*k, v)), indent),
            Self::Named(fields) => write_object(json, fields.iter().map(|(k, v)| (k.as_str(), v)), indent),
        }
    }
}

fn write_object<'f>(json: &mut String, fields: impl Iterator<Item = (&'f str, &'f Ordered)>, indent: Option<usize>) {
    json.push('{');
    let mut empty = true;
    for (at, (key, value)) in fields.enumerate() {
        empty = false;
        separate(json, at, indent);
        write_text(json, key);
        json.push_str(if indent.is_some() { ": " } else { ":" });
        value.write_json(json, indent.map(|depth| depth + 1));
    }
    close(json, '}', empty, indent);
}

fn separate(json: &mut String, at: usize, indent: Option<usize>) {
    if at > 0 {
        json.push(',');
    }
    if let Some(depth) = indent {
        json.push('\n');
        json.extend(std::iter::repeat_n("  ", depth + 1));
    }
}

fn close(json: &mut String, bracket: char, empty: bool, indent: Option<usize>) {
    if let (false, Some(depth)) = (empty, indent) {
        json.push('\n');
        json.extend(std::iter::repeat_n("  ", depth));
    }
    json.push(bracket);
}

fn write_scalar(json: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Seq(_) | Value::Map(_) => json.push_str("null"),
        Value::Bool(value) => json.push_str(&value.to_string()),
        Value::Int(value) => json.push_str(&value.to_string()),
        Value::Float(value) => json.push_str(&bowline_yaml::format_json_float(*value).unwrap_or_default()),
        Value::String(text) => write_text(json, text),
    }
}

/// Go escapes what HTML would take for markup, and the line separators of JavaScript.
fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

struct Fields(Vec<(&'static str, Ordered)>);

impl Fields {
    fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.0.push((name, text.into()));
        }
    }

    fn texts(&mut self, name: &'static str, texts: &[String]) {
        if !texts.is_empty() {
            self.0.push((name, Ordered::List(texts.iter().map(|text| text.as_str().into()).collect())));
        }
    }

    fn yes(&mut self, name: &'static str, value: bool) {
        if value {
            self.0.push((name, Ordered::Plain(Value::Bool(true))));
        }
    }
}

/// The text of `Chart.yaml` as Helm writes it: keys sorted, empty fields left out.
///
/// # Errors
/// Text that YAML cannot hold.
pub fn chart_yaml(facts: &Metadata) -> Result<String, EmitError> {
    Ordered::Object(metadata(facts)).to_yaml()
}

/// `Chart.yaml` as fields.
pub(crate) fn metadata(metadata: &Metadata) -> Vec<(&'static str, Ordered)> {
    let mut fields = Fields(Vec::new());
    fields.text("name", &metadata.name);
    fields.text("home", &metadata.home);
    fields.texts("sources", &metadata.sources);
    fields.text("version", &metadata.version);
    fields.text("description", &metadata.description);
    fields.texts("keywords", &metadata.keywords);
    if !metadata.maintainers.is_empty() {
        let maintainers = metadata.maintainers.iter().map(|maintainer| {
            let mut fields = Fields(Vec::new());
            fields.text("name", &maintainer.name);
            fields.text("email", &maintainer.email);
            fields.text("url", &maintainer.url);
            Ordered::Object(fields.0)
        });
        fields.0.push(("maintainers", Ordered::List(maintainers.collect())));
    }
    fields.text("icon", &metadata.icon);
    fields.text("apiVersion", &metadata.api_version);
    fields.text("condition", &metadata.condition);
    fields.text("tags", &metadata.tags);
    fields.text("appVersion", &metadata.app_version);
    fields.yes("deprecated", metadata.deprecated);
    if let Some(annotations) = metadata.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        let map = annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        fields.0.push(("annotations", Ordered::Plain(Value::Map(map))));
    }
    fields.text("kubeVersion", &metadata.kube_version);
    if !metadata.dependencies().is_empty() {
        fields.0.push(("dependencies", Ordered::List(metadata.dependencies().iter().map(dependency).collect())));
    }
    fields.text("type", &metadata.kind);
    fields.0
}

/// A dependency as an object.
pub(crate) fn dependency(dependency: &Dependency) -> Ordered {
    let mut fields = Fields(vec![("name", dependency.name.as_str().into())]);
    fields.text("version", &dependency.version);
    fields.0.push(("repository", dependency.repository.as_str().into()));
    fields.text("condition", &dependency.condition);
    fields.texts("tags", &dependency.tags);
    fields.yes("enabled", dependency.enabled);
    if !dependency.import_values.is_empty() {
        fields.0.push(("import-values", Ordered::Plain(Value::Seq(dependency.import_values.clone()))));
    }
    fields.text("alias", &dependency.alias);
    Ordered::Object(fields.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_chart_yaml_are_sorted_and_empty_ones_gone() {
        let metadata = Metadata {
            name: "app".to_owned(),
            version: "1.0.0".to_owned(),
            dependencies: Some(vec![Dependency { name: "db".to_owned(), ..Dependency::default() }]),
            ..Metadata::default()
        };
        let text = chart_yaml(&metadata).unwrap();
        assert_eq!(text, "dependencies:\n- name: db\n  repository: \"\"\nname: app\nversion: 1.0.0\n");
    }

    #[test]
    fn json_is_gos() {
        let read =
            Dependency { name: "a<b>&\u{2028}\u{1}".to_owned(), tags: vec!["t".to_owned()], ..Dependency::default() };
        let json = dependency(&read).to_json();
        assert_eq!(json, r#"{"name":"a\u003cb\u003e\u0026\u2028\u0001","repository":"","tags":["t"]}"#);
        let indented = Ordered::Object(vec![("a", Ordered::List(vec![])), ("b", Ordered::List(vec!["x".into()]))]);
        assert_eq!(indented.to_indented_json(), "{\n  \"a\": [],\n  \"b\": [\n    \"x\"\n  ]\n}");
    }
}
