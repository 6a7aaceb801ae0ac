//! The sample application: todos with a page, an API and PostgreSQL.
//!
//! ```text
//!  browser ─► todo-frontend (page, /api/* forwarded) ─► todo-backend (tasks, health, metrics) ─► PostgreSQL
//!                                            migrations/ (SQL files, run before them by a Job) ────┘
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
mod settings;
mod tasks;

pub use log::{Level, Log};
pub use settings::{Faults, Settings, SettingsError, required};
