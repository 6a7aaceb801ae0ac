//! Go's syntax of regular expressions in terms of this program's engine, and Go's errors.
//!
//! Both follow RE2. What differs: `\d`, `\w`, `\s` and `\b` are ASCII in Go, classes have no set operations, a brace that
//! is no repetition is a character, and there is `\Q…\E`.

/// The largest number in a repetition.
const MAX_REPEAT: u32 = 1000;
/// How deep groups may nest.
const MAX_DEPTH: usize = 1000;

/// The pattern for the engine, and the names of its groups from the first on.
///
/// # Errors
/// With the text of `regexp.Compile`.
pub(super) fn translate(pattern: &str) -> Result<(String, Vec<Option<&str>>), String> {
    let mut translator = Translator {
        pattern,
        at: 0,
        out: String::with_capacity(pattern.len() + 8),
        groups: Vec::new(),
        copies: vec![1],
        last_copies: 1,
    };
    translator.run().map_err(|(code, part)| format!("error parsing regexp: {code}: `{part}`"))?;
    Ok((translator.out, translator.groups))
}

type Wrong<'p> = (&'static str, &'p str);

/// What the last thing written was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing that could be repeated.
    Nothing,
    /// Something that can be repeated.
    Item,
    /// A repetition, which starts at this byte of the pattern.
    Repetition(usize),
}

struct Translator<'p> {
    pattern: &'p str,
    at: usize,
    out: String,
    /// The groups so far, with their names.
    groups: Vec<Option<&'p str>>,
    /// How many times the innermost repetitions of each open group, and of the item read last, are copied.
    copies: Vec<u64>,
    last_copies: u64,
}

