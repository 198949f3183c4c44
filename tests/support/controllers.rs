//! An arm under ros2_control as its topics show it: hardware that lags, a joint_state_broadcaster, a forward_command_controller.
//!
//! No real arm is at hand where tests run, so this behaves as the sources of ros2_controllers say theirs does, whichever robot's file
//! it is given. It owns no clock: whoever calls [`Arm::cycle`] is the controller_manager, at its rate or as fast as a test likes.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::time::Duration;

use anyhow::Context as _;
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{Bus, Inbox, Limit, Subscription};
use apprentice::config::Settings;
use apprentice::msg::Message as _;
use apprentice::msg::geometry::WrenchStamped;
use apprentice::msg::sensor::{CompressedImage, Image, JointState};
use apprentice::msg::std::Float64MultiArray;
use apprentice::node::diagnostics::header;
use apprentice::time::Stamp;
use apprentice::wire::{History, Qos};

use crate::cameras::Camera;
use crate::judge::Judge;

/// What `SystemDefaultsQoS` makes of a publisher with Fast DDS, the usual middleware: reliable, and kept for those who come late.
pub(crate) const PUBLISHED: Qos = Qos::latched(1);
/// The same of a subscription: best effort, the newest.
const SUBSCRIBED: Qos = Qos { history: History::KeepLast(1), ..Qos::sensor() };

/// Whose ros2_controllers these are: they differ in what they make of a bad command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distro {
    Humble,
    Jazzy,
}

/// What differs from robot to robot and stands in no robot's file.
#[derive(Clone, Debug)]
pub(crate) struct Kit {
    pub(crate) distro: Distro,
    /// Joints in the order in which the broadcaster names them, those of the file and others.
    pub(crate) order: &'static [&'static str],
    /// What stands in front of every name.
    pub(crate) prefix: &'static str,
    /// The time constant with which a joint comes to its target, s.
    pub(crate) lag: f64,
    /// The fastest that a joint turns, rad/s.
    pub(crate) speed: f64,
    /// Whether effort is measured; it is no number where it is not.
    pub(crate) effort: bool,
    /// How long after a picture was taken it is sent.
    pub(crate) exposure: Duration,
}

/// A UR5e: Humble's broadcaster names joints in the order of a hash map, and 180°/s is what the joints do.
pub(crate) const UR5E: Kit = Kit {
    distro: Distro::Humble,
    order: &[
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
        "shoulder_pan_joint",
    ],
    prefix: "",
    lag: 0.03,
    speed: std::f64::consts::PI,
    effort: true,
    exposure: Duration::ZERO,
};

/// An SO-101: the order of its description, a joint more that is bolted on beside the arm, and servos that tell no effort.
pub(crate) const SO101: Kit = Kit {
    distro: Distro::Jazzy,
    order: &[
        "gripper",
        "wrist_roll",
        "wrist_flex",
        "elbow_flex",
        "camera_tilt",
        "shoulder_lift",
        "shoulder_pan",
    ],
    prefix: "",
    lag: 0.06,
    speed: 4.7,
    effort: false,
    exposure: Duration::ZERO,
};

/// A joint of the hardware.
#[derive(Clone, Debug)]
pub(crate) struct Joint {
    pub(crate) name: String,
    pub(crate) position: f64,
    velocity: f64,
    /// The command interface; no number before anything was commanded.
    target: f64,
}

/// The forward_command_controller.
struct Forward {
    distro: Distro,
    topic: String,
    /// Which joints of the hardware it commands, in the order of its messages.
    joints: Vec<usize>,
    active: bool,
    /// The command that holds.
    buffer: Option<Vec<f64>>,
    /// There once it is configured.
    heard: Option<(Inbox, Subscription)>,
}

/// The robot.
pub(crate) struct Arm {
    kit: Kit,
    pub(crate) joints: Vec<Joint>,
    forward: Forward,
    pub(crate) judge: Judge,
    /// What its log says.
    pub(crate) errors: Vec<String>,
    /// Commands that it took.
    pub(crate) taken: u64,
    /// Whether the broadcaster speaks.
    pub(crate) tells: bool,
    /// Whether the brakes are shut: nothing moves it.
    pub(crate) stopped: bool,
    /// The time between two cycles.
    pub(crate) period: Duration,
    states: Publisher<JointState>,
    wrench: Option<Publisher<WrenchStamped>>,
    cameras: Vec<Camera>,
}

impl Arm {
    /// The robot of that file on a bus, its controllers active.
    pub(crate) fn new(bus: &dyn Bus, settings: &Settings, kit: Kit) -> anyhow::Result<Self> {
        let act = settings.act.as_ref().context("it is commanded")?;
        let (commanded, rate_hz) = (act.parts.values().next().context("it has a part")?, act.rate_hz);
        let joint = |name: &&str| Joint {
            name: format!("{}{name}", kit.prefix),
            position: 0.0,
            velocity: 0.0,
            target: f64::NAN,
        };
        let place = |name: &String| kit.order.iter().position(|other| other == name);
        let forward = Forward {
            distro: kit.distro,
            topic: commanded.to.topic.to_string(),
            joints: commanded.joints.iter().filter_map(place).collect(),
            active: false,
            buffer: None,
            heard: None,
        };
        let (mut wrench, mut told, mut cameras) = (None, None, Vec::new());
        for stream in settings.observe.streams.values() {
            let rate = stream.rate_hz.context("a promised rate")?;
            match stream.type_name.as_str() {
                JointState::TYPE => told = Some((stream.topic.to_string(), rate)),
                WrenchStamped::TYPE => wrench = Some(Publisher::open(bus, stream.topic.as_str(), PUBLISHED)?),
                Image::TYPE | CompressedImage::TYPE => cameras.push(Camera::new(bus, stream, kit.exposure)?),
                other => anyhow::bail!("{other} comes from no controller"),
            }
        }
        let (topic, rate) = told.context("it tells its joints")?;
        let limits = settings.control.limits.clone().context("it has limits")?;
        let mut arm = Self {
            joints: kit.order.iter().map(joint).collect(),
            judge: Judge::new(&limits, &commanded.joints, Duration::from_secs_f64(1.0 / rate_hz))?,
            errors: Vec::new(),
            taken: 0,
            tells: true,
            stopped: false,
            period: Duration::from_secs_f64(1.0 / rate),
            states: Publisher::open(bus, &topic, PUBLISHED)?,
            wrench,
            cameras,
            forward,
            kit,
        };
        arm.configure(bus)?;
        arm.activate();
        Ok(arm)
    }

