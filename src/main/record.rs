//! `apprentice record`: topics into bags.
//!
//! It decides nothing about recording: options are laid over the settings here and the session runs in the recorder's room,
//! where tests reach it without a terminal.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::bag::{Compression, Mcap, Sqlite, Storage};
use apprentice::bus::{self, Bus, Node};
use apprentice::config::Settings;
use apprentice::node::recorder::{self, Outcome, Session, Wanted};
use apprentice::node::runner::INTERVENTION;
use apprentice::node::teleop;
use apprentice::node::{Context, Stop};
use apprentice::spec::{self, Expect, Name, TypeName};

use super::notes::{self, NoteArgs};
use super::options::{BusArgs, SettingsArgs, WrongUse, seconds};
use super::ros_args::RosArgs;
use super::table::bytes;

/// Record topics into bags, one folder per episode, with every lost message accounted for
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Keys: space starts and stops, the line at the foot of the screen names the others.
Services: ~/start, ~/stop, ~/discard, ~/save_last, and those of `ros2 lifecycle`: active is who records.
Parameters: task, operator, episode_s. Status: ~/status and /diagnostics.

Examples:
  apprentice record --config config/so101.yaml --out demos
      keys in the terminal; the robot's file says what is recorded and how fast it must come
  apprentice record --config config/ur5e.yaml --out demos --episodes 20 --seconds 30 --no-keys
      twenty episodes of thirty seconds, one after the other
  apprentice record --topic /joint_states --topic /front/image_raw:sensor_msgs/msg/Image --out bags
  apprentice record --all --out bags
      whatever is on the bus, until Ctrl-C
  apprentice record --all --out bags --ros-args -p use_sim_time:=true
      beside a simulator: by its /clock, so that receipt and stamps are of one clock")]
#[command(group(clap::ArgGroup::new("wanted").args(["config", "topic", "all"]).required(true).multiple(true)))]
pub(crate) struct Record {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The folder of episodes; new ones are numbered on after the last
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// A topic to record, with its type where discovery shall not decide it
    #[arg(long, value_name = "/NAME[:PKG/msg/TYPE]", value_parser = topic)]
    topic: Vec<Expect>,
    /// Record every topic there is
    #[arg(long)]
    all: bool,
    /// End after so many episodes were kept
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    episodes: Option<u32>,
    /// End each episode after so long
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Leave the terminal alone: episodes start by themselves
    #[arg(long)]
    no_keys: bool,
    /// Wait for ~/start instead of beginning by itself where there are no keys
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    #[arg(
        default_value_t,
        hide_default_value = true,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    wait: bool,
    #[command(flatten)]
    notes: NoteArgs,
    /// The format of the bags, if not the settings' [default: mcap]
    #[arg(long, value_enum, value_name = "FORMAT")]
    storage: Option<Format>,
    /// How MCAP is compressed, if not as the settings say [default: none]
    #[arg(long, value_enum, value_name = "HOW")]
    compression: Option<Compressed>,
    #[command(flatten)]
    bus: BusArgs,
}

/// The formats that bags can be written in.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Mcap,
    Sqlite,
}

/// How MCAP can be compressed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Compressed {
    None,
    Lz4,
    Zstd,
}

impl Record {
    /// Records until the session is over.
    pub(crate) fn run(mut self, ros: &RosArgs) -> anyhow::Result<()> {
        let ros = &self.told(ros)?;
        let settings = self.settings.load()?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let (reach, leaves_host) = (self.bus.reach()?, self.bus.reaches_far());
        let bus = self.bus.open_unhurried("recorder", ros)?;
        let wanted = self.wanted(settings.as_ref(), bus.node(), ros)?;
        let mut config = settings.as_ref().map(|settings| settings.record.clone()).unwrap_or_default();
        self.choose_storage(&mut config.storage)?;
        let mut session = self.session(settings.as_ref(), &*bus)?;
        session.notes.extend(notes::of_remaps(&ros.remaps, bus.node())?);
        if let Some(reach) = &reach {
            tracing::info!("listening on {reach}; waiting for {}", waited_for(&wanted));
        }
        let outcome = recorder::run(&Context::new(bus, stop), wanted, config, session)
            .map_err(|error| with_reach(error, reach.as_deref(), leaves_host))?;
        report(&outcome);
        anyhow::ensure!(outcome.failed == 0, "{} episodes ended early", outcome.failed);
        Ok(())
    }

