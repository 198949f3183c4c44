//! From what is wanted to what is commanded: one step of a command, or the reason why there is none.
//!
//! ```text
//!            something is wanted, the robot is seen           (a leader that disagrees)
//!   idle ──────────────────────────────────────▶ driving ◀── aligning ◀── idle
//!     ▲                                             │            │
//!     └── released · quiet · blind · refused ───────┴────────────┘
//! ```
//!
//! Plain arithmetic on values that are given, without a bus, a device or a clock. A command begins where the robot is, and
//! whatever is wanted, no joint comes faster or further than its description allows. After a fault one has to let go of
//! the dead-man switch before it is heeded again: a stick that was pushed meanwhile must not move an arm by surprise.

use std::fmt;

use super::config::Frame;
use super::limits::{Limited, Limits};
use super::robot::Robot;
use crate::arm::inverse::{Manner, Why, follow};
use crate::arm::{MOST, Twist};
use crate::spec::Name;
use crate::time::Stamp;

/// The longest step, seconds: what was not computed in time is not made up for.
const LONGEST: f64 = 0.1;
/// A gripper that moved by less than this share of its travel since the last command still holds what it held.
const HELD: f64 = 0.1;

/// What is wanted of the robot now.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Nothing, and why.
    Nothing(Idle),
    /// Every joint at that speed.
    Joints(Vec<f64>),
    /// The tip moved like that, the gripper at that speed.
    Tip {
        /// In the frame of the configuration.
        twist: Twist,
        /// Opening.
        gripper: f64,
    },
    /// Every joint at that position.
    There(Vec<f64>),
}

/// Why no command goes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Idle {
    /// The device says nothing.
    Quiet,
    /// The leader does not say where that joint of it is.
    Unheard {
        /// Its own name for it.
        joint: String,
        /// Where it should be told.
        topic: Name,
    },
    /// The dead-man switch is not pressed.
    Released,
    /// The operator paused.
    Paused,
    /// The device said what cannot be.
    Refused(String),
    /// It is not known where that joint of the robot is.
    Blind(String),
    /// The dead-man switch was pressed throughout a fault.
    LetGo,
    /// The leader is elsewhere than the robot.
    Apart {
        /// The joint that is furthest off.
        joint: String,
        /// By how much, rad or m.
        by: f64,
        /// By how much it may be.
        may: f64,
    },
}

impl fmt::Display for Idle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet => out.write_str("the device is quiet"),
            Self::Unheard { joint, topic } => write!(out, "nothing comes on {topic} of the leader's {joint}"),
            Self::Released => out.write_str("released"),
            Self::Paused => out.write_str("paused"),
            Self::Refused(why) => write!(out, "the device is not heeded: {why}"),
            Self::Blind(joint) => write!(out, "the robot does not tell where {joint} is"),
            Self::LetGo => out.write_str("let go of the dead-man switch and press it again"),
            Self::Apart { joint, by, may } => {
                write!(out, "{joint} of the leader is off by {by:.2}, over its bound of {may:.2}")
            }
        }
    }
}

/// What the drive is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// No command goes out.
    Idle(Idle),
    /// The robot goes to where the leader is, slowly.
    Aligning,
    /// The robot does what is wanted.
    Driving,
}

impl Phase {
    /// Whether commands go out.
    pub fn commands(&self) -> bool {
        !matches!(self, Self::Idle(_))
    }
}

/// How far a leader may be off, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// What a joint that turns may be off, rad.
    pub angle: f64,
    /// What a joint that slides may be off, m.
    pub length: f64,
    /// The share of its speed limits at which the robot comes to the leader; where there is none, it does not.
    pub align: Option<f64>,
}

/// One step's outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// What is commanded of every joint, if anything.
    pub command: Option<Vec<f64>>,
    /// What of the wish is missing in it, and why.
    pub limited: Vec<Limited>,
}

/// A robot being driven, or not.
#[derive(Clone, Debug)]
pub struct Drive {
    robot: Robot,
    limits: Limits,
    frame: Frame,
    agreement: Agreement,
    phase: Phase,
    /// The last command, and when it was.
    command: Vec<f64>,
    at: Stamp,
    /// Whether the dead-man switch has to be let go of first.
    locked: bool,
    /// What the gripper was commanded last, and where it was then.
    grip: Option<(f64, f64)>,
}

impl Drive {
    /// A drive that is idle.
    pub fn new(robot: Robot, lead_ms: f64, frame: Frame, agreement: Agreement) -> Self {
        let limits = Limits::new(&robot, lead_ms / 1e3);
        let phase = Phase::Idle(Idle::Quiet);
        let command = vec![0.0; robot.joints.len()];
        Self { robot, limits, frame, agreement, phase, command, at: Stamp(0), locked: false, grip: None }
    }

    /// What it is doing.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The robot it drives.
    pub fn robot(&self) -> &Robot {
        &self.robot
    }

    /// The step at `now`, with the robot at `measured` (or the joint of which that is not known).
    pub fn step(&mut self, now: Stamp, measured: Result<&[f64], usize>, wish: &Wish) -> Stepped {
        let (limited, command) = match self.heed(now, measured, wish) {
            Err(idle) => {
                self.idle(idle, measured);
                (Vec::new(), None)
            }
            Ok((dt, measured)) => {
                let limited = self.advance(dt, measured, wish);
                self.at = now;
                (limited, Some(self.command.clone()))
            }
        };
        Stepped { command, limited }
    }

