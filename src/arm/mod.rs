//! One arm, described once: what its URDF says, where its tool is, and how its joints must move to bring it elsewhere.
//!
//! A room of its own, so that teleoperation, control and worlds share one reading of the file without meeting each other.
//! Positions and speeds of joints are slices in the order of [`Chain::coordinates`]; everything that is asked for at every
//! tick of control works on the stack and cannot fail.

mod boxed;
mod chunk;
mod dart;
pub mod inverse;
pub mod kinematics;
pub mod urdf;

use std::path::PathBuf;

pub use chunk::{Action, Chunk};
pub use dart::{Dart, Injector};
pub use inverse::{Manner, Search, Solution, Step, Why};
pub use kinematics::{Chain, Coordinate, Jacobian, Twist};
pub use urdf::Description;

/// The most joints that one chain may have. A chain's matrices have that many columns and live on the stack.
pub const MOST: usize = 8;

/// What is wrong with an arm's description, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("the description {path:?} cannot be read")]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text that is no URDF.
    #[error("{place}: {what}: {why}")]
    Urdf {
        /// File, line and column.
        place: String,
        /// The link or joint in question.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name that the description does not have.
    #[error("{name:?} is no {what} of {robot:?}, which has {known}")]
    Unknown {
        /// What it should be: a link, a joint.
        what: &'static str,
        /// The name.
        name: String,
        /// The robot.
        robot: String,
        /// What there is.
        known: String,
    },
    /// Two links of which one does not carry the other.
    #[error("the link {base:?} does not carry {tip:?}")]
    Apart {
        /// Where the chain should begin.
        base: String,
        /// Where it should end.
        tip: String,
    },
    /// A joint that no chain can have.
    #[error("the joint {joint:?} between {base:?} and {tip:?} is {kind}, which no chain can have")]
    Kind {
        /// The joint.
        joint: String,
        /// Where the chain begins.
        base: String,
        /// Where it ends.
        tip: String,
        /// What it is.
        kind: &'static str,
    },
    /// Noise that is none.
    #[error("noise for demonstrations: {why}")]
    Dart {
        /// What is wrong with it.
        why: String,
    },
    /// Actions that no robot may see.
    #[error("this is no chunk of actions: {why}")]
    Chunk {
        /// What is wrong with it.
        why: String,
    },
    /// Too many or too few joints.
    #[error("{joints} joints move between {base:?} and {tip:?}; a chain has from 1 to {MOST}")]
    Joints {
        /// How many there are.
        joints: usize,
        /// Where the chain begins.
        base: String,
        /// Where it ends.
        tip: String,
    },
}
