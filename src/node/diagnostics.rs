//! `/diagnostics`: how a node is, once a second, in the message that ROS's monitors show.
//!
//! It paces itself by this process's clock and stamps with the caller's: under simulated time a paused world would
//! otherwise look like a node that has died.

use std::time::{Duration, Instant};

use crate::bus::typed::Publisher;
use crate::bus::{Bus, Error};
use crate::msg::diagnostic::{DiagnosticArray, DiagnosticStatus, KeyValue};
use crate::msg::std::{Header, Time};
use crate::time::Stamp;
use crate::wire::Qos;

/// How often, as ROS's monitors expect.
const PERIOD: Duration = Duration::from_secs(1);

/// How well a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is well.
    Fine,
    /// Something is to be looked at.
    Warning,
    /// Something is broken.
    Broken,
}

impl Level {
    fn number(self) -> u8 {
        match self {
            Self::Fine => DiagnosticStatus::OK,
            Self::Warning => DiagnosticStatus::WARN,
            Self::Broken => DiagnosticStatus::ERROR,
        }
    }
}

/// One part of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name, behind the node's: `/camera` of `recorder`.
    pub name: String,
    /// How well it is.
    pub level: Level,
    /// How it is, in words.
    pub message: String,
    /// More of it.
    pub values: Vec<(&'static str, String)>,
}

/// A node's way to `/diagnostics`.
#[derive(Debug)]
pub struct Diagnostics {
    node: String,
    publisher: Publisher<DiagnosticArray>,
    due: Instant,
}

impl Diagnostics {
    /// The node's part in `/diagnostics`.
    pub fn open(bus: &dyn Bus) -> Result<Self, Error> {
        Ok(Self {
            node: bus.node().full_name().trim_start_matches('/').to_owned(),
            publisher: Publisher::open(bus, "/diagnostics", Qos::reliable(10))?,
            due: Instant::now(),
        })
    }

    /// Whether the next message is due.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Says at `now` how the node's parts are.
    pub fn publish(&mut self, now: Stamp, parts: Vec<Part>) -> Result<(), Error> {
        // From when it was due on, so that what a turn of the node takes does not add up; what was missed stays missed.
        let (next, from_now) = (self.due + PERIOD, Instant::now());
        self.due = if next > from_now { next } else { from_now + PERIOD };
        let status = parts.into_iter().map(|part| self.status(part)).collect();
        self.publisher.send(&DiagnosticArray { header: header(now), status })
    }

    fn status(&self, part: Part) -> DiagnosticStatus {
        let value = |(key, value): (&str, String)| KeyValue { key: key.to_owned(), value };
        DiagnosticStatus {
            level: part.level.number(),
            name: format!("{}: {}", self.node, part.name),
            message: part.message,
            hardware_id: String::new(),
            values: part.values.into_iter().map(value).collect(),
        }
    }
}

/// A header of that time and of no frame.
pub fn header(stamp: Stamp) -> Header {
    let (sec, nanosec) = stamp.parts();
    Header { stamp: Time { sec, nanosec }, frame_id: String::new() }
}
