//! How the block slides when the closed fingers push it: slowly enough that it stops where the pushing stops.
//!
//! Friction with the table is taken as an ellipsoid of forces and torques that the block slides under (Goyal, Ruina and
//! Papadopoulos 1991), friction with the fingers as a cone: the contact sticks where the force for that lies in the cone
//! and slides along its edge elsewhere (Lynch and Mason 1996, section 3). That is the whole of what the expert knows of physics, and it is
//! wrong by so much that the expert must look again at every tick.

use nalgebra::{Rotation2, Vector2};

use super::shape::{Flat, Side};

/// The greatest torque of the table's friction over its greatest force, m: about how far from the centroid the block rests.
const LEVER: f64 = 0.075;
/// The friction between the fingers and the block.
const GRIP: f64 = 0.35;
/// Half the width of the closed fingers, along x and along y of the tool, m.
const FINGERS: [f64; 2] = [0.011, 0.0125];
/// So far from square to a side, in radians, the fingers touch it with an edge and no longer with their whole width.
const EDGE: f64 = 0.12;

/// How far from the middle of the fingers, which are turned by `yaw`, they touch what lies in direction `to`.
pub(super) fn touch(yaw: f64, to: &Vector2<f64>) -> Vector2<f64> {
    let turned = Rotation2::new(yaw);
    let to = turned.inverse() * to;
    let reach = |axis: usize| FINGERS[axis] * (to[axis] / EDGE).clamp(-1.0, 1.0);
    turned * Vector2::new(reach(0), reach(1))
}

/// A push that has begun: where the block is, and the middle of the fingers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slide {
    /// The block.
    pub(super) block: Flat,
    /// The middle of the fingers.
    pub(super) fingers: Vector2<f64>,
}

impl Slide {
    /// Where on `side`, from its beginning, the fingers touch it or would, and how far they are from it.
    pub(super) fn contact(&self, side: &Side, yaw: f64) -> (f64, f64) {
        let out = self.block.rotation * side.out;
        let touching = self.fingers + touch(yaw, &-out);
        let from = self.block.inverse_transform_point(&touching.into()).coords - side.from;
        (from.dot(&side.along), from.dot(&side.out))
    }

    /// The same after the fingers, touching `side`, went on by `way`; nothing once they slip off it.
    pub(super) fn after(&self, side: &Side, yaw: f64, way: &Vector2<f64>) -> Option<Self> {
        let (at, _) = self.contact(side, yaw);
        if !(0.0..=side.length).contains(&at) {
            return None;
        }
        let arm = self.block.rotation * (side.from + side.along * at);
        let inward = self.block.rotation * -side.out;
        if way.dot(&inward) <= 0.0 {
            return None;
        }
        let (shift, turn) = slid(&arm, &inward, way);
        let turned = nalgebra::UnitComplex::new(turn) * self.block.rotation;
        let mut next = Self { block: Flat::from_parts((self.block.translation.vector + shift).into(), turned), ..*self };
        next.fingers += way;
        // A step is no instant: the block is put back to where the fingers touch it.
        let (_, gap) = next.contact(side, yaw);
        next.block.translation.vector += next.block.rotation * side.out * gap;
        Some(next)
    }
}

/// How a block slides and turns whose contact, at `arm` from its centroid, is moved by `way`; `inward` is the normal.
fn slid(arm: &Vector2<f64>, inward: &Vector2<f64>, way: &Vector2<f64>) -> (Vector2<f64>, f64) {
    let square = LEVER * LEVER;
    let sum = square + arm.norm_squared();
    let sticking = Vector2::new(
        ((square + arm.x * arm.x) * way.x + arm.x * arm.y * way.y) / sum,
        (arm.x * arm.y * way.x + (square + arm.y * arm.y) * way.y) / sum,
    );
    let across = Vector2::new(-inward.y, inward.x);
    let (pressing, dragging) = (sticking.dot(inward), sticking.dot(&across));
    let turn = |force: &Vector2<f64>| arm.perp(force) / square;
    if dragging.abs() <= GRIP * pressing {
        return (sticking, turn(&sticking));
    }
    let force = inward + across * GRIP.copysign(dragging);
    let moved = force + Vector2::new(-arm.y, arm.x) * turn(&force);
    let shift = force * (way.dot(inward) / moved.dot(inward).max(1e-6));
    (shift, turn(&shift))
}
