//! `include`, `tpl`, `required`, `fail` and `lookup`.

use super::arguments::{bytes, string};
use super::{Answer, Host, fail, hosted};
use crate::convert::from_yaml;
use crate::environment::{LetPass, Lookup};
use bowline_gotemplate::Type::{Any, Map, Text};
use bowline_gotemplate::{self as gotemplate, Call, Failure, Function, Value, fmt, lossy};

/// Stands before the message of `required` and `fail`, so that the rendering can cut the message out of the error.
pub const WARNING_START: &str = "HELM_ERR_START";
/// Stands after the message of `required` and `fail`.
pub const WARNING_END: &str = "HELM_ERR_END";

/// How often one template may be including itself at a time.
const MAX_INCLUDES: u32 = 1000;

/// What Go prints for no value; Helm deletes it from every output.
const NO_VALUE: &[u8] = b"<no value>";

pub(super) fn table() -> Vec<Function<Host>> {
    vec![
        hosted("include", &[Text, Any], Text, include),
        hosted("tpl", &[Text, Any], Text, tpl),
        hosted("required", &[Text, Any], Any, required),
        hosted("fail", &[Text], Text, fail_with),
        hosted("lookup", &[Text, Text, Text, Text], Map, lookup),
        hosted("getHostByName", &[Text], Text, get_host_by_name),
    ]
}

fn include(call: &mut Call<'_, Host>) -> Answer {
    let args = call.args();
    let Value::Text(name) = &args[0] else { return fail("include needs a name") };
    let count = call.host().including.entry(name.clone()).or_insert(0);
    if *count > MAX_INCLUDES {
        let message = format!("rendering template has a nested reference name: {}", name.to_str());
        return Err(Failure::new("unable to execute template").context(message));
    }
    *count += 1;
    let mut out = call.host().buffers.pop().unwrap_or_default();
    let result = call.execute(name, args[1].clone(), &mut out);
    if let Some(count) = call.host().including.get_mut(name) {
        *count -= 1;
    }
    result?;
    Ok(Value::Text(taken(call, out)))
}

/// What was written to a buffer, which is kept for others.
fn taken(call: &mut Call<'_, Host>, mut buffer: Vec<u8>) -> gotemplate::Text {
    let text = gotemplate::Text::from(buffer.as_slice());
    buffer.clear();
    call.host().buffers.push(buffer);
    text
}

fn tpl(call: &mut Call<'_, Host>) -> Answer {
    let args = call.args();
    let Value::Text(text) = &args[0] else { return fail("tpl needs a text") };
    if memchr::memmem::find(text, b"{{").is_none() {
        // Nothing to do, and nothing that could fail.
        return Ok(Value::Text(without_no_value(text).map_or_else(|| text.clone(), Into::into)));
    }
    let mut out = call.host().buffers.pop().unwrap_or_default();
    match call.execute_text(text, args[1].clone(), &mut out) {
        Ok(()) => Ok(Value::Text(match without_no_value(&out) {
            Some(without) => without.into(),
            None => taken(call, out),
        })),
        Err(failure) => {
            let what = match failure {
                Failure::Parse(_) => "cannot parse template",
                _ => "error during tpl function execution for",
            };
            Err(failure.context(format!("{what} {}", fmt::quoted(text))))
        }
    }
}

/// `text` without every `<no value>`, where it has one.
fn without_no_value(text: &[u8]) -> Option<Vec<u8>> {
    let found = |text: &[u8]| memchr::memmem::find(text, NO_VALUE);
    let mut rest = text;
    let mut out = Vec::new();
    while let Some(at) = found(rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    if rest.len() == text.len() {
        return None;
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn warning<T>(message: &Value) -> Result<T, Failure> {
    fail(format!("{WARNING_START}{}{WARNING_END}", string(message)))
}

fn required(call: &mut Call<'_, Host>) -> Answer {
    let args = call.args();
    let missing = match &args[1] {
        Value::Nil => true,
        Value::Text(text) => text.is_empty(),
        _ => false,
    };
    if !missing {
        return Ok(args[1].clone());
    }
    let is_nil = matches!(args[1], Value::Nil);
    let message = args[0].clone();
    if !call.host().lint {
        return warning(&message);
    }
    let passed = if is_nil { LetPass::Missing } else { LetPass::Empty };
    call.host().environment.let_pass(passed, &string(&message));
    Ok(Value::from(""))
}

fn fail_with(call: &mut Call<'_, Host>) -> Answer {
    let message = call.args()[0].clone();
    if !call.host().lint {
        return warning(&message);
    }
    call.host().environment.let_pass(LetPass::Fail, &string(&message));
    Ok(Value::from(""))
}

fn lookup(call: &mut Call<'_, Host>) -> Answer {
    let args = call.args();
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|i| string(&args[i]));
    let query = Lookup { api_version: &api_version, kind: &kind, namespace: &namespace, name: &name };
    call.host().environment.lookup(&query).map(|value| from_yaml(&value)).map_err(Failure::new)
}

fn get_host_by_name(call: &mut Call<'_, Host>) -> Answer {
    let host = lossy(bytes(&call.args()[0])).into_owned();
    Ok(Value::from(call.host().environment.resolve(&host).unwrap_or_default()))
}
