//! The network of pods in namespaces, as the shims set it up.
//!
//! ```text
//!   pod 10.244.0.2 ── eth0 ═══ veth ═══╗
//!   pod 10.244.0.3 ── eth0 ═══ veth ═══╬═ router: forwards between pods; every other address is its own,
//!                                      ╝          and Bowline listens there: Services, names, the outside
//! ```
//!
//! Nothing of it is seen by, or needs rights on, the machine's own network.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;

use nix::sched::CloneFlags;

use super::netlink::{self, LOOPBACK, Way};

/// The router as pods see it. It is also what connections from Bowline come from.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
const EVERYTHING: (Ipv4Addr, u8) = (Ipv4Addr::UNSPECIFIED, 0);

/// Makes this namespace the router.
pub(crate) fn become_router() -> Result<(), String> {
    let done = |what: &str, result: std::io::Result<()>| result.map_err(|e| format!("{what}: {e}"));
    done("bringing lo up", netlink::set_up(LOOPBACK))?;
    done("giving the router its address", netlink::add_address(LOOPBACK, GATEWAY))?;
    // Weaker than the routes to pods, which are longer.
    done("making every address local", netlink::add_route(EVERYTHING, LOOPBACK, Way::Local))?;
    // Where /proc/sys is read-only, pods reach each other through Services only.
    let _ = std::fs::write("/proc/sys/net/ipv4/ip_forward", "1");
    Ok(())
}

/// Connects this namespace, the pod's, with the router's.
pub(crate) fn connect(router: u32, address: Ipv4Addr) -> Result<(), String> {
    let done = |what: &str, result: std::io::Result<()>| result.map_err(|e| format!("{what}: {e}"));
    let open = |path: &str| File::open(path).map_err(|e| format!("opening {path}: {e}"));
    let enter = |namespace: &File| {
        nix::sched::setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|e| format!("entering a network namespace: {e}"))
    };
    let (own, others) = (open("/proc/self/ns/net")?, open(&format!("/proc/{router}/ns/net"))?);
    let [_, _, high, low] = address.octets();
    let peer = format!("pod{high:02x}{low:02x}");
    done("bringing lo up", netlink::set_up(LOOPBACK))?;
    done("making the pod's link", netlink::add_pair("eth0", &peer, others.as_fd()))?;
    let link = netlink::index("eth0").map_err(|e| format!("finding the pod's link: {e}"))?;
    done("giving the pod its address", netlink::add_address(link, address))?;
    done("bringing the pod's link up", netlink::set_up(link))?;
    enter(&others)?;
    let there = netlink::index(&peer).map_err(|e| format!("finding the router's link: {e}"));
    let there = there.and_then(|there| {
        done("bringing the router's link up", netlink::set_up(there))?;
        done("routing to the pod", netlink::add_route((address, 32), there, Way::Link))
    });
    enter(&own)?;
    there?;
    done("routing out of the pod", netlink::add_route(EVERYTHING, link, Way::Via(GATEWAY)))
}

/// Whether links of the needed kind can be made in this namespace.
pub(crate) fn check() -> Result<(), String> {
    netlink::set_up(LOOPBACK).map_err(|e| format!("bringing lo up: {e}"))?;
    let own = File::open("/proc/self/ns/net").map_err(|e| format!("opening /proc/self/ns/net: {e}"))?;
    netlink::add_pair("eth0", "eth1", own.as_fd()).map_err(|e| format!("making a veth pair: {e}"))
}
