//! `apprentice record` and `apprentice demo` over DDS: the built binary hears robots in other processes.
//!
//! Signals, sockets and discovery between processes are what a test within one process cannot show. The robots take turns,
//! each on a domain of its own, because several at once lose pictures on a small machine.
#![cfg(feature = "dds")]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use apprentice::bag;
use apprentice::bus::{self, Kind};
use apprentice::node::standin::{self, Fault, Shows, Stream};
use apprentice::node::{Context, Stop};
use cli::{apprentice, command, json, text};
use rustix::process::{Pid, Signal, kill_process};

/// One robot at a time: several streams of raw pictures at once are more than a small machine's sockets hold.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stand-in in this process; dropped, it ends.
struct Robot(Stop, Option<JoinHandle<Vec<u64>>>);

impl Robot {
    fn on(domain: u16) -> Self {
        let stream = |topic: &str, rate_hz, shows| Stream {
            topic: topic.to_owned(),
            rate_hz,
            shows,
            fault: Fault::None,
        };
        let joints = |ahead| Shows::Joints { names: vec!["shoulder_pan".to_owned()], ahead };
        let streams = vec![
            stream("/joint_states", 200.0, joints(Duration::ZERO)),
            stream("/leader/joint_states", 100.0, joints(Duration::from_millis(80))),
            stream("/front/image_raw", 30.0, Shows::Picture { width: 320, height: 240 }),
            stream("/wrist/image_raw", 30.0, Shows::Picture { width: 320, height: 240 }),
        ];
        let options = bus::Options {
            kind: Kind::Dds,
            node: "robot".to_owned(),
            domain: Some(domain),
            ..Default::default()
        };
        let bus = bus::open(&options).expect("the bus opens");
        let stop = Stop::default();
        let context = Context::new(bus, stop.clone());
        let playing =
            thread::spawn(move || standin::run(&context, streams).expect("the bus takes what is sent"));
        Self(stop, Some(playing))
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.0.wish();
        if let Some(playing) = self.1.take() {
            playing.join().expect("the stand-in ends by itself");
        }
    }
}

/// Waits until `reached`, half a minute at the most.
fn until(what: &str, mut reached: impl FnMut() -> bool) {
    patience::until(what, Duration::from_secs(30), || Ok(reached())).expect("it comes within half a minute");
}

/// Nothing vanished silently from the bag that `bag info` says this of: every number that is missing between a topic's
/// first message and its last is noted as lost. Whether a loaded machine loses one of its pictures is not the matter here.
///
/// At an episode's edges it cannot be exact: the clock cuts there while the robot goes on, and what is lost just before the
/// first message counts as the episode's. So `sent`, what the robot sends in its length, is met to a tenth only.
fn assert_accounted(bag: &serde_json::Value, sent: u64) {
    let noted = bag["notes"]["apprentice.lost"].as_str().expect("losses are noted");
    let noted: serde_json::Value = serde_json::from_str(noted).expect("as JSON");
    let path = Path::new(bag["path"].as_str().expect("it is somewhere"));
    let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sample in bag::open(path).expect("a recording").samples(&[]) {
        let sample = sample.expect("a whole message");
        numbers.entry(sample.topic.name.clone()).or_default().push(sample.sequence.expect("MCAP keeps it"));
    }
    for (topic, numbers) in &numbers {
        assert!(numbers.is_sorted_by(|one, next| one < next), "{topic} is out of order");
        let missing = numbers[numbers.len() - 1] - numbers[0] + 1 - numbers.len() as u64;
        let lost = noted["topics"][topic].as_object().into_iter().flatten();
        let lost: u64 = lost.filter_map(|(_, count)| count.as_u64()).sum();
        assert!(missing <= lost, "{missing} of {topic} are missing and {lost} are noted: {bag}");
    }
    let all = bag["messages"].as_u64().expect("a count") + noted["total"].as_u64().expect("a count");
    assert!(all.abs_diff(sent) <= sent / 10, "{sent} were sent: {bag}");
}

#[test]
fn episodes_are_recorded_one_after_the_other_each_with_its_notes() {
    let _alone = alone();
    let _robot = Robot::on(201);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let words = "record --domain 201 --config config/sim_arm.yaml --no-keys --episodes 2 --seconds 1.5 --task wave \
                 --operator me --note light=low --compression lz4 --out";
    let output = apprentice(words.split_whitespace(), [folder.path()]);
    assert!(output.status.success(), "{}", text(&output.stderr));

    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    assert_eq!(said.as_array().map(Vec::len), Some(2));
    for (bag, name) in said.as_array().expect("a list").iter().zip(["episode_0000", "episode_0001"]) {
        assert_eq!(bag["path"], folder.path().join(name).display().to_string());
        let notes =
            ["task", "operator", "light", "robot"].map(|key| bag["notes"][key].as_str().unwrap_or("–"));
        assert_eq!(notes, ["wave", "me", "low", "sim_arm"]);
        assert!((1.4..1.7).contains(&bag["seconds"].as_f64().expect("a length")), "{bag}");
        assert_accounted(bag, 540);
    }
}

#[test]
fn an_interrupt_ends_a_recording_of_whatever_there_is_and_the_bag_is_whole() {
    let _alone = alone();
    let _robot = Robot::on(202);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let bag = folder.path().join("episode_0000");
    let mut child = command(["record", "--domain", "202", "--all", "--no-keys", "--out"], [folder.path()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let grown = |bag: &Path| {
        let files = bag.read_dir().into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>() > 2_000_000
    };
    until("two megabytes on the disk", || grown(&bag));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).expect("it is there to be interrupted");
    until("the end of the recorder", || child.try_wait().expect("a child can be waited for").is_some());
    let output = child.wait_with_output().expect("it has ended");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    let said = json(&apprentice(["bag", "recover", "--json"], [&bag]), 0);
    assert_eq!(said[0]["changed"], false, "it was whole already");
    let said = json(&apprentice(["bag", "info", "--json"], [&bag]), 0);
    let topics = said[0]["topics"].to_string();
    for topic in ["/joint_states", "/leader/joint_states", "/front/image_raw", "/wrist/image_raw"] {
        assert!(topics.contains(topic), "{topics}");
    }
}

/// The whole story, which takes learning and a simulator, is told in `tests/demo.rs`.
#[cfg(not(all(feature = "learn", feature = "sim")))]
#[test]
fn the_demo_tells_its_story_and_leaves_a_whole_bag() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let output = apprentice(["demo", "--domain", "203", "--seconds", "2", "--out"], [folder.path()]);
    let story = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{story}{}", text(&output.stderr));
    for told in ["A stand-in", " lost", "/front/image_raw", "ros2 bag info", "apprentice record"] {
        assert!(story.contains(told), "{told:?} is not in\n{story}");
    }
    let said = json(&apprentice(["bag", "info", "--json"], [folder.path()]), 0);
    assert_accounted(&said[0], 2 * (100 + 100 + 25 + 25));
}
