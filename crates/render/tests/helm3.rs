//! The same tests side by side with Helm 3.22.0. [`support::IS_HELM3`] is what tells them.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// Each of them brings what they share.
#![allow(clippy::duplicate_mod)]

#[path = "chart_surface.rs"]
mod chart_surface;
#[path = "parity.rs"]
mod parity;
#[path = "schema.rs"]
mod schema;
