//! rosetta's contract: which topics its bag importer looks for, as it is noted in bags under `rosetta.contract_yaml`.
//!
//! rosetta refuses keys that it does not know and types that it cannot decode, so only what it takes is said: the rest of
//! what is observed stands under `adjunct`, which it records and does not decode. A contract says of its topics which
//! they are and how old a message may be, and nothing of how fast they come: read back, it holds a recording to that much.

mod promise;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Settings;
use crate::bus::{Error, Node};
use crate::data::observe::{Field, Stream, Time};
use crate::spec::{Act, Channel, Part, Source};

pub use promise::expected;

/// Where rosetta looks for a contract among a bag's notes.
pub const NOTE: &str = "rosetta.contract_yaml";

const JOINT_STATE: &str = "sensor_msgs/msg/JointState";
const TWIST: &str = "geometry_msgs/msg/TwistStamped";
/// The parts of a twist, as rosetta selects them.
const TWIST_PARTS: [&str; 6] = [
    "twist.linear.x",
    "twist.linear.y",
    "twist.linear.z",
    "twist.angular.x",
    "twist.angular.y",
    "twist.angular.z",
];

/// A contract, its keys in rosetta's order.
#[derive(Serialize)]
struct Contract<'a> {
    robot_type: &'a str,
    robot_interface: &'static str,
    fps: u32,
    /// A section without an entry is refused: it is left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    observations: BTreeMap<String, Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    actions: BTreeMap<&'static str, Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adjunct: Vec<Bare<'a>>,
}

/// One source of a key.
#[derive(Serialize)]
struct Entry<'a> {
    channel: Topic<'a>,
    align: Align,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    select: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apply: Vec<Apply>,
}

/// A topic that is recorded and not decoded.
#[derive(Serialize)]
struct Bare<'a> {
    channel: Topic<'a>,
}

#[derive(Serialize)]
struct Topic<'a> {
    topic: String,
    #[serde(rename = "type")]
    type_name: &'a str,
}

/// Which message stands for an instant, and whose clock says when it was.
#[derive(Serialize)]
struct Align {
    strategy: &'static str,
    timeline: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance_ms: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Apply {
    /// Height and width.
    Resize([u32; 2]),
}

impl Settings {
    /// The robot's file as rosetta's importer reads it; relative names are `node`'s.
    ///
    /// What may be missing is left out, because rosetta takes no bag without everything observed; so are actions that
    /// no topic tells of (kinesthetic teaching), because a contract has no word for the next observation.
    pub fn contract(&self, node: &Node) -> Result<String, Error> {
        let (mut observations, mut adjunct) = (BTreeMap::<String, Vec<Entry>>::new(), Vec::new());
        for (name, stream) in self.observe.streams.iter().filter(|(_, stream)| !stream.optional) {
            let topic = || Topic::new(node, stream.topic.as_str(), stream.type_name.as_str());
            match self.observation(name, stream) {
                Some((key, select)) => {
                    let entry =
                        Entry { channel: topic()?, align: align(stream), select, apply: apply(stream) };
                    observations.entry(key).or_default().push(entry);
                }
                None => adjunct.push(Bare { channel: topic()? }),
            }
        }
        let mut actions = BTreeMap::new();
        for (part, channel) in self.act.iter().flat_map(sources) {
            let topic = Topic::new(node, channel.topic.as_str(), channel.type_name.as_str())?;
            match action(part, channel) {
                Some(select) => {
                    // The newest there is: when a command was given is when it was received.
                    let align = Align { strategy: "hold", timeline: "receive", tolerance_ms: None };
                    let entry = Entry { channel: topic, align, select, apply: Vec::new() };
                    actions.entry("action").or_insert_with(Vec::new).push(entry);
                }
                None => adjunct.push(Bare { channel: topic }),
            }
        }
        let contract = Contract {
            robot_type: &self.robot.name,
            robot_interface: "ros2",
            // rosetta counts whole frames a second.
            fps: self.observe.rate_hz.round().max(1.0) as u32,
            observations,
            actions,
            adjunct,
        };
        Ok(serde_saphyr::to_string(&contract).expect("names, numbers and lists of them can be written"))
    }

