//! A folder of migrations, of whichever tool: what is in it, in order, and which text takes the schema forth and back.
//!
//! Only names and the marks that part a file are read here; whether a file is one that its tool would run is the tool's
//! parser's to say.

mod alembic;
mod layout;
mod migration;
mod read;

pub use layout::Layout;
pub use migration::{Migration, Part};
pub use read::{MigrationTree, TreeError};
