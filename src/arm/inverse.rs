//! How joints must move to move the tip as wanted: the speeds for a twist, and the positions for a pose.
//!
//! Both are damped least squares (Wampler 1986, Nakamura and Hanafusa 1986) within bounds. Near a singularity only the
//! directions that the arm is about to lose are damped (after Maciejewski and Klein 1988), the more so the nearer, so
//! that speeds stay bounded and continuous while every other direction is followed exactly. What could not be followed
//! is part of the answer, with the reason: a person at a stick must be told why the arm does not obey.

mod pose;

use nalgebra::SymmetricEigen;

pub use pose::{Search, Solution, solve};

use super::boxed::{self, Column, Square};
use super::kinematics::{Chain, Jacobian, Twist};
use super::{Coordinate, MOST};

/// The damping that is always there, so that a redundant arm has one answer. It costs 10⁻⁶ of a motion at the most.
const LEAST_DAMPING: f64 = 1e-4;
/// A twist that is missed by less than this share of it is followed.
const FOLLOWED: f64 = 1e-3;

/// How a twist is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    /// So many metres a second weigh as much as one radian a second. The size of what the hand holds and a bit of the
    /// hand is a good choice: then its far end moves about as wanted too.
    pub length: f64,
    /// A direction is about to be lost when a speed of the joints of 1 moves the tip by less than this. Over this the
    /// twist is followed exactly; under it no direction of the joints' motion is faster than 1.16 / this × the twist.
    pub singular: f64,
}

impl Default for Manner {
    fn default() -> Self {
        Self { length: 0.2, singular: 0.04 }
    }
}

/// One step along a twist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The speed of each coordinate; zero beyond the chain's.
    pub speeds: [f64; MOST],
    /// The twist that these speeds make.
    pub followed: Twist,
    /// What of the wanted twist is missing in that.
    pub missed: Twist,
    /// Whether part is missing because the arm is about to lose a direction, or never had it.
    pub singular: bool,
    /// The coordinates at a limit of their position, where part is missing because of them.
    pub at_limit: [bool; MOST],
    /// The coordinate whose speed limit slows all of them down.
    pub slowed_by: Option<usize>,
}

/// Why a twist is not followed, or not wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The arm is about to lose a direction, or never had it.
    Singular,
    /// A coordinate stands at a limit of its position.
    Limit(usize),
    /// A coordinate's speed limit slows all of them down.
    Speed(usize),
}

impl Step {
    /// Why it is not what was wanted; nothing where it is.
    pub fn why(&self) -> impl Iterator<Item = Why> + '_ {
        let limits = (0..MOST).filter(|joint| self.at_limit[*joint]).map(Why::Limit);
        limits.chain(self.singular.then_some(Why::Singular)).chain(self.slowed_by.map(Why::Speed))
    }
}

impl Why {
    /// The reason in words, with the names of `chain`'s joints.
    pub fn words(self, chain: &Chain) -> String {
        let name = |joint: usize| chain.coordinates().get(joint).map_or("?", |known| known.name.as_str());
        match self {
            Self::Singular => "the arm cannot move that way from here".to_owned(),
            Self::Limit(joint) => format!("{} is at its limit", name(joint)),
            Self::Speed(joint) => format!("{} is as fast as it may be", name(joint)),
        }
    }
}

