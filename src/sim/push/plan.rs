//! Which push to make next: every place on the block's outline is tried in the mind, and the best is taken.
//!
//! Best is what leaves the least time to go: the way of the hand to the contact, the push, and a guess of what remains to be
//! done after it. The way is counted from where the hand is, so that a push that has begun goes on unless another is
//! better by a whole journey: that is what keeps a choice that remembers nothing from wavering.

use nalgebra::{Point2, Rotation2, Vector2};

use super::shape::{Flat, Side, distance, sides};
use super::slide::{Slide, WIDTH, touch};

/// The height of the tool that pushes: its tips are 1 cm above the table.
pub(super) const LOW: f64 = 0.02;
/// The height of the tool that passes over the block.
pub(super) const HIGH: f64 = 0.058;
/// Fingers that are so far from the block can go up and down beside it, m.
pub(super) const FREE: f64 = 0.004;
/// How fast the hand travels, pushes, and goes up and down, as far as plans are concerned, m/s.
const TRAVEL: f64 = 0.2;
const PUSH: f64 = 0.07;
const CLIMB: f64 = 0.1;
/// What coming to rest over a place takes, s.
const CALM: f64 = 0.3;
/// How far before the outline the fingers come down, m.
const BEFORE: f64 = 0.01;
/// How far from a side a push can begin without a journey, m.
const NEAR: f64 = 0.03;
/// The distance between places that are tried, m, and the directions that are tried there, from straight inward.
const GRID: f64 = 0.02;
const TURNS: [f64; 3] = [0.0, -0.3, 0.3];
/// The directions in which a push may go on.
const TURNS_HERE: [f64; 9] = [0.0, -0.15, 0.15, -0.3, 0.3, -0.45, 0.45, -0.6, 0.6];
/// The shortest and the longest step of a push in the mind, m, and how many there are at the most.
const STEP: [f64; 2] = [0.002, 0.01];
const STEPS: usize = 30;
/// A turn of one radian is as bad as a shift by so much, m. More than it uncovers: each push that turns also shifts, while
/// a shift is undone without a turn.
const TURN: f64 = 0.09;
/// How much nearer the block comes in a second on the whole, m/s.
const PACE: f64 = 0.02;
/// One more push costs so many seconds as long as the block is further off than this, m.
const AGAIN: (f64, f64) = (3.0, 0.012);
/// A push makes the block come nearer to its goal by so much at least, m.
const WORTH: f64 = 0.0005;
/// The seconds that a person goes further to push on the side he likes better.
const LIKING: f64 = 0.2;
/// How near the arm may push to its own base, and how far from it, m.
const REACH: std::ops::Range<f64> = 0.17..0.6;

/// A push: from where, which way, and how far the middle of the fingers goes.
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
    /// Where the block is.
    pub(super) block: Flat,
    /// Where it shall be.
    pub(super) goal: Flat,
    /// The middle of the fingers.
    pub(super) fingers: Vector2<f64>,
    /// The height of the tool.
    pub(super) height: f64,
    /// How the fingers are turned.
    pub(super) yaw: f64,
    /// Which side of the block this person likes better.
    pub(super) left: bool,
}

/// A push that may begin: with the fingers in front of a side, after so many seconds.
struct Start {
    before: Option<Vector2<f64>>,
    slide: Slide,
    seconds: f64,
}

impl Scene {
    /// The push to make, if any makes it better.
    pub(super) fn best(&self) -> Option<Push> {
        let mut best: Option<Push> = None;
        for side in sides() {
            best = self.here(&side, best).or(best);
        }
        for side in sides() {
            let places = (side.length / GRID).round();
            for place in 0..places as usize {
                let at = (place as f64 + 0.5) * side.length / places;
                best = self.there(&side, at, best).or(best);
            }
        }
        best
    }

    /// How far the fingers at `place` are from the block, m; less than zero where they reach into it.
    pub(super) fn free(&self, place: &Vector2<f64>) -> f64 {
        distance(&self.block.inverse_transform_point(&Point2::from(*place)).coords) - WIDTH
    }

    /// Going on from where the fingers are, where that is better than `best`.
    fn here(&self, side: &Side, best: Option<Push>) -> Option<Push> {
        let slide = Slide { block: self.block, fingers: self.fingers };
        let (at, gap) = slide.contact(side, self.yaw);
        let lift = (self.height - LOW).max(0.0);
        let least = if lift > 0.012 { FREE } else { -FREE };
        let before = (0.0..=side.length).contains(&at) && (least..NEAR).contains(&gap);
        if !before || self.free(&self.fingers) < least {
            return None;
        }
        self.any(&Start { before: None, slide, seconds: lift / CLIMB }, side, &TURNS_HERE, best)
    }

