//! Kinesthetic teaching: the hand of a person who moves a limp arm by its tool.
//!
//! A person does not place an arm, he pulls until it moves as he wants: the force follows the speed that is missing, up to what
//! a hand gives. It knows the same aims as the expert at a stick, so that both kinds of demonstration show the same task.

use nalgebra::Vector3;

use super::JOINTS;
use super::expert::{Aim, Style, bounded, toward};
use super::world::State;
use crate::arm::{Chain, MOST};

/// Newtons for each metre a second that is missing.
const PULLING: f64 = 80.0;
/// The most a hand pulls, N.
const STRENGTH: f64 = 40.0;
/// Newton metres for each radian a second that is missing.
const TWISTING: f64 = 1.0;
/// The most a hand twists, N·m.
const GRIP: f64 = 4.0;
/// Newtons for each metre that a finger is off, and the most of them.
const SQUEEZING: (f64, f64) = (1500.0, 30.0);

/// What a hand does to the arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pull {
    /// At the tool, N.
    pub(super) force: Vector3<f64>,
    /// At the tool, N·m.
    pub(super) torque: Vector3<f64>,
    /// At a finger, N.
    pub(super) gripper: f64,
}

/// What the hand does on the way to `aim`.
pub(super) fn pull(chain: &Chain, state: &State, aim: &Aim, style: &Style) -> Pull {
    let wanted = toward(&state.tool, aim, style, state.time);
    let (_, jacobian) = chain.jacobian(&state.joints);
    let mut speeds = nalgebra::SVector::<f64, MOST>::zeros();
    for (speed, known) in speeds.iter_mut().zip(&state.speeds[..chain.dof()]) {
        *speed = *known;
    }
    let missing = wanted - jacobian * speeds;
    let off = aim.gripper - state.joints[JOINTS - 1];
    Pull {
        force: bounded(missing.fixed_rows::<3>(0) * PULLING, STRENGTH),
        torque: bounded(missing.fixed_rows::<3>(3) * TWISTING, GRIP),
        gripper: (off * SQUEEZING.0).clamp(-SQUEEZING.1, SQUEEZING.1),
    }
}
