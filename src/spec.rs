//! What is observed and commanded, and how often: the nouns of a robot's file that every room may use.
//!
//! Facts about a robot have no defaults: a topic, a joint or a limit that nobody wrote down is an error, never a
//! guess. Rules across fields hold by construction, so that whoever holds one of these need not check it again.

mod act;
mod name;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use act::{Act, Channel, Part, Source, Teach};
pub use name::{Name, TypeName};

/// What is wrong with a robot's facts.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A name that ROS 2 does not allow.
    #[error("{name:?} is no name of a topic or a service: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A type that is not written as ROS 2 writes types.
    #[error("{name:?} is no type: it reads `package/msg/Type`, as in `sensor_msgs/msg/JointState`")]
    Type {
        /// The type.
        name: String,
    },
    /// A list or name that must say something and does not.
    #[error("{what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// Something named twice.
    #[error("{what} {name:?} is named twice")]
    Twice {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A number that cannot be what it should.
    #[error("{value} is no {what}: it lies above {above} and is {most} at the most")]
    Range {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
        /// What it must lie above.
        above: f64,
        /// The most it may be.
        most: f64,
    },
    /// A type that cannot stand where it stands.
    #[error("{name:?} cannot be {what}; one of these can: {can}")]
    Unsuited {
        /// The type.
        name: String,
        /// What it should be.
        what: &'static str,
        /// What could be.
        can: String,
    },
    /// A part's actions that come from nowhere, or from two places at once.
    #[error("actions come either from `{{topic: …, type: …}}` or from `{{next: <stream>}}`")]
    Source,
}

/// A topic somebody counts on, and what they count on it for.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// The full topic name, with its leading slash.
    pub topic: String,
    /// Its type; `None` takes whatever is offered.
    pub type_name: Option<String>,
    /// Messages a second; `None` where nothing is promised.
    pub rate_hz: Option<f64>,
    /// The longest silence that is still well; `None` where nothing is promised.
    pub max_age: Option<Duration>,
    /// Whether a recording without it is still whole.
    pub optional: bool,
}

impl Expect {
    /// A topic of which nothing but its name is known.
    pub fn any(topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), type_name: None, rate_hz: None, max_age: None, optional: false }
    }
}

/// The section `robot`: which arm this is.
///
/// ```yaml
/// robot:
///   name: so101
///   urdf: so101.urdf         # beside this file, or package://…; optional
///   joints: [shoulder_pan, shoulder_lift, elbow_flex, wrist_flex, wrist_roll, gripper]
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRobot")]
pub struct Robot {
    /// What the robot is called.
    pub name: String,
    /// Where its description is, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urdf: Option<String>,
    /// Every joint that is observed or commanded, gripper included, in the order of joint vectors.
    pub joints: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRobot {
    name: String,
    urdf: Option<String>,
    joints: Vec<String>,
}

impl TryFrom<RawRobot> for Robot {
    type Error = Error;

    fn try_from(raw: RawRobot) -> Result<Self, Error> {
        if raw.name.trim().is_empty() {
            return Err(Error::Empty { what: "the robot's name" });
        }
        all_different("the joint", &raw.joints)?;
        Ok(Self { name: raw.name, urdf: raw.urdf, joints: raw.joints })
    }
}

/// Refuses an empty list, an empty name in it, and a name that is there twice.
fn all_different(what: &'static str, names: &[String]) -> Result<(), Error> {
    if names.is_empty() || names.iter().any(|name| name.trim().is_empty()) {
        return Err(Error::Empty { what });
    }
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::Twice { what, name: name.clone() }),
        None => Ok(()),
    }
}

/// A rate, if it is one: slower than once in an hour is no stream, faster than a hundred kilohertz no robot's.
pub fn rate_hz(what: &'static str, value: f64) -> Result<f64, Error> {
    within(what, value, 1.0 / 3600.0, 1e5)
}

/// A stretch of time in milliseconds, if it is one: above nothing, and a day at the most.
pub fn milliseconds(what: &'static str, value: f64) -> Result<f64, Error> {
    within(what, value, 0.0, 86_400e3)
}

fn within(what: &'static str, value: f64, above: f64, most: f64) -> Result<f64, Error> {
    match value > above && value <= most {
        true => Ok(value),
        false => Err(Error::Range { what, value: value.to_string(), above, most }),
    }
}
