//! Demonstrations to learn from: a made-up arm of two joints that follows a leader along waves, and the robot's file for it.
//!
//! Small enough that a policy learns from them in a second, and different from one to the next, so that what is held out is not
//! known by heart.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[path = "demonstrations.rs"]
pub(crate) mod demonstrations;

use std::path::{Path, PathBuf};

use apprentice::config::Settings;
use apprentice::msg::sensor::JointState;
use apprentice::noise::Noise;
use demonstrations::{Said, header, said};

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

/// The time between two messages, in milliseconds.
const PERIOD: usize = 20;

/// The robot's file with `sections` below it.
pub(crate) fn settings(sections: &str) -> Settings {
    Settings::parse(&format!("{ROBOT}{sections}"), "robot.yaml").expect("a robot's file")
}

/// Writes `count` demonstrations of `seconds` into `folder`, one bag each; gives their folders.
pub(crate) fn write(folder: &Path, count: u64, seconds: i64) -> Vec<PathBuf> {
    let bag = |number| {
        let path = folder.join(format!("episode_{number:04}"));
        demonstrations::write(&path, &demonstration(number, seconds), &[]).expect("a new recording")
    };
    (0..count).map(bag).collect()
}

fn demonstration(number: u64, seconds: i64) -> Vec<Said> {
    let mut noise = Noise::of(5, number);
    let waves: Vec<[f64; 3]> =
        (0..2).map(|_| [noise.within(0.3..1.0), noise.within(0.5..2.0), noise.within(0.0..6.0)]).collect();
    let state = |at: i64, ago: f64| {
        let instant = at as f64 / 1000.0 - ago;
        let position =
            waves.iter().map(|[size, pace, begin]| size * (pace * instant + begin).sin()).collect();
        let name = ["base", "elbow"].map(str::to_owned).to_vec();
        JointState { header: header(at), name, position, ..JointState::default() }
    };
    // The arm is a tenth of a second behind its leader.
    let both =
        |at| [said(at, "/joint_states", &state(at, 0.1)), said(at, "/leader/joint_states", &state(at, 0.0))];
    (0..seconds * 1000).step_by(PERIOD).flat_map(both).collect()
}
