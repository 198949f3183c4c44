//! From chunks to what a robot does, tick by tick.
//!
//! No torch, no ROS and no clock of its own: everything here is a function of stamps, so that an evaluation in lockstep and a robot
//! in real time run the same lines.

pub mod calibrate;
pub mod gate;
pub mod handover;
pub mod interpolate;
pub mod join;
mod plan;
pub mod schedule;
pub mod watchdog;

pub use gate::{Gate, Mode, Reason, Signs};
pub use handover::Handover;
pub use interpolate::Interpolate;
pub use join::Join;
pub use schedule::{Counts, Schedule};
pub use watchdog::Watchdog;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// The section `control`.
///
/// ```yaml
/// control:
///   join: {ensemble: {decay: 0.01}}
///   interpolate: smooth
///   gate: {human: {button: 4}, doubt: {false_alarms: 0.1}}
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
    /// Who drives.
    pub gate: gate::Config,
    /// When something counts as silent or dead.
    pub watchdog: watchdog::Config,
}

/// A part of the section that is read elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Elsewhere;

impl<'de> Deserialize<'de> for Elsewhere {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_read_elsewhere| Self)
    }
}
