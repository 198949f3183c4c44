//! The section `control.gate`: by which acts a person takes over, when the policy's own doubt does, and what goes on by itself.
//!
//! Which button it is and how far a leader may be off are facts about a set-up. What has a default has the one that stops: silence
//! and faults wait for a word, and only a person's own letting go gives back to the policy.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The section `control.gate`.
///
/// ```yaml
/// control:
///   gate:
///     human: {button: 4, leader: {moved: 0.05}}
///     doubt: {false_alarms: 0.1}
///     resume: {gap_ms: 500}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// By which acts a person takes over and gives back.
    pub human: Human,
    /// The only topic that may drive in the policy's place. A second publisher on it is refused.
    pub expert: String,
    /// When the policy's doubt asks for a person; never, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// Which faults end by themselves.
    pub resume: Resume,
    /// So long a mode lasts at the least, before the gate leaves it of its own accord; faults and persons never wait for it.
    #[serde(deserialize_with = "not_below_zero")]
    pub dwell_ms: f64,
    /// How long the command takes from one driver's way to the other's.
    #[serde(deserialize_with = "not_below_zero")]
    pub blend_ms: f64,
    /// How far a person's command may be from the robot where he takes over.
    pub agree: Agree,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            human: Human::default(),
            expert: "expert/command".to_owned(),
            doubt: None,
            resume: Resume::default(),
            dwell_ms: 100.0,
            blend_ms: 300.0,
            agree: Agree::default(),
        }
    }
}

/// By which acts a person takes over and gives back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Human {
    /// The dead-man button, by its number in `sensor_msgs/Joy`: held, the person drives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<u32>,
    /// Where it is heard.
    pub joy: String,
    /// Whether `~/take` is served.
    pub service: bool,
    /// The leader, if moving it is an act of taking over: where every part's `from` tells a leader's joints they are looked at, and
    /// elsewhere the commands of the person's device. It is given back by `~/take` or `~/resume`: an arm that lies still may well be held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<Leader>,
    /// Whether the policy goes on when the person lets go. Otherwise the robot is held until `~/resume`.
    pub give_back: bool,
}

impl Default for Human {
    fn default() -> Self {
        Self { button: None, joy: "/joy".to_owned(), service: true, leader: None, give_back: true }
    }
}

/// When a leader counts as moved by hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leader {
    /// So far any of its joints must be from where it rested: radians, for a joint that slides metres.
    #[serde(deserialize_with = "above_zero")]
    pub moved: f64,
    /// It rests where it stays within that distance for so long.
    #[serde(default = "rest", deserialize_with = "above_zero")]
    pub rest_ms: f64,
}

fn rest() -> f64 {
    500.0
}

/// When doubt asks for a person, and when it has passed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    /// In what share of episodes that went well it may ask: the threshold is calibrated for it.
    #[serde(deserialize_with = "open_share")]
    pub false_alarms: f64,
    /// What it is measured by; where nothing is said, by the first of them that the policy has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Doubt has passed when it stayed below this share of the threshold …
    #[serde(default = "release", deserialize_with = "share")]
    pub release: f64,
    /// … for so long.
    #[serde(default = "calm", deserialize_with = "not_below_zero")]
    pub dwell_ms: f64,
    /// What happens where it asks.
    #[serde(default)]
    pub ask: Ask,
    /// Whether the policy takes back from an expert who was asked when the doubt has passed. From a person who took over by an
    /// act of his own it never does.
    #[serde(default)]
    pub returns: bool,
}

fn release() -> f64 {
    0.8
}

fn calm() -> f64 {
    500.0
}

/// What doubt is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// How far the members of an ensemble are apart.
    Ensemble,
    /// How far off a head that takes noise away finds its own chunk.
    Loss,
    /// How far what is seen is from everything that was learned from.
    Distance,
}

impl By {
    /// As it is written in settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ensemble => "ensemble",
            Self::Loss => "loss",
            Self::Distance => "distance",
        }
    }
}

/// What happens where doubt asks for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The robot is held until the doubt passes or a person takes over.
    #[default]
    Hold,
    /// Whoever commands on the expert's topic drives at once, without an act of his own: for experts that can be asked, as in
    /// simulation. Where nobody commands there, the robot is held.
    Expert,
}

/// Which faults end by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resume {
    /// After a gap in a stream the policy goes on by itself if the robot was held for no longer than this; zero: never.
    #[serde(deserialize_with = "not_below_zero")]
    pub gap_ms: f64,
}

/// How far a person's command may be from the robot where he takes over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agree {
    /// In a joint that turns.
    #[serde(deserialize_with = "above_zero")]
    pub angle: f64,
    /// In a joint that slides.
    #[serde(deserialize_with = "above_zero")]
    pub length: f64,
}

impl Default for Agree {
    fn default() -> Self {
        Self { angle: 0.35, length: 0.05 }
    }
}

impl Agree {
    /// The bound of each joint, told which of them slide.
    pub fn bounds(&self, slides: &[bool]) -> Vec<f64> {
        slides.iter().map(|slides| if *slides { self.length } else { self.angle }).collect()
    }
}

fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
    holds: fn(f64) -> bool,
    rule: &str,
) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value.is_finite() && holds(value) {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is not {rule}"))),
    }
}

fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(deserializer, |value| value > 0.0, "above 0")
}

fn not_below_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(deserializer, |value| value >= 0.0, "0 or more")
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(deserializer, |value| value > 0.0 && value <= 1.0, "above 0 and at most 1")
}

fn open_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked(deserializer, |value| value > 0.0 && value < 1.0, "between 0 and 1")
}
