//! The world `push`: push a T-shaped block onto its outline on the table, with the closed fingers.
//!
//! Nothing holds the block while it is pushed: a push is never quite what was meant, several are needed, and which comes next
//! depends on what the last one did. It is the task that policies for contact are compared on (Florence et al. 2021, Chi et al. 2023).

mod plan;
mod shape;
mod slide;

use std::f64::consts::PI;

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use self::plan::{HIGH, LOW, Scene};
use self::shape::{flat, overlap};
use super::Error;
use super::expert::{Aim, Style, down};
use super::physics::{Body, Free, Marker, Physics, Pose};
use super::world::{Judgement, Seen, State, Thing, World};
use crate::noise::Noise;

/// The share of the block that must lie on the outline.
const ENOUGH: f64 = 0.9;
/// The share at which the expert is content.
const CONTENT: f64 = 0.94;
/// A block that is slower than this is at rest, m/s.
const REST: f64 = 0.003;
/// How far from the arm's base the block's centroid may be, m.
const REACH: std::ops::Range<f64> = 0.16..0.66;
/// A block that leans by more than this has toppled, rad.
const TOPPLED: f64 = 0.3;

#[derive(Debug)]
struct Pushed {
    block: Free,
    goal: Marker,
    goal_pose: Pose,
}

/// Looks up what the scene has.
pub(super) fn open(physics: &Physics) -> Result<Box<dyn World>, Error> {
    let (block, goal) = (physics.free("block")?, physics.marker("goal")?);
    Ok(Box::new(Pushed { block, goal, goal_pose: Pose::identity() }))
}

/// Flat on the table.
fn lying(x: f64, y: f64, yaw: f64) -> Pose {
    Pose::from_parts(Vector3::new(x, y, 0.0).into(), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
}

impl World for Pushed {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        self.goal_pose = lying(0.39 + noise.within(-0.02..0.02), noise.within(-0.03..0.03), -PI / 2.0 + noise.within(-0.2..0.2));
        let start = lying(noise.within(0.25..0.5), noise.within(-0.18..0.18), noise.within(-PI..PI));
        physics.mark(self.goal, &self.goal_pose);
        physics.place(self.block, &start);
    }

    fn things(&self, physics: &Physics) -> Vec<Thing> {
        vec![
            Thing { name: "block", seen: Seen::Pose(physics.pose(self.block.body)) },
            Thing { name: "goal", seen: Seen::Pose(self.goal_pose) },
        ]
    }

    fn aim(&self, state: &State, style: &Style) -> Aim {
        let goal = flat(&self.goal_pose);
        let block = state.pose("block").map_or(goal, flat);
        let tool = state.tool.translation.vector;
        let yaw = goal.rotation.angle() + PI / 2.0;
        let aim = |place: Vector2<f64>, height: f64, speed: f64| Aim {
            tool: down(place.x, place.y, height, yaw),
            gripper: 0.0,
            speed,
        };
        let fingers = tool.xy();
        let scene = Scene { block, goal, fingers, height: tool.z, yaw, left: style.left };
        let push = if overlap(&block, &goal) > CONTENT { None } else { scene.best() };
        let Some(push) = push else { return aim(fingers, HIGH, 0.15) };
        match push.before {
            None if tool.z > LOW + 0.006 => aim(fingers, LOW, 0.15),
            None => aim(fingers + push.way * (push.length + 0.004), LOW, 0.1),
            Some(before) => {
                let way = (before - fingers).norm();
                let free = scene.free(&fingers);
                let sway = style.sway.xy() * ((way - 0.03) / 0.05).clamp(0.0, 1.0);
                match () {
                    () if free < 0.004 && tool.z < HIGH - 0.014 => aim(fingers, HIGH, 0.15),
                    () if way < 0.004 || (way < 0.03 && free > 0.004) => aim(before, LOW, 0.15),
                    () => aim(before + sway, HIGH, 0.25),
                }
            }
        }
    }

    fn judge(&self, physics: &Physics, state: &State) -> Judgement {
        let Some(block) = state.pose("block") else { return Judgement { success: false, score: 0.0, settled: true } };
        let score = overlap(&flat(block), &flat(&self.goal_pose));
        let success = score > ENOUGH;
        let lean = (block.rotation * Vector3::z()).angle(&Vector3::z());
        let lost = lean > TOPPLED || !REACH.contains(&block.translation.vector.xy().norm());
        let rests = physics.velocity(self.block).norm() < REST;
        Judgement { success: success && !lost, score, settled: lost || (success && rests) }
    }

    fn pushed(&self) -> Option<Body> {
        Some(self.block.body)
    }
}
