//! One file per rule, and the table of them.

mod browser_address;
mod hook_needs_later_object;
mod hook_permissions_later;
mod hook_retry_blocked;
mod image_kept_stale;
mod key_missing;
mod migration_evidence_lost;
mod migration_job_shared;
mod namespace_mismatch;
mod namespace_of_release;
mod selector_matches_nothing;

use crate::Rule;

/// Every rule, by name.
pub(crate) const RULES: &[Rule] = &[
    browser_address::RULE,
    hook_needs_later_object::RULE,
    hook_permissions_later::RULE,
    hook_retry_blocked::RULE,
    image_kept_stale::RULE,
    key_missing::RULE,
    migration_evidence_lost::RULE,
    migration_job_shared::RULE,
    namespace_mismatch::RULE,
    namespace_of_release::RULE,
    selector_matches_nothing::RULE,
];
