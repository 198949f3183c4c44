//! The section `observe`: what a policy may see of the robot, each stream with its own rules.
//!
//! The same rules hold when a bag is read and on the robot. How fast a stream's publisher has promised to be is said
//! here too: it is what the recorder's alarms and `bag check` hold a topic to.

mod observer;
mod read;
mod relative;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::{self, Name, TypeName, milliseconds};

pub use observer::{Gap, Observer};
pub use read::{AHEAD, Decoder, Reading, Stamps, Unread};
pub(super) use read::{finite, places};

const JOINT_STATE: &str = "sensor_msgs/msg/JointState";
const POSE: &str = "geometry_msgs/msg/PoseStamped";
const IMAGES: &[&str] = &["sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"];
/// Numeric streams besides joint states, and whether their messages carry a header.
const NUMBERS: &[(&str, bool)] = &[
    ("std_msgs/msg/Float64MultiArray", false),
    (POSE, true),
    ("geometry_msgs/msg/TwistStamped", true),
    ("geometry_msgs/msg/WrenchStamped", true),
];

/// What is wrong with the rules of a stream.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A fact that cannot be.
    #[error(transparent)]
    Spec(#[from] spec::Error),
    /// Nothing is observed.
    #[error("no stream is observed")]
    NoStream,
    /// A setting that does not go with the stream's type.
    #[error("a stream of {type_name:?} {why}")]
    Unfit {
        /// The stream's type.
        type_name: String,
        /// What does not fit.
        why: &'static str,
    },
    /// A stream that is relative to what it cannot be relative to.
    #[error("the stream {stream:?} is `relative_to: {to}`: {why}")]
    Relative {
        /// The stream.
        stream: String,
        /// What it is to be relative to.
        to: String,
        /// What is wrong with that.
        why: &'static str,
    },
}

/// The section `observe`.
///
/// ```yaml
/// observe:
///   rate_hz: 30              # the grid on which observations are made
///   streams:
///     joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear,
///              max_age_ms: 50, rate_hz: 200}
///     front:  {topic: /front/image_raw, type: sensor_msgs/msg/Image, size: [96, 96], align: newest, max_age_ms: 100,
///              latency_ms: 30, time: header, rate_hz: 30}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawObserve")]
pub struct Observe {
    /// Observations a second.
    pub rate_hz: f64,
    /// What is observed, by name.
    pub streams: BTreeMap<String, Stream>,
}

/// One observed stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawStream")]
pub struct Stream {
    /// The topic.
    pub topic: Name,
    /// The type of its messages.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// What stands in front of the robot's joint names and is missing in this topic's messages; see
    /// [`spec::Channel::prefix`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Which fields of a joint state are seen, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Width and height in pixels at which an image is seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<[u32; 2]>,
    /// For pictures of depth: the distances in metres that are the least and the most told apart, 255 steps between them.
    /// Nearer and farther ones count as those; what the camera could not measure is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_m: Option<[f64; 2]>,
    /// For a pose: the stream of another pose, from which this one is seen. Both are told in the same frame, and each is where its own
    /// rules put it; what the policy sees of this one is where it is, and how it is turned, in the other's frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_to: Option<String>,
    /// Which message stands for an instant.
    pub align: Align,
    /// The age beyond which a message stands for nothing.
    pub max_age_ms: f64,
    /// How long after the event a message tells of it: so long before a tick the stream is looked at.
    pub latency_ms: f64,
    /// Whose clock says when a message was.
    pub time: Time,
    /// Whether the robot may act without it.
    pub optional: bool,
    /// Messages a second, as the publisher has promised; where it has not, no rate is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_hz: Option<f64>,
}

/// A field of a joint state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Angles and lengths.
    Position,
    /// Their rates.
    Velocity,
    /// Torques and forces.
    Effort,
}

impl Field {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Position, Self::Velocity, Self::Effort];

    /// As it is written in settings and labels.
    pub fn word(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Effort => "effort",
        }
    }
}

