//! Documents nobody would write: none makes the reader panic, hang or eat memory, and what is written is read again.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use bowline_yaml::{Value, emit, parse, parse_first};
use fuzz::{cases, jumble, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const DOCUMENTS: &[&str] = &[
    "a: 1\nb: {c: [x, 'y', \"z\\n\\u00e9\"], d: &a {e: ~}}\nf: *a\n<<: *a\ng: |+2\n    text\n\n  more\nh: >-\n  folded\n  text\n",
    "- - a\n  - b: c\n    ? [d]\n    : e\n- !!str 5\n- !local {x: 0x1F, y: 0o7, z: 1_000, i: .inf, n: .nan, t: 2001-12-14t21:59:43.10-05:00}\n",
    "%YAML 1.2\n%TAG ! tag:example.com,2000:\n---\n\"key\": 'it''s'\n...\n---\n# comment\nnull: ~\nyes: no\n",
];

const FRAGMENTS: &[&str] = &[
    "a",
    "b: ",
    ": ",
    "- ",
    "? ",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    " ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&x ",
    "*x",
    "!!str ",
    "!t ",
    "|",
    ">",
    "|-\n",
    ">+1\n",
    "'",
    "\"",
    "\\",
    "#",
    " #",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: ",
    "~",
    "null",
    "true",
    "0x1",
    "1e3",
    ".inf",
    "9223372036854775808",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\r",
    "\r\n",
    "\0",
    "é",
];

/// Reads a text; its values are written and read again; an error stands on a line of the text.
fn read(text: &str) {
    let documents = match parse(text) {
        Ok(documents) => documents,
        Err(error) => {
            // Every mark that YAML takes for the end of a line may count, and the end of the text is one more.
            let ends = text.chars().filter(|c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')).count();
            assert!(error.line as usize <= ends + 2, "{error:?} of {text:?}");
            return;
        }
    };
    let _ = parse_first(text);
    for document in documents {
        let value = document.to_value();
        let Ok(written) = emit(&value) else { continue };
        let again = parse(&written).unwrap_or_else(|error| panic!("{error} of {written:?}, made of {text:?}"));
        let again = again.first().map_or(Value::Null, bowline_yaml::Node::to_value);
        assert_eq!(emit(&again).ok(), Some(written), "made of {text:?}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn changed_documents_are_read_or_an_error(text in mutated_text(DOCUMENTS)) {
        read(&text);
    }

    #[test]
    fn fragments_are_read_or_an_error(text in jumble(FRAGMENTS, 30)) {
        read(&text);
    }

    #[test]
    fn any_text_is_read_or_an_error(text in "\\PC{0,60}") {
        read(&text);
    }
}

#[test]
fn what_nests_without_end_is_refused_on_a_small_stack() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("a:\n", ""), ("&a [", "]"), ("!t [", "]")]
    {
        for depth in [500, 20_000, 200_000] {
            let text = format!("{}{}", open.repeat(depth), close.repeat(depth));
            on_a_small_stack(move || read(&text));
        }
    }
    let mut indented = String::new();
    for depth in 0..3000 {
        indented.push_str(&" ".repeat(depth));
        indented.push_str("a:\n");
    }
    on_a_small_stack(move || read(&indented));
}

#[test]
fn aliases_of_aliases_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
    }
    assert!(parse(&bomb).is_err(), "10^12 items");
    let itself = "a: &a\n  b: *a\n";
    read(itself);
}
