//! From chunks to what a robot does, tick by tick.
//!
//! No torch, no ROS and no clock of its own: everything here is a function of stamps, so that an evaluation in lockstep and a robot
//! in real time run the same lines.

pub mod interpolate;
pub mod join;
pub mod limits;
mod plan;
pub mod schedule;

pub use interpolate::Interpolate;
pub use join::Join;
pub use limits::{Going, Limited, Limits};
pub use schedule::{Counts, Schedule};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// The section `control`.
///
/// ```yaml
/// control:
///   join: {ensemble: {decay: 0.01}}
///   interpolate: smooth
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How a new chunk meets the one that is being carried out.
    pub join: Join,
    /// What is commanded between two actions.
    pub interpolate: Interpolate,
    /// What the robot may do; only who drives it needs to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<limits::Config>,
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
