//! The box that the tip stays in: a command is allowed if the tip stays in it until the arm has come to rest.
//!
//! The stop that is looked at is the one that would be commanded, tick by tick, so the stop after a command is allowed wherever the
//! command was: who is inside stays inside (a braking trajectory as the certificate of safety: Wabersich and Zeilinger 2018, "Linear
//! Model Predictive Safety Certification for Learning-Based Control"). Forward kinematics is asked only where the tip could have come
//! to a wall since it was asked last (conservative advancement, Mirtich 1996): no joint moves the tip further than by its
//! own way times the longest arm that it can have. Where ticks are not alike, a stop is not quite the one that was looked at;
//! the tip then may pass a wall by what it moves in half of the difference, and is braked.

use super::joint::{Course, Joint};
use crate::arm::{Chain, MOST};

/// A stop that takes more ticks than this is none.
const LONGEST: usize = 4000;
/// Every so many ticks it is asked whether the rest of a stop can matter at all.
const GLANCE: usize = 8;
/// Metres that count as nothing.
const ROUNDING: f64 = 1e-9;

/// The box, and the chain whose tip stays in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Workspace {
    pub(super) chain: Chain,
    /// Which of the robot's joints each coordinate of the chain is.
    pub(super) joints: Vec<usize>,
    /// How far each coordinate moves the tip at the most, m/rad or m/m.
    pub(super) reaches: Vec<f64>,
    pub(super) least: [f64; 3],
    pub(super) most: [f64; 3],
}

impl Workspace {
    /// How far inside the box the tip is; below zero outside.
    fn depth(&self, courses: &[Course; MOST]) -> f64 {
        let tip = self.chain.pose(&courses.map(|course| course.position)).translation.vector;
        let inside = |axis: usize| (tip[axis] - self.least[axis]).min(self.most[axis] - tip[axis]);
        inside(0).min(inside(1)).min(inside(2))
    }

    fn picked(&self, courses: &[Course]) -> [Course; MOST] {
        let mut picked = [Course::default(); MOST];
        for (picked, joint) in picked.iter_mut().zip(&self.joints) {
            *picked = courses[*joint];
        }
        picked
    }

    /// Whether the tip stays in the box from `next`, the command after `from`, until it rests; outside of the box, whether it comes
    /// nearer to it with every tick.
    pub(super) fn allows(&self, limits: &[Joint], from: &[Course], next: &[Course], h: f64) -> bool {
        let mut least = self.depth(&self.picked(from)).min(0.0) - ROUNDING;
        let mut courses = self.picked(next);
        let mut spare = 0.0;
        for tick in 0..LONGEST {
            let looked = spare <= 0.0;
            if looked {
                let depth = self.depth(&courses);
                if depth < least {
                    return false;
                }
                least = depth.min(0.0) - ROUNDING;
                spare = depth - least;
            }
            if (looked || tick % GLANCE == 0) && self.ahead(limits, &courses, h) <= spare {
                return true;
            }
            spare -= self.stop(limits, &mut courses, h);
        }
        false
    }

    /// A bound on how far the tip goes until the arm rests.
    fn ahead(&self, limits: &[Joint], courses: &[Course; MOST], h: f64) -> f64 {
        let parts = self.joints.iter().zip(&self.reaches).zip(courses);
        parts
            .map(|((joint, reach), course)| {
                limits[*joint].reach(*course, h).map_or(f64::INFINITY, |way| way * reach)
            })
            .sum()
    }

    /// Goes on by one tick of the stop; a bound on how far that moves the tip.
    fn stop(&self, limits: &[Joint], courses: &mut [Course; MOST], h: f64) -> f64 {
        let mut moved = 0.0;
        for ((joint, reach), course) in self.joints.iter().zip(&self.reaches).zip(courses) {
            let (next, _) = limits[*joint].brake(*course, h);
            moved += (next.position - course.position).abs() * reach;
            *course = next;
        }
        moved
    }
}
