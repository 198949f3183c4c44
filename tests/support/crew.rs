//! The built binary's processes at work together on one domain of DDS, and a test that listens, calls and kills.
//!
//! A policy is trained once for all of them, so little that it is never still: what is asked of a crew is who moves the arm when one
//! of them is gone, and not where it goes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::ensure;
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{self, Bus, Inbox, Kind, Limit, Subscription};
use apprentice::config::Settings;
use apprentice::msg::Message as _;
use apprentice::msg::own::{Command, Intervention, Recording};
use apprentice::msg::sensor::JointState;
use apprentice::msg::std::{Float64MultiArray, SetBool, SetBoolRequest, Time, Trigger, TriggerRequest};
use apprentice::node::simulator::{Options, Pace};
use apprentice::time::Stamp;
use apprentice::wire::Qos;

use crate::running::Running;
use crate::simulating::options;
use crate::training::Setup;
use crate::{collecting, patience};

/// The robot's file.
pub(crate) const ROBOT: &str = "config/reach.yaml";
/// A small machine that does something else beside.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A run that learned a little of reaching, with settings on top of the robot's file.
pub(crate) fn learned(out: &Path, sets: &[&str]) -> anyhow::Result<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(ROBOT);
    let small = ["policy.width=32", "train.steps=20", "train.threads=1"];
    let sets: Vec<String> = small.iter().chain(sets).map(|set| (*set).to_owned()).collect();
    let settings = Settings::load(&[file], &sets)?;
    let reach = options("reach", Pace::Fast, Float64MultiArray::TYPE)?;
    let wanted = Options { seed: 500, episodes: Some(4), ..reach };
    let bags = collecting::collect(wanted, &settings, &out.join("bags"))?;
    let run = out.join("run");
    Setup::with(settings, &bags, &out.join("cache")).train(&run, false)?;
    Ok(run)
}

/// So old may what is seen, told or wished be here, in milliseconds: machines that test are busy.
pub(crate) const AGE_MS: u64 = 1000;
/// How much later than it should a robot may be found held on such a machine.
pub(crate) const LATE: Duration = Duration::from_millis(1000);

/// A leader arm that somebody holds: it says where it is, at its rate, from when on it is somewhere.
struct Leader {
    at: Arc<Mutex<Option<JointState>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Leader {
    fn start(mut publisher: Publisher<JointState>) -> Self {
        let (at, ends) = (Arc::<Mutex<Option<JointState>>>::default(), Arc::<AtomicBool>::default());
        let (is, over) = (Arc::clone(&at), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            while !over.load(Relaxed) {
                due += Duration::from_millis(10);
                patience::due_at(due);
                let at = is.lock().expect("nobody panicked").clone();
                at.map_or(Ok(()), |at| publisher.send(&at)).expect("the bus takes it");
            }
        });
        Self { at, ends, thread: Some(thread) }
    }

    fn at(&self, state: &JointState, off: f64) {
        let mut state = state.clone();
        state.position[0] += off;
        *self.at.lock().expect("nobody panicked") = Some(state);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
        self.thread.take().map_or(Ok(()), JoinHandle::join).unwrap_or_default();
    }
}

/// The crew of one arm: the processes that the test starts, and its own end of the bus.
pub(crate) struct Crew {
    pub(crate) domain: String,
    /// The node that drives the arm.
    pub(crate) gate: &'static str,
    pub(crate) bus: Arc<dyn Bus>,
    /// What was heard last.
    pub(crate) said: Intervention,
    pub(crate) command: Command,
    pub(crate) state: JointState,
    pub(crate) recording: Recording,
    /// How many commands and states were heard.
    pub(crate) commands: u64,
    pub(crate) states: u64,
    pub(crate) experts: u64,
    leader: Leader,
    /// How far off the leader is that goes along with the robot.
    mirror: Option<f64>,
    inbox: Inbox,
    _heard: Vec<Subscription>,
}

