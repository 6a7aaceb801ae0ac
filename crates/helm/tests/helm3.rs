//! The same tests side by side with Helm 3.22.0, which the drop-in stands in for where `BOWLINE_HELM_COMPAT` says so.
//! [`support::IS_HELM3`] is what tells them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]
// Each of them brings what they share.
#![allow(clippy::duplicate_mod)]

#[path = "coverage.rs"]
mod coverage;
#[path = "frame.rs"]
mod frame;
#[path = "helm_suites.rs"]
mod helm_suites;
#[path = "lint.rs"]
mod lint;
#[path = "rendering.rs"]
mod rendering;
