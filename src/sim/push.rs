//! The world `push`: push a T-shaped block onto its outline on the table, with the closed fingers.
//!
//! Nothing holds the block while it is pushed: a push is never quite what was meant, several are needed, and which comes next
//! depends on what the last one did. It is the task that policies for contact are compared on (Florence et al. 2021, Chi et al. 2023).

mod plan;
mod shape;
mod slide;

use std::f64::consts::PI;

use nalgebra::{UnitQuaternion, Vector2, Vector3};

use self::plan::{FREE, HIGH, LOW, Push, Scene};
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
/// The yaw of the outline at which its stem points to the arm's base and the fingers are not turned.
const STEM_TO_THE_BASE: f64 = -PI / 2.0;
/// How fast the hand goes over the table, pushes, and goes up and down, m/s.
const TRAVELLING: f64 = 0.25;
const PUSHING: f64 = 0.1;
const CLIMBING: f64 = 0.15;
/// How far the aim of a push lies beyond its end, m: a hand that slows down to its aim would never get there.
const BEYOND: f64 = 0.004;
/// So low above the height of pushing, a push can begin, m.
const NEAR: f64 = 0.006;
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

/// The next aim of fingers that travel to `before`: up, over the block, and down once they are free of it.
fn travel(scene: &Scene, before: Vector2<f64>, style: &Style) -> (Vector2<f64>, f64, f64) {
    let way = (before - scene.fingers).norm();
    let free = scene.free(&scene.fingers) > FREE;
    if !free && scene.height < HIGH - 0.014 {
        return (scene.fingers, HIGH, CLIMBING);
    }
    if way < 0.004 || (way < 0.03 && free) {
        return (before, LOW, CLIMBING);
    }
    let sway = style.sway.xy() * ((way - 0.03) / 0.05).clamp(0.0, 1.0);
    (before + sway, HIGH, TRAVELLING)
}

/// Flat on the table.
fn lying(x: f64, y: f64, yaw: f64) -> Pose {
    Pose::from_parts(Vector3::new(x, y, 0.0).into(), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
}

impl World for Pushed {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        self.goal_pose = lying(
            0.39 + noise.within(-0.02..0.02),
            noise.within(-0.03..0.03),
            STEM_TO_THE_BASE + noise.within(-0.2..0.2),
        );
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
        let (fingers, height) = (state.tool.translation.vector.xy(), state.tool.translation.z);
        // Square to the outline, so that the last pushes are made with the whole width of the fingers.
        let yaw = goal.rotation.angle() - STEM_TO_THE_BASE;
        let scene = Scene { block, goal, fingers, height, yaw, left: style.left };
        let push = if overlap(&block, &goal) > CONTENT { None } else { scene.best() };
        let (place, height, speed) = match push {
            None => (fingers, HIGH, CLIMBING),
            Some(Push { before: None, .. }) if height > LOW + NEAR => (fingers, LOW, CLIMBING),
            Some(Push { before: None, way, length, .. }) => (fingers + way * (length + BEYOND), LOW, PUSHING),
            Some(Push { before: Some(before), .. }) => travel(&scene, before, style),
        };
        Aim { tool: down(place.x, place.y, height, yaw), gripper: 0.0, speed }
    }

    fn judge(&self, physics: &Physics, state: &State) -> Judgement {
        let Some(block) = state.pose("block") else {
            return Judgement { success: false, score: 0.0, settled: true };
        };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sim::{Light, Simulation};

    /// How it stands half a second after the block was put to `place(goal)`.
    fn judged(place: impl Fn(&Pose) -> Pose) -> Result<Judgement, Error> {
        let mut world = Simulation::open("push", Duration::from_millis(10), Light::Plain)?;
        let goal = *world.state().pose("goal").expect("the world has one");
        let block = world.physics().free("block")?;
        world.physics().place(block, &place(&goal));
        let still = world.state().targets;
        for _ in 0..50 {
            world.step(&still);
        }
        Ok(world.judge())
    }

    #[test]
    fn a_block_that_rests_on_its_outline_is_done() -> Result<(), Error> {
        let judgement = judged(|goal| *goal)?;
        assert!(judgement.success && judgement.settled && judgement.score > 0.99, "{judgement:?}");
        let judgement = judged(|goal| goal * Pose::translation(0.012, 0.0, 0.0))?;
        assert!(!judgement.success && !judgement.settled && judgement.score > 0.8, "{judgement:?}");
        Ok(())
    }

    #[test]
    fn a_block_out_of_reach_or_on_its_side_is_lost() -> Result<(), Error> {
        let far = judged(|_| lying(0.72, 0.0, 0.0))?;
        assert!(far.settled && !far.success, "{far:?}");
        let on_its_side = UnitQuaternion::from_euler_angles(PI / 2.0, 0.0, 0.0);
        let toppled = judged(|_| Pose::from_parts(Vector3::new(0.4, 0.0, 0.11).into(), on_its_side))?;
        assert!(toppled.settled && !toppled.success, "{toppled:?}");
        Ok(())
    }
}