    /// The key of an observed stream and what is selected of it; nothing where rosetta cannot decode it.
    fn observation(&self, name: &str, stream: &Stream) -> Option<(String, Vec<String>)> {
        let state = || "observation.state".to_owned();
        match stream.type_name.as_str() {
            JOINT_STATE => {
                let joints = self.robot.joints.iter().filter_map(|joint| joint.strip_prefix(&stream.prefix));
                let joints: Vec<&str> = joints.collect();
                let select = |field: &Field| -> Vec<String> {
                    joints.iter().map(|joint| format!("{}.{joint}", field.word())).collect()
                };
                Some((state(), stream.fields.iter().flat_map(select).collect()))
            }
            TWIST => Some((state(), TWIST_PARTS.map(String::from).to_vec())),
            _ if stream.size.is_some() => Some((format!("observation.images.{name}"), Vec::new())),
            _ => None,
        }
    }
}

/// The parts whose actions a topic tells of.
fn sources(act: &Act) -> impl Iterator<Item = (&Part, &Channel)> {
    act.parts.values().filter_map(|part| match &part.from {
        Source::Topic(channel) => Some((part, channel)),
        Source::Next(_) => None,
    })
}

/// What is selected of a topic that tells of a part's actions; nothing where rosetta cannot decode it.
fn action(part: &Part, channel: &Channel) -> Option<Vec<String>> {
    let bare = |joint: &String| joint.strip_prefix(&channel.prefix).unwrap_or(joint).to_owned();
    match channel.type_name.as_str() {
        JOINT_STATE | "trajectory_msgs/msg/JointTrajectory" => {
            Some(part.joints.iter().map(|joint| format!("position.{}", bare(joint))).collect())
        }
        // The values have no names; what is selected says how many there are.
        "std_msgs/msg/Float64MultiArray" => Some(part.joints.iter().map(bare).collect()),
        TWIST => Some(TWIST_PARTS.map(String::from).to_vec()),
        _ => None,
    }
}

/// rosetta does not interpolate: the newest stands for the instant, as long as it is not too old.
fn align(stream: &Stream) -> Align {
    let timeline = match stream.time {
        Time::Header => "header",
        Time::Receive => "receive",
    };
    Align { strategy: "asof", timeline, tolerance_ms: Some(stream.max_age_ms.ceil().max(1.0) as u32) }
}

fn apply(stream: &Stream) -> Vec<Apply> {
    stream.size.iter().map(|[width, height]| Apply::Resize([*height, *width])).collect()
}

impl<'a> Topic<'a> {
    fn new(node: &Node, name: &str, type_name: &'a str) -> Result<Self, Error> {
        Ok(Self { topic: node.resolve(name)?, type_name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROBOT: &str = "
robot: {name: two, joints: [left/a, left/b, right/a]}
observe:
  rate_hz: 29.97
  streams:
    left: {topic: left/joint_states, type: sensor_msgs/msg/JointState, prefix: left/, fields: [position, velocity],
           align: linear, max_age_ms: 33.4, time: header}
    front: {topic: /front, type: sensor_msgs/msg/Image, size: [640, 480], align: newest, max_age_ms: 100}
    object: {topic: /object, type: geometry_msgs/msg/PoseStamped, align: newest, max_age_ms: 100}
    spare: {topic: /spare, type: sensor_msgs/msg/Image, size: [64, 48], align: newest, max_age_ms: 100, optional: true}
act:
  rate_hz: 50
  parts:
    left: {joints: [left/a, left/b], from: {topic: /leader, type: sensor_msgs/msg/JointState, prefix: left/},
           to: {topic: /commands, type: std_msgs/msg/Float64MultiArray}}
    right: {joints: [right/a], from: {next: left}, to: {topic: /other, type: std_msgs/msg/Float64MultiArray}}
";

    #[test]
    fn a_robots_file_is_told_as_rosetta_reads_it() -> anyhow::Result<()> {
        let settings = Settings::parse(ROBOT, "robot.yaml")?;
        let text = settings.contract(&Node::new("recorder", "/cell")?)?;
        let told: serde_json::Value = serde_saphyr::from_str(&text)?;
        let expected = serde_json::json!({
            "robot_type": "two", "robot_interface": "ros2", "fps": 30,
            "observations": {
                "observation.images.front": [{
                    "channel": {"topic": "/front", "type": "sensor_msgs/msg/Image"},
                    "align": {"strategy": "asof", "timeline": "receive", "tolerance_ms": 100},
                    "apply": [{"resize": [480, 640]}],
                }],
                "observation.state": [{
                    "channel": {"topic": "/cell/left/joint_states", "type": "sensor_msgs/msg/JointState"},
                    "align": {"strategy": "asof", "timeline": "header", "tolerance_ms": 34},
                    "select": ["position.a", "position.b", "velocity.a", "velocity.b"],
                }],
            },
            "actions": {"action": [{
                "channel": {"topic": "/leader", "type": "sensor_msgs/msg/JointState"},
                "align": {"strategy": "hold", "timeline": "receive"},
                "select": ["position.a", "position.b"],
            }]},
            "adjunct": [{"channel": {"topic": "/object", "type": "geometry_msgs/msg/PoseStamped"}}],
        });
        assert_eq!(told, expected, "{text}");
        Ok(())
    }
}
