//! A runner in lockstep beside an arm under ros2_control, on a bus in this process whose time the test owns.
//!
//! A step is a tick of control: the controller_manager goes through as many cycles as lie in it, and the command of the tick is waited
//! for, so that nothing depends on how fast the machine is.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
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
use apprentice::msg::own::{Command, Intervention};
use apprentice::msg::std::{Clock, Time, Trigger, TriggerRequest};
use apprentice::node::runner::{self, Load, Mind, Options, Pace, Report, Robot, Runner, Thought, Unthought};
use apprentice::node::{Context, Stop};
use apprentice::time::{Clock as _, Stamp};
use apprentice::wire::{Qos, Topic};

use crate::controllers::{Arm, Kit};

/// No condition takes longer on a machine that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a robot's command may be under way after everybody else has it.
const SOON: Duration = Duration::from_secs(1);

/// The settings of a robot's file as it is shipped, with `sets` on top.
pub(crate) fn settings(file: &str, sets: &[&str]) -> anyhow::Result<Settings> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file);
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Ok(Settings::load(&[file], &sets)?)
}

/// What a planner means.
#[derive(Debug, Default)]
struct Meant {
    there: Vec<f64>,
    /// It goes on from what it planned, whether or not the arm came along.
    ahead: bool,
    /// Where it means the arm to be by now.
    at: Vec<f64>,
    /// The state that it saw last.
    seen: Vec<f32>,
}

/// Where a planner wants the arm to be, and what it saw last; clones are the same wish.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish(Arc<Mutex<Meant>>);

impl Wish {
    fn meant(&self) -> MutexGuard<'_, Meant> {
        self.0.lock().expect("nobody panicked")
    }

    /// From now on it wants the joints there.
    pub(crate) fn there(&self, at: &[f64]) {
        self.meant().there = at.to_vec();
    }

    /// From now on it goes on from what it planned, and not from what it sees, or the other way round.
    pub(crate) fn ahead(&self, ahead: bool) {
        self.meant().ahead = ahead;
    }

    /// The state that was seen last.
    pub(crate) fn seen(&self) -> Vec<f32> {
        self.meant().seen.clone()
    }

    /// A policy that leads there from where the joints are, by an eighth of the way that is left and by `stride` at the most an
    /// action; thirty actions a second. A `stride` of which nobody is capable is the whole way at once.
    fn mind(&self, joints: &[String], stride: f64) -> Mind {
        let (wish, names): (_, Arc<[String]>) = (self.clone(), joints.to_vec().into());
        let think = move |seen: &[Observation]| {
            let newest = seen.last().expect("a thought is of something");
            let mut meant = wish.meant();
            let sees: Vec<f64> = newest.state.iter().take(names.len()).map(|at| f64::from(*at)).collect();
            let from = if meant.ahead && !meant.at.is_empty() { meant.at.clone() } else { sees };
            let (share, mut at, mut rows) = (if stride > 1.0 { 1.0 } else { 0.125 }, from, Vec::new());
            for step in 0..16 {
                // Half of a chunk later it thinks again.
                if step == 8 {
                    meant.at.clone_from(&at);
                }
                rows.extend_from_slice(&at);
                for (at, goal) in at.iter_mut().zip(&meant.there) {
                    *at += (share * (goal - *at)).clamp(-stride, stride);
                }
            }
            meant.seen.clone_from(&newest.state);
            let period = Duration::from_nanos(33_333_333);
            Chunk::new(newest.stamp, newest.stamp, period, Arc::clone(&names), rows)
                .map_err(|why| Unthought::NoNumber(why.to_string()))
        };
        Mind {
            name: "made up".to_owned(),
            history: 2,
            lasts: Duration::from_millis(533),
            threshold: None,
            think: Box::new(move |seen, _| Ok(Thought { chunk: think(seen)?, doubt: None })),
        }
    }
}

/// A runner at work, and its robot.
pub(crate) struct Stage {
    pub(crate) arm: Arm,
    pub(crate) wish: Wish,
    pub(crate) side: Local,
    /// What was heard last.
    pub(crate) said: Intervention,
    pub(crate) command: Command,
    clock: Arc<ToldClock>,
    /// The period of control.
    tick: Duration,
    times: Publisher<Clock>,
    inbox: Inbox,
    /// Whether the robot was told something at the last tick.
    told: bool,
    stop: Stop,
    thread: Option<JoinHandle<Result<Report, runner::Error>>>,
    _heard: Vec<Subscription>,
}

impl Stage {
    /// The arm of that file at `at`, and a runner that is held until it is released; the policy wants it to stay.
    pub(crate) fn start(settings: &Settings, kit: Kit, at: &[f64], stride: f64) -> anyhow::Result<Self> {
        let clock = Arc::new(ToldClock::new(Stamp::from_parts(1000, 0)));
        let hub = Hub::new(clock.clone());
        let side = hub.join(Node::new("robot", "")?);
        let mut arm = Arm::new(&side, settings, kit)?;
        arm.put(at);
        let inbox = Inbox::new(Limit { samples: 100_000, bytes: 1 << 26 });
        let topics = [("/command", Command::TYPE), ("/intervention", Intervention::TYPE)];
        let listen = |(name, of)| side.subscribe(&Topic::new(name, of).with(Qos::sensor()), &inbox);
        let heard = topics.into_iter().map(listen).collect::<Result<_, _>>()?;
        let act = settings.act.as_ref().context("it is moved")?;
        let layout = Layout::resolve(&settings.robot, &settings.observe, act, None, &BTreeMap::new())?;
        let actions = &settings.data.actions;
        let robot = Robot::new(None, &settings.observe, act, &settings.control, actions, layout)?;
        let wish = Wish::default();
        wish.there(at);
        let mut mind = Some(wish.mind(&robot.joints, stride));
        let load: Load = Box::new(move |_| mind.take().ok_or_else(|| Unthought::Refused("no other".into())));
        let stop = Stop::default();
        let context = Context::new(Arc::new(hub.join(Node::new("policy", "")?)), stop.clone());
        let options = Options { policy: "policy".into(), pace: Pace::Lockstep, ..Options::default() };
        let (tick, runner) = (robot.period(), Runner::open(&context, robot, load, options)?);
        Ok(Self {
            times: Publisher::open(&side, "/clock", Qos::reliable(10))?,
            thread: Some(std::thread::spawn(move || runner.run())),
            said: Intervention::default(),
            command: Command::default(),
            _heard: heard,
            arm,
            wish,
            side,
            clock,
            tick,
            inbox,
            told: false,
            stop,
        })
    }

