use bowline_cluster::ClusterError;

use crate::lock::LockHeld;

/// Why a release could not be read, written or locked.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The API server said no, or nothing.
    #[error("{doing}: {source}")]
    Cluster {
        /// What was being done, with the release's name.
        doing: String,
        /// What came of it.
        source: Box<ClusterError>,
    },
    /// A record that is none.
    #[error("read release record {secret}: {cause}")]
    Corrupt {
        /// The Secret.
        secret: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The record does not fit into a Secret.
    #[error(
        "record revision {revision} of release {release}: {size} bytes are more than the {limit} that a Secret holds; \
         move large files out of the chart"
    )]
    TooLarge {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
        /// Bytes of the encoded record.
        size: usize,
        /// Bytes a Secret may hold.
        limit: usize,
    },
    /// The revision exists: another program wrote it meanwhile.
    #[error("revision {revision} of release {release} exists already: another deployment ran at the same time")]
    RevisionExists {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// Somebody else is at work on the release.
    #[error(transparent)]
    Held(Box<LockHeld>),
    /// The lock was taken by somebody else while it was held here.
    #[error("the lock of release {release} was lost to {holder}")]
    LockLost {
        /// The release.
        release: String,
        /// Who has it now; empty where that is not known.
        holder: String,
    },
    /// A label that Helm keeps for itself.
    #[error(
        "label {label} of release {release} is reserved by Helm (name, owner, status, version, createdAt, modifiedAt)"
    )]
    ReservedLabel {
        /// The release.
        release: String,
        /// The label.
        label: String,
    },
}

impl From<LockHeld> for ReleaseError {
    fn from(held: LockHeld) -> Self {
        Self::Held(Box::new(held))
    }
}

impl ReleaseError {
    pub(crate) fn cluster(doing: impl Into<String>) -> impl FnOnce(ClusterError) -> Self {
        let doing = doing.into();
        |source| Self::Cluster { doing, source: Box::new(source) }
    }
}
