//! A gamepad, as `sensor_msgs/Joy` tells it: which stick and which button is what.
//!
//! The defaults are for the pad that most people have, in the order in which ROS's `joy_node` tells it on Linux:
//!
//! ```text
//!        LB dead man (4)                          RB turbo (5)
//!   left stick   up: forward (axis 1)        Y mode (3)   B opens (1)   A closes (0)
//!                left: left (axis 0)         right stick  up: up (axis 4)
//!   D-pad        up: pitch (axis 7)                       left: yaw (axis 3)
//!                left: roll (axis 6)
//! ```
//!
//! In the other mode the same axes, in the order 0, 1, 4, 7, 3, 6, move the joints one by one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::{finite, part};
use super::drive::Idle;
use super::hand::{Hand, shaped};
use crate::msg::sensor::Joy;
use crate::spec::Name;
use crate::time::Stamp;

/// The section `teleop.joy`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the gamepad is told, if it is not read directly.
    pub topic: Name,
    /// The button that has to be pressed for anything to move.
    pub dead_man: usize,
    /// The button that makes everything but the gripper faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turbo: Option<usize>,
    /// The button that changes between moving the tip and moving joints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<usize>,
    /// The button that opens the gripper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<usize>,
    /// The button that closes the gripper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<usize>,
    /// The axes that move the tip forward, left and up, and turn it about these three.
    pub tip: [Axis; 6],
    /// The axes that move the joints but the gripper, in the order of the robot's.
    pub joints: Vec<Axis>,
    /// Deflections up to this are none.
    #[serde(deserialize_with = "part")]
    pub deadband: f64,
    /// How much finer small deflections are: 0 not at all, towards 1 as the cube.
    #[serde(deserialize_with = "part")]
    pub expo: f64,
}

/// One axis of a gamepad.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Its number.
    pub axis: usize,
    /// By what it is multiplied; −1 turns it round.
    #[serde(default = "one", deserialize_with = "finite")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for Config {
    fn default() -> Self {
        let axis = |axis| Axis { axis, scale: 1.0 };
        Self {
            topic: Name::parse("/joy").expect("it is a name"),
            dead_man: 4,
            turbo: Some(5),
            mode: Some(3),
            open: Some(1),
            close: Some(0),
            // The D-pad's up turns the hand up, which is about the axis to the left backwards.
            tip: [axis(1), axis(0), axis(4), axis(6), Axis { axis: 7, scale: -1.0 }, axis(3)],
            joints: [0, 1, 4, 7, 3, 6].map(axis).to_vec(),
            deadband: 0.1,
            expo: 0.3,
        }
    }
}

/// A gamepad.
#[derive(Clone, Debug)]
pub struct Pad {
    config: Config,
    quiet: Duration,
    /// Whether joints are moved.
    joints: bool,
    /// Whether the button for the mode was pressed.
    changing: bool,
    /// Whether the dead-man button has to be let go of first, because the device is another one than before.
    locked: bool,
    last: Option<(Stamp, Result<Option<Hand>, String>)>,
}

impl Pad {
    /// A gamepad of which nothing was heard; with `joints` it moves joints until the mode is changed.
    pub fn new(config: Config, quiet_ms: f64, joints: bool) -> Self {
        let quiet = Duration::from_secs_f64(quiet_ms / 1e3);
        Self { config, quiet, joints, changing: false, locked: false, last: None }
    }

    /// Whether it moves joints, and not the tip.
    pub fn moves_joints(&self) -> bool {
        self.joints
    }

    /// Takes in a message. Says what is wrong with one that is refused; the gamepad is not heeded then.
    pub fn see(&mut self, joy: &Joy, received: Stamp) -> Option<String> {
        let pressed = |button: usize| joy.buttons.get(button).is_some_and(|state| *state != 0);
        let optional = |button: Option<usize>| button.is_some_and(pressed);
        let changing = optional(self.config.mode);
        let was_changing = std::mem::replace(&mut self.changing, changing);
        self.joints ^= changing && !was_changing;
        let axes = if self.joints { &self.config.joints } else { &self.config.tip[..] };
        let mut shares = Vec::with_capacity(axes.len());
        for Axis { axis, scale } in axes {
            match joy.axes.get(*axis).map(|value| f64::from(*value)) {
                Some(value) if value.is_finite() => {
                    shares.push(shaped(value, self.config.deadband, self.config.expo) * scale);
                }
                Some(value) => return self.refuse(received, format!("axis {axis} is {value}")),
                None => {
                    return self.refuse(received, format!("axis {axis} is missing of {}", joy.axes.len()));
                }
            }
        }
        if joy.buttons.len() <= self.config.dead_man {
            let (button, buttons) = (self.config.dead_man, joy.buttons.len());
            return self.refuse(received, format!("the dead-man button {button} is missing of {buttons}"));
        }
        let gripper = f64::from(optional(self.config.open)) - f64::from(optional(self.config.close));
        let hand = Hand { shares, joints: self.joints, gripper, turbo: optional(self.config.turbo) };
        let driving = pressed(self.config.dead_man);
        self.locked &= driving;
        self.last = Some((received, Ok(driving.then_some(hand))));
        None
    }

    fn refuse(&mut self, received: Stamp, why: String) -> Option<String> {
        self.last = Some((received, Err(why.clone())));
        Some(why)
    }

    /// Forgets what it said: it is gone, and with whatever comes instead the dead-man button has to be let go of first.
    pub fn unplug(&mut self) {
        self.locked = true;
        self.last = None;
    }

    /// What the hand on it wants at `now`; nothing, and why, without the dead-man button.
    pub fn hand(&self, now: Stamp) -> Result<&Hand, Idle> {
        match &self.last {
            Some((at, said)) if *at <= now && now <= *at + self.quiet => match said {
                Ok(Some(_)) if self.locked => Err(Idle::LetGo),
                Ok(Some(hand)) => Ok(hand),
                Ok(None) => Err(Idle::Released),
                Err(why) => Err(Idle::Refused(why.clone())),
            },
            _ => Err(Idle::Quiet),
        }
    }
}
