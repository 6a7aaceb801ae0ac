//! Standard output and standard error. A closed pipe ends printing quietly.

use std::io::Write;

use bowline_render::TemplateText;

/// What the command was asked for.
pub(crate) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What `helm template` prints, byte for byte.
pub(crate) fn rendered(text: &TemplateText) {
    let _ = text.write_to(&mut std::io::stdout().lock());
}

/// Everything else.
pub(crate) fn error(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A line of Helm's log at level `WARN`; `fields` are pairs of a key and a value.
pub(crate) fn warn(message: &str, fields: &[(&str, &str)]) {
    log("WARN", message, fields);
}

/// A line of Helm's log, as Go's `slog.TextHandler` writes it without the time.
pub(crate) fn log(level: &str, message: &str, fields: &[(&str, &str)]) {
    let mut line = format!("level={level} msg={}", log_value(message));
    for (key, value) in fields {
        line.push_str(&format!(" {key}={}", log_value(value)));
    }
    line.push('\n');
    error(&line);
}

/// A line of the log of Helm 3, which says where in Helm's source it is written.
pub(crate) fn log_of_helm3(source: &str, text: &str) {
    error(&format!("{source}: {text}\n"));
}

/// Go quotes what has blanks, quotes, an equals sign, what does not print, or nothing in it.
fn log_value(text: &str) -> String {
    let odd = |c: char| c.is_ascii() && (c <= ' ' || c == '"' || c == '=' || c == '\x7f') || !bowline_yaml::is_print(c);
    if text.is_empty() || text.chars().any(odd) { bowline_yaml::quote(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_to_be_is_quoted() {
        assert_eq!(log_value("plain/path.yaml"), "plain/path.yaml");
        assert_eq!(log_value("two words"), "\"two words\"");
        assert_eq!(log_value("a=b"), "\"a=b\"");
        assert_eq!(log_value(""), "\"\"");
    }
}
