//! A command of the tree: what it is called, what it takes, what it does.

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::flag::Flag;
use crate::invocation::Invocation;

/// What a command does.
pub(crate) type Run = fn(&Invocation<'_>) -> Result<(), Failure>;

/// A command. The tree is made of constants: nothing has to be built when the program starts.
pub(crate) struct Command {
    /// Name and arguments: `template [NAME] [CHART]`.
    pub(crate) usage: &'static str,
    /// Other names.
    pub(crate) aliases: &'static [&'static str],
    /// One line for the list of commands.
    pub(crate) short: &'static str,
    /// The text of its help.
    pub(crate) long: &'static str,
    /// Its own flags, in groups that commands share.
    pub(crate) flags: &'static [&'static [Flag]],
    /// Flags of the groups behind the first that it has not, or has otherwise.
    pub(crate) replaced: &'static [&'static str],
    /// How many arguments it takes.
    pub(crate) arguments: Arguments,
    /// Groups of flags, names parted by a blank, of which only one may be set.
    pub(crate) exclusive: &'static [&'static str],
    /// Listed, but no answer to a word that is no command.
    pub(crate) never_suggested: bool,
    /// Words for which it is suggested.
    pub(crate) suggest_for: &'static [&'static str],
    /// In the order in which suggestions name them.
    pub(crate) subcommands: &'static [&'static Command],
    /// What it does; without it, it prints its help.
    pub(crate) run: Option<Run>,
    /// Not in lists of commands.
    pub(crate) hidden: bool,
    /// Whatever stands behind its name is an argument, flags too.
    pub(crate) raw_arguments: bool,
    /// Why Bowline does not carry it out; `None` where it does.
    pub(crate) missing: Option<&'static str>,
}

impl Command {
    /// A command with nothing in it, to be filled in.
    pub(crate) const NEW: Self = Self {
        usage: "",
        aliases: &[],
        short: "",
        long: "",
        flags: &[],
        replaced: &[],
        arguments: Arguments::Any,
        exclusive: &[],
        never_suggested: false,
        suggest_for: &[],
        subcommands: &[],
        run: None,
        hidden: false,
        raw_arguments: false,
        missing: None,
    };

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.usage.split(' ').next().unwrap_or_default()
    }

    /// Whether it goes by that name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name() == name || self.aliases.contains(&name)
    }

    /// Its own flags.
    pub(crate) fn own_flags(&self) -> impl Iterator<Item = &'static Flag> {
        let is_own = |at: usize, flag: &Flag| at == 0 || !self.replaced.contains(&flag.name);
        let groups = self.flags.iter().enumerate();
        groups.flat_map(move |(at, group)| group.iter().filter(move |flag| is_own(at, flag)))
    }

    /// Listed in the help of its parent.
    pub(crate) fn is_available(&self) -> bool {
        !self.hidden
    }
}

/// `helm show all`
pub(crate) fn command_path(path: &[&Command]) -> String {
    path.iter().map(|command| command.name()).collect::<Vec<_>>().join(" ")
}
