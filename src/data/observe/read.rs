//! One message of an observed stream as what it says: numbers, a pose, or a picture, and when that was.
//!
//! A message is taken whole or not at all. One without a wanted joint, with a number that is none or a picture that does not
//! decode says which, and is counted by whoever reads; what it would have said is never guessed.

use std::sync::Arc;
use std::time::Duration;

use super::super::layout::{Camera, Layout};
use super::super::{Frame, picture};
use super::{Field, Observe, Stream, Time};
use crate::msg::geometry::{PoseStamped, TwistStamped, Vector3, WrenchStamped};
use crate::msg::sensor::{CompressedImage, Image, JointState};
use crate::msg::std::{self as std_msgs, Float64MultiArray};
use crate::msg::{self, Message};
use crate::time::Stamp;
use crate::wire::Sample;

/// So far may the clock of whoever stamps messages go before ours.
pub const AHEAD: Duration = Duration::from_secs(1);

/// When a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// When it was received.
    pub received: Stamp,
    /// When it counts as said: by its header or its receipt, as its stream is set.
    pub own: Stamp,
}

impl Stamps {
    /// Refuses what was stamped by a clock that goes before ours: believed, it would have everything after it count as out of order.
    pub fn believed(self) -> Result<Self, Unread> {
        match self.own > self.received + AHEAD {
            // In whole seconds, so that all that one clock stamped is counted together.
            true => Err(Unread::Ahead { by: Duration::from_secs(self.own.since(self.received).as_secs()) }),
            false => Ok(self),
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Numbers in the order of the layout.
    Numbers(Vec<f64>),
    /// A place and a rotation, which is a unit quaternion: x, y, z, w.
    Pose([f64; 3], [f64; 4]),
    /// A picture.
    Picture(Arc<Frame>),
}

impl Reading {
    /// A place and a rotation, whose quaternion is brought to the length one.
    pub fn pose(at: [f64; 3], turn: [f64; 4]) -> Result<Self, Unread> {
        let length = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
        // All zeros is how some publishers say that they do not know; it is no rotation.
        if !(length.is_finite() && length > 1e-6) {
            return Err(Unread::NotFinite { what: "the length of the quaternion".to_owned(), value: length });
        }
        Ok(Self::Pose(at, turn.map(|part| part / length)))
    }
}

/// Why a message says nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unread {
    /// Its bytes are no such message.
    #[error("it does not read as its type: {0}")]
    Bytes(msg::Error),
    /// It is of another type.
    #[error("it is {has}, not {wanted}")]
    Type {
        /// What it should be.
        wanted: String,
        /// What it is.
        has: String,
    },
    /// A joint is not in it.
    #[error("the joint {joint:?} is not in it, which has {has}")]
    Joint {
        /// The joint, as the message should name it.
        joint: String,
        /// Those that are.
        has: String,
    },
    /// A field is not filled.
    #[error("its {field} has {has} values for {wanted} joints")]
    Field {
        /// Which.
        field: &'static str,
        /// How many there are.
        has: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// Too many or too few numbers.
    #[error("it has {has} numbers where {wanted} are wanted")]
    Width {
        /// How many there are.
        has: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A number that is none.
    #[error("{what} is {value}")]
    NotFinite {
        /// Which number.
        what: String,
        /// What it is.
        value: f64,
    },
    /// It was stamped by a clock that goes before the one by which it was received.
    #[error("it is stamped {by:?} after it was received: the clocks differ")]
    Ahead {
        /// By how much.
        by: Duration,
    },
    /// A picture that cannot be decoded.
    #[error("its picture: {0}")]
    Picture(picture::Unseen),
}

impl From<msg::Error> for Unread {
    fn from(source: msg::Error) -> Self {
        Self::Bytes(source)
    }
}

impl From<picture::Unseen> for Unread {
    fn from(source: picture::Unseen) -> Self {
        Self::Picture(source)
    }
}

/// Reads the messages of a layout's streams.
#[derive(Clone, Debug)]
pub struct Decoder {
    streams: Vec<Way>,
}

/// How one stream is read.
#[derive(Clone, Debug)]
struct Way {
    stream: Stream,
    /// The joints as this stream's messages name them.
    joints: Vec<String>,
    labels: Vec<String>,
    camera: Option<Camera>,
}

impl Decoder {
    /// For the streams of `layout`, in its order; `observe` is what the layout was resolved from.
    pub fn new(layout: &Layout, observe: &Observe) -> Self {
        let numbers = layout.state.iter().filter_map(|part| {
            let stream = observe.streams.get(&part.stream)?.clone();
            let joint = |label: &String| -> Option<String> {
                let (_, joint) = label.split_once('/')?;
                Some(joint.strip_prefix(&stream.prefix)?.to_owned())
            };
            let count = part.labels.len() / stream.fields.len().max(1);
            let joints = part.labels[..count].iter().filter_map(joint).collect();
            Some(Way { stream, joints, labels: part.labels.clone(), camera: None })
        });
        let pictures = layout.cameras.iter().filter_map(|camera| {
            let stream = observe.streams.get(&camera.stream)?.clone();
            Some(Way { stream, joints: Vec::new(), labels: Vec::new(), camera: Some(camera.clone()) })
        });
        Self { streams: numbers.chain(pictures).collect() }
    }

    /// What a message of the stream of that number says, and when.
    pub fn read(&self, stream: usize, sample: &Sample) -> Result<(Stamps, Reading), Unread> {
        let way = &self.streams[stream];
        let wanted = way.stream.type_name.as_str();
        if sample.topic.type_name != wanted {
            let (wanted, has) = (wanted.to_owned(), sample.topic.type_name.clone());
            return Err(Unread::Type { wanted, has });
        }
        let (said, reading) = way.read(sample)?;
        let own = match (way.stream.time, said) {
            (Time::Header, Some(said)) => Stamp::from_parts(said.sec, said.nanosec),
            _ => sample.received,
        };
        Ok((Stamps { received: sample.received, own }, reading))
    }
}

/// What a message says, and what its header says of when.
type Said = (Option<std_msgs::Time>, Reading);

impl Way {
    fn read(&self, sample: &Sample) -> Result<Said, Unread> {
        let cdr = &sample.cdr;
        if let Some(camera) = &self.camera {
            return self.picture(camera, sample);
        }
        Ok(match self.stream.type_name.as_str() {
            JointState::TYPE => {
                let state = JointState::decode(cdr)?;
                let numbers = self.joints(&state)?;
                (Some(state.header.stamp), self.numbers(numbers)?)
            }
            PoseStamped::TYPE => {
                let PoseStamped { header, pose } = PoseStamped::decode(cdr)?;
                let (at, turn) = (pose.position, pose.orientation);
                (Some(header.stamp), self.pose([at.x, at.y, at.z], [turn.x, turn.y, turn.z, turn.w])?)
            }
            TwistStamped::TYPE => {
                let TwistStamped { header, twist } = TwistStamped::decode(cdr)?;
                (Some(header.stamp), self.numbers(pair(&twist.linear, &twist.angular))?)
            }
            WrenchStamped::TYPE => {
                let WrenchStamped { header, wrench } = WrenchStamped::decode(cdr)?;
                (Some(header.stamp), self.numbers(pair(&wrench.force, &wrench.torque))?)
            }
            _ => (None, self.numbers(Float64MultiArray::decode(cdr)?.data)?),
        })
    }

    fn picture(&self, camera: &Camera, sample: &Sample) -> Result<Said, Unread> {
        let depth = self.stream.depth_m;
        let (header, frame) = match self.stream.type_name.as_str() {
            Image::TYPE => {
                let image = Image::decode(&sample.cdr)?;
                let frame = picture::raw(&image, camera.size, depth)?;
                (image.header, frame)
            }
            _ => {
                let image = CompressedImage::decode(&sample.cdr)?;
                let frame = picture::file(&image, camera.size, depth)?;
                (image.header, frame)
            }
        };
        Ok((Some(header.stamp), Reading::Picture(Arc::new(frame))))
    }

    fn joints(&self, state: &JointState) -> Result<Vec<f64>, Unread> {
        let places = places(&self.joints, &state.name)?;
        let mut numbers = Vec::with_capacity(self.labels.len());
        for field in &self.stream.fields {
            let values = match field {
                Field::Position => &state.position,
                Field::Velocity => &state.velocity,
                Field::Effort => &state.effort,
            };
            if values.len() != state.name.len() {
                let (has, wanted) = (values.len(), state.name.len());
                return Err(Unread::Field { field: field.word(), has, wanted });
            }
            numbers.extend(places.iter().map(|place| values[*place]));
        }
        Ok(numbers)
    }

    fn numbers(&self, numbers: Vec<f64>) -> Result<Reading, Unread> {
        if numbers.len() != self.labels.len() {
            return Err(Unread::Width { has: numbers.len(), wanted: self.labels.len() });
        }
        finite(&numbers, |number| self.labels[number].clone())?;
        Ok(Reading::Numbers(numbers))
    }

    fn pose(&self, at: [f64; 3], turn: [f64; 4]) -> Result<Reading, Unread> {
        finite(&at, |number| self.labels[number].clone())?;
        Reading::pose(at, turn)
    }
}

/// Where each of `wanted` stands among `named`.
pub(in crate::data) fn places(wanted: &[String], named: &[String]) -> Result<Vec<usize>, Unread> {
    let of = |joint: &String| {
        let missing = || Unread::Joint { joint: joint.clone(), has: named.join(", ") };
        named.iter().position(|name| name == joint).ok_or_else(missing)
    };
    wanted.iter().map(of).collect()
}

/// Refuses numbers that are none.
pub(in crate::data) fn finite(numbers: &[f64], what: impl Fn(usize) -> String) -> Result<(), Unread> {
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(number) => Err(Unread::NotFinite { what: what(number), value: numbers[number] }),
        None => Ok(()),
    }
}

fn pair(one: &Vector3, other: &Vector3) -> Vec<f64> {
    vec![one.x, one.y, one.z, other.x, other.y, other.z]
}
