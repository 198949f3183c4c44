//! The section `control.limits`: what a robot's joints may do, and where its tip may be.
//!
//! These are facts about a robot and have no defaults. Positions and speeds may come from its description; acceleration and jerk
//! stand in no URDF, so they must be said, and who has not said them is told what to begin with. The section may be missing
//! where nobody drives; whoever drives reads it with [`Limits::load`](super::Limits::load).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Error;

/// The section `control.limits`.
///
/// ```yaml
/// control:
///   limits:
///     position: {elbow: [-1.5, 1.2], gripper: [0.0, 0.04]}   # rad and m; else the description's
///     speed: {elbow: 2.5, gripper: 0.15}                     # rad/s and m/s; else the description's
///     acceleration: {elbow: 10.0, gripper: 0.6}              # rad/s² and m/s²
///     jerk: {elbow: 100.0, gripper: 6.0}                     # rad/s³ and m/s³
///     jump: 0.5                                              # one number is every joint's
///     lead: {elbow: 0.5}                                     # rad and m
///     workspace: {base: base_link, tip: tool0, box: [[0.1, -0.5, 0.0], [0.7, 0.5, 0.8]]}
///     gripper: {joint: gripper, effort: 10.0}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The least and the greatest position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Each<Range>>,
    /// The greatest speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Each<Most>>,
    /// The greatest acceleration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceleration: Option<Each<Most>>,
    /// The greatest jerk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jerk: Option<Each<Most>>,
    /// How far from the last command a wanted one may be; one further away is a fault of whoever wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jump: Option<Each<Most>>,
    /// How far a joint may be measured from its command; one further off is not driven by them, and the robot is held. A gripper
    /// that presses is, so it is better left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Each<Most>>,
    /// Where the tip may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Room>,
    /// How strongly the gripper may close.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gripper: Option<Gripper>,
}

/// The box that the tip stays in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// The link in whose frame the box lies.
    pub base: String,
    /// The link whose origin stays in it.
    pub tip: String,
    /// Its least and its greatest corner, m.
    #[serde(rename = "box")]
    pub corners: Corners,
}

/// The gripper, of which closing is downwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gripper {
    /// Its joint.
    pub joint: String,
    /// The effort over which it closes no further, N·m or N. Where none is measured the robot is held.
    pub effort: Most,
}

/// A least and a greatest position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 2]")]
pub struct Range(pub [f64; 2]);

impl TryFrom<[f64; 2]> for Range {
    type Error = Error;

    fn try_from(ends: [f64; 2]) -> Result<Self, Error> {
        let sound = ends.iter().all(|end| end.is_finite()) && ends[0] < ends[1];
        sound.then_some(Self(ends)).ok_or(Error::Range { lower: ends[0], upper: ends[1] })
    }
}

/// A finite number above zero: the most that something may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Most(pub f64);

impl TryFrom<f64> for Most {
    type Error = Error;

    fn try_from(value: f64) -> Result<Self, Error> {
        (value.is_finite() && value > 0.0).then_some(Self(value)).ok_or(Error::Most { value })
    }
}

/// Two opposite corners of a box, m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[[f64; 3]; 2]")]
pub struct Corners(pub [[f64; 3]; 2]);

impl TryFrom<[[f64; 3]; 2]> for Corners {
    type Error = Error;

    fn try_from(corners: [[f64; 3]; 2]) -> Result<Self, Error> {
        let [least, most] = corners;
        for (lower, upper) in least.into_iter().zip(most) {
            Range::try_from([lower, upper])?;
        }
        Ok(Self(corners))
    }
}

/// What is said of joints: the same of all of them, or something of each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Each<T> {
    /// Of every joint.
    All(T),
    /// Of those joints.
    Joints(BTreeMap<String, T>),
}

impl<T: Copy> Each<T> {
    /// What is said of `joint`.
    pub fn of(&self, joint: &str) -> Option<T> {
        match self {
            Self::All(value) => Some(*value),
            Self::Joints(values) => values.get(joint).copied(),
        }
    }

    /// The joints that are named.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::All(_) => Vec::new(),
            Self::Joints(values) => values.keys().map(String::as_str).collect(),
        }
    }
}

impl Config {
    /// The keys that lead to a joint which is none of `joints`, the robot's.
    pub fn stranger(&self, joints: &[String]) -> Option<[&str; 2]> {
        fn named<'a, T: Copy>(
            key: &'a str,
            each: Option<&'a Each<T>>,
        ) -> impl Iterator<Item = [&'a str; 2]> + use<'a, T> {
            each.into_iter().flat_map(Each::names).map(move |name| [key, name])
        }
        named("position", self.position.as_ref())
            .chain(named("speed", self.speed.as_ref()))
            .chain(named("acceleration", self.acceleration.as_ref()))
            .chain(named("jerk", self.jerk.as_ref()))
            .chain(named("jump", self.jump.as_ref()))
            .chain(named("lead", self.lead.as_ref()))
            .find(|[_, name]| !joints.iter().any(|joint| joint == name))
    }
}

/// By the shape of what is written, so that an error is about what was meant and stands at its own place.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape(PhantomData))
    }
}

struct Shape<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Shape<T> {
    type Value = Each<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what holds for every joint, or a mapping from joints")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Each<T>, E> {
        T::deserialize(value.into_deserializer()).map(Each::All)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Each<T>, E> {
        T::deserialize(value.into_deserializer()).map(Each::All)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Each<T>, E> {
        T::deserialize(value.into_deserializer()).map(Each::All)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Each<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(values)).map(Each::All)
    }

    fn visit_map<A: MapAccess<'de>>(self, joints: A) -> Result<Each<T>, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(joints)).map(Each::Joints)
    }
}