impl<'p> Translator<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn run(&mut self) -> Result<(), Wrong<'p>> {
        let mut depth = 0usize;
        let mut last = Last::Nothing;
        while let Some(rune) = self.peek() {
            let start = self.at;
            self.at += rune.len_utf8();
            match rune {
                '(' => {
                    let group = self.open()?;
                    if group {
                        self.copies.push(1);
                        depth += 1;
                        if depth > MAX_DEPTH {
                            return Err(("expression nests too deeply", self.pattern));
                        }
                        last = Last::Nothing;
                    }
                    // Flags alone change nothing about what may be repeated in Go: there is nothing.
                    if !group {
                        last = Last::Nothing;
                    }
                }
                ')' => {
                    if depth == 0 {
                        return Err(("unexpected )", self.pattern));
                    }
                    depth -= 1;
                    self.out.push(')');
                    self.last_copies = self.copies.pop().unwrap_or(1);
                    self.count(self.last_copies);
                    last = Last::Item;
                    continue;
                }
                '|' => {
                    self.out.push('|');
                    last = Last::Nothing;
                }
                '*' | '+' | '?' => {
                    last = self.repetition(start, last)?;
                    continue;
                }
                '{' => {
                    if let Some(times) = self.counts(start)? {
                        last = self.repetition(start, last)?;
                        self.last_copies *= u64::from(times);
                        if self.last_copies > u64::from(MAX_REPEAT) && times >= 2 {
                            return Err(("invalid repeat count", &self.pattern[start..self.at]));
                        }
                        self.count(self.last_copies);
                        continue;
                    } else {
                        self.out.push_str("\\{");
                        last = Last::Item;
                    }
                }
                '[' => {
                    self.class(start)?;
                    last = Last::Item;
                }
                '.' | '^' | '$' => {
                    self.out.push(rune);
                    last = Last::Item;
                }
                '\\' => {
                    self.escape(start)?;
                    last = Last::Item;
                }
                other => {
                    push_literal(&mut self.out, other);
                    last = Last::Item;
                }
            }
            self.last_copies = 1;
        }
        if depth > 0 { Err(("missing closing )", self.pattern)) } else { Ok(()) }
    }

    /// Notes how often something in the present group is copied.
    fn count(&mut self, copies: u64) {
        if let Some(most) = self.copies.last_mut() {
            *most = copies.max(*most);
        }
    }

    /// Reads what follows `(`; whether it opens a group.
    fn open(&mut self) -> Result<bool, Wrong<'p>> {
        let start = self.at - 1;
        let Some(rest) = self.rest().strip_prefix('?') else {
            self.groups.push(None);
            self.out.push('(');
            return Ok(true);
        };
        if let Some(named) = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<')) {
            let Some(end) = named.find('>') else { return Err(("invalid named capture", &self.pattern[start..])) };
            let name = &named[..end];
            let name_start = self.at + 1 + (rest.len() - named.len());
            let whole = &self.pattern[start..name_start + end + 1];
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(("invalid named capture", whole));
            }
            self.groups.push(Some(name));
            self.at = name_start + end + 1;
            // The engine has other rules for names; they are kept apart.
            self.out.push('(');
            return Ok(true);
        }
        let mut flags = String::new();
        let mut negated = false;
        let mut any_after_minus = false;
        for (offset, rune) in rest.char_indices() {
            let end = self.at + 1 + offset + rune.len_utf8();
            match rune {
                'i' | 'm' | 's' | 'U' => {
                    flags.push(rune);
                    any_after_minus = true;
                }
                '-' if !negated => {
                    negated = true;
                    any_after_minus = false;
                    flags.push('-');
                }
                ':' | ')' => {
                    if negated && !any_after_minus {
                        return Err(("invalid or unsupported Perl syntax", &self.pattern[start..end]));
                    }
                    self.at = end;
                    if rune == ')' && flags.is_empty() {
                        return Ok(false);
                    }
                    self.out.push_str("(?");
                    self.out.push_str(&without_repeats(&flags));
                    self.out.push(rune);
                    return Ok(rune == ':');
                }
                _ => return Err(("invalid or unsupported Perl syntax", &self.pattern[start..end])),
            }
        }
        Err(("invalid or unsupported Perl syntax", &self.pattern[start..]))
    }

    /// The larger number of a `{n,m}` at `start`, if it is one; goes on behind it then.
    fn counts(&mut self, start: usize) -> Result<Option<u32>, Wrong<'p>> {
        let inner = &self.pattern[start + 1..];
        let Some(end) = inner.find('}') else { return Ok(None) };
        let body = &inner[..end];
        let (low, high) = match body.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (body, None),
        };
        let number = |text: &str| -> Option<u32> {
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0'))
            {
                return None;
            }
            Some(text.parse().unwrap_or(u32::MAX))
        };
        let Some(least) = number(low) else { return Ok(None) };
        let most = match high {
            None => Some(least),
            Some("") => None,
            Some(high) => match number(high) {
                Some(most) => Some(most),
                None => return Ok(None),
            },
        };
        let whole = &self.pattern[start..start + end + 2];
        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || least > most) {
            return Err(("invalid repeat count", whole));
        }
        self.at = start + end + 2;
        Ok(Some(most.unwrap_or(least)))
    }

    fn repetition(&mut self, start: usize, last: Last) -> Result<Last, Wrong<'p>> {
        let operator = &self.pattern[start..self.at];
        let end = self.at + usize::from(self.rest().starts_with('?'));
        if let Last::Repetition(before) = last {
            return Err(("invalid nested repetition operator", &self.pattern[before..end]));
        }
        if last == Last::Nothing {
            return Err(("missing argument to repetition operator", &self.pattern[start..end]));
        }
        self.out.push_str(operator);
        if self.rest().starts_with('?') {
            self.at += 1;
            self.out.push('?');
        }
        Ok(Last::Repetition(start))
    }

    /// An escape outside of a class.
    fn escape(&mut self, start: usize) -> Result<(), Wrong<'p>> {
        match self.peek() {
            Some('Q') => {
                self.at += 1;
                let rest = self.rest();
                let (literal, end) = rest.find("\\E").map_or((rest, rest.len()), |end| (&rest[..end], end + 2));
                literal.chars().for_each(|rune| push_literal(&mut self.out, rune));
                self.at += end;
                Ok(())
            }
            Some('A') => self.replaced("\\A"),
            Some('z') => self.replaced("\\z"),
            Some('b') => self.replaced("(?-u:\\b)"),
            Some('B') => self.replaced("(?-u:\\B)"),
            _ => {
                if let Some(class) = self.perl_class(start)? {
                    self.out.push_str(&class);
                } else {
                    let rune = self.character(start)?;
                    push_literal(&mut self.out, rune);
                }
                Ok(())
            }
        }
    }

    fn replaced(&mut self, with: &str) -> Result<(), Wrong<'p>> {
        self.at += 1;
        self.out.push_str(with);
        Ok(())
    }

    /// `\d` and its kind, or `\p{…}`, as a class.
    fn perl_class(&mut self, start: usize) -> Result<Option<String>, Wrong<'p>> {
        let class = match self.peek() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => "[\\t\\n\\x0c\\r ]",
            Some('S') => "[^\\t\\n\\x0c\\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class(start).map(Some),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(class.to_owned()))
    }

    fn unicode_class(&mut self, start: usize) -> Result<String, Wrong<'p>> {
        let negated = self.peek() == Some('P');
        self.at += 1;
        let rest = self.rest();
        let end = match rest.chars().next() {
            None => return Err(("invalid character class range", &self.pattern[start..])),
            Some('{') => match rest.find('}') {
                Some(end) => end + 1,
                None => return Err(("invalid character class range", &self.pattern[start..])),
            },
            Some(rune) => rune.len_utf8(),
        };
        let name = rest[..end].trim_start_matches('{').trim_end_matches('}');
        self.at += end;
        let (name, inverted) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
        let letter = if inverted { 'P' } else { 'p' };
        let class =
            super::classes::named(name).ok_or(("invalid character class range", &self.pattern[start..self.at]))?;
        match (class.strip_prefix('^'), inverted) {
            (Some(class), true) => Ok(format!("\\p{{{class}}}")),
            (Some(class), false) => Ok(format!("\\P{{{class}}}")),
            (None, _) => Ok(format!("\\{letter}{{{class}}}")),
        }
    }

    /// The character that an escape stands for.
    fn character(&mut self, start: usize) -> Result<char, Wrong<'p>> {
        let Some(rune) = self.peek() else { return Err(("trailing backslash at end of expression", "")) };
        self.at += rune.len_utf8();
        let wrong = |at: usize| Err(("invalid escape sequence", &self.pattern[start..at]));
        let digits = |text: &str, radix: u32, most: usize| {
            text.chars().take(most).take_while(|c| c.is_digit(radix)).map(char::len_utf8).sum::<usize>()
        };
        Ok(match rune {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '1'..='7' if !self.rest().starts_with(|c: char| c.is_digit(8)) => return wrong(self.at),
            '0'..='7' => {
                let length = digits(self.rest(), 8, 2);
                let code = &self.pattern[self.at - 1..self.at + length];
                self.at += length;
                u32::from_str_radix(code, 8).ok().and_then(char::from_u32).unwrap_or('\0')
            }
            'x' if self.rest().starts_with('{') => {
                let rest = self.rest();
                let length = digits(&rest[1..], 16, usize::MAX);
                // The digit with which the number gets too large is the last that is looked at.
                let fits = |end: &usize| u32::from_str_radix(&rest[1..=*end], 16).is_ok_and(|code| code <= 0x10_ffff);
                if let Some(end) = (1..=length).find(|end| !fits(end)) {
                    return wrong(self.at + 1 + end);
                }
                if length == 0 || !rest[1 + length..].starts_with('}') {
                    let next = rest[1 + length..].chars().next().map_or(0, char::len_utf8);
                    return wrong(self.at + 1 + length + next);
                }
                self.at += length + 2;
                let code = u32::from_str_radix(&rest[1..=length], 16).unwrap_or(0);
                // Go takes a surrogate, which is in no text.
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            'x' => {
                let length = digits(self.rest(), 16, 2);
                if length < 2 {
                    // Two characters are taken before they are looked at.
                    let next = self.rest().chars().take(2).map(char::len_utf8).sum::<usize>();
                    return wrong(self.at + next);
                }
                let code = u32::from_str_radix(&self.rest()[..2], 16).unwrap_or(0);
                self.at += 2;
                char::from_u32(code).unwrap_or('\0')
            }
            rune if rune.is_ascii() && !rune.is_ascii_alphanumeric() => rune,
            _ => return wrong(self.at),
        })
    }

    /// A class, whose `[` stands at `start`.
    fn class(&mut self, start: usize) -> Result<(), Wrong<'p>> {
        let mut class = String::from("[");
        if self.rest().starts_with('^') {
            self.at += 1;
            class.push('^');
        }
        let mut first = true;
        loop {
            let Some(rune) = self.peek() else { return Err(("missing closing ]", &self.pattern[start..])) };
            if rune == ']' && !first {
                self.at += 1;
                break;
            }
            first = false;
            let item = self.at;
            if self.rest().starts_with("[:")
                && let Some(end) = self.rest().find(":]")
            {
                let name = &self.pattern[item..item + end + 2];
                class.push_str(posix(name).ok_or(("invalid character class range", name))?);
                self.at = item + end + 2;
                continue;
            }
            if rune == '\\' {
                self.at += 1;
                if let Some(inner) = self.perl_class(item)? {
                    class.push_str(&inner);
                    continue;
                }
                self.at = item;
            }
            let low = self.class_character(start)?;
            let mut high = low;
            if self.rest().starts_with('-') && !self.rest()[1..].starts_with(']') && self.rest().len() > 1 {
                self.at += 1;
                high = self.class_character(start)?;
                if high < low {
                    return Err(("invalid character class range", &self.pattern[item..self.at]));
                }
            }
            push_class(&mut class, low);
            if high != low {
                class.push('-');
                push_class(&mut class, high);
            }
        }
        class.push(']');
        self.out.push_str(&class);
        Ok(())
    }

    fn class_character(&mut self, start: usize) -> Result<char, Wrong<'p>> {
        match self.peek() {
            None => Err(("missing closing ]", &self.pattern[start..])),
            Some('\\') => {
                let escape = self.at;
                self.at += 1;
                self.character(escape)
            }
            Some(rune) => {
                self.at += rune.len_utf8();
                Ok(rune)
            }
        }
    }
}

