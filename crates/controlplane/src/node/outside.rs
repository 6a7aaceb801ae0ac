//! What a container's environment and arguments name of the outside.

/// Hosts and ports written as `host:port`, or as a URL of a scheme whose port is known.
pub(crate) fn endpoints_in(text: &str) -> Vec<(String, u16)> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut found = Vec::new();
    for (at, _) in text.match_indices(':') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let begin =
            before.rfind(|c| !is_host(c)).map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let host = &before[begin..];
        if let Some(rest) = after.strip_prefix("//") {
            // scheme://[user[:password]@]host without a port
            let authority = rest.split(['/', '?', '#', ' ', ',', '"', '\'']).next().unwrap_or_default();
            let name = authority.rsplit('@').next().unwrap_or_default();
            if !name.is_empty()
                && name.chars().all(is_host)
                && let Some(port) = scheme_port(host)
            {
                found.push((name.to_owned(), port));
            }
            continue;
        }
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let ends = !after[digits..].starts_with(|c: char| is_host(c) || c == '@');
        let starts = host.starts_with(|c: char| c.is_ascii_alphanumeric());
        if let Ok(port @ 1..) = after[..digits].parse::<u16>()
            && ends
            && starts
        {
            found.push((host.to_owned(), port));
        }
    }
    found
}

fn scheme_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "postgres" | "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "redis" | "rediss" | "valkey" => 6379,
        "amqp" => 5672,
        "amqps" => 5671,
        "mongodb" => 27017,
        "nats" => 4222,
        "smtp" => 25,
        "smtps" => 465,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_found() {
        for (text, expected) in [
            ("postgres://u:12@127.0.0.1:5433/db", vec![("127.0.0.1", 5433)]),
            ("postgres://u:p@db.example.com/x", vec![("db.example.com", 5432)]),
            ("https://api.example.com", vec![("api.example.com", 443)]),
            ("a.example:9092,b.example:9093", vec![("a.example", 9092), ("b.example", 9093)]),
            ("http://host:8080/é:x", vec![("host", 8080)]),
            ("2026-01-31T12:00:00Z", vec![]),
            ("nothing: here 12:x :80 é:80", vec![]),
            ("x:99999", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(host, port)| (host.to_owned(), port)).collect();
            assert_eq!(endpoints_in(text), expected, "{text}");
        }
    }
}
