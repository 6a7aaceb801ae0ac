//! What templates find beside `.Values`: `.Files` and `.Capabilities`, with the types and methods they have in Helm.

mod capabilities;
mod files;
mod glob;
mod values;

pub(crate) use capabilities::without_hidden_fields;
pub use capabilities::{Capabilities, GO_VERSION, HELM_VERSION, KUBE_CLIENT_VERSION, KubeVersion, helm_version};
pub use files::files;
pub use values::values;
