//! Host mode: Service names in a container's environment and arguments, replaced by the proxy's addresses.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A port of a Service and where the proxy listens for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServicePort {
    /// All that the Service may be called from here: names and cluster IP.
    pub(crate) names: Vec<String>,
    /// The Service's port.
    pub(crate) port: u16,
    /// The proxy's address.
    pub(crate) address: SocketAddr,
}

/// The names by which a Service is known in `from`.
pub(crate) fn names(name: &str, namespace: &str, from: &str, cluster_ip: &str) -> Vec<String> {
    let mut names = vec![
        format!("{name}.{namespace}.svc.cluster.local"),
        format!("{name}.{namespace}.svc"),
        format!("{name}.{namespace}"),
    ];
    if namespace == from {
        names.push(name.to_owned());
    }
    if !matches!(cluster_ip, "" | "None") {
        names.push(cluster_ip.to_owned());
    }
    names
}

/// Replaces `name:port`, `http://name` and pairs of variables `…HOST` and `…PORT`.
pub(crate) fn services(env: &mut BTreeMap<String, String>, argv: &mut [String], ports: &[ServicePort]) {
    let hosts: Vec<String> = env.keys().filter(|name| name.ends_with("HOST")).cloned().collect();
    for host_name in hosts {
        let stem = host_name.strip_suffix("HOST").unwrap_or_default();
        let port_name = format!("{stem}PORT");
        let wanted = env.get(&port_name).and_then(|port| port.parse::<u16>().ok());
        let found = ports.iter().find(|p| p.names.contains(&env[&host_name]) && wanted == Some(p.port));
        if let Some(found) = found {
            env.insert(host_name, found.address.ip().to_string());
            env.insert(port_name, found.address.port().to_string());
        }
    }
    for text in env.values_mut().chain(argv.iter_mut()) {
        for port in ports {
            for name in &port.names {
                *text = replaced(text, name, port);
            }
        }
    }
}

fn replaced(text: &str, name: &str, port: &ServicePort) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        out.push_str(before);
        let free_before = !out.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        let explicit = format!(":{}", port.port);
        let followed = after.strip_prefix(&explicit).filter(|a| !a.starts_with(|c: char| c.is_ascii_digit()));
        let implied = match port.port {
            80 => out.ends_with("http://") || out.ends_with("ws://"),
            443 => out.ends_with("https://") || out.ends_with("wss://"),
            _ => false,
        } && (after.is_empty() || after.starts_with(['/', '?', '#', ',', ' ']));
        if free_before && let Some(after) = followed.or(implied.then_some(after)) {
            out.push_str(&port.address.to_string());
            rest = after;
        } else {
            out.push_str(name);
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses_and_nothing_else_does() {
        let service = |name: &str, port: u16, to: u16| ServicePort {
            names: names(name, "todo", "todo", "10.96.0.7"),
            port,
            address: SocketAddr::from(([127, 0, 0, 1], to)),
        };
        let ports = [service("backend", 7860, 20_001), service("web", 80, 20_002)];
        for (value, expected) in [
            ("http://backend:7860/api", "http://127.0.0.1:20001/api"),
            ("postgres://u:p@backend.todo.svc:7860/db", "postgres://u:p@127.0.0.1:20001/db"),
            ("http://backend.todo.svc.cluster.local:7860", "http://127.0.0.1:20001"),
            ("a=backend:7860,b=web:80", "a=127.0.0.1:20001,b=127.0.0.1:20002"),
            ("http://web/x http://web", "http://127.0.0.1:20002/x http://127.0.0.1:20002"),
            ("tcp://10.96.0.7:7860", "tcp://127.0.0.1:20001"),
            ("http://my-backend:7860", "http://my-backend:7860"),
            ("http://backend:78601", "http://backend:78601"),
            ("https://web/", "https://web/"),
            ("the backend is fine", "the backend is fine"),
            ("http://backend.other:7860", "http://backend.other:7860"),
        ] {
            let mut env = BTreeMap::from([("URL".to_owned(), value.to_owned())]);
            services(&mut env, &mut [], &ports);
            assert_eq!(env["URL"], expected, "{value}");
        }
    }

    #[test]
    fn host_and_port_are_replaced_together() {
        let ports = [ServicePort {
            names: names("db", "n", "n", "None"),
            port: 5432,
            address: SocketAddr::from(([127, 0, 0, 1], 20_009)),
        }];
        let pair = |host: &str, port: &str| {
            let mut env =
                BTreeMap::from([("DB_HOST".to_owned(), host.to_owned()), ("DB_PORT".to_owned(), port.to_owned())]);
            services(&mut env, &mut [], &ports);
            (env["DB_HOST"].clone(), env["DB_PORT"].clone())
        };
        assert_eq!(pair("db", "5432"), ("127.0.0.1".into(), "20009".into()));
        assert_eq!(pair("db", "1"), ("db".into(), "1".into()));
    }
}
