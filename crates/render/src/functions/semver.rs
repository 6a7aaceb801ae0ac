//! Semantic versions and constraints as Masterminds' library reads them.

mod constraint;
mod version;

use super::arguments::string;
use super::{Host, pure};
use bowline_gotemplate::Type::{Bool, Pointer, Text};
use bowline_gotemplate::{Failure, Function, Value};

pub(super) use version::Version;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("semver", &[Text], Pointer("*semver.Version"), |args| {
            Version::parse(&string(&args[0])).map(Value::object).map_err(Failure::new)
        }),
        pure("semverCompare", &[Text, Text], Bool, |args| {
            let constraint = constraint::Constraint::parse(&string(&args[0])).map_err(Failure::new)?;
            let version = Version::parse(&string(&args[1])).map_err(Failure::new)?;
            Ok(constraint.allows(&version).into())
        }),
    ]
}
