//! What a plain scalar means in Go's YAML 1.1: null, boolean, number, timestamp or text.

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved {
    /// `null`, `~` or nothing.
    Null,
    /// One of YAML 1.1's many booleans.
    Bool(bool),
    /// An integer that fits `int64`.
    Int(i64),
    /// An integer that only fits `uint64`.
    Uint(u64),
    /// A float.
    Float(f64),
    /// Looks like a date; Go reads it as the text it is, but quotes text that looks like it.
    Timestamp,
    /// Text.
    Text,
}

/// The long names of the tags that resolution knows.
pub(crate) mod tag {
    pub(crate) const NULL: &str = "tag:yaml.org,2002:null";
    pub(crate) const BOOL: &str = "tag:yaml.org,2002:bool";
    pub(crate) const STR: &str = "tag:yaml.org,2002:str";
    pub(crate) const INT: &str = "tag:yaml.org,2002:int";
    pub(crate) const FLOAT: &str = "tag:yaml.org,2002:float";
    pub(crate) const TIMESTAMP: &str = "tag:yaml.org,2002:timestamp";
    pub(crate) const BINARY: &str = "tag:yaml.org,2002:binary";
    pub(crate) const MERGE: &str = "tag:yaml.org,2002:merge";

    /// `!!int` for `tag:yaml.org,2002:int`.
    pub(crate) fn short(tag: &str) -> String {
        tag.strip_prefix("tag:yaml.org,2002:").map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
    }
}

impl Resolved {
    /// The tag that resolution found, as Go names it in messages.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Self::Null => tag::NULL,
            Self::Bool(_) => tag::BOOL,
            Self::Int(_) | Self::Uint(_) => tag::INT,
            Self::Float(_) => tag::FLOAT,
            Self::Timestamp => tag::TIMESTAMP,
            Self::Text => tag::STR,
        }
    }
}

/// Resolves an untagged plain scalar.
pub(crate) fn resolve(text: &str) -> Resolved {
    resolve_with(text, true)
}

/// Resolves; timestamps are looked for only where nothing or a timestamp was asked for.
pub(crate) fn resolve_with(text: &str, timestamps: bool) -> Resolved {
    let Some(first) = text.bytes().next() else { return Resolved::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(text).unwrap_or(Resolved::Text)
        }
        b'.' if text.contains('_') => float(&between_digits(text)),
        b'.' => word(text).unwrap_or_else(|| float(text)),
        b'+' | b'-' => word(text).unwrap_or_else(|| number(text)),
        b'0'..=b'9' if timestamps && is_timestamp(text) => Resolved::Timestamp,
        b'0'..=b'9' => number(text),
        _ => Resolved::Text,
    }
}

fn word(text: &str) -> Option<Resolved> {
    // No word is longer; most text is.
    if text.len() > 5 {
        return None;
    }
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Resolved::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Resolved::Bool(false),
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Go's `ParseFloat` fails where the number is too large for a float64; then the scalar is text.
fn float(text: &str) -> Resolved {
    text.parse().ok().filter(|f: &f64| f.is_finite()).map_or(Resolved::Text, Resolved::Float)
}

/// Without the underscores that stand between digits: after a point Go's `ParseFloat` alone decides, and it takes those.
fn between_digits(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let kept = text.char_indices().filter(|(at, c)| !(*c == '_' && *at > 0 && is_digit(at - 1) && is_digit(at + 1)));
    kept.map(|(_, c)| c).collect()
}

fn number(text: &str) -> Resolved {
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(found) = integer(plain) {
        return found;
    }
    if is_yaml_float(plain) {
        let parsed = float(plain);
        if parsed != Resolved::Text {
            return parsed;
        }
    }
    // What Go's own prefix rule above refused: a sign between prefix and digits.
    if let Some(binary) = plain.strip_prefix("0b")
        && let Ok(i) = i64::from_str_radix(binary, 2)
    {
        return Resolved::Int(i);
    }
    Resolved::Text
}

/// Go's `ParseInt(s, 0, 64)`, then `ParseUint(s, 0, 64)`.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(i)) => Some(Resolved::Int(i)),
        (true, Ok(i)) => Some(Resolved::Int(-i)),
        (true, Err(_)) if magnitude == 1 << 63 => Some(Resolved::Int(i64::MIN)),
        (false, Err(_)) if !signed => Some(Resolved::Uint(magnitude)),
        _ => None,
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_yaml_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits_from = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut at = digits_from(start);
    let whole = at > start;
    if bytes.get(at) == Some(&b'.') {
        let end = digits_from(at + 1);
        if !whole && end == at + 1 {
            return false;
        }
        at = end;
    } else if !whole {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let digits = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits_from(digits);
        if end == digits {
            return false;
        }
        at = end;
    }
    at == bytes.len()
}

