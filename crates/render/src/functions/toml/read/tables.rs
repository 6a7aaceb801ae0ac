//! The tables of a document as they grow, and which of them there are only because a name went through them.

use std::collections::{HashMap, HashSet};

use bowline_gotemplate::{List, MAPS, Map, Value, lossy};

use super::super::write::bare;
use super::{Read, Stop};

#[derive(Default)]
pub(super) struct Tables {
    pub(super) root: Map,
    /// The name of the table that keys are in.
    pub(super) context: Vec<String>,
    /// The key whose value is being read.
    pub(super) key: String,
    /// The line of the key or name that was read last.
    pub(super) line: u32,
    /// Whether what a name stands for is an array.
    is_array: HashMap<String, bool>,
    /// Names of tables that may still get a header, or a value, of their own.
    implied: HashSet<String>,
}

/// A name as the library shows it.
fn shown(key: &[String]) -> String {
    lossy(&key.iter().map(|part| bare(part.as_bytes())).collect::<Vec<_>>().join(&b'.')).into_owned()
}

impl Tables {
    /// The name of the table that keys are in.
    pub(super) fn context_name(&self) -> String {
        shown(&self.context)
    }

    /// The name of the key that is being read.
    pub(super) fn current(&self) -> String {
        if self.key.is_empty() {
            shown(&self.context)
        } else if self.context.is_empty() {
            self.key.clone()
        } else {
            format!("{}.{}", shown(&self.context), self.key)
        }
    }

    /// An error at the key that was read last.
    pub(super) fn wrong(&self, message: String) -> Stop {
        Stop::Wrong(self.line, message)
    }

    pub(super) fn imply(&mut self, key: &[String]) {
        self.implied.insert(shown(key));
    }

    pub(super) fn set_kind(&mut self, key: &str, is_array: bool) {
        let mut name = self.context.clone();
        if !key.is_empty() {
            name.push(key.to_owned());
        }
        if name.is_empty() {
            name.push(String::new());
        }
        self.is_array.insert(shown(&name), is_array);
    }

    /// Makes the table of that name, or another one of an array of tables, the one that keys are in.
    pub(super) fn enter(&mut self, key: &[String], is_array: bool) -> Read<()> {
        let Some((last, before)) = key.split_last() else { return Ok(()) };
        let mut table = self.root.clone();
        let mut name = Vec::new();
        for part in before {
            name.push(part.clone());
            if !table.has(part.as_bytes()) {
                self.imply(&name);
                let _ = table.set(part.as_str(), Value::Map(Map::new()));
            }
            table = match inner(&table, part) {
                Some(next) => next,
                None => return Err(self.wrong(format!("Key '{}' was already created as a hash.", shown(&name)))),
            };
        }
        self.context = name;
        if is_array {
            let list = match table.get(last.as_bytes()) {
                None => {
                    let list = List::of(&MAPS, Vec::new());
                    let _ = table.set(last.as_str(), Value::List(list.clone()));
                    list
                }
                Some(Value::List(list)) if std::ptr::eq(list.kind(), &MAPS) => list,
                Some(_) => {
                    let name = shown(key);
                    let message = format!("Key '{name}' was already created and cannot be used as an array.");
                    return Err(self.wrong(message));
                }
            };
            list.change(|items| items.push(Value::Map(Map::new())));
        } else {
            self.set(last, Value::Map(Map::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Sets a key of the present table, which must not have it but as a table that was only implied.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Read<()> {
        let mut table = self.root.clone();
        let mut name = Vec::new();
        for part in &self.context {
            name.push(part.clone());
            if !table.has(part.as_bytes()) {
                let name = shown(&name);
                return Err(Stop::Bug(format!("BUG: Context for key '{name}' has not been established.\n\n")));
            }
            table = match inner(&table, part) {
                Some(next) => next,
                None => return Err(self.wrong(format!("Key '{}' has already been defined.", shown(&name)))),
            };
        }
        name.push(key.to_owned());
        let name = shown(&name);
        if table.has(key.as_bytes()) {
            if !self.implied.remove(&name) {
                return Err(self.wrong(format!("Key '{name}' has already been defined.")));
            }
            if !self.is_array.get(&name).copied().unwrap_or(false) {
                return Ok(());
            }
        }
        let _ = table.set(key, value);
        Ok(())
    }
}

/// The table that a key stands for, or the last one of an array of tables.
fn inner(table: &Map, key: &str) -> Option<Map> {
    match table.get(key.as_bytes()) {
        Some(Value::Map(next)) => Some(next),
        Some(Value::List(list)) if std::ptr::eq(list.kind(), &MAPS) => match list.to_vec().pop() {
            Some(Value::Map(next)) => Some(next),
            _ => None,
        },
        _ => None,
    }
}
