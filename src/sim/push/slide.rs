//! How the block slides when the closed fingers push it: slowly enough that it stops where the pushing stops.
//!
//! Friction with the table is taken as an ellipsoid of forces and torques that the block slides under (Goyal, Ruina and
//! Papadopoulos 1991), friction with the fingers as a cone: the contact sticks where the force for that lies in the cone
//! and slides along its edge elsewhere (Lynch and Mason 1996, section 3). That is the whole of what the expert knows of physics, and it is
//! wrong by so much that the expert must look again at every tick.

use nalgebra::{Point2, Rotation2, UnitComplex, Vector2};

use super::shape::{Flat, Side};

/// The greatest torque of the table's friction over its greatest force, m: about how far from the centroid the block rests.
const LEVER: f64 = 0.075;
/// The friction between the fingers and the block.
const GRIP: f64 = 0.35;
/// Half the width of the closed fingers, along x and along y of the tool, m.
const FINGERS: [f64; 2] = [0.011, WIDTH];
/// The greater of the two, m.
pub(super) const WIDTH: f64 = 0.0125;
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
        let from = self.block.inverse_transform_point(&Point2::from(touching)).coords - side.from;
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
        let turned = UnitComplex::new(turn) * self.block.rotation;
        let mut next =
            Self { block: Flat::from_parts((self.block.translation.vector + shift).into(), turned), ..*self };
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

#[cfg(test)]
mod tests {
    use super::super::shape::sides;
    use super::*;

    /// The top of the bar, which begins at its right end.
    const TOP: usize = 3;

    /// A push of `length` straight down onto the top of the bar, `aside` from its middle.
    fn pushed(aside: f64, length: f64) -> Option<Flat> {
        let side = sides()[TOP];
        let place = side.from + side.along * side.length / 2.0 + Vector2::new(aside, FINGERS[1]);
        let mut slide = Slide { block: Flat::identity(), fingers: place };
        for _ in 0..20 {
            slide = slide.after(&side, 0.0, &Vector2::new(0.0, -length / 20.0))?;
        }
        let (_, gap) = slide.contact(&side, 0.0);
        assert!(gap.abs() < 1e-3, "the fingers stay on the side: {gap}");
        Some(slide.block)
    }

    #[test]
    fn a_push_through_the_middle_shifts_and_one_aside_turns_too() {
        let middle = pushed(0.0, 0.05).expect("it does not slip");
        assert!(
            (middle.translation.vector - Vector2::new(0.0, -0.05)).norm() < 1e-9
                && middle.rotation.angle().abs() < 1e-9
        );
        let (right, left) = (pushed(0.06, 0.05).expect("no slip"), pushed(-0.06, 0.05).expect("no slip"));
        assert!(
            right.rotation.angle() < -0.2 && (right.rotation.angle() + left.rotation.angle()).abs() < 1e-9
        );
        assert!(right.translation.y > -0.05, "what turns is shifted less");
    }

    #[test]
    fn fingers_slip_off_an_end_and_cannot_pull() {
        assert_eq!(pushed(0.081, 0.01), None);
        assert_eq!(pushed(0.0, -0.01), None);
    }

    #[test]
    fn fingers_that_are_askew_touch_with_an_edge() {
        let ahead = Vector2::x();
        assert_eq!(touch(0.0, &ahead), Vector2::new(FINGERS[0], 0.0));
        let askew = touch(0.4, &ahead);
        assert!((askew.norm() - FINGERS[0].hypot(FINGERS[1])).abs() < 1e-9, "{askew}");
    }
}
