//! From chunks to what a robot does, tick by tick.
//!
//! No torch, no ROS and no clock of its own: everything here is a function of stamps, so that an evaluation in lockstep and a robot
//! in real time run the same lines.

pub mod bid;
pub mod calibrate;
pub mod gate;
pub mod handover;
pub mod interpolate;
pub mod join;
pub mod limits;
mod plan;
pub mod schedule;
pub mod thinking;
pub mod tick;
pub mod watchdog;

pub use gate::{Gate, Mode, Reason, Signs};
pub use handover::Handover;
pub use interpolate::Interpolate;
pub use join::Join;
pub use limits::{Going, Limited, Limits};
pub use schedule::{Counts, Schedule};
pub use thinking::Thinking;
pub use tick::{Control, Moment, Outcome};
pub use watchdog::Watchdog;

use serde::{Deserialize, Serialize};

/// The section `control`.
///
/// ```yaml
/// control:
///   join: {continue: {after: 8, guidance: 5.0}}
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
    /// What the robot may do; only who drives it needs to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<limits::Config>,
    /// Who drives.
    pub gate: gate::Config,
    /// When something counts as silent or dead.
    pub watchdog: watchdog::Config,
}
