//! Texts of many kinds, good and nearly good: formats, regular expressions, versions, dates, documents.

use crate::fuzz::Choices;

/// A text of Go's source that stands for `text` in a template.
pub(crate) fn literal(text: &str) -> String {
    let quotable = !text.contains(['`', '\r']);
    if quotable && (text.contains(['"', '\\', '\n']) || text.len() > 20) {
        return format!("`{text}`");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Words and blanks, letters of many scripts, marks.
pub(crate) fn plain(c: &mut Choices) -> String {
    match c.below(8) {
        0..4 => c.pick(&[
            "a",
            "abc",
            "hello World",
            "",
            " ",
            "foo-bar_baz",
            "web",
            "x.y",
            "1",
            "true",
            "A,b,C",
            "  pad\t",
            "a/b/../c.txt",
            "ÀÉ☃ß",
            "😀x",
            "a\nb\n\nc",
            "key=value",
            "$1",
            "%d",
            "'q'",
            "\"",
            "<a&b>",
            "the quick brown fox jumps over the lazy dog",
            "FooBarHTTP2Server",
            "one two\tthree\nfour",
            "nil",
            "<no value>",
        ]),
        4..6 => c.pieces(
            &[
                "a", "B", "c", " ", "-", "_", ".", ",", "/", "1", "0", "é", "ß", "☃", "\n", "\t", "Foo", "HTTP", "$",
                "\\", "ǆ", "İ", "ﬁ", "\u{301}", "😀", "x", "'", "\"", "\u{a0}", "\u{2028}", "\u{feff}", "\r\n", "\0",
                "\u{7f}", "Σ", "ς",
            ],
            8,
        ),
        _ => (0..c.below(6)).map(|_| c.char()).collect(),
    }
}

pub(crate) fn number(c: &mut Choices) -> String {
    match c.below(8) {
        0..5 => c.pick(&[
            "0",
            "1",
            "-1",
            "10",
            "010",
            "0x1F",
            "0b101",
            "0o17",
            "1_000",
            "1.5",
            "-2.75",
            "1e3",
            "1E-2",
            "0x1p-2",
            ".5",
            "5.",
            "+7",
            " 3",
            "3 ",
            "NaN",
            "Inf",
            "-inf",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "18446744073709551615",
            "1e400",
            "1e-400",
            "true",
            "",
            "abc",
            "1e",
            "0x",
            "08",
            "-0",
            "0.1",
            "123456789.123456789",
            "1e21",
            "1e20",
            "2.5",
            "3.5",
            "0.000001",
            "1__0",
            "-010",
            "0777",
            "1i",
            "٣",
            "infinity",
            "0x1.8p1",
            "1_0.5",
            "0b12",
        ]),
        5 => (c.below(2_000_000) as i64 - 1_000_000).to_string(),
        6 => ((c.below(2_000_000) as f64 - 1e6) / 997.0).to_string(),
        _ => c.pieces(&["0", "1", "9", ".", "e", "-", "+", "_", "x", "5"], 6),
    }
}

/// Formats of Go's `fmt`.
pub(crate) fn format(c: &mut Choices) -> String {
    let mut out = String::new();
    for _ in 0..1 + c.below(3) {
        if c.percent(25) {
            out += &plain(c);
            continue;
        }
        out.push('%');
        out += &c.pieces(&["+", "-", "#", "0", " "], 2);
        out += &c.pick(&["", "", "", "5", "10", "3", "*", "[1]*", "[2]*", "-3", "[9]", "1000001"]);
        out += &c.pick(&["", "", "", ".2", ".0", ".", ".*", ".[1]*", ".10", ".-1", ".[2]"]);
        out += &c.pick(&["", "", "", "", "", "[1]", "[2]", "[0]", "[3]", "[x]", "[", "[]", "[-1]", "[5]"]);
        out += &c.pick(&[
            "v", "d", "s", "q", "x", "X", "f", "e", "E", "g", "G", "t", "T", "c", "U", "b", "o", "O", "%", "p", "w",
            "z", "é", "!", "",
        ]);
    }
    out
}

/// Regular expressions of RE2, with mistakes.
pub(crate) fn regex(c: &mut Choices) -> String {
    expression(c, 3)
}

fn expression(c: &mut Choices, depth: usize) -> String {
    if depth == 0 || c.percent(30) {
        return if c.percent(10) { plain(c) } else { atom(c) };
    }
    match c.below(10) {
        0..3 => (0..1 + c.below(3)).map(|_| expression(c, depth - 1)).collect(),
        3..6 => {
            expression(c, depth - 1)
                + &c.pick(&[
                    "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{0}", "{1,2}?", "**", "+*", "{3,1}",
                    "{1001}", "{2}{3}", "{,5}",
                ])
        }
        6..8 => {
            c.pick(&[
                "(", "(?:", "(?i)(", "(?P<n>", "(?<m>", "(?s:", "(?m-i:", "(?U:", "(?P=n)(", "(?=", "(?!", "(?<=",
                "(?#", "(?x:", "(?", "(?i", "(?P<>", "(?P<1a>", "(?-:", "(?i-)", "(?>", "(?R)(", "(?-s:", "(?im-sU:",
                "(?P<n", "(?<n", "(?i:", "(?mi)(",
            ]) + &expression(c, depth - 1)
                + ")"
        }
        8 => format!("{}|{}", expression(c, depth - 1), expression(c, depth - 1)),
        _ => expression(c, depth - 1) + &c.pick(&[")", "|", "(", "]", "[", "\\"]),
    }
}

fn atom(c: &mut Choices) -> String {
    c.pick(&[
        "a",
        "b",
        "1",
        ".",
        "\\d",
        "\\w",
        "\\s",
        "\\D",
        "\\W",
        "\\S",
        "[a-c]",
        "[^a-c]",
        "[[:alpha:]]",
        "[[:^digit:]]",
        "[\\d-]",
        "[]a]",
        "[^]]",
        "[a-]",
        "\\pL",
        "\\p{Greek}",
        "\\PN",
        "\\p{^L}",
        "^",
        "$",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "\\.",
        "\\n",
        "\\t",
        "\\x41",
        "\\x{263a}",
        "\\101",
        "\\Qa.b\\E",
        "é",
        "☃",
        " ",
        "-",
        "\\-",
        "\\_",
        "\\C",
        "\\Z",
        "\\1",
        "\\8",
        "\\e",
        "\\y",
        "[z-a]",
        "[[:foo:]]",
        "\\p{Foo}",
        "\\",
        "[",
        "]",
        "{",
        "}",
        "{1",
        "x{,2}",
        "\\pN",
        "\\p{Lu}",
        "[\\p{Lu}\\d]",
        "[^\\pL]",
        "\\x{110000}",
        "\\07",
        "[\\Qa]\\E]",
        "[a\\]b]",
        "[\\x00-\\x{ff}]",
        "[&&a]",
        "[a--b]",
        "[a~~]",
        "[[a]]",
        "#",
        "\\<",
        "\\/",
        "\\'",
        "\\\"",
        "\\@",
        "\\u0041",
        "\\v",
        "\\f",
        "\\a",
        "\\R",
        "\\h",
        "\\G",
        "\\K",
        "\\X",
        "[^\\n]",
        "[\\w.-]+",
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "\\p",
        "\\p{",
        "\\pé",
        "[a-\\d]",
        "[\\d-z]",
        "[[:word:]]",
        "[[:^space:]x]",
        "\\x",
        "\\x{",
        "\\xg",
        "\\Q",
        "\\E",
        "\\Qa\\",
        "\\p{L",
        "[[:alpha:",
        "[a-é]",
        "(?i)K",
        "\\p{Any}",
        "\\p{Latin}",
        "\\p{Letter}",
        "\\p{greek}",
        "\\p{IsGreek}",
    ])
}

/// What a regular expression is replaced by.
pub(crate) fn replacement(c: &mut Choices) -> String {
    c.pieces(
        &[
            "x", "$1", "${1}", "$0", "$2", "${n}", "$n", "$$", "$", "${", "-", "W", "$1W", "${1", "$é", "${x}y", "{",
            "}", "\\1", "$m_", "$10", "${01}", "$_",
        ],
        4,
    )
}

pub(crate) fn version(c: &mut Choices) -> String {
    let extra = [
        "",
        "",
        "",
        "-alpha",
        "-alpha.1",
        "-1",
        "-rc.2",
        "-alpha.beta",
        "-0",
        "-beta.11",
        "-beta.2",
        "+b",
        "+1.2",
        "-a+b",
        "-01",
        "-a..b",
        "-",
        "+",
        "-é",
        "-a_b",
        "-a-b",
        "-01a",
        "+01",
        " ",
        "-18446744073709551616",
        "-a.18446744073709551615",
    ];
    match c.below(6) {
        0..3 => {
            let v = c.pick(&["", "", "v"]);
            let numbers = [0; 3].map(|_| c.below(4).to_string()).join(".");
            v + &numbers + &c.pick(&extra)
        }
        3 | 4 => {
            let part = [
                "1",
                "0",
                "2",
                "3",
                "10",
                "01",
                "",
                "x",
                "18446744073709551615",
                "18446744073709551616",
                "99999999999999999999",
            ];
            let mut out = c.pick(&["", "v", "V", " ", "="]) + &c.pick(&part);
            for _ in 0..c.below(4) {
                out += &c.pick(&[".", ".", ".", ""]);
                out += &c.pick(&part);
            }
            out + &c.pick(&extra)
        }
        _ => c.pick(&[
            "1",
            "1.2",
            "v1",
            "1.2.3.4",
            "1.2-alpha",
            "latest",
            "",
            "1.2.3-",
            "v1.28.4-eks-8cb36c9",
            "v1.27.3+k3s1",
        ]),
    }
}

pub(crate) fn constraint(c: &mut Choices) -> String {
    let mut out = String::new();
    for i in 0..1 + c.below(2) {
        if i > 0 {
            out += &c.pick(&[" || ", "||", " ||", "|", "|| ||", "|| "]);
        }
        for j in 0..1 + c.below(3) {
            if j > 0 {
                out += &c.pick(&[", ", ",", " ", " , ", ",,", "  ", ""]);
            }
            if c.percent(15) {
                let low = version(c);
                out += &(low + &c.pick(&[" - ", " -", "-", "  -  "]) + &version(c));
                continue;
            }
            out += &c.pick(&[
                "", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", ">>", "!", "~=", "~^",
            ]);
            out += &c.pick(&["", "", " ", "  "]);
            out += &if c.percent(50) {
                c.pick(&[
                    "1",
                    "1.2",
                    "1.x",
                    "1.2.x",
                    "*",
                    "x",
                    "X",
                    "1.*",
                    "0",
                    "0.0",
                    "0.x",
                    "1.x.3",
                    "0.0.x",
                    "2.X",
                    "v1.2.*",
                    "1.2.3-0",
                    "0.2",
                    "0.0.3",
                    "1.2-alpha",
                    "x.1",
                    "*.1.2",
                    "1.x.x",
                    "0.1.x-alpha",
                    "2.x-beta+b",
                ])
            } else {
                version(c)
            };
        }
    }
    out
}

pub(crate) fn layout(c: &mut Choices) -> String {
    if c.percent(40) {
        return c.pick(&[
            "2006-01-02",
            "2006-01-02T15:04:05Z07:00",
            "Mon Jan 2 15:04:05 MST 2006",
            "02 Jan 06 15:04 -0700",
            "3:04PM",
            "2006-01-02 15:04:05.000",
            "Monday, 02-Jan-06",
            "20060102150405",
            "_2/1/06",
        ]);
    }
    c.pieces(
        &[
            "2006",
            "06",
            "01",
            "1",
            "Jan",
            "January",
            "02",
            "2",
            "_2",
            "002",
            "__2",
            "15",
            "03",
            "3",
            "04",
            "4",
            "05",
            "5",
            "PM",
            "pm",
            "MST",
            "Z0700",
            "Z07:00",
            "Z07",
            "Z070000",
            "Z07:00:00",
            "-0700",
            "-07:00",
            "-07",
            "-070000",
            "-07:00:00",
            ".000",
            ".999",
            ",000",
            ".0",
            ".99",
            "Mon",
            "Monday",
            "-",
            "/",
            ":",
            " ",
            "T",
            "x",
            "Z",
            "_",
            "0",
            "JAN",
            "é",
            "_2006",
            "Janet",
            ".05",
            "7",
            "UTC",
            "000",
            "+",
            "%Y",
        ],
        7,
    )
}

pub(crate) fn date(c: &mut Choices) -> String {
    if c.percent(60) {
        return c.pick(&[
            "2024-05-06",
            "2024-02-30",
            "2023-02-29",
            "2024-02-29",
            "2024-05-06T07:08:09Z",
            "2024-05-06T07:08:09+02:00",
            "Mon May 6 07:08:09 UTC 2024",
            "06 May 24 07:08 +0200",
            "7:08AM",
            "2024-05-06 07:08:09.123",
            "20240506070809",
            "1999-12-31",
            "0000-01-01",
            "9999-12-31",
            "2024-13-01",
            "2024-1-1",
            "",
            "x",
            "2024-05-06T24:00:00Z",
            "2024-05-06T07:08:60Z",
            " 2024-05-06",
            "2024-05-06 ",
            "Monday, 06-May-24",
            " 6/5/24",
            "2024-05-06T07:08:09.999999999Z",
        ]);
    }
    c.pieces(
        &[
            "2024", "24", "12", "05", "7", "May", "Monday", "Mon", ":", "-", " ", "T", "Z", "+0200", "-07:00", "PM",
            "am", ".123", ",5", "CEST", "UTC", "GMT+3", "30", "00", "0", "127", "366", "x", "/",
        ],
        7,
    )
}

pub(crate) fn zone(c: &mut Choices) -> String {
    c.pick(&["UTC", "", "Nowhere/Land", "utc", "../x", "\\x"])
}

pub(crate) fn duration(c: &mut Choices) -> String {
    if c.percent(75) {
        return c.pick(&[
            "1h2m3s",
            "1h",
            "90m",
            "-1.5h",
            "0",
            "100ms",
            "1µs",
            "1us",
            "1μs",
            "5ns",
            "2562047h47m16.854775807s",
            "9999999h",
            "",
            "x",
            "1",
            "1d",
            ".5s",
            "1.s",
            "+5s",
            "-",
            "1h-2m",
            "3600",
            "95",
            "26h",
            "800h",
            "0s",
            "1e3s",
            "-0s",
            "1.123456789123s",
            " 1s",
            "-90061s",
            "31536000",
            "-2562047h47m16.854775808s",
            "9000h",
            "1.5",
        ]);
    }
    c.pieces(&["1", "2.5", "0", "h", "m", "s", "ms", "us", "ns", "-", "+", ".", "9", "d", " "], 6)
}

pub(crate) fn path(c: &mut Choices) -> String {
    c.pieces(&["a", "b", "/", "/", "..", ".", "c.txt", "//", "", ".gz", "x y", "\\", "é", "*", "~"], 7)
}

pub(crate) fn url(c: &mut Choices) -> String {
    if c.percent(20) {
        return plain(c);
    }
    let parts: [&[&str]; 6] = [
        &[
            "",
            "http://",
            "https://",
            "//",
            "mailto:",
            "x",
            "1a:",
            "HTTP://",
            ":",
            "a+b.c-d://",
            "file:///",
            "ht tp://",
            "http:",
            "a%b://",
        ],
        &["", "", "u@", "u:p@", ":p@", "u:p:q@", "u%40:p@", "@", "é@", "u:@", "u p@", "a@b@", "u%zz@"],
        &[
            "",
            "host",
            "host:80",
            "[::1]:80",
            "[::1",
            "h%6Fst",
            "a_b",
            "host:",
            "host:x",
            "HOST",
            "a b",
            "[fe80::1%25en0]",
            "é.com",
            "1.2.3.4",
            "host:80:90",
            "h<st",
            "[::1]x",
            "h%20st",
            "%41",
            "[%31]",
            "::1",
        ],
        &[
            "", "/", "/a/b", "/a%20b", "/%zz", "/a b", "/../x", "a/b", "/é", "/a;b=c", "/%2F", "*", "/a:b", "/+",
            "a:b/c", "//x", "/[a]", "/%C3%A9", "/\"", "/!$&'()",
        ],
        &["", "", "?q=1", "?", "?a=b&c=d", "?a b", "?%zz", "?é", "?a?b"],
        &["", "", "#f", "#", "#a b", "#%zz", "#a#b", "#é%20"],
    ];
    let text: String = parts.iter().map(|texts| c.pick(texts)).collect();
    if c.percent(5) { text + "\u{7f}" } else { text }
}

pub(crate) fn json(c: &mut Choices) -> String {
    let before = c.pick(&["", "", "", "", " ", "\n", "\t", "x"]);
    let value = json_value(c, 3);
    before + &value + &c.pick(&["", "", "", "", "", " ", "x", "]", ",", "\n"])
}

fn json_value(c: &mut Choices, depth: usize) -> String {
    match if depth == 0 || c.is_over() { 0 } else { c.below(4) } {
        0 | 1 => c.pick(&[
            "1",
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "1e3",
            "1E+2",
            "-0",
            "1e400",
            "9223372036854775807",
            "12345678901234567890",
            "\"a\"",
            "\"\"",
            "\"\\u00e9\\n\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud800\"",
            "\"<&>\"",
            "\"☃\"",
            "\"a\tb\"",
            "01",
            "+1",
            ".5",
            "1.",
            "nul",
            "tru",
            "'a'",
            "\"\\x\"",
            "\"a",
            "NaN",
            "\u{feff}1",
            "\"\\u12\"",
            "-",
            "\"\u{2028}\"",
            "1e",
            "1e+",
            "\"\\/\\b\\f\"",
            "\"\u{1}\"",
            "1.5e-7",
            "1e21",
            "100000000000000000000",
        ]),
        2 => {
            let comma = c.pick(&[",", ", ", "\n,", ",,", " "]);
            let items: Vec<String> = (0..c.below(4)).map(|_| json_value(c, depth - 1)).collect();
            format!("[{}]", items.join(&comma))
        }
        _ => {
            let colon = c.pick(&[": ", ":", " : ", ""]);
            let item = |c: &mut Choices| {
                c.pick(&["\"a\"", "\"b\"", "\"a\"", "\"10\"", "\"9\"", "\"\"", "\"é\"", "\"\\u0061\"", "a", "1"])
                    + &colon
                    + &json_value(c, depth - 1)
            };
            let items: Vec<String> = (0..c.below(4)).map(|_| item(c)).collect();
            format!("{{{}}}", items.join(", "))
        }
    }
}

pub(crate) fn toml(c: &mut Choices) -> String {
    let keys = ["a", "b", "c", "a.b", "\"q k\"", "'r'", "1", "d-e_f", "a . c", "", "é", "a.b.c", "\"\""];
    let mut out = String::new();
    for _ in 0..c.below(5) {
        match c.below(9) {
            0..5 => {
                out += &c.pick(&keys);
                out += &c.pick(&[" = ", "=", " =", " == ", " : "]);
                out += &toml_value(c, 2);
                out += &c.pick(&["\n", "\n", " # c\n", " x\n", "", "\r\n"]);
            }
            5 | 6 => {
                let key = c.pick(&keys);
                out += &format!("[{key}]{}\n", c.pick(&["", "", " # c", "x"]));
            }
            7 => out += &format!("[[{}]]\n", c.pick(&keys)),
            _ => {
                out += &c.pick(&[
                    "# comment\n",
                    "\n",
                    "\r\n",
                    "a\n",
                    "[\n",
                    "[a\n",
                    "[[a]\n",
                    "= 1\n",
                    "\t",
                    "#\u{1}\n",
                    "a = 1\r",
                ]);
            }
        }
    }
    out
}

fn toml_value(c: &mut Choices, depth: usize) -> String {
    match if depth == 0 || c.is_over() { 0 } else { c.below(4) } {
        0 | 1 => c.pick(&[
            "1",
            "-1",
            "+5",
            "1_000",
            "0x1F",
            "0o17",
            "0b11",
            "1.5",
            "1e3",
            "-0.0",
            "inf",
            "nan",
            "true",
            "false",
            "\"a\"",
            "\"\\u00e9\\n\"",
            "'raw\\n'",
            "\"\"\"multi\nline\"\"\"",
            "'''raw\n'''",
            "1979-05-27T07:32:00Z",
            "1979-05-27",
            "07:32:00",
            "1979-05-27T07:32:00",
            "1979-05-27 07:32:00.5+02:00",
            "01",
            "1.",
            ".5",
            "tru",
            "\"a",
            "'a",
            "1__0",
            "_1",
            "",
            "9223372036854775808",
            "\"\\x\"",
            "\"\\e\"",
            "\"\"",
            "1e400",
            "0X1",
            "\"\\U0001F600\"",
            "\"\\ud800\"",
            "\"\"\"a\\\n  b\"\"\"",
            "\"\"\"\"a\"\"\"\"",
            "07:32",
            "+inf",
            "-nan",
            "1e",
            "1979-13-01",
            "\"\"\"a",
            "'''a",
            "\"\\x41\"",
            "1_",
            "0x",
            "-0x1",
        ]),
        2 => {
            let comma = c.pick(&[", ", ",", ",\n", " , ", " "]);
            let items: Vec<String> = (0..c.below(4)).map(|_| toml_value(c, depth - 1)).collect();
            format!("[{}{}]", items.join(&comma), c.pick(&["", "", ",", "\n", "# c\n"]))
        }
        _ => {
            let item =
                |c: &mut Choices| c.pick(&["a", "b", "\"c d\"", "a.b", "'x'"]) + " = " + &toml_value(c, depth - 1);
            let items: Vec<String> = (0..c.below(3)).map(|_| item(c)).collect();
            format!("{{{}{}}}", items.join(", "), c.pick(&["", "", ",", "\n"]))
        }
    }
}

pub(crate) fn yaml(c: &mut Choices) -> String {
    match c.below(4) {
        0 | 1 => c.pick(&[
            "a: 1",
            "a: {b: [1, 2]}",
            "- a\n- b: c\n",
            "[1, x, ~]",
            "a: |\n  x\n  y\n",
            "a: [",
            "\ta: 1",
            "a: b: c",
            "",
            "~",
            "a: &x 1\nb: *x",
            "a: 1\na: 2",
            "1: x",
            "a:\n- b\n- c\n",
            "<<: {a: 1}",
            "x",
            "'it''s'",
            "\"\\u263a\"",
            "a: 2024-05-06",
            "a: 0777",
            "? [a]\n: b",
            "a: !!str 5",
            "a: .inf",
            "---\na: 1\n---\nb: 2",
            "a: yes",
            "%",
            "@",
            "a: >\n  b\n\n  c",
        ]),
        2 => json(c),
        _ => c.pieces(
            &[
                "a: ", "b: ", "- ", "\n", "  ", "x", "1", "~", "[", "]", "{", "}", ", ", "'", "\"", "|\n", ">-\n",
                "&a ", "*a", "!!str ", "# c", "---\n", ": ", "true", "1e3", "0x10", "?", "<<: ",
            ],
            12,
        ),
    }
}

pub(crate) fn base64(c: &mut Choices) -> String {
    if c.percent(60) {
        return c.pick(&[
            "aGVsbG8=", "aGVsbG8", "YQ==", "YWI=", "YWJj", "", "=", "Y", "YQ=", "Y Q==", "YQ\n==", "_w==", "/w==",
            "-w==", "MFRGG===", "MZXW6===", "mzxw6===", "MZXW6", "YR==", "0==",
        ]);
    }
    c.pieces(&["Y", "Q", "=", "W", "\n", "+", "/", "a", "-", "_", "é", "2", "A"], 9)
}
