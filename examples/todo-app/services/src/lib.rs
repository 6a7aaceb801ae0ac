//! The sample application: todos with a page, an API, PostgreSQL, and migrations.
//!
//! ```text
//!  browser ─► todo-frontend (page, /api/* forwarded) ─► todo-backend (tasks, health, metrics) ─► PostgreSQL
//!                                                        todo-migrate (numbered SQL files, once) ──┘
//! ```
//!
//! Reads: its environment, requests, PostgreSQL.
//! Produces: answers, JSON logs on standard output, Prometheus metrics.
//! Never: knows anything of Bowline, or of Kubernetes beyond probes and signals.
#![forbid(unsafe_code)]

pub mod backend;
pub mod database;
pub mod frontend;
mod http;
mod log;
mod metrics;
pub mod migrate;
mod settings;
mod tasks;

pub use log::{Level, Log};
pub use settings::{Faults, Settings, SettingsError, required, seconds};
