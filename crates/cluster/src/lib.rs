//! Kubernetes API client for any kind: discovery, apply, watch, logs.
