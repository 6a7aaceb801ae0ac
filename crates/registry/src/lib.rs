//! Chart repositories and OCI registries: index, pull, push, login, lock, provenance.
//!
//! ```text
//!  repositories.yaml ─► repository ─► index ──┐                ┌─► charts/ and Chart.lock   (Dependencies)
//!                                             ├─► Downloader ──┼─► an archive in the cache  (locate)
//!  oci://… ─► RegistryClient ─ tags, manifest ┘   (verify)     └─► an archive in a folder
//!
//!  chart directory ─► Source ─► archive (as Helm's) ─► sign ─► .prov
//! ```
//!
//! Reads: servers over HTTP, Helm's files (`repositories.yaml`, cached indices, credentials), keyrings, charts.
//! Produces: archives, indices, locks, provenance files, and errors in Helm's words.
//! Never: renders; prints (a [`Console`] is handed in); reads the clock (times are handed in); needs an async runtime.
#![forbid(unsafe_code)]

mod console;
mod dependencies;
mod downloader;
mod encode;
mod error;
mod fetch;
mod hub;
mod index;
mod index_schema;
mod keyring;
mod lock;
mod oci;
mod package;
mod provenance;
mod repositories;
mod repository;
mod search;
mod status;
mod time;
mod url;

pub use console::{Console, Silent};
pub use dependencies::{Dependencies, in_parallel};
pub use downloader::{Access, Downloader, MAX_ARCHIVE, Places, Verify, Wanted, in_repository, locate, push};
pub use encode::{Ordered, chart_yaml};
pub use error::{Error, os_error};
pub use fetch::{TIMEOUT, Tls};
pub use hub::{HubChart, search_hub};
pub use index::{Index, IndexEntry, MAX_INDEX};
pub use keyring::Keyring;
pub use lock::{Lock, lock_digest};
pub use oci::{CHART_MEDIA_TYPE, CONFIG_MEDIA_TYPE, Credentials, PROVENANCE_MEDIA_TYPE, Pulled, RegistryClient};
pub use package::{Source, expand};
pub use provenance::{Verification, check, digest, digest_of_file, sign, verify};
pub use repositories::{Repositories, RepositoriesLock, Repository};
pub use repository::{charts_file, download_index, fetch_values, index_file};
pub use search::{Found, SearchIndex};
pub use status::{ChartsFolder, DependencyStatus, Stray, dependency_statuses};
