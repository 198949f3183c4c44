//! The setting `control.limits`, and the nearest allowed command: the last thing between anybody's wish and a robot.
//!
//! Whoever wants something of a robot, a policy, a person or a plan, may be wrong; what leaves may not. So everything here is a total
//! function that takes no memory: from what was commanded last and what is wanted to the next command, and whether and why
//! that is another.
//!
//! What is limited is what a controller sees, the sequence of commands: with `h` the length of each tick,
//!
//! ```text
//! v′ = (p′ − p) / h      |v′| ≤ speed           p′ within position
//! a′ = (v′ − v) / h      |a′| ≤ acceleration
//! j  = (a′ − a) / h      |j|  ≤ jerk
//! ```
//!
//! It holds for ticks of any lengths in any order from any state in which it can be held: see `limits/joint.rs`, and for the
//! workspace, which is looked at for ticks alike, `limits/workspace.rs`. From any other state (the robot was beyond a limit, or was
//! taken over while too fast) each joint brakes with its greatest jerk and acceleration, and those two hold always. Ticks
//! shorter than [`SHORTEST`] are put together; of longer ones than [`LONGEST`] only that much counts, so that after a pause a
//! robot goes on instead of catching up.
//!
//! ```
//! use apprentice::arm::urdf::{Description, SIM_ARM};
//! use apprentice::control::limits::{Config, Each, Going, Limits, Most};
//! use std::time::Duration;
//!
//! let arm = Description::parse(SIM_ARM, "sim_arm.urdf")?;
//! let all = |most| Some(Each::All(Most(most)));
//! let config = Config { acceleration: all(8.0), jerk: all(80.0), ..Config::default() };
//! let limits = Limits::load(&config, Some(&arm), &["elbow".to_owned()])?;
//! let mut going = Going::new(&limits);
//! going.begin(&[0.5]);
//! let limited = limits.apply(&mut going, &[0.9], Duration::from_millis(10));
//! assert_eq!(limited.words(&limits), "elbow is as fast as it may be");
//! assert!(going.position().is_some_and(|position| position[0] > 0.5 && position[0] < 0.501));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod going;
mod joint;
mod load;
mod said;
mod stop;
mod workspace;

pub use config::{Config, Corners, Each, Gripper, Most, Range, Room};
pub use going::Going;
pub use said::{Bound, Limited};

use std::time::Duration;

use crate::arm::{self, Description};
use joint::Joint;
use workspace::Workspace;

/// Ticks shorter than this are put together: differences of positions would be lost in their last digits.
pub const SHORTEST: Duration = Duration::from_micros(500);
/// The most that counts of a tick.
pub const LONGEST: Duration = Duration::from_millis(100);

/// The most and the least of what is sought that is tried where all of it would lead out of the workspace; the rest is braking.
const SHARES: [f64; 2] = [0.5, 1.0 / 64.0];

/// What is wrong with limits.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two ends that are no range.
    #[error("[{lower}, {upper}] is no range: two numbers, the lower one first")]
    Range {
        /// The first.
        lower: f64,
        /// The second.
        upper: f64,
    },
    /// A number that cannot be a limit.
    #[error("{value} is no limit: it lies above 0")]
    Most {
        /// The number.
        value: f64,
    },
    /// What neither the robot's file nor its description says.
    #[error(
        "nobody says the limits of {what} of {joints}: neither `control.limits.{what}` nor the robot's URDF does"
    )]
    Missing {
        /// The limit.
        what: &'static str,
        /// The joints.
        joints: String,
    },
    /// What no description can say and the robot's file does not.
    #[error(
        "nobody says the limits of {what} of {joints}, which stand in no URDF; where its maker names none, begin with \
        `control.limits.{what}: {{{proposal}}}`"
    )]
    Unsaid {
        /// The limit.
        what: &'static str,
        /// The joints.
        joints: String,
        /// What may be said.
        proposal: String,
    },
    /// A box without an arm.
    #[error("a workspace needs the robot's description: `robot.urdf` names none")]
    NoDescription,
    /// A joint that is not commanded.
    #[error("{what} needs the joint {joint:?}, which is none of those that are commanded: {joints}")]
    NotDriven {
        /// What needs it.
        what: &'static str,
        /// The joint.
        joint: String,
        /// Those that are commanded.
        joints: String,
    },
    /// Links that make no chain.
    #[error("the workspace's chain")]
    Arm(#[from] arm::Error),
}

/// What the joints of a robot may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    names: Vec<String>,
    joints: Vec<Joint>,
    /// How far each may be measured from its command.
    leads: Vec<f64>,
    workspace: Option<Workspace>,
    grip: Option<Grip>,
}

/// The gripper, and how strongly it may close.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grip {
    joint: usize,
    effort: f64,
}

impl Limits {
    /// The limits of `joints`, in their order, from the robot's file and what it leaves to the robot's description.
    pub fn load(
        config: &Config,
        description: Option<&Description>,
        joints: &[String],
    ) -> Result<Self, Error> {
        load::limits(config, description, joints)
    }

    /// The joints, in the order of every slice of positions.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The joint whose measured effort [`Going::feel`] wants to know.
    pub fn gripper(&self) -> Option<usize> {
        self.grip.map(|grip| grip.joint)
    }

