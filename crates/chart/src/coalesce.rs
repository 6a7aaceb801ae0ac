//! How the values of a chart, of the charts in it and of the user become one tree.
//!
//! In Go maps are shared, and some of what Helm does rests on that: a table two levels below `global` is one and the same
//! for a chart and its subcharts, so that what a subchart's defaults add to it all others see. Here values are trees; such
//! tables are written back ([`share_globals`]).

use bowline_yaml::{Map, Value};

use crate::{Chart, Error};

/// What Helm prints on standard error while it goes on.
pub(crate) type Warnings = Vec<String>;

const GLOBAL: &str = "global";

/// The values of a chart with everything in it, over which `values` are laid. With `merge`, nulls stay; without, a null
/// deletes.
///
/// # Errors
/// Where a subchart's values are no table.
pub(crate) fn coalesce(chart: &Chart, values: Map, merge: bool, warnings: &mut Warnings) -> Result<Map, Error> {
    let mut values = values;
    Coalesce { merge, keep_nulls: merge || chart.compat.is_helm3(), warnings }.chart(chart, &mut values, "")?;
    Ok(values)
}

struct Coalesce<'w> {
    merge: bool,
    /// The nulls of a chart's own defaults stay.
    keep_nulls: bool,
    warnings: &'w mut Warnings,
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

impl Coalesce<'_> {
    fn chart(&mut self, chart: &Chart, dest: &mut Map, prefix: &str) -> Result<(), Error> {
        self.defaults(chart, dest, prefix);
        self.dependencies(chart, dest, prefix)
    }

    fn dependencies(&mut self, chart: &Chart, dest: &mut Map, prefix: &str) -> Result<(), Error> {
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let inner_prefix = joined(prefix, chart.name());
            let mut inner = match dest.remove(name) {
                None => Map::new(),
                Some(Value::Map(inner)) => inner,
                Some(other) => {
                    let shown = go_percent_t(&other);
                    return Err(Error::chart(format!("type mismatch on {name}: {shown}")));
                }
            };
            self.globals(&mut inner, dest, &inner_prefix);
            self.chart(subchart, &mut inner, &inner_prefix)?;
            take_back_globals(dest, &inner);
            dest.insert(name.to_owned(), Value::Map(inner));
        }
        if let Some(Value::Map(globals)) = dest.get(GLOBAL).cloned() {
            for subchart in &chart.dependencies {
                if let Some(Value::Map(inner)) = dest.get_mut(subchart.name()) {
                    share_globals(&globals, subchart, inner);
                }
            }
        }
        Ok(())
    }

    /// Copies `global` down into a subchart's values.
    fn globals(&mut self, dest: &mut Map, source: &Map, prefix: &str) {
        let mut dest_globals = match dest.get(GLOBAL) {
            None => Map::new(),
            Some(Value::Map(globals)) => globals.clone(),
            Some(_) => {
                self.warn("warning: skipping globals because destination global is not a table.".to_owned());
                return;
            }
        };
        let empty = Map::new();
        let source_globals = match source.get(GLOBAL) {
            None => &empty,
            Some(Value::Map(globals)) => globals,
            Some(_) => {
                self.warn("warning: skipping globals because source global is not a table.".to_owned());
                return;
            }
        };
        for (key, value) in source_globals {
            match (value, dest_globals.remove(key)) {
                (Value::Map(table), Some(Value::Map(own))) => {
                    let mut table = table.clone();
                    let merge = std::mem::replace(&mut self.merge, true);
                    self.tables(&mut table, own, &joined(prefix, key));
                    self.merge = merge;
                    dest_globals.insert(key.clone(), Value::Map(table));
                }
                (Value::Map(_), Some(own)) => {
                    let shown = bowline_yaml::quote(key);
                    self.warn(format!("Conflict: cannot merge map onto non-map for {shown}. Skipping."));
                    dest_globals.insert(key.clone(), own);
                }
                (Value::Map(table), None) => _ = dest_globals.insert(key.clone(), Value::Map(table.clone())),
                (_, Some(own @ Value::Map(_))) => {
                    self.warn(format!("key {key} is table. Skipping"));
                    dest_globals.insert(key.clone(), own);
                }
                (value, _) => _ = dest_globals.insert(key.clone(), value.clone()),
            }
        }
        dest.insert(GLOBAL.to_owned(), Value::Map(dest_globals));
    }

    /// Lays `dest` over a chart's own defaults.
    fn defaults(&mut self, chart: &Chart, dest: &mut Map, prefix: &str) {
        let prefix = joined(prefix, chart.name());
        for (key, default) in chart.values.iter() {
            match dest.get_mut(key) {
                Some(Value::Null) if !self.merge => _ = dest.remove(key),
                Some(Value::Map(table)) => match default {
                    Value::Map(default) => {
                        let is_subchart = chart.dependencies.iter().any(|subchart| subchart.name() == key);
                        let mut default = default.clone();
                        if !self.keep_nulls && !is_subchart {
                            remove_nulls(&mut default);
                        }
                        let merge = self.merge;
                        self.merge |= is_subchart;
                        self.tables(table, default, &joined(&prefix, key));
                        self.merge = merge;
                    }
                    Value::Null => {}
                    _ => self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table.")),
                },
                Some(_) => {}
                None => {
                    let mut value = default.clone();
                    if !self.keep_nulls {
                        match &mut value {
                            Value::Null => continue,
                            Value::Map(table) => remove_nulls(table),
                            _ => {}
                        }
                    }
                    dest.insert(key.clone(), value);
                }
            }
        }
    }

    /// Merges `source` into `dest`, which wins.
    fn tables(&mut self, dest: &mut Map, source: Map, prefix: &str) {
        for (key, value) in source {
            let full_key = || joined(prefix, &key);
            match (dest.get_mut(&key), value) {
                (None, value) => _ = dest.insert(key, value),
                (Some(Value::Null), Value::Null) => {}
                (Some(Value::Null), _) if !self.merge => _ = dest.remove(&key),
                (Some(Value::Map(inner)), Value::Map(value)) => self.tables(inner, value, &full_key()),
                // Merging, the user's null stays, whatever it hides.
                (Some(Value::Null), _) => {}
                (Some(_), value @ Value::Map(_)) => {
                    let (full_key, shown) = (full_key(), go_percent_v(&value));
                    self.warn(format!("warning: cannot overwrite table with non table for {full_key} ({shown})"));
                }
                (Some(Value::Map(_)), value) if value != Value::Null => {
                    let (full_key, shown) = (full_key(), go_percent_v(&value));
                    self.warn(format!(
                        "warning: destination for {full_key} is a table. Ignoring non-table value ({shown})"
                    ));
                }
                (Some(_), _) => {}
            }
        }
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }
}