    /// Travelling to a place of the outline first, where that is better than `best`.
    fn there(&self, side: &Side, at: f64, best: Option<Push>) -> Option<Push> {
        let out = self.block.rotation * side.out;
        let contact = (self.block * Point2::from(side.from + side.along * at)).coords;
        let before = contact + out * BEFORE - touch(self.yaw, &-out);
        if self.free(&before) < FREE || !REACH.contains(&before.norm()) {
            return None;
        }
        let climb = (HIGH - self.height).abs() + (HIGH - LOW);
        let travel = climb / CLIMB + (before - self.fingers).norm() / TRAVEL + CALM;
        let to_the_left = ((contact - self.block.translation.vector).y / 0.03).tanh();
        let liked = if self.left { to_the_left } else { -to_the_left };
        let slide = Slide { block: self.block, fingers: before };
        self.any(&Start { before: Some(before), slide, seconds: travel - LIKING * liked }, side, &TURNS, best)
    }

    /// The best of the pushes at `side` that are turned by one of `turns`, where it is better than `best`.
    fn any(&self, start: &Start, side: &Side, turns: &[f64], best: Option<Push>) -> Option<Push> {
        turns.iter().fold(None, |found, turn| self.push(start, side, *turn, found.or(best)).or(found))
    }

    /// The push at `side`, turned by `turn` from straight inward, where it is better than `best`; as long as is best.
    fn push(&self, start: &Start, side: &Side, turn: f64, best: Option<Push>) -> Option<Push> {
        let way = Rotation2::new(turn) * (self.block.rotation * -side.out);
        let (_, gap) = start.slide.contact(side, self.yaw);
        let mut length = gap.max(0.0) / turn.cos();
        let mut slide = start.slide;
        slide.fingers += way * length;
        let now = off(&self.block, &self.goal);
        let step = (0.2 * now).clamp(STEP[0], STEP[1]);
        let (mut found, mut least) = (None, best.map_or(f64::INFINITY, |best| best.seconds));
        for _ in 0..STEPS {
            let Some(next) = slide.after(side, self.yaw, &(way * step)) else { break };
            (slide, length) = (next, length + step);
            let spent = start.seconds + length / PUSH;
            if spent > least || !REACH.contains(&slide.fingers.norm()) {
                break;
            }
            let then = off(&slide.block, &self.goal);
            let seconds = spent + remaining(then);
            if seconds < least && then < now - WORTH {
                least = seconds;
                found = Some(Push { before: start.before, way, length, seconds });
            }
        }
        found
    }
}

/// How far the block is from its goal, m.
fn off(block: &Flat, goal: &Flat) -> f64 {
    let shift = (block.translation.vector - goal.translation.vector).norm();
    shift.hypot(TURN * block.rotation.angle_to(&goal.rotation))
}

/// The guess of the time that is needed from so far off, s.
fn remaining(off: f64) -> f64 {
    off / PACE + AGAIN.0 * (off / AGAIN.1).min(1.0)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::noise::Noise;

    fn scene(noise: &mut Noise) -> Scene {
        let place = Vector2::new(noise.within(0.3..0.45), noise.within(-0.15..0.15));
        Scene {
            block: Flat::new(place, noise.within(-PI..PI)),
            goal: Flat::new(Vector2::new(0.39, 0.0), -PI / 2.0),
            fingers: Vector2::new(0.27, 0.0),
            height: HIGH,
            yaw: 0.0,
            left: noise.chance(0.5),
        }
    }

    #[test]
    fn there_is_a_push_from_everywhere_and_it_begins_beside_the_block() {
        let mut noise = Noise::new(1);
        for _ in 0..50 {
            let scene = scene(&mut noise);
            let push = scene.best().expect("the block is not at its goal");
            let begins = push.before.unwrap_or(scene.fingers);
            assert!(scene.free(&begins) >= FREE && push.length > 0.0, "{scene:?}: {push:?}");
            assert!((push.way.norm() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn who_arrived_where_he_wanted_pushes_as_he_wanted() {
        let mut noise = Noise::new(2);
        for _ in 0..50 {
            let scene = scene(&mut noise);
            let push = scene.best().expect("the block is not at its goal");
            let begins = push.before.unwrap_or(scene.fingers);
            let then = Scene { fingers: begins, height: LOW, ..scene }.best().expect("there was one before");
            assert_eq!(then.before, None, "{scene:?}");
            assert!(
                then.way.dot(&push.way) > 0.85 && then.seconds < push.seconds,
                "{push:?} became {then:?}"
            );
        }
    }

    #[test]
    fn where_nothing_gets_better_nothing_is_pushed() {
        let mut noise = Noise::new(3);
        let scene = scene(&mut noise);
        assert_eq!(Scene { block: scene.goal, ..scene }.best(), None);
    }
}
