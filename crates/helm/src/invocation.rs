use crate::command::Command;
use crate::failure::Failure;
use crate::find::flags_of;
use crate::parse::Parsed;
use crate::settings::Settings;

/// A command, called: its arguments, its flags, the settings.
pub(crate) struct Invocation<'a> {
    /// The command, with those above it.
    pub(crate) path: &'a [&'static Command],
    /// What holds for every command.
    pub(crate) settings: Settings,
    /// What was said.
    pub(crate) parsed: Parsed,
}

#[allow(dead_code, reason = "which kinds of flags are read changes with the commands")]
impl Invocation<'_> {
    /// The arguments that are no flags.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.parsed.positional
    }

    /// A flag that is on or off.
    pub(crate) fn bool(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// A flag with one value, its default where it is not set.
    pub(crate) fn text(&self, name: &str) -> String {
        match self.parsed.last(name) {
            Some(text) => text.to_owned(),
            None => self.default(name),
        }
    }

    /// A flag with any number of values.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.parsed.get(name).map(<[String]>::to_vec).unwrap_or_default()
    }

    /// A flag with a whole number.
    pub(crate) fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// Whether the flag was set.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.parsed.get(name).is_some()
    }

    fn default(&self, name: &str) -> String {
        let flag = flags_of(self.path).find(|flag| flag.name == name);
        // Helm 3 has not all of them.
        debug_assert!(flag.is_some() || self.settings.compat.is_helm3(), "the command has no flag --{name}");
        flag.map(|flag| flag.default_text(&self.settings)).unwrap_or_default()
    }

    /// Go's `time.Duration` of a flag, in nanoseconds.
    pub(crate) fn duration(&self, name: &str) -> Result<i64, Failure> {
        bowline_gotemplate::duration::parse(&self.text(name)).map_err(Failure::of)
    }
}
