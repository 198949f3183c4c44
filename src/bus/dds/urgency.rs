//! Getting the processor in time, and room in the kernel until then.
//!
//! A datagram that finds the socket's buffer full is gone without a word, and at a hundred megabytes a second a buffer
//! of eight lasts seventy milliseconds. So the receiving threads ask for precedence over ordinary work, and the
//! sockets for a large buffer. Neither may be granted: then it is said, and losses are counted all the same.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::{fs, io, thread};

use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::Cause;
use crate::precedence::Precedence;

/// What is asked of the kernel for each receiving socket: a quarter of a second of a hundred megabytes.
pub(super) const BUFFER: usize = 32 << 20;
/// A socket with a buffer below this is none that rustdds asked a large one for.
const LARGE: usize = 256 << 10;

/// What was asked of the kernel for receiving in time, and what it granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Bytes asked for a receiving socket.
    pub buffer_asked: usize,
    /// Bytes it has, bookkeeping included. `net.core.rmem_max` is what limits it where `CAP_NET_ADMIN` is missing.
    pub buffer: usize,
    /// Whether the receiving threads go before ordinary work. `CAP_SYS_NICE` or `RLIMIT_NICE` is what allows it.
    pub precedence: bool,
}

/// Tries what the kernel grants this process, without opening a bus.
pub fn granted() -> Granted {
    let precedence =
        thread::scope(|scope| scope.spawn(|| Precedence::Receiving.take()).join().unwrap_or(false));
    Granted { buffer_asked: BUFFER, buffer: granted_buffer().unwrap_or(0), precedence }
}

fn granted_buffer() -> io::Result<usize> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    sockopt::set_socket_recv_buffer_size(&socket, BUFFER)?;
    if may_reach_own_sockets() {
        enlarge(&socket).unwrap_or_else(|error| tracing::debug!(%error, "no more than everyone may have"));
    }
    Ok(sockopt::socket_recv_buffer_size(&socket)?)
}

/// Has the kernel give `socket` all that is asked, over the limit for everyone.
fn enlarge(socket: impl AsFd) -> rustix::io::Result<()> {
    sockopt::set_socket_recv_buffer_size_force(socket, BUFFER)
}

fn may_reach_own_sockets() -> bool {
    pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|own| pidfd_getfd(own, 0, PidfdGetfdFlags::empty()))
        .is_ok_and(|_input| true)
}

/// Enlarges the buffers of the sockets that rustdds opened. It keeps them to itself, and asks for no more than everyone
/// may have; so they are found among this process's own, where that is allowed.
pub(super) fn enlarge_sockets() -> io::Result<()> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    for entry in fs::read_dir("/proc/self/fd")?.filter_map(Result::ok) {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        let is_socket =
            fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with("socket:"));
        let Some(number) = number.filter(|_| is_socket) else { continue };
        let socket: OwnedFd = pidfd_getfd(&own, number, PidfdGetfdFlags::empty())?;
        if is_receiving(&socket)? {
            enlarge(&socket)?;
        }
    }
    Ok(())
}

fn is_receiving(socket: &OwnedFd) -> rustix::io::Result<bool> {
    Ok(sockopt::socket_domain(socket)? == AddressFamily::INET
        && sockopt::socket_type(socket)? == SocketType::DGRAM
        && sockopt::socket_recv_buffer_size(socket)? >= LARGE)
}

/// Does `work` in a thread with precedence, so that threads it starts have it too.
pub(super) fn with_precedence<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Cause> {
    let urgent = move || {
        Precedence::Receiving.take();
        work()
    };
    thread::scope(|scope| scope.spawn(urgent).join()).map_err(|_panic| "the DDS library panicked".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_granted_is_known() {
        let granted = granted();
        assert!(granted.buffer > 0 && granted.buffer_asked == BUFFER, "{granted:?}");
    }
}
