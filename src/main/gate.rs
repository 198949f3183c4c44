//! `apprentice gate`: who drives a robot, and what leaves for it, by plans that come from somewhere else.
//!
//! It needs neither libtorch nor the policy, so it runs on the small computer beside the robot while `apprentice run --only policy`
//! thinks on a large one; and where nobody thinks at all, a person drives through it within the robot's limits.

use std::io::IsTerminal;

use anyhow::Context as _;
use apprentice::arm::{Chain, Description};
use apprentice::config::Settings;
use apprentice::control::Mode;
use apprentice::node::runner::{Error, Options, Pace, Report, Robot, Runner};
use apprentice::node::{Context, Stop};
use apprentice::spec::Act;

use super::options::{BusArgs, SettingsArgs, WrongUse};
use super::ros_args::RosArgs;

/// Hold a robot, and let a person or somebody's plans drive it
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The half of `apprentice run` that drives; the other is `apprentice run --only policy`, and any other program will do that says where
to be when on `plan` (apprentice/Plan). What is commanded stays within control.limits, whoever wants it; where plans end, come too
late or are none, the robot is held. The robot is held until somebody lets plans go on (~/resume, or the key r) or takes over, as
`apprentice run --help` says.

Services: ~/resume and ~/hold (Trigger), ~/take (SetBool).
Topics: `plan` in; `command` (what left, every tick), `intervention` (who drives, and why), /diagnostics out.

Examples:
  apprentice gate --config config/pick.yaml
      beside the robot, while a policy thinks in another process:
  apprentice run --only policy --policy runs/pick --config config/pick.yaml
      add --off-host to both where that is another machine; their clocks have to agree")]
pub(crate) struct Gate {
    /// Let plans be followed as soon as they come, without waiting for a word
    #[arg(long)]
    pub(crate) resume: bool,
    /// Leave the terminal alone
    #[arg(long)]
    pub(crate) no_keys: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(flatten)]
    pub(crate) bus: BusArgs,
}

impl Gate {
    /// Runs until a signal comes.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let settings = loaded(&self.settings)?;
        let (act, description) = (acts(&settings)?, settings.description()?);
        let robot = Robot::unseen(
            description.as_ref(),
            &settings.observe,
            act,
            &settings.control,
            &settings.data.actions,
        );
        let robot = shown(robot.map_err(of_use)?, &settings, description.as_ref())?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let context = Context::new(self.bus.open("gate", ros)?, stop);
        let options = Options {
            pace: if ros.sim_time { Pace::Clock } else { Pace::Wall },
            released: self.resume,
            keys: keys(self.no_keys),
            ..Options::default()
        };
        let report = Runner::driving(&context, robot, options).map_err(of_use)?.run()?;
        println!("{}", said(&report));
        Ok(())
    }
}

/// The settings, without which no robot is driven.
pub(crate) fn loaded(settings: &SettingsArgs) -> anyhow::Result<Settings> {
    let none = || WrongUse("--config: the robot's file is needed".to_owned());
    Ok(settings.load()?.ok_or_else(none)?)
}

/// How the robot of `settings` is commanded.
pub(crate) fn acts(settings: &Settings) -> Result<&Act, WrongUse> {
    let missing = || WrongUse("act is missing in the robot's file, and acting needs it".to_owned());
    settings.act.as_ref().ok_or_else(missing)
}

/// The robot, whose leader and whose tip for viewers are those that its file says.
pub(crate) fn shown(
    robot: Robot,
    settings: &Settings,
    description: Option<&Description>,
) -> anyhow::Result<Robot> {
    let robot = robot.led(acts(settings)?, &settings.teleop.leader);
    let (Some(description), Some(arm)) = (description, &settings.teleop.arm) else { return Ok(robot) };
    let chain = Chain::between(description, &arm.base, &arm.tip);
    Ok(robot.shown(chain.map_err(|error| WrongUse(format!("teleop.arm: {error}")))?, &arm.prefix))
}

/// Whether the terminal is taken for keys.
pub(crate) fn keys(unwanted: bool) -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !unwanted
}

/// What the robot's file says wrongly is wrong use, as every mistake in it.
pub(crate) fn of_use(error: Error) -> anyhow::Error {
    match error {
        Error::Setting { .. } => WrongUse(error.to_string()).into(),
        Error::Limits(cause) => WrongUse(format!("control.limits: {cause}")).into(),
        other => other.into(),
    }
}

/// How it went.
pub(crate) fn said(report: &Report) -> String {
    let Report { ticks, missed, chunks, late, now, .. } = report;
    let end = match now.mode {
        Mode::Hold(_) => format!("held: {}", now.reason),
        Mode::Policy | Mode::Human => "not held".to_owned(),
    };
    format!("{ticks} ticks, {missed} missed, {chunks} chunks, {late} actions late; at the end {end}")
}
