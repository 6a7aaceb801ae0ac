//! Helm charts, dependencies and values.
