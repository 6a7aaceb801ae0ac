//! Flags and their values, as pflag reads them.

use std::collections::BTreeMap;

use bowline_yaml::quote;

use crate::command::{Command, command_path};
use crate::csv::read_record;
use crate::failure::Failure;
use crate::find::flags_of;
use crate::flag::{Flag, Kind};

/// How unknown flags are met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They are skipped, with what looks like their value.
    Lenient,
    /// They are refused.
    Strict,
}

/// What was said on the command line.
#[derive(Default)]
pub(crate) struct Parsed {
    values: BTreeMap<&'static str, Vec<String>>,
    /// Set since [`Parsed::start_again`].
    known: Vec<&'static Flag>,
    /// Arguments that are no flags.
    pub(crate) positional: Vec<String>,
    /// Lines about flags that are not to be used any more.
    pub(crate) deprecations: Vec<String>,
}

impl Parsed {
    /// Forgets arguments, but not the values of flags: lists go on where they were.
    pub(crate) fn start_again(&mut self) {
        self.positional.clear();
        self.deprecations.clear();
    }

    /// Reads arguments for the command at the end of the path.
    pub(crate) fn read(
        &mut self,
        path: &[&'static Command],
        arguments: &[String],
        manner: Manner,
    ) -> Result<(), Failure> {
        let mut rest = arguments.iter();
        while let Some(text) = rest.next() {
            if text == "--" {
                self.positional.extend(rest.cloned());
                break;
            }
            if let Some(long) = text.strip_prefix("--") {
                self.read_long(path, long, &mut rest, manner)?;
            } else if text.len() > 1 && text.starts_with('-') {
                self.read_short(path, &text[1..], &mut rest, manner)?;
            } else {
                self.positional.push(text.clone());
            }
        }
        Ok(())
    }

    fn read_long<'a>(
        &mut self,
        path: &[&'static Command],
        text: &'a str,
        rest: &mut std::slice::Iter<'a, String>,
        manner: Manner,
    ) -> Result<(), Failure> {
        if text.is_empty() || text.starts_with(['-', '=']) {
            return Err(Failure::new(format!("bad flag syntax: --{text}")));
        }
        let (name, given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let Some(flag) = flag_of(path, manner, |flag| flag.name == name) else {
            if manner == Manner::Lenient && name != "help" {
                if given.is_none() {
                    skip_value(rest);
                }
                return Ok(());
            }
            return Err(Failure::new(format!("unknown flag: --{name}")));
        };
        let value = match (given, flag.bare) {
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => match rest.next() {
                Some(value) => value,
                None => return Err(Failure::new(format!("flag needs an argument: --{name}"))),
            },
        };
        self.set(flag, value)
    }

    fn read_short<'a>(
        &mut self,
        path: &[&'static Command],
        mut letters: &'a str,
        rest: &mut std::slice::Iter<'a, String>,
        manner: Manner,
    ) -> Result<(), Failure> {
        while let Some(letter) = letters.chars().next() {
            let behind = &letters[letter.len_utf8()..];
            let given = behind.strip_prefix('=').filter(|value| !value.is_empty());
            let Some(flag) = flag_of(path, manner, |flag| flag.short == Some(letter)) else {
                if manner == Manner::Lenient && letter != 'h' {
                    if given.is_some() {
                        return Ok(());
                    }
                    skip_value(rest);
                    letters = behind;
                    continue;
                }
                // Go looks at one byte.
                let byte = char::from(letters.as_bytes()[0]);
                let text = format!("unknown shorthand flag: {} in -{letters}", quote_char(byte));
                return Err(Failure::new(text));
            };
            let value = if let Some(value) = given {
                letters = "";
                value
            } else if let Some(value) = flag.bare {
                letters = behind;
                value
            } else if !behind.is_empty() {
                letters = "";
                behind
            } else {
                let whole = letters;
                letters = "";
                match rest.next() {
                    Some(value) => value,
                    None => {
                        let letter = quote_char(letter);
                        return Err(Failure::new(format!("flag needs an argument: {letter} in -{whole}")));
                    }
                }
            };
            self.set(flag, value)?;
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: &str) -> Result<(), Failure> {
        let values = check(flag, value).map_err(|reason| {
            let name = match flag.short {
                Some(letter) => format!("-{letter}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            Failure::new(format!("invalid argument {} for {} flag: {reason}", quote(value), quote(&name)))
        })?;
        if let Some(other) = flag.sets {
            self.values.insert(other, values.clone());
        }
        let entry = self.values.entry(flag.name).or_default();
        if !flag.is_many() {
            entry.clear();
        }
        entry.extend(values);
        if !self.known.iter().any(|known| known.name == flag.name) {
            self.known.push(flag);
        }
        if let Some(instead) = flag.deprecated {
            self.deprecations.push(format!("Flag --{} has been deprecated, {instead}\n", flag.name));
        }
        Ok(())
    }

    /// The values of a flag that was set.
    pub(crate) fn get(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }

    /// The value of a flag that was set, the last one.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.get(name)?.last().map(String::as_str)
    }

    /// Whether a flag was set to `true`.
    pub(crate) fn boolean(&self, name: &str) -> bool {
        self.last(name) == Some("true")
    }

    /// Refuses more than one of a group of flags.
    pub(crate) fn check_groups(&self, groups: &[&str]) -> Result<(), Failure> {
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        for group in groups {
            let mut set: Vec<&str> = group.split(' ').filter(|name| self.values.contains_key(name)).collect();
            if set.len() > 1 {
                set.sort_unstable();
                return Err(Failure::new(format!(
                    "if any flags in the group [{group}] are set none of the others can be; [{}] were all set",
                    set.join(" ")
                )));
            }
        }
        Ok(())
    }

    /// Refuses a command, or a flag, that Helm has and Bowline does not carry out.
    pub(crate) fn check_carried_out(&self, path: &[&'static Command]) -> Result<(), Failure> {
        for command in path {
            if let Some(why) = command.missing {
                let text = format!("{} is not carried out by Bowline: {why}", command_path(path));
                return Err(Failure::new(text));
            }
        }
        for flag in &self.known {
            if let Some(why) = flag.missing {
                return Err(Failure::new(format!("--{} is not carried out by Bowline: {why}", flag.name)));
            }
        }
        Ok(())
    }
}

/// Helm's first reading knows neither `--help` nor the flags of commands.
fn flag_of(path: &[&'static Command], manner: Manner, is: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
    let help = (manner == Manner::Strict).then_some(&HELP);
    flags_of(path).chain(help).find(|flag| is(flag))
}

/// Every command has it.
pub(crate) static HELP: Flag = Flag::bool("help", "").short('h');

fn skip_value(rest: &mut std::slice::Iter<'_, String>) {
    if rest.as_slice().first().is_some_and(|next| !next.starts_with('-')) {
        rest.next();
    }
}

/// A character as Go's `%q` prints it.
fn quote_char(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let text = quote(&c.to_string());
            format!("'{}'", text.trim_matches('"'))
        }
    }
}

impl Flag {
    fn is_many(&self) -> bool {
        matches!(self.kind, Kind::List | Kind::Array | Kind::Pairs | Kind::CheckedArray(..))
    }
}

/// The value, or values, in a normal form; else Go's reason for refusing it.
fn check(flag: &Flag, value: &str) -> Result<Vec<String>, String> {
    let one = |text: &str| Ok(vec![text.to_owned()]);
    match flag.kind {
        Kind::Bool => match parse_bool(value) {
            Some(value) => one(if value { "true" } else { "false" }),
            None => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(value))),
        },
        Kind::Text | Kind::Array => one(value),
        Kind::Int => parse_int(value).map(|number| vec![number.to_string()]),
        Kind::Unsigned => match parse_int(value) {
            Ok(number) if number >= 0 && !value.starts_with(['-', '+']) => one(&number.to_string()),
            Err(reason) if reason.ends_with("range") => Err(reason.replace("ParseInt", "ParseUint")),
            Ok(_) | Err(_) => Err(format!("strconv.ParseUint: parsing {}: invalid syntax", quote(value))),
        },
        Kind::Float => match value.parse::<f32>() {
            Ok(_) => one(value),
            Err(_) => Err(format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(value))),
        },
        Kind::Duration => match bowline_gotemplate::duration::parse(value) {
            Ok(_) => one(value),
            Err(error) => Err(error),
        },
        Kind::List => read_record(value),
        Kind::Pairs => {
            // A single pair is taken as it is; more are a record.
            let parts = match value.matches('=').count() {
                0 => return Err(format!("{value} must be formatted as key=value")),
                1 => vec![value.trim_matches('"').to_owned()],
                _ => read_record(value)?,
            };
            match parts.iter().find(|part| !part.contains('=')) {
                Some(part) => Err(format!("{part} must be formatted as key=value")),
                None => Ok(parts),
            }
        }
        Kind::Checked(_, check) | Kind::CheckedArray(_, check) => check(value).and_then(|()| one(value)),
    }
}

/// Go's `strconv.ParseBool`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with the base from the prefix.
pub(crate) fn parse_int(text: &str) -> Result<i64, String> {
    let fail = |why: &str| Err(format!("strconv.ParseInt: parsing {}: {why}", quote(text)));
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.as_str() {
        text if text.starts_with("0x") => (16, &lower[2..]),
        text if text.starts_with("0b") => (2, &lower[2..]),
        text if text.starts_with("0o") => (8, &lower[2..]),
        text if text.len() > 1 && text.starts_with('0') => (8, &lower[1..]),
        text => (10, text),
    };
    let underscores = radix != 10 && body.contains('_');
    let body = if underscores { body.replace('_', "") } else { body.to_owned() };
    if body.is_empty() || !body.chars().all(|c| c.is_digit(radix)) {
        return fail("invalid syntax");
    }
    let signed = if negative { format!("-{body}") } else { body };
    match i64::from_str_radix(&signed, radix) {
        Ok(number) => Ok(number),
        Err(_) => fail("value out of range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::ROOT;
    use crate::find::find;

    fn read(text: &str) -> Result<Parsed, String> {
        let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let (path, rest) = find(&ROOT, &arguments);
        let mut parsed = Parsed::default();
        parsed.read(&path, &rest, Manner::Strict).map_err(|failure| failure.message)?;
        Ok(parsed)
    }

    #[test]
    fn values_stand_behind_an_equals_sign_or_a_blank_or_a_letter() {
        let parsed = read("template --set a=1 --set=b=2 -fx.yaml,y.yaml -f=z.yaml -gn space chart").unwrap();
        assert_eq!(parsed.get("set").unwrap(), ["a=1", "b=2"]);
        assert_eq!(parsed.get("values").unwrap(), ["x.yaml", "y.yaml", "z.yaml"]);
        assert_eq!(parsed.last("namespace"), Some("space"));
        assert!(parsed.boolean("generate-name"));
        assert_eq!(parsed.positional, ["chart"]);
    }

    #[test]
    fn faults_are_told_in_pflags_words() {
        let fault = |text: &str| read(text).err().unwrap();
        assert_eq!(fault("template --nope"), "unknown flag: --nope");
        assert_eq!(fault("template -gx"), "unknown shorthand flag: 'x' in -x");
        assert_eq!(fault("template --set"), "flag needs an argument: --set");
        assert_eq!(fault("template -gf"), "flag needs an argument: 'f' in -f");
        assert_eq!(fault("template --=x"), "bad flag syntax: --=x");
        assert_eq!(
            fault("template --burst-limit 1x"),
            r#"invalid argument "1x" for "--burst-limit" flag: strconv.ParseInt: parsing "1x": invalid syntax"#
        );
    }

    #[test]
    fn whole_numbers_have_gos_prefixes() {
        assert_eq!(parse_int("0x1F"), Ok(31));
        assert_eq!(parse_int("-017"), Ok(-15));
        assert_eq!(parse_int("0b101"), Ok(5));
        assert!(parse_int("99999999999999999999").unwrap_err().ends_with("value out of range"));
        assert!(parse_int("").unwrap_err().ends_with("invalid syntax"));
    }
}
