//! The schemas of the built-in kinds, as data.
//!
//! One table (`kinds.txt`, written by `cargo run -p xtask --bin kinds`) serves everything that depends on a kind's
//! shape: reading JSON as the real server's Go types do, reading protobuf, strategic merge, field ownership, and the
//! published OpenAPI documents.

mod normal;
mod protobuf;
mod quantity;

pub(crate) use normal::{Report, normal};
pub(crate) use protobuf::decode;
pub(crate) use quantity::{canonical as canonical_quantity, nanos as quantity_nanos};

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

/// A type by its place in the table.
pub(crate) type TypeId = usize;

/// What a value looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    String,
    Bool,
    Int32,
    Int64,
    Double,
    Bytes,
    Time,
    MicroTime,
    Duration,
    Quantity,
    IntOrString,
    /// An object of any kind (`runtime.RawExtension`).
    Raw,
    /// `metav1.FieldsV1`
    Fields,
    /// Any JSON.
    Any,
    Struct(TypeId),
    List(Box<Shape>),
    /// A list that is a message of its own in protobuf.
    Items(Box<Shape>),
    Map(Box<Shape>),
}

/// How lists and maps are merged by server-side apply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Topology {
    /// Lists as a whole, maps and structs field by field.
    Usual,
    /// As a whole.
    Atomic,
    /// A list of different scalars.
    Set,
    /// A list of objects that differ in these fields.
    Keyed(Vec<String>),
}

/// How a strategic merge patch treats a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Strategy {
    /// Lists are replaced, objects merged.
    Usual,
    /// A list of objects, merged by this field.
    MergeBy(String),
    /// A list of scalars, merged as a set.
    Merge,
    /// An object that is replaced.
    Replace,
}

/// A field of a type.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Protobuf numbers from the outside in; none for `apiVersion` and `kind`.
    pub(crate) numbers: Vec<u32>,
    pub(crate) shape: Shape,
    /// Absent and empty differ.
    pub(crate) pointer: bool,
    /// Written even when empty.
    pub(crate) always: bool,
    pub(crate) omit_zero: bool,
    pub(crate) required: bool,
    pub(crate) topology: Topology,
    pub(crate) strategy: Strategy,
    /// A patch lists the keys to keep (`$retainKeys`).
    pub(crate) retain_keys: bool,
    pub(crate) default: Option<Value>,
    pub(crate) values: Vec<String>,
}

/// A type with fields.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// As in `core.v1.Pod`.
    pub(crate) name: String,
    /// Owned as a whole.
    pub(crate) atomic: bool,
    /// By name.
    pub(crate) fields: Vec<Field>,
    /// What each protobuf number is.
    wire: BTreeMap<u32, Wire>,
}

#[derive(Clone, Debug)]
enum Wire {
    /// The field at this place.
    Field(usize),
    /// An embedded message with fields of the same type.
    Embedded(BTreeMap<u32, Wire>),
}

impl Type {
    /// The field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok().map(|at| &self.fields[at])
    }

    /// The name without its package, as in `Pod`.
    pub(crate) fn go_name(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(_, name)| name)
    }
}

/// All types.
#[derive(Debug)]
pub(crate) struct Schema {
    types: Vec<Type>,
    by_name: HashMap<String, TypeId>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("kinds.txt")));

/// The table.
pub(crate) fn schema() -> &'static Schema {
    &SCHEMA
}

impl Schema {
    /// The type at that place.
    pub(crate) fn get(&self, id: TypeId) -> &Type {
        &self.types[id]
    }

