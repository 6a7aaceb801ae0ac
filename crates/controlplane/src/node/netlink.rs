//! The few requests to the kernel that set up the networks of pods: links, addresses, routes.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};

// Numbers of the kernel's interface, from linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h and
// linux/veth.h.
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_STATIC: u8 = 4;
const RTNH_F_ONLINK: u32 = 4;
const AF_INET: u8 = 2;

/// `lo` is always the first link of a network namespace.
pub(crate) const LOOPBACK: u32 = 1;

/// What a route does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// They are for this namespace: one can listen on any address of the range.
    Local,
    /// They go out of the link to somebody who has the address.
    Link,
    /// They go out of the link to this neighbour.
    Via(Ipv4Addr),
}

/// The number of a link of this namespace.
pub(crate) fn index(name: &str) -> io::Result<u32> {
    Ok(nix::net::if_::if_nametoindex(name)?)
}

/// Brings a link up.
pub(crate) fn set_up(link: u32) -> io::Result<()> {
    let mut body = vec![0, 0, 0, 0];
    body.extend(link.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    request(RTM_NEWLINK, 0, &body)
}

/// Makes a pair of links: `name` here, `peer` in the namespace `other`.
pub(crate) fn add_pair(name: &str, peer: &str, other: BorrowedFd<'_>) -> io::Result<()> {
    let mut there = vec![0; 16];
    attribute(&mut there, IFLA_IFNAME, &text(peer));
    attribute(&mut there, IFLA_NET_NS_FD, &other.as_raw_fd().to_ne_bytes());
    let mut data = Vec::new();
    attribute(&mut data, VETH_INFO_PEER, &there);
    let mut info = Vec::new();
    attribute(&mut info, IFLA_INFO_KIND, &text("veth"));
    attribute(&mut info, IFLA_INFO_DATA, &data);
    let mut body = vec![0; 16];
    attribute(&mut body, IFLA_IFNAME, &text(name));
    attribute(&mut body, IFLA_LINKINFO, &info);
    request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body)
}

/// Gives a link an address.
pub(crate) fn add_address(link: u32, address: Ipv4Addr) -> io::Result<()> {
    let mut body = vec![AF_INET, 32, 0, 0];
    body.extend(link.to_ne_bytes());
    for kind in [IFA_LOCAL, IFA_ADDRESS] {
        attribute(&mut body, kind, &address.octets());
    }
    request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &body)
}

/// Adds a route for a range.
pub(crate) fn add_route(range: (Ipv4Addr, u8), link: u32, way: Way) -> io::Result<()> {
    let (kind, scope, flags) = match way {
        Way::Local => (2, 254, 0),
        Way::Link => (1, 253, 0),
        Way::Via(_) => (1, 0, RTNH_F_ONLINK),
    };
    let (address, prefix) = range;
    let mut body = vec![AF_INET, prefix, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, kind];
    body.extend(flags.to_ne_bytes());
    if prefix > 0 {
        attribute(&mut body, RTA_DST, &address.octets());
    }
    attribute(&mut body, RTA_OIF, &link.to_ne_bytes());
    if let Way::Via(gateway) = way {
        attribute(&mut body, RTA_GATEWAY, &gateway.octets());
    }
    request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &body)
}

fn text(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    // Every attribute begins at a multiple of four.
    body.resize(body.len().next_multiple_of(4), 0);
}

fn request(kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let link = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    bind(link.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    let mut message = Vec::with_capacity(16 + body.len());
    message.extend((16 + body.len() as u32).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    message.extend(1u32.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend(body);
    sendto(link.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 1024];
    let length = recv(link.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let answer = &answer[..length];
    let is_error = answer.get(4..6).is_some_and(|kind| kind == NLMSG_ERROR.to_ne_bytes());
    let code = answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (is_error, code) {
        (true, Some(0)) => Ok(()),
        (true, Some(code)) => Err(io::Error::from_raw_os_error(-code)),
        _ => Err(io::Error::other("the kernel gave no answer")),
    }
}