    /// The controller is configured: from now on it hears commands, and heeds none.
    pub(crate) fn configure(&mut self, bus: &dyn Bus) -> anyhow::Result<()> {
        let inbox = Inbox::new(Limit { samples: 1000, bytes: 1 << 20 });
        let heard = typed::subscribe::<Float64MultiArray>(bus, &self.forward.topic, SUBSCRIBED, &inbox)?;
        self.forward.heard = Some((inbox, heard));
        Ok(())
    }

    /// The controller is active: what came before is forgotten, and the hardware stays where it is.
    pub(crate) fn activate(&mut self) {
        (self.forward.active, self.forward.buffer) = (true, None);
        self.joints.iter_mut().for_each(|joint| joint.target = joint.position);
        self.judge.begin();
    }

    /// How many commands have come to its controller, where it has one.
    pub(crate) fn told(&self) -> Option<u64> {
        self.forward.heard.as_ref().map(|(_, heard)| heard.counts().received)
    }

    /// The controller is inactive: it hears, and heeds nothing.
    pub(crate) fn deactivate(&mut self) {
        (self.forward.active, self.forward.buffer) = (false, None);
    }

    /// The controller is unloaded: nobody hears commands.
    pub(crate) fn unload(&mut self) {
        self.deactivate();
        self.forward.heard = None;
    }

    /// Whether the controller is active.
    pub(crate) fn is_active(&self) -> bool {
        self.forward.active
    }

    /// Where the joints are that are commanded, in the order of the robot's file.
    pub(crate) fn at(&self) -> Vec<f64> {
        self.forward.joints.iter().map(|joint| self.joints[*joint].position).collect()
    }

    /// Puts the commanded joints somewhere, as a hand or another controller does.
    pub(crate) fn put(&mut self, at: &[f64]) {
        for (joint, at) in self.forward.joints.iter().zip(at) {
            let joint = &mut self.joints[*joint];
            (joint.position, joint.velocity, joint.target) = (*at, 0.0, *at);
        }
    }

    /// One cycle of the controller_manager: read, update, write; the broadcasters say what was read.
    pub(crate) fn cycle(&mut self, now: Stamp) -> anyhow::Result<()> {
        self.update(now)?;
        let (most, share) = (
            self.kit.speed * self.period.as_secs_f64(),
            1.0 - (-self.period.as_secs_f64() / self.kit.lag).exp(),
        );
        let moves = self.forward.active && !self.stopped;
        for joint in &mut self.joints {
            let way = if moves && joint.target.is_finite() { joint.target - joint.position } else { 0.0 };
            let step = (share * way).clamp(-most, most);
            joint.velocity = step / self.period.as_secs_f64();
            joint.position += step;
        }
        if self.tells {
            self.tell(now)?;
        }
        self.cameras.iter_mut().try_for_each(|camera| camera.turn(now))
    }

    /// What the broadcasters say.
    fn tell(&mut self, now: Stamp) -> anyhow::Result<()> {
        let of = |what: fn(&Joint) -> f64| self.joints.iter().map(what).collect::<Vec<f64>>();
        let effort = if self.kit.effort { 0.5 } else { f64::NAN };
        self.states.send(&JointState {
            header: header(now),
            name: self.joints.iter().map(|joint| joint.name.clone()).collect(),
            position: of(|joint| joint.position),
            velocity: of(|joint| joint.velocity),
            effort: vec![effort; self.joints.len()],
        })?;
        let wrench = WrenchStamped { header: header(now), ..WrenchStamped::default() };
        self.wrench.as_mut().map_or(Ok(()), |publisher| publisher.send(&wrench))?;
        Ok(())
    }

    /// The controller takes the newest command, and writes it to the command interfaces.
    fn update(&mut self, now: Stamp) -> anyhow::Result<()> {
        let at = self.at();
        let Some((inbox, _)) = &self.forward.heard else { return Ok(()) };
        while let Some(sample) = inbox.take() {
            let data = typed::read::<Float64MultiArray>(&sample)?.data;
            if self.forward.distro == Distro::Jazzy && data.iter().any(|value| !value.is_finite()) {
                self.errors.push("Non-finite value received. Dropping message".to_owned());
                continue;
            }
            if self.forward.active {
                self.judge.look(now, &data, &at);
            }
            self.forward.buffer = Some(data);
        }
        let Some(data) = self.forward.buffer.as_ref().filter(|_| self.forward.active) else { return Ok(()) };
        let (is, wanted) = (data.len(), self.forward.joints.len());
        if is != wanted {
            self.errors.push(format!("command size ({is}) does not match number of interfaces ({wanted})"));
            if self.forward.distro == Distro::Jazzy {
                // Its controller_manager deactivates a controller whose update fails; Humble's lets it try again.
                self.deactivate();
            }
            return Ok(());
        }
        self.taken += 1;
        for (joint, value) in self.forward.joints.iter().zip(data) {
            self.joints[*joint].target = *value;
        }
        Ok(())
    }
}
