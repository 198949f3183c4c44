//! The setting `control.interpolate`: what is commanded between two actions.
//!
//! A policy acts some ten times a second, a robot's controllers take commands some hundred times. Between two actions the next one
//! is known already, so nothing is gained by waiting for it: a command is put on the way from the one to the other.

use serde::{Deserialize, Serialize};

use super::plan::Knot;
use crate::time::Stamp;

/// What is commanded between two actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolate {
    /// The action before, until the next is due.
    Hold,
    /// Straight from one to the next: no jumps of position.
    #[default]
    Linear,
    /// By minimum jerk from one to the next: no jumps of position, speed or acceleration. It may go beyond both a little.
    Smooth,
}

/// Where a joint is on its way, how fast, and how that changes; one number a joint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub(super) position: Vec<f64>,
    pub(super) motion: Motion,
}

/// Speeds and accelerations of every joint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Motion {
    pub(super) speed: Vec<f64>,
    pub(super) acceleration: Vec<f64>,
}

impl Motion {
    fn rest(joints: usize) -> Self {
        Self { speed: vec![0.0; joints], acceleration: vec![0.0; joints] }
    }
}

impl Interpolate {
    /// Where the joints are at `now`, which lies between knot number `at` and the one after it.
    pub(super) fn between(self, knots: &[Knot], at: usize, now: Stamp) -> Course {
        let (from, to) = (&knots[at], knots.get(at + 1));
        let joints = from.values.len();
        match (self, to) {
            (Self::Hold, _) | (_, None) => {
                Course { position: from.values.clone(), motion: Motion::rest(joints) }
            }
            (Self::Linear, Some(to)) => linear(from, to, now),
            (Self::Smooth, Some(to)) => {
                quintic((from, &motion_at(knots, at)), (to, &motion_at(knots, at + 1)), now)
            }
        }
    }
}

fn linear(from: &Knot, to: &Knot, now: Stamp) -> Course {
    let span = seconds(from.due, to.due);
    let share = seconds(from.due, now) / span;
    let pairs = || from.values.iter().zip(&to.values);
    // Written so that equal ends give exactly that value, and the ends themselves come out exactly.
    let position = pairs().map(|(a, b)| a + (b - a) * share).collect();
    let speed = pairs().map(|(a, b)| (b - a) / span).collect();
    Course { position, motion: Motion { speed, acceleration: vec![0.0; from.values.len()] } }
}

/// How the joints move at a knot: as it says itself, else as the parabola through it and its two neighbours does. At both ends of a
/// plan they rest.
fn motion_at(knots: &[Knot], at: usize) -> Motion {
    let here = &knots[at];
    if let Some(motion) = &here.motion {
        return motion.clone();
    }
    let (Some(before), Some(after)) = (at.checked_sub(1).map(|before| &knots[before]), knots.get(at + 1))
    else {
        return Motion::rest(here.values.len());
    };
    let (gone, to_come) = (seconds(before.due, here.due), seconds(here.due, after.due));
    let slopes = |joint: usize| {
        let arrived = (here.values[joint] - before.values[joint]) / gone;
        let leaving = (after.values[joint] - here.values[joint]) / to_come;
        (arrived, leaving)
    };
    let both = gone + to_come;
    let speed = |(arrived, leaving): (f64, f64)| (to_come * arrived + gone * leaving) / both;
    let acceleration = |(arrived, leaving): (f64, f64)| 2.0 * (leaving - arrived) / both;
    let joints = 0..here.values.len();
    Motion {
        speed: joints.clone().map(slopes).map(speed).collect(),
        acceleration: joints.map(slopes).map(acceleration).collect(),
    }
}

/// The polynomial of degree five that has the positions, speeds and accelerations of both ends: of all ways between them, the one
/// with the least jerk squared over the time (Flash and Hogan 1985, "The Coordination of Arm Movements", appendix A).
fn quintic((from, leaving): (&Knot, &Motion), (to, arriving): (&Knot, &Motion), now: Stamp) -> Course {
    let span = seconds(from.due, to.due);
    let s = seconds(from.due, now) / span;
    let mut course =
        Course { position: Vec::new(), motion: Motion { speed: Vec::new(), acceleration: Vec::new() } };
    for joint in 0..from.values.len() {
        let (start, way) = (from.values[joint], to.values[joint] - from.values[joint]);
        // In units of the span, so that the powers stay near one.
        let (v0, v1) = (leaving.speed[joint] * span, arriving.speed[joint] * span);
        let (a0, a1) =
            (leaving.acceleration[joint] * span * span, arriving.acceleration[joint] * span * span);
        let c2 = a0 / 2.0;
        let c3 = 10.0 * way - 6.0 * v0 - 4.0 * v1 - 1.5 * a0 + 0.5 * a1;
        let c4 = -15.0 * way + 8.0 * v0 + 7.0 * v1 + 1.5 * a0 - a1;
        let c5 = 6.0 * way - 3.0 * (v0 + v1) + 0.5 * (a1 - a0);
        course.position.push(start + s * (v0 + s * (c2 + s * (c3 + s * (c4 + s * c5)))));
        let speed = v0 + s * (2.0 * c2 + s * (3.0 * c3 + s * (4.0 * c4 + s * 5.0 * c5)));
        course.motion.speed.push(speed / span);
        let acceleration = 2.0 * c2 + s * (6.0 * c3 + s * (12.0 * c4 + s * 20.0 * c5));
        course.motion.acceleration.push(acceleration / (span * span));
    }
    course
}

/// From `start` to `end`, where `end` is not before it.
fn seconds(start: Stamp, end: Stamp) -> f64 {
    end.since(start).as_secs_f64()
}
