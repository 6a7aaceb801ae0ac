//! Finds host names in texts: in URLs, `host:port` pairs, and values that are a host as a whole.

/// A host name in a text, split where it names a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// The name of the Service, if it is one.
    pub(crate) service: &'a str,
    /// The namespace it states.
    pub(crate) namespace: Option<&'a str>,
    /// Whether it can only be a cluster name (`….svc`, `….svc.cluster.local`).
    pub(crate) certain: bool,
}

/// The hosts in `text`. `label` is the name of the variable or key that holds it: a bare word counts as a host only where
/// the name says so (`DB_HOST`), so that `APP_NAME=backend` is no reference to the Service `backend`.
pub(crate) fn hosts<'a>(label: &str, text: &'a str) -> Vec<Host<'a>> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(offset) = text[start..].find(is_host) {
        let begin = start + offset;
        let end = text[begin..].find(|c| !is_host(c)).map_or(text.len(), |length| begin + length);
        start = end;
        let (before, word, after) = (&text[..begin], text[begin..end].trim_end_matches('.'), &text[end..]);
        let authority = text[begin..].split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or_default();
        let is_user = authority.contains('@');
        let in_url = (before.ends_with("//") && !is_user) || (before.ends_with('@') && before.contains("//"));
        let has_port = after.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let alone = before.ends_with(|c: char| c.is_whitespace() || ",;=\"'".contains(c)) || before.is_empty();
        let whole = before.is_empty() && after.is_empty() && says_host(label);
        let Some(host) = split(word) else { continue };
        if in_url || whole || (alone && (has_port || host.certain)) {
            found.push(host);
        }
    }
    found
}

/// Whether a variable's name says that it holds a host.
fn says_host(label: &str) -> bool {
    let label = label.to_ascii_uppercase();
    ["HOST", "HOSTNAME", "ADDR", "ADDRESS", "ENDPOINT", "SERVER", "UPSTREAM", "URL"].iter().any(|w| label.ends_with(w))
}

fn split(word: &str) -> Option<Host<'_>> {
    let labels: Vec<&str> = word.split('.').collect();
    let is_label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
    if !labels.iter().all(|l| is_label(l)) || labels.first()?.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match labels.as_slice() {
        [service] => Some(Host { service, namespace: None, certain: false }),
        [service, namespace] => Some(Host { service, namespace: Some(namespace), certain: false }),
        [service, namespace, "svc"] | [service, namespace, "svc", "cluster", "local"] => {
            Some(Host { service, namespace: Some(namespace), certain: true })
        }
        // a pod of a StatefulSet: its governing Service is what has to exist
        [_, service, namespace, "svc"] | [_, service, namespace, "svc", "cluster", "local"] => {
            Some(Host { service, namespace: Some(namespace), certain: true })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(label: &str, text: &str) -> Vec<String> {
        let show = |h: Host<'_>| match h.namespace {
            Some(namespace) => format!("{}.{namespace}", h.service),
            None => h.service.to_owned(),
        };
        hosts(label, text).into_iter().map(show).collect()
    }

    #[test]
    fn finds_hosts_of_urls_pairs_and_host_variables() {
        assert_eq!(found("BACKEND_URL", "http://todo-backend:7860/api"), ["todo-backend"]);
        assert_eq!(found("X", "postgresql://user:pw@db.data.svc.cluster.local:5432/todo"), ["db.data"]);
        assert_eq!(found("BROKERS", "kafka-0.kafka.mq.svc:9092,other:9092"), ["kafka.mq", "other"]);
        assert_eq!(found("REDIS_HOST", "redis"), ["redis"]);
        assert_eq!(found("", "--upstream=api:8080"), ["api"]);
    }

    #[test]
    fn leaves_plain_words_alone() {
        assert!(found("APP_NAME", "redis").is_empty());
        assert!(found("MODE", "read-write, fast").is_empty());
        assert!(found("BIND", "0.0.0.0:8080").is_empty());
        assert!(found("IMAGE", "ghcr.io/a/b:1.2").is_empty());
        assert!(found("TEXT", "größer als: 10").is_empty());
    }
}
