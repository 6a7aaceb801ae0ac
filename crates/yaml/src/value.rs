use std::collections::BTreeMap;

/// A mapping with string keys in bytewise order, as Go's `encoding/json` and `range` see a `map[string]interface{}`.
pub type Map = BTreeMap<String, Value>;

/// A resolved value, typed as Go would type it.
///
/// Helm sees two kinds of number: what comes out of a values file went through JSON and is a `float64` ([`Value::Float`]),
/// what comes from `--set` is an `int64` ([`Value::Int`]).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `nil`
    #[default]
    Null,
    /// `bool`
    Bool(bool),
    /// `int64`
    Int(i64),
    /// `float64`
    Float(f64),
    /// `string`
    String(String),
    /// `[]interface{}`
    Seq(Vec<Value>),
    /// `map[string]interface{}`
    Map(Map),
}

impl Value {
    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The mapping, where this is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The mapping to change, where this is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The text, where this is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean, where this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The elements, where this is a sequence.
    pub fn as_seq(&self) -> Option<&[Value]> {
        if let Self::Seq(items) = self { Some(items) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
