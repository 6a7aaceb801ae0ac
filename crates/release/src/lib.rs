//! Releases and revisions in Helm's storage format, and the lock that guards them.