/// Merges one table into another, which wins. With `merge`, nulls stay.
pub fn merge_tables(dest: &mut Map, source: Map, merge: bool, warnings: &mut Vec<String>) {
    Coalesce { merge, keep_nulls: merge, warnings }.tables(dest, source, "");
}

/// Takes nulls out, at any depth of tables.
pub(crate) fn remove_nulls(map: &mut Map) {
    map.retain(|_, value| {
        if let Value::Map(inner) = value {
            remove_nulls(inner);
        }
        *value != Value::Null
    });
}

/// What a subchart added to the tables that it shares with its parent.
fn take_back_globals(parent: &mut Map, child: &Map) {
    let (Some(Value::Map(globals)), Some(Value::Map(child_globals))) = (parent.get_mut(GLOBAL), child.get(GLOBAL))
    else {
        return;
    };
    for (key, value) in globals {
        let (Value::Map(table), Some(Value::Map(child_table))) = (value, child_globals.get(key)) else { continue };
        for (inner_key, inner) in table {
            if let (Value::Map(_), Some(shared @ Value::Map(_))) = (&*inner, child_table.get(inner_key)) {
                shared.clone_into(inner);
            }
        }
    }
}

/// What all subcharts added to the tables that they share, given to each.
fn share_globals(globals: &Map, chart: &Chart, values: &mut Map) {
    if let Some(Value::Map(own)) = values.get_mut(GLOBAL) {
        for (key, value) in globals {
            let (Value::Map(table), Some(Value::Map(own_table))) = (value, own.get_mut(key)) else { continue };
            for (inner_key, shared) in table {
                if let (Value::Map(_), Some(inner @ Value::Map(_))) = (shared, own_table.get_mut(inner_key)) {
                    shared.clone_into(inner);
                }
            }
        }
    }
    for subchart in &chart.dependencies {
        if let Some(Value::Map(inner)) = values.get_mut(subchart.name()) {
            share_globals(globals, subchart, inner);
        }
    }
}

/// Go's `%t` of something that is, but for booleans, no boolean.
fn go_percent_t(value: &Value) -> String {
    match value {
        Value::Null => "%!t(<nil>)".to_owned(),
        value => go_percent_t_inside(value),
    }
}

/// The same of a part: there nothing is nothing, and a key is a string.
fn go_percent_t_inside(value: &Value) -> String {
    let text = |text: &str| format!("%!t(string={text})");
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => format!("%!t(int64={value})"),
        Value::Float(_) => format!("%!t(float64={})", go_percent_v(value)),
        Value::String(value) => text(value),
        Value::Seq(items) => format!("[{}]", items.iter().map(go_percent_t_inside).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{}:{}", text(key), go_percent_t_inside(value));
            format!("map[{}]", map.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
    }
}

/// Go's `%v`.
fn go_percent_v(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => bowline_yaml::format_float(*value),
        Value::String(text) => text.clone(),
        Value::Seq(items) => format!("[{}]", items.iter().map(go_percent_v).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", go_percent_v(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}
