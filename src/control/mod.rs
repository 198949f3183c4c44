//! From chunks to what a robot does, tick by tick.
//!
//! No torch, no ROS and no clock of its own: everything here is a function of stamps, so that an evaluation in lockstep and a robot
//! in real time run the same lines.

pub mod interpolate;
pub mod join;
mod plan;
pub mod schedule;

pub use interpolate::Interpolate;
pub use join::Join;
pub use schedule::{Counts, Schedule};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

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
    /// The limits of a robot's joints: kept for the part that holds commands to them.
    #[serde(skip_serializing)]
    limits: Unread,
    /// Who drives: kept for the gate.
    #[serde(skip_serializing)]
    gate: Unread,
}

/// A part of the section that another reads; any two are equal here.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
struct Unread(Option<IgnoredAny>);

impl PartialEq for Unread {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
