//! Chart, values and capabilities to manifests and hooks, byte for byte as Helm does it.
