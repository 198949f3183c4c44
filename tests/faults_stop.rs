//! A recorder or a publisher that is stopped for seconds and goes on: a paused container, a debugger, a network that is
//! away.
//!
//! Nothing reaches the recorder meanwhile, so what is missing must be in the account to the last message; and it must
//! go on hearing, being found and answering, also where one of the two took the other for gone. The publisher is another process on Cyclone DDS that
//! numbers its messages, so that what is missing is read off the bag.
#![cfg(feature = "dds")]

#[path = "support/cli.rs"]
mod cli;

#[path = "support/numbered.rs"]
mod numbered;
#[path = "support/patience.rs"]
mod patience;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use apprentice::bus::typed::call_typed;
use apprentice::bus::{self, Kind, Options};
use apprentice::msg::std::{SetBool, SetBoolRequest};
use cli::command;
use numbered::{account, gone, noted, numbers};
use rustix::process::{Pid, Signal, kill_process};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Several times what the sockets hold, and longer than it takes to notice that somebody is gone.
const PAUSED: Duration = Duration::from_secs(5);
const DOMAIN: u16 = 204;
const TOPICS: [&str; 2] = ["/camera_0/image_raw", "/arm_0/joint_states"];

/// Whose process is stopped for a while.
#[derive(Clone, Copy, PartialEq)]
enum Stopped {
    Recorder,
    Publisher,
}

/// A process that does not outlive the test, stopped or not.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The tests go one after the other: a camera's and an arm's load each is enough.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The publisher's topics, waited for as long as it takes to start one on a machine under load.
const ROBOT: &str = "
robot: {name: peer, joints: [joint_0]}
observe:
  rate_hz: 30
  streams:
    camera: {topic: /camera_0/image_raw, type: sensor_msgs/msg/Image, size: [96, 96], align: newest, max_age_ms: 100, time: header}
    arm: {topic: /arm_0/joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: newest, max_age_ms: 100, time: header}
record: {wait_s: 60}
";

fn record(folder: &Path) -> Result<Running> {
    let robot = folder.join("robot.yaml");
    fs::write(&robot, ROBOT)?;
    let domain = DOMAIN.to_string();
    let words = ["record", "--no-keys", "--domain", &domain];
    let mut command = command::<&Path>(words, []);
    command.arg("--config").arg(&robot).arg("--out").arg(folder.join("bags"));
    Ok(Running(command.stdout(Stdio::null()).spawn()?))
}

/// Keeps the publisher on the loopback interface, where the recorder is. After `lease` without a word from it, others take
/// it for gone.
fn cyclone(lease: &str) -> String {
    format!(
        "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name=\"lo\"/></Interfaces></General>\
         <Discovery><LeaseDuration>{lease}</LeaseDuration></Discovery></Domain></CycloneDDS>"
    )
}

fn publish(lease: &str, how: &[&str]) -> Result<Running> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.arg(root.join("tests/peers/dds_publish.py")).args(["--domain", &DOMAIN.to_string()]);
    command.args(["--wait", "40", "--seconds", "10"]).args(how);
    command.env("PYTHONPATH", root.join(".setup/peers")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("CYCLONEDDS_URI", cyclone(lease));
    Ok(Running(command.stdout(Stdio::piped()).spawn().context("the publisher: run `make setup` first")?))
}

fn until(what: &str, reached: impl FnMut() -> Result<bool>) -> Result<()> {
    patience::until(what, PATIENCE, reached)
}

fn size_of(folder: &Path) -> u64 {
    let files = folder.read_dir().into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// Ends the episode as somebody does who meets the recorder only now.
fn stop_by_service() -> Result<()> {
    let node = "operator".to_owned();
    let bus = bus::open(&Options { kind: Kind::Dds, node, domain: Some(DOMAIN), ..Options::default() })?;
    let answer = call_typed::<SetBool>(&*bus, "/recorder/stop", &SetBoolRequest { data: true }, PATIENCE)?;
    ensure!(answer.success, "{}", answer.message);
    Ok(())
}

/// Stops one of the two in the middle of what such a publisher sends, and holds the bag against what was sent; how many
/// messages are missing.
fn missing(stopped: Stopped, lease: &str, how: &[&str]) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let episode = folder.path().join("bags/episode_0000");
    let recorder = record(folder.path())?;
    let mut publisher = publish(lease, how)?;
    until("a good second on the disk", || Ok(size_of(&episode) > 30_000_000))?;
    let paused = if stopped == Stopped::Recorder { &recorder } else { &publisher };
    paused.signal(Signal::STOP)?;
    // Being stopped is what is tested.
    patience::due_at(Instant::now() + PAUSED);
    paused.signal(Signal::CONT)?;
    until("the end of the publisher", || Ok(publisher.0.try_wait()?.is_some()))?;
    let sent: BTreeMap<String, u64> =
        serde_json::from_reader(publisher.0.stdout.take().context("its output")?)?;
    stop_by_service()?;
    until("the end of the bag", || Ok(episode.join("metadata.yaml").exists()))?;

    let (account, numbers) = (account(&episode)?, numbers(&episode)?);
    let mut missing = 0;
    for topic in TOPICS {
        let there = &numbers[topic];
        let Some(last) = there.last() else { continue };
        let disordered: Vec<_> = there.windows(2).filter(|pair| pair[0] >= pair[1]).collect();
        assert!(disordered.is_empty(), "{topic} is out of order: {disordered:?}");
        // Of the last it sent a machine under load may lose some without another that would show it.
        let unheard = sent[topic] - 1 - last;
        assert!(unheard < sent[topic] / 10, "{topic} was not heard to the end: {unheard} of {sent:?}");
        assert_eq!(noted(&account, topic), gone(there), "of {topic}: {account}");
        missing += gone(there);
    }
    assert_eq!(account["total"], missing, "{account}");
    Ok(missing)
}

/// Longer than anybody is stopped here.
const LONG: &str = "60s";
/// So short that whoever is stopped is taken for gone, or takes the other for it.
const SHORT: &str = "2s";

#[test]
fn a_recorder_that_was_stopped_goes_on_and_counts_what_it_missed() -> Result<()> {
    let _alone = alone();
    let missed = missing(Stopped::Recorder, LONG, &["--best-effort"])?;
    assert!(missed > 0, "it was stopped too briefly to miss anything");
    // A reliable publisher waits for it, for a while; what is missing then is for the two to settle.
    missing(Stopped::Recorder, LONG, &[])?;
    Ok(())
}

#[test]
fn a_publisher_that_was_thought_gone_is_heard_again() -> Result<()> {
    let _alone = alone();
    missing(Stopped::Recorder, SHORT, &["--best-effort"])?;
    missing(Stopped::Publisher, SHORT, &[])?;
    Ok(())
}
