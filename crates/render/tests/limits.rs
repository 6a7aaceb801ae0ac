//! What could go on forever ends, in an error or a result.
#![allow(clippy::unwrap_used)]

use std::rc::Rc;

use bowline_gotemplate::{Map, Text, Value};
use bowline_render::Nowhere;
use bowline_render::functions::{Host, program};

/// What a template writes, or the last words of its error.
fn rendered(template: &str) -> String {
    let mut program = program(bowline_chart::Compat::default());
    program.parse("limits", template).unwrap();
    let data: Map = [(Text::from("again"), Value::from("{{ tpl .again . }}"))].into_iter().collect();
    let mut out = Vec::new();
    match program.session(Host::new(Rc::new(Nowhere))).execute("limits", Value::Map(data), &mut out) {
        Ok(()) => String::from_utf8(out).unwrap(),
        Err(error) => {
            let text = error.to_string();
            text[text.len().saturating_sub(60)..].to_owned()
        }
    }
}

#[test]
fn templates_that_call_themselves() {
    let include = rendered("{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}");
    assert!(include.ends_with("nested reference name: a: unable to execute template"), "{include}");
    let tpl = rendered("{{ tpl .again . }}");
    assert!(tpl.ends_with("exceeded maximum template depth (5000)"), "{tpl}");
}

#[test]
fn maps_that_hold_themselves() {
    let looped = "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}";
    assert_eq!(rendered(&format!("{looped}{{{{ toJson $d }}}}{{{{ toYaml $d }}}}{{{{ len $d }}}}")), "1");
    assert!(rendered(&format!("{looped}{{{{ $d }}}}")).starts_with("map[d:map[d:map["));
    // Helm itself dies of these: its stack overflows.
    for endless in ["deepCopy $d", "merge $d (dict \"d\" $d) | len"] {
        let text = rendered(&format!("{looped}{{{{ {endless} }}}}"));
        assert!(text.ends_with("a value that nests too deeply or has too many parts"), "{text}");
    }
}

#[test]
fn sizes_that_no_machine_has() {
    for (template, end) in [
        ("{{ repeat 2000000000 \"abc\" }}", "strings: Repeat output length overflow"),
        ("{{ indent 2000000000 \"x\" }}", "strings: Repeat output length overflow"),
        ("{{ until 900000000 }}", "a list of 900000000 numbers is too long"),
        ("{{ range 100000000000 }}{{ break }}{{ end }}fine", "fine"),
        ("{{ regexMatch \"((a{1000}){1000}){1000}\" \"a\" }}", "false"),
    ] {
        assert!(rendered(template).ends_with(end), "{template}");
    }
}

#[test]
fn many_calls_stay_linear() {
    let calls = "{{ range until 20000 }}{{ include \"x\" . }}{{ tpl \"{{ . }}\" . }}{{ end }}";
    let out = rendered(&format!("{{{{ define \"x\" }}}}{{{{ . }}}},{{{{ end }}}}{calls}"));
    assert!(out.starts_with("0,01,12,2") && out.ends_with("19999,19999"));
}
