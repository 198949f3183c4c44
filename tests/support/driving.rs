//! Teleoperation on a bus in this process, one turn at a time, with a robot that does what it is told.
//!
//! The test owns the clock and turns the node itself, so that every command can be counted and nothing is waited for.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apprentice::arm::Chain;
use apprentice::bus::local::{Hub, Local};
use apprentice::bus::typed::{Publisher, read};
use apprentice::bus::{Bus, Inbox, Limit, Node, Subscription, ToldClock};
use apprentice::config::Settings;
use apprentice::msg::Message;
use apprentice::msg::own::Command;
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::node::diagnostics::header;
use apprentice::node::teleop::{Device, Report, Robot, Teleop};
use apprentice::node::{Context, Stop};
use apprentice::time::{Clock, Stamp};
use apprentice::wire::{Qos, Topic};

/// The buttons of the default gamepad that the tests press.
pub(crate) const DEAD_MAN: usize = 4;
pub(crate) const TURBO: usize = 5;
pub(crate) const MODE: usize = 3;
pub(crate) const OPEN: usize = 1;
pub(crate) const CLOSE: usize = 0;

/// Where the robot is at first: over the table, the gripper down and closed.
pub(crate) const START: [f64; 7] = [0.0, 0.62, 0.18, 0.77, 0.0, 0.0, 0.0];

/// The settings of the simulated arm with `sets` on top.
pub(crate) fn settings(sets: &[&str]) -> Settings {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Settings::load(&[file], &sets).unwrap_or_else(|error| panic!("{error}"))
}

/// The robot of those settings.
pub(crate) fn robot(settings: &Settings) -> anyhow::Result<Robot> {
    let (description, limits) = (settings.description()?, settings.control.limits.as_ref());
    let (act, joints) = (settings.act.as_ref().expect("it is commanded"), &settings.robot.joints);
    Ok(Robot::new(description.as_ref(), limits, joints, &settings.observe, act, &settings.teleop)?)
}

/// A robot, a device and teleoperation between them.
pub(crate) struct Stage {
    pub(crate) clock: Arc<ToldClock>,
    pub(crate) teleop: Teleop,
    pub(crate) chain: Chain,
    /// Where the robot's joints are.
    pub(crate) at: Vec<f64>,
    /// Whether the robot tells where it is.
    pub(crate) tells: bool,
    /// Whether it does what it is told.
    pub(crate) obeys: bool,
    pub(crate) names: Vec<String>,
    robot: Local,
    states: Publisher<JointState>,
    leader: Publisher<JointState>,
    joy: Publisher<Joy>,
    inbox: Inbox,
    _commands: Subscription,
}

impl Stage {
    /// Teleoperation with that device, opened on an empty bus at second 1000.
    pub(crate) fn new(device: Device, sets: &[&str]) -> anyhow::Result<Self> {
        Self::of(&settings(sets), device)
    }

    /// The same with those settings.
    pub(crate) fn of(settings: &Settings, device: Device) -> anyhow::Result<Self> {
        let clock = Arc::new(ToldClock::new(Stamp(1_000_000_000_000)));
        let hub = Hub::new(clock.clone());
        let end = hub.join(Node::new("robot", "")?);
        let inbox = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
        let commands =
            end.subscribe(&Topic::new("/expert/command", Command::TYPE).with(Qos::reliable(1)), &inbox)?;
        let context = Context::new(Arc::new(hub.join(Node::new("teleop", "")?)), Stop::default());
        let robot = robot(settings)?;
        let chain = robot.arm.as_ref().map(|arm| arm.chain.clone()).expect("the file names the arm");
        let names = robot.joints.iter().map(|joint| joint.name.clone()).collect();
        let act = settings.act.as_ref().expect("it is commanded");
        Ok(Self {
            teleop: Teleop::open(&context, robot, act, settings.teleop.clone(), device, false)?,
            states: Publisher::open(&end, "/joint_states", Qos::reliable(10))?,
            leader: Publisher::open(&end, "/leader/joint_states", Qos::sensor())?,
            joy: Publisher::open(&end, "/joy", Qos::reliable(10))?,
            at: START.to_vec(),
            tells: true,
            obeys: true,
            robot: end,
            clock,
            chain,
            names,
            inbox,
            _commands: commands,
        })
    }

