//! Carries a plan out: install, upgrade, rollback, uninstall; waits, hooks, events.
