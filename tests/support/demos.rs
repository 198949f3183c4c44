//! Demonstrations of a made-up arm, as bags: two joints that follow a leader along waves, and the robot's file for them.
//!
//! Small enough that a policy learns from them in a second, and different from one to the next, so that what is held out is not
//! known by heart.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apprentice::bag::{self, Options};
use apprentice::config::Settings;
use apprentice::msg::Message;
use apprentice::msg::sensor::JointState;
use apprentice::msg::std::{Header, Time};
use apprentice::noise::Noise;
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};

/// The robot's file.
pub(crate) const ROBOT: &str = "
robot: {name: two_joints, joints: [base, elbow]}
observe:
  rate_hz: 20
  streams:
    joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 100}
act:
  rate_hz: 20
  parts:
    arm:
      joints: [base, elbow]
      from: {topic: /leader/joint_states, type: sensor_msgs/msg/JointState}
      to: {topic: /commands, type: std_msgs/msg/Float64MultiArray}
";

/// Messages a second.
const RATE_HZ: i64 = 50;

/// The robot's file with `sections` below it.
pub(crate) fn settings(sections: &str) -> Settings {
    Settings::parse(&format!("{ROBOT}{sections}"), "robot.yaml").expect("a robot's file")
}

/// Writes `count` demonstrations of `seconds` into `folder`, one bag each; gives their folders.
pub(crate) fn write(folder: &Path, count: u64, seconds: i64) -> Vec<PathBuf> {
    (0..count).map(|number| demonstration(folder, number, seconds)).collect()
}

fn demonstration(folder: &Path, number: u64, seconds: i64) -> PathBuf {
    let path = folder.join(format!("episode_{number:04}"));
    let mut writer = bag::create(&path, &Options::default()).expect("a new recording");
    let definition = JointState::definition();
    let topics = ["/joint_states", "/leader/joint_states"]
        .map(|name| Arc::new(Topic::new(name, JointState::TYPE).with(Qos::sensor())));
    for topic in &topics {
        writer.declare(topic, &definition.text, &definition.hash).expect("declared");
    }
    let mut noise = Noise::of(5, number);
    let waves: Vec<[f64; 3]> =
        (0..2).map(|_| [noise.within(0.3..1.0), noise.within(0.5..2.0), noise.within(0.0..6.0)]).collect();
    let at = |instant: f64| -> Vec<f64> {
        waves.iter().map(|[size, pace, begin]| size * (pace * instant + begin).sin()).collect()
    };
    for count in 0..seconds * RATE_HZ {
        let stamp = Stamp(1_000_000_000_000 + count * (1_000_000_000 / RATE_HZ));
        let instant = count as f64 / RATE_HZ as f64;
        // The arm is a tenth of a second behind its leader.
        for (topic, position) in topics.iter().zip([at(instant - 0.1), at(instant)]) {
            writer.write(&joints(topic, stamp, position)).expect("written");
        }
    }
    writer.finish().expect("finished");
    path
}

fn joints(topic: &Arc<Topic>, stamp: Stamp, position: Vec<f64>) -> Sample {
    let (sec, nanosec) = stamp.parts();
    let header = Header { stamp: Time { sec, nanosec }, ..Header::default() };
    let name = ["base", "elbow"].map(str::to_owned).to_vec();
    let message = JointState { header, name, position, ..JointState::default() };
    let topic = Arc::clone(topic);
    Sample { topic, received: stamp, sent: None, publisher: None, sequence: None, cdr: message.encode() }
}
