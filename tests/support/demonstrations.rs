//! Demonstrations that a test writes message by message, and the data sets they become.
//!
//! Every value in them is a function of time, so that a test can say what must come out without reading it back from where it
//! went in; a case changes the messages before they are written.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apprentice::bag;
use apprentice::config::Settings;
use apprentice::data::{Config, Dataset, Error, Progress, Subject};
use apprentice::msg::Message;
use apprentice::msg::sensor::{Image, JointState};
use apprentice::msg::std::{Header, Time};
use apprentice::time::Stamp;
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

/// Two joints, a camera, and a leader with the same joints.
pub(crate) const ROBOT: &str = "
robot: {name: two, joints: [a, b]}
observe:
  rate_hz: 25
  streams:
    front: {topic: /front, type: sensor_msgs/msg/Image, size: [8, 6], align: newest, max_age_ms: 100, time: header}
    joints: {topic: /joint_states, type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 50, time: header}
act:
  rate_hz: 100
  parts:
    arm: {joints: [a, b], from: {topic: /leader, type: sensor_msgs/msg/JointState},
          to: {topic: /commands, type: std_msgs/msg/Float64MultiArray}}
";

/// When every demonstration begins.
pub(crate) const BEGIN: i64 = 1_700_000_000_000_000_000;
/// The period of the robot's grid, in milliseconds.
pub(crate) const PERIOD: i64 = 40;

/// One message to be written: when it is received, and on which topic.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) at: i64,
    pub(crate) topic: String,
    pub(crate) type_name: &'static str,
    pub(crate) cdr: Bytes,
}

/// A message received so many milliseconds after the beginning.
pub(crate) fn said<M: Message>(at: i64, topic: &str, message: &M) -> Said {
    Said { at, topic: topic.to_owned(), type_name: M::TYPE, cdr: message.encode() }
}

pub(crate) fn instant(at: i64) -> Stamp {
    Stamp(BEGIN + at * 1_000_000)
}

pub(crate) fn header(at: i64) -> Header {
    let (sec, nanosec) = instant(at).parts();
    Header { stamp: Time { sec, nanosec }, frame_id: String::new() }
}

/// Where the robot's joints are: `a` moves evenly, `b` the other way and half as fast.
pub(crate) fn joints(at: i64) -> [f64; 2] {
    [at as f64 / 1000.0, 3.0 - at as f64 / 2000.0]
}

/// Where the leader's are: a tenth ahead.
pub(crate) fn leader(at: i64) -> [f64; 2] {
    joints(at).map(|position| position + 0.1)
}

pub(crate) fn state(at: i64, [a, b]: [f64; 2]) -> JointState {
    // Not in the robot's order, and with a joint that is none of its own.
    let name = ["b", "other", "a"].map(String::from).to_vec();
    JointState { header: header(at), name, position: vec![b, 9.0, a], ..JointState::default() }
}

/// A picture that says when it was taken, in each pixel.
pub(crate) fn picture(at: i64, [width, height]: [u32; 2]) -> Image {
    let value = (at / 10 % 251) as u8;
    Image {
        header: header(at),
        width,
        height,
        encoding: "rgb8".into(),
        step: width * 3,
        data: vec![value; (width * height * 3) as usize].into(),
        ..Image::default()
    }
}

/// A demonstration of so many milliseconds: joints at 100, pictures at 25, the leader at 50 messages a second.
pub(crate) fn demonstration(length: i64) -> Vec<Said> {
    let mut said = Vec::new();
    for at in (0..=length).step_by(10) {
        said.push(self::said(at, "/joint_states", &state(at, joints(at))));
        if at % 40 == 0 {
            said.push(self::said(at, "/front", &picture(at, [16, 12])));
        }
        if at % 20 == 0 {
            said.push(self::said(at, "/leader", &state(at, leader(at))));
        }
    }
    said
}

/// Writes a bag.
pub(crate) fn write(folder: &Path, said: &[Said], notes: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
    let notes = notes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut writer = bag::create(folder, &bag::Options { notes, ..bag::Options::default() })?;
    let mut topics: Vec<Arc<Topic>> = Vec::new();
    for one in said {
        let known = topics.iter().find(|topic| topic.name == one.topic && topic.type_name == one.type_name);
        let topic = match known {
            Some(topic) => Arc::clone(topic),
            None => {
                let topic = Arc::new(Topic::new(one.topic.clone(), one.type_name).with(Qos::reliable(10)));
                writer.declare(&topic, "", "")?;
                topics.push(Arc::clone(&topic));
                topic
            }
        };
        let (received, cdr) = (instant(one.at), one.cdr.clone());
        writer.write(&Sample { topic, received, sent: None, publisher: None, sequence: None, cdr })?;
    }
    writer.finish()?;
    Ok(folder.to_owned())
}

/// A scratch folder with bags in it.
pub(crate) struct Scratch {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) bags: Vec<PathBuf>,
    pub(crate) settings: Settings,
}

impl Scratch {
    /// No bags yet, of the robot of `text`.
    pub(crate) fn of(text: &str) -> anyhow::Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            bags: Vec::new(),
            settings: Settings::parse(text, "robot.yaml")?,
        })
    }

    /// No bags yet, of [`ROBOT`].
    pub(crate) fn new() -> anyhow::Result<Self> {
        Self::of(ROBOT)
    }

    /// One more bag, with a message that no other has: the same demonstration twice would be found out.
    pub(crate) fn add(&mut self, said: &[Said], notes: &[(&str, &str)]) -> anyhow::Result<&mut Self> {
        let name = format!("episode_{:04}", self.bags.len());
        let path = self.folder.path().join(&name);
        let own = said.first().map(|first| {
            let header = Header { frame_id: name, ..header(first.at) };
            self::said(first.at, "/number", &header)
        });
        let said: Vec<Said> = said.iter().cloned().chain(own).collect();
        self.bags.push(write(&path, &said, notes)?);
        Ok(self)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The data set of the bags.
    pub(crate) fn open(&self, config: &Config) -> Result<Arc<Dataset>, Error> {
        let Settings { robot, observe, act, .. } = &self.settings;
        let act = act.as_ref().expect("the robot is moved");
        let quiet = |_: Progress<'_>| {};
        Dataset::open(&self.bags, Subject { robot, observe, act }, config, &self.cache(), &quiet)
            .map(Arc::new)
    }
}

/// Half a thousandth is what a 32-bit number of this size may be off by, and much less than any value here moves in a millisecond.
pub(crate) fn near(one: &[f32], other: &[f64]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| (f64::from(*one) - other).abs() < 5e-4)
}
