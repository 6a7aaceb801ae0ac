//! The binary as its users run it: real processes, real PostgreSQL, real kubectl and helm.

mod bowline;
mod faults;
mod http;
mod inspect;
mod kill;
mod todo_app;