/// Which message stands for an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// The newest one received by then.
    Newest,
    /// Between its two neighbours; the newest where there is no later one.
    Linear,
}

/// Whose clock says when a message was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Time {
    /// The receiver's.
    #[default]
    Receive,
    /// The sender's, from the message's header.
    Header,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObserve {
    rate_hz: f64,
    streams: BTreeMap<String, Stream>,
}

impl TryFrom<RawObserve> for Observe {
    type Error = Error;

    fn try_from(raw: RawObserve) -> Result<Self, Error> {
        if raw.streams.is_empty() {
            return Err(Error::NoStream);
        }
        let observe =
            Self { rate_hz: spec::rate_hz("rate of observations", raw.rate_hz)?, streams: raw.streams };
        observe.check_relative()?;
        Ok(observe)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStream {
    topic: Name,
    #[serde(rename = "type")]
    type_name: TypeName,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    fields: Vec<Field>,
    size: Option<[u32; 2]>,
    depth_m: Option<[f64; 2]>,
    relative_to: Option<String>,
    align: Align,
    max_age_ms: f64,
    #[serde(default)]
    latency_ms: f64,
    #[serde(default)]
    time: Time,
    #[serde(default)]
    optional: bool,
    rate_hz: Option<f64>,
}

impl RawStream {
    /// What does not go with the stream's type, if anything.
    fn unfit(&self) -> Option<&'static str> {
        let name = self.type_name.as_str();
        let image = IMAGES.contains(&name);
        let joints = name == JOINT_STATE;
        let number = NUMBERS.iter().find(|(known, _)| *known == name);
        match () {
            () if !image && !joints && number.is_none() => Some("cannot be observed"),
            () if image && self.size.is_none_or(|[width, height]| width == 0 || height == 0) => {
                Some("needs its `size: [width, height]` in pixels, both above zero")
            }
            () if !image && self.size.is_some() => Some("has no `size`: it is no image"),
            () if !image && self.depth_m.is_some() => Some("has no `depth_m`: it is no image"),
            () if self.depth_m.is_some_and(|[near, far]| !(near >= 0.0 && near < far && far < 1e4)) => {
                Some("has its `depth_m: [near, far]` in metres, the nearer first")
            }
            () if image && self.align != Align::Newest => {
                Some("is aligned `newest`: images do not interpolate")
            }
            () if joints && self.fields.is_empty() => {
                Some("needs its `fields`: one or more of position, velocity, effort")
            }
            () if joints && (1..self.fields.len()).any(|i| self.fields[..i].contains(&self.fields[i])) => {
                Some("names one of its `fields` twice")
            }
            () if !joints && !self.fields.is_empty() => Some("has no `fields` to choose from"),
            () if !joints && !self.prefix.is_empty() => Some("has no joint names to put a `prefix` on"),
            () if name != POSE && self.relative_to.is_some() => {
                Some("is no pose that could be `relative_to` another")
            }
            () if number.is_some_and(|(_, header)| !header) && self.time == Time::Header => {
                Some("has no header to take its time from")
            }
            () => None,
        }
    }
}

impl TryFrom<RawStream> for Stream {
    type Error = Error;

    fn try_from(raw: RawStream) -> Result<Self, Error> {
        if let Some(why) = raw.unfit() {
            return Err(Error::Unfit { type_name: raw.type_name.into(), why });
        }
        milliseconds("age in milliseconds", raw.max_age_ms)?;
        if raw.latency_ms != 0.0 {
            milliseconds("latency in milliseconds", raw.latency_ms)?;
        }
        raw.rate_hz.map(|promised| spec::rate_hz("rate", promised)).transpose()?;
        let RawStream { topic, type_name, prefix, fields, size, depth_m, relative_to, .. } = raw;
        let RawStream { align, max_age_ms, latency_ms, time, optional, rate_hz, .. } = raw;
        Ok(Self {
            topic,
            type_name,
            prefix,
            fields,
            size,
            depth_m,
            relative_to,
            align,
            max_age_ms,
            latency_ms,
            time,
            optional,
            rate_hz,
        })
    }
}
