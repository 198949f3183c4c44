//! Transports: how samples travel between processes, in one process, or out of a bag.
//!
//! A bus knows bytes only; `typed.rs` puts messages on top. Everything a bus delivers goes through an
//! [`Inbox`], which is bounded and counts, per topic, what arrived, what it had to drop and what never came:
//! whoever reads from a bus can always say what is missing.

mod clock;
mod complaint;
#[cfg(feature = "dds")]
pub mod dds;
mod inbox;
pub mod local;
pub mod name;
mod options;
pub mod parameter;
pub mod replay;
#[cfg(feature = "ros")]
pub mod ros;
pub mod typed;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

pub use clock::ToldClock;
pub(crate) use complaint::Complaint;
pub use inbox::{Counts, Inbox, Limit, Subscription};
pub use name::Node;
pub use options::{Kind, Options, open};

use crate::time::Clock;
use crate::wire::{Qos, Topic};

/// What goes wrong on a bus.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transport below refused.
    #[error("{what} on {topic:?} ({type_name:?}) failed")]
    Transport {
        /// What was tried.
        what: &'static str,
        /// The topic or service.
        topic: String,
        /// Its type.
        type_name: String,
        /// What the transport said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bus itself could not be opened.
    #[error("the bus {bus:?} could not be opened")]
    Open {
        /// Its name.
        bus: &'static str,
        /// What the transport said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A domain in the environment that is none.
    #[error("ROS_DOMAIN_ID says {said:?}, which is no number from 0 to 232")]
    Domain {
        /// What it says.
        said: String,
    },
    /// A name that ROS 2 does not allow.
    #[error("{name:?} is no valid topic or service name: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A message whose bytes do not fit its type.
    #[error("a message on {topic:?} does not read as {type_name:?}")]
    Message {
        /// The topic or service.
        topic: String,
        /// The type it should be.
        type_name: String,
        /// What the reader said.
        source: Box<crate::msg::Error>,
    },
    /// Nobody answered a service call in time.
    #[error("no answer from the service {service:?} within {after_ms} ms")]
    Unanswered {
        /// The service.
        service: String,
        /// How long we waited.
        after_ms: u128,
    },
    /// The bag behind a replay.
    #[error("the bag behind the bus failed")]
    Bag(#[source] Box<crate::bag::Error>),
}

impl From<crate::bag::Error> for Error {
    fn from(source: crate::bag::Error) -> Self {
        Self::Bag(Box::new(source))
    }
}

/// The sending end of a topic.
pub trait Sink: Send {
    /// Sends one message: CDR with its four bytes of encapsulation.
    fn send(&mut self, cdr: Bytes) -> Result<(), Error>;
    /// How many subscriptions hear it now.
    fn matched(&self) -> usize;
}

/// One topic as others offer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The full name, with its leading slash.
    pub name: String,
    /// Every type it is offered with; more than one is somebody's mistake.
    pub types: Vec<String>,
    /// What each publisher offers.
    pub offered: Vec<Qos>,
    /// The full names of the nodes that publish it, where the bus knows.
    pub publishers: Vec<String>,
    /// Types and their hashes (`RIHS01_…`) as publishers announce them, each pair once; Humble's announce none.
    pub hashes: Vec<(String, String)>,
}

impl Offer {
    /// A topic of which no publisher is noted yet.
    pub fn new(name: impl Into<String>) -> Self {
        let (types, offered, publishers, hashes) = Default::default();
        Self { name: name.into(), types, offered, publishers, hashes }
    }

    /// Notes one more publisher.
    fn add(&mut self, type_name: &str, qos: Qos, node: Option<&str>) {
        if !self.types.iter().any(|known| known == type_name) {
            self.types.push(type_name.to_owned());
        }
        self.offered.push(qos);
        if let Some(node) = node.filter(|node| !self.publishers.iter().any(|known| known == node)) {
            self.publishers.push(node.to_owned());
        }
    }

    /// Notes what a publisher announces of its type.
    #[cfg(feature = "dds")]
    fn announce(&mut self, type_name: &str, hash: &str) {
        let said = (type_name.to_owned(), hash.to_owned());
        if !self.hashes.contains(&said) {
            self.hashes.push(said);
        }
    }
}

/// What a bus asked of the kernel for receiving in time, and what it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Bytes asked for a receiving socket.
    pub buffer_asked: usize,
    /// Bytes it has, bookkeeping included. `net.core.rmem_max` is what limits it where `CAP_NET_ADMIN` is missing.
    pub buffer: usize,
    /// Whether the receiving threads go before ordinary work. `CAP_SYS_NICE` or `RLIMIT_NICE` is what allows it.
    pub precedence: bool,
}

/// Answers a service's requests: serialized request in, serialized response out. Runs on the bus's thread.
pub type Answer = Box<dyn FnMut(Bytes) -> Result<Bytes, Error> + Send>;

/// A service being answered; dropped, it is no longer.
pub trait Served: Send + fmt::Debug {}

/// A transport. Bytes only; see `typed.rs` for messages.
pub trait Bus: Send + Sync {
    /// Opens the sending end of a topic.
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error>;
    /// Has every sample of a topic delivered into `inbox` until the subscription is dropped. The quality asked
    /// for is the topic's; see [`asked_of`] for adapting it to what is offered.
    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error>;
    /// What others publish now.
    fn offers(&self) -> Vec<Offer>;
    /// The clock of this bus: the wall, `/clock`, or the bag's.
    fn clock(&self) -> Arc<dyn Clock>;
    /// Answers a service of that name (`/recorder/start`) and type (`std_srvs/srv/Trigger`).
    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error>;
    /// Calls a service and waits for the answer; where nobody answers yet, for somebody to come. A server whose
    /// answer fails says nothing, as in ROS 2, so that its caller hears [`Error::Unanswered`].
    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error>;
    /// The node this end of the bus belongs to. Names given to the bus are resolved against it.
    fn node(&self) -> &Node;
    /// Whether that clock is what `/clock` says because it was asked for, as `use_sim_time` does.
    fn sim_time(&self) -> bool {
        false
    }
    /// Says that everything wanted is subscribed to: a replay holds back its first message until then.
    fn ready(&self) {}
    /// Whether nothing will come any more, because the bag behind the bus is at its end.
    fn ended(&self) -> bool {
        false
    }
    /// Whether publishers wait where there is no room, so that whoever takes may take his time and nothing is dropped.
    fn patient(&self) -> bool {
        false
    }
    /// What this bus's own sockets and threads were granted, where it receives over a network and can tell.
    fn granted(&self) -> Option<Granted> {
        None
    }
}

/// The lock, also after a panic elsewhere: every state behind these locks is whole between two statements.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The strongest quality that every one of `offered` meets: reliable if all are, kept if all are.
pub fn asked_of(offered: &[Qos], depth: u32) -> Qos {
    use crate::wire::{Durability::TransientLocal, Reliability::Reliable};
    let mut asked = Qos::sensor();
    asked.history = crate::wire::History::KeepLast(depth);
    if !offered.is_empty() && offered.iter().all(|qos| qos.reliability == Reliable) {
        asked.reliability = Reliable;
    }
    if !offered.is_empty() && offered.iter().all(|qos| qos.durability == TransientLocal) {
        asked.durability = TransientLocal;
    }
    asked
}
