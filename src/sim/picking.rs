//! Picking a cube up and putting it into a bin: what the worlds `pick` and `sort` share.
//!
//! Which phase an expert is in follows from where the tool, the fingers and the cube are, and never from what was done
//! before: a cube that slipped is simply a cube that is not held. Heights are functions of how well the tool stands above
//! what it goes to, so that the way down is a funnel and not a staircase; that is how people do it, and it is easier to learn.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use nalgebra::{Rotation3, Vector2, Vector3};

use super::expert::{Aim, Style, down};
use super::physics::{Body, Free, Marker, Physics, Pose};
use super::world::{Seen, State, Thing};
use super::{Error, JOINTS};
use crate::noise::Noise;

/// Half an edge of the cube, m.
const HALF: f64 = 0.02;
/// Half the width of the bin's inside, m.
const INSIDE: f64 = 0.065;
/// How far each finger is told to be open: wide, and closed beyond the cube so that the servo presses.
const OPEN: f64 = 0.038;
const PRESSING: f64 = 0.01;
/// How far the fingers are open, at most, when both touch the cube, m.
const TOUCHING: f64 = HALF + 0.0006;
/// How far from the middle of the cube a finger comes down, m.
const BESIDE: f64 = 0.04;
/// How high above a cube on the table the tool travels, m.
const TRAVEL: f64 = 0.1;
/// The height of the tool where it lets go, and where it waits afterwards, m.
const RELEASE: f64 = 0.08;
const LEAVE: f64 = 0.16;
/// The speed of the tool, m/s: on its way, and where a mistake would cost.
const FAST: f64 = 0.2;
const SLOW: f64 = 0.08;

/// The cube and the bin of a scene.
#[derive(Debug)]
pub(super) struct Picking {
    pub(super) cube: Free,
    bin: Marker,
    /// Where they were put.
    pub(super) cube_start: Pose,
    bin_pose: Pose,
}

impl Picking {
    /// Looks up what the scene has.
    pub(super) fn open(physics: &Physics) -> Result<Self, Error> {
        let (cube, bin) = (physics.free("cube")?, physics.marker("bin")?);
        Ok(Self { cube, bin, cube_start: Pose::identity(), bin_pose: Pose::identity() })
    }

    /// Puts the cube and the bin somewhere.
    pub(super) fn lay(&mut self, physics: &mut Physics, noise: &mut Noise) {
        let (x, y) = (noise.within(0.28..0.46), noise.within(-0.18..0.1));
        let yaw = noise.within(-FRAC_PI_4..FRAC_PI_4);
        self.cube_start = Pose::new(Vector3::new(x, y, HALF), Vector3::z() * yaw);
        self.bin_pose = Pose::translation(noise.within(0.29..0.33), noise.within(0.245..0.265), 0.0);
        physics.place(self.cube, &self.cube_start);
        physics.mark(self.bin, &self.bin_pose);
    }

    /// Where they are.
    pub(super) fn things(&self, physics: &Physics) -> [Thing; 2] {
        [
            Thing { name: "cube", seen: Seen::Pose(physics.pose(self.cube.body)) },
            Thing { name: "bin", seen: Seen::Pose(self.bin_pose) },
        ]
    }

    /// The cube, as something that can be pushed.
    pub(super) fn body(&self) -> Body {
        self.cube.body
    }

    /// Where an expert brings the tool next.
    pub(super) fn aim(&self, state: &State, style: &Style) -> Aim {
        let cube = cube_of(state);
        if self.inside(cube) {
            return self.leave(state);
        }
        match () {
            () if self.letting_go(state, cube) => self.let_go(state),
            () if held(state, cube) => self.carry(state, style),
            () => self.fetch(state, cube, style),
        }
    }

    /// Whether the cube is on its way down: between the fingers or just below them, and nothing but the bin's floor under it.
    fn letting_go(&self, state: &State, cube: &Pose) -> bool {
        let seen = state.tool.inverse_transform_point(&cube.translation.vector.into()).coords;
        let off = (cube.translation.vector - self.bin_pose.translation.vector).xy().norm();
        off < 0.045 && state.tool.translation.z < RELEASE + 0.012 && seen.xy().norm() < 0.03 && seen.z < 0.05
    }

    fn let_go(&self, state: &State) -> Aim {
        let at = state.tool.translation.vector;
        Aim { tool: down(at.x, at.y, RELEASE, 0.0), gripper: OPEN, speed: SLOW }
    }

    /// With the cube in the bin: lets go, and only then goes up.
    fn leave(&self, state: &State) -> Aim {
        let at = state.tool.translation.vector;
        let free = state.joints[JOINTS - 1] > 0.027;
        let height = if free { LEAVE } else { at.z };
        Aim { tool: down(at.x, at.y, height, 0.0), gripper: OPEN, speed: FAST }
    }

    /// With the cube in hand: up, over the bin, down to where it can be let go.
    fn carry(&self, state: &State, style: &Style) -> Aim {
        let at = state.tool.translation.vector;
        // Nobody aims at the very middle of a bin that is wide enough.
        let middle = self.bin_pose.translation.vector.xy() + bounded(style.sway.xy() * 1.5, 0.02);
        let off = (middle - at.xy()).norm();
        let way_up = style.sway.z.abs() * 2.0 + RELEASE + 0.055;
        let height = RELEASE + ((off - 0.02) * 1.2).clamp(0.0, way_up - RELEASE);
        // Sideways only as far as the cube is off the table; beside the bin, only over its wall.
        let risen = ((at.z - 0.04) / 0.06).clamp(0.0, 1.0);
        let to = at.xy().lerp(&middle, risen);
        Aim { tool: down(to.x, to.y, height, 0.0), gripper: PRESSING, speed: FAST }
    }