    /// Takes the recorder's parameters from the ROS arguments, where no option says otherwise.
    fn told(&mut self, ros: &RosArgs) -> anyhow::Result<RosArgs> {
        let mut ros = ros.clone();
        self.notes.tell(ros.take("task"), ros.take("operator"));
        if let Some(said) = ros.take("episode_s").filter(|_| self.seconds.is_none()) {
            // Zero is never, whatever the robot's file says.
            let length = match said.parse::<f64>() {
                Ok(0.0) => Ok(Duration::ZERO),
                _ => seconds(&said).with_context(|| format!("episode_s is {said:?}")),
            };
            self.seconds = Some(length.map_err(|error| WrongUse(format!("{error:#}")))?);
        }
        Ok(ros)
    }

    /// Lays the options over what the settings say.
    fn choose_storage(&self, storage: &mut Storage) -> Result<(), WrongUse> {
        match (self.storage, &*storage) {
            (Some(Format::Mcap), Storage::Sqlite(_)) => *storage = Storage::Mcap(Mcap::default()),
            (Some(Format::Sqlite), Storage::Mcap(_)) => *storage = Storage::Sqlite(Sqlite::default()),
            _ => {}
        }
        match (self.compression, storage) {
            (None, _) => Ok(()),
            (Some(_), Storage::Sqlite(_)) => {
                Err(WrongUse("SQLite is not compressed: --compression is MCAP's".into()))
            }
            (Some(how), Storage::Mcap(mcap)) => {
                mcap.compression = match how {
                    Compressed::None => Compression::None,
                    Compressed::Lz4 => Compression::Lz4,
                    Compressed::Zstd => Compression::Zstd,
                };
                Ok(())
            }
        }
    }

    fn wanted(&self, settings: Option<&Settings>, node: &Node, ros: &RosArgs) -> anyhow::Result<Wanted> {
        let mut expect = match settings {
            Some(settings) => settings.expected(node)?,
            None => Vec::new(),
        };
        for topic in &self.topic {
            add(&mut expect, Expect { topic: node.resolve(&topic.topic)?, ..topic.clone() })?;
        }
        leave_people_out(&mut expect, self.all, settings, node)?;
        for (from, to) in &ros.remaps {
            let (from, to) = (node.resolve(from)?, node.resolve(to)?);
            match expect.iter_mut().find(|expected| expected.topic == from) {
                Some(expected) => expected.topic = to,
                None => tracing::warn!("{from} is remapped to {to}, but not recorded by that name"),
            }
        }
        Ok(Wanted { expect, all: self.all })
    }

    fn session(self, settings: Option<&Settings>, bus: &dyn Bus) -> Result<Session, bus::Error> {
        let keys = !self.no_keys && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let of_robot = settings.map(|settings| notes::of_robot(settings, bus.node())).transpose()?;
        let mut notes = of_robot.unwrap_or_default();
        notes.extend(self.notes.notes());
        notes.extend(granted(bus));
        let teach = settings.and_then(|settings| settings.act.as_ref()?.teach.as_ref());
        Ok(Session {
            out: self.out,
            episodes: self.episodes,
            length: self.seconds,
            auto: !keys && !self.wait,
            keys,
            notes,
            teach: teach.cloned(),
        })
    }
}

