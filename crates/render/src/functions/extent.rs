//! How much a value holds: templates can make values that have no end in practice.

use bowline_gotemplate::Value;

/// How many values a value may hold: a list that holds the same list twice, sixty times over, has more.
const MAX_VALUES: usize = 1 << 20;

/// How deep values may nest: a map that holds itself would never end.
const MAX_DEPTH: usize = 1000;

/// The text of the refusal.
pub(super) const ENDLESS: &str = "encountered a cycle, or a value that nests too deeply or has too many parts";

/// Whether a value can be followed to all of its ends in reasonable time.
pub(super) fn has_end(value: &Value) -> bool {
    let mut pending = vec![(value.clone(), 0)];
    let mut seen = 0;
    while let Some((value, depth)) = pending.pop() {
        seen += 1;
        if seen > MAX_VALUES || depth > MAX_DEPTH {
            return false;
        }
        let inner = depth + 1;
        match &value {
            Value::List(list) => list.with(|items| pending.extend(items.iter().map(|item| (item.clone(), inner)))),
            Value::Map(map) => map.with(|entries| pending.extend(entries.values().map(|item| (item.clone(), inner)))),
            _ => {}
        }
    }
    true
}
