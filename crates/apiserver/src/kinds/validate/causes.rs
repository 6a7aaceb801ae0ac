//! What is wrong with an object, field by field.

use serde_json::Value;

use crate::Cause;

/// A growing list of field errors.
#[derive(Debug, Default)]
pub(super) struct Causes(Vec<Cause>);

impl Causes {
    pub(super) fn into_list(self) -> Vec<Cause> {
        self.0
    }

    /// The field must have a value; `why` may be empty.
    pub(super) fn required(&mut self, field: impl Into<String>, why: &str) {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        self.0.push(Cause::new("FieldValueRequired", field, message));
    }

    /// The value is not one of the field's.
    pub(super) fn invalid(&mut self, field: impl Into<String>, value: &Value, why: &str) {
        self.0.push(Cause::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}")));
    }

    /// As [`Self::invalid`], for text.
    pub(super) fn invalid_text(&mut self, field: impl Into<String>, value: &str, why: &str) {
        self.invalid(field, &Value::from(value), why);
    }

    /// The value is not among those that there are.
    pub(super) fn unsupported(&mut self, field: impl Into<String>, value: &Value, supported: &[&str]) {
        let list: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", list.join(", "));
        self.0.push(Cause::new("FieldValueNotSupported", field, message));
    }

    /// The value comes a second time.
    pub(super) fn duplicate(&mut self, field: impl Into<String>, value: &Value) {
        self.0.push(Cause::new("FieldValueDuplicate", field, format!("Duplicate value: {value}")));
    }

    /// The field must not be set here.
    pub(super) fn forbidden(&mut self, field: impl Into<String>, why: &str) {
        self.0.push(Cause::new("FieldValueForbidden", field, format!("Forbidden: {why}")));
    }

    /// The value names something that is not there.
    pub(super) fn not_found(&mut self, field: impl Into<String>, value: &str) {
        self.0.push(Cause::new("FieldValueNotFound", field, format!("Not found: {value:?}")));
    }

    /// The value has more bytes than it may.
    pub(super) fn too_long(&mut self, field: impl Into<String>, most: usize) {
        self.0.push(Cause::new("FieldValueTooLong", field, format!("Too long: may not be more than {most} bytes")));
    }

    /// A number that must not be negative.
    pub(super) fn not_negative(&mut self, field: &str, value: &Value) {
        if value.as_i64().is_some_and(|n| n < 0) {
            self.invalid(field, value, "must be greater than or equal to 0");
        }
    }

    /// A port number.
    pub(super) fn port(&mut self, field: impl Into<String>, value: &Value) {
        if !value.as_i64().is_some_and(|n| (1..=65535).contains(&n)) {
            self.invalid(field, value, "must be between 1 and 65535, inclusive");
        }
    }

    /// A port number or name.
    pub(super) fn port_or_name(&mut self, field: &str, value: &Value) {
        match value.as_str() {
            Some(name) => {
                for why in super::super::names::port_name(name) {
                    self.invalid_text(field, name, &why);
                }
            }
            None => self.port(field, value),
        }
    }
}

/// The items of a list at a field, with their places.
pub(super) fn list<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    of.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// Text at a field; empty where absent.
pub(super) fn str<'a>(of: &'a Value, field: &str) -> &'a str {
    of.get(field).and_then(Value::as_str).unwrap_or_default()
}
