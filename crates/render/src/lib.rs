//! Chart, values and capabilities to manifests and hooks, byte for byte as Helm does it.
//!
//! ```text
//!  Chart ─► Templates (compiled once)
//!               │
//!  UserValues ──┼─► prepare ─► dot of each chart ─► execute ─► split ─► heads, hooks ─► sort ─► ManifestSet
//!  Options ─────┤                                     │                                    └──► text of `helm template`
//!  Environment ─┘                                     └─ every line knows the template's line that wrote it
//! ```
//!
//! Reads: a chart, the user's values, what a release is called; time, randomness and a cluster through [`Environment`].
//! Produces: a [`ManifestSet`], or the text that `helm template` prints.
//! Never: reads a file or the environment; asks a cluster by itself.
#![forbid(unsafe_code)]

mod context;
pub mod convert;
mod diagnose;
mod document;
mod environment;
mod error;
pub mod functions;
mod head;
pub mod objects;
mod options;
mod order;
mod parallel;
mod reads;
mod schema;
pub mod show_only;
mod split;
pub mod suggest;
mod templates;
mod text;

use std::rc::Rc;

use bowline_chart::{Chart, UserValues};
use bowline_manifest::ManifestSet;

pub use diagnose::{Excerpt, Mark, Problem, is_sensitive};
pub use environment::{Environment, LetPass, Lookup, Nowhere};
pub use error::{Fault, RenderError};
pub use objects::KubeVersion;
pub use options::Options;
pub use order::install_order;
pub use reads::{Read, Reads};
pub use schema::check_one as check_values;
pub use templates::{RenderedFile, Templates};
pub use text::TemplateText;

/// Renders a chart once. To render it again, keep its [`Templates`].
///
/// # Errors
/// In Helm's words, with the place in the template.
pub fn render(
    chart: &Chart,
    values: &UserValues,
    options: &Options,
    environment: &Rc<dyn Environment>,
) -> Result<ManifestSet, RenderError> {
    Templates::new(chart.clone()).render(values, options, environment)
}