/// The speeds that move `chain`'s tip at `wanted`, or as near as they may.
///
/// No joint comes over a limit of its position within `dt` seconds, and none that is over it goes further. The twist is
/// that of the tip, in the base's frame. A twist or a position that is no finite number moves nothing.
///
/// # Panics
/// Where there are fewer positions than coordinates.
pub fn follow(chain: &Chain, positions: &[f64], wanted: &Twist, dt: f64, manner: &Manner) -> Step {
    let positions = &positions[..chain.dof()];
    let sound = wanted.iter().chain(positions).all(|value| value.is_finite()) && dt > 0.0;
    if !sound {
        let (missed, speeds) = (*wanted, [0.0; MOST]);
        let followed = Twist::zeros();
        return Step { speeds, followed, missed, singular: false, at_limit: [false; MOST], slowed_by: None };
    }
    let (_, jacobian) = chain.jacobian(positions);
    let weights = weights(manner.length);
    let weighed = weigh(&jacobian, &weights);
    let wish = wanted.component_mul(&weights);
    let hessian = damped(&weighed, chain.dof(), manner.singular);
    let solve = |lower, upper| boxed::least(&hessian, &(weighed.transpose() * wish), &lower, &upper);
    let (lower, upper) = bounds(chain.coordinates(), positions, |room| room / dt);
    let optimum = solve(lower, upper);
    let (share, slowed_by) = slowing(chain.coordinates(), &optimum.x);
    let speeds = optimum.x * share;
    let followed = jacobian * speeds;
    let falls_short = |speeds: &Column| (wish - weighed * speeds).norm() > FOLLOWED * wish.norm();
    // What is missing without limits is missing because of where the arm is; what is missing with them alone, is theirs.
    let far = Column::repeat(f64::INFINITY);
    let singular = falls_short(&optimum.x) && falls_short(&solve(-far, far).x);
    let at_limit = if falls_short(&optimum.x) { optimum.held } else { [false; MOST] };
    let slowed_by = slowed_by.filter(|_| share < 1.0 - FOLLOWED);
    Step { speeds: speeds.into(), followed, missed: wanted - followed, singular, at_limit, slowed_by }
}

/// Metres weigh one, radians a length.
fn weights(length: f64) -> Twist {
    Twist::new(1.0, 1.0, 1.0, length, length, length)
}

fn weigh(jacobian: &Jacobian, weights: &Twist) -> Jacobian {
    let mut weighed = *jacobian;
    weighed.column_iter_mut().for_each(|mut column| column.component_mul_assign(weights));
    weighed
}

/// How far each coordinate may go, by `step` of the room to its limit; the room of one beyond its limit is nothing.
fn bounds(coordinates: &[Coordinate], positions: &[f64], step: impl Fn(f64) -> f64) -> (Column, Column) {
    let (mut lower, mut upper) = (Column::zeros(), Column::zeros());
    for (joint, (known, at)) in coordinates.iter().zip(positions).enumerate() {
        lower[joint] = -step((at - known.lower).max(0.0));
        upper[joint] = step((known.upper - at).max(0.0));
    }
    (lower, upper)
}

/// The share of `speeds` at which every coordinate keeps its speed limit, and the coordinate that wants it.
/// All are slowed alike, so that the tip moves the way it should, but slower.
fn slowing(coordinates: &[Coordinate], speeds: &Column) -> (f64, Option<usize>) {
    let shares = coordinates.iter().zip(speeds.iter()).map(|(known, speed)| known.speed / speed.abs());
    let tightest = shares.enumerate().filter(|(_, share)| *share < 1.0).min_by(|a, b| a.1.total_cmp(&b.1));
    tightest.map_or((1.0, None), |(joint, share)| (share, Some(joint)))
}

/// The damped normal equations of a `weighed` Jacobian of so many coordinates: JᵀJ + Σ λ² v vᵀ over its right singular
/// vectors v, where of a v with the singular value σ under `singular`, λ² = (`singular` / 2)² (1 − (σ / `singular`)²).
fn damped(weighed: &Jacobian, dof: usize, singular: f64) -> Square {
    let normal = weighed.transpose() * weighed;
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(normal);
    let mut order: [usize; MOST] = std::array::from_fn(|direction| direction);
    order.sort_unstable_by(|a, b| eigenvalues[*a].total_cmp(&eigenvalues[*b]));
    let mut damping = Column::repeat(LEAST_DAMPING.powi(2));
    // More than six joints have directions that move nothing, and columns beyond the chain's are such too.
    for direction in order.into_iter().skip(MOST - dof.min(6)) {
        let nearness = 1.0 - eigenvalues[direction].max(0.0) / singular.powi(2);
        damping[direction] += (singular / 2.0).powi(2) * nearness.max(0.0);
    }
    normal + eigenvectors * Square::from_diagonal(&damping) * eigenvectors.transpose()
}