/// Where who drives is recorded too, as where `all` is, a person who does not drive says nothing, and no recording waits for that.
fn leave_people_out(
    expect: &mut [Expect],
    all: bool,
    settings: Option<&Settings>,
    node: &Node,
) -> Result<(), bus::Error> {
    let told = node.resolve(INTERVENTION)?;
    if !all && expect.iter().all(|expected| expected.topic != told) {
        return Ok(());
    }
    let of_file = settings.into_iter().flat_map(Settings::shown_by).map(Name::as_str);
    for person in of_file.chain([teleop::COMMAND]) {
        let person = node.resolve(person)?;
        expect.iter_mut().filter(|expected| expected.topic == person).for_each(|it| it.optional = true);
    }
    Ok(())
}

/// What nothing is recorded without.
fn waited_for(wanted: &Wanted) -> String {
    let named = wanted.expect.iter().filter(|expected| !expected.optional).count();
    match (named, wanted.all) {
        (0, _) => "any topic".to_owned(),
        (1, false) => "1 topic".to_owned(),
        (named, false) => format!("{named} topics"),
        (named, true) => format!("{named} topics, and any other"),
    }
}

/// The error with where was listened, where that may be why nothing was heard.
fn with_reach(error: recorder::Error, reach: Option<&str>, leaves_host: bool) -> anyhow::Error {
    match (&error, reach) {
        (recorder::Error::Missing { .. }, Some(reach)) if leaves_host => {
            anyhow::anyhow!("{error} on {reach}")
        }
        (recorder::Error::Missing { .. }, Some(reach)) => {
            anyhow::anyhow!("{error} on {reach}; --off-host meets other hosts, --domain another domain")
        }
        _ => error.into(),
    }
}

/// What this bus was granted for receiving in time, noted because it explains losses; said where it is too little.
fn granted(bus: &dyn Bus) -> Option<(String, String)> {
    let granted = bus.granted()?;
    if granted.buffer < granted.buffer_asked {
        tracing::warn!(
            "the kernel grants {} for receiving where {} was asked: under load messages may get lost, and are \
             counted; `apprentice doctor` has the command that mends it",
            bytes(granted.buffer as u64),
            bytes(granted.buffer_asked as u64)
        );
    }
    let noted = serde_json::json!({
        "receive_buffer": granted.buffer,
        "receive_buffer_asked": granted.buffer_asked,
        "precedence": granted.precedence,
    });
    Some(("apprentice.granted".to_owned(), noted.to_string()))
}

