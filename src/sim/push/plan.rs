//! Which push to make next: every place on the block's outline is tried in the mind, and the best is taken.
//!
//! Best is what leaves the least time to go: the way of the hand to the contact, the push, and a guess of what remains to be
//! done after it. The way is counted from where the hand is, so that a push that has begun goes on unless another is
//! better by a whole journey: that is what keeps a choice that remembers nothing from wavering.

use nalgebra::{Rotation2, Vector2};

use super::shape::{Flat, Side, distance, sides};
use super::slide::{Slide, touch};

/// The height of the tool that pushes: its tips are 1 cm above the table.
pub(super) const LOW: f64 = 0.02;
/// The height of the tool that passes over the block.
pub(super) const HIGH: f64 = 0.058;
/// How fast the hand travels, pushes, and goes up and down, as far as plans are concerned, m/s.
const TRAVEL: f64 = 0.2;
const PUSH: f64 = 0.07;
const CLIMB: f64 = 0.1;
/// How far before the outline the fingers come down, m.
const BEFORE: f64 = 0.01;
/// The distance between places that are tried, m.
const GRID: f64 = 0.02;
/// A step of a push in the mind, m, and how many there are at the most.
const STEP: f64 = 0.01;
const STEPS: usize = 30;
/// A turn of one radian is as bad as a shift by so much, m.
const TURN: f64 = 0.05;
/// A push makes the block come nearer to its goal by so much at least, m.
const WORTH: f64 = 0.0005;
/// How near the arm may push to its own base, and how far from it, m.
const REACH: std::ops::Range<f64> = 0.17..0.6;

/// A push: from where, over where, and to where the middle of the fingers goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Push {
    /// Where the fingers come down; nothing where they already are in front of the contact.
    pub(super) before: Option<Vector2<f64>>,
    /// The direction of the push.
    pub(super) way: Vector2<f64>,
    /// How far the fingers go, m.
    pub(super) length: f64,
    /// The guess of the time until all is done, s.
    pub(super) seconds: f64,
}

/// What is known when a push is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scene {
    pub(super) block: Flat,
    pub(super) goal: Flat,
    /// The middle of the fingers, and their height.
    pub(super) fingers: Vector2<f64>,
    pub(super) height: f64,
    /// How the fingers are turned.
    pub(super) yaw: f64,
    /// Which side of the block this person likes better.
    pub(super) left: bool,
}

/// How far the block is from its goal, m.
pub(super) fn off(block: &Flat, goal: &Flat) -> f64 {
    let shift = (block.translation.vector - goal.translation.vector).norm();
    shift.hypot(TURN * block.rotation.angle_to(&goal.rotation))
}

impl Scene {
    /// The push to make, if any makes it better.
    pub(super) fn best(&self) -> Option<Push> {
        let mut best: Option<Push> = None;
        let mut consider = |push: Option<Push>| {
            if let Some(push) = push.filter(|push| best.is_none_or(|best| push.seconds < best.seconds)) {
                best = Some(push);
            }
        };
        for side in sides() {
            for turn in -4..=4 {
                consider(self.here(&side, 0.15 * f64::from(turn)));
            }
            let places = (side.length / GRID).round() as i32;
            for place in 0..places {
                let at = (f64::from(place) + 0.5) * side.length / f64::from(places);
                for turn in -1..=1 {
                    consider(self.there(&side, at, 0.3 * f64::from(turn)));
                }
            }
        }
        best
    }

    /// Going on from where the fingers are.
    fn here(&self, side: &Side, turn: f64) -> Option<Push> {
        let slide = Slide { block: self.block, fingers: self.fingers };
        let (at, gap) = slide.contact(side, self.yaw);
        let lift = (self.height - LOW).max(0.0);
        let least = if lift > 0.012 { 0.004 } else { -0.004 };
        if !(0.0..=side.length).contains(&at) || !(least..0.03).contains(&gap) || self.free(&self.fingers) < least {
            return None;
        }
        self.push(slide, side, turn, None, lift / CLIMB)
    }

    /// Travelling to a place of the outline first.
    fn there(&self, side: &Side, at: f64, turn: f64) -> Option<Push> {
        let out = self.block.rotation * side.out;
        let contact = (self.block * nalgebra::Point2::from(side.from + side.along * at)).coords;
        let before = contact + out * BEFORE - touch(self.yaw, &-out);
        if self.free(&before) < 0.004 || !REACH.contains(&before.norm()) {
            return None;
        }
        let way = (before - self.fingers).norm();
        let travel = (HIGH - self.height).abs() / CLIMB + way / TRAVEL + (HIGH - LOW) / CLIMB + 0.3;
        let slide = Slide { block: self.block, fingers: before };
        let liked = ((contact - self.block.translation.vector).y / 0.03).tanh() * if self.left { 1.0 } else { -1.0 };
        self.push(slide, side, turn, Some(before), travel - 0.2 * liked)
    }

    /// The push from `slide` on, as long as it makes things better.
    fn push(&self, mut slide: Slide, side: &Side, turn: f64, before: Option<Vector2<f64>>, travel: f64) -> Option<Push> {
        let way = Rotation2::new(turn) * (self.block.rotation * -side.out);
        let (_, gap) = slide.contact(side, self.yaw);
        let gap = gap.max(0.0) / turn.cos();
        slide.fingers += way * gap;
        let mut best: Option<Push> = None;
        let mut length = gap;
        let now = off(&self.block, &self.goal);
        for _ in 0..STEPS {
            let step = if before.is_none() && length < gap + 0.02 { STEP / 4.0 } else { STEP };
            let Some(next) = slide.after(side, self.yaw, &(way * step)) else { break };
            (slide, length) = (next, length + step);
            if !REACH.contains(&slide.fingers.norm()) {
                break;
            }
            let then = off(&slide.block, &self.goal);
            let seconds = travel + length / PUSH + remaining(then);
            match best {
                _ if then > now - WORTH => {}
                Some(best) if seconds > best.seconds + 1.0 => break,
                Some(best) if seconds >= best.seconds => {}
                _ => best = Some(Push { before, way, length, seconds }),
            }
        }
        best
    }

    /// How far the fingers at `place` are from the block, m; less than zero where they reach into it.
    pub(super) fn free(&self, place: &Vector2<f64>) -> f64 {
        let from = self.block.inverse_transform_point(&(*place).into()).coords;
        let centre = distance(&from);
        if centre == 0.0 {
            return -1.0;
        }
        centre - 0.0125
    }
}

/// The guess of the time that is needed from so far off, s.
fn remaining(off: f64) -> f64 {
    off / 0.02 + 3.0 * (off / 0.012).min(1.0)
}
