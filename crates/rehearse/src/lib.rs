//! Scenarios on an embedded control plane under virtual time.
