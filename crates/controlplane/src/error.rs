use bowline_apiserver::Status;

/// What went wrong in a controller or while starting a control plane.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API refused a read or a write; its own words.
    #[error(transparent)]
    Api(#[from] Status),
    /// The control plane was started outside of a tokio runtime.
    #[error("starting the control plane: no tokio runtime is running")]
    NoRuntime,
    /// The node could not be started.
    #[error(transparent)]
    Node(#[from] crate::node::NodeError),
    /// A controller's task ended in a panic.
    #[error("stopping the control plane: the controllers' task panicked")]
    Panicked,
}

impl Error {
    /// Was the object there already?
    pub(crate) fn is_already_exists(&self) -> bool {
        matches!(self, Self::Api(status) if status.is_already_exists())
    }

    /// Is the object not there?
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(status) if status.is_not_found())
    }

    /// Was it refused because the namespace is being deleted?
    pub(crate) fn is_namespace_terminating(&self) -> bool {
        let Self::Api(status) = self else { return false };
        status.details.iter().flat_map(|d| &d.causes).any(|cause| cause.reason == "NamespaceTerminating")
    }
}
