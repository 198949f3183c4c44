//! The three devices behind one face: what they hear, and what they want.
//!
//! Which of them it is, is chosen once on the command line; the loop and the drive do not know.

use std::sync::Arc;

use super::Error;
use super::config::Config;
use super::drive::{Idle, Wish};
use super::gamepad::{Port, Which};
use super::joy::Pad;
use super::keyboard::Keys;
use super::leader::Leader;
use super::robot::Robot;
use crate::bus::Bus;
use crate::bus::typed::read;
use crate::msg::Message;
use crate::msg::sensor::{JointState, Joy};
use crate::spec::{Act, Name};
use crate::time::Stamp;
use crate::wire::Sample;

/// Which device drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// A leader arm.
    Leader,
    /// A gamepad: told on a topic, or read directly where nobody tells one; or this one, read directly.
    Joy(Option<Which>),
    /// The terminal's keys.
    Keyboard,
}

impl Device {
    /// As it is called on the command line.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Joy(_) => "joy",
            Self::Keyboard => "keyboard",
        }
    }
}

/// A device at work.
#[derive(Debug)]
pub(super) enum Source {
    Leader(Leader),
    /// With the topic on which it may be told; without one it is only read.
    Joy {
        pad: Box<Pad>,
        topic: Option<Name>,
        port: Port,
    },
    Keys(Keys),
}

impl Source {
    /// The device of a robot.
    pub(super) fn new(
        device: Device,
        bus: &Arc<dyn Bus>,
        robot: &Robot,
        act: &Act,
        config: &Config,
    ) -> Result<Self, Error> {
        let joints = robot.arm.is_none();
        let pad = || Box::new(Pad::new(config.joy.clone(), config.quiet_ms, joints));
        Ok(match device {
            Device::Leader => Self::Leader(Leader::new(robot, act, &config.leader, config.quiet_ms)?),
            Device::Keyboard => Self::Keys(Keys::new(config.keyboard, joints)),
            Device::Joy(None) => {
                let topic = config.joy.topic.clone();
                let (bus, name) = (bus.clone(), bus.node().resolve(topic.as_str())?);
                let told =
                    move || bus.offers().iter().any(|offer| offer.name == name && !offer.offered.is_empty());
                Self::Joy { pad: pad(), topic: Some(topic), port: Port::spare(told) }
            }
            Device::Joy(Some(which)) => {
                let port = Port::open(which.clone()).map_err(|source| Error::Gamepad { which, source })?;
                Self::Joy { pad: pad(), topic: None, port }
            }
        })
    }

    /// The topics it hears, and their type.
    pub(super) fn topics(&self) -> (Vec<Name>, &'static str) {
        match self {
            Self::Leader(leader) => (leader.topics().to_vec(), JointState::TYPE),
            Self::Joy { topic, .. } => (topic.iter().cloned().collect(), Joy::TYPE),
            Self::Keys(_) => (Vec::new(), Joy::TYPE),
        }
    }

    /// Takes in a message on its topic of that number. Says what is wrong with one that is refused.
    pub(super) fn see(&mut self, topic: usize, sample: &Sample) -> Option<String> {
        match self {
            Self::Leader(leader) => match read::<JointState>(sample) {
                Ok(state) => leader.see(topic, &state, sample.received),
                Err(error) => Some(super::report(&error)),
            },
            Self::Joy { pad, port, .. } => match read::<Joy>(sample) {
                Ok(joy) => {
                    // Whoever publishes one means it: what is plugged in here is another person's, or the same pad twice.
                    if port.close() {
                        pad.unplug();
                    }
                    pad.see(&joy, sample.received)
                }
                Err(error) => Some(super::report(&error)),
            },
            Self::Keys(_) => None,
        }
    }

    /// Looks at a device that does not speak by itself. Says what is wrong with what it is seen to be.
    pub(super) fn look(&mut self, now: Stamp) -> Option<String> {
        match self {
            Self::Joy { pad, port, .. } => port.look(pad, now),
            Self::Leader(_) | Self::Keys(_) => None,
        }
    }

    /// What it wants at `now`.
    pub(super) fn wish(&self, now: Stamp, robot: &Robot, config: &Config) -> Wish {
        match self {
            Self::Leader(leader) => leader.wish(now),
            Self::Joy { pad, .. } => match pad.hand(now) {
                Ok(hand) => hand.wish(robot, &config.speed),
                Err(idle) => Wish::Nothing(idle),
            },
            Self::Keys(keys) => match keys.hand(now) {
                Ok(hand) => hand.wish(robot, &config.speed),
                Err(idle) => Wish::Nothing(idle),
            },
        }
    }

    /// A key that was pressed in the terminal; whether it was meant for the device.
    pub(super) fn press(&mut self, letter: char, now: Stamp) -> bool {
        match self {
            Self::Keys(keys) => {
                keys.press(letter, now);
                true
            }
            Self::Leader(_) | Self::Joy { .. } => false,
        }
    }

    /// What it is called, and what it moves.
    pub(super) fn words(&self) -> &'static str {
        let moves = |joints: bool, tip, one_by_one| if joints { one_by_one } else { tip };
        match self {
            Self::Leader(_) => "leader",
            Self::Joy { pad, .. } => moves(pad.moves_joints(), "gamepad, tip", "gamepad, joints"),
            Self::Keys(keys) => moves(keys.moves_joints(), "keyboard, tip", "keyboard, joints"),
        }
    }

    /// What a person may press.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Keys(keys) => keys.help(),
            Self::Leader(_) | Self::Joy { .. } => "space pause, go on · Ctrl-C end",
        }
    }
}

impl Idle {
    /// Whether it is a fault, and not what a person wanted.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::Released | Self::Paused)
    }
}
