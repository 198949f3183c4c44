//! Which bus would be used and whether the network under it carries what a recorder hears.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use apprentice::bus;

use super::Finding;
use crate::command::options::BusKind;

/// The receive buffer with which nothing was lost at 110 MB/s on two cores that six other processes kept busy; the
/// kernel's usual 208 kB lost between 2 and 21 %.
const RECEIVE_BUFFER: u64 = 4 << 20;

/// Which bus a command opens when none is named.
pub(crate) fn bus() -> Vec<Finding> {
    let domain = bus::Options::default().domain();
    let detail = format!("{}, domain {domain}, this host only (--off-host reaches further)", BusKind::best());
    vec![Finding::good("bus", detail)]
}

/// What the environment says about ROS 2.
pub(crate) fn ros() -> Vec<Finding> {
    let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut findings = vec![match (said("ROS_DISTRO"), said("AMENT_PREFIX_PATH")) {
        (Some(distro), Some(_)) => {
            let rmw = said("RMW_IMPLEMENTATION").unwrap_or_else(|| "its default RMW".to_owned());
            Finding::good("ROS 2", format!("{distro} is sourced, with {rmw}"))
        }
        (Some(distro), None) => Finding::wrong(
            "ROS 2",
            format!("ROS_DISTRO says {distro}, but AMENT_PREFIX_PATH says nothing"),
            format!("source /opt/ros/{distro}/setup.bash"),
        ),
        (None, _) => {
            Finding::missing("ROS 2", "not sourced; it is not needed", "source /opt/ros/<distro>/setup.bash")
        }
    }];
    if let Some(domain) = said("ROS_DOMAIN_ID")
        && !domain.trim().parse().is_ok_and(|number: u16| number <= 232)
    {
        let detail = format!("{domain:?} is no number from 0 to 232");
        findings.push(Finding::wrong("ROS_DOMAIN_ID", detail, "export ROS_DOMAIN_ID=0"));
    }
    findings
}

/// Whether datagrams reach this host from itself, to one and to many.
pub(crate) fn loopback() -> Vec<Finding> {
    let alone = match echo(Ipv4Addr::LOCALHOST) {
        Ok(()) => Finding::good("loopback", "datagrams arrive"),
        Err(error) => {
            Finding::wrong("loopback", format!("no datagram arrives: {error}"), "sudo ip link set lo up")
        }
    };
    let many = match echo(Ipv4Addr::new(239, 255, 0, 1)) {
        Ok(()) => Finding::good("multicast on loopback", "datagrams arrive"),
        Err(error) => Finding::missing(
            "multicast on loopback",
            format!("no datagram arrives: {error}; nodes of this host are found one by one"),
            "sudo ip link set lo multicast on && sudo ip route add 239.0.0.0/8 dev lo",
        ),
    };
    vec![alone, many]
}

/// Sends one datagram to `address` over the loopback and waits for it.
fn echo(address: Ipv4Addr) -> io::Result<()> {
    let any = if address.is_multicast() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let ear = UdpSocket::bind((any, 0))?;
    ear.set_read_timeout(Some(Duration::from_millis(300)))?;
    let mouth = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    if address.is_multicast() {
        ear.join_multicast_v4(&address, &Ipv4Addr::LOCALHOST)?;
        mouth.set_multicast_loop_v4(true)?;
    }
    mouth.send_to(b"heard?", (address, ear.local_addr()?.port()))?;
    ear.recv(&mut [0; 16]).map(|_| ())
}

/// Whether the kernel grants the receive buffer that four raw cameras need.
pub(crate) fn receive_buffer() -> Vec<Finding> {
    let path = "/proc/sys/net/core/rmem_max";
    let granted = fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let what = "receive buffer";
    vec![match granted {
        Some(granted) if granted >= RECEIVE_BUFFER => {
            Finding::good(what, format!("the kernel grants up to {granted} bytes"))
        }
        Some(granted) => Finding::missing(
            what,
            format!(
                "the kernel grants {granted} bytes; at 110 MB/s (four raw cameras) a busy machine loses messages \
                 below {RECEIVE_BUFFER}"
            ),
            format!(
                "echo net.core.rmem_max={RECEIVE_BUFFER} | sudo tee /etc/sysctl.d/60-apprentice.conf && sudo sysctl \
                 --system"
            ),
        ),
        None => {
            Finding::good(what, format!("{path} cannot be read here: what the kernel grants is not known"))
        }
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_to_oneself_arrives() -> io::Result<()> {
        echo(Ipv4Addr::LOCALHOST)
    }
}
