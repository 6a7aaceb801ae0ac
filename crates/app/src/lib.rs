//! `bowline.yaml`: the chart, its values, and what runs beside it on this machine.
//!
//! ```text
//!  directory ─► App::load ─► App { name, namespace, chart, values, set, databases, local { images, stores, ports } }
//!                               │
//!                               └─ fill("${stores.db.url}", …) ─► values for --set
//! ```
//!
//! Reads: one file, `bowline.yaml`.
//! Produces: settings with every path made absolute against that file's folder.
//! Never: renders, starts or changes anything.
#![forbid(unsafe_code)]

mod file;
mod generate;
mod load;
mod placeholder;

pub use file::{App, Database, Local, LocalImage, RehearsedPod, SecretKey, Store, StoreKind, variable};
pub use generate::{GenerateError, HookStyle};
pub use load::{AppError, FILE_NAME};
pub use placeholder::{UnknownPlaceholder, fill};
