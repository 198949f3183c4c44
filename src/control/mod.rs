//! From chunks to what a robot does, tick by tick.
//!
//! No torch, no ROS and no clock of its own: everything here is a function of stamps, so that an evaluation in lockstep and a robot
//! in real time run the same lines.

pub mod bid;
pub mod interpolate;
pub mod join;
mod plan;
pub mod schedule;
pub mod thinking;

pub use interpolate::Interpolate;
pub use join::Join;
pub use schedule::{Counts, Schedule};
pub use thinking::Thinking;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// The section `control`.
///
/// ```yaml
/// control:
///   join: {continue: {after: 8, guidance: 5.0}}
///   interpolate: smooth
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How a new chunk meets the one that is being carried out.
    pub join: Join,
    /// What is commanded between two actions.
    pub interpolate: Interpolate,
    /// The limits of a robot's joints: read by the part that holds commands to them.
    #[serde(skip_serializing)]
    limits: Elsewhere,
    /// Who drives: read by the gate.
    #[serde(skip_serializing)]
    gate: Elsewhere,
}

/// A part of the section that is read elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Elsewhere;

impl<'de> Deserialize<'de> for Elsewhere {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_read_elsewhere| Self)
    }
}