/// Adds a topic, or its type where it is known without one.
fn add(expect: &mut Vec<Expect>, topic: Expect) -> Result<(), WrongUse> {
    let Some(known) = expect.iter_mut().find(|known| known.topic == topic.topic) else {
        expect.push(topic);
        return Ok(());
    };
    match (&known.type_name, topic.type_name) {
        (Some(is), Some(wanted)) if *is != wanted => {
            Err(WrongUse(format!("{}: --topic says {wanted}, but it is named as {is} already", known.topic)))
        }
        (None, wanted) => {
            known.type_name = wanted;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn topic(text: &str) -> Result<Expect, spec::Error> {
    let (name, type_name) = match text.split_once(':') {
        Some((name, type_name)) => (name, Some(TypeName::parse(type_name)?.to_string())),
        None => (text, None),
    };
    Ok(Expect { type_name, ..Expect::any(Name::parse(name)?.to_string()) })
}

/// Says what was kept.
pub(crate) fn report(outcome: &Outcome) {
    for path in &outcome.recovered {
        println!("made whole again: {}", path.display());
    }
    for kept in &outcome.kept {
        println!(
            "{}: {} messages, {}, {:.1} s, {} lost",
            kept.path.display(),
            kept.messages,
            bytes(kept.bytes),
            kept.length.as_secs_f64(),
            kept.lost
        );
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    #[test]
    fn a_topic_named_with_two_types_is_refused_with_both() -> anyhow::Result<()> {
        let mut expect = vec![topic("/arm:sensor_msgs/msg/JointState")?, topic("/camera")?];
        add(&mut expect, topic("/arm:sensor_msgs/msg/JointState")?)?;
        add(&mut expect, topic("/arm")?)?;
        add(&mut expect, topic("/camera:sensor_msgs/msg/Image")?)?;
        let types: Vec<_> = expect.iter().map(|known| known.type_name.as_deref()).collect();
        assert_eq!(types, [Some("sensor_msgs/msg/JointState"), Some("sensor_msgs/msg/Image")]);
        let refused = add(&mut expect, topic("/arm:std_msgs/msg/Header")?).expect_err("it is another type");
        let words = refused.to_string();
        assert!(
            words.contains("std_msgs/msg/Header") && words.contains("sensor_msgs/msg/JointState"),
            "{words}"
        );
        Ok(())
    }

    #[test]
    fn waiting_is_said_in_a_word_or_by_a_value_as_launch_files_do() -> anyhow::Result<()> {
        let waits = |words: &[&str]| -> anyhow::Result<bool> {
            let words = ["record", "--all", "--out", "bags"].iter().chain(words);
            let command = Record::augment_args(clap::Command::new("record"));
            Ok(Record::from_arg_matches(&command.try_get_matches_from(words)?)?.wait)
        };
        assert!(waits(&["--wait"])? && waits(&["--wait=true"])? && waits(&["--wait", "--no-keys"])?);
        assert!(!waits(&[])? && !waits(&["--wait=false"])?);
        waits(&["--wait=perhaps"]).expect_err("it is neither");
        Ok(())
    }

    #[test]
    fn an_episode_told_to_end_after_zero_seconds_never_ends_by_itself() -> anyhow::Result<()> {
        let length = |words: &[&str]| -> anyhow::Result<Option<Duration>> {
            let words = ["record", "--all", "--out", "bags"].iter().chain(words).map(ToString::to_string);
            let (ours, ros) = super::super::ros_args::split(words);
            let command = Record::augment_args(clap::Command::new("record"));
            let mut record = Record::from_arg_matches(&command.try_get_matches_from(ours)?)?;
            record.told(&ros)?;
            Ok(record.seconds)
        };
        let told = |value: &str| length(&["--ros-args", "-p", &format!("episode_s:={value}")]);
        assert_eq!([told("0")?, told("0.0")?], [Some(Duration::ZERO); 2]);
        assert_eq!([told("2.5")?, length(&[])?], [Some(Duration::from_millis(2500)), None]);
        let both = length(&["--seconds", "3", "--ros-args", "-p", "episode_s:=0"])?;
        assert_eq!(both, Some(Duration::from_secs(3)));
        told("-1").expect_err("it is no length");
        Ok(())
    }

    const ROBOT: &str = "
robot: {name: one, joints: [a]}
observe:
  rate_hz: 20
  streams: {joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 100}}
act:
  rate_hz: 20
  parts:
    arm: {joints: [a], from: {topic: leader/joint_states, type: sensor_msgs/msg/JointState},
          to: {topic: /commands, type: std_msgs/msg/Float64MultiArray}}
";

    #[test]
    fn nobody_who_does_not_drive_is_waited_for_where_who_drives_is_recorded() -> anyhow::Result<()> {
        let (settings, node) = (Settings::parse(ROBOT, "one.yaml")?, Node::new("recorder", "cell")?);
        let waited = |topics: &[&str], all: bool| -> anyhow::Result<Vec<String>> {
            let mut expect = settings.expected(&node)?;
            for topic in topics {
                add(&mut expect, Expect::any(node.resolve(topic)?))?;
            }
            leave_people_out(&mut expect, all, Some(&settings), &node)?;
            Ok(expect.into_iter().filter(|it| !it.optional).map(|it| it.topic).collect())
        };
        assert_eq!(waited(&[], false)?, ["/joint_states", "/cell/leader/joint_states"]);
        assert_eq!(waited(&[], true)?, ["/joint_states"]);
        let learned = ["command", "intervention", "expert/command"];
        assert_eq!(waited(&learned, false)?, ["/joint_states", "/cell/command", "/cell/intervention"]);
        Ok(())
    }
}
