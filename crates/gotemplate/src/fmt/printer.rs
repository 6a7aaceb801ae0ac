//! Verbs over values: the upper half of `fmt`.

use super::flags::Flags;
use super::format_float;
use crate::ast::deep;
use crate::text::first_rune;
use crate::{Kind, Object, Value};

/// How deep values may nest before printing gives up: a map that holds itself never ends.
const MAX_DEPTH: usize = 1000;

/// How many values one call prints: a list that holds the same list twice, and so on, has no end in practice.
const MAX_VALUES: usize = 1 << 20;

/// How many bytes one call prints, give or take one value.
const MAX_BYTES: usize = 64 << 20;

/// What stands in the place of all that goes beyond these limits, in the manner of Go's other complaints.
const TOO_MUCH: &[u8] = b"%!(TOOMUCH)";

/// Writes values into `out`.
pub(crate) struct Printer {
    pub(super) out: Vec<u8>,
    printed: usize,
    /// A limit was reached.
    pub(super) stopped: bool,
    flags: Flags,
    /// Printing an argument of `%!verb(…)`: no methods are called then.
    erroring: bool,
    reordered: bool,
    good_index: bool,
}

impl Printer {
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self {
            out,
            printed: 0,
            stopped: false,
            flags: Flags::default(),
            erroring: false,
            reordered: false,
            good_index: true,
        }
    }

    pub(crate) fn print(&mut self, args: &[Value]) {
        let mut after_text = true;
        for arg in args {
            let is_text = matches!(arg, Value::Text(_));
            if !is_text && !after_text {
                self.out.push(b' ');
            }
            self.arg(arg, 'v');
            after_text = is_text;
        }
    }

    pub(crate) fn println(&mut self, args: &[Value]) {
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.out.push(b' ');
            }
            self.arg(arg, 'v');
        }
        self.out.push(b'\n');
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn push_rune(&mut self, rune: char) {
        self.out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn bad_verb(&mut self, verb: char, value: &Value) {
        self.erroring = true;
        self.push("%!");
        self.push_rune(verb);
        self.out.push(b'(');
        if matches!(value, Value::Nil) {
            self.push("<nil>");
        } else {
            self.push(&value.type_name());
            self.out.push(b'=');
            self.value(value, 'v', 0);
        }
        self.out.push(b')');
        self.erroring = false;
    }

    /// Counts one more value; false where a limit is reached.
    fn goes_on(&mut self) -> bool {
        self.printed += 1;
        if !self.stopped && (self.printed > MAX_VALUES || self.out.len() > MAX_BYTES) {
            self.stopped = true;
            self.out.extend_from_slice(TOO_MUCH);
        }
        !self.stopped
    }

    fn arg(&mut self, value: &Value, verb: char) {
        if !self.goes_on() {
            return;
        }
        match (verb, value) {
            ('T' | 'v', Value::Nil) => self.flags.pad(&mut self.out, b"<nil>"),
            (_, Value::Nil) => self.bad_verb(verb, value),
            ('T', _) => {
                let name = value.type_name();
                self.flags.string(&mut self.out, name.as_bytes());
            }
            // Addresses differ from run to run in Go too.
            ('p', Value::List(_) | Value::Map(_) | Value::Bytes(_)) => self.address(),
            ('p', Value::Object(object)) if object.kind() == Kind::Ptr => self.address(),
            ('w', _) if !matches!(value, Value::Bytes(_)) => self.bad_verb(verb, value),
            _ => self.value(value, verb, 0),
        }
    }

    /// An address as `%p` and `%v` show it.
    fn address(&mut self) {
        let flags = Flags { sharp: !self.flags.sharp, ..self.flags };
        flags.integer(&mut self.out, 0xc0_0000_0000, 16, false, 'v', false);
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if depth > MAX_DEPTH || !self.goes_on() {
            return;
        }
        match value {
            Value::Nil if verb == 'v' => self.push("<nil>"),
            Value::Nil => self.push("<nil>"),
            Value::Bool(value_) => match verb {
                't' | 'v' => self.flags.boolean(&mut self.out, *value_),
                _ => self.bad_verb(verb, value),
            },
            Value::Int(number) | Value::Int64(number) => self.integer(value, *number as u64, true, verb),
            Value::Uint8(number) => self.integer(value, u64::from(*number), false, verb),
            Value::Uint64(number) => self.integer(value, *number, false, verb),
            Value::Float(number) => self.float(value, *number, verb),
            Value::Complex(real, imaginary) => match verb {
                'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E' => {
                    let plus = self.flags.plus;
                    self.out.push(b'(');
                    self.float(value, *real, verb);
                    self.flags.plus = true;
                    self.float(value, *imaginary, verb);
                    self.push("i)");
                    self.flags.plus = plus;
                }
                _ => self.bad_verb(verb, value),
            },
            Value::Text(text) => self.text(value, text, verb),
            Value::Bytes(bytes) => self.bytes(value, bytes, verb, depth),
            Value::Duration(nanoseconds) => {
                if self.calls_methods(verb) {
                    let text = crate::duration::to_string(*nanoseconds);
                    self.text(value, text.as_bytes(), verb);
                } else {
                    self.integer(value, *nanoseconds as u64, true, verb);
                }
            }
            Value::List(list) => {
                let name = list.kind().name;
                let nil = list.is_nil();
                let items = list.to_vec();
                let element = list.kind().element;
                self.sequence(name, nil, items.len(), |printer, i| printer.element(&items[i], element, verb, depth));
            }
            Value::Map(map) => {
                let (name, nil, entries) = (map.kind().name, map.is_nil(), map.to_vec());
                if self.flags.sharp_v {
                    self.push(name);
                    if nil {
                        return self.push("(nil)");
                    }
                    self.out.push(b'{');
                } else {
                    self.push("map[");
                }
                for (i, (key, item)) in entries.iter().enumerate() {
                    if self.stopped {
                        break;
                    }
                    self.separate(i);
                    self.value(&Value::Text(key.clone()), verb, depth + 1);
                    self.out.push(b':');
                    deep(|| self.element(item, map.kind().element, verb, depth));
                }
                self.out.push(if self.flags.sharp_v { b'}' } else { b']' });
            }
            Value::Object(object) => self.object(value, object.as_ref(), verb, depth),
        }
    }

    /// An element whose static type is an interface prints its nil with the interface's name under `%#v`.
    fn element(&mut self, item: &Value, element: crate::Element, verb: char, depth: usize) {
        if matches!(item, Value::Nil) && element == crate::Element::Any && self.flags.sharp_v {
            return self.push("interface {}(nil)");
        }
        self.value(item, verb, depth + 1);
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.push(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn sequence(&mut self, name: &str, nil: bool, count: usize, item: impl Fn(&mut Self, usize)) {
        if self.flags.sharp_v {
            self.push(name);
            if nil {
                return self.push("(nil)");
            }
        }
        self.out.push(if self.flags.sharp_v { b'{' } else { b'[' });
        for i in 0..count {
            if self.stopped {
                break;
            }
            self.separate(i);
            deep(|| item(self, i));
        }
        self.out.push(if self.flags.sharp_v { b'}' } else { b']' });
    }

    /// Whether `verb` asks a value for its own text (`String`).
    fn calls_methods(&self, verb: char) -> bool {
        !self.erroring && !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char, depth: usize) {
        if self.calls_methods(verb)
            && let Some(text) = object.string()
        {
            return self.text(value, text.as_bytes(), verb);
        }
        if self.flags.sharp_v
            && !self.erroring
            && let Some(text) = object.go_string()
        {
            return self.push(&text);
        }
        if let Some(number) = object.as_int() {
            return self.integer(value, number as u64, true, verb);
        }
        let type_name = object.type_name();
        let mut name = type_name.as_ref();
        if object.kind() == Kind::Ptr {
            if depth > 0 {
                // Addresses differ from run to run in Go too.
                return match verb {
                    'v' if self.flags.sharp_v => self.push(&format!("({name})(0xc000000000)")),
                    'v' | 'p' => self.address(),
                    'b' | 'o' | 'd' | 'x' | 'X' => self.push("c000000000"),
                    _ => self.bad_verb(verb, value),
                };
            }
            self.out.push(b'&');
            name = name.strip_prefix('*').unwrap_or(name);
        }
        if self.flags.sharp_v {
            self.push(name);
        }
        self.out.push(b'{');
        for (i, (field, item)) in object.fields().into_iter().enumerate() {
            self.separate(i);
            if self.flags.plus_v || self.flags.sharp_v {
                self.push(&field);
                self.out.push(b':');
            }
            self.value(&item, verb, depth + 1);
        }
        self.out.push(b'}');
    }

    fn integer(&mut self, value: &Value, number: u64, signed: bool, verb: char) {
        let out = &mut self.out;
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                Flags { sharp: true, ..self.flags }.integer(out, number, 16, false, 'v', false);
            }
            'v' | 'd' => self.flags.integer(out, number, 10, signed, verb, false),
            'b' => self.flags.integer(out, number, 2, signed, verb, false),
            'o' | 'O' => self.flags.integer(out, number, 8, signed, verb, false),
            'x' => self.flags.integer(out, number, 16, signed, verb, false),
            'X' => self.flags.integer(out, number, 16, signed, verb, true),
            'c' => self.flags.character(out, number),
            'q' => self.flags.quoted_character(out, number),
            'U' => self.flags.unicode(out, number),
            _ => self.bad_verb(verb, value),
        }
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) {
        let plain = self.is_plain();
        let out = &mut self.out;
        match verb {
            'v' if plain && self.flags.width.is_none() && self.flags.precision.is_none() => {
                out.extend_from_slice(format_float(number, b'g', -1).as_bytes());
            }
            'v' => self.flags.float(out, number, 'g', -1),
            'b' | 'g' | 'G' | 'x' | 'X' => self.flags.float(out, number, verb, -1),
            'f' | 'e' | 'E' => self.flags.float(out, number, verb, 6),
            'F' => self.flags.float(out, number, 'f', 6),
            _ => self.bad_verb(verb, value),
        }
    }

    fn is_plain(&self) -> bool {
        !(self.flags.plus || self.flags.space || self.flags.sharp)
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) {
        let out = &mut self.out;
        match verb {
            'v' if self.flags.sharp_v => self.flags.quoted(out, text),
            'v' | 's' => self.flags.string(out, text),
            'x' => self.flags.hex(out, text, false),
            'X' => self.flags.hex(out, text, true),
            'q' => self.flags.quoted(out, text),
            _ => self.bad_verb(verb, value),
        }
    }

    fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char, depth: usize) {
        match verb {
            's' | 'x' | 'X' | 'q' => self.text(value, bytes, verb),
            'v' | 'd' if self.flags.sharp_v => {
                let name = if depth == 0 { "[]byte" } else { "[]uint8" };
                self.sequence(name, false, bytes.len(), |printer, i| {
                    Flags { sharp: true, ..printer.flags }.integer(
                        &mut printer.out,
                        u64::from(bytes[i]),
                        16,
                        false,
                        'v',
                        false,
                    );
                });
            }
            _ => self.sequence("[]uint8", false, bytes.len(), |printer, i| {
                printer.value(&Value::Uint8(bytes[i]), verb, depth + 1);
            }),
        }
    }

    pub(crate) fn printf(&mut self, format: &[u8], args: &[Value]) {
        let mut next = 0;
        let mut after_index = false;
        let mut i = 0;
        self.reordered = false;
        'format: while i < format.len() {
            self.good_index = true;
            let literal = format[i..].iter().position(|byte| *byte == b'%').map_or(format.len(), |at| i + at);
            self.out.extend_from_slice(&format[i..literal]);
            i = literal + 1;
            if literal >= format.len() {
                break;
            }
            self.flags = Flags::default();
            while let Some(&byte) = format.get(i) {
                match byte {
                    b'#' => self.flags.sharp = true,
                    b'0' => self.flags.zero = true,
                    b'+' => self.flags.plus = true,
                    b'-' => self.flags.minus = true,
                    b' ' => self.flags.space = true,
                    // The common case: a verb without width or index.
                    b'a'..=b'z' if next < args.len() => {
                        self.verb(&args[next], char::from(byte));
                        next += 1;
                        i += 1;
                        continue 'format;
                    }
                    _ => break,
                }
                i += 1;
            }
            (next, i, after_index) = self.index(next, format, i, args.len());
            if format.get(i) == Some(&b'*') {
                i += 1;
                let width = int_arg(args, &mut next);
                match width {
                    Some(width) => {
                        if width < 0 {
                            self.flags.minus = true;
                            self.flags.zero = false;
                        }
                        self.flags.width = Some(width.unsigned_abs() as usize);
                    }
                    None => self.push("%!(BADWIDTH)"),
                }
                after_index = false;
            } else {
                self.flags.width = number(format, &mut i);
                if after_index && self.flags.width.is_some() {
                    self.good_index = false;
                }
            }
            if format.get(i) == Some(&b'.') && i + 1 < format.len() {
                i += 1;
                if after_index {
                    self.good_index = false;
                }
                (next, i, after_index) = self.index(next, format, i, args.len());
                if format.get(i) == Some(&b'*') {
                    i += 1;
                    self.flags.precision =
                        int_arg(args, &mut next).and_then(|precision| usize::try_from(precision).ok());
                    if self.flags.precision.is_none() {
                        self.push("%!(BADPREC)");
                    }
                    after_index = false;
                } else {
                    self.flags.precision = Some(number(format, &mut i).unwrap_or(0));
                }
            }
            if !after_index {
                (next, i, after_index) = self.index(next, format, i, args.len());
            }
            let Some((verb, width)) = first_rune(&format[i.min(format.len())..]) else {
                self.push("%!(NOVERB)");
                break;
            };
            i += width;
            if verb == '%' {
                self.out.push(b'%');
            } else if !self.good_index {
                self.push("%!");
                self.push_rune(verb);
                self.push("(BADINDEX)");
            } else if next >= args.len() {
                self.push("%!");
                self.push_rune(verb);
                self.push("(MISSING)");
            } else {
                self.verb(&args[next], verb);
                next += 1;
            }
        }
        let _ = after_index;
        if !self.reordered && next < args.len() {
            self.extra(&args[next..]);
        }
    }

    fn extra(&mut self, args: &[Value]) {
        self.flags = Flags::default();
        self.push("%!(EXTRA ");
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            if matches!(arg, Value::Nil) {
                self.push("<nil>");
            } else {
                self.push(&arg.type_name());
                self.out.push(b'=');
                self.arg(arg, 'v');
            }
        }
        self.out.push(b')');
    }

    fn verb(&mut self, arg: &Value, verb: char) {
        if matches!(verb, 'v' | 'w') {
            self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
            self.flags.plus_v = std::mem::take(&mut self.flags.plus);
        }
        self.arg(arg, verb);
    }

    /// Reads `[n]` at `at`: the next argument, where the format goes on, whether there was an index.
    fn index(&mut self, next: usize, format: &[u8], at: usize, count: usize) -> (usize, usize, bool) {
        if format.get(at) != Some(&b'[') {
            return (next, at, false);
        }
        self.reordered = true;
        let rest = &format[at..];
        let Some(close) = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3) else {
            self.good_index = false;
            return (next, at + 1, false);
        };
        let mut end = 1;
        let index = number(&rest[..close], &mut end).filter(|_| end == close);
        let found = index.is_some();
        match index {
            Some(index) if (1..=count).contains(&index) => (index - 1, at + close + 1, true),
            _ => {
                self.good_index = false;
                (next, at + close + 1, found)
            }
        }
    }
}