/// Base 60, as YAML 1.1 has it: read as text, but quoted on output.
pub(crate) fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut groups = rest.split(':');
    let head = groups.next().unwrap_or_default();
    if !head.starts_with(|c: char| c.is_ascii_digit()) || !head.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let mut groups: Vec<&str> = groups.collect();
    let Some(last) = groups.pop() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let is_group = |group: &str| match group.as_bytes() {
        [a] => a.is_ascii_digit(),
        [a, b] => (b'0'..=b'5').contains(a) && b.is_ascii_digit(),
        _ => false,
    };
    is_group(last)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && groups.iter().all(|group| is_group(group))
}

/// Whether Go's YAML takes the text for a timestamp.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let mut scan = Scan { rest: &bytes[5..] };
    scan.date(&text[..4]).is_some_and(|()| scan.rest.is_empty() || scan.time().is_some())
}

/// Reads a date the way Go's `time.Parse` does with one- or two-digit fields.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn number(&mut self) -> Option<u32> {
        let digits = self.rest.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
        let value = self.rest[..digits].iter().fold(0, |value, b| value * 10 + u32::from(b - b'0'));
        self.rest = &self.rest[digits..];
        (digits > 0).then_some(value)
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == wanted).then_some(())
    }

    fn date(&mut self, year: &str) -> Option<()> {
        let year: u32 = year.parse().ok()?;
        let month = self.number().filter(|m| (1..=12).contains(m))?;
        self.byte(b'-')?;
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        self.number().filter(|day| (1..=days).contains(day)).map(drop)
    }

    fn time(&mut self) -> Option<()> {
        let zoned = match self.rest.first()? {
            b'T' | b't' => true,
            b' ' => false,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        while !zoned && self.rest.first() == Some(&b' ') {
            self.rest = &self.rest[1..];
        }
        self.number().filter(|h| *h < 24)?;
        self.byte(b':')?;
        self.number().filter(|m| *m < 60)?;
        self.byte(b':')?;
        self.number().filter(|s| *s < 60)?;
        if let [b'.' | b',', digit, ..] = self.rest
            && digit.is_ascii_digit()
        {
            let digits = self.rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            self.rest = &self.rest[1 + digits..];
        }
        match (zoned, self.rest) {
            (false, []) | (true, [b'Z']) => Some(()),
            (true, [b'+' | b'-', h1, h2, b':', m1, m2]) if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => {
                let hours = (h1 - b'0') * 10 + h2 - b'0';
                let minutes = (m1 - b'0') * 10 + m2 - b'0';
                (hours <= 24 && minutes < 60).then_some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_go_reads() {
        use Resolved::{Bool, Float, Int, Null, Text, Timestamp, Uint};
        let cases = [
            ("yes", Bool(true)),
            ("on", Bool(true)),
            ("y", Bool(true)),
            ("Off", Bool(false)),
            ("yEs", Text),
            ("~", Null),
            ("", Null),
            ("0777", Int(511)),
            ("0o777", Int(511)),
            ("08", Float(8.0)),
            ("1_000", Int(1000)),
            ("-0x1F", Int(-31)),
            ("0b+1", Int(1)),
            ("18446744073709551615", Uint(u64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("1e3", Float(1000.0)),
            ("1e400", Text),
            (".5", Float(0.5)),
            (".", Text),
            (".1_000", Float(0.1)),
            (".1__0", Text),
            ("-", Text),
            ("1:30", Text),
            ("1.2.3", Text),
            ("2001-12-14", Timestamp),
            ("2001-2-30", Text),
            ("2001-12-14t21:59:43.10-05:00", Timestamp),
            ("2001-12-14 21:59:43.10", Timestamp),
            ("2001-12-14 21:59:43.10 -5", Text),
            ("<<", Text),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
    }

    #[test]
    fn base_60_is_recognised() {
        for text in ["1:30", "-1:30:59", "190:20:30.15", "1_0:0"] {
            assert!(is_base60(text), "{text}");
        }
        for text in ["1", "1:60", "a:30", ":30", "1:30:", "1.5:30", "10:30 "] {
            assert!(!is_base60(text), "{text}");
        }
    }
}
