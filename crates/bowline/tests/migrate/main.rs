//! `bowline migrate` as a process, on real servers and beside the real goose.

mod faults;
mod journal;
mod parity;
mod project;
mod race;
