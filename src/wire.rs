//! What travels: topics with their quality of service, and samples, which are serialized messages.
//!
//! A room of its own, so that bags and buses share these nouns without meeting each other. Nothing here looks
//! inside a message: a sample's bytes are passed on untouched from wire to disk and back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::time::Stamp;

/// A named stream of messages of one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The full name, with its leading slash: `/joint_states`.
    pub name: String,
    /// The type as ROS 2 writes it: `sensor_msgs/msg/JointState`.
    pub type_name: String,
    /// How it is offered or asked for.
    pub qos: Qos,
}

impl Topic {
    /// A topic of that name and type, reliable and kept to a depth of ten, as ROS 2 offers by default.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        Self { name: name.into(), type_name: type_name.into(), qos: Qos::default() }
    }

    /// The same topic under another quality of service.
    #[must_use]
    pub fn with(mut self, qos: Qos) -> Self {
        self.qos = qos;
        self
    }
}

/// Whether a lost message is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reliability {
    /// Sent again until it arrives.
    Reliable,
    /// Sent once.
    BestEffort,
}

/// Whether one who comes late gets what was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The last messages are kept for those who come late.
    TransientLocal,
    /// Said once.
    Volatile,
}

/// How many messages a queue keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum History {
    /// The last so many.
    KeepLast(u32),
    /// All of them.
    KeepAll,
}

/// The quality of service of one end of a topic. A period of `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Qos {
    /// Whether a lost message is sent again.
    pub reliability: Reliability,
    /// Whether one who comes late gets what was said before.
    pub durability: Durability,
    /// How many messages a queue keeps.
    pub history: History,
    /// The longest time promised between two messages.
    pub deadline: Option<Duration>,
    /// After this a message is no longer worth delivering.
    pub lifespan: Option<Duration>,
    /// The longest silence after which a publisher counts as gone.
    pub lease: Option<Duration>,
}

impl Qos {
    /// Reliable, volatile, the last `depth`.
    pub const fn reliable(depth: u32) -> Self {
        Self {
            reliability: Reliability::Reliable,
            durability: Durability::Volatile,
            history: History::KeepLast(depth),
            deadline: None,
            lifespan: None,
            lease: None,
        }
    }

    /// What ROS 2 calls sensor data: best effort, volatile, the last five.
    pub const fn sensor() -> Self {
        Self { reliability: Reliability::BestEffort, ..Self::reliable(5) }
    }

    /// Reliable and kept for those who come late.
    pub const fn latched(depth: u32) -> Self {
        Self { durability: Durability::TransientLocal, ..Self::reliable(depth) }
    }

    /// Whether a subscription that asks for `self` may hear a publisher that offers `offered`.
    pub fn accepts(&self, offered: &Self) -> bool {
        (self.reliability == Reliability::BestEffort || offered.reliability == Reliability::Reliable)
            && (self.durability == Durability::Volatile || offered.durability == Durability::TransientLocal)
    }
}

impl Default for Qos {
    fn default() -> Self {
        Self::reliable(10)
    }
}

/// The identity of one publisher on the wire, as DDS counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gid(pub [u8; 16]);

/// One serialized message, as it came.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The topic it came on.
    pub topic: Arc<Topic>,
    /// When we got it.
    pub received: Stamp,
    /// When it was sent, where the bus says so.
    pub sent: Option<Stamp>,
    /// Who sent it, where the bus says so.
    pub publisher: Option<Gid>,
    /// Its place in what that publisher sent, counted up by one, where the bus says so.
    pub sequence: Option<u64>,
    /// The message in CDR with its four bytes of encapsulation.
    pub cdr: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reliable_reader_does_not_hear_a_best_effort_writer() {
        assert!(!Qos::reliable(1).accepts(&Qos::sensor()));
        assert!(Qos::sensor().accepts(&Qos::reliable(1)));
        assert!(!Qos::latched(1).accepts(&Qos::reliable(1)));
        assert!(Qos::reliable(1).accepts(&Qos::latched(1)));
    }
}
