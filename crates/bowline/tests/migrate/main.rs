//! `bowline migrate` as a process, on real servers and beside the real goose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod image;
mod journal;
mod parity;
mod project;
mod race;
mod sequence;
mod servers;
mod waves;
