//! `apprentice run`: a policy, and whoever corrects it, drive a robot.
//!
//! Everything that can be wrong is found here, before a topic is opened: the robot's file, its limits, libtorch, the policy.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::nn::device;
use apprentice::node::runner::{Options, Pace, Robot, Runner, policy};
use apprentice::node::{Context, Stop};
use clap::ValueEnum;

use super::gate::{self, Gate, acts, keys, loaded, of_use};
use super::options::{BusArgs, SettingsArgs, WrongUse};
use super::ros_args::RosArgs;

/// Act: a policy drives the robot, and a person takes over at any instant
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The robot is held until somebody lets the policy go on (~/resume, or the key r) or takes over, and after every fault again. A
person takes over by the dead-man button or the leader that the robot's file names under control.gate.human, by ~/take, or by the
key t; who holds the button is heard on expert/command, which one device at a time may send. What is commanded stays
within control.limits, whoever wants it.

Services: ~/resume and ~/hold (Trigger), ~/take (SetBool), ~/reload (apprentice/Load).
Topics: `command` (what left, every tick), `plan`, `intervention` (who drives, and why), /diagnostics.
With `--ros-args -p use_sim_time:=true` time is what /clock says.

Examples:
  apprentice run --policy runs/pick --config config/pick.yaml
      on the robot of that file; Space holds it
  apprentice run --policy runs/pick --config config/pick.yaml --watch
      takes in each better policy while `apprentice train --resume` makes it
  apprentice run --policy runs/pick --config config/pick.yaml --lockstep --resume
      beside `apprentice sim --world pick --rate lockstep --episodes 20`: nothing depends on how fast the machine is
  apprentice run --only policy --policy runs/pick --config config/pick.yaml
      thinks, and leaves the driving to `apprentice gate --config config/pick.yaml` on the robot's own computer")]
pub(crate) struct Run {
    /// A run's folder, of which the best checkpoint is taken, or a checkpoint
    #[arg(long, value_name = "RUN", required_unless_present = "only")]
    policy: Option<PathBuf>,
    /// Do one half of it here, and leave the other to another process
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Where the policy computes: cpu, cuda, cuda:1
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Load the policy anew whenever it changes on the disk
    #[arg(long)]
    watch: bool,
    /// Let the policy go on as soon as it can, without waiting for a word
    #[arg(long)]
    resume: bool,
    /// At each tick of /clock hear and think before the command goes out: for simulators that wait, never for a robot
    #[arg(long)]
    lockstep: bool,
    /// Leave the terminal alone
    #[arg(long)]
    no_keys: bool,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    bus: BusArgs,
}

/// One half of a runner.
// What each is, is said at the option: a doc comment here would spread every option of the help over three lines.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    Policy,
    Gate,
}

impl Run {
    /// What its node is called.
    pub(crate) fn node(&self) -> &'static str {
        if self.only == Some(Only::Gate) { "gate" } else { "policy" }
    }

    /// Runs until a signal comes.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        if self.only == Some(Only::Gate) {
            return self.gate()?.run(ros);
        }
        if self.only.is_some() && self.resume {
            return Err(
                WrongUse("--resume means nothing with --only policy: it does not drive".to_owned()).into()
            );
        }
        let settings = loaded(&self.settings)?;
        let missing = || WrongUse("--policy: who thinks needs a policy".to_owned());
        let path = self.policy.clone().ok_or_else(missing)?;
        let on = device::find(&self.device).map_err(|error| WrongUse(error.to_string()))?;
        device::check(on)?;
        let robot = robot(&settings, &path, on)?;
        let load = policy::loader(robot.layout.clone(), robot.control.clone(), on);
        let mut ros = ros.clone();
        ros.sim_time |= self.lockstep;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let context = Context::new(self.bus.open("policy", &ros)?, stop);
        let options = self.options(path, &settings, &ros)?;
        let runner = match self.only {
            Some(_) => Runner::thinking(&context, robot, load, options),
            None => Runner::open(&context, robot, load, options),
        };
        let report = runner.map_err(of_use)?.run()?;
        match self.only {
            Some(_) => println!("{} chunks, {} thoughts without one", report.chunks, report.unthought),
            None => println!("{}", gate::said(&report)),
        }
        Ok(())
    }

    /// The half that drives, for which nothing that is about thinking means anything.
    fn gate(self) -> Result<Gate, WrongUse> {
        let Self { policy, watch, lockstep, resume, no_keys, settings, bus, .. } = self;
        let thought = [("--policy", policy.is_some()), ("--watch", watch), ("--lockstep", lockstep)];
        match thought.iter().find(|(_, said)| *said) {
            Some((option, _)) => {
                Err(WrongUse(format!("{option} means nothing with --only gate: it does not think")))
            }
            None => Ok(Gate { resume, no_keys, settings, bus }),
        }
    }

    fn options(&self, policy: PathBuf, settings: &Settings, ros: &RosArgs) -> anyhow::Result<Options> {
        Ok(Options {
            pace: match (self.lockstep, ros.sim_time) {
                (true, _) => Pace::Lockstep,
                (false, true) => Pace::Clock,
                (false, false) => Pace::Wall,
            },
            goal: settings.data.goal.as_ref().map(|goal| goal.stream.clone()),
            released: self.resume,
            watch: self.watch.then(|| policy::watched(&policy)).transpose()?,
            keys: keys(self.no_keys),
            policy,
        })
    }
}

/// The robot of `settings`, as the policy at `path` sees it.
fn robot(settings: &Settings, path: &Path, on: device::Device) -> anyhow::Result<Robot> {
    let (robot, observe, act) = (&settings.robot, &settings.observe, acts(settings)?);
    let layout = policy::layout(path, robot, observe, act, settings.data.goal.as_ref(), on)?;
    let description = settings.description()?;
    let robot =
        Robot::new(description.as_ref(), observe, act, &settings.control, &settings.data.actions, layout);
    gate::shown(robot.map_err(of_use)?, settings, description.as_ref())
}
