//! `apprentice demo`: the story of this program on a machine with no robot.
//!
//! ```text
//!   a robot's topics over DDS ─► a bag ─┐
//!   demonstrations ─► bags ─► a policy ─► tried ─► corrected ─► trained on ─► tried ─► corrected ─► … ─► a page
//! ```
//!
//! Every step is a command of its own, done as a user would do it; here is only their order, what is said about them, and the page.
//! What a step left in the folder is not done again.

mod recording;
#[cfg(all(feature = "learn", feature = "sim"))]
mod story;

use std::path::PathBuf;
use std::time::Duration;

use super::options::seconds;
use super::ros_args::RosArgs;

/// What may be asked of the whole story.
#[cfg(all(feature = "learn", feature = "sim"))]
const EXAMPLES: &str = "\
A few minutes on two cores; no GPU and no display are needed. Ctrl-C at any time, and the same command goes on.

Examples:
  apprentice demo
  apprentice demo --out /tmp/demo --rounds 4
      two more rounds of corrections
  apprentice demo --demonstrations 8 --episodes 8 --steps 500 --trials 20
      in a hurry, and the worse for it";
/// What may be asked of its first part.
#[cfg(not(all(feature = "learn", feature = "sim")))]
const EXAMPLES: &str = "\
This build has no simulator or does not learn: a stand-in for a robot is recorded, and the story ends there.

Examples:
  apprentice demo
  apprentice demo --out /tmp/demo --seconds 3";

/// See it work without a robot: recorded, learned, tried, corrected and tried again, in the simulator
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    /// The folder of everything
    #[arg(long, short, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    /// How long the episode is that is recorded over the bus
    #[arg(long, value_name = "S", default_value = "8", value_parser = seconds)]
    seconds: Duration,
    /// The domain; one that no robot of yours is on
    #[arg(long, value_name = "N", default_value_t = 77, value_parser = clap::value_parser!(u16).range(0..=232))]
    domain: u16,
    #[cfg(all(feature = "learn", feature = "sim"))]
    #[command(flatten)]
    learning: story::Learning,
}

impl Demo {
    /// Tells it from the beginning to the end.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        #[cfg(all(feature = "learn", feature = "sim"))]
        return story::tell(&self, ros);
        #[cfg(not(all(feature = "learn", feature = "sim")))]
        self.record_only(ros)
    }

    /// The recorder's part, which is all there is of it where nothing can be learned or simulated.
    #[cfg(not(all(feature = "learn", feature = "sim")))]
    fn record_only(&self, ros: &RosArgs) -> anyhow::Result<()> {
        let stop = apprentice::node::Stop::on_signals()?;
        super::options::put(
            "A stand-in for a robot with two cameras and a leader arm starts as a process of its own.",
        )?;
        let bag = recording::record(self, recording::Robot::Standin, ros, &stop)?;
        super::options::put(&format!(
            "\nAny ROS 2 tool reads it: ros2 bag info {path}\n\
             This build has no simulator or does not learn: the rest of the story takes `cargo build --release`, with all features.\n\
             Next: describe your robot as in config/so101.yaml, then\n  \
             apprentice record --config config/<robot>.yaml --out demos",
            path = bag.display()
        ))?;
        Ok(())
    }
}