    /// Whether that joint is a gripper, which presses on what it holds and so is not where it is told to be: the one whose effort is
    /// bounded, or the only one of several that may be anywhere.
    pub fn grips(&self, joint: usize) -> bool {
        let free = |lead: &f64| lead.is_infinite();
        let only = || self.leads.len() > 1 && self.leads.iter().filter(|lead| free(lead)).count() == 1;
        self.gripper() == Some(joint) || (self.leads.get(joint).is_some_and(free) && only())
    }

    /// The first joint that is `measured` further from its last command than it may be: whatever holds it, it is not the commands.
    pub fn behind(&self, going: &Going, measured: &[f64]) -> Option<usize> {
        let commanded = going.position()?.iter().zip(measured);
        commanded.zip(&self.leads).position(|((told, is), lead)| (told - is).abs() > *lead)
    }

    /// Where an arm that does not come along may be left: each joint that has a bound on that is where it is `measured`, and the
    /// others, as a gripper that presses, where they were told to be.
    pub fn leave(&self, going: &Going, measured: &[f64], place: &mut [f64]) {
        let Some(told) = going.position() else { return };
        for (((place, told), is), lead) in place.iter_mut().zip(told).zip(measured).zip(&self.leads) {
            *place = if lead.is_finite() { *is } else { *told };
        }
    }

    /// Goes on by one tick, which takes `tick`, to the nearest allowed command to `want`.
    ///
    /// What nobody can want (no number, too few or too many, too far away) is not followed: the robot is braked.
    pub fn apply(&self, going: &mut Going, want: &[f64], tick: Duration) -> Limited {
        let fault = self.fault(going, want);
        if fault.is_fault() {
            self.brake(going, tick);
            return going.say(fault);
        }
        let Some(h) = going.tick(tick) else { return going.said() };
        let mut limited = Limited::default();
        for (number, joint) in self.joints.iter().enumerate() {
            let holds = self.grip.is_some_and(|grip| grip.joint == number && going.effort > grip.effort);
            let (from, to) = (going.courses[number], want[number]);
            let (next, bound) = if holds && to < from.position {
                going.wants[number] = joint::Want::rest(from.position);
                (joint.brake(from, h).0, Some(Bound::Gripper))
            } else {
                joint.follow(from, &mut going.wants[number], to, h)
            };
            going.next[number] = next;
            limited = limited.or(bound.map_or_else(Limited::default, |bound| Limited::by(bound, number)));
        }
        if !self.stay_inside(going, h) {
            limited = limited.or(Limited::by(Bound::Workspace, 0));
        }
        going.go(limited)
    }

    /// Goes on by one tick towards rest, as fast as the limits allow; at rest, stays.
    ///
    /// What it says is changed is a stop that a limit would not bear as it is.
    pub fn brake(&self, going: &mut Going, tick: Duration) -> Limited {
        if !going.has_begun() {
            return going.say(Limited::by(Bound::Nowhere, 0));
        }
        let Some(h) = going.tick(tick) else { return going.said() };
        let mut limited = Limited::default();
        for (number, joint) in self.joints.iter().enumerate() {
            let (next, bound) = joint.brake(going.courses[number], h);
            going.next[number] = next;
            going.wants[number] = joint::Want::rest(next.position);
            limited = limited.or(bound.map_or_else(Limited::default, |bound| Limited::by(bound, number)));
        }
        going.go(limited)
    }

    /// What makes `want` something that is not followed at all.
    fn fault(&self, going: &Going, want: &[f64]) -> Limited {
        if !going.has_begun() {
            return Limited::by(Bound::Nowhere, 0);
        }
        if want.len() != self.joints.len() {
            return Limited::by(Bound::Length, 0);
        }
        let mut limited = Limited::default();
        for (number, joint) in self.joints.iter().enumerate() {
            let away = (want[number] - going.courses[number].position).abs();
            if !want[number].is_finite() {
                limited = limited.or(Limited::by(Bound::NoNumber, number));
            } else if away > joint.jump {
                limited = limited.or(Limited::by(Bound::Jump, number));
            }
        }
        limited
    }

    /// Brings the next command as near to braking as the workspace asks; whether it was well as it was.
    ///
    /// To look at a stop is what a tick spends its time with, so only one share is tried: twice what was well last, half of what was not.
    fn stay_inside(&self, going: &mut Going, h: f64) -> bool {
        let Some(workspace) = &self.workspace else { return true };
        if workspace.allows(&self.joints, &going.courses, &going.next, h) {
            return true;
        }
        for number in &workspace.joints {
            let (joint, from) = (&self.joints[*number], going.courses[*number]);
            going.stopped[*number] = joint.brake(from, h).0;
            going.next[*number] =
                joint.between(from, going.stopped[*number], going.next[*number], going.share, h);
        }
        if workspace.allows(&self.joints, &going.courses, &going.next, h) {
            going.share = (2.0 * going.share).min(SHARES[0]);
            return false;
        }
        going.share = (going.share / 2.0).max(SHARES[1]);
        for number in &workspace.joints {
            going.next[*number] = going.stopped[*number];
        }
        false
    }
}
