//! A robot of two joints on a bus in this process, whose time the test owns, and a runner in a thread that drives it.
//!
//! The robot does at once what it is told. A step of the stage is a tick of control: time is told, the robot speaks, and the command
//! of that tick is waited for, so that nothing here depends on how fast the machine is.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use apprentice::arm::Chunk;
use apprentice::bus::local::{Hub, Local};
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{Bus as _, Inbox, Limit, Node, Subscription, ToldClock};
use apprentice::config::Settings;
use apprentice::data::{Layout, Observation};
use apprentice::msg::Message;
use apprentice::msg::geometry::PoseStamped;
use apprentice::msg::own::{Command, Intervention};
use apprentice::msg::sensor::{JointState, Joy};
use apprentice::msg::std::{
    Clock, Float64MultiArray, Header, SetBool, SetBoolRequest, Time, Trigger, TriggerRequest,
};
use apprentice::node::runner::{self, Load, Mind, Options, Pace, Report, Robot, Runner, Thought, Unthought};
use apprentice::node::{Context, Stop};
use apprentice::time::{Clock as _, Stamp};
use apprentice::wire::{Qos, Sample, Topic};

/// No condition takes longer on a machine that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What a tick takes at least where the runner does not wait for what it hears: ten times as fast as it would be.
const LEAST: Duration = Duration::from_millis(1);
/// The period of control.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Every fourth tick something is observed, and the object is seen.
pub(crate) const GRID: u64 = 4;
/// Where its commands go.
pub(crate) const COMMANDS: &str = "/arm/commands";

/// The robot.
pub(crate) const ROBOT: &str = "
robot: {name: two, joints: [a, b]}
observe:
  rate_hz: 25
  streams:
    joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear,
             max_age_ms: 50, rate_hz: 100}
    object: {topic: /object, type: geometry_msgs/msg/PoseStamped, align: newest, max_age_ms: 100, rate_hz: 25, time: header}
act:
  rate_hz: 100
  parts:
    arm: {joints: [a, b], from: {topic: expert/command, type: apprentice/msg/Command},
          to: {topic: /arm/commands, type: std_msgs/msg/Float64MultiArray}}
control:
  limits: {position: {a: [-2, 2], b: [-2, 2]}, speed: 2, acceleration: 20, jerk: 400, jump: 0.5}
  gate: {human: {button: 1}}
";

/// What the robot leaves out, or does otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Missing {
    pub(crate) joints: bool,
    pub(crate) object: bool,
}

/// A runner at work, its robot, and whoever stands beside them.
pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) robot: Local,
    pub(crate) clock: Arc<ToldClock>,
    pub(crate) stop: Stop,
    pub(crate) missing: Missing,
    /// Where the joints are.
    pub(crate) joints: [f64; 2],
    /// Everything that was said, as a recorder hears it.
    pub(crate) heard: Vec<Sample>,
    /// Commands of the robot's own type.
    pub(crate) obeyed: usize,
    pub(crate) said: Intervention,
    pub(crate) command: Command,
    ticks: u64,
    pace: Pace,
    inbox: Inbox,
    times: Publisher<Clock>,
    states: Publisher<JointState>,
    objects: Publisher<PoseStamped>,
    thread: Option<JoinHandle<Result<Report, runner::Error>>>,
    _heard: Vec<Subscription>,
}

/// The settings of the robot, with `extra` replacing a part of its file.
pub(crate) fn settings(extra: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let mut text = ROBOT.to_owned();
    for (from, to) in extra {
        ensure!(text.contains(from), "the robot's file reads otherwise now: {from}");
        text = text.replace(from, to);
    }
    Ok(Settings::parse(&text, "two.yaml")?)
}

/// The robot as a runner needs it.
pub(crate) fn robot(settings: &Settings) -> anyhow::Result<Robot> {
    let act = settings.act.as_ref().context("it is moved")?;
    let layout = Layout::resolve(&settings.robot, &settings.observe, act, None, &BTreeMap::new())?;
    let actions = &settings.data.actions;
    Ok(Robot::new(None, &settings.observe, act, &settings.control, actions, layout)?)
}

/// A policy of so many observations, with a chunk of sixteen actions.
pub(crate) fn mind(
    name: &str,
    mut think: impl FnMut(&[Observation]) -> Result<Chunk, Unthought> + Send + 'static,
) -> Mind {
    Mind {
        name: name.to_owned(),
        history: 2,
        lasts: Duration::from_millis(640),
        threshold: None,
        think: Box::new(move |seen, _promise| Ok(Thought { chunk: think(seen)?, doubt: None })),
    }
}

/// Sixteen actions that lead from where the joints are seen by `step` each.
pub(crate) fn onwards(seen: &[Observation], step: f64) -> Result<Chunk, Unthought> {
    let newest = seen.last().expect("a thought is of something");
    let joints = &newest.state[..2];
    let row = |number: i32| joints.iter().map(move |joint| f64::from(*joint) + step * f64::from(number));
    chunk(newest.stamp, (0..16).flat_map(row).collect())
}

