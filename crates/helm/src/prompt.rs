//! Questions on the terminal.

use std::io::{self, BufRead, Read};
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::failure::Failure;

/// A line from standard input without its end.
pub(crate) fn line() -> Result<String, Failure> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(Failure::of)? == 0 {
        return Err(Failure::new("EOF"));
    }
    Ok(line.trim_end_matches('\n').trim_end_matches('\r').to_owned())
}

/// The same without showing what is typed; fails where standard input is no terminal.
pub(crate) fn secret() -> Result<String, Failure> {
    let stdin = io::stdin();
    let no_terminal = |error: nix::errno::Errno| Failure::new(bowline_registry::os_error(&error.into()));
    let before = tcgetattr(stdin.as_fd()).map_err(no_terminal)?;
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(stdin.as_fd(), SetArg::TCSADRAIN, &hidden).map_err(no_terminal)?;
    let read = line();
    tcsetattr(stdin.as_fd(), SetArg::TCSADRAIN, &before).map_err(no_terminal)?;
    read
}

/// All of standard input, as a password: one line break at its end does not count.
pub(crate) fn password_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(Failure::of)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
