//! The few requests to the kernel that set up a pod's network namespace: link up, address, local route.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};

// From linux/rtnetlink.h, linux/netlink.h, linux/if_addr.h: numbers of the kernel's interface.
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_EXCL_CREATE: u16 = 0x200 | 0x400;
const NLMSG_ERROR: u16 = 2;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RT_TABLE_LOCAL: u8 = 255;
const RTPROT_BOOT: u8 = 3;
const RT_SCOPE_HOST: u8 = 254;
const RTN_LOCAL: u8 = 2;
const AF_INET: u8 = 2;

/// `lo` is always the first link of a network namespace.
const LOOPBACK: u32 = 1;

/// Brings `lo` up.
pub(crate) fn loopback_up() -> io::Result<()> {
    let mut body = vec![0, 0, 0, 0];
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    request(RTM_NEWLINK, 0, &body)
}

/// Gives `lo` a further address.
pub(crate) fn add_address(address: Ipv4Addr) -> io::Result<()> {
    let mut body = vec![AF_INET, 32, 0, RT_SCOPE_HOST];
    body.extend(LOOPBACK.to_ne_bytes());
    for kind in [IFA_LOCAL, IFA_ADDRESS] {
        attribute(&mut body, kind, &address.octets());
    }
    request(RTM_NEWADDR, NLM_F_EXCL_CREATE, &body)
}

/// Makes every address of a range local: one can listen on any of them.
pub(crate) fn add_local_route(network: Ipv4Addr, prefix: u8) -> io::Result<()> {
    let mut body = vec![AF_INET, prefix, 0, 0, RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL, 0, 0, 0, 0];
    attribute(&mut body, RTA_DST, &network.octets());
    attribute(&mut body, RTA_OIF, &LOOPBACK.to_ne_bytes());
    request(RTM_NEWROUTE, NLM_F_EXCL_CREATE, &body)
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // All values here are four bytes long, so none needs padding.
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
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
