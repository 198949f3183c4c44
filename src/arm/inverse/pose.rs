//! Joint positions that bring the tip to a pose, within limits, or as near as the search came.
//!
//! Levenberg and Marquardt's steps within bounds, damped by the error that is left (Sugihara 2011): from a start nearby
//! the answer is nearby. Where the steps end in a place from which no way leads on, the search begins anew elsewhere, at
//! places that follow from their number alone, so that the same question has the same answer on every machine.

use nalgebra::{Isometry3, Vector3};

use super::super::boxed::{self, Square};
use super::super::kinematics::{Chain, Twist};
use super::super::{Coordinate, MOST};
use super::{bounds, weigh, weights};

/// Steps after which a start is given up.
const STEPS: u32 = 80;
/// Of so many places a start begins at the nearest.
const PLACES: u32 = 16;
/// The most a joint goes in one step, rad or m: further the Jacobian says nothing.
const STRIDE: f64 = 0.5;
/// A start is given up when a step takes less than this share of the error away, unless it is small already.
const PROGRESS: f64 = 1e-3;

/// How long and how closely a pose is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// The pose is reached within so many metres.
    pub within: f64,
    /// The pose is reached within so many radians.
    pub within_angle: f64,
    /// How many starts are made, the given one first.
    pub starts: u32,
    /// So many metres weigh as much as one radian.
    pub length: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self { within: 1e-5, within_angle: 1e-4, starts: 100, length: 0.2 }
    }
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solution {
    /// The nearest positions found, within limits; zero beyond the chain's coordinates.
    pub positions: [f64; MOST],
    /// How far the tip is from the wanted place there, metres.
    pub off: f64,
    /// How far it is turned away from the wanted pose there, radians.
    pub off_angle: f64,
    /// Whether that is within what was asked for.
    pub reached: bool,
    /// How many starts were made.
    pub starts: u32,
}

/// Looks for positions of `chain` at which its tip is at `target`, in the base's frame, beginning at `from`.
///
/// A target that is no finite number is not reached.
///
/// # Panics
/// Where there are fewer positions in `from` than coordinates.
pub fn solve(chain: &Chain, target: &Isometry3<f64>, from: &[f64], search: &Search) -> Solution {
    let mut best: Option<(f64, Solution)> = None;
    for start in 0..search.starts.max(1) {
        let mut positions = begin(chain, target, from, start, search.length);
        descend(chain, target, &mut positions, search);
        let (error, off, off_angle) = error_at(chain, target, &positions, search.length);
        let reached = off <= search.within && off_angle <= search.within_angle;
        let found = Solution { positions, off, off_angle, reached, starts: start + 1 };
        if best.as_ref().is_none_or(|(least, _)| error.norm() < *least) {
            best = Some((error.norm(), found));
        }
        if reached {
            return found;
        }
    }
    let starts = search.starts.max(1);
    let nearest = best.map(|(_, found)| Solution { starts, ..found });
    nearest.unwrap_or_else(|| {
        // Only where every error was no number: the target was none.
        let positions = given(chain.coordinates(), from);
        Solution { positions, off: f64::INFINITY, off_angle: f64::INFINITY, reached: false, starts }
    })
}

/// Where the start of that number begins: first at the given positions, then always at the
/// nearest of some other places.
fn begin(chain: &Chain, target: &Isometry3<f64>, from: &[f64], start: u32, length: f64) -> [f64; MOST] {
    let Some(later) = start.checked_sub(1) else { return given(chain.coordinates(), from) };
    let places = (later * PLACES..(later + 1) * PLACES).map(|number| place(chain.coordinates(), number));
    let far = |positions: &[f64; MOST]| error_at(chain, target, positions, length).0.norm();
    let nearest = places.map(|positions| (far(&positions), positions)).min_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(|| given(chain.coordinates(), from), |(_, positions)| positions)
}

/// The given positions, brought within limits.
fn given(coordinates: &[Coordinate], from: &[f64]) -> [f64; MOST] {
    let mut positions = [0.0; MOST];
    for ((at, known), from) in positions.iter_mut().zip(coordinates).zip(from) {
        *at = if from.is_finite() { *from } else { 0.0 };
        *at = at.clamp(known.lower, known.upper);
    }
    positions
}

/// The place of that number in an additive recurrence that fills the space of all positions evenly (Roberts 2018).
fn place(coordinates: &[Coordinate], number: u32) -> [f64; MOST] {
    let mut positions = [0.0; MOST];
    for (joint, known) in coordinates.iter().enumerate() {
        let turn = std::f64::consts::PI;
        let (lower, upper) = (known.lower.max(-turn), known.upper.min(turn));
        // 1.0856… is the root of x⁹ = x + 1, the generalized golden ratio of eight dimensions.
        let pace = 1.085_702_047_f64.powi(-(joint as i32 + 1));
        let share = (0.5 + f64::from(number) * pace).fract();
        positions[joint] = lower + share * (upper - lower);
    }
    positions
}

/// The way that is left, weighed; how far that is; and by which angle.
fn error_at(chain: &Chain, target: &Isometry3<f64>, positions: &[f64], length: f64) -> (Twist, f64, f64) {
    way(&chain.pose(positions), target, length)
}

fn way(pose: &Isometry3<f64>, target: &Isometry3<f64>, length: f64) -> (Twist, f64, f64) {
    let off: Vector3<f64> = target.translation.vector - pose.translation.vector;
    let turn = (target.rotation * pose.rotation.inverse()).scaled_axis();
    let mut way = Twist::zeros();
    way.fixed_rows_mut::<3>(0).copy_from(&off);
    way.fixed_rows_mut::<3>(3).copy_from(&(turn * length));
    (way, off.norm(), turn.norm())
}

/// Steps down from `positions` as long as that brings the tip nearer.
fn descend(chain: &Chain, target: &Isometry3<f64>, positions: &mut [f64; MOST], search: &Search) {
    let mut caution = 1.0;
    let (mut left, mut off, mut off_angle) = error_at(chain, target, &positions[..], search.length);
    for _ in 0..STEPS {
        // A tenth of the tolerance: what is reached stays so in somebody else's arithmetic.
        if off <= search.within * 0.1 && off_angle <= search.within_angle * 0.1 {
            return;
        }
        let (_, jacobian) = chain.jacobian(&positions[..]);
        let weighed = weigh(&jacobian, &weights(search.length));
        let damping = caution * 0.5 * left.norm_squared() + 1e-9;
        let hessian = weighed.transpose() * weighed + Square::identity() * damping;
        let (lower, upper) = bounds(chain.coordinates(), positions, |room| room.min(STRIDE));
        let step = boxed::least(&hessian, &(weighed.transpose() * left), &lower, &upper).x;
        let mut next = *positions;
        next.iter_mut().zip(step.iter()).for_each(|(at, step)| *at += step);
        for (at, known) in next.iter_mut().zip(chain.coordinates()) {
            *at = at.clamp(known.lower, known.upper);
        }
        let (error, next_off, next_angle) = error_at(chain, target, &next, search.length);
        match error.norm() < left.norm() {
            true => {
                let gained = 1.0 - error.norm() / left.norm();
                (left, off, off_angle, *positions) = (error, next_off, next_angle, next);
                caution = (caution * 0.3_f64).max(1e-3);
                if gained < PROGRESS && left.norm() > search.within {
                    return;
                }
            }
            false if caution > 1e6 => return,
            false => caution *= 8.0,
        }
    }
}