impl Crew {
    /// Nobody but the test yet.
    pub(crate) fn new(domain: u16) -> anyhow::Result<Self> {
        let node = "beside".to_owned();
        let bus =
            bus::open(&bus::Options { kind: Kind::Dds, node, domain: Some(domain), ..Default::default() })?;
        let inbox = Inbox::new(Limit { samples: 10_000, bytes: 1 << 24 });
        let heard = vec![
            typed::subscribe::<Command>(&*bus, "/command", Qos::sensor(), &inbox)?,
            typed::subscribe::<Command>(&*bus, "/expert/command", Qos::sensor(), &inbox)?,
            typed::subscribe::<Intervention>(&*bus, "/intervention", Qos::latched(1), &inbox)?,
            typed::subscribe::<JointState>(&*bus, "/joint_states", Qos::sensor(), &inbox)?,
            typed::subscribe::<Recording>(&*bus, "/recorder/status", Qos::latched(1), &inbox)?,
        ];
        Ok(Self {
            domain: domain.to_string(),
            gate: "policy",
            leader: Leader::start(Publisher::open(&*bus, "/leader/joint_states", Qos::sensor())?),
            said: Intervention::default(),
            command: Command::default(),
            state: JointState::default(),
            recording: Recording::default(),
            commands: 0,
            states: 0,
            experts: 0,
            mirror: None,
            _heard: heard,
            inbox,
            bus,
        })
    }

    /// Starts a process on the crew's domain, with the robot's file and whatever it is asked besides.
    pub(crate) fn start(&self, words: &[&str], paths: &[&Path]) -> anyhow::Result<Running> {
        let age = |key: &str| format!("{key}={AGE_MS}");
        let mut sets =
            ["joints", "target"].map(|stream| age(&format!("observe.streams.{stream}.max_age_ms"))).to_vec();
        // The world's time begins anew with its process, the wall's does not.
        sets.extend(["joints", "target"].map(|stream| format!("observe.streams.{stream}.time=receive")));
        sets.extend(["joints_ms", "expert_ms"].map(|key| age(&format!("control.watchdog.{key}"))));
        // So slow that a motion lasts for as long as a test takes to end it.
        sets.push("control.limits.speed=0.2".to_owned());
        sets.push(age("teleop.quiet_ms"));
        sets.push("teleop.leader.topic=/leader/joint_states".to_owned());
        let mut all = vec![words[0]];
        if words[0] == "teleop" {
            all.push(words[1]);
        }
        let rest = &words[all.len()..];
        all.extend(["--bus", "dds", "--domain", &self.domain]);
        if words[0] != "record" {
            all.extend(["--config", ROBOT]);
            sets.iter().for_each(|set| all.extend(["--set", set]));
        }
        all.extend(rest);
        Running::start(all, paths)
    }

    /// The simulated arm.
    pub(crate) fn robot(&self) -> anyhow::Result<Running> {
        self.start(&["sim", "--world", "reach", "--rate", "real", "--cameras", "none"], &[])
    }

    /// The policy of that run, held until somebody lets it go on.
    pub(crate) fn policy(&self, run: &Path) -> anyhow::Result<Running> {
        self.start(&["run", "--no-keys", "--policy"], &[run])
    }

    /// Teleoperation by the leader arm, which the test moves.
    pub(crate) fn teleop(&self) -> anyhow::Result<Running> {
        self.start(&["teleop", "leader"], &[])
    }

    /// A recorder of what the arm is told and does.
    pub(crate) fn recorder(&self, out: &Path) -> anyhow::Result<Running> {
        let topics = [
            "--topic",
            "/joint_states:sensor_msgs/msg/JointState",
            "--topic",
            "/command:apprentice/msg/Command",
        ];
        let mut words = vec!["record", "--no-keys"];
        words.extend(topics);
        words.push("--out");
        self.start(&words, &[out])
    }

    /// The leader arm is where the robot is, but for its first joint, which is so far off.
    pub(crate) fn lead(&mut self, off: f64) {
        self.mirror = None;
        self.leader.at(&self.state, off);
    }

    /// The same, and it goes along with the robot.
    pub(crate) fn mirror(&mut self, off: f64) {
        self.lead(off);
        self.mirror = Some(off);
    }

    /// It goes along no longer.
    pub(crate) fn stand(&mut self) {
        self.mirror = None;
    }

    /// Where its first joint is.
    pub(crate) fn led(&self) -> f64 {
        let at = self.leader.at.lock().expect("nobody panicked");
        at.as_ref().map_or(f64::NAN, |at| at.position[0])
    }

    /// Waits until a person's commands come of it, and for those of one whose process is gone to be too old.
    pub(crate) fn until_led(&mut self) -> anyhow::Result<()> {
        self.experts = 0;
        self.until("the leader leads", |crew| crew.experts > 50)
    }

