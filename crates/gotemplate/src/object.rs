use crate::{Failure, Kind, Type, Value};
use std::any::Any;
use std::borrow::Cow;

/// What a method of an [`Object`] takes and gives.
pub struct MethodType {
    /// The types of the parameters.
    pub params: &'static [Type],
    /// The type of the result.
    pub returns: Type,
}

/// A value that the host brings along: a struct, a time, a version.
pub trait Object: Any {
    /// The Go type's name, such as `time.Time` or `*v3.Version`.
    fn type_name(&self) -> Cow<'static, str>;

    /// The Go kind.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// The struct's fields in order, for printing; exported or not.
    fn fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        Vec::new()
    }

    /// The exported field `name`.
    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The type of the method `name`, if it has one.
    fn method(&self, name: &str) -> Option<MethodType> {
        let _ = name;
        None
    }

    /// Calls the method `name` with arguments already checked against its type.
    ///
    /// # Errors
    /// What the method answers as its error.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Failure> {
        let _ = args;
        Err(Failure::new(format!("{} has no method {name}", self.type_name())))
    }

    /// The text of its `String` method, if it has one.
    fn string(&self) -> Option<String> {
        None
    }

    /// The text of its `GoString` method, which `%#v` prints, if it has one.
    fn go_string(&self) -> Option<String> {
        None
    }

    /// The text that an action prints, where that is not what `fmt` prints: a field of a struct that is held by a pointer
    /// shows what the pointer's `String` method gives, a copy of it does not.
    fn shown(&self) -> Option<String> {
        self.string()
    }

    /// The object as a copy of it in an interface is, where that has less: no methods of its pointer.
    fn copied(&self) -> Option<Value> {
        None
    }

    /// What JSON is made of, where that is not an object of fields.
    fn json(&self) -> Option<Value> {
        None
    }

    /// The fields of the JSON object, in order: the exported ones under their own names.
    fn json_fields(&self) -> Vec<(Cow<'static, str>, Value)> {
        self.fields().into_iter().filter(|(name, _)| name.starts_with(char::is_uppercase)).collect()
    }

    /// The number, where the Go type is an integer type.
    fn as_int(&self) -> Option<i64> {
        None
    }

    /// Whether two objects are equal; the other may be of another type.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// Whether Go can compare it: neither it nor what it holds is a slice or a map.
    fn is_comparable(&self) -> bool {
        true
    }

    /// The object itself, for its own crate's functions to recognise.
    fn as_any(&self) -> &dyn Any;
}
