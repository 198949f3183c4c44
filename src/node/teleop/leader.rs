//! A leader arm: its joints, turned by a calibration into positions of the robot's.
//!
//! A leader is often another make than the robot, mounted the other way round, with a gripper of its own travel. The
//! calibration says for each joint which of the leader's it is and how its readings are to be taken; what is not said is
//! taken as it comes. Its messages are the dead-man switch: a leader that falls silent no longer drives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;
use super::config::{finite, share};
use super::drive::{Agreement, Idle, Wish};
use super::robot::Robot;
use crate::msg::sensor::JointState;
use crate::spec::{Act, Name, Source};
use crate::time::Stamp;

/// The type of a leader's messages.
const JOINT_STATE: &str = "sensor_msgs/msg/JointState";

/// The section `teleop.leader`.
///
/// ```yaml
/// leader:
///   agree: 0.2                                   # rad
///   mirror: [shoulder_pan, wrist_yaw, wrist_roll]
///   joints:
///     elbow:   {from: elbow_joint, scale: -1.0, offset: 0.05}
///     gripper: {range: [0.0, 1.4], onto: [0.0, 0.04]}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The leader's topic, if it is not where the parts' actions come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Name>,
    /// What stands in front of the robot's joint names and is missing in that topic's messages.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// A leader of which a joint that turns is further off takes nothing over, rad. The gripper may be anywhere.
    #[serde(deserialize_with = "super::config::above_zero")]
    pub agree: f64,
    /// The same for a joint that slides, m.
    #[serde(deserialize_with = "super::config::above_zero")]
    pub agree_length: f64,
    /// Instead, the robot comes to the leader at this share of its speed limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    /// Joints that go the other way, for a leader that stands opposite.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirror: Vec<String>,
    /// How the robot's joints are read from the leader's; one that is not there is read as it comes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub joints: BTreeMap<String, Calibration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic: None,
            prefix: String::new(),
            agree: 0.2,
            agree_length: 0.02,
            align: None,
            mirror: Vec::new(),
            joints: BTreeMap::new(),
        }
    }
}

/// A share of the speed limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Align(#[serde(deserialize_with = "share")] pub f64);

/// How one joint of the robot is read from the leader: `scale` × its reading + `offset`, or one range laid onto another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawCalibration", into = "RawCalibration")]
pub struct Calibration {
    /// The leader's joint, if it has another name.
    pub from: Option<String>,
    /// By what the reading is multiplied; −1 where the leader turns the other way.
    pub scale: f64,
    /// What is added then.
    pub offset: f64,
    /// The ends beyond which nothing goes.
    pub ends: Option<[f64; 2]>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { from: None, scale: 1.0, offset: 0.0, ends: None }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCalibration {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default = "one", deserialize_with = "finite")]
    scale: f64,
    #[serde(default, deserialize_with = "finite")]
    offset: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onto: Option<[f64; 2]>,
}

fn one() -> f64 {
    1.0
}

/// What is wrong with a calibration.
#[derive(Debug, thiserror::Error)]
enum Miscalibrated {
    #[error("`range` and `onto` go together, and without `scale` and `offset`")]
    Mixed,
    #[error("the range from {from} to {to} is none that can be laid onto another")]
    Range { from: f64, to: f64 },
}

impl TryFrom<RawCalibration> for Calibration {
    type Error = Miscalibrated;

    fn try_from(raw: RawCalibration) -> Result<Self, Miscalibrated> {
        let RawCalibration { from, scale, offset, range, onto } = raw;
        match (range, onto) {
            (None, None) => Ok(Self { from, scale, offset, ends: None }),
            (Some([start, end]), Some(onto)) if scale == 1.0 && offset == 0.0 => {
                let scale = (onto[1] - onto[0]) / (end - start);
                if !scale.is_finite() || scale == 0.0 {
                    return Err(Miscalibrated::Range { from: start, to: end });
                }
                let ends = [onto[0].min(onto[1]), onto[0].max(onto[1])];
                Ok(Self { from, scale, offset: onto[0] - start * scale, ends: Some(ends) })
            }
            _ => Err(Miscalibrated::Mixed),
        }
    }
}

impl From<Calibration> for RawCalibration {
    fn from(calibration: Calibration) -> Self {
        let Calibration { from, scale, offset, ends } = calibration;
        match ends {
            None => Self { from, scale, offset, range: None, onto: None },
            Some(onto) => {
                let range = onto.map(|end| (end - offset) / scale);
                Self { from, scale: 1.0, offset: 0.0, range: Some(range), onto: Some(onto) }
            }
        }
    }
}

impl Calibration {
    /// The robot's position for that reading.
    fn apply(&self, reading: f64) -> f64 {
        let position = self.scale * reading + self.offset;
        self.ends.map_or(position, |[lower, upper]| position.clamp(lower, upper))
    }

