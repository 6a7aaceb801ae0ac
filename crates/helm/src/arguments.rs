use crate::command::{Command, command_path};
use crate::failure::Failure;
use crate::usage::use_line;

/// How many arguments a command takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arguments {
    /// Any number.
    Any,
    /// None at all.
    None,
    /// Exactly so many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// So many or fewer.
    AtMost(usize),
}

impl Arguments {
    /// Refuses a wrong number of arguments in Helm's words.
    pub(crate) fn check(self, path: &[&Command], given: &[String]) -> Result<(), Failure> {
        let wanted = match self {
            Self::Any => return Ok(()),
            Self::None if given.is_empty() => return Ok(()),
            Self::None => "accepts no arguments".to_owned(),
            Self::Exactly(n) if given.len() == n => return Ok(()),
            Self::Exactly(n) => format!("requires {}", count(n)),
            Self::AtLeast(n) if given.len() >= n => return Ok(()),
            Self::AtLeast(n) => format!("requires at least {}", count(n)),
            Self::AtMost(n) if given.len() <= n => return Ok(()),
            Self::AtMost(n) => format!("accepts at most {}", count(n)),
        };
        let (name, line) = (bowline_yaml::quote(&command_path(path)), use_line(path));
        Err(Failure::new(format!("{name} {wanted}\n\nUsage:  {line}")))
    }
}

fn count(n: usize) -> String {
    format!("{n} argument{}", if n == 1 { "" } else { "s" })
}
