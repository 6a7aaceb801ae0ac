//! What a value does wrong, as a tree, in the words of Helm's validator.

use std::fmt;

use super::json::Json;
use super::location::escape;
use super::number::{Number, localized_count};

/// A fault of a value, with what led to it.
#[derive(Debug, Default)]
pub(super) struct Fault {
    /// Steps to the value.
    pub(super) at: Vec<String>,
    pub(super) kind: Box<Kind>,
    pub(super) causes: Vec<Fault>,
}

impl Fault {
    /// Calls back for every fault that a person has to mend: the innermost, but for alternatives, which are one fault.
    pub(super) fn leaves(&self, found: &mut dyn FnMut(&[String], String)) {
        let through = matches!(*self.kind, Kind::Schema(_) | Kind::Group | Kind::Reference | Kind::AllOf);
        if through && !self.causes.is_empty() {
            self.causes.iter().for_each(|cause| cause.leaves(found));
            return;
        }
        let mut message = self.kind.to_string();
        for cause in &self.causes {
            cause.leaves(&mut |_, inner| {
                message.push_str("; ");
                message.push_str(&inner);
            });
        }
        match &*self.kind {
            // The keys that are too many have places of their own.
            Kind::AdditionalProperties(keys) => {
                for key in keys {
                    let at: Vec<String> = self.at.iter().chain([key]).cloned().collect();
                    found(&at, format!("additional properties {} not allowed", quote(key)));
                }
            }
            _ => found(&self.at, message),
        }
    }
}

#[derive(Debug, Default)]
pub(super) enum Kind {
    /// Where only whether there is a fault counts.
    #[default]
    Unsaid,
    /// The outermost: which schema the value does not meet.
    Schema(String),
    /// Several faults of one value.
    Group,
    /// What a reference leads to is not met.
    Reference,
    Not,
    AllOf,
    AnyOf,
    /// The first two that matched, where any did.
    OneOf(Option<(usize, usize)>),
    FalseSchema,
    Cycle {
        url: String,
        first: String,
        second: String,
    },
    Type {
        got: &'static str,
        want: Vec<&'static str>,
    },
    Enum(Vec<Json>),
    Const(Json),
    Format {
        got: Json,
        want: String,
        why: String,
    },
    /// A limit on a size: keyword, found, wanted.
    Size(&'static str, usize, i64),
    AdditionalItems(usize),
    Required(Vec<String>),
    /// What has to be there because something else is.
    Dependency {
        property: String,
        missing: Vec<String>,
    },
    AdditionalProperties(Vec<String>),
    PropertyName(String),
    UniqueItems(usize, usize),
    Contains,
    MinContains {
        got: Vec<usize>,
        want: i64,
    },
    MaxContains {
        got: Vec<usize>,
        want: i64,
    },
    Pattern {
        got: String,
        want: String,
    },
    /// A limit on a number: keyword, found, wanted.
    Limit(&'static str, Number, Number),
}

/// In single quotes, with Go's escapes.
pub(super) fn quote(text: &str) -> String {
    let quoted = bowline_yaml::quote(text);
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted);
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ")
}

fn display(value: &Json) -> String {
    match value {
        Json::Null => "<nil>".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.shown(),
        Json::Text(text) => quote(text),
        Json::List(_) | Json::Object(_) => "value".to_owned(),
    }
}

fn is_primitive(value: &Json) -> bool {
    !matches!(value, Json::List(_) | Json::Object(_))
}

fn places(places: &[usize]) -> String {
    places.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
}

fn count(count: usize) -> String {
    localized_count(i64::try_from(count).unwrap_or(i64::MAX))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid | Self::Group | Self::Reference => f.write_str("validation failed"),
            Self::Schema(location) => write!(f, "jsonschema validation failed with {}", quote(location)),
            Self::Not => f.write_str("'not' failed"),
            Self::AllOf => f.write_str("'allOf' failed"),
            Self::AnyOf => f.write_str("'anyOf' failed"),
            Self::OneOf(None) => f.write_str("'oneOf' failed, none matched"),
            Self::OneOf(Some((a, b))) => {
                write!(f, "'oneOf' failed, subschemas {}, {} matched", count(*a), count(*b))
            }
            Self::FalseSchema => f.write_str("false schema"),
            Self::Cycle { url, first, second } => {
                let url = bowline_yaml::quote(url);
                write!(f, "both {first} and {second} resolve to {url} causing reference cycle")
            }
            Self::Type { got, want } => write!(f, "got {got}, want {}", want.join(" or ")),
            Self::Enum(want) if !want.iter().all(is_primitive) => f.write_str("'enum' failed"),
            Self::Enum(want) => match want.as_slice() {
                [only] => write!(f, "value must be {}", display(only)),
                want => {
                    let want: Vec<String> = want.iter().map(display).collect();
                    write!(f, "value must be one of {}", want.join(", "))
                }
            },
            Self::Const(want) if !is_primitive(want) => f.write_str("'const' failed"),
            Self::Const(want) => write!(f, "value must be {}", display(want)),
            Self::Format { got, want, why } => write!(f, "{} is not valid {want}: {why}", display(got)),
            Self::Size(keyword, got, want) => {
                write!(f, "{keyword}: got {}, want {}", count(*got), localized_count(*want))
            }
            Self::AdditionalItems(number) => write!(f, "last {} additionalItem(s) not allowed", count(*number)),
            Self::Required(missing) => match missing.as_slice() {
                [only] => write!(f, "missing property {}", quote(only)),
                missing => write!(f, "missing properties {}", quoted(missing)),
            },
            Self::Dependency { property, missing } => {
                write!(f, "properties {} required, if {} exists", quoted(missing), quote(property))
            }
            Self::AdditionalProperties(names) => write!(f, "additional properties {} not allowed", quoted(names)),
            Self::PropertyName(name) => write!(f, "invalid propertyName {}", quote(name)),
            Self::UniqueItems(a, b) => write!(f, "items at {} and {} are equal", count(*a), count(*b)),
            Self::Contains => f.write_str("no items match contains schema"),
            Self::MinContains { got, want } => {
                let want = localized_count(*want);
                if got.is_empty() {
                    return write!(f, "min {want} items required to match contains schema, but none matched");
                }
                let (number, at) = (count(got.len()), places(got));
                write!(f, "min {want} items required to match contains schema, but matched {number} items at {at}")
            }
            Self::MaxContains { got, want } => {
                let (want, number, at) = (localized_count(*want), count(got.len()), places(got));
                write!(f, "max {want} items required to match contains schema, but matched {number} items at {at}")
            }
            Self::Pattern { got, want } => write!(f, "{} does not match pattern {}", quote(got), quote(want)),
            Self::Limit(keyword, got, want) => {
                write!(f, "{keyword}: got {}, want {}", got.localized(), want.localized())
            }
        }
    }
}

impl Fault {
    fn write(&self, f: &mut fmt::Formatter<'_>, mut indent: usize) -> fmt::Result {
        let skipped = self.causes.len() == 1 && matches!(*self.kind, Kind::Reference);
        if !skipped {
            if indent > 0 {
                write!(f, "\n{}- ", "  ".repeat(indent - 1))?;
            }
            indent += 1;
            if !matches!(*self.kind, Kind::Schema(_)) {
                let pointer: String = self.at.iter().map(|step| format!("/{}", escape(step))).collect();
                write!(f, "at {}: ", quote(&pointer))?;
            }
            write!(f, "{}", self.kind)?;
        }
        self.causes.iter().try_for_each(|cause| cause.write(f, indent))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
