//! The world `fork`: bring the gripper past a post to a place behind it.
//!
//! Left and right are equally good, and people take the one as often as the other from the very same start. The mean of what they do
//! goes straight on and hits the post: a policy that can only answer with a mean fails here, and that is what this world is for.

use super::Error;
use super::expert::{Aim, Style, down};
use super::physics::{Body, Marker, Physics, Pose};
use super::world::{Judgement, Seen, State, Thing, World};
use crate::noise::Noise;

/// The height of the tool on its way, m: the hand is lower than the post is tall.
const HEIGHT: f64 = 0.06;
/// How far before the post it is decided on which side to pass it, m: late, as people do who walk towards one another.
const DECIDED: f64 = 0.11;
/// How fast he goes, m/s: so fast that who averaged until the side shows is at the post by the time he thinks again. Slower, a
/// policy of means gets by, as whichever way it is off by a hair becomes its way.
const SPEED: f64 = 0.6;
/// How far behind the post the place is, m.
const BEHIND: f64 = 0.12;
/// How far from the post's axis the tool passes it, m: the post's radius, half the hand, and some air.
const CLEAR: f64 = 0.115;
/// How near the tool must come to the place, m.
const NEAR: f64 = 0.02;

#[derive(Debug)]
struct Fork {
    post: Marker,
    target: Marker,
    /// What may not touch the post.
    parts: Vec<Body>,
    post_pose: Pose,
    target_pose: Pose,
    touched: bool,
}

/// Looks up what the scene has.
pub(super) fn open(physics: &Physics) -> Result<Box<dyn World>, Error> {
    let parts = [
        "left_finger",
        "right_finger",
        "hand",
        "wrist_camera",
        "wrist_yaw_link",
        "wrist_pitch_link",
        "forearm",
    ];
    Ok(Box::new(Fork {
        post: physics.marker("post")?,
        target: physics.marker("target")?,
        parts: parts.iter().map(|name| physics.body(name)).collect::<Result<_, _>>()?,
        post_pose: Pose::identity(),
        target_pose: Pose::identity(),
        touched: false,
    }))
}

impl World for Fork {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        let (x, y) = (noise.within(0.43..0.45), noise.within(-0.02..0.02));
        self.post_pose = Pose::translation(x, y, 0.0);
        self.target_pose = down(x + BEHIND, y, HEIGHT, 0.0);
        self.touched = false;
        physics.mark(self.post, &self.post_pose);
        physics.mark(self.target, &Pose::translation(x + BEHIND, y, HEIGHT));
    }

    fn tick(&mut self, physics: &mut Physics) {
        self.touched |= self.parts.iter().any(|part| physics.touching(*part, self.post.body));
    }

    fn things(&self, _physics: &Physics) -> Vec<Thing> {
        vec![
            Thing { name: "post", seen: Seen::Pose(self.post_pose) },
            Thing { name: "target", seen: Seen::Pose(self.target_pose) },
        ]
    }

    fn aim(&self, state: &State, style: &Style) -> Aim {
        let post = self.post_pose.translation.vector;
        let at = state.tool.translation.vector - post;
        // Who is clearly on one side stays there, whatever he had in mind.
        let left = if at.x > -0.07 && at.y.abs() > 0.03 { at.y > 0.0 } else { style.left };
        let side = if left { 1.0 } else { -1.0 };
        let clear = CLEAR + style.sway.x.abs();
        let aside = at.y * side;
        let tool = match () {
            // Nothing tells yet which side it will be.
            () if at.x < -DECIDED && aside < 0.03 => down(post.x - 0.03, post.y, HEIGHT, 0.0),
            // Low enough to mean it, and not yet beside the post.
            () if at.x < -0.02 && aside < clear - 0.015 => {
                // Forward all the while: who cannot choose a side ends up at the post and not in front of it.
                down(post.x - 0.03 + style.sway.y, post.y + side * clear, HEIGHT, 0.0)
            }
            () if at.x < 0.085 => down(post.x + 0.11, post.y + side * clear, HEIGHT, 0.0),
            () => self.target_pose,
        };
        Aim { tool, gripper: 0.0, speed: SPEED }
    }

    fn judge(&self, _physics: &Physics, state: &State) -> Judgement {
        let off = (state.tool.translation.vector - self.target_pose.translation.vector).norm();
        let success = !self.touched && off < NEAR;
        let score = if self.touched { 0.0 } else { (1.0 - off / 0.3).clamp(0.0, 1.0) };
        Judgement { success, score, settled: success || self.touched }
    }
}