/// The engine refuses a flag that is given twice.
fn without_repeats(flags: &str) -> String {
    let mut kept = String::new();
    let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
    // A flag that is first set and then cleared is cleared.
    for flag in on.chars() {
        if !kept.contains(flag) && !off.contains(flag) {
            kept.push(flag);
        }
    }
    if !off.is_empty() {
        kept.push('-');
        for flag in off.chars() {
            if !kept.contains(flag) {
                kept.push(flag);
            }
        }
    }
    kept
}

fn push_literal(out: &mut String, rune: char) {
    let mut text = [0; 4];
    out.push_str(&regex::escape(rune.encode_utf8(&mut text)));
}

fn push_class(class: &mut String, rune: char) {
    class.push_str(&format!("\\x{{{:x}}}", u32::from(rune)));
}

fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "[:alnum:]" => "0-9A-Za-z",
        "[:^alnum:]" => "[^0-9A-Za-z]",
        "[:alpha:]" => "A-Za-z",
        "[:^alpha:]" => "[^A-Za-z]",
        "[:ascii:]" => "\\x00-\\x7F",
        "[:^ascii:]" => "[^\\x00-\\x7F]",
        "[:blank:]" => "\\t ",
        "[:^blank:]" => "[^\\t ]",
        "[:cntrl:]" => "\\x00-\\x1F\\x7F",
        "[:^cntrl:]" => "[^\\x00-\\x1F\\x7F]",
        "[:digit:]" => "0-9",
        "[:^digit:]" => "[^0-9]",
        "[:graph:]" => "!-\\x7E",
        "[:^graph:]" => "[^!-\\x7E]",
        "[:lower:]" => "a-z",
        "[:^lower:]" => "[^a-z]",
        "[:print:]" => " -\\x7E",
        "[:^print:]" => "[^ -\\x7E]",
        "[:punct:]" => "!-/:-@\\[-`\\{-\\x7E",
        "[:^punct:]" => "[^!-/:-@\\[-`\\{-\\x7E]",
        "[:space:]" => "\\t-\\r ",
        "[:^space:]" => "[^\\t-\\r ]",
        "[:upper:]" => "A-Z",
        "[:^upper:]" => "[^A-Z]",
        "[:word:]" => "0-9A-Za-z_",
        "[:^word:]" => "[^0-9A-Za-z_]",
        "[:xdigit:]" => "0-9A-Fa-f",
        "[:^xdigit:]" => "[^0-9A-Fa-f]",
        _ => return None,
    })
}
