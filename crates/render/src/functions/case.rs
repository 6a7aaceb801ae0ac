//! Upper and lower case, and the ways to join words to one.

use super::arguments::{bytes, string};
use super::categories::{is_letter, is_lower, is_punctuation, is_title, is_upper};
use super::strings::is_space;
use super::{Host, pure};
use bowline_gotemplate::Type::Text;
use bowline_gotemplate::{Function, Value, first_rune, runes};

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("upper", &[Text], Text, |args| Ok(Value::from(string(&args[0]).chars().map(upper).collect::<String>()))),
        pure("lower", &[Text], Text, |args| Ok(Value::from(string(&args[0]).chars().map(lower).collect::<String>()))),
        pure("title", &[Text], Text, |args| Ok(Value::from(titled(&string(&args[0]))))),
        pure("untitle", &[Text], Text, |args| Ok(Value::from(untitled(&string(&args[0]))))),
        pure("swapcase", &[Text], Text, |args| Ok(Value::from(swapped(&string(&args[0]))))),
        pure("camelcase", &[Text], Text, |args| Ok(Value::from(pascal(&string(&args[0]))))),
        pure("snakecase", &[Text], Text, |args| Ok(Value::from(separated(bytes(&args[0]), '_')))),
        pure("kebabcase", &[Text], Text, |args| Ok(Value::from(separated(bytes(&args[0]), '-')))),
    ]
}

/// The one character that Unicode's simple mapping gives.
fn upper(rune: char) -> char {
    single(rune.to_uppercase(), rune)
}

fn lower(rune: char) -> char {
    // The one capital whose full mapping has two characters, but whose simple one is a letter.
    if rune == 'İ' { 'i' } else { single(rune.to_lowercase(), rune) }
}

fn title(rune: char) -> char {
    match rune {
        // Letters that are two in one have a form of their own for the start of a word.
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        // Georgian has no title case.
        'ა'..='ჺ' | 'ჽ'..='ჿ' => rune,
        _ => upper(rune),
    }
}

/// What a mapping gives where that is one character; some Greek letters have a simple mapping beside the full one.
fn single(mut mapped: impl ExactSizeIterator<Item = char>, rune: char) -> char {
    if mapped.len() == 1 {
        return mapped.next().unwrap_or(rune);
    }
    let code = u32::from(rune);
    let simple = match code {
        0x1f80..=0x1faf if code & 8 == 0 => code + 8,
        0x1fb3 | 0x1fc3 | 0x1ff3 => code + 9,
        _ => code,
    };
    char::from_u32(simple).unwrap_or(rune)
}

/// A capital at the start of every word (`strings.Title`).
fn titled(text: &str) -> String {
    let mut separator = true;
    text.chars()
        .map(|rune| {
            let starts = std::mem::replace(&mut separator, is_separator(rune));
            if starts { title(rune) } else { rune }
        })
        .collect()
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        !(rune.is_ascii_alphanumeric() || rune == '_')
    } else {
        !rune.is_alphanumeric() && is_space(rune)
    }
}

/// A small letter at the start of every word.
fn untitled(text: &str) -> String {
    let mut starts = true;
    text.chars()
        .map(|rune| {
            if is_space(rune) {
                starts = true;
                rune
            } else if std::mem::take(&mut starts) {
                lower(rune)
            } else {
                rune
            }
        })
        .collect()
}

fn swapped(text: &str) -> String {
    let mut starts = true;
    text.chars()
        .map(|rune| {
            if is_upper(rune) || is_title(rune) {
                starts = false;
                lower(rune)
            } else if is_lower(rune) {
                if std::mem::take(&mut starts) { title(rune) } else { upper(rune) }
            } else {
                starts = is_space(rune);
                rune
            }
        })
        .collect()
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || is_space(rune)
}

/// Words joined, each with a capital; connectors at the start stay.
fn pascal(text: &str) -> String {
    let mut rest = text.chars();
    let mut out = String::with_capacity(text.len());
    let mut current = loop {
        match rest.next() {
            None => {
                // The last connector of a text with nothing else is there twice.
                out.extend(text.chars().next_back());
                return out;
            }
            Some(rune) if is_connector(rune) => out.push(rune),
            Some(rune) => break rune,
        }
    };
    if rest.as_str().is_empty() {
        out.push(upper(current));
        return out;
    }
    // In a word written in capitals, those after the first become small.
    let mut in_capitals = is_upper(current);
    current = upper(current);
    for rune in rest {
        let previous = std::mem::replace(&mut current, rune);
        if is_connector(previous) {
            if is_connector(rune) {
                out.push(previous);
                continue;
            }
            in_capitals = is_upper(rune);
            current = upper(rune);
            continue;
        }
        if in_capitals {
            if is_upper(rune) {
                current = lower(rune);
            } else {
                in_capitals = false;
            }
        }
        out.push(previous);
    }
    out.push(current);
    out
}

