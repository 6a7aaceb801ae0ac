use crate::{Failure, Text, Type, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The static type of the elements of a list or map; a missing or untyped element takes its zero value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`
    Any,
    /// `string`
    Text,
    /// `int`
    Int,
    /// `[]uint8`
    Bytes,
    /// `[]interface {}`
    List,
    /// `map[string]interface {}`
    Map,
}

impl Element {
    /// The zero value of the type.
    pub fn zero(self) -> Value {
        match self {
            Self::Any => Value::Nil,
            Self::Text => Value::Text(Text::default()),
            Self::Int => Value::Int(0),
            Self::Bytes => Value::Bytes(Text::default()),
            Self::List => Value::List(List::nil()),
            Self::Map => Value::Map(Map::nil()),
        }
    }
}

/// A method of a named list or map type: what it takes, and what it does.
pub struct Method<T> {
    /// Its name in templates.
    pub name: &'static str,
    /// The types of its parameters.
    pub params: &'static [Type],
    /// The type of its result.
    pub returns: Type,
    /// The call, with arguments already checked against `params`.
    pub call: fn(&T, &[Value]) -> Result<Value, Failure>,
}

/// The Go type of a list.
pub struct ListKind {
    /// The type's name, such as `[]string`.
    pub name: &'static str,
    /// The type of the elements.
    pub element: Element,
    /// The methods of a named type.
    pub methods: &'static [Method<List>],
}

/// The Go type of a map.
pub struct MapKind {
    /// The type's name, such as `map[string]string`.
    pub name: &'static str,
    /// The type of the elements.
    pub element: Element,
    /// The methods of a named type.
    pub methods: &'static [Method<Map>],
    /// Whether `map[string]interface {}` parameters take it: named types of the same structure do.
    pub plain: bool,
}

/// `[]interface {}`
pub static LIST: ListKind = ListKind { name: "[]interface {}", element: Element::Any, methods: &[] };
/// `[]string`
pub static TEXTS: ListKind = ListKind { name: "[]string", element: Element::Text, methods: &[] };
/// `[]int`
pub static INTS: ListKind = ListKind { name: "[]int", element: Element::Int, methods: &[] };
/// `[][]interface {}`
pub static LISTS: ListKind = ListKind { name: "[][]interface {}", element: Element::List, methods: &[] };
/// `[]map[string]interface {}`
pub static MAPS: ListKind = ListKind { name: "[]map[string]interface {}", element: Element::Map, methods: &[] };
/// `map[string]interface {}`
pub static MAP: MapKind = MapKind { name: "map[string]interface {}", element: Element::Any, methods: &[], plain: true };
/// `map[string]string`
pub static TEXT_MAP: MapKind =
    MapKind { name: "map[string]string", element: Element::Text, methods: &[], plain: false };

/// A Go slice. Clones share the elements.
#[derive(Clone)]
pub struct List {
    kind: &'static ListKind,
    items: Option<Rc<RefCell<Vec<Value>>>>,
}

impl List {
    /// A `[]interface {}` with these elements.
    pub fn new(items: Vec<Value>) -> Self {
        Self::of(&LIST, items)
    }

    /// A slice of the given type.
    pub fn of(kind: &'static ListKind, items: Vec<Value>) -> Self {
        Self { kind, items: Some(Rc::new(RefCell::new(items))) }
    }

    /// A `[]string`.
    pub fn texts(items: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self::of(&TEXTS, items.into_iter().map(|item| Value::Text(item.into())).collect())
    }

    /// The nil slice `[]interface {}(nil)`.
    pub fn nil() -> Self {
        Self { kind: &LIST, items: None }
    }

    /// The nil slice of the given type.
    pub fn nil_of(kind: &'static ListKind) -> Self {
        Self { kind, items: None }
    }

    /// The Go type.
    pub fn kind(&self) -> &'static ListKind {
        self.kind
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items.as_ref().map_or(0, |items| items.borrow().len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.as_ref()?.borrow().get(index).cloned()
    }

    /// Looks at all elements at once; they must not change meanwhile.
    pub fn with<R>(&self, look: impl FnOnce(&[Value]) -> R) -> R {
        match &self.items {
            Some(items) => look(&items.borrow()),
            None => look(&[]),
        }
    }

    /// The elements, copied.
    pub fn to_vec(&self) -> Vec<Value> {
        self.with(<[Value]>::to_vec)
    }

    /// Changes the elements in place, for all who share them. Does nothing while somebody looks at them.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Value>)) {
        if let Some(items) = &self.items
            && let Ok(mut items) = items.try_borrow_mut()
        {
            change(&mut items);
        }
    }
}

/// A Go map with string keys. Clones share the entries.
#[derive(Clone)]
pub struct Map {
    kind: &'static MapKind,
    entries: Option<Rc<RefCell<BTreeMap<Text, Value>>>>,
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::of(&MAP, BTreeMap::new())
    }

    /// A map of the given type.
    pub fn of(kind: &'static MapKind, entries: BTreeMap<Text, Value>) -> Self {
        Self { kind, entries: Some(Rc::new(RefCell::new(entries))) }
    }

    /// The nil map `map[string]interface {}(nil)`.
    pub fn nil() -> Self {
        Self { kind: &MAP, entries: None }
    }

    /// The same entries under another type.
    pub fn cast(&self, kind: &'static MapKind) -> Self {
        Self { kind, entries: self.entries.clone() }
    }

    /// The Go type.
    pub fn kind(&self) -> &'static MapKind {
        self.kind
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.borrow().len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under `key`.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.as_ref()?.borrow().get(key).cloned()
    }

    /// Whether there is a value under `key`.
    pub fn has(&self, key: &[u8]) -> bool {
        self.entries.as_ref().is_some_and(|entries| entries.borrow().contains_key(key))
    }

    /// Puts `value` under `key`, for all who share the map.
    ///
    /// # Errors
    /// On the nil map, with the text of Go's panic.
    pub fn set(&self, key: impl Into<Text>, value: Value) -> Result<(), Failure> {
        let Some(entries) = &self.entries else { return Err(Failure::new("assignment to entry in nil map")) };
        entries.borrow_mut().insert(key.into(), value);
        Ok(())
    }

    /// Removes what is under `key`.
    pub fn remove(&self, key: &[u8]) -> Option<Value> {
        self.entries.as_ref()?.borrow_mut().remove(key)
    }

    /// Looks at all entries at once, in bytewise order of their keys; they must not change meanwhile.
    pub fn with<R>(&self, look: impl FnOnce(&BTreeMap<Text, Value>) -> R) -> R {
        match &self.entries {
            Some(entries) => look(&entries.borrow()),
            None => look(&BTreeMap::new()),
        }
    }

    /// The entries in bytewise order of their keys, copied.
    pub fn to_vec(&self) -> Vec<(Text, Value)> {
        self.with(|entries| entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Whether both are the same map, not merely equal.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(one), Some(two)) => Rc::ptr_eq(one, two),
            (one, two) => one.is_none() && two.is_none(),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(items) = self.items.take().and_then(Rc::into_inner) {
            release(items.into_inner());
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take().and_then(Rc::into_inner) {
            release(entries.into_inner().into_values().collect());
        }
    }
}

/// Drops values without recursion: a template can nest them as deep as it likes.
fn release(mut pending: Vec<Value>) {
    while let Some(mut value) = pending.pop() {
        match &mut value {
            Value::List(list) => {
                pending.extend(list.items.take().and_then(Rc::into_inner).into_iter().flat_map(RefCell::into_inner));
            }
            Value::Map(map) => {
                let entries = map.entries.take().and_then(Rc::into_inner);
                pending.extend(entries.into_iter().flat_map(|entries| entries.into_inner().into_values()));
            }
            _ => {}
        }
    }
}

impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        Self::of(&MAP, entries.into_iter().collect())
    }
}
