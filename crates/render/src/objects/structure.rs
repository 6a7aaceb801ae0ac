//! Go's structs of strings, lists and other structs.

use bowline_gotemplate::{Failure, Kind, List, MethodType, Object, Text, Type, Value};
use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;

/// A field's name in JSON, and whether it is there when it is empty.
pub(super) type JsonField = (&'static str, bool);

/// A Go struct.
pub(super) struct Struct {
    /// With a `*` in front it is a pointer to one.
    pub(super) type_name: &'static str,
    pub(super) fields: Vec<(&'static str, Value)>,
    /// Of each field in order; where there is none, they have their own names.
    pub(super) json: &'static [JsonField],
    /// What its pointer's `String` method gives.
    pub(super) text: Option<String>,
    /// The first field is embedded: its fields are the struct's as well.
    pub(super) embeds: bool,
}

impl Struct {
    /// A struct with these fields, as they are.
    pub(super) fn new(type_name: &'static str, fields: Vec<(&'static str, Value)>) -> Self {
        Self { type_name, fields, json: &[], text: None, embeds: false }
    }

    fn embedded(&self) -> Option<&Rc<dyn Object>> {
        match self.fields.first() {
            Some((_, Value::Object(object))) if self.embeds => Some(object),
            _ => None,
        }
    }
}

/// What a copy of a struct is that only takes what others can see; `None` where the object is no such struct.
pub(crate) fn without_hidden_fields(object: &dyn Object) -> Option<Value> {
    let whole = object.as_any().downcast_ref::<Struct>()?;
    let kept = |(name, value): &(&'static str, Value)| match value {
        Value::Text(_) if !name.starts_with(char::is_uppercase) => (*name, Value::from("")),
        Value::Object(inner) => (*name, without_hidden_fields(inner.as_ref()).unwrap_or_else(|| value.clone())),
        Value::List(list) if !list.is_nil() => (*name, Value::List(List::of(list.kind(), list.to_vec()))),
        _ => (*name, value.clone()),
    };
    // A version of Kubernetes that has no normalized form shows the one that was given.
    let text = whole.text.as_ref().and_then(|_| whole.field("Version")?.as_text().map(Text::to_string));
    Some(Value::object(Struct { fields: whole.fields.iter().map(kept).collect(), text, ..*whole }))
}

impl Object for Struct {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.type_name)
    }

    fn kind(&self) -> Kind {
        if self.type_name.starts_with('*') { Kind::Ptr } else { Kind::Struct }
    }

    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        self.fields.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect()
    }

    fn field(&self, name: &str) -> Option<Value> {
        let own = self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone());
        own.or_else(|| self.embedded()?.field(name))
    }

    fn method(&self, name: &str) -> Option<MethodType> {
        let known = self.text.is_some() && matches!(name, "String" | "GitVersion");
        known.then_some(MethodType { params: &[], returns: Type::Text })
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, Failure> {
        match (name, &self.text) {
            ("String", Some(text)) => Ok(text.as_str().into()),
            _ => Ok(self.field("Version").unwrap_or_default()),
        }
    }

    fn shown(&self) -> Option<String> {
        self.text.clone()
    }

    fn copied(&self) -> Option<Value> {
        self.text.as_ref()?;
        Some(Value::object(Self { fields: self.fields.clone(), text: None, ..*self }))
    }

    fn json_fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        let embedded = self.embedded().map(|object| object.json_fields()).unwrap_or_default();
        let own = self.fields().into_iter().skip(usize::from(self.embeds));
        if self.json.is_empty() {
            return embedded.into_iter().chain(own.filter(|(name, _)| name.starts_with(char::is_uppercase))).collect();
        }
        let renamed = self.json.iter().zip(own);
        let there = renamed.filter(|((_, always), (_, value))| *always || value.truth());
        embedded.into_iter().chain(there.map(|((name, _), (_, value))| (Cow::Borrowed(*name), value))).collect()
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let Some(other) = other.as_any().downcast_ref::<Self>() else { return false };
        let text = |value: &Value| value.as_text().cloned();
        self.type_name == other.type_name
            && self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|((_, one), (_, two))| match (one, two) {
                (Value::Object(one), Value::Object(two)) => Rc::ptr_eq(one, two) || one.equals(two.as_ref()),
                (one, two) => text(one) == text(two),
            })
    }

    fn is_comparable(&self) -> bool {
        let comparable = |value: &Value| match value {
            Value::List(_) | Value::Map(_) => false,
            Value::Object(object) => object.is_comparable(),
            _ => true,
        };
        self.kind() == Kind::Ptr || self.fields.iter().all(|(_, value)| comparable(value))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
