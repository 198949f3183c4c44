//! Teleoperation: a person's device in, commands on `expert/command` out.
//!
//! ```text
//!   device ── source.rs ── what is wanted ──┐
//!                                           ├── drive.rs ── limits.rs ── expert/command
//!   joint states ── measured.rs ────────────┘
//! ```
//!
//! The loop here waits, takes messages in and keeps time; what follows from them is reckoned by parts that know neither bus
//! nor clock. A command ends in silence: nothing is sent any more once the device is quiet, its dead-man switch released,
//! or the robot unseen. Whoever takes the commands holds the robot then, as it must when this process dies.

mod config;
pub mod drive;
mod face;
mod gamepad;
pub mod hand;
pub mod joy;
pub mod keyboard;
pub mod leader;
mod limits;
mod measured;
mod robot;
mod source;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use config::{Arm, Config, Frame, Speed};
pub use drive::{Idle, Phase};
pub use face::Report;
pub use gamepad::Which;
pub use limits::Limited;
pub use robot::Robot;
pub use source::Device;

use drive::{Drive, Wish};
use face::Face;
use measured::Measured;
use source::Source;

use super::diagnostics::header;
use super::screen::{self, Key};
use super::{Context, report};
use crate::bus::parameter::{Declared, Parameters, Value};
use crate::bus::typed::{Publisher, read};
use crate::bus::{self, Complaint, Inbox, Limit, Subscription};
use crate::msg::Message;
use crate::msg::own::{Command, Intervention};
use crate::msg::sensor::JointState;
use crate::spec::Act;
use crate::time::{Clock, Stamp};
use crate::wire::{Qos, Sample, Topic};

/// Where the commands go; relative, so that a namespace may stand in front.
pub const COMMAND: &str = "expert/command";
/// What waits to be taken in; more is older than anybody wants to know.
const INBOX: Limit = Limit { samples: 256, bytes: 1 << 20 };

