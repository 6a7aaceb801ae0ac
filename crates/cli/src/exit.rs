use std::process::ExitCode;

/// What a run's exit code says. The numbers are part of the interface: docs/cli.md lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// It failed.
    Failed = 1,
    /// The arguments or the configuration are wrong; nothing was done.
    Usage = 2,
    /// It worked, and there is something to look at: findings, differences.
    Pending = 3,
    /// A deadline passed.
    TimedOut = 4,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// What another run of this program said with its exit code.
    pub(crate) fn of_code(code: Option<i32>) -> Self {
        let all = [Self::Ok, Self::Failed, Self::Usage, Self::Pending, Self::TimedOut, Self::Interrupted];
        all.into_iter().find(|exit| Some(*exit as i32) == code).unwrap_or(Self::Failed)
    }
}
