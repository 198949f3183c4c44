//! The world `sort`: pick a cube or leave it, as a lamp said that has long gone out.
//!
//! The lamp is green or red for a second; for two more the arm waits. When it has to choose there is nothing left to be seen
//! of the choice: a policy that looks at the present only must fail half of the time, and that is what this world is for.

use nalgebra::{Vector2, Vector3};

use super::expert::{Aim, Style, down};
use super::physics::{Body, Marker, Physics, Pose};
use super::picking::Picking;
use super::simulation::{HOME, HOME_GRIPPER};
use super::world::{Judgement, Seen, State, Thing, World};
use super::{Error, JOINTS};
use crate::noise::Noise;

/// Until when the lamp is lit, s.
const LIT: f64 = 1.0;
/// From when on the cube may be moved, s.
const GO: f64 = 3.0;
/// When it is looked at whether the cube was left, s.
const LEFT: f64 = 8.0;
/// Where the tool rests when there is nothing to do.
const REST: [f64; 3] = [0.2, -0.26, 0.24];
/// How near to it the tool must be, m.
const NEAR: f64 = 0.03;
/// How far a cube that was left may lie from where it was, m.
const MOVED: f64 = 0.01;
/// Where a light is when it is lit: around the dome of the lamp.
const DOME: [f64; 3] = [0.3, -0.32, 0.055];
/// Where it is when it is not: under the floor.
const PARKED: [f64; 3] = [0.0, 0.0, -3.0];

#[derive(Debug)]
struct Sort {
    picking: Picking,
    green: Marker,
    red: Marker,
    /// What the lamp says: to pick.
    pick: bool,
    /// The time, which decides whether the cube may be pushed.
    now: f64,
    /// The cube was moved when it should not have been.
    spoiled: bool,
}

/// Looks up what the scene has.
pub(super) fn open(physics: &Physics) -> Result<Box<dyn World>, Error> {
    let (green, red) = (physics.marker("green")?, physics.marker("red")?);
    let picking = Picking::open(physics)?;
    Ok(Box::new(Sort { picking, green, red, pick: true, now: 0.0, spoiled: false }))
}

impl Sort {
    /// Whether `time`, which adds up steps of physics, has come to `instant`.
    fn reached(time: f64, instant: f64) -> bool {
        time > instant - 1e-6
    }
}

impl World for Sort {
    fn reset(&mut self, physics: &mut Physics, noise: &mut Noise) {
        self.picking.lay(physics, noise);
        self.pick = noise.chance(0.5);
        (self.now, self.spoiled) = (0.0, false);
        let (lit, out) = if self.pick { (self.green, self.red) } else { (self.red, self.green) };
        physics.mark(lit, &place(DOME));
        physics.mark(out, &place(PARKED));
    }

    fn tick(&mut self, physics: &mut Physics) {
        let before = self.now;
        self.now = physics.time();
        if Self::reached(self.now, LIT) && !Self::reached(before, LIT) {
            physics.mark(self.green, &place(PARKED));
            physics.mark(self.red, &place(PARKED));
            physics.settle();
        }
        if !(self.pick && Self::reached(self.now, GO)) {
            let way = physics.pose(self.picking.body()).translation.vector
                - self.picking.cube_start.translation.vector;
            self.spoiled |= way.norm() > MOVED;
        }
    }

    fn things(&self, physics: &Physics) -> Vec<Thing> {
        let cue = match () {
            () if Self::reached(physics.time(), LIT) => 0.0,
            () if self.pick => 1.0,
            () => -1.0,
        };
        let mut things = vec![Thing { name: "cue", seen: Seen::Numbers(vec![cue]) }];
        things.extend(self.picking.things(physics));
        things
    }

    fn aim(&self, state: &State, style: &Style) -> Aim {
        match () {
            () if !Self::reached(state.time, GO) => hands_off(state, HOME, 0.1),
            () if self.pick => self.picking.aim(state, style),
            () => hands_off(state, REST, 0.25),
        }
    }

    fn judge(&self, physics: &Physics, state: &State) -> Judgement {
        if self.spoiled {
            return Judgement { success: false, score: 0.0, settled: true };
        }
        if self.pick {
            let success = self.picking.done(physics, state);
            let settled = success || self.picking.lost(state);
            return Judgement { success, score: self.picking.score(physics, state), settled };
        }
        let off = (state.tool.translation.vector - Vector3::from(REST)).norm();
        let settled = Self::reached(state.time, LEFT);
        Judgement { success: settled && off < NEAR, score: (1.0 - off / 0.3).clamp(0.0, 1.0), settled }
    }

    fn pushed(&self) -> Option<Body> {
        // Not while it lies where it shall stay: nobody could be blamed for what a push did.
        (self.pick && Self::reached(self.now, GO)).then(|| self.picking.body())
    }
}

/// On the way to a place away from the cube: what is low opens and goes up before it goes sideways, for the cube may be there.
fn hands_off(state: &State, to: [f64; 3], speed: f64) -> Aim {
    let at = state.tool.translation.vector;
    let [x, y, z] = to;
    let risen = ((at.z - 0.06) / 0.06).clamp(0.0, 1.0);
    let over = at.xy().lerp(&Vector2::new(x, y), risen);
    let open = state.joints[JOINTS - 1] > HOME_GRIPPER - 0.003;
    let height = if open || risen > 0.0 { z } else { at.z };
    Aim { tool: down(over.x, over.y, height, 0.0), gripper: HOME_GRIPPER, speed }
}

fn place([x, y, z]: [f64; 3]) -> Pose {
    Pose::translation(x, y, z)
}