    /// Without the cube in hand: above it, turned as it is, down around it, and closed.
    fn fetch(&self, state: &State, cube: &Pose, style: &Style) -> Aim {
        let tool = &state.tool;
        let (at, to) = (tool.translation.vector, cube.translation.vector);
        let yaw = self.grip_yaw(tool, cube);
        let off = (to - at).xy().norm();
        let seen = tool.inverse_transform_point(&to.into()).coords;
        let finger = state.joints[JOINTS - 1];
        let between = seen.x.abs() < 0.016 && seen.y.abs() < 0.018 && seen.z.abs() < 0.012;
        if between && (yaw - yaw_of(tool)).abs() < 0.25 {
            return Aim { tool: down(to.x, to.y, to.z, yaw), gripper: PRESSING, speed: SLOW };
        }
        // Fingers that are low beside the cube, or not yet open, would push it away: up first.
        let clear = at.z > to.z + 0.05;
        let around = seen.y.abs() < 0.014 && seen.x.abs() < 0.02;
        if !clear && (finger < OPEN - 0.008 || !around) {
            return Aim { tool: down(at.x, at.y, to.z + TRAVEL, yaw), gripper: OPEN, speed: FAST };
        }
        let doubt = (off - 0.006).max(0.0) + 0.05 * ((yaw - yaw_of(tool)).abs() - 0.08).max(0.0);
        let height = to.z + (doubt * 3.0).min(TRAVEL + style.sway.z);
        let aside = style.sway.xy() * (off / 0.08 - 0.5).clamp(0.0, 1.0);
        let speed = if doubt * 3.0 < 0.05 { SLOW } else { FAST };
        Aim { tool: down(to.x + aside.x, to.y + aside.y, height, yaw), gripper: OPEN, speed }
    }

    /// The way round in which the fingers meet two sides of the cube: of the four, the one nearest to how the tool is turned now,
    /// but none that winds the wrist up, and none that puts a finger where the bin is.
    fn grip_yaw(&self, tool: &Pose, cube: &Pose) -> f64 {
        let sides = Rotation3::from(cube.rotation);
        // Of the three edges one that lies flat: a cube may have come to rest on any side.
        let flattest = (0..3)
            .map(|axis| sides.matrix().column(axis).into_owned())
            .min_by(|a, b| a.z.abs().total_cmp(&b.z.abs()));
        let edge = flattest.unwrap_or_else(Vector3::x);
        let now = yaw_of(tool);
        let turn = (edge.y.atan2(edge.x) - now + FRAC_PI_4).rem_euclid(FRAC_PI_2) - FRAC_PI_4;
        let yaw = now + turn;
        let other = yaw - FRAC_PI_2 * yaw.signum();
        let barred = |yaw: f64| {
            let out = Vector2::new(-yaw.sin(), yaw.cos()) * BESIDE;
            let off = (cube.translation.vector - self.bin_pose.translation.vector).xy();
            [off + out, off - out].iter().any(|finger| finger.amax() < INSIDE + 0.015)
        };
        if yaw.abs() > 1.2 && !barred(other) || barred(yaw) { other } else { yaw }
    }

    /// Whether the cube is in the bin.
    pub(super) fn inside(&self, cube: &Pose) -> bool {
        let off = cube.translation.vector - self.bin_pose.translation.vector;
        off.x.abs() < INSIDE && off.y.abs() < INSIDE && (0.0..0.05).contains(&off.z)
    }

    /// Whether the cube lies in the bin and the hand has left.
    pub(super) fn done(&self, physics: &Physics, state: &State) -> bool {
        self.inside(cube_of(state))
            && physics.velocity(self.cube).norm() < 0.02
            && state.joints[JOINTS - 1] > 0.027
            && state.tool.translation.z > RELEASE + 0.03
    }

    /// Whether the cube fell off the table, from where nobody brings it back.
    pub(super) fn lost(&self, state: &State) -> bool {
        cube_of(state).translation.z < -0.05
    }

    /// How far the task has come: near, held, lifted, over the bin, in it, done.
    pub(super) fn score(&self, physics: &Physics, state: &State) -> f64 {
        let cube = cube_of(state);
        let to = |other: &Pose| cube.translation.vector - other.translation.vector;
        let (held, lifted) = (held(state, cube), cube.translation.z > HALF + 0.03);
        match () {
            () if self.done(physics, state) => 1.0,
            () if self.inside(cube) => 0.9,
            () if held && lifted && to(&self.bin_pose).xy().norm() < INSIDE => 0.8,
            () if held && lifted => 0.6,
            () if held => 0.4,
            () if to(&state.tool).norm() < 0.05 => 0.2,
            () => 0.0,
        }
    }
}

/// Where the cube is: every world of picking says so.
fn cube_of(state: &State) -> &Pose {
    state.pose("cube").expect("a world of picking says where its cube is")
}

/// Whether the fingers have the cube. One that is off the table between them is had, also where they give a little.
fn held(state: &State, cube: &Pose) -> bool {
    let seen = state.tool.inverse_transform_point(&cube.translation.vector.into()).coords;
    let airborne = cube.translation.z > HALF + 0.01;
    let most = if airborne { TOUCHING + 0.003 } else { TOUCHING };
    state.joints[JOINTS - 1] < most && seen.x.abs() < 0.022 && seen.y.abs() < 0.012 && seen.z.abs() < 0.022
}

/// How far a tool that points down is turned.
fn yaw_of(tool: &Pose) -> f64 {
    let opening = tool.rotation * Vector3::y();
    (-opening.x).atan2(opening.y)
}

/// `offset`, shortened to `most`.
fn bounded(offset: Vector2<f64>, most: f64) -> Vector2<f64> {
    let length = offset.norm();
    if length > most { offset * (most / length) } else { offset }
}
