//! What templates find beside `.Values`: `.Files` and `.Capabilities`, with the types and methods they have in Helm.

mod capabilities;
mod files;
mod glob;
mod metadata;
mod structure;
mod values;

pub use capabilities::{Capabilities, GO_VERSION, KUBE_CLIENT_VERSION, KubeVersion, helm_release, helm_version};
pub use files::files;
pub(crate) use metadata::metadata;
pub(crate) use structure::without_hidden_fields;
pub use values::values;
