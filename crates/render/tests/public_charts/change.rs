//! A chart's values, changed at random as a seed determines: switches flipped, types changed, keys removed and added.

use std::fs;
use std::path::Path;

use bowline_yaml::{Map, Value, emit, parse_first};

use crate::cases::{Named, PublicChart};
use crate::support::{Case, Random};

/// One chart with one to five of its values changed. The changes are in the case's name, so that it can be replayed by hand.
pub(crate) fn changed(charts: &[PublicChart], seed: u64, directory: &Path) -> Named {
    let mut random = Random::new(seed);
    let chart = &charts[random.below(charts.len())];
    let text = fs::read_to_string(chart.path.join("values.yaml")).unwrap_or_default();
    let values = parse_first(&text).ok().flatten().map(|node| node.to_value());
    let mut paths = Vec::new();
    if let Some(Value::Map(map)) = &values {
        collect(map, &mut Vec::new(), &mut paths);
    }
    let mut over = Map::new();
    for _ in 0..=random.below(5) {
        if paths.is_empty() || random.below(12) == 0 {
            over.insert(random.pick(&["extra", "global", "nameOverride", "image"]).to_owned(), odd(&mut random, 3));
            continue;
        }
        // A switch turns whole parts of a chart on; most changes are such.
        let switches: Vec<&(Vec<String>, Value)> = paths.iter().filter(|(_, v)| matches!(v, Value::Bool(_))).collect();
        let flip = !switches.is_empty() && random.below(10) < 5;
        let (path, value) =
            if flip { switches[random.below(switches.len())] } else { &paths[random.below(paths.len())] };
        let value = match value {
            Value::Bool(value) if flip => Value::Bool(!value),
            _ => other(value, &mut random),
        };
        set(&mut over, path, value);
    }
    let text = emit(&Value::Map(over)).unwrap();
    let file = directory.join(format!("changed-{seed}.yaml"));
    fs::write(&file, &text).unwrap();
    let name = format!("BOWLINE_SEED={seed} BOWLINE_CHANGES=1 {} -f\n{text}", chart.name);
    Named { name, case: Case::new(&chart.path).file(&file) }
}

fn collect(map: &Map, path: &mut Vec<String>, into: &mut Vec<(Vec<String>, Value)>) {
    for (key, value) in map {
        path.push(key.clone());
        into.push((path.clone(), value.clone()));
        if let Value::Map(inner) = value {
            collect(inner, path, into);
        }
        path.pop();
    }
}

fn set(map: &mut Map, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.clone(), value);
        return;
    }
    let inner = map.entry(first.clone()).or_default();
    if inner.as_map().is_none() {
        *inner = Value::Map(Map::new());
    }
    if let Value::Map(inner) = inner {
        set(inner, rest, value);
    }
}

/// Another value in place of one: often of the same type, so that the chart takes it.
fn other(value: &Value, random: &mut Random) -> Value {
    if random.below(3) == 0 {
        return odd(random, 2);
    }
    match value {
        Value::Bool(value) => Value::Bool(!value),
        Value::Int(_) | Value::Float(_) => {
            Value::Float([0.0, 1.0, -1.0, 2.5, 8080.0, 1e21, 1_234_567.0][random.below(7)])
        }
        Value::String(_) => Value::from(random.pick(&[
            "",
            "x",
            "a: b",
            "true",
            "1.5",
            "{{ .Release.Name }}",
            "{{ .Values.none.none }}",
            "{{",
            "two\nlines\n",
            "é☃😀",
            "0777",
            " lead",
            "# no comment",
            "1e3",
            "null",
            "{{- include \"none\" . -}}",
            "%s",
            "a/b:c@d",
            "v1.2.3-rc.1",
        ])),
        Value::Seq(items) => match random.below(4) {
            0 => Value::Seq(Vec::new()),
            1 => Value::Seq(items.iter().chain(items).cloned().collect()),
            2 => Value::Seq(vec![odd(random, 1)]),
            _ => Value::Null,
        },
        Value::Map(map) => match random.below(4) {
            0 => Value::Null,
            1 => Value::Map(map.keys().map(|key| (key.clone(), Value::Null)).collect()),
            2 => Value::Map(Map::from([("a.b/c".to_owned(), odd(random, 1)), ("x".to_owned(), Value::from("y"))])),
            _ => Value::from("a text"),
        },
        // Nothing stands where something could: it is often what a template asks for.
        Value::Null => odd(random, 2),
    }
}

/// Any value.
fn odd(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 7 } else { 11 }) {
        0 | 1 => Value::Null,
        2 => Value::Bool(random.below(2) == 0),
        3 => Value::Float([0.0, 3.0, -0.5, 1e6][random.below(4)]),
        4 | 5 => Value::from(random.pick(&["", "text", "5", "yes", "a b", "{{ .Chart.Name }}", "{{ fail \"x\" }}"])),
        6 => Value::Seq(Vec::new()),
        7 => Value::Map(Map::new()),
        8 => Value::Seq((0..=random.below(3)).map(|_| odd(random, depth - 1)).collect()),
        9 => {
            let keys = ["name", "enabled", "value", "a.b/c", "key with space"];
            Value::Map((0..=random.below(3)).map(|at| (keys[at].to_owned(), odd(random, depth - 1))).collect())
        }
        _ => (0..30).fold(Value::from("deep"), |inner, at| Value::Map(Map::from([(format!("d{at}"), inner)]))),
    }
}
