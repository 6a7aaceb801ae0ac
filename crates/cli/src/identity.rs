use std::env;

use crate::environment;

/// Who this run is, to whoever finds a release locked: `user@host (pid 4711)`.
pub(crate) fn of_this_run() -> String {
    if let Ok(identity) = env::var(environment::IDENTITY) {
        return format!("{identity} (pid {})", std::process::id());
    }
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let user = user.map_or_else(|| "unknown".to_owned(), |user| user.name);
    let host = nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |h| h.to_string_lossy().into_owned());
    format!("{user}@{host} (pid {})", std::process::id())
}
