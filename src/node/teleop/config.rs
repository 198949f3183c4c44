//! The section `teleop` of a robot's file: which frame a person moves, how fast, and when a command ends.
//!
//! Speeds, dead bands and times have defaults that suit a table-top arm; which link is moved, which joint is the gripper and
//! how a leader is calibrated are facts about a robot and have none. The keys of a device are in the file that reads them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{joy, keyboard, leader};

/// The section `teleop`.
///
/// ```yaml
/// teleop:
///   arm: {base: base_link, tip: tool0, gripper: gripper}
///   speed: {linear: 0.12, angular: 0.8, joint: 0.25, gripper: 0.5, turbo: 2.5}
///   quiet_ms: 200
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The arm that is moved as a whole; without it joints are moved one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
    /// How fast full deflection is.
    pub speed: Speed,
    /// In whose directions the tip is moved and turned.
    pub frame: Frame,
    /// After so long without a word from the device, the command ends. A joystick driver repeats itself 20 times a second.
    #[serde(deserialize_with = "above_zero")]
    pub quiet_ms: f64,
    /// No joint but the gripper is commanded further from where it is than it could go in this time, so that an arm that
    /// is held back does not leap when it comes free.
    #[serde(deserialize_with = "above_zero")]
    pub lead_ms: f64,
    /// A leader arm.
    pub leader: leader::Config,
    /// A gamepad.
    pub joy: joy::Config,
    /// The terminal's keys.
    pub keyboard: keyboard::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            arm: None,
            speed: Speed::default(),
            frame: Frame::Base,
            quiet_ms: 200.0,
            lead_ms: 250.0,
            leader: leader::Config::default(),
            joy: joy::Config::default(),
            keyboard: keyboard::Config::default(),
        }
    }
}

/// Which links and joints of the description are the arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The link whose axes are forward, left and up.
    pub base: String,
    /// The link that is moved.
    pub tip: String,
    /// The robot's joint that opens (upwards) and closes (downwards) the gripper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gripper: Option<String>,
    /// What stands in front of the robot's joint names and is missing in the description: with two arms that are
    /// described once, the prefix says which of them is moved.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// In whose directions the tip is moved and turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// The base's.
    Base,
    /// The tip's own.
    Tip,
}

/// How fast full deflection is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speed {
    /// The tip, m/s.
    #[serde(deserialize_with = "above_zero")]
    pub linear: f64,
    /// The tip, rad/s.
    #[serde(deserialize_with = "above_zero")]
    pub angular: f64,
    /// A joint, as a share of its speed limit.
    #[serde(deserialize_with = "share")]
    pub joint: f64,
    /// The gripper, as a share of its speed limit.
    #[serde(deserialize_with = "share")]
    pub gripper: f64,
    /// By how much all but the gripper is faster with the turbo.
    #[serde(deserialize_with = "above_zero")]
    pub turbo: f64,
}

impl Default for Speed {
    fn default() -> Self {
        Self { linear: 0.12, angular: 0.8, joint: 0.25, gripper: 0.5, turbo: 2.5 }
    }
}

/// A finite number above zero.
pub(super) fn above_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value > 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is not above 0"))),
    }
}

/// A number above zero and up to one.
pub(super) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value > 0.0 && value <= 1.0 {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is no share: it lies above 0 and is 1 at the most"))),
    }
}

/// A number from zero on and below one.
pub(super) fn part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match (0.0..1.0).contains(&value) {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is none: it lies below 1 and is 0 at the least"))),
    }
}

/// A finite number.
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    match value.is_finite() {
        true => Ok(value),
        false => Err(D::Error::custom(format!("{value} is no finite number"))),
    }
}
