//! Network namespaces, held by shims; sockets are made inside and used from here.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::net::{TcpListener, UdpSocket, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::launch::Launcher;
use super::namespace::Capabilities;
use super::runtime::RuntimeError;
use super::shim::{Mount, NetworkRole, Order, Report, Request, Unshare, frame};

#[cfg(target_os = "linux")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Where pods ask for names.
pub(crate) const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// Files of the pod that are seen in place of the machine's.
#[derive(Debug)]
pub(crate) struct PodFiles {
    hosts: PathBuf,
    resolv: PathBuf,
}

impl PodFiles {
    /// Creates the files in `directory`.
    pub(crate) fn create(directory: &Path, pod_namespace: &str) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let files = Self { hosts: directory.join("hosts"), resolv: directory.join("resolv.conf") };
        std::fs::write(&files.hosts, "127.0.0.1\tlocalhost\n")?;
        let resolv = format!(
            "search {pod_namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver {NAME_SERVER}\noptions ndots:5\n"
        );
        std::fs::write(&files.resolv, resolv)?;
        Ok(files)
    }

    /// Replaces the content of `/etc/hosts`, in place: the mounted file stays the same one.
    pub(crate) fn set_hosts(&self, entries: &str) -> io::Result<()> {
        std::fs::write(&self.hosts, entries)
    }
}

/// A network namespace: a pod's, or the router's. It ends when this is dropped and the processes inside are gone.
#[derive(Debug)]
pub(crate) struct NetworkNamespace {
    pid: u32,
    requests: mpsc::UnboundedSender<(Request, oneshot::Sender<io::Result<OwnedFd>>)>,
}

impl NetworkNamespace {
    /// Makes the namespace of the router.
    pub(crate) async fn router(launcher: &Launcher, allowed: &Capabilities) -> Result<Self, RuntimeError> {
        let order = Order {
            unshare: Unshare { user: allowed.user, mount: false, network: true, pid: false },
            network: Some(NetworkRole::Router),
            ..Order::default()
        };
        Self::create(launcher, &order).await
    }

    /// Makes a pod's namespace, with its address and its files.
    pub(crate) async fn pod(
        launcher: &Launcher,
        router: &Self,
        address: Ipv4Addr,
        hostname: &str,
        files: &PodFiles,
    ) -> Result<Self, RuntimeError> {
        let over = |source: &Path, target: &str| Mount {
            source: source.to_owned(),
            target: PathBuf::from(target),
            read_only: false,
        };
        let order = Order {
            // The router's user namespace is joined.
            unshare: Unshare { user: false, mount: true, network: true, pid: false },
            mounts: vec![over(&files.hosts, "/etc/hosts"), over(&files.resolv, "/etc/resolv.conf")],
            network: Some(NetworkRole::Pod { router: router.pid, address, hostname: hostname.to_owned() }),
            ..Order::default()
        };
        Self::create(launcher, &order).await
    }

    async fn create(launcher: &Launcher, order: &Order) -> Result<Self, RuntimeError> {
        let failed = |what: &str, e: &dyn std::fmt::Display| RuntimeError::new(format!("{what}: {e}"));
        let (mut child, mut control) = launcher.spawn()?;
        let pid = child.id().unwrap_or_default();
        tokio::spawn(async move { child.wait().await });
        let message = frame(order).map_err(|e| failed("writing the shim's order", &e))?;
        control.write_all(&message).await.map_err(|e| failed("telling the shim what to hold", &e))?;
        match receive(&control).await {
            Ok((Report::Started, _)) => {}
            Ok((Report::Failed(why), _)) => return Err(RuntimeError::new(why)),
            Ok((other, _)) => return Err(RuntimeError::new(format!("the shim answered {other:?}"))),
            Err(error) => return Err(failed("waiting for the shim", &error)),
        }
        let (requests, queue) = mpsc::unbounded_channel();
        tokio::spawn(serve(control, queue));
        Ok(Self { pid, requests })
    }

    /// The pid of the shim that holds it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// An unconnected TCP socket inside.
    pub(crate) async fn socket(&self) -> io::Result<std::net::TcpStream> {
        let stream = std::net::TcpStream::from(self.request(Request::Socket).await?);
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// A listener inside.
    pub(crate) async fn listen(&self, address: SocketAddrV4) -> io::Result<TcpListener> {
        let listener = std::net::TcpListener::from(self.request(Request::Listen(address)).await?);
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// A socket for datagrams inside.
    pub(crate) async fn datagrams(&self, address: SocketAddrV4) -> io::Result<UdpSocket> {
        let socket = std::net::UdpSocket::from(self.request(Request::Datagrams(address)).await?);
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket)
    }

    async fn request(&self, request: Request) -> io::Result<OwnedFd> {
        let gone = || io::Error::new(io::ErrorKind::ConnectionRefused, "the network namespace is gone");
        let (answer, answered) = oneshot::channel();
        self.requests.send((request, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn serve(
    mut control: UnixStream,
    mut queue: mpsc::UnboundedReceiver<(Request, oneshot::Sender<io::Result<OwnedFd>>)>,
) {
    while let Some((request, answer)) = queue.recv().await {
        let result = async {
            control.write_all(&frame(&request)?).await?;
            match receive(&control).await? {
                (Report::Socket(Ok(())), Some(socket)) => Ok(socket),
                (Report::Socket(Err(why)), _) => Err(io::Error::other(why)),
                _ => Err(io::Error::other("the shim sent no socket")),
            }
        };
        // Whoever asked may have given up.
        let _ = answer.send(result.await);
    }
}

/// One report with the socket that travels with it. The shim sends each in one piece.
async fn receive(control: &UnixStream) -> io::Result<(Report, Option<OwnedFd>)> {
    let mut bytes = vec![0; 64 << 10];
    let (length, socket) = control
        .async_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let received =
                rustix::net::recvmsg(control, &mut [io::IoSliceMut::new(&mut bytes)], &mut ancillary, CLOSED_ON_EXEC)?;
            let socket = ancillary.drain().find_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
                _ => None,
            });
            Ok((received.bytes, socket))
        })
        .await?;
    let cut = || io::Error::new(io::ErrorKind::UnexpectedEof, "the shim has ended");
    let (head, rest) = bytes[..length].split_first_chunk::<4>().ok_or_else(cut)?;
    let body = rest.get(..u32::from_le_bytes(*head) as usize).ok_or_else(cut)?;
    Ok((serde_json::from_slice(body)?, socket))
}
