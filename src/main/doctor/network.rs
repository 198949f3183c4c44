//! Which bus would be used and whether the network under it carries what a recorder hears.
//!
//! It sends real datagrams and asks the kernel what it grants: settings that look right are no proof, and a receive buffer
//! that was cut short shows only as lost pictures, much later.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use apprentice::bus;

use super::Finding;
use crate::command::options::BusKind;

/// Which bus a command opens when none is named.
pub(crate) fn bus() -> Vec<Finding> {
    let domain = match bus::Options::default().domain() {
        Ok(domain) => domain.to_string(),
        // What is wrong with it is said beside what else the environment says about ROS 2.
        Err(_) => "unknown".to_owned(),
    };
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

/// Whether the kernel grants what it takes to hear four raw cameras on a busy machine: room and precedence.
#[cfg(feature = "dds")]
pub(crate) fn receiving() -> Vec<Finding> {
    let bus::dds::Granted { buffer_asked, buffer, precedence } = bus::dds::granted();
    let room = if buffer >= buffer_asked {
        Finding::good("receive buffer", format!("the kernel grants {buffer} bytes"))
    } else {
        let detail = format!(
            "the kernel grants {buffer} of {buffer_asked} bytes: at 110 MB/s (four raw cameras) a busy machine may \
             lose messages, which are counted"
        );
        let set = format!("net.core.rmem_max={buffer_asked}");
        let remedy =
            format!("echo {set} | sudo tee /etc/sysctl.d/60-apprentice.conf && sudo sysctl -w {set}");
        Finding::missing("receive buffer", detail, remedy)
    };
    let first = if precedence {
        Finding::good("precedence", "receiving threads go before ordinary work")
    } else {
        Finding::missing(
            "precedence",
            "receiving threads must wait with everyone: a busy machine may lose messages, which are counted",
            "echo \"$USER - nice -20\" | sudo tee /etc/security/limits.d/60-apprentice-nice.conf   # then log in again",
        )
    };
    vec![room, first]
}

/// Nothing is received where no network is built in.
#[cfg(not(feature = "dds"))]
pub(crate) fn receiving() -> Vec<Finding> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_to_oneself_arrives() -> io::Result<()> {
        echo(Ipv4Addr::LOCALHOST)
    }
}
