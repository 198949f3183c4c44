//! Experts: from where a world wants the tool to what the joints are told next.
//!
//! An expert is a function of the state of the world and of its [`Style`], which is drawn once per episode and is how
//! people differ: in speed, in the side they pass on, in how exactly they aim, in when they pause. It remembers nothing
//! between two ticks, so that it can be asked what it would do where somebody else has driven the arm. Not every world shows all of
//! it, and `tests/world_variety.rs` says which shows what:
//!
//! ```text
//!           speed   side   way-points   pauses, of 100 attempts
//!   reach   x       -      -            3: most are over before one begins
//!   fork    x       x      x            7
//!   push    x       x      x            30
//!   pick    x       -      x            30
//!   sort    x       -      x            3: most fall into the time in which it waits anyway
//! ```

use std::f64::consts::PI;

use nalgebra::{Translation3, UnitQuaternion, Vector3};

use super::JOINTS;
use super::physics::Pose;
use super::world::State;
use crate::arm::{Chain, Manner, Twist, inverse};
use crate::noise::Noise;

/// How much of the way to its aim the tool goes within a second, near the aim; far from it the speed limits it.
const EAGERNESS: f64 = 6.0;
/// Radians a second for each metre a second: as fast as a wrist turns while an arm swings.
const TURNING: f64 = 6.0;
/// The fastest the fingers move, m/s.
const GRIPPING: f64 = 0.12;

/// Where the tool shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// The pose of the tool.
    pub tool: Pose,
    /// How far each finger is open, m.
    pub gripper: f64,
    /// The speed of the tool, m/s, at most.
    pub speed: f64,
}

/// What one attempt has of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// A factor of every speed.
    pub speed: f64,
    /// The side on which an obstacle is passed.
    pub left: bool,
    /// How far way-points lie from where they would be for an exact person, m.
    pub sway: Vector3<f64>,
    /// When the hand rests, in seconds since the reset.
    pub pause: std::ops::Range<f64>,
}

impl Style {
    /// The style of one attempt.
    pub fn draw(noise: &mut Noise) -> Self {
        let speed = noise.within(0.75..1.25);
        let left = noise.chance(0.5);
        let sway = Vector3::new(noise.normal(), noise.normal(), noise.normal()) * 0.006;
        let begin = noise.within(0.3..3.0);
        let lasting = if noise.chance(0.3) { noise.within(0.1..0.4) } else { 0.0 };
        Self { speed, left, sway, pause: begin..begin + lasting }
    }

    /// Nobody's: no sway, no pause, the usual speed.
    pub fn plain(left: bool) -> Self {
        Self { speed: 1.0, left, sway: Vector3::zeros(), pause: 0.0..0.0 }
    }
}

/// The tool at a place, pointing straight down, its fingers opening along y for a `yaw` of zero.
pub fn down(x: f64, y: f64, z: f64, yaw: f64) -> Pose {
    let turned =
        UnitQuaternion::from_euler_angles(0.0, 0.0, yaw) * UnitQuaternion::from_euler_angles(0.0, PI, 0.0);
    Pose::from_parts(Translation3::new(x, y, z), turned)
}

/// The twist of a tool at `from` on the way to `aim`.
pub(super) fn toward(from: &Pose, aim: &Aim, style: &Style, time: f64) -> Twist {
    let mut twist = Twist::zeros();
    if style.pause.contains(&time) {
        return twist;
    }
    let speed = aim.speed * style.speed;
    let way = aim.tool.translation.vector - from.translation.vector;
    let turn = (aim.tool.rotation * from.rotation.inverse()).scaled_axis();
    twist.fixed_rows_mut::<3>(0).copy_from(&bounded(way * EAGERNESS, speed));
    twist.fixed_rows_mut::<3>(3).copy_from(&bounded(turn * EAGERNESS, speed * TURNING));
    twist
}

/// The command of the next tick on the way to `aim`.
///
/// It goes on from the last command and not from where the arm is: a servo is always a little behind, and whoever forgets
/// what he told it pulls it back at every tick.
pub fn steer(chain: &Chain, state: &State, aim: &Aim, style: &Style, tick_seconds: f64) -> [f64; JOINTS] {
    let mut command = state.targets;
    if style.pause.contains(&state.time) {
        return command;
    }
    let twist = toward(&chain.pose(&state.targets), aim, style, state.time);
    let step = inverse::follow(chain, &state.targets, &twist, tick_seconds, &Manner::default());
    for (told, speed) in command.iter_mut().zip(&step.speeds[..chain.dof()]) {
        *told += speed * tick_seconds;
    }
    let most = GRIPPING * tick_seconds;
    command[JOINTS - 1] += (aim.gripper - state.targets[JOINTS - 1]).clamp(-most, most);
    command
}

/// `wanted`, shortened to `most`.
fn bounded(wanted: Vector3<f64>, most: f64) -> Vector3<f64> {
    let length = wanted.norm();
    if length > most { wanted * (most / length) } else { wanted }
}
