//! Versioned key-value store with watch.
