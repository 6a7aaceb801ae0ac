//! API server, workload controllers and node in one process.