    /// A hundredth of a second: the robot tells where it is, teleoperation turns, the robot does what it is told.
    pub(crate) fn tick(&mut self) -> anyhow::Result<Option<Command>> {
        self.tick_of(Duration::from_millis(10))
    }

    /// The same for another length of time.
    pub(crate) fn tick_of(&mut self, length: Duration) -> anyhow::Result<Option<Command>> {
        self.clock.tell(self.clock.now() + length);
        if self.tells {
            self.tell(self.at.clone())?;
        }
        self.teleop.turn()?;
        let command = self.inbox.take().map(|sample| read::<Command>(&sample)).transpose()?;
        anyhow::ensure!(self.inbox.take().is_none(), "two commands in one tick");
        if let Some(command) = command.as_ref().filter(|_| self.obeys) {
            self.at.clone_from(&command.values);
        }
        Ok(command)
    }

    /// So many ticks, with `before` done before each: the commands.
    pub(crate) fn ticks(
        &mut self,
        count: usize,
        mut before: impl FnMut(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Command>> {
        let mut commands = Vec::new();
        for _ in 0..count {
            before(self)?;
            commands.extend(self.tick()?);
        }
        Ok(commands)
    }

    /// The robot's joint states.
    pub(crate) fn tell(&mut self, position: Vec<f64>) -> anyhow::Result<()> {
        let state = self.state(position);
        Ok(self.states.send(&state)?)
    }

    fn state(&self, position: Vec<f64>) -> JointState {
        let header = header(self.clock.now());
        JointState { header, name: self.names.clone(), position, velocity: Vec::new(), effort: Vec::new() }
    }

    /// A message of the leader's.
    pub(crate) fn lead(&mut self, position: &[f64]) -> anyhow::Result<()> {
        let state = self.state(position.to_vec());
        Ok(self.leader.send(&state)?)
    }

    /// A message of the gamepad's with those axes deflected and those buttons pressed.
    pub(crate) fn stick(&mut self, axes: &[(usize, f32)], buttons: &[usize]) -> anyhow::Result<()> {
        let mut joy = Joy { header: header(self.clock.now()), axes: vec![0.0; 8], buttons: vec![0; 11] };
        axes.iter().for_each(|(axis, value)| joy.axes[*axis] = *value);
        buttons.iter().for_each(|button| joy.buttons[*button] = 1);
        Ok(self.joy.send(&joy)?)
    }

    /// Holds the gamepad like that for so many ticks: the commands.
    pub(crate) fn hold(
        &mut self,
        count: usize,
        axes: &[(usize, f32)],
        buttons: &[usize],
    ) -> anyhow::Result<Vec<Command>> {
        self.ticks(count, |stage| stage.stick(axes, buttons))
    }

    /// Where the tip of `joints` is.
    pub(crate) fn tip(&self, joints: &[f64]) -> [f64; 3] {
        self.chain.pose(joints).translation.vector.into()
    }

    /// How teleoperation is.
    pub(crate) fn report(&self) -> Report {
        self.teleop.report()
    }
}

/// The greatest step of any joint from one command to the next, as a share of what its speed allows in a tick.
pub(crate) fn fastest(commands: &[Command]) -> f64 {
    let speeds = [2.0, 2.0, 2.5, 3.0, 3.0, 3.0, 0.15];
    let steps = commands.windows(2).flat_map(|pair| {
        let moved = pair[1].values.iter().zip(&pair[0].values).zip(speeds);
        moved.map(|((after, before), speed)| (after - before).abs() / (speed * 0.01)).collect::<Vec<_>>()
    });
    steps.fold(0.0, f64::max)
}
