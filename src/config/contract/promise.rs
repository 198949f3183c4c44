//! What a contract promises of a recording: its topics, and how long each may be silent.
//!
//! Contracts come from other programs and later versions: what is not known here is passed over, and only what cannot be
//! a contract at all is refused. Nothing that one names is ever loaded or run; in rosetta a `decoder` is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::Location;

use crate::config::Error;
use crate::config::tree::{Layer, Place, said_without_place};
use crate::spec::Expect;

/// As much of a contract as a recording can be held to.
#[derive(Deserialize)]
struct Contract {
    fps: f64,
    #[serde(default)]
    observations: BTreeMap<String, Sources>,
    #[serde(default)]
    actions: BTreeMap<String, Sources>,
    #[serde(default)]
    adjunct: Vec<Source>,
    #[serde(default)]
    tasks: BTreeMap<String, Sources>,
    #[serde(default)]
    rewards: BTreeMap<String, Sources>,
    #[serde(default)]
    signals: BTreeMap<String, Sources>,
    #[serde(default)]
    info: BTreeMap<String, Sources>,
    #[serde(default)]
    complementary_data: BTreeMap<String, Sources>,
}

/// What is behind a key: one source, or several whose values stand side by side.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sources {
    Several(Vec<Source>),
    One(Source),
}

#[derive(Deserialize)]
struct Source {
    channel: Channel,
    align: Option<Align>,
}

#[derive(Deserialize)]
struct Channel {
    topic: String,
    #[serde(rename = "type")]
    type_name: String,
}

#[derive(Deserialize)]
struct Align {
    strategy: String,
    tolerance_ms: Option<f64>,
}

impl Sources {
    fn each(&self) -> &[Source] {
        match self {
            Self::Several(sources) => sources,
            Self::One(source) => std::slice::from_ref(source),
        }
    }
}

/// What the contract `text` lets expect of a recording; `name` stands for where it is from in errors.
///
/// What is observed, where actions come from and what is recorded beside them must be there; prompts, rewards and signals
/// may be missing. `asof` bounds how old a message may be, `drop` takes none from before the frame: only they say how often a
/// topic must speak.
pub fn expected(text: &str, name: &str) -> Result<Vec<Expect>, Error> {
    let contract: Contract = serde_saphyr::from_str(text).map_err(|source| {
        let at = source.location().unwrap_or(Location::UNKNOWN);
        let layer = Arc::new(Layer { name: name.to_owned(), order: 0 });
        let place = Place { layer, line: at.line(), column: at.column() };
        Error::Yaml { place, why: said_without_place(&source) }
    })?;
    let mut expected: Vec<Expect> = Vec::new();
    let Contract { observations, actions, tasks, rewards, signals, info, complementary_data, .. } = &contract;
    let must = [observations, actions].into_iter().flat_map(BTreeMap::values).flat_map(Sources::each);
    let may = [tasks, rewards, signals, info, complementary_data].into_iter().flat_map(BTreeMap::values);
    for source in must.chain(&contract.adjunct) {
        add(&mut expected, source.promise(contract.fps, false));
    }
    for source in may.flat_map(Sources::each) {
        add(&mut expected, source.promise(contract.fps, true));
    }
    Ok(expected)
}

/// One topic may be a source of several keys.
fn add(expected: &mut Vec<Expect>, one: Expect) {
    match expected.iter_mut().find(|known| known.topic == one.topic) {
        Some(known) => {
            known.rate_hz = known.rate_hz.or(one.rate_hz);
            known.max_age = known.max_age.into_iter().chain(one.max_age).min();
            known.optional &= one.optional;
        }
        None => expected.push(one),
    }
}

impl Source {
    fn promise(&self, fps: f64, optional: bool) -> Expect {
        let Channel { topic, type_name } = &self.channel;
        let align = self.align.as_ref();
        let how = |strategy: &str| align.filter(|align| align.strategy == strategy);
        let tolerance = how("asof").and_then(|align| align.tolerance_ms);
        Expect {
            // As it reads in a bag, where every name is a full one.
            topic: format!("/{}", topic.trim_start_matches('/')),
            type_name: Some(type_name.clone()),
            rate_hz: how("drop").map(|_| fps).filter(|fps| *fps > 0.0),
            max_age: tolerance.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok()),
            optional,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As rosetta writes them: shared blocks under a key of its own, one source or several, sections unknown to us.
    const CONTRACT: &str = "
robot_type: cell
robot_interface: ros2
fps: 20
x-qos:
  camera: &camera {reliability: best_effort, history: keep_last, depth: 10}
observations:
  observation.images.front:
    channel: {topic: /front/compressed, type: sensor_msgs/msg/CompressedImage, qos: *camera}
    align: {strategy: asof, timeline: header, tolerance_ms: 120}
    apply: [resize: [224, 224]]
  observation.state:
    - channel: {topic: /arm/joint_states, type: sensor_msgs/msg/JointState, qos: {depth: 50}}
      align: {strategy: hold, timeline: header}
      select: [position.a, position.b]
      apply: [rad2deg]
    - channel: {topic: battery, type: my_msgs/msg/Battery, dtype: float64, decoder: 'my.codecs:decode'}
      align: {strategy: drop, timeline: receive}
      select: [percentage]
actions:
  action:
    channel: {topic: /leader/joint_states, type: sensor_msgs/msg/JointState, safety: hold}
    align: {strategy: hold, timeline: header}
    select: [position.a, position.b]
teleop:
  events: {channel: {topic: /joy, type: sensor_msgs/msg/Joy}, select: {success: buttons.0}}
tasks:
  task: {channel: {topic: /prompt, type: std_msgs/msg/String}}
signals:
  next.done:
    channel: {topic: /done, type: std_msgs/msg/Bool, dtype: bool}
    align: {strategy: hold, timeline: receive}
adjunct:
  - channel: {topic: /tf, type: tf2_msgs/msg/TFMessage}
";

    #[test]
    fn a_contract_as_rosetta_writes_it_is_read() -> Result<(), Error> {
        let expect = |topic: &str, type_name: &str, optional| Expect {
            type_name: Some(type_name.to_owned()),
            optional,
            ..Expect::any(topic)
        };
        let front = expect("/front/compressed", "sensor_msgs/msg/CompressedImage", false);
        let battery = expect("/battery", "my_msgs/msg/Battery", false);
        assert_eq!(
            expected(CONTRACT, "the bag")?,
            [
                Expect { max_age: Some(Duration::from_millis(120)), ..front },
                expect("/arm/joint_states", "sensor_msgs/msg/JointState", false),
                Expect { rate_hz: Some(20.0), ..battery },
                expect("/leader/joint_states", "sensor_msgs/msg/JointState", false),
                expect("/tf", "tf2_msgs/msg/TFMessage", false),
                expect("/prompt", "std_msgs/msg/String", true),
                expect("/done", "std_msgs/msg/Bool", true),
            ]
        );
        Ok(())
    }

    #[test]
    fn what_cannot_be_a_contract_is_refused_at_its_place() {
        let error = expected("fps: 20\nobservations: [1]\n", "the bag").expect_err("a list of a number");
        assert!(error.to_string().starts_with("the bag:2:15: "), "{error}");
        assert!(expected("robot_type: x\n", "the bag").is_err(), "without its rate");
    }
}
