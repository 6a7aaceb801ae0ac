//! Releases and revisions in Helm's storage format, and the lock that guards them.
//!
//! ```text
//!  Release ◄─► JSON ─ gzip ─ base64 ◄─► Secret sh.helm.release.v1.NAME.vN     (helm list, history, rollback read it)
//!  migrations, logs ◄─► Secrets bowline.KIND.v1.NAME.vN, owned by that one         (they go when it goes)
//!  Lock ◄─► Lease bowline.NAME: holder, heartbeat, deadline                   (one run at a time)
//! ```
//!
//! Reads: the Secrets that helm 3, helm 4 and Bowline wrote, and the release's Lease.
//! Produces: the same, so that either program goes on where the other stopped.
//! Never: decides what a revision's status becomes; knows what a chart is (it is a JSON value here).
#![forbid(unsafe_code)]

mod codec;
mod error;
mod lock;
mod record;
mod side;
mod status;
mod store;

pub use codec::{decode, encode};
pub use error::ReleaseError;
pub use lock::{Holder, Lock, LockHeld, LockOptions};
pub use record::{ApplyMethod, ChartRecord, HookExecution, HookPhase, HookRecord, Info, Release};
pub use side::SideKind;
pub use status::Status;
pub use store::{DEFAULT_HISTORY_LIMIT, ReleaseStore};
