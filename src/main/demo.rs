//! `apprentice demo`: the story of this program on a machine with no robot.
//!
//! The stand-in is a process of its own, so that what is shown is the way of a real robot's messages, over sockets, and not
//! a shortcut within one process.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use apprentice::node::recorder::{self, Session, Wanted};
use apprentice::node::{Context, Stop};

use super::bag;
use super::notes::{self, NoteArgs};
use super::options::{BusArgs, BusKind, seconds};
use super::record::report;
use super::ros_args::RosArgs;
use super::standin::sim_arm;

/// See it work without a robot: a stand-in publishes two cameras and an arm, one episode of it is recorded
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  apprentice demo
  apprentice demo --out /tmp/demo --seconds 20")]
pub(crate) struct Demo {
    /// The folder of episodes
    #[arg(long, short, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    /// How long the episode is
    #[arg(long, value_name = "S", default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// The domain; one that no robot of yours is on
    #[arg(long, value_name = "N", default_value_t = 77, value_parser = clap::value_parser!(u16).range(0..=232))]
    domain: u16,
}

impl Demo {
    /// Starts the stand-in, records one episode of it, shows what is in the bag.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let settings = sim_arm()?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        println!(
            "A stand-in for a robot starts: two cameras 640×480 at 25 Hz, an arm at 100 Hz and its leader."
        );
        let robot = Robot::start(self.domain)?;
        let bus = BusArgs { bus: BusKind::best(), domain: Some(self.domain), off_host: false };
        let context = Context::new(bus.open("recorder", ros)?, stop);
        let wanted = Wanted { expect: settings.expected(context.bus.node())?, all: false };
        let mut notes = notes::of_robot(&settings, context.bus.node())?;
        notes.extend(NoteArgs::of_task("wave").notes());
        let session = Session {
            out: self.out,
            episodes: Some(1),
            length: Some(self.seconds),
            auto: true,
            notes,
            ..Session::default()
        };
        println!("One episode of {} s is recorded over {}.", self.seconds.as_secs_f64(), BusKind::best());
        let outcome = recorder::run(&context, wanted, settings.record.clone(), session)?;
        drop(robot);
        report(&outcome);
        let [kept] = &outcome.kept[..] else { anyhow::bail!("no episode was kept") };
        println!();
        print!("{}", bag::info_of(&kept.path)?);
        println!(
            "\nAny ROS 2 tool reads it: ros2 bag info {path}\nNext: describe your robot as in config/so101.yaml, then\n  \
             apprentice record --config config/<robot>.yaml --out demos",
            path = kept.path.display()
        );
        Ok(())
    }
}

/// The stand-in's process; dropped, it ends.
struct Robot(Child);

impl Robot {
    fn start(domain: u16) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("this program's own file is not known")?;
        let child = Command::new(binary)
            .args(["standin", "--domain", &domain.to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .context("the stand-in does not start")?;
        Ok(Self(child))
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        // It ends by itself once its standard input does.
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            tracing::warn!(%error, "the stand-in cannot be waited for");
        }
    }
}