    /// The type of that name, as in `core.v1.Pod`.
    pub(crate) fn by_name(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The type of a built-in kind.
    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<TypeId> {
        let package = match group {
            "" => "core",
            other => other.split_once('.').map_or(other, |(first, _)| first),
        };
        self.by_name(&format!("{package}.{version}.{kind}"))
    }

    /// All of them, by name.
    #[cfg(test)]
    pub(crate) fn types(&self) -> &[Type] {
        &self.types
    }

    fn parse(table: &str) -> Self {
        let names = table.lines().filter(|line| !line.starts_with('\t'));
        let names: Vec<(&str, bool)> =
            names.map(|line| line.split_once(' ').map_or((line, false), |(name, _)| (name, true))).collect();
        let by_name: HashMap<String, TypeId> =
            names.iter().enumerate().map(|(id, (name, _))| ((*name).to_owned(), id)).collect();
        let mut types: Vec<Type> = names
            .iter()
            .map(|(name, atomic)| Type {
                name: (*name).to_owned(),
                atomic: *atomic,
                fields: Vec::new(),
                wire: BTreeMap::new(),
            })
            .collect();
        let mut current = 0;
        for line in table.lines() {
            match line.strip_prefix('\t') {
                Some(line) => types[current].fields.extend(parse_field(line, &by_name)),
                None => current = by_name.get(line.split(' ').next().unwrap_or(line)).copied().unwrap_or(current),
            }
        }
        for of in &mut types {
            of.fields.sort_by(|a, b| a.name.cmp(&b.name));
            let mut wire = BTreeMap::new();
            for (at, field) in of.fields.iter().enumerate() {
                insert_wire(&mut wire, &field.numbers, at);
            }
            of.wire = wire;
        }
        Self { types, by_name }
    }
}

fn insert_wire(wire: &mut BTreeMap<u32, Wire>, numbers: &[u32], at: usize) {
    match numbers {
        [] => {}
        [last] => {
            wire.insert(*last, Wire::Field(at));
        }
        [first, rest @ ..] => {
            let inner = wire.entry(*first).or_insert_with(|| Wire::Embedded(BTreeMap::new()));
            if let Wire::Embedded(inner) = inner {
                insert_wire(inner, rest, at);
            }
        }
    }
}

fn parse_field(line: &str, by_name: &HashMap<String, TypeId>) -> Option<Field> {
    let mut words = line.split(' ');
    let (name, numbers, shape) = (words.next()?, words.next()?, words.next()?);
    let mut field = Field {
        name: name.to_owned(),
        numbers: numbers.split('.').filter_map(|n| n.parse().ok()).collect(),
        shape: parse_shape(shape, by_name)?,
        pointer: false,
        always: false,
        omit_zero: false,
        required: false,
        topology: Topology::Usual,
        strategy: Strategy::Usual,
        retain_keys: false,
        default: None,
        values: Vec::new(),
    };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("pointer", _) => field.pointer = true,
            ("always", _) => field.always = true,
            ("omitzero", _) => field.omit_zero = true,
            ("required", _) => field.required = true,
            ("atomic", _) => field.topology = Topology::Atomic,
            ("set", _) => field.topology = Topology::Set,
            ("map", keys) => field.topology = Topology::Keyed(list(keys)),
            ("merge", "") => field.strategy = Strategy::Merge,
            ("merge", key) => field.strategy = Strategy::MergeBy(key.to_owned()),
            ("replace", _) => field.strategy = Strategy::Replace,
            ("retainKeys", _) => field.retain_keys = true,
            ("default", value) => field.default = serde_json::from_str(value).ok(),
            ("enum", values) => field.values = list(values),
            _ => {}
        }
    }
    // These are structs in Go, which `omitempty` does not leave out.
    let is_struct = matches!(
        field.shape,
        Shape::Time | Shape::MicroTime | Shape::Duration | Shape::Quantity | Shape::IntOrString | Shape::Raw
    );
    field.always |= is_struct && !field.pointer && !field.omit_zero;
    Some(field)
}

fn parse_shape(text: &str, by_name: &HashMap<String, TypeId>) -> Option<Shape> {
    if let Some(inner) = text.strip_prefix('[') {
        if let Some(inner) = inner.strip_suffix("]items") {
            return Some(Shape::Items(Box::new(parse_shape(inner, by_name)?)));
        }
        return Some(Shape::List(Box::new(parse_shape(inner.strip_suffix(']')?, by_name)?)));
    }
    if let Some(inner) = text.strip_prefix('{') {
        return Some(Shape::Map(Box::new(parse_shape(inner.strip_suffix('}')?, by_name)?)));
    }
    Some(match text {
        "string" => Shape::String,
        "bool" => Shape::Bool,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "double" => Shape::Double,
        "bytes" => Shape::Bytes,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        "duration" => Shape::Duration,
        "quantity" => Shape::Quantity,
        "intorstring" => Shape::IntOrString,
        "raw" => Shape::Raw,
        "fields" => Shape::Fields,
        "any" => Shape::Any,
        name => Shape::Struct(*by_name.get(name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("kinds.txt").lines().filter(|l| l.starts_with('\t')).count();
        let fields: usize = schema().types().iter().map(|t| t.fields.len()).sum();
        assert_eq!(fields, lines);
        let container = schema().get(schema().by_name("core.v1.Container").unwrap());
        let ports = container.field("ports").unwrap();
        assert_eq!(ports.topology, Topology::Keyed(vec!["containerPort".into(), "protocol".into()]));
        assert_eq!(ports.strategy, Strategy::MergeBy("containerPort".into()));
    }

    #[test]
    fn every_built_in_resource_has_a_schema() {
        for resource in crate::Catalog::built_in().served() {
            let found = schema().of_kind(&resource.id.group, &resource.version, &resource.kind);
            assert!(found.is_some(), "{}", resource.id);
        }
    }
}
