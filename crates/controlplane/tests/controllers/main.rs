//! The controllers under virtual time.

// A test may panic, wherever its code stands; and what json! makes is given away.
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)]

mod cluster;
mod deployment;
mod job;
mod lifecycle;
mod stateful_set;
mod whole;
