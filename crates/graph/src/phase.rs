//! When an object is there: the phases of a journey of a release.

use std::fmt;

use bowline_manifest::HookEvent;
use serde::{Deserialize, Serialize};

/// What happens to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Journey {
    /// The first install.
    Install,
    /// A later revision.
    Upgrade,
    /// Back to an earlier revision.
    Rollback,
    /// Removal.
    Uninstall,
}

impl Journey {
    /// The hooks before and after the objects themselves change.
    pub fn events(self) -> (HookEvent, HookEvent) {
        match self {
            Self::Install => (HookEvent::PreInstall, HookEvent::PostInstall),
            Self::Upgrade => (HookEvent::PreUpgrade, HookEvent::PostUpgrade),
            Self::Rollback => (HookEvent::PreRollback, HookEvent::PostRollback),
            Self::Uninstall => (HookEvent::PreDelete, HookEvent::PostDelete),
        }
    }
}

impl fmt::Display for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Uninstall => "uninstall",
        })
    }
}

/// A moment of a journey; earlier phases compare less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Custom resource definitions of the `crds/` folder.
    Crds,
    /// A hook before the main objects; they run one at a time.
    Pre {
        /// Place in the order in which the event's hooks run, from 0.
        position: usize,
        /// `helm.sh/hook-weight`
        weight: i64,
    },
    /// The ordinary objects.
    Main,
    /// A hook after the main objects are ready.
    Post {
        /// Place in the order in which the event's hooks run, from 0.
        position: usize,
        /// `helm.sh/hook-weight`
        weight: i64,
    },
}