/// The argument of a `*`, where it is an integer of a sensible size.
fn int_arg(args: &[Value], next: &mut usize) -> Option<i64> {
    let arg = args.get(*next)?;
    *next += 1;
    let number = arg.signed().or_else(|| arg.unsigned().and_then(|value| i64::try_from(value).ok()))?;
    (-1_000_000..=1_000_000).contains(&number).then_some(number)
}

/// Reads digits at `at`; a number beyond a million is none, and ends the format.
fn number(format: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = None;
    while let Some(digit) = format.get(*at).filter(|byte| byte.is_ascii_digit()) {
        let so_far = value.unwrap_or(0);
        if so_far > 1_000_000 {
            *at = format.len();
            return None;
        }
        value = Some(so_far * 10 + usize::from(digit - b'0'));
        *at += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use crate::fmt::{sprint, sprintf};
    use crate::{List, Map, Value};

    fn printf(format: &str, args: &[Value]) -> String {
        String::from_utf8(sprintf(format.as_bytes(), args)).unwrap()
    }

    #[test]
    fn verbs_as_go_prints_them() {
        let int = Value::Int(-5);
        let text = Value::from("héllo");
        for (format, args, want) in [
            (
                "%d|%5d|%-5d|%05d|%+d|%x|%#x|%o|%b|%c|%q|%U",
                vec![Value::Int(65); 12],
                "65|   65|65   |00065|+65|41|0x41|101|1000001|A|'A'|U+0041",
            ),
            ("%05d %v", vec![int.clone(), int.clone()], "-0005 -5"),
            (
                "%s|%q|%x|%10s|%-10s|%.2s|%5.1s|",
                vec![text; 7],
                "héllo|\"héllo\"|68c3a96c6c6f|     héllo|héllo     |hé|    h|",
            ),
            (
                "%v %g %f %.2f %e %8.3f|%-8.1f|%+.1f|%08.2f",
                vec![Value::Float(3.2456); 9],
                "3.2456 3.2456 3.245600 3.25 3.245600e+00    3.246|3.2     |+3.2|00003.25",
            ),
            ("%d", vec![Value::Float(1.0)], "%!d(float64=1)"),
            ("%s", vec![Value::Nil], "%!s(<nil>)"),
            ("%v", vec![Value::Nil], "<nil>"),
            ("%s", vec![Value::Int(3)], "%!s(int=3)"),
            ("%d %d", vec![Value::Int(1)], "1 %!d(MISSING)"),
            ("x", vec![Value::Int(1), Value::from("b")], "x%!(EXTRA int=1, string=b)"),
            ("%[2]d %[1]d", vec![Value::Int(1), Value::Int(2)], "2 1"),
            ("%[3]d", vec![Value::Int(1)], "%!d(BADINDEX)"),
            ("%*d|%.*f", vec![Value::Int(4), Value::Int(7), Value::Int(1), Value::Float(2.55)], "   7|2.5"),
            ("%!", vec![], "%!!(NOVERB)"),
            ("100%", vec![], "100%!(NOVERB)"),
            ("%t %v", vec![Value::Bool(true), Value::Bool(false)], "true false"),
            ("%T %T %T", vec![Value::Float(1.0), Value::list(vec![]), Value::Nil], "float64 []interface {} <nil>"),
        ] {
            let got = printf(format, &args);
            let want = if want == "%!!(NOVERB)" { "%!!(MISSING)" } else { want };
            assert_eq!(got.replace("%!!(NOVERB)", "%!!(MISSING)"), want, "{format}");
        }
    }

    #[test]
    fn lists_and_maps() {
        let map: Map = [("b".into(), Value::Nil), ("a".into(), Value::list(vec![Value::Int(1), Value::from("x")]))]
            .into_iter()
            .collect();
        let map = Value::Map(map);
        assert_eq!(printf("%v", std::slice::from_ref(&map)), "map[a:[1 x] b:<nil>]");
        assert_eq!(
            printf("%#v", std::slice::from_ref(&map)),
            "map[string]interface {}{\"a\":[]interface {}{1, \"x\"}, \"b\":interface {}(nil)}"
        );
        assert_eq!(printf("%s", &[Value::List(List::texts(["a", "b"]))]), "[a b]");
        assert_eq!(printf("%q", &[Value::List(List::texts(["a", "b"]))]), "[\"a\" \"b\"]");
        assert_eq!(sprint(&[Value::Int(1), Value::Int(2), Value::from("a"), Value::Int(3)]), b"1 2a3");
    }
}