    /// Hears what is said.
    fn turn(&mut self) -> anyhow::Result<()> {
        if let Some(sample) = self.inbox.wait(Instant::now() + Duration::from_millis(5)) {
            match sample.topic.name.as_str() {
                "/command" => (self.command, self.commands) = (typed::read(&sample)?, self.commands + 1),
                "/expert/command" => self.experts += 1,
                "/intervention" => self.said = typed::read(&sample)?,
                "/joint_states" => {
                    (self.state, self.states) = (typed::read(&sample)?, self.states + 1);
                    self.mirror.into_iter().for_each(|off| self.leader.at(&self.state, off));
                }
                _ => self.recording = typed::read(&sample)?,
            }
        }
        Ok(())
    }

    /// Goes on until `condition` holds.
    pub(crate) fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            ensure!(
                Instant::now() < deadline,
                "waited in vain: {what}; {:?}, {} commands",
                self.said,
                self.commands
            );
            self.turn()?;
        }
        Ok(())
    }

    /// Hears so many more commands, of which each keeps the `rule` with the one before.
    pub(crate) fn commands(
        &mut self,
        count: u64,
        what: &str,
        rule: impl Fn(&Command, &Command) -> bool,
    ) -> anyhow::Result<()> {
        for _ in 0..count {
            let (before, heard) = (self.command.clone(), self.commands);
            self.until("a command", |crew| crew.commands > heard)?;
            ensure!(
                rule(&before, &self.command),
                "{what}: {before:?}, then {:?}; {:?}",
                self.command,
                self.said
            );
        }
        Ok(())
    }

    /// The operator lets the policy go on, and the arm moves. Nothing is released that was not held for him to see.
    pub(crate) fn release(&mut self) -> anyhow::Result<()> {
        self.until("it is held", |crew| crew.commands > 0 && crew.said.driver == Intervention::HOLD)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Until there is something to go on with: a policy has to see before it can plan.
            let resume = format!("/{}/resume", self.gate);
            let answer = typed::call_typed::<Trigger>(&*self.bus, &resume, &TriggerRequest {}, PATIENCE)?;
            if answer.success {
                break;
            }
            ensure!(Instant::now() < deadline, "it is not let go on: {}", answer.message);
        }
        self.until("the policy drives", |crew| crew.command.driver == Intervention::POLICY)?;
        self.moving()
    }

    /// A person takes over, or gives back.
    pub(crate) fn take(&mut self, takes: bool) -> anyhow::Result<()> {
        let request = SetBoolRequest { data: takes };
        let take = format!("/{}/take", self.gate);
        let answer = typed::call_typed::<SetBool>(&*self.bus, &take, &request, PATIENCE)?;
        ensure!(answer.success, "take {takes}: {}", answer.message);
        let driver = if takes { Intervention::HUMAN } else { Intervention::POLICY };
        self.until("the other drives", |crew| crew.command.driver == driver)
    }

    /// Waits until the arm is on its way.
    pub(crate) fn moving(&mut self) -> anyhow::Result<()> {
        let values = self.command.values.clone();
        self.until("the arm moves", |crew| {
            let mut ways = crew.command.values.iter().zip(&values);
            ways.any(|(now, before)| (now - before).abs() > 0.01)
        })
    }

    /// The arm is held within `bound` after `since`, comes to rest and stays there, told so at every tick.
    pub(crate) fn is_held(&mut self, since: Stamp, bound: Duration, words: &str) -> anyhow::Result<()> {
        self.until("it is held", |crew| crew.said.driver == Intervention::HOLD)?;
        let Time { sec, nanosec } = self.said.header.stamp;
        let late = Stamp::from_parts(sec, nanosec).since(since);
        ensure!(late <= bound + LATE, "held after {late:?}, over the bound of {bound:?}: {:?}", self.said);
        ensure!(self.said.reason.contains(words), "{words:?}: {:?}", self.said);
        println!("held {late:?} after the fault, of {bound:?}: {}", self.said.reason);
        self.until("commands of the hold", |crew| crew.command.driver == Intervention::HOLD)?;
        // At 0.2 rad/s it stands after less than a tenth of a second.
        self.commands(50, "it is held", |_, now| now.driver == Intervention::HOLD)?;
        self.stays(100)
    }

    /// For so many commands the arm is held where it is.
    pub(crate) fn stays(&mut self, commands: u64) -> anyhow::Result<()> {
        let rule =
            |before: &Command, now: &Command| now.driver == Intervention::HOLD && before.values == now.values;
        self.commands(commands, "it goes on by itself", rule)
    }

    /// The arm is told again where it is, so many times.
    pub(crate) fn hears(&mut self, states: u64) -> anyhow::Result<()> {
        let heard = self.states;
        self.until("the arm speaks", |crew| crew.states >= heard + states)
    }
}
