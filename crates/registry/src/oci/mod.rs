//! Charts in OCI registries.

mod client;
mod credentials;
mod reference;
mod session;

pub(crate) use client::{Part, created};
pub use client::{Pulled, RegistryClient};
pub use credentials::Credentials;
pub(crate) use reference::is_oci;

/// Media type of a chart's `Chart.yaml` as JSON.
pub const CONFIG_MEDIA_TYPE: &str = "application/vnd.cncf.helm.config.v1+json";
/// Media type of a chart's archive.
pub const CHART_MEDIA_TYPE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Media type of a provenance file.
pub const PROVENANCE_MEDIA_TYPE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// What the archive was called by early versions.
const OLD_CHART_MEDIA_TYPE: &str = "application/tar+gzip";
const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
