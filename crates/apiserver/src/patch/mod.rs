//! What a patch makes of an object.

mod strategic;

use serde_json::Value;

use crate::schema::TypeId;
use crate::{Patch, Status};

/// The object with a patch other than an apply.
pub(crate) fn patched(of: Option<TypeId>, object: &Value, patch: &Patch) -> Result<Value, Status> {
    let mut new = object.clone();
    match patch {
        Patch::Merge(patch) => json_patch::merge(&mut new, patch),
        Patch::Strategic(patch) => {
            let of = of.ok_or_else(|| Status::unsupported_media_type(NO_STRATEGIC))?;
            strategic::merge(of, &mut new, patch.clone()).map_err(Status::bad_request)?;
        }
        Patch::Json(operations) => {
            let operations: json_patch::Patch = serde_json::from_value(operations.clone())
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut new, &operations).map_err(|_| rejected())?;
        }
        Patch::Apply(_) => return Err(Status::unsupported_media_type(NO_APPLY)),
    }
    Ok(new)
}

const NO_APPLY: &str =
    "the scale of a workload takes no application/apply-patch+yaml: apply the workload, or patch its scale";
const NO_STRATEGIC: &str = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

fn rejected() -> Status {
    let message = "the server rejected our request due to an error in our request";
    Status { details: Some(Box::default()), ..Status::new(422, "Invalid", message) }
}