/// A chunk of those numbers.
pub(crate) fn chunk(now: Stamp, values: Vec<f64>) -> Result<Chunk, Unthought> {
    let names: Arc<[String]> = ["a", "b"].map(str::to_owned).to_vec().into();
    Chunk::new(now, now, Duration::from_millis(40), names, values)
        .map_err(|why| Unthought::NoNumber(why.to_string()))
}

/// What loads a policy that was made by the test, whatever the path.
pub(crate) fn once(mind: Mind) -> Load {
    let mut mind = Some(mind);
    Box::new(move |_path| mind.take().ok_or_else(|| Unthought::Refused("there is no other".to_owned())))
}

fn header(stamp: Stamp) -> Header {
    let (sec, nanosec) = stamp.parts();
    Header { stamp: Time { sec, nanosec }, frame_id: String::new() }
}

impl Stage {
    /// Starts a runner for the robot of `settings`.
    pub(crate) fn start(settings: &Settings, load: Load, pace: Pace) -> anyhow::Result<Self> {
        Self::start_with(settings, load, pace, false)
    }

    /// The same; the policy may go on by itself as soon as it can, where it is `released`.
    pub(crate) fn start_with(
        settings: &Settings,
        load: Load,
        pace: Pace,
        released: bool,
    ) -> anyhow::Result<Self> {
        let clock = Arc::new(ToldClock::new(Stamp::from_parts(1000, 0)));
        let hub = Hub::new(clock.clone());
        let side = hub.join(Node::new("robot", "")?);
        let inbox = Inbox::new(Limit { samples: 100_000, bytes: 1 << 28 });
        let topics = [
            ("/joint_states", JointState::TYPE),
            ("/object", PoseStamped::TYPE),
            ("/expert/command", Command::TYPE),
            ("/command", Command::TYPE),
            ("/intervention", Intervention::TYPE),
            (COMMANDS, Float64MultiArray::TYPE),
        ];
        let listen =
            |(name, of): &(&str, &str)| side.subscribe(&Topic::new(*name, *of).with(Qos::sensor()), &inbox);
        let subscriptions = topics.iter().map(listen).collect::<Result<_, _>>()?;
        let stop = Stop::default();
        let context = Context::new(Arc::new(hub.join(Node::new("policy", "")?)), stop.clone());
        let options = Options { policy: "policy".into(), pace, released, ..Options::default() };
        let runner = Runner::open(&context, robot(settings)?, load, options)?;
        let thread = std::thread::spawn(move || runner.run());
        Ok(Self {
            times: Publisher::open(&side, "/clock", Qos::reliable(10))?,
            states: Publisher::open(&side, "/joint_states", Qos::reliable(10))?,
            objects: Publisher::open(&side, "/object", Qos::reliable(10))?,
            missing: Missing::default(),
            joints: [0.3, -0.2],
            heard: Vec::new(),
            obeyed: 0,
            said: Intervention::default(),
            command: Command::default(),
            ticks: 0,
            pace,
            thread: Some(thread),
            _heard: subscriptions,
            robot: side,
            clock,
            hub,
            inbox,
            stop,
        })
    }

    /// When it is.
    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// A tick: time goes on, the robot speaks, and does what it is told.
    pub(crate) fn step(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.speak()?;
        self.answered()?;
        if self.pace == Pace::Clock {
            self.listen_until(begun + LEAST)?;
        }
        Ok(())
    }

    /// So many ticks.
    pub(crate) fn steps(&mut self, ticks: u64) -> anyhow::Result<()> {
        (0..ticks).try_for_each(|_| self.step())
    }

    /// Time goes on, and the robot says where it is.
    pub(crate) fn speak(&mut self) -> anyhow::Result<()> {
        let now = self.now() + TICK;
        self.clock.tell(now);
        let (sec, nanosec) = now.parts();
        self.times.send(&Clock { clock: Time { sec, nanosec } })?;
        if !self.missing.joints {
            let name = ["b", "a"].map(str::to_owned).to_vec();
            let position = vec![self.joints[1], self.joints[0]];
            self.states.send(&JointState { header: header(now), name, position, ..JointState::default() })?;
        }
        if !self.missing.object && self.ticks.is_multiple_of(GRID) {
            let mut object = PoseStamped { header: header(now), ..PoseStamped::default() };
            object.pose.orientation.w = 1.0;
            object.pose.position.x = self.ticks as f64 * 1e-3;
            self.objects.send(&object)?;
        }
        self.ticks += 1;
        Ok(())
    }

    /// Waits for the command of this tick, and has the robot do it.
    pub(crate) fn answered(&mut self) -> anyhow::Result<()> {
        let (now, deadline) = (self.now(), Instant::now() + PATIENCE);
        while Instant::now() < deadline {
            let Some(sample) = self.inbox.wait(deadline) else { break };
            if self.take(sample)? == Some(now) {
                // What else is said of this tick is said before the command or at once after it.
                return Ok(());
            }
        }
        bail!("no command stamped {now}; the last was {:?}", self.command.header.stamp)
    }