    /// When it is.
    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// A tick of control.
    pub(crate) fn step(&mut self) -> anyhow::Result<()> {
        let before = self.arm.told();
        self.speak()?;
        let (now, deadline) = (self.now(), Instant::now() + PATIENCE);
        while let Some(sample) = self.inbox.wait(deadline) {
            if self.take(&sample)? == Some(now) {
                self.follow(before);
                return Ok(());
            }
        }
        bail!("no command stamped {now}: {:?}", self.said)
    }

    /// Lets the robot's command come too, which another thread brings. Time here is as fast as the machine: were it to run ahead of that
    /// thread, it would leave out as too old what on a robot it has milliseconds for.
    fn follow(&mut self, before: Option<u64>) {
        let expected = before.is_some() && (self.told || self.command.driver != Intervention::HOLD);
        let soon = Instant::now() + if expected { SOON } else { Duration::ZERO };
        while self.arm.told() == before && Instant::now() < soon {
            std::thread::yield_now();
        }
        self.told = self.arm.told() > before;
    }

    /// So many ticks.
    pub(crate) fn steps(&mut self, ticks: u32) -> anyhow::Result<()> {
        (0..ticks).try_for_each(|_| self.step())
    }

    /// Ticks until `condition` holds, at the most so many.
    pub(crate) fn until(
        &mut self,
        what: &str,
        most: u32,
        condition: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<u32> {
        for tick in 0..most {
            if condition(self) {
                return Ok(tick);
            }
            self.step()?;
            self.listen()?;
        }
        bail!("not within {most} ticks: {what}; {:?}, at {:?}", self.said, self.arm.at())
    }

    /// The arm is held, for a reason with those words in it.
    pub(crate) fn until_held(&mut self, most: u32, words: &str) -> anyhow::Result<u32> {
        self.until(words, most, |stage| {
            stage.said.driver == Intervention::HOLD && stage.said.reason.contains(words)
        })
    }

    /// The operator lets the policy go on, and it drives.
    pub(crate) fn release(&mut self) -> anyhow::Result<()> {
        // What is seen has to be thought about first.
        self.steps(20)?;
        let asked = self.ask("resume");
        while !asked.is_finished() {
            self.step()?;
        }
        let (granted, words) = asked.join().expect("it does not panic")?;
        ensure!(granted, "it is not let go on: {words}");
        self.until("the policy drives", 200, |stage| stage.said.driver == Intervention::POLICY)?;
        Ok(())
    }

    /// Asks for it, while the stage goes on: whether it was granted, and the answer.
    pub(crate) fn ask(&self, what: &str) -> JoinHandle<anyhow::Result<(bool, String)>> {
        let (side, service) = (self.side.clone(), format!("/policy/{what}"));
        std::thread::spawn(move || {
            let answer = typed::call_typed::<Trigger>(&side, &service, &TriggerRequest {}, PATIENCE)?;
            Ok((answer.success, answer.message))
        })
    }

    /// How far the furthest joint is from there.
    pub(crate) fn off(&self, there: &[f64]) -> f64 {
        self.arm.at().iter().zip(there).map(|(is, there)| (is - there).abs()).fold(0.0, f64::max)
    }

    /// Ends the runner; no command was against the robot's file.
    pub(crate) fn end(mut self) -> anyhow::Result<Report> {
        self.stop.wish();
        let thread = self.thread.take().context("it is joined once")?;
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < deadline {
            self.speak()?;
            let tick = Instant::now() + Duration::from_millis(1);
            while let Some(sample) = self.inbox.wait(tick) {
                self.take(&sample)?;
            }
        }
        ensure!(self.arm.judge.wrong.is_empty(), "{:#?}", self.arm.judge.wrong);
        Ok(thread.join().expect("it does not panic")?)
    }

    /// Time goes on by a tick, and the robot says what it says meanwhile.
    fn speak(&mut self) -> anyhow::Result<()> {
        let (period, end) = (self.arm.period.min(self.tick), self.now() + self.tick);
        while self.now() < end {
            let now = self.now() + period;
            self.clock.tell(now);
            if now >= end {
                let (sec, nanosec) = now.parts();
                self.times.send(&Clock { clock: Time { sec, nanosec } })?;
            }
            self.arm.cycle(now)?;
        }
        Ok(())
    }

    fn listen(&mut self) -> anyhow::Result<()> {
        while let Some(sample) = self.inbox.take() {
            self.take(&sample)?;
        }
        Ok(())
    }

    /// The stamp, where it is a command.
    fn take(&mut self, sample: &apprentice::wire::Sample) -> anyhow::Result<Option<Stamp>> {
        if sample.topic.name == "/intervention" {
            self.said = typed::read(sample)?;
            return Ok(None);
        }
        self.command = typed::read(sample)?;
        let Time { sec, nanosec } = self.command.header.stamp;
        Ok(Some(Stamp::from_parts(sec, nanosec)))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.wish();
    }
}
