//! A flag: what it is called, what it takes, what it is without being set.

use crate::settings::Settings;

/// A flag of a command.
pub(crate) struct Flag {
    /// Name, without dashes.
    pub(crate) name: &'static str,
    /// One letter that stands for it.
    pub(crate) short: Option<char>,
    /// What it takes.
    pub(crate) kind: Kind,
    /// The text of its line in the help.
    pub(crate) usage: &'static str,
    /// Its value where it is not set.
    pub(crate) default: Default,
    /// Its value where it is set without one.
    pub(crate) bare: Option<&'static str>,
    /// The flag whose value it sets too.
    pub(crate) sets: Option<&'static str>,
    /// What to use in its place.
    pub(crate) deprecated: Option<&'static str>,
    /// Not in the help.
    pub(crate) hidden: bool,
    /// Why Bowline does not carry it out; `None` where it does, or where it has no effect on what Helm prints.
    pub(crate) missing: Option<&'static str>,
}

/// What a flag takes.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`, or nothing.
    Bool,
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Unsigned,
    /// A number.
    Float,
    /// Time, as Go writes it: `1m30s`.
    Duration,
    /// Texts parted by commas, CSV, any number of times.
    List,
    /// Text, any number of times.
    Array,
    /// `key=value` parted by commas, any number of times.
    Pairs,
    /// Text of a type of its own, with its name for the help, and a check that tells Helm's reason for refusing it.
    Checked(&'static str, fn(&str) -> Result<(), String>),
    /// Like `Checked`, any number of times.
    CheckedArray(&'static str, fn(&str) -> Result<(), String>),
}

/// The value of a flag that is not set.
#[derive(Clone, Copy)]
pub(crate) enum Default {
    /// Always that.
    Text(&'static str),
    /// As the environment has it.
    Settings(fn(&Settings) -> String),
}

impl Flag {
    const fn new(name: &'static str, kind: Kind, usage: &'static str) -> Self {
        Self {
            name,
            short: None,
            kind,
            usage,
            default: Default::Text(""),
            bare: None,
            sets: None,
            deprecated: None,
            hidden: false,
            missing: None,
        }
    }

    /// A flag that is on or off.
    pub(crate) const fn bool(name: &'static str, usage: &'static str) -> Self {
        Self { bare: Some("true"), ..Self::new(name, Kind::Bool, usage) }
    }

    /// A flag with a text.
    pub(crate) const fn text(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Kind::Text, usage)
    }

    /// A flag with a whole number.
    pub(crate) const fn int(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("0"), ..Self::new(name, Kind::Int, usage) }
    }

    /// A flag with a whole number that is not negative.
    pub(crate) const fn unsigned(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("0"), ..Self::new(name, Kind::Unsigned, usage) }
    }

    /// A flag with a number.
    pub(crate) const fn float(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("0"), ..Self::new(name, Kind::Float, usage) }
    }

    /// A flag with a time.
    pub(crate) const fn duration(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("0s"), ..Self::new(name, Kind::Duration, usage) }
    }

    /// A flag with texts parted by commas.
    pub(crate) const fn list(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("[]"), ..Self::new(name, Kind::List, usage) }
    }

    /// A flag with a text, any number of times.
    pub(crate) const fn array(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("[]"), ..Self::new(name, Kind::Array, usage) }
    }

    /// A flag with pairs.
    pub(crate) const fn pairs(name: &'static str, usage: &'static str) -> Self {
        Self { default: Default::Text("[]"), ..Self::new(name, Kind::Pairs, usage) }
    }

    /// A flag of a kind of its own.
    pub(crate) const fn of(name: &'static str, kind: Kind, usage: &'static str) -> Self {
        Self::new(name, kind, usage)
    }

    /// With a letter that stands for it.
    pub(crate) const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// With a value where it is not set.
    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: Default::Text(text), ..self }
    }

    /// With a value from the environment where it is not set.
    pub(crate) const fn setting(self, value: fn(&Settings) -> String) -> Self {
        Self { default: Default::Settings(value), ..self }
    }

    /// With a value where it is set without one.
    pub(crate) const fn bare(self, text: &'static str) -> Self {
        Self { bare: Some(text), ..self }
    }

    /// Another name: what it is set to, that flag is set to.
    pub(crate) const fn sets(self, name: &'static str) -> Self {
        Self { sets: Some(name), ..self }
    }

    /// Not to be used any more.
    pub(crate) const fn deprecated(self, instead: &'static str) -> Self {
        // A deprecated flag is in no help.
        Self { deprecated: Some(instead), hidden: true, ..self }
    }

    /// Not in the help.
    pub(crate) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// Not carried out by Bowline, and why.
    #[allow(dead_code, reason = "whether there is such a flag changes from time to time")]
    pub(crate) const fn missing(self, why: &'static str) -> Self {
        Self { missing: Some(why), ..self }
    }

    /// Its value where it is not set.
    pub(crate) fn default_text(&self, settings: &Settings) -> String {
        match self.default {
            Default::Text(text) => text.to_owned(),
            Default::Settings(value) => value(settings),
        }
    }

    /// The type as the help writes it; nothing for flags that are on or off.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Bool => "",
            Kind::Text => "string",
            Kind::Int => "int",
            Kind::Unsigned => "uint",
            Kind::Float => "float32",
            Kind::Duration => "duration",
            Kind::List => "strings",
            Kind::Array => "stringArray",
            Kind::Pairs => "stringToString",
            Kind::Checked(name, _) | Kind::CheckedArray(name, _) => name,
        }
    }

    /// Whether the help is silent about this default.
    pub(crate) fn is_zero(&self, default: &str) -> bool {
        match self.kind {
            Kind::Bool => matches!(default, "false" | ""),
            Kind::Text => default.is_empty(),
            Kind::Int | Kind::Unsigned | Kind::Float => default == "0",
            Kind::Duration => matches!(default, "0" | "0s"),
            Kind::List | Kind::Array => default == "[]",
            Kind::Pairs | Kind::Checked(..) | Kind::CheckedArray(..) => {
                matches!(default, "false" | "<nil>" | "" | "0")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_that_say_nothing_are_not_shown() {
        assert!(Flag::list("values", "").is_zero("[]"));
        assert!(!Flag::pairs("labels", "").is_zero("[]"));
        assert!(Flag::duration("timeout", "").is_zero("0s"));
        assert!(!Flag::text("color", "").is_zero("auto"));
    }
}
