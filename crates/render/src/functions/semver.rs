//! Semantic versions and constraints as Masterminds' library reads them.

mod constraint;
mod version;

use super::arguments::string;
use super::{Host, pure};
use bowline_gotemplate::Type::{Bool, Pointer, Text};
use bowline_gotemplate::{Failure, Function, Value};
use constraint::Constraint;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub(super) use version::Version;

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        pure("semver", &[Text], Pointer("*semver.Version"), |args| {
            Version::parse(&string(&args[0])).map(Value::object).map_err(Failure::new)
        }),
        pure("semverCompare", &[Text, Text], Bool, |args| {
            let constraint = constraint(&string(&args[0])).map_err(Failure::new)?;
            let version = Version::parse(&string(&args[1])).map_err(Failure::new)?;
            Ok(constraint.allows(&version).into())
        }),
    ]
}

thread_local! {
    /// Charts ask the same of each of their templates.
    static READ: RefCell<HashMap<String, Rc<Constraint>>> = RefCell::new(HashMap::new());
}

/// How many constraints are kept.
const KEPT: usize = 64;

fn constraint(text: &str) -> Result<Rc<Constraint>, String> {
    if let Some(found) = READ.with_borrow(|read| read.get(text).cloned()) {
        return Ok(found);
    }
    let constraint = Rc::new(Constraint::parse(text)?);
    READ.with_borrow_mut(|read| {
        if read.len() >= KEPT {
            read.clear();
        }
        read.insert(text.to_owned(), Rc::clone(&constraint));
    });
    Ok(constraint)
}
