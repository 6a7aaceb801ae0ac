//! Versions and version constraints as Helm compares them (the rules of Masterminds' semver library).

use std::cmp::Ordering;
use std::fmt;

/// A version; `v1.2` and `1` are complete enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major.
    pub major: u64,
    /// Minor.
    pub minor: u64,
    /// Patch.
    pub patch: u64,
    /// What follows `-`, without it.
    pub pre: String,
    /// What follows `+`, without it.
    pub build: String,
    /// As it was written.
    pub original: String,
}

impl Version {
    /// Reads a version leniently: a `v` before it and missing parts are fine; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (core, pre, build) = split(text)?;
        let core = core.strip_prefix('v').unwrap_or(core);
        let mut parts = core.split('.');
        let mut part = |required: bool| match parts.next() {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
            None if !required => Some(0),
            _ => None,
        };
        let (major, minor, patch) = (part(true)?, part(false)?, part(false)?);
        let no_leading_zero =
            |id: &str| id.len() < 2 || !id.starts_with('0') || !id.bytes().all(|b| b.is_ascii_digit());
        if parts.next().is_some() || !pre.split('.').all(no_leading_zero) {
            return None;
        }
        Some(Self { major, minor, patch, pre: pre.to_owned(), build: build.to_owned(), original: text.to_owned() })
    }

    fn core(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }

    /// Order by precedence; build metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.core().cmp(&other.core()).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

impl fmt::Display for Version {
    /// All three parts, whatever was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    let mut b_ids = b.split('.');
    for a_id in a.split('.') {
        let Some(b_id) = b_ids.next() else { return Ordering::Greater };
        let order = match (a_id.parse::<u64>(), b_id.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => a_id.cmp(b_id),
        };
        if order.is_ne() {
            return order;
        }
    }
    if b_ids.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Takes the core, the prerelease and the build apart; `None` where the latter two are malformed.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fine = [pre, build].into_iter().flatten().all(|ids| ids.split('.').all(is_id));
    fine.then_some((core, pre.unwrap_or_default(), build.unwrap_or_default()))
}

/// What a version has to satisfy: alternatives of terms that all have to hold.
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Vec<Term>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

#[derive(Clone, Debug)]
struct Term {
    operator: Operator,
    version: Version,
    /// Some part was left out or is an `x`.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

const MAX_LENGTH: usize = 512;
const MAX_GROUPS: usize = 32;

impl Constraint {
    /// Reads a constraint such as `>=1.2, <2 || ^3`.
    ///
    /// # Errors
    /// In the library's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("constraint string is too long (max {MAX_LENGTH} bytes)"));
        }
        let text = rewrite_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_GROUPS {
            return Err(format!("too many constraint groups (max {MAX_GROUPS})"));
        }
        let parse = |group: &&str| {
            parse_group(group).ok_or_else(|| format!("improper constraint: {}", bowline_yaml::quote(group)))
        };
        Ok(Self { groups: groups.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// Whether a version satisfies it. Prereleases only satisfy a group that names one.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let prereleases = group.iter().any(|term| !term.version.pre.is_empty());
            (prereleases || version.pre.is_empty()) && group.iter().all(|term| term.check(version))
        })
    }
}

/// Whether `version` satisfies `constraint`; malformed ones never do.
pub fn is_compatible(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraint::parse(constraint)) {
        (Some(version), Ok(constraint)) => constraint.check(&version),
        _ => false,
    }
}

/// `1.2 - 3.4` is `>= 1.2, <= 3.4`.
fn rewrite_ranges(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if !words.contains(&"-") {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut at = 0;
    while at < words.len() {
        if words.get(at + 1) == Some(&"-") && at + 2 < words.len() {
            out.push_str(&format!(">= {}, <= {} ", words[at], words[at + 2]));
            at += 3;
        } else {
            out.push_str(words[at]);
            out.push(' ');
            at += 1;
        }
    }
    out
}

fn parse_group(group: &str) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    let mut rest = group.trim_start();
    loop {
        let (operator, after) = take_operator(rest);
        let after = after.trim_start();
        let length = after.find(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '>' | '=' | '!' | '~' | '^'));
        let (version, after) = after.split_at(length.unwrap_or(after.len()));
        terms.push(Term::parse(operator, version)?);
        let trimmed = after.trim_start();
        if trimmed.is_empty() {
            return Some(terms);
        }
        match trimmed.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            // Without a comma at least a space has to stand between two terms.
            None if trimmed.len() < after.len() => rest = trimmed,
            None => return None,
        }
    }
}

