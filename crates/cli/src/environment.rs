//! Every environment variable that the command line reads, one documented constant each.

/// Folder for running clusters and their data stores. Default: `/var/lib/bowline` for root (servers such as PostgreSQL
/// refuse to run as root, and another user cannot look into root's home), else `$XDG_STATE_HOME/bowline`, else
/// `~/.local/state/bowline`.
pub(crate) const HOME: &str = "BOWLINE_HOME";
/// See [`HOME`].
pub(crate) const XDG_STATE_HOME: &str = "XDG_STATE_HOME";
/// Log filter for diagnostics on stderr, such as `debug` or `bowline_engine=trace`.
pub(crate) const LOG: &str = "BOWLINE_LOG";
/// Name by which the release lock knows this run. Default: `user@host`, with the process id.
pub(crate) const IDENTITY: &str = "BOWLINE_IDENTITY";
/// Kubeconfig files as kubectl reads them; set, it wins over a running embedded cluster.
pub(crate) const KUBECONFIG: &str = "KUBECONFIG";
