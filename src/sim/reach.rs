//! The world `reach`: bring the gripper to a pose in the air.
//!
//! The simplest task there is, and the first that every policy is tried on: nothing is touched, so whatever goes wrong is the
//! policy's doing.

use super::Error;
use super::expert::{Aim, Style, down};
use super::physics::{Marker, Physics, Pose};
use super::world::{Judgement, Seen, State, Thing, World};
use crate::noise::Noise;

/// How near the tool must come, m and rad.
const NEAR: (f64, f64) = (0.015, 0.15);

#[derive(Debug)]
struct Reach {
    target: Marker,
    pose: Pose,
}

/// Looks up what the scene has.
pub(super) fn open(physics: &Physics) -> Result<Box<dyn World>, Error> {
    Ok(Box::new(Reach { target: physics.marker("target")?, pose: Pose::identity() }))
}

impl World for Reach {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        let (x, y, z) = (noise.within(0.25..0.48), noise.within(-0.2..0.2), noise.within(0.06..0.3));
        self.pose = down(x, y, z, noise.within(-0.6..0.6));
        physics.mark(self.target, &self.pose);
    }

    fn things(&self, _physics: &Physics) -> Vec<Thing> {
        vec![Thing { name: "target", seen: Seen::Pose(self.pose) }]
    }

    fn aim(&self, _state: &State, _style: &Style) -> Aim {
        Aim { tool: self.pose, gripper: 0.02, speed: 0.25 }
    }

    fn judge(&self, _physics: &Physics, state: &State) -> Judgement {
        let way = self.pose.inv_mul(&state.tool);
        let (off, turned) = (way.translation.vector.norm(), way.rotation.angle());
        let success = off < NEAR.0 && turned < NEAR.1;
        Judgement { success, score: (1.0 - off / 0.3).clamp(0.0, 1.0), settled: success }
    }
}
