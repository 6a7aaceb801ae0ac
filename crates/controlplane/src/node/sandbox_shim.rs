//! The shim that holds a network namespace: makes sockets inside for Bowline, which passes connections through them.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType};

use super::shim::{NetworkRole, Order, Report, Request, frame, read_frame, write_frame};

#[cfg(target_os = "linux")]
const CLOSED_ON_EXEC: SocketFlags = SocketFlags::CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSED_ON_EXEC: SocketFlags = SocketFlags::empty();

/// Sets the namespaces up and serves requests for sockets until Bowline is gone.
pub(crate) fn hold(order: &Order, control: &UnixStream) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    match &order.network {
        Some(NetworkRole::Router) => super::pod_network::become_router()?,
        Some(NetworkRole::Pod { router, address, hostname }) => {
            super::pod_network::connect(*router, *address)?;
            // Any user of the pod may bind ports below 1024, as in a container.
            let _ = std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
            let _ = nix::unistd::sethostname(hostname);
        }
        None => {}
    }
    super::namespace::mount_all(order)?;
    let _ = write_frame(control, &Report::Started);
    while let Ok(request) = read_frame::<Request>(control) {
        let socket = match request {
            Request::Socket => stream_socket(),
            Request::Listen(address) => listen(address),
            Request::Datagrams(address) => UdpSocket::bind(address).map(OwnedFd::from),
            Request::Signal(_) => break,
        };
        let (report, socket) = match socket {
            Ok(socket) => (Report::Socket(Ok(())), Some(socket)),
            Err(error) => (Report::Socket(Err(error.to_string())), None),
        };
        if send(control, &report, socket.as_ref()).is_err() {
            break;
        }
    }
    Ok(())
}

fn stream_socket() -> std::io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, CLOSED_ON_EXEC, None)?)
}

fn listen(address: SocketAddrV4) -> std::io::Result<OwnedFd> {
    if address.ip() == &Ipv4Addr::UNSPECIFIED {
        return Err(std::io::Error::other("only single addresses are listened on"));
    }
    TcpListener::bind(address).map(OwnedFd::from)
}

fn send(control: &UnixStream, report: &Report, socket: Option<&OwnedFd>) -> std::io::Result<()> {
    let bytes = frame(report)?;
    let fds: Vec<_> = socket.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    }
    let sent = rustix::net::sendmsg(control, &[std::io::IoSlice::new(&bytes)], &mut ancillary, SendFlags::empty())?;
    // Frames are far smaller than the socket's buffer, so they go out whole.
    if sent == bytes.len() { Ok(()) } else { Err(std::io::Error::other("a report was cut")) }
}
