//! Names for pods that have a network of their own: Services, and hosts of the outside.
//!
//! Pods cannot send packets to the outside. A host's name therefore gets an address that only pods know, where Bowline
//! listens and passes connections on to that host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

use super::inside::{Goal, accept_for};
use super::{Inner, Key};
use crate::node::pod_namespace::NetworkNamespace;

/// Ports on which hosts of the outside are reached by name, beside those that the pod's environment names.
const USUAL_PORTS: &[u16] = &[80, 443, 5432, 3306, 6379, 5672, 27017, 9092, 587];
/// How long the machine may take to resolve a name.
const LONGEST_LOOKUP: Duration = Duration::from_secs(5);
/// Seconds for which clients may keep an answer.
const TTL: u32 = 5;

const TYPE_A: u16 = 1;
const NO_ERROR: u16 = 0;
const FORMAT_ERROR: u16 = 1;
const NO_SUCH_NAME: u16 = 3;

/// Hosts that pods have asked for.
#[derive(Default)]
struct Outside {
    hosts: BTreeMap<String, (Ipv4Addr, Vec<AbortHandle>)>,
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.hosts.values().flat_map(|(_, tasks)| tasks).for_each(AbortHandle::abort);
    }
}

/// Answers the questions of pods until their network is gone.
pub(super) async fn serve(inner: Arc<Inner>, router: Arc<NetworkNamespace>, socket: UdpSocket) {
    let mut outside = Outside::default();
    let mut buffer = [0; 1500];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { return };
        let query = &buffer[..length];
        let Some(question) = Question::parse(query) else {
            if length >= 12 {
                let _ = socket.send_to(&reply(query, 12, FORMAT_ERROR, None), from).await;
            }
            continue;
        };
        let (code, address) = match resolve(&inner, &router, &mut outside, &question.name).await {
            Some(address) if question.kind == TYPE_A => (NO_ERROR, Some(address)),
            // The name exists, but has no record of that kind.
            Some(_) => (NO_ERROR, None),
            None => (NO_SUCH_NAME, None),
        };
        // A client that does not listen any more is no concern.
        let _ = socket.send_to(&reply(query, question.end, code, address), from).await;
    }
}

async fn resolve(inner: &Arc<Inner>, router: &NetworkNamespace, outside: &mut Outside, name: &str) -> Option<Ipv4Addr> {
    if let Some(address) = inner.service_ip(name) {
        return Some(address);
    }
    if name.ends_with(".cluster.local") || !name.contains('.') {
        return None;
    }
    if let Some((address, _)) = outside.hosts.get(name) {
        return Some(*address);
    }
    let lookup = tokio::net::lookup_host((name, 0));
    tokio::time::timeout(LONGEST_LOOKUP, lookup).await.ok()?.ok()?.next()?;
    let address = host_address(outside.hosts.len())?;
    let links = inner.network.links().borrow().clone();
    let named = links.values().flat_map(|link| link.outside()).filter(|(host, _)| host == name).map(|(_, port)| port);
    let ports: BTreeSet<u16> = USUAL_PORTS.iter().copied().chain(named).collect();
    let mut tasks = Vec::new();
    for port in ports {
        if let Ok(listener) = router.listen(SocketAddrV4::new(address, port)).await {
            let goal = Goal::Outside(name.to_owned(), port);
            tasks.push(tokio::spawn(accept_for(inner.clone(), listener, goal)).abort_handle());
        }
    }
    outside.hosts.insert(name.to_owned(), (address, tasks));
    Some(address)
}

/// The address for the n-th host: of 198.18.0.0/15, which no real network uses.
fn host_address(number: usize) -> Option<Ipv4Addr> {
    let number = u32::try_from(number).ok().filter(|n| *n < 1 << 17)?;
    Some(Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 1)) + number))
}

impl Inner {
    /// The address of a Service by any of its names.
    fn service_ip(&self, name: &str) -> Option<Ipv4Addr> {
        let name = name.strip_suffix(".svc.cluster.local").or_else(|| name.strip_suffix(".svc")).unwrap_or(name);
        // Short names come with the pod's search domains.
        let (service, namespace) = name.split_once('.')?;
        let key: Key = (namespace.to_owned(), service.to_owned());
        self.lock().services.get(&key).and_then(|listening| listening.inside_ip(&key))
    }
}

struct Question {
    name: String,
    kind: u16,
    /// Where the question ends in the message.
    end: usize,
}

impl Question {
    /// The only question of a query.
    fn parse(query: &[u8]) -> Option<Self> {
        let is_query = query.get(2)? & 0x80 == 0;
        if !is_query || query.get(4..6)? != [0, 1] {
            return None;
        }
        let mut at = 12;
        let mut labels = Vec::new();
        loop {
            let length = usize::from(*query.get(at)?);
            at += 1;
            match length {
                0 => break,
                1..=63 => {
                    let label = query.get(at..at + length)?;
                    labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
                    at += length;
                }
                // Questions are not compressed.
                _ => return None,
            }
        }
        let kind = u16::from_be_bytes(query.get(at..at + 2)?.try_into().ok()?);
        query.get(at + 2..at + 4)?;
        Some(Self { name: labels.join("."), kind, end: at + 4 })
    }
}

fn reply(query: &[u8], end: usize, code: u16, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut out = Vec::with_capacity(end + 16);
    out.extend(&query[..2]);
    // A response, recursion available, and desired as the query says.
    out.extend((0x8080 | (u16::from(query[2] & 1) << 8) | code).to_be_bytes());
    out.extend(u16::from(end > 12).to_be_bytes());
    out.extend(u16::from(address.is_some()).to_be_bytes());
    out.extend([0; 4]);
    out.extend(&query[12..end]);
    if let Some(address) = address {
        // The name of the question, type A, class IN.
        out.extend([0xc0, 12, 0, 1, 0, 1]);
        out.extend(TTL.to_be_bytes());
        out.extend([0, 4]);
        out.extend(address.octets());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut query = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(label.len() as u8);
            query.extend(label.as_bytes());
        }
        query.push(0);
        query.extend(kind.to_be_bytes());
        query.extend([0, 1]);
        query
    }

    #[test]
    fn questions_are_read_and_answered() {
        let asked = query("Back.Default.svc", TYPE_A);
        let question = Question::parse(&asked).unwrap();
        assert_eq!((question.name.as_str(), question.kind, question.end), ("back.default.svc", 1, asked.len()));
        let answer = reply(&asked, question.end, NO_ERROR, Some(Ipv4Addr::new(10, 96, 0, 7)));
        assert_eq!(answer[..12], [0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[answer.len() - 4..], [10, 96, 0, 7]);
        assert_eq!(reply(&asked, question.end, NO_SUCH_NAME, None)[3], 0x83);
    }

    #[test]
    fn broken_questions_are_refused() {
        let whole = query("a.b", TYPE_A);
        for length in 0..whole.len() {
            assert!(Question::parse(&whole[..length]).is_none(), "{length}");
        }
        let mut compressed = whole;
        compressed[12] = 0xc0;
        assert!(Question::parse(&compressed).is_none());
    }
}
