//! `apprentice run`: a policy, and whoever corrects it, drive a robot.
//!
//! Everything that can be wrong is found here, before a topic is opened: the robot's file, its limits, libtorch, the policy.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::control::Mode;
use apprentice::nn::device;
use apprentice::node::runner::{Error, Options, Pace, Report, Robot, Runner, policy};
use apprentice::node::{Context, Stop};

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
      beside `apprentice sim --world pick --rate lockstep --episodes 20`: nothing depends on how fast the machine is")]
pub(crate) struct Run {
    /// A run's folder, of which the best checkpoint is taken, or a checkpoint
    #[arg(long, value_name = "RUN")]
    policy: PathBuf,
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

impl Run {
    /// Runs until a signal comes.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let settings = self
            .settings
            .load()?
            .ok_or_else(|| WrongUse("--config: the robot's file is needed".to_owned()))?;
        let on = device::find(&self.device).map_err(|error| WrongUse(error.to_string()))?;
        device::check(on)?;
        let robot = robot(&settings, &self.policy, on)?;
        let load = policy::loader(robot.layout.clone(), robot.control.clone(), on);
        let ros = RosArgs { sim_time: ros.sim_time || self.lockstep, ..ros.clone() };
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let context = Context::new(self.bus.open("policy", &ros)?, stop);
        let runner = Runner::open(&context, robot, load, self.options(&settings, &ros)?).map_err(of_use)?;
        let report = runner.run()?;
        println!("{}", said(&report));
        Ok(())
    }

    fn options(&self, settings: &Settings, ros: &RosArgs) -> anyhow::Result<Options> {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Ok(Options {
            policy: self.policy.clone(),
            pace: match (self.lockstep, ros.sim_time) {
                (true, _) => Pace::Lockstep,
                (false, true) => Pace::Clock,
                (false, false) => Pace::Wall,
            },
            goal: settings.data.goal.as_ref().map(|goal| goal.stream.clone()),
            released: self.resume,
            watch: self.watch.then(|| policy::watched(&self.policy)).transpose()?,
            keys: terminal && !self.no_keys,
        })
    }
}

/// The robot of `settings`, as the policy at `path` sees it.
fn robot(settings: &Settings, path: &Path, on: device::Device) -> anyhow::Result<Robot> {
    let (robot, observe) = (&settings.robot, &settings.observe);
    let act = settings
        .act
        .as_ref()
        .ok_or_else(|| WrongUse("act is missing in the robot's file, and acting needs it".to_owned()))?;
    let layout = policy::layout(path, robot, observe, act, settings.data.goal.as_ref(), on)?;
    let description = settings.description()?;
    Robot::new(description.as_ref(), observe, act, &settings.control, &settings.data.actions, layout)
        .map_err(of_use)
}

/// What the robot's file says wrongly is wrong use, as every mistake in it.
fn of_use(error: Error) -> anyhow::Error {
    match error {
        Error::Setting { .. } => WrongUse(error.to_string()).into(),
        Error::Limits(cause) => WrongUse(format!("control.limits: {cause}")).into(),
        other => other.into(),
    }
}

/// How it went.
fn said(report: &Report) -> String {
    let Report { ticks, missed, chunks, late, now, .. } = report;
    let end = match now.mode {
        Mode::Hold(_) => format!("held: {}", now.reason),
        Mode::Policy | Mode::Human => "not held".to_owned(),
    };
    format!("{ticks} ticks, {missed} missed, {chunks} chunks, {late} actions late; at the end {end}")
}
