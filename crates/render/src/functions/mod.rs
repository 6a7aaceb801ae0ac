//! The functions of Helm's templates: Sprig's, and Helm's own.
//!
//! One file per subject; each gives its part of the table as `table()`. The signatures are Go's, because they decide what
//! a template may pass and which error it gets.

mod arguments;
mod case;
mod cast;
mod categories;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod digests;
mod durations;
mod encoding;
mod extent;
mod json;
mod kinds;
mod lists;
mod math;
mod merge;
mod paths;
mod random;
mod regex;
mod semver;
mod split;
mod strings;
mod templates;
mod toml;
pub(crate) mod urls;
mod yaml;

use crate::environment::Environment;
use bowline_chart::Compat;
use bowline_gotemplate::{Body, Call, Failure, Function, MissingKey, Program, Text, Type, Value};
use std::collections::HashMap;
use std::rc::Rc;

pub(crate) use dates::check_time;
pub(crate) use encoding::base64;
pub use json::{from_json, to_json};
pub(crate) use regex::go_regex;
pub use templates::WARNING_END;
pub use templates::WARNING_START;
pub use yaml::to_yaml;

/// The state of one rendering that functions see.
pub struct Host {
    /// Where time, randomness and cluster objects come from.
    pub environment: Rc<dyn Environment>,
    /// Rendering for `lint`: `required` and `fail` let it pass.
    pub lint: bool,
    /// How often each template is being included at present.
    including: HashMap<Text, u32>,
    /// Buffers that `include` and `tpl` wrote to, for the next ones: they have grown already.
    buffers: Vec<Vec<u8>>,
}

impl Host {
    /// The state at the beginning of a rendering.
    pub fn new(environment: Rc<dyn Environment>) -> Self {
        Self { environment, lint: false, including: HashMap::new(), buffers: Vec::new() }
    }
}

/// What Helm 3 has not yet.
const NEW_IN_HELM4: [&str; 2] = ["mustToYaml", "mustToToml"];

/// A set without templates that knows all of Helm's functions and answers missing keys as Helm does.
pub fn program(compat: Compat) -> Program<Host> {
    Program::new("gotpl", table(compat)).missing_key(MissingKey::Zero)
}

/// All functions.
pub fn table(compat: Compat) -> Vec<Function<Host>> {
    let is_new = |function: &Function<Host>| {
        NEW_IN_HELM4.contains(&function.name)
            || durations::table().iter().any(|duration| duration.name == function.name)
    };
    let mut functions = all();
    if compat.is_helm3() {
        functions.retain(|function| !is_new(function));
    }
    functions
}

fn all() -> Vec<Function<Host>> {
    [
        templates::table(),
        strings::table(),
        split::table(),
        case::table(),
        defaults::table(),
        dicts::table(),
        lists::table(),
        math::table(),
        kinds::table(),
        encoding::table(),
        digests::table(),
        json::table(),
        yaml::table(),
        regex::table(),
        semver::table(),
        paths::table(),
        urls::table(),
        decimal::table(),
        random::table(),
        durations::table(),
        dates::table(),
        toml::table(),
        crypto::table(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `[]string` as the type of a result.
const TEXTS: Type = Type::Named("[]string");
/// `map[string]string` as the type of a result.
const TEXT_MAP: Type = Type::Named("map[string]string");

/// What a function answers.
type Answer = Result<Value, Failure>;

/// A function of its arguments alone.
fn pure(name: &'static str, params: &'static [Type], returns: Type, body: fn(&[Value]) -> Answer) -> Function<Host> {
    Function { name, params, variadic: false, returns, body: Body::Pure(body) }
}

/// The same with any number of arguments of the last type.
fn variadic(
    name: &'static str,
    params: &'static [Type],
    returns: Type,
    body: fn(&[Value]) -> Answer,
) -> Function<Host> {
    Function { name, params, variadic: true, returns, body: Body::Pure(body) }
}

/// A function that uses the rendering's state.
fn hosted(
    name: &'static str,
    params: &'static [Type],
    returns: Type,
    body: fn(&mut Call<'_, Host>) -> Answer,
) -> Function<Host> {
    Function { name, params, variadic: false, returns, body: Body::Host(body) }
}

/// An error with the text of a Go error or panic.
fn fail<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(message))
}
