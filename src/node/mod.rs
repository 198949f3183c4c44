//! Nodes: one file or folder each, and what they share.
//!
//! A node is a function of a [`Context`]: the end of a bus that is its own, and the wish to stop that a signal or
//! a caller may utter. Everything else, topics and services and time, it asks of that bus, so that the same node
//! runs in one process with its peers, over a network, or from a bag. Relative names need no help from here:
//! the bus resolves them against the node it was opened for.

pub mod diagnostics;
pub mod lifecycle;
pub mod recorder;
pub mod runner;
pub mod screen;
#[cfg(feature = "sim")]
pub mod simulator;
pub mod standin;
mod stop;
pub mod teleop;
pub mod trainer;

use std::fmt;
use std::sync::Arc;

pub use stop::Stop;

use crate::bus::Bus;

/// What every node is given.
#[derive(Clone)]
pub struct Context {
    /// The node's own end of the bus.
    pub bus: Arc<dyn Bus>,
    /// Whether the node shall end.
    pub stop: Stop,
}

impl Context {
    /// A context on `bus` that ends when `stop` says so.
    pub fn new(bus: Arc<dyn Bus>, stop: Stop) -> Self {
        Self { bus, stop }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Context").field("node", self.bus.node()).field("stop", &self.stop).finish()
    }
}

/// An error with its causes, in one line.
fn report(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
