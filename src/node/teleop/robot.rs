//! The robot as teleoperation sees it: the joints it commands, their limits, and the arm they make.
//!
//! Put together once from the description and the robot's file; what they do not say is an error before anything moves.
//! A command names every joint that the robot is commanded by, because whoever takes it may not guess the rest.

use std::collections::BTreeMap;

use super::Error;
use super::config::Config;
use crate::arm::urdf::Kind;
use crate::arm::{Chain, Description};
use crate::control::limits::{self, Most, Range};
use crate::data::observe::{Field, Observe};
use crate::spec::{Act, Name};

/// The robot as teleoperation sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Robot {
    /// Every joint that is commanded, in the order of the robot's file.
    pub joints: Vec<Joint>,
    /// The arm that is moved as a whole.
    pub arm: Option<Arm>,
    /// Which of the joints is the gripper.
    pub gripper: Option<usize>,
    /// Where the joints' positions are told.
    pub told: Vec<Told>,
    /// Commands a second.
    pub rate_hz: f64,
}

/// A joint that is commanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Its name in the robot's file.
    pub name: String,
    /// The least position, rad or m.
    pub lower: f64,
    /// The greatest position, rad or m.
    pub upper: f64,
    /// The greatest speed, rad/s or m/s.
    pub speed: f64,
    /// Whether it turns; else it slides.
    pub turns: bool,
}

/// The arm that is moved as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// From its base to its tip.
    pub chain: Chain,
    /// Which of the robot's joints each of the chain's coordinates is.
    pub joints: Vec<usize>,
}

/// A topic that tells the joints' positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The topic, as in the robot's file.
    pub topic: Name,
    /// What stands in front of the robot's joint names and is missing in its messages.
    pub prefix: String,
    /// After so long its positions are no longer true.
    pub max_age_ms: f64,
}

impl Robot {
    /// The robot of that description and those sections of the robot's file; `order` is that of its joints. Where there is no
    /// description the joints' limits are those under `control.limits`, and no arm is moved as a whole.
    pub fn new(
        description: Option<&Description>,
        limits: Option<&limits::Config>,
        order: &[String],
        observe: &Observe,
        act: &Act,
        config: &Config,
    ) -> Result<Self, Error> {
        // What the description calls a joint that the robot's file prefixes.
        let prefixes: BTreeMap<&str, &str> = act
            .parts
            .values()
            .flat_map(|part| part.joints.iter().map(|joint| (joint.as_str(), part.to.prefix.as_str())))
            .collect();
        let commanded = order.iter().filter_map(|joint| Some((joint, *prefixes.get(joint.as_str())?)));
        let joints: Vec<Joint> = commanded
            .map(|(joint, prefix)| match description {
                Some(description) => Joint::described(description, joint, prefix),
                None => Joint::limited(limits, joint),
            })
            .collect::<Result<_, _>>()?;
        let told: Vec<Told> = observe
            .streams
            .values()
            .filter(|stream| stream.fields.contains(&Field::Position))
            .map(|stream| Told {
                topic: stream.topic.clone(),
                prefix: stream.prefix.clone(),
                max_age_ms: stream.max_age_ms,
            })
            .collect();
        if told.is_empty() {
            let why =
                "no stream tells the joints' positions, and a command begins where the robot is".to_owned();
            return Err(Error::Setting { key: "observe.streams", why });
        }
        let arm = config.arm.as_ref();
        let gripper = match arm.and_then(|arm| arm.gripper.as_ref()) {
            Some(name) => Some(index(&joints, name, "teleop.arm.gripper")?),
            None => None,
        };
        let whole = |arm| {
            let why = || {
                "`teleop.arm` is moved as a whole, and how it is built stands in the description".to_owned()
            };
            let missing = || Error::Setting { key: "robot.urdf", why: why() };
            Arm::of(description.ok_or_else(missing)?, &joints, arm)
        };
        let arm = arm.map(whole).transpose()?;
        Ok(Self { joints, arm, gripper, told, rate_hz: act.rate_hz })
    }

    /// Which joint has that name.
    pub fn index(&self, name: &str, key: &'static str) -> Result<usize, Error> {
        index(&self.joints, name, key)
    }

    /// The joints that are moved one by one: all but the gripper.
    pub fn limbs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.joints.len()).filter(|joint| Some(*joint) != self.gripper)
    }
}

fn index(joints: &[Joint], name: &str, key: &'static str) -> Result<usize, Error> {
    joints.iter().position(|joint| joint.name == name).ok_or_else(|| {
        let known: Vec<&str> = joints.iter().map(|joint| joint.name.as_str()).collect();
        Error::Setting { key, why: format!("{name:?} is none of the commanded joints: {}", known.join(", ")) }
    })
}

impl Joint {
    /// As the robot's file says it, which does not tell a joint that slides from one that turns.
    fn limited(limits: Option<&limits::Config>, name: &str) -> Result<Self, Error> {
        let position = limits.and_then(|limits| limits.position.as_ref()?.of(name));
        let speed = limits.and_then(|limits| limits.speed.as_ref()?.of(name));
        let (Some(Range([lower, upper])), Some(Most(speed))) = (position, speed) else {
            let why = format!(
                "no description is named, and `control.limits` does not say the position and speed of {name:?} either"
            );
            return Err(Error::Setting { key: "robot.urdf", why });
        };
        Ok(Self { name: name.to_owned(), lower, upper, speed, turns: true })
    }

    fn described(description: &Description, name: &str, prefix: &str) -> Result<Self, Error> {
        let described = description
            .joint(name)
            .or_else(|error| description.joint(name.strip_prefix(prefix).unwrap_or(name)).or(Err(error)))?;
        let no_speed = || Error::Setting {
            key: "robot.urdf",
            why: format!("the joint {name:?} has no speed limit above 0, and without one it is not moved"),
        };
        let limit = described.limit.filter(|limit| limit.speed > 0.0).ok_or_else(no_speed)?;
        Ok(Self {
            name: name.to_owned(),
            lower: limit.lower,
            upper: limit.upper,
            speed: limit.speed,
            turns: described.kind != Kind::Prismatic,
        })
    }
}

impl Arm {
    fn of(description: &Description, joints: &[Joint], arm: &super::config::Arm) -> Result<Self, Error> {
        let chain = Chain::between(description, &arm.base, &arm.tip)?;
        let of_robot = |name: &str| index(joints, &format!("{}{name}", arm.prefix), "teleop.arm");
        let moved = chain.coordinates().iter().map(|coordinate| of_robot(&coordinate.name));
        Ok(Self { joints: moved.collect::<Result<_, _>>()?, chain })
    }
}
