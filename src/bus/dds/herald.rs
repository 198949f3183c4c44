//! Meets the other nodes of this host without a word leaving it.
//!
//! Kept to the loopback interface, rustdds greets only the first few ports of this host, and a DDS that was not told
//! to stay on the host neither listens there nor greets there: it talks to the multicast group of a real interface.
//! The herald stands between. What this host's own addresses say to the group it passes on to our participant; what
//! our participant says to one of those ports, it says to the group with a time to live of zero, which no router and
//! no network card ever sees but every listener on this host does. Only greetings pass through it; data then flows
//! over addresses of this host.
//!
//! A participant that may leave the host greets and is greeted without it; for that one it only listens for those who
//! were taken for [`gone`](super::gone) and are not.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;
use std::{fs, io};

use rustix::net::{AddressFamily, SocketType, sockopt};

use super::gone::Gone;

/// Where RTPS participants greet each other.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 0, 1);
/// The participants of one host that rustdds greets by number are those below this.
const GREETED: u16 = 12;
/// How often the herald looks whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(500);
/// The largest datagram there is.
const DATAGRAM: usize = 65_536;

/// The ports of a domain, as RTPS counts them.
fn group_port(domain: u16) -> u16 {
    7400 + 250 * domain
}

fn participant_port(domain: u16, participant: u16) -> u16 {
    group_port(domain) + 10 + 2 * participant
}

/// Whom the herald speaks for.
#[derive(Clone, Copy)]
pub(super) struct Principal {
    /// Its domain.
    pub domain: u16,
    /// Its number on this host.
    pub participant: u16,
    /// What its every message carries.
    pub prefix: [u8; 12],
}

impl Principal {
    fn said(&self, datagram: &[u8]) -> bool {
        datagram.get(..4) == Some(b"RTPS") && datagram.get(8..20) == Some(&self.prefix)
    }
}

/// Threads that pass greetings on; they end with this.
pub(super) struct Herald(Arc<AtomicBool>);

impl Herald {
    /// Begins to pass greetings on: of a principal that may leave the host, only those of the gone.
    pub(super) fn start(principal: Principal, leaves_host: bool, gone: Arc<Gone>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (ear, mouth) = (group_socket(principal.domain)?, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        let home = SocketAddr::from((
            Ipv4Addr::LOCALHOST,
            participant_port(principal.domain, principal.participant),
        ));
        let (stopped, missed, reply) = (Arc::clone(&stop), Arc::clone(&gone), mouth.try_clone()?);
        thread::Builder::new().name("bus herald in".to_owned()).spawn(move || {
            let local = |from: SocketAddr| UdpSocket::bind((from.ip(), 0)).is_ok();
            pass(&ear, &stopped, |datagram, from| {
                if let Some(anew) = missed.introduce(datagram) {
                    tell(&mouth, &anew, home);
                } else if !leaves_host && !principal.said(datagram) && local(from) {
                    tell(&mouth, datagram, home);
                }
            });
        })?;
        if leaves_host {
            return Ok(Self(stop));
        }
        let Some(post) = post(principal.domain)? else {
            tracing::warn!(
                domain = principal.domain,
                "other programs have every port of this domain on which greetings are passed on: nodes that were not told to stay on this \
                 host and have none of these may not find this one; --off-host or another --domain helps"
            );
            return Ok(Self(stop));
        };
        let crier = crier()?;
        let group = SocketAddr::from((GROUP, group_port(principal.domain)));
        let stopped = Arc::clone(&stop);
        thread::Builder::new().name("bus herald out".to_owned()).spawn(move || {
            pass(&post, &stopped, |datagram, _| {
                // Those who know no group greet port by port, and this is one of them.
                if let Some(anew) = gone.introduce(datagram) {
                    tell(&reply, &anew, home);
                }
                for interface in interfaces().into_iter().filter(|_| principal.said(datagram)) {
                    let through = sockopt::set_ip_multicast_if_with_ifindex(
                        &crier,
                        &GROUP,
                        &Ipv4Addr::UNSPECIFIED,
                        interface,
                    );
                    if through.is_ok() {
                        tell(&crier, datagram, group);
                    }
                }
            });
        })?;
        Ok(Self(stop))
    }
}

impl Drop for Herald {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Passes every datagram on until told to stop.
fn pass(socket: &UdpSocket, stop: &AtomicBool, mut on: impl FnMut(&[u8], SocketAddr)) {
    let mut buffer = vec![0; DATAGRAM];
    while !stop.load(Relaxed) {
        // Silence and a network that is gone for a moment look alike here: listen again.
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            on(&buffer[..length], from);
        }
    }
}

fn tell(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(datagram, to) {
        tracing::debug!(%to, %error, "a greeting was not passed on");
    }
}

/// A socket that hears the group on every interface, beside all others that do.
fn group_socket(domain: u16) -> io::Result<UdpSocket> {
    let socket: OwnedFd = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(GROUP, group_port(domain)))?;
    for interface in interfaces() {
        if let Err(error) =
            sockopt::set_ip_add_membership_with_ifindex(&socket, &GROUP, &Ipv4Addr::UNSPECIFIED, interface)
        {
            tracing::debug!(interface, %error, "greetings on this interface are not heard");
        }
    }
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(LOOK_UP))?;
    Ok(socket)
}