/// What goes wrong with teleoperation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[source] Box<bus::Error>),
    /// The robot's file and its description do not fit each other, or lack something.
    #[error("{key}: {why}")]
    Setting {
        /// Which key it is about.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The description cannot be what is asked of it.
    #[error("robot.urdf")]
    Arm(#[from] crate::arm::Error),
    /// The terminal cannot be used.
    #[error("the terminal could not be taken for keys")]
    Terminal(#[source] std::io::Error),
    /// A gamepad that cannot be read.
    #[error("{which} cannot be read")]
    Gamepad {
        /// Which one.
        which: Which,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<bus::Error> for Error {
    fn from(error: bus::Error) -> Self {
        Self::Bus(Box::new(error))
    }
}

/// Whose a topic is: the robot's or the device's of that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Robot(usize),
    Device(usize),
}

/// Teleoperation at work.
pub struct Teleop {
    context: Context,
    clock: Arc<dyn Clock>,
    config: Config,
    inbox: Inbox,
    heard: Vec<(String, Role)>,
    source: Source,
    drive: Drive,
    measured: Measured,
    commands: Publisher<Command>,
    names: Vec<String>,
    face: Face,
    period: Duration,
    due: Stamp,
    paused: bool,
    limited: Vec<Limited>,
    sent: u64,
    refused: u64,
    complaint: Complaint,
    _facts: Parameters,
    _subscriptions: Vec<Subscription>,
}

impl std::fmt::Debug for Teleop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Teleop")
            .field("phase", self.drive.phase())
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

impl Teleop {
    /// Everything subscribed to and nothing commanded yet; with `keys` the terminal is taken.
    pub fn open(
        context: &Context,
        robot: Robot,
        act: &Act,
        config: Config,
        device: Device,
        keys: bool,
    ) -> Result<Self, Error> {
        let bus = context.bus.as_ref();
        let facts = [
            ("device", Value::Text(device.name().to_owned()), "with what a person drives"),
            ("rate_hz", Value::Double(robot.rate_hz), "commands a second"),
        ];
        let facts = facts.map(|(name, value, about)| Declared::new(name, value, about).read_only());
        let facts = Parameters::serve(bus, facts.into())?;
        let source = Source::new(device, &context.bus, &robot, act, &config)?;
        let inbox = Inbox::new(INBOX);
        let (mut heard, mut subscriptions) = (Vec::new(), Vec::new());
        let of_robot = robot.told.iter().enumerate();
        let of_robot = of_robot.map(|(number, told)| (&told.topic, JointState::TYPE, Role::Robot(number)));
        let (topics, type_name) = source.topics();
        let of_device = topics.iter().enumerate();
        let of_device = of_device.map(|(number, topic)| (topic, type_name, Role::Device(number)));
        for (topic, type_name, role) in of_robot.chain(of_device) {
            let name = bus.node().resolve(topic.as_str())?;
            if !heard.iter().any(|(known, _)| *known == name) {
                // Best effort hears every publisher, and the newest counts: what was lost is too old to be sent again.
                subscriptions.push(bus.subscribe(&Topic::new(&name, type_name).with(Qos::sensor()), &inbox)?);
            }
            heard.push((name, role));
        }
        let clock = context.bus.clock();
        let names = robot.joints.iter().map(|joint| joint.name.clone()).collect();
        Ok(Self {
            commands: Publisher::open(bus, COMMAND, Qos::reliable(1))?,
            face: Face::open(bus, keys)?,
            period: Duration::from_secs_f64(1.0 / robot.rate_hz),
            measured: Measured::new(&robot),
            drive: Drive::new(robot, config.lead_ms, config.frame, config.leader.agreement()),
            due: clock.now(),
            context: context.clone(),
            paused: false,
            limited: Vec::new(),
            sent: 0,
            refused: 0,
            complaint: Complaint::default(),
            _facts: facts,
            _subscriptions: subscriptions,
            clock,
            config,
            inbox,
            heard,
            source,
            names,
        })
    }

    /// Drives until the context is stopped, or a bag behind the bus ends.
    pub fn run(mut self) -> Result<Report, Error> {
        self.context.bus.ready();
        while !self.context.stop.wished() && !self.context.bus.ended() {
            let wait = self.due.since(self.clock.now()).min(self.period);
            if let Some(sample) = self.inbox.wait(Instant::now() + wait) {
                self.take(&sample);
            }
            while let Some(key) = self.face.key() {
                self.press(key);
            }
            self.turn()?;
        }
        Ok(self.report())
    }

    /// Takes in what came, and commands what is due.
    pub fn turn(&mut self) -> Result<(), Error> {
        while let Some(sample) = self.inbox.take() {
            self.take(&sample);
        }
        let now = self.clock.now();
        // A step too late begins a new row of steps, and so does a clock that was set back.
        if now >= self.due || self.due.since(now) > self.period {
            self.due =
                if now.since(self.due) < self.period { self.due + self.period } else { now + self.period };
            self.step(now)?;
        }
        if self.face.is_due() {
            let report = self.report();
            self.face.show(&report, now)?;
        }
        Ok(())
    }

    /// A key that was pressed in the terminal.
    pub fn press(&mut self, key: Key) {
        match key {
            Key::Interrupt if self.context.stop.wished() => {
                screen::restore();
                std::process::exit(130);
            }
            Key::Interrupt => self.context.stop.wish(),
            Key::Enter => {}
            Key::Char(letter) => {
                if !self.source.press(letter, self.clock.now()) && letter == ' ' {
                    self.paused = !self.paused;
                }
            }
        }
    }

    /// How it is.
    pub fn report(&self) -> Report {
        let robot = self.drive.robot();
        Report {
            device: self.source.words(),
            help: self.source.help(),
            phase: self.drive.phase().clone(),
            limited: self.limited.iter().map(|limited| limited.words(robot)).collect(),
            sent: self.sent,
            refused: self.refused,
        }
    }

    fn take(&mut self, sample: &Sample) {
        for number in 0..self.heard.len() {
            let (name, role) = &self.heard[number];
            if *name != sample.topic.name {
                continue;
            }
            let wrong = match *role {
                Role::Device(topic) => self.source.see(topic, sample),
                Role::Robot(topic) => match read::<JointState>(sample) {
                    Ok(state) => self.measured.see(self.drive.robot(), topic, &state, sample.received),
                    Err(error) => Some(report(&error)),
                },
            };
            self.refuse(&sample.topic.name, wrong);
        }
    }

    /// Counts a message that was refused, if it was, and says so once in a while.
    fn refuse(&mut self, from: &str, wrong: Option<String>) {
        let Some(wrong) = wrong else { return };
        self.refused += 1;
        if let Some(times) = self.complaint.raise(Instant::now()) {
            tracing::warn!(times, "a message on {from} is refused: {wrong}");
        }
    }

    fn step(&mut self, now: Stamp) -> Result<(), Error> {
        let wrong = self.source.look(now);
        self.refuse("the gamepad", wrong);
        let wish = match self.paused {
            true => Wish::Nothing(Idle::Paused),
            false => self.source.wish(now, self.drive.robot(), &self.config),
        };
        let stepped = self.drive.step(now, self.measured.at(now), &wish);
        self.face.hear(self.drive.phase());
        self.limited = stepped.limited;
        if let Some(values) = stepped.command {
            self.commands.send(&Command {
                header: header(now),
                names: self.names.clone(),
                values,
                driver: Intervention::HUMAN,
                limited: !self.limited.is_empty(),
            })?;
            self.sent += 1;
        }
        Ok(())
    }
}
