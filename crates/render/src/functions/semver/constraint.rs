//! Constraints: alternatives (`||`) of conditions (`,` or space), each an operator and a version that may have blanks.

use super::version::{Version, compare_prereleases};
use std::cmp::Ordering;
use std::sync::LazyLock;

/// The longest constraint, in bytes.
const MAX_LENGTH: usize = 512;
/// The most alternatives.
const MAX_ALTERNATIVES: usize = 32;

const VERSION: &str = concat!(
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?",
    r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?",
    r"(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
);
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

/// The engine's classes of white space are Unicode's; Go's are ASCII's.
const SPACE: &str = r"[\t\n\x0c\r ]";

type Lazy = LazyLock<Option<regex::Regex>>;

fn pattern(pattern: &str) -> Option<regex::Regex> {
    regex::Regex::new(pattern).ok()
}

static ONE: Lazy = LazyLock::new(|| pattern(&format!("^{SPACE}*({OPERATORS}){SPACE}*({VERSION}){SPACE}*$")));
static RANGE: Lazy = LazyLock::new(|| pattern(&format!("{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")));
static EACH: Lazy = LazyLock::new(|| pattern(&format!("({OPERATORS}){SPACE}*({VERSION})")));
static VALID: Lazy = LazyLock::new(|| {
    let one = format!("({OPERATORS}){SPACE}*({VERSION}){SPACE}*");
    pattern(&format!("^({SPACE}*{one})((?:{SPACE}+|,{SPACE}*){one})*$"))
});

/// What versions are allowed.
pub(super) struct Constraint {
    alternatives: Vec<Vec<Condition>>,
}

struct Condition {
    operator: Operator,
    version: Version,
    /// Some part is a blank: the condition is on a range.
    blank: bool,
    blank_minor: bool,
    blank_patch: bool,
}

#[derive(Clone, Copy)]
enum Operator {
    Same,
    Not,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

impl Constraint {
    /// # Errors
    /// With the text of `semver.NewConstraint`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("constraint string is too long (max {MAX_LENGTH} bytes)"));
        }
        let text = without_ranges(text);
        let alternatives: Vec<&str> = text.split("||").collect();
        if alternatives.len() > MAX_ALTERNATIVES {
            return Err(format!("too many constraint groups (max {MAX_ALTERNATIVES})"));
        }
        let alternatives = alternatives.into_iter().map(conditions).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }

    pub(super) fn allows(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|conditions| {
            // Prereleases are only looked at where the alternative names one.
            let prereleases = conditions.iter().any(|condition| !condition.version.prerelease.is_empty());
            (prereleases || version.prerelease.is_empty())
                && conditions.iter().all(|condition| condition.holds(version))
        })
    }
}

/// `1.2 - 3.4` as two conditions.
fn without_ranges(text: &str) -> String {
    let mut out = text.to_owned();
    let Some(range) = RANGE.as_ref() else { return out };
    for found in range.captures_iter(text) {
        let part = |i: usize| found.get(i).map_or("", |part| part.as_str());
        out = out.replacen(part(0), &format!(">= {}, <= {} ", part(1), part(11)), 1);
    }
    out
}

fn improper(text: &str) -> String {
    format!("improper constraint: {}", bowline_gotemplate::fmt::quoted(text.as_bytes()))
}

fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    if !VALID.as_ref().is_some_and(|valid| valid.is_match(text)) {
        return Err(improper(text));
    }
    let each: Vec<&str> =
        EACH.as_ref().map_or_else(Vec::new, |each| each.find_iter(text).map(|m| m.as_str()).collect());
    if each.is_empty() {
        return Ok(vec![condition(text)?]);
    }
    each.into_iter().map(condition).collect()
}

fn condition(text: &str) -> Result<Condition, String> {
    let found = ONE.as_ref().and_then(|one| one.captures(text)).ok_or_else(|| improper(text))?;
    let part = |i: usize| found.get(i).map_or("", |part| part.as_str());
    let is_blank = |text: &str| matches!(text.trim_start_matches('.'), "" | "x" | "X" | "*");
    let (major, minor, patch, extra) = (part(3), part(4), part(5), part(6));
    let (mut blank_minor, mut blank_patch) = (false, false);
    let text = if is_blank(major) {
        format!("0.0.0{extra}")
    } else if is_blank(minor) {
        blank_minor = true;
        format!("{major}.0.0{extra}")
    } else if is_blank(patch) {
        blank_patch = true;
        format!("{major}{minor}.0{extra}")
    } else {
        part(2).to_owned()
    };
    let operator = match part(1) {
        "" | "=" => Operator::Same,
        "!=" => Operator::Not,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::AtLeast,
        "<=" | "=<" => Operator::AtMost,
        "~" | "~>" => Operator::Tilde,
        _ => Operator::Caret,
    };
    let version = Version::parse(&text).map_err(|_| "constraint parser error".to_owned())?;
    let blank = is_blank(major) || blank_minor || blank_patch;
    Ok(Condition { operator, version, blank, blank_minor, blank_patch })
}

impl Condition {
    fn holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        let order = version.compare(wanted);
        match self.operator {
            Operator::Same if self.blank => self.within_tilde(version, order),
            Operator::Same => order == Ordering::Equal,
            Operator::Not => self.differs(version, order),
            Operator::Greater => self.exceeded(version, order),
            Operator::Less => order == Ordering::Less,
            Operator::AtLeast => order != Ordering::Less,
            Operator::AtMost if self.blank => {
                !(version.major > wanted.major
                    || (version.major == wanted.major && version.minor > wanted.minor && !self.blank_minor))
            }
            Operator::AtMost => order != Ordering::Greater,
            Operator::Tilde => self.within_tilde(version, order),
            Operator::Caret => self.within_caret(version, order),
        }
    }

    fn differs(&self, version: &Version, order: Ordering) -> bool {
        let wanted = &self.version;
        if self.blank {
            if wanted.major != version.major {
                return true;
            }
            if self.blank_minor {
                return false;
            }
            if wanted.minor != version.minor {
                return true;
            }
            if !self.blank_patch && wanted.patch != version.patch {
                return true;
            }
            if self.blank_patch {
                return compare_prereleases(&version.prerelease, &wanted.prerelease) != Ordering::Equal;
            }
        }
        order != Ordering::Equal
    }

    fn exceeded(&self, version: &Version, order: Ordering) -> bool {
        let wanted = &self.version;
        if !self.blank || version.major != wanted.major {
            return if self.blank { version.major > wanted.major } else { order == Ordering::Greater };
        }
        if self.blank_minor {
            return false;
        }
        if self.blank_patch { version.minor > wanted.minor } else { order == Ordering::Greater }
    }

    fn within_tilde(&self, version: &Version, order: Ordering) -> bool {
        let wanted = &self.version;
        if order == Ordering::Less {
            return false;
        }
        let anything =
            (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0) && !self.blank_minor && !self.blank_patch;
        anything || (version.major == wanted.major && (version.minor == wanted.minor || self.blank_minor))
    }

    fn within_caret(&self, version: &Version, order: Ordering) -> bool {
        let wanted = &self.version;
        if order == Ordering::Less {
            return false;
        }
        if wanted.major > 0 || self.blank_minor {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.blank_patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}
