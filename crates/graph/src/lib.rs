//! References and phases of a set of manifests.
