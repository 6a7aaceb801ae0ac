//! Passwords, keys, certificates and encryption.

mod aes;
mod certificates;
mod keys;
mod passwords;

use super::Host;
use bowline_gotemplate::Function;

pub(super) fn table() -> Vec<Function<Host>> {
    [passwords::table(), keys::table(), certificates::table(), aes::table()].into_iter().flatten().collect()
}
