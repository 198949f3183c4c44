//! `apprentice standin`: the robot of `apprentice demo`, in a process of its own.
//!
//! Hidden, because it is a prop: it publishes what the robot's file promises, topic by topic, and ends with the process
//! that holds its standard input.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::node::standin::{self, Fault, Shows, Stream};
use apprentice::node::{Context, Stop};
use apprentice::spec::Source;

use super::options::{BusArgs, SettingsArgs};
use super::ros_args::RosArgs;

/// The robot of a demonstration of this program: our simulated arm.
const SIM_ARM: &str = include_str!("../../config/sim_arm.yaml");

/// What most cameras send.
const PICTURE: Shows = Shows::Picture { width: 640, height: 480 };
/// A JPEG of that size, as large as they are usually.
const JPEG: Shows = Shows::Compressed { bytes: 40_000 };
/// How far a leader is ahead of the arm that follows it.
const AHEAD: Duration = Duration::from_millis(80);

/// Publish what a robot would (a prop of `apprentice demo`)
#[derive(clap::Args, Debug)]
pub(crate) struct Standin {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    bus: BusArgs,
}

impl Standin {
    /// Publishes until the standard input ends or a signal comes.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        let settings = match self.settings.load()? {
            Some(settings) => settings,
            None => sim_arm()?,
        };
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let held = stop.clone();
        std::thread::spawn(move || {
            // Whoever started us is gone once nothing more can be read, in whatever way reading ends.
            let ended = std::io::stdin().read_to_end(&mut Vec::new());
            tracing::debug!(?ended, "the standard input ended");
            held.wish();
        });
        let bus = self.bus.open("standin", ros)?;
        standin::run(&Context::new(bus, stop), streams(&settings))?;
        Ok(())
    }
}

/// The settings of our simulated arm, which are part of the binary.
pub(crate) fn sim_arm() -> anyhow::Result<Settings> {
    Ok(Settings::parse(SIM_ARM, "config/sim_arm.yaml")?)
}

/// What the robot of `settings` would publish: observed streams at the rates they promise, and leaders.
fn streams(settings: &Settings) -> Vec<Stream> {
    let observed = settings.observe.streams.values().filter_map(|stream| {
        let shows = match stream.type_name.as_str() {
            "sensor_msgs/msg/Image" => PICTURE,
            "sensor_msgs/msg/CompressedImage" => JPEG,
            "sensor_msgs/msg/JointState" => {
                let names =
                    settings.robot.joints.iter().filter_map(|joint| joint.strip_prefix(&stream.prefix));
                Shows::Joints { names: names.map(str::to_owned).collect(), ahead: Duration::ZERO }
            }
            _ => return None,
        };
        let rate_hz = stream.rate_hz.unwrap_or(settings.observe.rate_hz);
        Some(Stream { topic: stream.topic.to_string(), rate_hz, shows, fault: Fault::None })
    });
    observed.chain(leaders(settings)).collect()
}

/// Each leader arm once, with the joints of all parts that learn from it.
fn leaders(settings: &Settings) -> Vec<Stream> {
    let mut leaders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for part in settings.act.iter().flat_map(|act| act.parts.values()) {
        if let Source::Topic(from) = &part.from
            && from.type_name.as_str() == "sensor_msgs/msg/JointState"
        {
            let names = part.joints.iter().filter_map(|joint| joint.strip_prefix(&from.prefix));
            leaders.entry(from.topic.as_str()).or_default().extend(names.map(str::to_owned));
        }
    }
    let rate_hz = settings.act.as_ref().map_or(settings.observe.rate_hz, |act| act.rate_hz);
    let stream = |(topic, names): (&str, Vec<String>)| Stream {
        topic: topic.to_owned(),
        rate_hz,
        shows: Shows::Joints { names, ahead: AHEAD },
        fault: Fault::None,
    };
    leaders.into_iter().map(stream).collect()
}
