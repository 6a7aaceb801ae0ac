//! ConfigMaps and Secrets.

use serde_json::Value;

use super::super::names;
use super::causes::{Causes, str};

/// Data of one object holds at most so many bytes.
const LARGEST: usize = 1024 * 1024;

fn keys<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.get(field).and_then(Value::as_object).into_iter().flatten()
}

fn check_keys(object: &Value, field: &str, causes: &mut Causes) -> usize {
    let mut size = 0;
    for (key, value) in keys(object, field) {
        if let Some(why) = names::data_key(key) {
            causes.invalid_text(format!("{field}[{key}]"), key, &why);
        }
        size += value.as_str().unwrap_or_default().len();
    }
    size
}

pub(super) fn config_map(object: &Value, causes: &mut Causes) {
    let mut size = 0;
    for (key, value) in keys(object, "data") {
        if let Some(why) = names::data_key(key) {
            causes.invalid_text(format!("data[{key}]"), key, &why);
        }
        if object.get("binaryData").and_then(|b| b.get(key)).is_some() {
            causes.invalid_text(format!("data[{key}]"), key, "duplicate of key present in binaryData");
        }
        size += value.as_str().unwrap_or_default().len();
    }
    size += check_keys(object, "binaryData", causes) / 4 * 3;
    if size > LARGEST {
        causes.too_long("", LARGEST);
    }
}

pub(super) fn secret(object: &Value, causes: &mut Causes) {
    let size = check_keys(object, "data", causes) / 4 * 3;
    if size > LARGEST {
        causes.too_long("data", LARGEST);
    }
    let needed: &[&str] = match str(object, "type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/service-account-token" => {
            let account =
                object.pointer("/metadata/annotations").and_then(|a| a.get("kubernetes.io/service-account.name"));
            if account.and_then(Value::as_str).unwrap_or_default().is_empty() {
                causes.required("metadata.annotations[kubernetes.io/service-account.name]", "");
            }
            &[]
        }
        "kubernetes.io/basic-auth" => {
            let has = |key: &str| object.get("data").and_then(|d| d.get(key)).is_some();
            if !has("username") && !has("password") {
                causes.required("data[username]", "");
                causes.required("data[password]", "");
            }
            &[]
        }
        _ => &[],
    };
    for key in needed.iter().filter(|key| object.get("data").and_then(|d| d.get(**key)).is_none()) {
        causes.required(format!("data[{key}]"), "");
    }
}

/// What was said to be immutable stays as it is.
pub(super) fn immutable(old: &Value, new: &Value, fields: &[&str], causes: &mut Causes) {
    if old.get("immutable").and_then(Value::as_bool) != Some(true) {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new.get("immutable").and_then(Value::as_bool) != Some(true) {
        causes.forbidden("immutable", why);
    }
    for field in fields.iter().filter(|field| old.get(**field) != new.get(**field)) {
        causes.forbidden(*field, why);
    }
}
