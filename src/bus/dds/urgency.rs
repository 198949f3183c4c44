//! Getting the processor in time, and room in the kernel until then.
//!
//! A datagram that finds the socket's buffer full is gone without a word, and at a hundred megabytes a second a buffer
//! of eight lasts seventy milliseconds. So the receiving threads ask for precedence over ordinary work, and the
//! sockets for a large buffer. Neither may be granted: then it is said, and losses are counted all the same.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::{fs, io, thread};

use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::{Cause, Granted};
use crate::precedence::Precedence;

/// What is asked of the kernel for each receiving socket: a quarter of a second of a hundred megabytes.
pub(super) const BUFFER: usize = 32 << 20;
/// A socket with a buffer below this is none that rustdds asked a large one for.
const LARGE: usize = 256 << 10;

/// Tries what the kernel grants this process, without opening a bus.
pub fn granted() -> Granted {
    let precedence =
        thread::scope(|scope| scope.spawn(|| Precedence::Receiving.take()).join().unwrap_or(false));
    Granted { buffer_asked: BUFFER, buffer: granted_buffer(BUFFER).unwrap_or(0), precedence }
}

fn granted_buffer(asked: usize) -> io::Result<usize> {
    let socket = ordinary(asked)?;
    // A bus can only enlarge what it can reach: without that, more than everyone may have is of no use to it.
    if own_process().and_then(|own| reached(own.as_fd(), socket.as_raw_fd())).is_ok() {
        return Ok(enlarged(&socket, asked)?);
    }
    Ok(sockopt::socket_recv_buffer_size(&socket)?)
}

/// A socket for which as much was asked as rustdds asks for its own.
fn ordinary(asked: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    sockopt::set_socket_recv_buffer_size(&socket, asked)?;
    Ok(socket)
}

fn own_process() -> rustix::io::Result<OwnedFd> {
    pidfd_open(getpid(), PidfdFlags::empty())
}

/// This process's own file `number`, though somebody else holds it.
fn reached(own: BorrowedFd<'_>, number: RawFd) -> rustix::io::Result<OwnedFd> {
    pidfd_getfd(own, number, PidfdGetfdFlags::empty())
}

/// Has the kernel give `socket` all that is asked, over the limit for everyone; what it has then.
fn enlarged(socket: impl AsFd, asked: usize) -> rustix::io::Result<usize> {
    if let Err(error) = sockopt::set_socket_recv_buffer_size_force(&socket, asked) {
        tracing::debug!(%error, "no more than everyone may have");
    }
    sockopt::socket_recv_buffer_size(&socket)
}

/// Enlarges the buffers of the sockets that rustdds opened, and says what the smallest has then. It keeps them to
/// itself, and asks for no more than everyone may have; so they are found among this process's own. Where none can be
/// reached, they have what everyone may have. Where less is asked than tells them from others, they stay as they are.
pub(super) fn enlarge_sockets(asked: usize) -> io::Result<usize> {
    let sockets = (asked >= LARGE).then(own_sockets).transpose();
    match sockets.map(|sockets| smallest_of(sockets.into_iter().flatten(), asked)) {
        Ok(Some(smallest)) => Ok(smallest),
        _ => Ok(sockopt::socket_recv_buffer_size(ordinary(asked)?)?),
    }
}

/// The sockets of this process, those that cannot be reached as errors.
fn own_sockets() -> io::Result<Vec<rustix::io::Result<OwnedFd>>> {
    let own = own_process()?;
    let numbers = fs::read_dir("/proc/self/fd")?.filter_map(Result::ok).filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse::<RawFd>().ok()?;
        let link = fs::read_link(entry.path()).ok()?;
        link.to_string_lossy().starts_with("socket:").then_some(number)
    });
    Ok(numbers.map(|number| reached(own.as_fd(), number)).collect())
}

/// Enlarges each receiving socket that can be reached, whatever becomes of the others; what the smallest has.
fn smallest_of(sockets: impl Iterator<Item = rustix::io::Result<OwnedFd>>, asked: usize) -> Option<usize> {
    let enlarge = |socket: OwnedFd| is_receiving(&socket)?.then(|| enlarged(&socket, asked)).transpose();
    let have = sockets.filter_map(|socket| {
        // Another thread of this process may have closed it by now.
        socket.and_then(enlarge).unwrap_or_else(|error| {
            tracing::debug!(%error, "a socket could not be enlarged");
            None
        })
    });
    have.min()
}

fn is_receiving(socket: &OwnedFd) -> rustix::io::Result<bool> {
    Ok(sockopt::socket_domain(socket)? == AddressFamily::INET
        && sockopt::socket_type(socket)? == SocketType::DGRAM
        && sockopt::socket_recv_buffer_size(socket)? >= LARGE)
}

/// Does `work` in a thread with precedence, so that threads it starts have it too; says whether that was allowed.
pub(super) fn with_precedence<T: Send>(work: impl FnOnce() -> T + Send) -> Result<(bool, T), Cause> {
    let urgent = move || (Precedence::Receiving.take(), work());
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

    #[test]
    fn one_socket_that_fails_does_not_stop_the_others() -> io::Result<()> {
        let receiving = || -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            sockopt::set_socket_recv_buffer_size(&socket, LARGE)?;
            Ok(socket)
        };
        let (one, other) = (receiving()?, receiving()?);
        let no_socket = fs::File::open("/proc/self/stat")?;
        let files = [
            Err(rustix::io::Errno::BADF),
            Ok(one.try_clone()?.into()),
            Ok(no_socket.into()),
            Ok(other.try_clone()?.into()),
        ];
        let smallest = smallest_of(files.into_iter(), BUFFER);
        let have = [one, other].map(sockopt::socket_recv_buffer_size);
        assert_eq!(smallest, have.into_iter().filter_map(Result::ok).min());
        assert_eq!(smallest_of(std::iter::empty(), BUFFER), None);
        Ok(())
    }
}