/// A socket at one of the ports that our participant greets, the last that is free; none where others have them all.
fn post(domain: u16) -> io::Result<Option<UdpSocket>> {
    for participant in (0..GREETED).rev() {
        match UdpSocket::bind((Ipv4Addr::LOCALHOST, participant_port(domain, participant))) {
            Ok(socket) => {
                socket.set_read_timeout(Some(LOOK_UP))?;
                return Ok(Some(socket));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// A socket whose multicasts do not leave this host.
fn crier() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_multicast_ttl_v4(0)?;
    socket.set_multicast_loop_v4(true)?;
    Ok(socket)
}

/// The numbers of the interfaces that are up and know multicast.
fn interfaces() -> Vec<u32> {
    const UP: u32 = 0x1;
    const MULTICAST: u32 = 0x1000;
    let number = |path: std::path::PathBuf| -> Option<u32> {
        let text = fs::read_to_string(path).ok()?;
        let text = text.trim();
        match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let Ok(folders) = fs::read_dir("/sys/class/net") else { return Vec::new() };
    let folders = folders.filter_map(Result::ok).map(|folder| folder.path());
    folders
        .filter(|folder| {
            number(folder.join("flags")).is_some_and(|flags| flags & (UP | MULTICAST) == UP | MULTICAST)
        })
        .filter_map(|folder| number(folder.join("ifindex")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_herald_speaks_for_its_own_principal_only() {
        let principal = Principal { domain: 1, participant: 0, prefix: [7; 12] };
        let mut greeting = b"RTPS\x02\x04\x01\x12".to_vec();
        greeting.extend([7; 12]);
        assert!(principal.said(&greeting));
        greeting[19] = 8;
        assert!(!principal.said(&greeting));
        assert!(!principal.said(b"RTPS"));
    }

    #[test]
    fn a_herald_that_finds_every_port_taken_goes_on_listening() -> io::Result<()> {
        // A domain that no other test has. What cannot be taken here has been taken already.
        const DOMAIN: u16 = 231;
        let taken: Vec<UdpSocket> = (0..GREETED)
            .filter_map(|n| UdpSocket::bind((Ipv4Addr::LOCALHOST, participant_port(DOMAIN, n))).ok())
            .collect();
        assert!(post(DOMAIN)?.is_none());
        let principal = Principal { domain: DOMAIN, participant: GREETED, prefix: [7; 12] };
        Herald::start(principal, false, Arc::default())?;
        drop(taken);
        assert!(post(DOMAIN)?.is_some());
        Ok(())
    }

    #[test]
    fn the_ports_are_those_of_the_standard() {
        assert_eq!(group_port(0), 7400);
        assert_eq!(participant_port(1, 3), 7666);
    }
}
