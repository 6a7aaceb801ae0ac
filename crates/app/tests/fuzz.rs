//! Files nobody would write: no `bowline.yaml` makes the reader panic, hang or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::collections::BTreeMap;
use std::path::Path;

use bowline_app::{App, AppError, fill};
use fuzz::{cases, jumble, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const FILE: &str = "name: web\nnamespace: demo\nchart: ./chart\nvalues: [a.yaml, b.yaml]\nset: {a.b: \"1\"}\nlocal:\n  set:\n    \
    db: ${stores.db.url}\n  images:\n    web/app: {command: [\"./run\", x], path: [bin], env: {A: b}, workdir: ., build: make}\n  \
    stores:\n    db: {kind: postgres, database: app}\n  ports: {web: 8080}\nrehearse:\n  web/app: {}\n";

fn parse(text: &str) -> Result<String, String> {
    match App::parse(text, Path::new("folder/bowline.yaml")) {
        Ok(app) => Ok(format!("{app:?}")),
        Err(AppError::Parse { line, column, message, .. }) => {
            let lines = 1 + text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() as u64;
            assert!((1..=lines + 1).contains(&line) && column >= 1, "{line}:{column}: {message}, of {lines}");
            assert!(!message.is_empty() && !message.contains('\n'), "{message}");
            Err(message)
        }
        Err(other) => Err(other.to_string()),
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn any_file_is_an_application_or_an_error_with_its_line(text in mutated_text(&[FILE, "name: x\n"])) {
        prop_assert_eq!(parse(&text), parse(&text));
    }

    #[test]
    fn any_text_is_an_application_or_an_error(text in jumble(&["name: a\n", "local:\n", "  ", "stores: ", "{", "}", "[", "]", "&a ", "*a", "? ", ": ", "- ", "|\n", "\t", "!!binary ", "---\n", "<<: "], 25)) {
        prop_assert_eq!(parse(&text), parse(&text));
    }

    #[test]
    fn any_placeholders_are_filled_or_named(text in jumble(&["${", "}", "$", "stores.db.url", "{", "a", "é"], 12)) {
        let values = BTreeMap::from([("stores.db.url".to_owned(), "x".to_owned())]);
        if let Ok(filled) = fill(&text, &values) {
            prop_assert!(filled.len() <= text.len());
        }
    }
}

#[test]
fn deep_and_multiplying_files_are_errors_on_a_small_stack() {
    let mut bomb = String::from("name: a\nlocal:\n  a: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..30 {
        bomb.push_str(&format!("  b{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")));
    }
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000), bomb] {
        assert!(on_a_small_stack(move || parse(&text)).is_err());
    }
}
