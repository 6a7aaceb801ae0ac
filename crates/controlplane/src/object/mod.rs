//! Facts that controllers read off Kubernetes objects.

mod fields;
pub(crate) mod owner;
mod percent;
pub(crate) mod pod;
mod quantity;
mod selector;
pub(crate) mod template;

pub(crate) use fields::Fields;
pub(crate) use percent::{Rounding, int_or_percent};
pub(crate) use quantity::millis;
pub(crate) use selector::{Selector, labels};