    /// Whether the wish is heeded: over which time, from where; or why not.
    fn heed<'a>(
        &mut self,
        now: Stamp,
        measured: Result<&'a [f64], usize>,
        wish: &Wish,
    ) -> Result<(f64, &'a [f64]), Idle> {
        if let Wish::Nothing(idle) = wish {
            // Let go of is what nothing holds; what merely fell silent may still be pressed.
            self.locked = *idle != Idle::Released && (self.locked || self.phase.commands());
            return Err(idle.clone());
        }
        let follows = matches!(wish, Wish::There(_));
        let measured = measured.map_err(|joint| {
            self.locked = true;
            Idle::Blind(self.robot.joints[joint].name.clone())
        })?;
        if self.locked && !follows {
            return Err(Idle::LetGo);
        }
        let begins = !self.phase.commands() || now < self.at;
        if begins {
            self.begin(measured);
        }
        if let Wish::There(there) = wish
            && self.phase != Phase::Driving
        {
            self.phase = self.meet(there)?;
        } else {
            self.phase = Phase::Driving;
        }
        self.locked = false;
        let dt = if begins { 0.0 } else { now.since(self.at).as_secs_f64().min(LONGEST) };
        Ok((dt, measured))
    }

    /// Sets the command to where the robot is. A gripper that still is where it was holds what it held: commanded to where
    /// it is, it would hold nothing any more.
    fn begin(&mut self, measured: &[f64]) {
        self.command.copy_from_slice(measured);
        if let (Some(joint), Some((commanded, was))) = (self.robot.gripper, self.grip) {
            let travel = self.robot.joints[joint].upper - self.robot.joints[joint].lower;
            if (measured[joint] - was).abs() < HELD * travel {
                self.command[joint] = commanded;
            }
        }
    }

    fn idle(&mut self, idle: Idle, measured: Result<&[f64], usize>) {
        if self.phase.commands()
            && let (Some(joint), Ok(measured)) = (self.robot.gripper, measured)
        {
            self.grip = Some((self.command[joint], measured[joint]));
        }
        self.phase = Phase::Idle(idle);
    }

    /// Whether a leader at `there` may drive a robot that is commanded to where it is.
    fn meet(&self, there: &[f64]) -> Result<Phase, Idle> {
        let over = self.robot.limbs().map(|joint| {
            let known = &self.robot.joints[joint];
            // What the robot cannot reach, it need not have reached.
            let wanted = there[joint].clamp(known.lower, known.upper);
            let may = if known.turns { self.agreement.angle } else { self.agreement.length };
            ((wanted - self.command[joint]).abs(), may, joint)
        });
        let worst = over.max_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        match worst {
            Some((by, may, joint)) if by > may => match self.agreement.align {
                Some(_) => Ok(Phase::Aligning),
                None => Err(Idle::Apart { joint: self.robot.joints[joint].name.clone(), by, may }),
            },
            _ => Ok(Phase::Driving),
        }
    }

    /// Moves the command on by `dt` seconds.
    fn advance(&mut self, dt: f64, measured: &[f64], wish: &Wish) -> Vec<Limited> {
        let mut limited = Vec::new();
        let share = match (&self.phase, self.agreement.align) {
            (Phase::Aligning, Some(share)) => share,
            _ => 1.0,
        };
        let mut target = self.command.clone();
        match wish {
            Wish::Nothing(_) => {}
            Wish::There(there) => target.copy_from_slice(there),
            Wish::Joints(speeds) => {
                target.iter_mut().zip(speeds).for_each(|(target, speed)| *target += speed * dt);
            }
            Wish::Tip { twist, gripper } => {
                self.follow(&mut target, twist, dt, &mut limited);
                if let Some(joint) = self.robot.gripper {
                    target[joint] += gripper * dt;
                }
            }
        }
        self.limits.bring(&mut self.command, &target, measured, dt * share, &mut limited);
        limited
    }

    /// Moves the arm's joints in `target` so that its tip follows `twist` for `dt` seconds.
    fn follow(&self, target: &mut [f64], twist: &Twist, dt: f64, limited: &mut Vec<Limited>) {
        let Some(arm) = self.robot.arm.as_ref().filter(|_| dt > 0.0) else { return };
        let mut positions = [0.0; MOST];
        positions.iter_mut().zip(&arm.joints).for_each(|(at, joint)| *at = self.command[*joint]);
        let mut wanted = *twist;
        if self.frame == Frame::Tip {
            let turn = arm.chain.pose(&positions).rotation;
            wanted.fixed_rows_mut::<3>(0).copy_from(&(turn * twist.fixed_rows::<3>(0)));
            wanted.fixed_rows_mut::<3>(3).copy_from(&(turn * twist.fixed_rows::<3>(3)));
        }
        let step = follow(&arm.chain, &positions, &wanted, dt, &Manner::default());
        for (joint, speed) in arm.joints.iter().zip(step.speeds) {
            target[*joint] += speed * dt;
        }
        limited.extend(step.why().map(|why| match why {
            Why::Singular => Limited::Singular,
            Why::Limit(coordinate) => Limited::Position(arm.joints[coordinate]),
            Why::Speed(coordinate) => Limited::Speed(arm.joints[coordinate]),
        }));
    }
}
