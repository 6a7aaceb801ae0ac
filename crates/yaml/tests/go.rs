//! What Go's YAML makes of texts and values, taken down from `sigs.k8s.io/yaml`, and properties of all of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use bowline_yaml::{Map, Node, NodeKind, Value, emit, parse, parse_fields, parse_first};
use proptest::prelude::*;
use support::to_json;

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next().unwrap() {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'f' => '\u{feff}',
                'd' => '\x7f',
                'N' => '\u{85}',
                other => other,
            },
            c => c,
        });
    }
    out
}

fn cases(table: &str) -> Vec<(String, String)> {
    let lines = table.lines().skip(1);
    let pair = |line: &str| line.split_once('\t').map(|(a, b)| (unescape(a), unescape(b))).unwrap();
    lines.map(pair).collect()
}

#[test]
fn texts_read_as_in_go() {
    let cases = cases(include_str!("read.tsv"));
    assert!(cases.len() > 90);
    for (text, expected) in cases {
        let read = match parse_first(&text) {
            Ok(node) => to_json(&node.map(|node| node.to_value()).unwrap_or_default()),
            Err(error) => format!("!{error}"),
        };
        assert_eq!(read, expected, "{text:?}");
    }
}

#[test]
fn values_are_written_as_in_go() {
    let cases = cases(include_str!("write.tsv"));
    assert!(cases.len() > 80);
    for (text, expected) in cases {
        // JSON is YAML.
        let value = parse_first(&text).unwrap().map(|node| node.to_value()).unwrap_or_default();
        assert_eq!(emit(&value).unwrap(), expected, "{text}");
    }
}

#[test]
fn documents_of_a_stream() {
    let documents = parse("a: 1\n---\n- b\n...\n---\n").unwrap();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[1].span.start.line, 3);
    assert!(documents[2].is_null());
    let error = parse("a: 1\n---\nb: [\n").unwrap_err();
    assert_eq!(error.line, 4);
}

#[test]
fn nodes_know_where_they_stand() {
    let text = "é: x\nlist:\n- name: a\n  port: 80\n";
    let node = parse_first(text).unwrap().unwrap();
    let place = |pointer: &str| {
        let span = node.pointer(pointer).unwrap().span;
        (span.start.line, span.start.column, &text[span.start.offset..span.end.offset])
    };
    assert_eq!(place("/é"), (1, 4, "x"));
    assert_eq!(place("/list/0/port"), (4, 9, "80"));
    assert_eq!(node.pointer("/list/0/port").unwrap().kind, NodeKind::Scalar(Value::Int(80)));
}

#[test]
fn bombs_do_not_go_off() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (inner, outer) in ('a'..'j').zip('b'..='j') {
        let names = vec![format!("*{inner}"); 9].join(", ");
        bomb.push_str(&format!("{outer}: &{outer} [{names}]\n"));
    }
    assert!(parse_first(&bomb).unwrap_err().message.ends_with("document contains excessive aliasing"));
    let deep = "[".repeat(100_000);
    assert!(parse_first(&deep).is_err());
    let deep = "- ".repeat(5_000);
    assert!(parse_first(&deep).unwrap_err().message.contains("exceeded max depth"));
}

fn text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        "[a-zA-Z0-9_./:=+-]{0,12}",
        "[ \\n]{1,3}",
        Just("word ".repeat(20)),
        "[#&*!|>'\"%@`{}\\[\\],?:-]",
        "[é☃😀\t\u{feff}\u{2028}]",
        Just("yes".to_owned()),
        Just("1e3".to_owned()),
        Just("---".to_owned()),
        Just("a: b".to_owned()),
    ];
    prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1e15..1e15_f64).prop_map(Value::Float),
        any::<i32>().prop_map(|i| Value::Float(f64::from(i))),
        text().prop_map(Value::String),
        text().prop_map(Value::String),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Seq),
            prop::collection::btree_map(text(), inner, 0..5).prop_map(|map: Map| Value::Map(map)),
        ]
    })
}

fn spans_lie_inside(node: &Node, text: &str) {
    let (start, end) = (node.span.start.offset, node.span.end.offset);
    assert!(start <= end && text.get(start..end).is_some(), "{start}..{end} of {text:?}");
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::Seq(items) => items.iter().for_each(|item| spans_lie_inside(item, text)),
        NodeKind::Map(entries) => entries.iter().for_each(|(key, value)| {
            spans_lie_inside(key, text);
            spans_lie_inside(value, text);
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(value in value()) {
        let written = emit(&value).unwrap();
        let read = parse_first(&written).unwrap().unwrap().to_value();
        prop_assert_eq!(&read, &value, "{}", written);
        prop_assert_eq!(emit(&read).unwrap(), written);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in text(), more in text()) {
        for text in [text.clone(), format!("{text}\n{more}"), format!("a: {text}\n  {more}")] {
            if let Ok(documents) = parse(&text) {
                documents.iter().for_each(|node| spans_lie_inside(node, &text));
            }
        }
    }
}

/// The entries of a mapping under these keys; any other node as it is.
fn entries_of(node: &Node, fields: &[&str]) -> Vec<(String, Value)> {
    let NodeKind::Map(entries) = &node.kind else { return vec![(String::new(), node.to_value())] };
    let named = entries.iter().map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), value.to_value()));
    named.filter(|(key, _)| fields.contains(&key.to_lowercase().as_str())).collect()
}

#[test]
fn reading_some_fields_finds_the_same_errors_and_the_same_fields() {
    let fields = ["kind", "a"];
    let mut failed = 0;
    for (text, _) in cases(include_str!("read.tsv")) {
        let indented = text.lines().map(|line| format!("  {line}\n")).collect::<String>();
        let inside = [
            text.clone(),
            format!("left_out:\n{indented}KIND: Job\n"),
            format!("kind: &x\n{indented}left_out: {{b: [*x]}}\n"),
            format!("left_out: [1, {text}]\na: 1\n"),
            format!("kind: Job\nleft_out: {{? [{text}] : 1, b: c}}\n"),
        ];
        for text in inside {
            let (whole, some) = (parse_first(&text), parse_fields(&text, &fields));
            failed += u32::from(whole.is_err());
            let kept = |node: Option<Node>| node.map(|node| entries_of(&node, &fields));
            assert_eq!(whole.map(kept), some.map(kept), "{text:?}");
        }
    }
    assert!(failed > 100, "only {failed} of the texts are wrong");
}