    /// Takes what waits.
    pub(crate) fn listen(&mut self) -> anyhow::Result<()> {
        while let Some(sample) = self.inbox.take() {
            self.take(sample)?;
        }
        Ok(())
    }

    /// Hears what is said until then, so that told time does not run away from the thread that listens to it.
    fn listen_until(&mut self, moment: Instant) -> anyhow::Result<()> {
        while let Some(sample) = self.inbox.wait(moment) {
            self.take(sample)?;
        }
        Ok(())
    }

    /// The stamp, where it is a command.
    fn take(&mut self, sample: Sample) -> anyhow::Result<Option<Stamp>> {
        let mut of = None;
        match sample.topic.name.as_str() {
            "/command" => {
                self.command = typed::read(&sample)?;
                let Time { sec, nanosec } = self.command.header.stamp;
                of = Some(Stamp::from_parts(sec, nanosec));
            }
            "/intervention" => self.said = typed::read(&sample)?,
            COMMANDS => {
                let told: Float64MultiArray = typed::read(&sample)?;
                self.joints = told.data.try_into().map_err(|told| anyhow::anyhow!("{told:?}"))?;
                self.obeyed += 1;
            }
            _ => {}
        }
        self.heard.push(sample);
        Ok(of)
    }

    /// Steps until what is said of who drives fulfils `condition`; how many ticks that took.
    pub(crate) fn until(
        &mut self,
        most: u64,
        condition: impl Fn(&Intervention) -> bool,
    ) -> anyhow::Result<u64> {
        for tick in 1..=most {
            self.step()?;
            // Who drives is said behind the command of the same tick.
            self.listen()?;
            if condition(&self.said) {
                return Ok(tick);
            }
        }
        bail!("not within {most} ticks: {:?}", self.said)
    }

    /// The operator lets the policy go on, and it drives.
    pub(crate) fn release(&mut self) -> anyhow::Result<()> {
        // What is seen has to be thought about first.
        self.steps(3 * GRID)?;
        let asked = self.ask("~/resume");
        // Whoever asks is a thread that a busy machine may not wake for many ticks.
        while !asked.is_finished() {
            self.step()?;
        }
        self.until(200, |said| said.driver == Intervention::POLICY)?;
        ensure!(asked.join().is_ok_and(|answer| answer.is_ok()), "nobody answered");
        Ok(())
    }

    /// Calls a service of the runner's while the stage goes on; whether it was granted, and the answer.
    pub(crate) fn ask(&self, name: &str) -> JoinHandle<anyhow::Result<(bool, String)>> {
        let (side, name) = (self.robot.clone(), name.replace('~', "/policy"));
        std::thread::spawn(move || {
            let answer = typed::call_typed::<Trigger>(&side, &name, &TriggerRequest {}, PATIENCE)?;
            Ok((answer.success, answer.message))
        })
    }

    /// Calls `~/take` while the stage goes on.
    pub(crate) fn ask_to_take(&self, takes: bool) -> JoinHandle<anyhow::Result<(bool, String)>> {
        let side = self.robot.clone();
        std::thread::spawn(move || {
            let request = SetBoolRequest { data: takes };
            let answer = typed::call_typed::<SetBool>(&side, "/policy/take", &request, PATIENCE)?;
            Ok((answer.success, answer.message))
        })
    }

    /// The sending end of a person's commands.
    pub(crate) fn expert(&self) -> anyhow::Result<Publisher<Command>> {
        Ok(Publisher::open(&self.robot, "/expert/command", Qos::reliable(1))?)
    }

    /// The sending end of a person's buttons.
    pub(crate) fn joy(&self) -> anyhow::Result<Publisher<Joy>> {
        Ok(Publisher::open(&self.robot, "/joy", Qos::reliable(1))?)
    }

    /// Ends the runner, and gives how it went.
    pub(crate) fn end(mut self) -> anyhow::Result<Report> {
        self.stop.wish();
        self.report()
    }

    /// Waits for a runner that ends, whose robot goes on speaking meanwhile.
    pub(crate) fn report(&mut self) -> anyhow::Result<Report> {
        let thread = self.thread.take().context("it is joined once")?;
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < deadline {
            self.speak()?;
            self.listen_until(Instant::now() + LEAST)?;
        }
        match thread.join() {
            Ok(report) => Ok(report?),
            Err(_) => bail!("the runner's thread panicked"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.wish();
    }
}

/// What a person wants.
pub(crate) fn wanted(values: [f64; 2]) -> Command {
    Command {
        names: ["a", "b"].map(str::to_owned).to_vec(),
        values: values.to_vec(),
        driver: Intervention::HUMAN,
        ..Command::default()
    }
}

/// The dead-man button, held or not.
pub(crate) fn button(held: bool) -> Joy {
    Joy { buttons: vec![0, i32::from(held)], ..Joy::default() }
}