/// What a stretch of text is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_alphabet(rune: char) -> bool {
    is_letter(rune) && !is_ideograph(rune)
}

/// Chinese characters stand for words of their own.
fn is_ideograph(rune: char) -> bool {
    matches!(rune, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}')
}

/// The next character with the width of what is passed over to get behind it: what is no text is; `previous` where there is
/// nothing but that.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut width = 0;
    while let Some((rune, length)) = first_rune(&text[width..]) {
        width += length;
        if rune != char::REPLACEMENT_CHARACTER {
            return (rune, width);
        }
    }
    (previous, width)
}

/// From `at` on, the end of the characters that pass the test, and the character looked at last.
fn run(text: &[u8], mut at: usize, mut rune: char, test: impl Fn(char) -> bool) -> (usize, char) {
    while at < text.len() {
        let (next, width) = next_valid(&text[at..], rune);
        rune = next;
        if !test(rune) {
            break;
        }
        at += width;
    }
    (at, rune)
}

/// Cuts the next word off.
fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    let (first, start) = next_valid(text, char::REPLACEMENT_CHARACTER);
    let small = |rune: char| is_alphabet(rune) && !is_upper(rune);
    let end_of = |test: &dyn Fn(char) -> bool| run(text, start, first, test).0;
    let (word, end) = if first == char::REPLACEMENT_CHARACTER {
        (Word::None, start)
    } else if is_connector(first) {
        (Word::Connector, end_of(&is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, end_of(&is_punctuation))
    } else if is_upper(first) {
        (Word::Upper, end_of_capitals(text, start, first))
    } else if is_alphabet(first) {
        (Word::Letters, end_of(&small))
    } else if first.is_numeric() {
        (Word::Number, end_of(&char::is_numeric))
    } else {
        let other =
            |rune: char| !(is_connector(rune) || is_alphabet(rune) || rune.is_numeric() || is_punctuation(rune));
        (Word::Other, end_of(&other))
    };
    (word, &text[..end], &text[end..])
}

/// The end of a word whose first letter, before `start`, is a capital.
fn end_of_capitals(text: &[u8], start: usize, first: char) -> usize {
    if start == text.len() {
        return start;
    }
    let (second, width) = next_valid(&text[start..], first);
    if is_upper(second) {
        let (mut end, mut last_width, mut rune) = (start + width, width, second);
        while end < text.len() {
            let (next, width) = next_valid(&text[end..], rune);
            rune = next;
            if !is_upper(rune) {
                break;
            }
            last_width = width;
            end += width;
        }
        // The last capital belongs to the word after.
        return if end < text.len() && is_alphabet(rune) { end - last_width } else { end };
    }
    if is_alphabet(second) {
        return run(text, start + width, second, |rune| is_alphabet(rune) && !is_upper(rune)).0;
    }
    start
}

/// Words in small letters with a connector between.
fn separated(text: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            append_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        let splits = |kind: Word| !matches!(kind, Word::Connector | Word::Punctuation);
        match previous {
            Word::Number => {
                // Digits stick to the letters after them.
                while matches!(kind, Word::Letters | Word::Number) {
                    append_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && splits(kind) {
                    push(&mut out, connector);
                }
            }
            Word::Connector => append_lower(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if splits(kind) {
                    push(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let digits = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    append_lower(&mut out, Word::Number, digits, connector);
                    if splits(kind) {
                        push(&mut out, connector);
                    }
                    continue;
                }
                push(&mut out, connector);
                append_lower(&mut out, Word::Number, digits, connector);
                while matches!(kind, Word::Letters | Word::Number) {
                    append_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && splits(kind) {
                    push(&mut out, connector);
                }
            }
        }
    }
    append_lower(&mut out, kind, word, connector);
    out
}

fn append_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        return out.extend_from_slice(word);
    }
    for (_, rune, _) in runes(word) {
        push(
            out,
            if is_connector(rune) {
                connector
            } else if is_upper(rune) {
                lower(rune)
            } else {
                rune
            },
        );
    }
}

fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}
