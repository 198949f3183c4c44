//! A chain of joints from one link to another: where its tip is, and how the tip moves when its joints do.
//!
//! A chain's coordinates are the joints that somebody drives, not those that are on the way: a joint that mimics another
//! moves with the one it follows, wherever that one is in the tree, and counts in the Jacobian of that one. Everything
//! after the making of a chain works on the stack.

use nalgebra::{Isometry3, SMatrix, Translation3, Unit, UnitQuaternion, Vector3, Vector6};

use super::urdf::{Joint, Kind};
use super::{Description, Error, MOST};

/// How the tip moves with each coordinate: metres a second in the upper three rows, radians a second in the lower
/// three, both in the base's frame. Columns beyond the chain's coordinates are zero.
pub type Jacobian = SMatrix<f64, 6, MOST>;

/// How a body moves: metres a second in the upper three rows, radians a second in the lower three.
pub type Twist = Vector6<f64>;

/// The joints between two links.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    base: String,
    tip: String,
    coordinates: Vec<Coordinate>,
    moving: Vec<Moving>,
    /// The tip's frame in that of the last joint that moves.
    end: Isometry3<f64>,
}

/// A joint that is driven.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// The joint's name.
    pub name: String,
    /// The least position, rad or m; those of the joints that follow it are taken into account.
    pub lower: f64,
    /// The greatest position, rad or m.
    pub upper: f64,
    /// The greatest speed, rad/s or m/s.
    pub speed: f64,
}

/// A joint on the way that moves.
#[derive(Clone, Debug, PartialEq)]
struct Moving {
    /// The joint's frame at zero, in that of the joint before it that moves.
    before: Isometry3<f64>,
    axis: Unit<Vector3<f64>>,
    turns: bool,
    coordinate: usize,
    multiplier: f64,
    offset: f64,
}

impl Moving {
    /// What the joint does at that position of its coordinate.
    fn motion(&self, position: f64) -> Isometry3<f64> {
        let position = self.multiplier * position + self.offset;
        match self.turns {
            true => Isometry3::from_parts(
                Translation3::identity(),
                UnitQuaternion::from_axis_angle(&self.axis, position),
            ),
            false => Translation3::from(self.axis.into_inner() * position).into(),
        }
    }
}

impl Chain {
    /// The chain from the link `base` to the link `tip`, which it carries.
    pub fn between(arm: &Description, base: &str, tip: &str) -> Result<Self, Error> {
        arm.link(base)?;
        arm.link(tip)?;
        let mut path = Vec::new();
        let mut link = tip;
        while link != base {
            let apart = || Error::Apart { base: base.to_owned(), tip: tip.to_owned() };
            let joint = arm.carrier(link).ok_or_else(apart)?;
            path.push(joint);
            link = &joint.parent;
        }
        let mut chain = Self {
            base: base.to_owned(),
            tip: tip.to_owned(),
            coordinates: Vec::new(),
            moving: Vec::new(),
            end: Isometry3::identity(),
        };
        path.iter().rev().try_for_each(|joint| chain.add(arm, joint))?;
        match chain.coordinates.len() {
            1..=MOST => Ok(chain),
            joints => Err(Error::Joints { joints, base: base.to_owned(), tip: tip.to_owned() }),
        }
    }

    fn add(&mut self, arm: &Description, joint: &Joint) -> Result<(), Error> {
        let before = self.end * joint.origin;
        let turns = match joint.kind {
            Kind::Fixed => {
                self.end = before;
                return Ok(());
            }
            Kind::Revolute | Kind::Continuous => true,
            Kind::Prismatic => false,
            Kind::Floating | Kind::Planar => {
                return Err(Error::Kind {
                    joint: joint.name.clone(),
                    base: self.base.clone(),
                    tip: self.tip.clone(),
                    kind: joint.kind.word(),
                });
            }
        };
        let (driven, multiplier, offset) = match &joint.mimic {
            Some(mimic) => (arm.joint(&mimic.joint)?, mimic.multiplier, mimic.offset),
            None => (joint, 1.0, 0.0),
        };
        let coordinate = self.coordinate(driven);
        if let (Some(limit), Some(_)) = (&joint.limit, &joint.mimic) {
            // The follower's limits and speed, as positions and speeds of the joint it follows.
            let ends = [limit.lower, limit.upper].map(|end| (end - offset) / multiplier);
            let known = &mut self.coordinates[coordinate];
            known.lower = known.lower.max(ends[0].min(ends[1]));
            known.upper = known.upper.min(ends[0].max(ends[1]));
            known.speed = known.speed.min(limit.speed / multiplier.abs());
        }
        self.moving.push(Moving { before, axis: joint.axis, turns, coordinate, multiplier, offset });
        self.end = Isometry3::identity();
        Ok(())
    }

