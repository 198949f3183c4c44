//! What goes wrong with a runner.
//!
//! Before anything moves all of it ends the process; afterwards only what leaves nobody to hold the robot, or to speak for it.

use std::path::PathBuf;

use super::mind::Unthought;
use crate::bus;
use crate::control::limits;

/// What goes wrong with a runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[source] Box<bus::Error>),
    /// The robot's file lacks something, or does not fit the policy.
    #[error("{key}: {why}")]
    Setting {
        /// Which key it is about.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The robot's limits.
    #[error("control.limits")]
    Limits(#[from] limits::Error),
    /// The policy cannot act.
    #[error("the policy {path:?} is refused")]
    Policy {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: Unthought,
    },
    /// The terminal cannot be used.
    #[error("the terminal could not be taken for keys")]
    Terminal(#[source] std::io::Error),
    /// The thread that holds the robot has panicked.
    #[error("the thread of control has ended by itself: the robot's controllers are on their own")]
    Control,
    /// A thread without which nobody can drive has ended.
    #[error("the thread {name:?} has ended by itself: the robot is held, and the run ends")]
    Lost {
        /// Its name.
        name: String,
    },
    /// A thread that could not be started.
    #[error("the thread {name:?} could not be started")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<bus::Error> for Error {
    fn from(error: bus::Error) -> Self {
        Self::Bus(Box::new(error))
    }
}