    /// The same about the other side of zero.
    fn mirrored(self) -> Self {
        let ends = self.ends.map(|[lower, upper]| [-upper, -lower]);
        Self { scale: -self.scale, offset: -self.offset, ends, ..self }
    }
}

/// A leader arm.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Its topics; one for each arm of a robot with two.
    topics: Vec<Name>,
    joints: Vec<Read>,
    quiet: std::time::Duration,
}

/// Where one joint of the robot is read.
#[derive(Clone, Debug)]
struct Read {
    topic: usize,
    name: String,
    calibration: Calibration,
    last: Option<(Stamp, f64)>,
}

impl Leader {
    /// The leader of `robot` that its file speaks of.
    pub fn new(robot: &Robot, act: &Act, config: &Config, quiet_ms: f64) -> Result<Self, Error> {
        for name in config.joints.keys() {
            robot.index(name, "teleop.leader.joints")?;
        }
        for name in &config.mirror {
            robot.index(name, "teleop.leader.mirror")?;
        }
        let mut leader = Self {
            topics: Vec::new(),
            joints: Vec::new(),
            quiet: std::time::Duration::from_secs_f64(quiet_ms / 1e3),
        };
        for joint in &robot.joints {
            let (topic, name) = reading(&joint.name, act, config).ok_or_else(|| Error::Setting {
                key: "teleop.leader.topic",
                why: format!("the actions of {:?} come from no leader; name its topic", joint.name),
            })?;
            let known = leader.topics.iter().position(|known| known == topic);
            let number = known.unwrap_or_else(|| {
                leader.topics.push(topic.clone());
                leader.topics.len() - 1
            });
            let calibration = config.joints.get(&joint.name).cloned().unwrap_or_default();
            let mirrored = config.mirror.contains(&joint.name);
            let calibration = if mirrored { calibration.mirrored() } else { calibration };
            leader.joints.push(Read { topic: number, name, calibration, last: None });
        }
        Ok(leader)
    }

    /// The topics it speaks on.
    pub fn topics(&self) -> &[Name] {
        &self.topics
    }

    /// Takes in a message on its topic of that number. Says what is wrong with one that is refused.
    pub fn see(&mut self, topic: usize, state: &JointState, received: Stamp) -> Option<String> {
        let reading = |name: &str| {
            let at = state.name.iter().position(|other| other == name)?;
            state.position.get(at).copied().filter(|reading| reading.is_finite())
        };
        let wanted = |joint: &&mut Read| joint.topic == topic;
        let lacks = self.joints.iter_mut().filter(wanted).find(|joint| reading(&joint.name).is_none());
        if let Some(joint) = lacks {
            return Some(format!("it has no position of {:?} that is a number", joint.name));
        }
        for joint in self.joints.iter_mut().filter(wanted) {
            joint.last = reading(&joint.name).map(|reading| (received, joint.calibration.apply(reading)));
        }
        None
    }

    /// Where it wants the robot at `now`.
    pub fn wish(&self, now: Stamp) -> Wish {
        let there = |read: &Read| match read.last {
            Some((at, position)) if at <= now && now <= at + self.quiet => Ok(position),
            _ => Err(Idle::Unheard { joint: read.name.clone(), topic: self.topics[read.topic].clone() }),
        };
        self.joints.iter().map(there).collect::<Result<_, _>>().map_or_else(Wish::Nothing, Wish::There)
    }
}

/// On which topic the leader tells the robot's joint, and by which name.
pub(in crate::node) fn reading<'a>(
    joint: &str,
    act: &'a Act,
    config: &'a Config,
) -> Option<(&'a Name, String)> {
    let (topic, prefix) = told_by(joint, act, config)?;
    let from = config.joints.get(joint).and_then(|calibration| calibration.from.clone());
    Some((topic, from.unwrap_or_else(|| joint.strip_prefix(prefix).unwrap_or(joint).to_owned())))
}

/// On which topic, and under which prefix, the leader tells the robot's joint.
fn told_by<'a>(joint: &str, act: &'a Act, config: &'a Config) -> Option<(&'a Name, &'a str)> {
    if let Some(topic) = &config.topic {
        return Some((topic, &config.prefix));
    }
    let part = act.parts.values().find(|part| part.joints.iter().any(|other| other == joint))?;
    match &part.from {
        Source::Topic(channel) if channel.type_name.as_str() == JOINT_STATE => {
            Some((&channel.topic, &channel.prefix))
        }
        _ => None,
    }
}

impl Config {
    /// How far the leader may be off.
    pub fn agreement(&self) -> Agreement {
        Agreement { angle: self.agree, length: self.agree_length, align: self.align.map(|align| align.0) }
    }
}
