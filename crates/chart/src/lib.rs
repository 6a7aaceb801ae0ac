//! Helm charts, dependencies and values.
//!
//! ```text
//!  directory, .tgz ─► Chart ──┐
//!                             ├─► prepare ─► Prepared { chart without what is off, .Values }
//!  -f, --set … ─► UserValues ─┘                (conditions, tags, alias, import-values, globals, null deletion)
//! ```
//!
//! Reads: charts and values files.
//! Produces: charts in memory, the values templates see, and where each of the user's was set.
//! Never: fetches anything; renders.
#![forbid(unsafe_code)]

mod archive;
mod chart;
mod coalesce;
mod compat;
mod content_type;
mod dependencies;
mod directory;
mod error;
mod glob;
mod go_time;
mod ignore;
mod load;
mod metadata;
mod provenance;
mod strvals;
mod user_values;
mod values;
mod values_file;
mod version;

pub use chart::{Chart, Crd};
pub use coalesce::merge_tables;
pub use compat::{Compat, UnknownCompat};
pub use directory::observe_links;
pub use error::{Error, Place, go_io_reason};
pub use glob::{BadPattern, glob_match};
pub use load::{File, archive_files, directory_files, directory_files_again};
pub use metadata::{Dependency, Maintainer, Metadata};
pub use provenance::{Provenance, ValueOrigin};
pub use user_values::{Fetch, Origin, UserValues, ValueSources};
pub use values::Prepared;
pub use version::{Constraint, Version, is_compatible};
