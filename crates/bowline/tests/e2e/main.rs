//! The binary as its users run it: real processes, real PostgreSQL, real kubectl and helm.
// Helpers of tests fail the test; real programs are waited for in real time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod bowline;
mod dead_run;
mod faults;
mod http;
mod inspect;
mod kill;
mod migrations;
mod outputs;
mod problems;
mod server;
mod todo_app;
mod values;
