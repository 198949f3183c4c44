//! The first part: a robot's topics, over the bus that real robots are on, become a bag.
//!
//! The robot is a process of its own, so that what is shown is the way of a real robot's messages, over sockets, and not
//! a shortcut within one process.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use apprentice::node::recorder::{self, Session, Wanted};
use apprentice::node::{Context, Stop};

use super::Demo;
use crate::command::bag;
use crate::command::notes::{self, NoteArgs};
use crate::command::options::{BusArgs, BusKind, put};
use crate::command::record::report;
use crate::command::ros_args::RosArgs;
use crate::command::standin::sim_arm;

/// How long the robot may take to begin, s.
const BEGINS_S: f64 = 60.0;

/// Who plays the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Robot {
    /// The simulator, whose expert picks cubes in real time; with cameras or without.
    #[cfg(all(feature = "learn", feature = "sim"))]
    Simulator { cameras: bool },
    /// Something that moves and shows test pictures.
    #[cfg(not(all(feature = "learn", feature = "sim")))]
    Standin,
}

impl Robot {
    fn cameras(self) -> bool {
        match self {
            #[cfg(all(feature = "learn", feature = "sim"))]
            Self::Simulator { cameras } => cameras,
            #[cfg(not(all(feature = "learn", feature = "sim")))]
            Self::Standin => true,
        }
    }

    fn words(self) -> Vec<&'static str> {
        match self {
            #[cfg(all(feature = "learn", feature = "sim"))]
            Self::Simulator { cameras } => {
                // It ends by itself, should nobody be left to end it.
                let mut words =
                    vec!["sim", "--world", "pick", "--expert", "--rate", "real", "--episodes", "20"];
                words.extend(if cameras { ["--size", "320x240"] } else { ["--cameras", "none"] });
                words
            }
            #[cfg(not(all(feature = "learn", feature = "sim")))]
            Self::Standin => vec!["standin"],
        }
    }

    /// Starts its process.
    fn start(self, domain: u16) -> anyhow::Result<Running> {
        let binary = std::env::current_exe().context("this program's own file is not known")?;
        let child = Command::new(binary)
            .args(self.words())
            .args(["--domain", &domain.to_string(), "--ros-args", "--log-level", "error"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("the robot does not start")?;
        Ok(Running(child))
    }
}

/// A robot's process; dropped, it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // The stand-in ends by itself once its standard input does; a simulator has to be told.
        drop(self.0.stdin.take());
        if cfg!(all(feature = "learn", feature = "sim"))
            && let Err(error) = self.0.kill()
        {
            tracing::warn!(%error, "the robot cannot be ended");
        }
        if let Err(error) = self.0.wait() {
            tracing::warn!(%error, "the robot cannot be waited for");
        }
    }
}

/// Records one episode of `robot`, and shows what is in the bag; where it is.
pub(super) fn record(demo: &Demo, robot: Robot, ros: &RosArgs, stop: &Stop) -> anyhow::Result<PathBuf> {
    let mut settings = sim_arm()?;
    if !robot.cameras() {
        settings.observe.streams.retain(|_, stream| stream.size.is_none());
    }
    // On a machine that is busy a process takes its time to begin.
    settings.record.wait_s = settings.record.wait_s.max(BEGINS_S);
    let running = robot.start(demo.domain)?;
    let bus = BusArgs { bus: BusKind::best(), domain: Some(demo.domain), off_host: false };
    let context = Context::new(bus.open("recorder", ros)?, stop.clone());
    let wanted = Wanted { expect: settings.expected(context.bus.node())?, all: false };
    let mut notes = notes::of_robot(&settings, context.bus.node())?;
    notes.extend(NoteArgs::of_task("demonstration of this program").notes());
    let session = Session {
        out: demo.out.join("recorded"),
        episodes: Some(1),
        length: Some(demo.seconds),
        auto: true,
        notes,
        ..Session::default()
    };
    put(&format!("One episode of {} s is recorded over {}.", demo.seconds.as_secs_f64(), BusKind::best()))?;
    let outcome = recorder::run(&context, wanted, settings.record.clone(), session)?;
    drop(running);
    report(&outcome);
    let [kept] = &outcome.kept[..] else { anyhow::bail!("no episode was kept") };
    put(&format!("\n{}", bag::info_of(&kept.path)?))?;
    Ok(kept.path.clone())
}
