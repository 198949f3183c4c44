//! Kinesthetic teaching: the hand of a person who moves a limp arm by its tool.
//!
//! A person does not place an arm, he pulls until it moves as he wants: the effort overcomes the damping of the joints and
//! follows the speed that is missing, up to what a hand gives. It is told joint by joint, as the torque that the hand's pull
//! makes there, because a pull at the tool that is recomputed once a tick shakes the light joints of a wrist. It knows the same
//! aims as the expert at a stick, so that both kinds of demonstration show the same task.

use super::JOINTS;
use super::expert::{Aim, Style, toward};
use super::world::State;
use crate::arm::{Chain, Manner, inverse};

/// Of each joint: its damping, what a missing speed of 1 adds, and the most effort; N·m, and N for the gripper.
const EFFORT: [(f64, f64, f64); JOINTS] = [
    (1.0, 10.0, 20.0),
    (1.0, 10.0, 20.0),
    (0.8, 5.0, 15.0),
    (0.2, 0.3, 4.0),
    (0.2, 0.1, 4.0),
    (0.1, 0.01, 2.0),
    (8.0, 0.0, 30.0),
];
/// Newtons for each metre that a finger is off.
const SQUEEZING: f64 = 1500.0;

/// What the hand does to each joint on the way to `aim`.
pub(super) fn pull(chain: &Chain, state: &State, aim: &Aim, style: &Style, tick_seconds: f64) -> [f64; JOINTS] {
    let twist = toward(&state.tool, aim, style, state.time);
    let wanted = inverse::follow(chain, &state.joints, &twist, tick_seconds, &Manner::default()).speeds;
    let mut efforts = [0.0; JOINTS];
    for joint in 0..chain.dof() {
        let (damping, firmness, most) = EFFORT[joint];
        let missing = wanted[joint] - state.speeds[joint];
        efforts[joint] = (damping * wanted[joint] + firmness * missing).clamp(-most, most);
    }
    let most = EFFORT[JOINTS - 1].2;
    efforts[JOINTS - 1] = ((aim.gripper - state.joints[JOINTS - 1]) * SQUEEZING).clamp(-most, most);
    efforts
}