fn take_operator(text: &str) -> (Operator, &str) {
    const OPERATORS: [(&str, Operator); 11] = [
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterEqual),
        ("=>", Operator::GreaterEqual),
        ("<=", Operator::LessEqual),
        ("=<", Operator::LessEqual),
        ("~>", Operator::Tilde),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    let found = OPERATORS.iter().find_map(|(symbol, operator)| text.strip_prefix(symbol).map(|rest| (*operator, rest)));
    found.unwrap_or((Operator::Equal, text))
}

impl Term {
    fn parse(operator: Operator, text: &str) -> Option<Self> {
        let (core, pre, build) = split(text)?;
        let core = core.strip_prefix('v').unwrap_or(core);
        let parts: Vec<&str> = core.split('.').collect();
        let is_x = |part: &str| matches!(part, "x" | "X" | "*");
        let is_part = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b"xX*".contains(&b));
        if parts.len() > 3 || !parts.iter().all(is_part) {
            return None;
        }
        let wild = |at: usize| parts.get(at).is_none_or(|part| is_x(part));
        let (minor_dirty, patch_dirty) = (!wild(0) && wild(1), !wild(0) && !wild(1) && wild(2));
        let dirty = wild(0) || minor_dirty || patch_dirty;
        let suffix = if pre.is_empty() { String::new() } else { format!("-{pre}") };
        let plain = match (wild(0), wild(1), wild(2)) {
            (true, ..) => format!("0.0.0{suffix}"),
            (_, true, _) => format!("{}.0.0{suffix}", parts[0]),
            (_, _, true) => format!("{}.{}.0{suffix}", parts[0], parts[1]),
            _ if build.is_empty() => format!("{core}{suffix}"),
            _ => format!("{core}{suffix}+{build}"),
        };
        Some(Self { operator, version: Version::parse(&plain)?, dirty, minor_dirty, patch_dirty })
    }

    fn check(&self, v: &Version) -> bool {
        let c = &self.version;
        let order = v.compare(c);
        match self.operator {
            Operator::Equal if self.dirty => self.tilde(v),
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => self.not_equal(v),
            Operator::Greater if self.dirty && v.major != c.major => v.major > c.major,
            Operator::Greater if self.minor_dirty => false,
            Operator::Greater if self.patch_dirty => v.minor > c.minor,
            Operator::Greater => order.is_gt(),
            Operator::Less => order.is_lt(),
            Operator::GreaterEqual => order.is_ge(),
            Operator::LessEqual if self.dirty => {
                v.major <= c.major && (v.major < c.major || v.minor <= c.minor || self.minor_dirty)
            }
            Operator::LessEqual => order.is_le(),
            Operator::Tilde => self.tilde(v),
            Operator::Caret => self.caret(v),
        }
    }

    fn not_equal(&self, v: &Version) -> bool {
        let c = &self.version;
        if self.dirty {
            if v.major != c.major || (v.minor != c.minor && !self.minor_dirty) {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if self.patch_dirty {
                return v.pre != c.pre;
            }
        }
        v.compare(c).is_ne()
    }

    fn tilde(&self, v: &Version) -> bool {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return false;
        }
        if c.core() == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        v.major == c.major && (v.minor == c.minor || self.minor_dirty)
    }

    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return false;
        }
        if c.major > 0 || self.minor_dirty {
            return v.major == c.major;
        }
        if v.major > 0 {
            return false;
        }
        if c.minor > 0 || self.patch_dirty {
            return v.minor == c.minor;
        }
        v.minor == 0 && v.patch == c.patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_hold_as_in_helm() {
        let cases = [
            (">=1.19.0-0", "v1.36.0", true),
            (">= 1.2, < 2", "1.5.0", true),
            (">=1.2 <2", "2.0.0", false),
            (">=1.2<2", "1.5.0", false),
            ("^1.2", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("~1.2", "1.3.0", false),
            ("1.x.x", "1.9.9", true),
            ("*", "1.0.0", true),
            ("*", "1.0.0-rc1", false),
            ("*-0", "1.0.0-rc1", true),
            ("1.2 - 1.4", "1.3.0", true),
            ("1.2 - 1.4", "1.5.0", false),
            ("<1 || >2", "3.0.0", true),
            (">11", "11.1.0", false),
            ("!=1.x", "1.2.0", false),
            ("", "1.0.0", false),
            ("0.1.0", "v0.1", true),
        ];
        for (constraint, version, expected) in cases {
            assert_eq!(is_compatible(constraint, version), expected, "{constraint} {version}");
        }
    }

    #[test]
    fn versions_are_lenient_but_not_careless() {
        for text in ["1", "v1.2", "1.2.3-rc.1+build.5", "1.0.0-0"] {
            assert!(Version::parse(text).is_some(), "{text}");
        }
        for text in ["", "a", "1.2.3.4", "1..2", "1.0.0-01", "1.0.0-", " 1.0.0"] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }
}
