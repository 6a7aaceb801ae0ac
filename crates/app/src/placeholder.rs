use std::collections::BTreeMap;

/// A `${…}` that stands for nothing known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'${{{name}}}' is not known here; known: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
pub struct UnknownPlaceholder {
    /// What stood between the braces.
    pub name: String,
    /// What could have stood there.
    pub known: Vec<String>,
}

/// Replaces every `${name}` in `text` by its value; `$${` stands for a literal `${`.
///
/// # Errors
/// Where a name has no value.
pub fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, UnknownPlaceholder> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(length) = rest[at..].find('}') else { break };
        if rest[..at].ends_with('$') {
            filled.push_str(&rest[..at - 1]);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let name = &rest[at + 2..at + length];
        let unknown = || UnknownPlaceholder { name: name.to_owned(), known: values.keys().cloned().collect() };
        filled.push_str(values.get(name).ok_or_else(unknown)?);
        rest = &rest[at + length + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_known_names_and_refuses_others() {
        let values = BTreeMap::from([("stores.db.url".to_owned(), "postgres://x".to_owned())]);
        assert_eq!(fill("a ${stores.db.url} b $${c} ${", &values).unwrap(), "a postgres://x b ${c} ${");
        let error = fill("${stores.cache.url}", &values).unwrap_err();
        assert_eq!(error.to_string(), "'${stores.cache.url}' is not known here; known: stores.db.url");
    }
}