    /// The number of the coordinate that `driven` is; a new one where it was none yet.
    fn coordinate(&mut self, driven: &Joint) -> usize {
        let known = self.coordinates.iter().position(|known| known.name == driven.name);
        known.unwrap_or_else(|| {
            self.coordinates.push(Coordinate::of(driven));
            self.coordinates.len() - 1
        })
    }

    /// The link it begins at.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The link it ends at.
    pub fn tip(&self) -> &str {
        &self.tip
    }

    /// The joints that are driven, in the order of every slice of positions and speeds.
    pub fn coordinates(&self) -> &[Coordinate] {
        &self.coordinates
    }

    /// How many joints are driven.
    pub fn dof(&self) -> usize {
        self.coordinates.len()
    }

    /// Whether every position is within its joint's limits.
    pub fn allows(&self, positions: &[f64]) -> bool {
        self.coordinates.iter().zip(positions).all(|(joint, at)| (joint.lower..=joint.upper).contains(at))
    }

    /// How far each coordinate moves the tip at the most, in metres for each radian or metre, with the coordinates within
    /// `ranges`: what is between it and the tip, stretched out.
    pub fn reaches(&self, ranges: &[[f64; 2]]) -> Vec<f64> {
        let mut reaches = vec![0.0; self.dof()];
        let mut beyond = self.end.translation.vector.norm();
        for joint in self.moving.iter().rev() {
            let arm = if joint.turns { beyond } else { 1.0 };
            reaches[joint.coordinate] += joint.multiplier.abs() * arm;
            beyond += joint.before.translation.vector.norm();
            if !joint.turns {
                let slid = ranges[joint.coordinate].map(|end| (joint.multiplier * end + joint.offset).abs());
                beyond += slid[0].max(slid[1]);
            }
        }
        reaches
    }

    /// The tip in the base's frame.
    ///
    /// # Panics
    /// Where there are fewer positions than coordinates; so do all that take positions.
    pub fn pose(&self, positions: &[f64]) -> Isometry3<f64> {
        let base_from_last = self.moving.iter().fold(Isometry3::identity(), |pose, joint| {
            pose * joint.before * joint.motion(positions[joint.coordinate])
        });
        base_from_last * self.end
    }

    /// The tip in the base's frame, and how it moves with each coordinate.
    ///
    /// A joint's axis `a` through the point `o` moves the tip `p` by `a × (p − o)`. `p` is known only at the end of the
    /// chain, so the columns first collect `a` below and `−a × o` above.
    pub fn jacobian(&self, positions: &[f64]) -> (Isometry3<f64>, Jacobian) {
        let mut jacobian = Jacobian::zeros();
        let mut pose = Isometry3::identity();
        for joint in &self.moving {
            pose *= joint.before;
            let axis = pose * joint.axis.into_inner() * joint.multiplier;
            let (above, below) = match joint.turns {
                true => (-axis.cross(&pose.translation.vector), axis),
                false => (axis, Vector3::zeros()),
            };
            let mut column = jacobian.column_mut(joint.coordinate);
            column.fixed_rows_mut::<3>(0).zip_apply(&above, |sum, term| *sum += term);
            column.fixed_rows_mut::<3>(3).zip_apply(&below, |sum, term| *sum += term);
            pose *= joint.motion(positions[joint.coordinate]);
        }
        pose *= self.end;
        for mut column in jacobian.column_iter_mut() {
            let moved = column.fixed_rows::<3>(3).cross(&pose.translation.vector);
            column.fixed_rows_mut::<3>(0).zip_apply(&moved, |sum, term| *sum += term);
        }
        (pose, jacobian)
    }
}

impl Coordinate {
    fn of(joint: &Joint) -> Self {
        let limit = joint.limit.as_ref();
        Self {
            name: joint.name.clone(),
            lower: limit.map_or(f64::NEG_INFINITY, |limit| limit.lower),
            upper: limit.map_or(f64::INFINITY, |limit| limit.upper),
            speed: limit.map_or(f64::INFINITY, |limit| limit.speed),
        }
    }
}
