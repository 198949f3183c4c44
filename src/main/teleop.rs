//! `apprentice teleop`: a person's device into `expert/command`.
//!
//! It puts together what the node needs from the robot's file and its description, so that whatever is missing there is
//! said before a topic is opened.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::node::teleop::{self, Device, Robot, Teleop as Node, Which};
use apprentice::node::{Context, Stop};

use super::options::{BusArgs, SettingsArgs, WrongUse};
use super::ros_args::RosArgs;

/// Drive the robot by hand: a person's device into commands on expert/command
#[derive(clap::Args, Debug)]
#[command(after_help = "\
A command begins where the robot is and ends when the device falls silent, its dead-man switch is released, or the robot
no longer tells where it is. Speeds, buttons and a leader's calibration are in the robot's file, under `teleop`.

Examples:
  apprentice teleop leader --config config/sim_arm.yaml
      the arm on /leader/joint_states, once it is where the robot is
  apprentice teleop joy --config config/sim_arm.yaml
      the gamepad on /joy, or where nobody publishes one the one that is plugged in here: hold LB, left stick forward and
      sideways, right stick up and turn, A and B the gripper
  apprentice teleop keyboard --config config/sim_arm.yaml
      the keys are shown at the foot of the terminal")]
pub(crate) struct Teleop {
    #[command(subcommand)]
    by: By,
}

/// The devices.
#[derive(clap::Subcommand, Debug)]
enum By {
    /// A leader arm: its joints, calibrated
    #[command(after_help = "\
Examples:
  apprentice teleop leader --config config/sim_arm.yaml
  apprentice teleop leader --config config/sim_arm.yaml --set teleop.leader.align=0.2
      where they do not agree, the robot comes to the leader at a fifth of its speed")]
    Leader(Common),
    /// A gamepad: sticks for speeds, a dead-man button
    #[command(after_help = "\
Examples:
  apprentice teleop joy --config config/sim_arm.yaml
      the gamepad on /joy, or where nobody publishes one the one that is plugged in here
  apprentice teleop joy --config config/sim_arm.yaml --device /dev/input/event7")]
    Joy {
        #[command(flatten)]
        common: Common,
        /// Read this gamepad and hear none on /joy: /dev/input/eventN, or `auto` for the first
        #[arg(long, value_name = "FILE", value_parser = which, help_heading = "Gamepad")]
        device: Option<Which>,
    },
    /// The terminal's keys
    #[command(after_help = "\
Examples:
  apprentice teleop keyboard --config config/sim_arm.yaml
      the keys are shown at the foot of the terminal")]
    Keyboard(Common),
}

/// What every device takes.
#[derive(clap::Args, Debug)]
struct Common {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Leave the terminal alone; the keyboard cannot
    #[arg(long)]
    no_keys: bool,
    #[command(flatten)]
    bus: BusArgs,
}

impl Teleop {
    /// Drives until Ctrl-C.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let (device, common) = match self.by {
            By::Leader(common) => (Device::Leader, common),
            By::Joy { common, device } => (Device::Joy(device), common),
            By::Keyboard(common) => (Device::Keyboard, common),
        };
        let wrong = |why: &str| WrongUse(why.to_owned());
        let settings =
            common.settings.load()?.ok_or_else(|| wrong("--config: the robot's file is needed"))?;
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if device == Device::Keyboard && (common.no_keys || !terminal) {
            return Err(wrong("the keyboard is read in a terminal, and this is none").into());
        }
        let (robot, act) = put_together(&settings)?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let context = Context::new(common.bus.open("teleop", ros)?, stop);
        let config = settings.teleop.clone();
        let keys = terminal && !common.no_keys;
        let node = Node::open(&context, robot, act, config, device, keys).map_err(of_use)?;
        let report = node.run()?;
        println!("{} commands, {} messages refused", report.sent, report.refused);
        Ok(())
    }
}

/// The robot of `settings` with its description, and what commands it.
fn put_together(settings: &Settings) -> anyhow::Result<(Robot, &apprentice::spec::Act)> {
    let missing = || WrongUse("act is missing in the robot's file, and teleoperation needs it".to_owned());
    let act = settings.act.as_ref().ok_or_else(missing)?;
    let (description, limits) = (settings.description()?, settings.control.limits.as_ref());
    let (joints, observe) = (&settings.robot.joints, &settings.observe);
    let robot = Robot::new(description.as_ref(), limits, joints, observe, act, &settings.teleop);
    let robot = robot.map_err(of_use)?;
    Ok((robot, act))
}

/// What the robot's file says wrongly is wrong use, as every mistake in it.
fn of_use(error: teleop::Error) -> anyhow::Error {
    match error {
        teleop::Error::Setting { .. } => WrongUse(error.to_string()).into(),
        teleop::Error::Arm(cause) => WrongUse(format!("robot.urdf: {cause}")).into(),
        other => other.into(),
    }
}

fn which(text: &str) -> Result<Which, std::convert::Infallible> {
    Ok(if text == "auto" { Which::Auto } else { Which::At(PathBuf::from(text)) })
}
