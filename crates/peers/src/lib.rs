//! Test support: finds and runs the real programs that Bowline is compared with.
