//! The section `act`: the parts of a robot, where their actions come from when learning, where commands go when acting.
//!
//! One kind of demonstration differs from another only in `from`: a command topic (teleoperation), a leader's joints
//! (puppeteering), or the robot's own next joint states (kinesthetic teaching).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Error, Name, TypeName, all_different, rate_hz};

/// Types that can say what a person did.
const LEARNED_FROM: &[&str] = &[
    "sensor_msgs/msg/JointState",
    "std_msgs/msg/Float64MultiArray",
    "trajectory_msgs/msg/JointTrajectory",
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/TwistStamped",
    "apprentice/msg/Command",
];

/// Types that a robot's controllers take.
const COMMANDED_BY: &[&str] =
    &["std_msgs/msg/Float64MultiArray", "trajectory_msgs/msg/JointTrajectory", "sensor_msgs/msg/JointState"];

/// The section `act`.
///
/// ```yaml
/// act:
///   rate_hz: 100             # how often commands go out
///   parts:
///     arm: {joints: [a, b],
///           from: {topic: /leader/joint_states, type: sensor_msgs/msg/JointState},
///           to: {topic: /forward_position_controller/commands, type: std_msgs/msg/Float64MultiArray}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawAct")]
pub struct Act {
    /// Commands a second, the rate of the robot's controllers.
    pub rate_hz: f64,
    /// What is moved together, by name.
    pub parts: BTreeMap<String, Part>,
    /// How the arm is made draggable for kinesthetic teaching.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teach: Option<Teach>,
}

/// What is moved together: an arm, a hand, one of two arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPart")]
pub struct Part {
    /// Its joints, in the order in which its controller takes them; each is one of the robot's and of no other part.
    pub joints: Vec<String>,
    /// Where its actions come from when learning.
    pub from: Source,
    /// Where its commands go when acting.
    pub to: Channel,
}

/// Where a part's actions come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSource", into = "RawSource")]
pub enum Source {
    /// A topic: a teleoperation device's commands or a leader arm's joints.
    Topic(Channel),
    /// The next value of an observed stream: `{next: joints}`, kinesthetic teaching.
    Next(String),
}

/// One topic and its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The topic.
    pub topic: Name,
    /// The type of its messages.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// What stands in front of the robot's joint names and is missing in this topic's messages: with two arms whose
    /// messages both say `waist`, the prefix `left_` makes one of them the robot's `left_waist`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// How an arm is made draggable before a recording and stiff again after it; a recording is refused where that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Teach {
    /// One `std_srvs/srv/SetBool` service, called with true before and with false after.
    SetBool {
        /// Its name.
        service: Name,
    },
    /// Two `std_srvs/srv/Trigger` services.
    Trigger {
        /// Called before.
        before: Name,
        /// Called after.
        after: Name,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAct {
    rate_hz: f64,
    parts: BTreeMap<String, Part>,
    teach: Option<Teach>,
}

impl TryFrom<RawAct> for Act {
    type Error = Error;

    fn try_from(raw: RawAct) -> Result<Self, Error> {
        if raw.parts.is_empty() {
            return Err(Error::Empty { what: "the list of parts" });
        }
        let mut taken = BTreeSet::new();
        let twice =
            raw.parts.values().flat_map(|part| &part.joints).find(|joint| !taken.insert(joint.as_str()));
        if let Some(joint) = twice {
            return Err(Error::Twice { what: "in the parts, the joint", name: joint.clone() });
        }
        Ok(Self { rate_hz: rate_hz("rate of commands", raw.rate_hz)?, parts: raw.parts, teach: raw.teach })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    joints: Vec<String>,
    from: Source,
    to: Channel,
}

impl TryFrom<RawPart> for Part {
    type Error = Error;

    fn try_from(raw: RawPart) -> Result<Self, Error> {
        all_different("the joint", &raw.joints)?;
        if let Source::Topic(from) = &raw.from {
            suited(&from.type_name, "where actions come from", LEARNED_FROM)?;
        }
        suited(&raw.to.type_name, "where commands go", COMMANDED_BY)?;
        Ok(Self { joints: raw.joints, from: raw.from, to: raw.to })
    }
}

fn suited(type_name: &TypeName, what: &'static str, can: &[&str]) -> Result<(), Error> {
    match can.contains(&type_name.as_str()) {
        true => Ok(()),
        false => Err(Error::Unsuited { name: type_name.to_string(), what, can: can.join(", ") }),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Name>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_name: Option<TypeName>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl TryFrom<RawSource> for Source {
    type Error = Error;

    fn try_from(raw: RawSource) -> Result<Self, Error> {
        match (raw.topic, raw.type_name, raw.next) {
            (Some(topic), Some(type_name), None) => {
                Ok(Self::Topic(Channel { topic, type_name, prefix: raw.prefix }))
            }
            (None, None, Some(stream)) if raw.prefix.is_empty() => Ok(Self::Next(stream)),
            _ => Err(Error::Source),
        }
    }
}

impl From<Source> for RawSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Topic(Channel { topic, type_name, prefix }) => {
                Self { topic: Some(topic), type_name: Some(type_name), prefix, next: None }
            }
            Source::Next(stream) => {
                Self { topic: None, type_name: None, prefix: String::new(), next: Some(stream) }
            }
        }
    }
}
