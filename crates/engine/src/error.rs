use bowline_cluster::ClusterError;
use bowline_release::{ReleaseError, Status};

use crate::Cause;

/// Why a run did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The API server said no, or nothing, before the run began.
    #[error("{doing}: {source}")]
    Cluster {
        /// What was being done.
        doing: String,
        /// What came of it.
        source: Box<ClusterError>,
    },
    /// The release could not be read, recorded or locked.
    #[error(transparent)]
    Release(Box<ReleaseError>),
    /// Documents of the chart are no objects that can be deployed.
    #[error("the chart cannot be deployed: {}", problems.join("; "))]
    Incomplete {
        /// One sentence for each document, with its place.
        problems: Vec<String>,
    },
    /// The namespace is not there, and was not to be created.
    #[error("namespace {namespace} does not exist")]
    NamespaceMissing {
        /// The namespace.
        namespace: String,
    },
    /// Objects of the chart exist and belong to somebody else.
    #[error("unable to continue with {doing}: {}", conflicts.join("; "))]
    Foreign {
        /// `install` or `update`
        doing: &'static str,
        /// One sentence for each object.
        conflicts: Vec<String>,
    },
    /// Another program seems to be at work on the release.
    #[error(
        "revision {revision} of release {release} is {status} since {since}: another program (helm) may be at work on it"
    )]
    Busy {
        /// The release.
        release: String,
        /// The pending revision.
        revision: u32,
        /// Its status.
        status: Status,
        /// When it was recorded.
        since: String,
    },
    /// There is no such release.
    #[error("release {release} is not found in namespace {namespace}")]
    NoRelease {
        /// The release.
        release: String,
        /// The namespace.
        namespace: String,
    },
    /// There is no such revision.
    #[error("release {release} has no revision {revision}")]
    NoRevision {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// The manifests were made for another revision than the one that is due.
    #[error("release {release}: revision {expected} was prepared, but revision {due} is due: it changed meanwhile")]
    Moved {
        /// The release.
        release: String,
        /// The revision asked for.
        expected: u32,
        /// The revision that is due.
        due: u32,
    },
    /// A recorded manifest cannot be read.
    #[error("revision {revision} of release {release}: its recorded manifest cannot be read: {cause}")]
    StoredManifest {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
        /// What is wrong with it.
        cause: String,
    },
    /// The run began and failed.
    #[error("{0}")]
    Failed(Box<Failure>),
}

/// A run that began and failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that failed; for an uninstall, the one that was to go; 0 where it did not get that far.
    pub revision: u32,
    /// What was being done: `pre-install hook Job/migrate`, `wait until everything is ready`.
    pub doing: String,
    /// What came of it.
    pub message: String,
    /// Why.
    pub cause: Cause,
    /// What was done about it.
    pub undone: Undone,
    /// Its status as recorded; [`Status::Unknown`] where no record of it was written, or it could not be.
    pub status: Status,
    /// A deadline passed.
    pub timed_out: bool,
    /// It was asked to stop.
    pub interrupted: bool,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "release {}", self.release)?;
        if self.revision > 0 {
            write!(f, " revision {}", self.revision)?;
        }
        write!(f, ": {}: {}", self.doing, self.message)?;
        match &self.undone {
            Undone::Nothing if self.status == Status::Unknown => write!(f, "; its outcome is not recorded"),
            Undone::Nothing => write!(f, "; the revision is recorded as {}", self.status),
            Undone::RolledBack { to, .. } => write!(f, "; it was rolled back to revision {to}"),
            Undone::Uninstalled => write!(f, "; it was uninstalled again"),
            Undone::NoGoodRevision => {
                write!(f, "; the revision is recorded as {}: no earlier one was good to go back to", self.status)
            }
            Undone::Failed { doing, message } => write!(f, "; and then {doing} failed too: {message}"),
        }
    }
}

/// What was done about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// Nothing: everything is left as it was then.
    Nothing,
    /// The release went back to an earlier revision.
    RolledBack {
        /// Whose manifests it has now.
        to: u32,
        /// Its new revision.
        revision: u32,
    },
    /// A first install was removed.
    Uninstalled,
    /// Nothing, although asked for: no revision before it was ever good.
    NoGoodRevision,
    /// It was tried, and failed too.
    Failed {
        /// `rollback to revision 3`, `uninstall`
        doing: String,
        /// What came of it.
        message: String,
    },
}

impl EngineError {
    pub(crate) fn cluster(doing: impl Into<String>) -> impl FnOnce(ClusterError) -> Self {
        let doing = doing.into();
        |source| Self::Cluster { doing, source: Box::new(source) }
    }

    /// The failure, where the run had begun.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// A deadline passed.
    pub fn is_timed_out(&self) -> bool {
        self.failure().is_some_and(|f| f.timed_out)
    }

    /// It was asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.failure().is_some_and(|f| f.interrupted)
    }

    /// What to do about it: a command, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed(failure) => failure.cause.hint.clone().or_else(|| match failure.undone {
                Undone::NoGoodRevision => Some(format!("bowline uninstall {}", failure.release)),
                _ => None,
            }),
            Self::NamespaceMissing { namespace } => Some(format!("kubectl create namespace {namespace}")),
            Self::NoRelease { namespace, .. } => Some(format!("bowline list --namespace {namespace}")),
            Self::NoRevision { release, .. } => Some(format!("bowline history {release}")),
            Self::Busy { release, .. } => Some(format!("helm rollback {release}")),
            _ => None,
        }
    }
}

impl From<ReleaseError> for EngineError {
    fn from(error: ReleaseError) -> Self {
        Self::Release(Box::new(error))
    }
}
