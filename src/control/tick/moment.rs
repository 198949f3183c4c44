//! What is so at one tick: everything that control goes by, and nothing that it would have to ask for.
//!
//! A runner fills it from its streams, a simulation from its world, a test from its table; the three are told apart by nothing in it.

use std::time::Duration;

use crate::control::gate::{Button, Plan};
use crate::control::watchdog::Ages;
use crate::time::Stamp;

/// What is so at one tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment<'a> {
    /// The instant, by the clock that the node lives by.
    pub now: Stamp,
    /// The machine's own time, from any beginning.
    pub monotonic: Duration,
    /// Where the joints are; nothing where that is not known.
    pub measured: Option<&'a [f64]>,
    /// How strongly the gripper was last felt to press.
    pub effort: Option<f64>,
    /// The action that the policy's plan has for this instant.
    pub planned: Option<&'a [f64]>,
    /// How it stands with the plan.
    pub plan: Plan,
    /// The person's command, where it is fresh.
    pub expert: Option<&'a [f64]>,
    /// How it stands with the dead-man button.
    pub button: Button,
    /// `~/take` was called since the last tick.
    pub service: Option<bool>,
    /// The leader was moved by hand.
    pub moved: bool,
    /// Another device speaks in the place of the one that the person drove by.
    pub another: bool,
    /// The policy's doubt.
    pub doubt: Option<f32>,
    /// The operator wants the policy to go on.
    pub resume: bool,
    /// The policy may go on by itself as soon as it can.
    pub released: bool,
    /// The operator wants the robot held.
    pub stop: bool,
    /// How old everything is, for the watchdog; nothing where nothing can grow old, as in lockstep.
    pub ages: Option<Ages<'a>>,
}
