//! One file per command: settings in, the crates below, output and exit code.

pub(crate) mod check;
pub(crate) mod cluster;
pub(crate) mod deploy;
pub(crate) mod down;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod migrate;
pub(crate) mod rehearse;
pub(crate) mod rollback;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod uninstall;
pub(crate) mod up;
pub(crate) mod values;
